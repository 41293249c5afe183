"""Plans are made without a server of Prefect's."""

from tests.flows.plans.planning import flows, sandbox  # noqa: F401 -- fixtures
