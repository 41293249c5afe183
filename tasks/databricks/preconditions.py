"""The prerequisites of an index: what is there, what is missing, and the command that fixes it. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable

from tasks.databricks.clients import connect
from tasks.databricks.endpoints import list_endpoints
from tasks.databricks.errors import calling
from tasks.databricks.marks import tags_of
from tasks.databricks.serving import wait_for_serving
from tasks.databricks.settings import DatabricksSettings
from tasks.errors import PermanentError, TransientError
from tasks.findings import Finding
from tasks.marks import MANAGED_BY
from tasks.steps import step
from tasks.waiting import Deadline

MOST_ENDPOINTS = 100
"""Of a workspace; from memory of the page "Resource and data size limits"."""
_ALL = {"ALL_PRIVILEGES", "MANAGE"}


@step("check preconditions of {settings.where}")
def read_preconditions(settings: DatabricksSettings) -> tuple[Finding, ...]:
    """Look at everything that a build needs: the login, the schema and privileges on it, endpoints, and the warehouse if one is set."""
    catalog, _, _ = settings.catalog_schema.partition(".")
    login = _looked("login", lambda: _me(settings))
    if login.state != "ok":
        whats = (
            f"catalog {catalog}",
            f"schema {settings.catalog_schema}",
            "vector search endpoints",
            "SQL warehouse",
        )
        unknown = (
            Finding(what=what, state="unknown", seen="cannot be checked without a login") for what in whats
        )
        return (login, *unknown)
    me = login.seen
    return (
        login,
        _looked(f"catalog {catalog}", lambda: _granted(settings, "CATALOG", catalog, me, ("USE_CATALOG",))),
        _looked(
            f"schema {settings.catalog_schema}",
            lambda: _granted(settings, "SCHEMA", settings.catalog_schema, me, ("USE_SCHEMA", "CREATE_TABLE")),
            command=f"databricks grants update schema {settings.catalog_schema} --json "
            f'\'{{"changes": [{{"principal": "{me}", "add": ["USE_SCHEMA", "CREATE_TABLE"]}}]}}\'',
        ),
        _looked("vector search endpoints", lambda: _quota(settings)),
        _warehouse(settings),
    )


def _warehouse(settings: DatabricksSettings) -> Finding:
    """The warehouse that fills source tables; only Delta Sync indexes need one."""
    what, id_ = "SQL warehouse for source tables", settings.warehouse_id
    if id_ is None:
        return Finding(
            what=what,
            state="not needed",
            seen="DATABRICKS_WAREHOUSE_ID is not set; Delta Sync indexes need it",
        )

    def look() -> str:
        with calling(f"read warehouse {id_}"):
            found = connect(settings).warehouses.get(id_)
        return f"{found.name}, {found.state.value if found.state else 'in an unknown state'}"

    return _looked(what, look)


@step("check model serving endpoint {name}")
def read_serving(settings: DatabricksSettings, name: str, deadline: Deadline) -> Finding:
    """A model serving endpoint, waited for until it is READY and its model answers."""
    return _looked(
        f"model serving endpoint {name}", lambda: str(wait_for_serving.fn(settings, name, deadline))
    )


class _Missing(PermanentError):
    """A look found that something is missing."""


def _looked(what: str, look: Callable[[], str], command: str = "") -> Finding:
    try:
        return Finding(what=what, state="ok", seen=look())
    except TransientError as error:
        return Finding(what=what, state="unknown", seen=str(error))
    except PermanentError as error:
        return Finding(what=what, state="missing", seen=str(error), command=command)


def _me(settings: DatabricksSettings) -> str:
    with calling("read who calls"):
        return connect(settings).users.me().user_name or ""


def _granted(
    settings: DatabricksSettings, kind: str, name: str, principal: str, wanted: tuple[str, ...]
) -> str:
    clients = connect(settings)
    with calling(f"read {kind.lower()} {name}"):
        clients.catalogs.get(name) if kind == "CATALOG" else clients.schemas.get(name)
    with calling(f"read the privileges on {kind.lower()} {name}"):
        found = clients.grants.get_effective(kind, name, principal=principal)
    held = {
        each.privilege.value
        for assignment in found.privilege_assignments or ()
        for each in assignment.privileges or ()
        if each.privilege
    }
    lacking = [] if held & _ALL else [each for each in wanted if each not in held]
    if lacking:
        raise _Missing(f"{principal} lacks {' and '.join(lacking)}")
    return f"exists, with {', '.join(wanted)}"


def _quota(settings: DatabricksSettings) -> str:
    there = list_endpoints(settings)
    if len(there) >= MOST_ENDPOINTS:
        raise _Missing(f"the workspace has {len(there):,}, and at most {MOST_ENDPOINTS} are allowed")
    ours = {
        each.name or "": each.num_indexes or 0 for each in there if tags_of(each).get("managed_by") == MANAGED_BY
    }  # fmt: skip
    said = f"{len(there):,} of {MOST_ENDPOINTS}"
    if ours:
        shown = (
            f"{name} ({'idle, without an index' if not count else 'in use'})" for name, count in ours.items()
        )
        said += f"; of this project: {', '.join(shown)}"
    return said
