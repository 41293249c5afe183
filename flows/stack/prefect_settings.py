"""The settings of the local stack's own Prefect, each with its reason. A server of your own has its own settings."""

from __future__ import annotations

import os
from pathlib import Path

from flows import engines
from flows.automations.catalog import HEARTBEAT_SECONDS
from flows.stack import key
from flows.work_pools import PROCESS
from tasks.settings import SANDBOX

POOL = PROCESS.name
"""The process work pool of the local stack; deployments/prefect.yaml names it too."""


def api_url(port: int) -> str:
    """The address of the API of the local stack's server."""
    return f"{ui_url(port)}/api"


def ui_url(port: int) -> str:
    """The address of its UI, the only origin whose pages the server answers."""
    return f"http://127.0.0.1:{port}"


def without_proxy() -> str:
    """NO_PROXY with loopback added: the stack is never behind a proxy."""
    return ",".join(
        filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1", "localhost"])
    )


def environment(home: Path, port: int) -> dict[str, str]:
    """The environment of every process of a stack, by its home folder and its server's port.

    Nothing of a Prefect that the user works with elsewhere gets in: neither its database nor its API key.

    Raises:
        NoKey: the home folder has no key that may be used.
    """
    auth_string = key.read(home)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    inherited.pop("VECTOR_SEARCH_SANDBOX", None)
    package_root = str(Path(__file__).parents[2])
    return (
        inherited
        | {
            "VECTOR_SEARCH_HOME": str(home),  # absolute: a worker runs flows in a folder of its own
            # Fills in the targets in deployments/prefect.yaml.
            **{engine.target_variable: SANDBOX for engine in engines.ENGINES},
            # The processes run in the home folder and must import the same source that starts them.
            "PYTHONPATH": os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")])),
            # And nothing else: `python -m` would look first into the folder that it runs in, and at a `tasks.py` there.
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",  # the end of a log must show why a process died
            "NO_PROXY": without_proxy(),
            "PREFECT_HOME": str(home / "prefect"),  # database and profiles of its own
            "PREFECT_API_URL": api_url(port),
            # Otherwise the UI looks for the API at Prefect's default port.
            "PREFECT_UI_API_URL": api_url(port),
            # A worker runs any command that the API is told to run: the server asks for the key, all clients send it.
            "PREFECT_SERVER_API_AUTH_STRING": auth_string,
            "PREFECT_API_AUTH_STRING": auth_string,
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ui_url(port),  # Prefect's default is every origin
            "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",  # nothing may start a second server by accident
            # In memory, the slot of a run that dies with the server would stay occupied forever.
            "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # the server calls nobody
            "PREFECT_SERVER_UI_V2_ENABLED": "false",  # the newer UI contacts an analytics host all the same
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "DO_NOT_TRACK": "1",  # nor do its clients
            "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",  # only Prefect Cloud would show these samples
            "PREFECT_WORKER_QUERY_SECONDS": "2",  # a run starts within seconds; the default of 10 spares a shared server
            # Both for flows/automations/catalog.py: by its heartbeats a run is known to be alive, and a run that died while
            # the server was down is found afterwards; by default, the server forgets it after a minute.
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": str(HEARTBEAT_SECONDS),
            "PREFECT_SERVER_EVENTS_EXPIRED_BUCKET_BUFFER": "P1D",
            "PREFECT_CLI_PROMPT": "false",  # nobody is there to answer
            "PREFECT_LOGGING_COLORS": "false",  # logs are files
            "NO_COLOR": "1",
        }
    )
