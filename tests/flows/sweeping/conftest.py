"""Sweeps run on stand-ins of every engine, without a server of Prefect's."""

from tests.flows.plans.planning import flows, sandbox  # noqa: F401 -- fixtures
