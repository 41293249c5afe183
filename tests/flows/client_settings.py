"""How a test talks to a stack's Prefect server through Prefect's own client."""

from __future__ import annotations

from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

from sandbox.google_cloud.project import LOCATION, PROJECT
from tasks.artifact_keys import artifact_key


def client_settings(stack):
    """The settings of a client of that stack, for a `with` block."""
    return temporary_settings({PREFECT_API_URL: stack.api_url, PREFECT_API_AUTH_STRING: stack.key})


def slot_of(engine, name, on=None):
    """The slot of a name on the usual stand-ins; of answers, on the engine that holds the passages."""
    where = {"elastic": "127.0.0.1", "answers": "127.0.0.1", "databricks": "127.0.0.1.main.default"}
    return artifact_key(engine, name, where.get(on or engine, f"{PROJECT}-{LOCATION}"))
