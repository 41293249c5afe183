"""Of Unity Catalog what a check reads: catalogs, schemas, privileges; and who calls."""

from __future__ import annotations

from sandbox.databricks import errors
from sandbox.databricks.calls import Body, Call, Reply

CATALOG, SCHEMA, WAREHOUSE = "main", "default", "0123456789abcdef"
"""Those that exist."""
_PRIVILEGES = {"catalog": ("USE_CATALOG",), "schema": ("USE_SCHEMA", "CREATE_TABLE")}


class Catalog:
    """Answers reads. Whoever has a token has all privileges."""

    def __init__(self) -> None:
        self.handlers = {
            "catalogs.get": self._catalog,
            "schemas.get": self._schema,
            "grants.get_effective": self._grants,
            "current_user.me": self._me,
            "warehouses.get": self._warehouse,
        }

    @staticmethod
    def has_schema(full_name: str) -> bool:
        """Whether a schema exists: `main.default`."""
        return full_name == f"{CATALOG}.{SCHEMA}"

    def _catalog(self, call: Call) -> Reply:
        return Reply(_known("Catalog", call.params["name"], CATALOG))

    def _schema(self, call: Call) -> Reply:
        return Reply(
            _known("Schema", call.params["full_name"], f"{CATALOG}.{SCHEMA}") | {"catalog_name": CATALOG}
        )

    def _grants(self, call: Call) -> Reply:
        kind, name = call.params["securable_type"].lower(), call.params["full_name"]
        if kind not in _PRIVILEGES:
            raise errors.NOT_IMITATED.refusal(what=f"privileges of a {kind}")
        _known(kind.capitalize(), name, CATALOG if kind == "catalog" else f"{CATALOG}.{SCHEMA}")
        principal = call.asked("principal") or call.user
        privileges: list[Body] = [{"privilege": each} for each in _PRIVILEGES[kind]]
        return Reply({"privilege_assignments": [{"principal": principal, "privileges": privileges}]})

    def _warehouse(self, call: Call) -> Reply:
        check_warehouse(call.params["id"])
        return Reply({"id": WAREHOUSE, "name": "sandbox", "state": "RUNNING", "warehouse_type": "PRO"})

    def _me(self, call: Call) -> Reply:
        return Reply({"id": "1", "userName": call.user, "displayName": call.user, "active": True})


def check_warehouse(id_: str) -> None:
    """See that there is a SQL warehouse of this id.

    Raises:
        Refusal: there is none.
    """
    if id_ != WAREHOUSE:
        raise errors.NOT_FOUND.refusal(kind="SQL warehouse", name=id_)


def _known(kind: str, name: str, known: str) -> Body:
    if name != known:
        raise errors.NOT_FOUND.refusal(kind=kind, name=f"'{name}'")
    return {"name": name.rpartition(".")[2], "full_name": name}
