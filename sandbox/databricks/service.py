"""A Databricks workspace as a service of the sandbox. The server is loaded when it starts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sandbox.announced import SandboxError
from sandbox.databricks.options import DatabricksOptions
from sandbox.keys import Keys
from sandbox.ports import Ports
from sandbox.service import Running, Service

_NAME = "databricks"


def _start(state: Path, options: DatabricksOptions, ports: Ports, keys: Keys) -> Running:
    from sandbox.databricks.server import DatabricksServer  # noqa: PLC0415 - numpy and Starlette
    from sandbox.databricks.tables.catalog import CATALOG, SCHEMA, WAREHOUSE  # noqa: PLC0415
    from sandbox.databricks.tokens import PRINCIPAL  # noqa: PLC0415

    try:
        server = DatabricksServer(state, options, ports.take(_NAME), keys.of(_NAME))
    except OSError as error:
        raise SandboxError(f"The Databricks stand-in cannot start: {error}") from error
    server.start()
    tokens = server.tokens
    # Not DATABRICKS_CLIENT_ID: the SDK refuses two ways to log in.
    principal = {
        "DATABRICKS_SANDBOX_CLIENT_ID": PRINCIPAL,
        "DATABRICKS_SANDBOX_CLIENT_SECRET": tokens.client_secret,
    }
    secrets = {"DATABRICKS_TOKEN": tokens.personal, **principal} if tokens.personal else {}
    return Running(
        environment={
            "DATABRICKS_HOST": server.url,
            **secrets,
            "DATABRICKS_CATALOG_SCHEMA": f"{CATALOG}.{SCHEMA}",
            "DATABRICKS_WAREHOUSE_ID": WAREHOUSE,
        },
        stop=server.stop,
    )


def _coverage() -> Iterable[str]:
    from sandbox.databricks import coverage  # noqa: PLC0415 - loads the server and the official client

    return coverage.lines()


DATABRICKS = Service(
    name=_NAME,
    title="Databricks Vector Search",
    options=DatabricksOptions,
    prefix=_NAME,
    ports=(_NAME,),
    start=_start,
    coverage=_coverage,
)
