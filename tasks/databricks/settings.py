"""How to reach a Databricks workspace, and the schema that indexes are made in. Passed in, never imported as a global."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.redaction import hide, hide_userinfo
from tasks.settings import Key, from_environment, sandbox_environment

_HOST = re.compile(r"(https?://)?[A-Za-z0-9.-]+(:\d{1,5})?")


def _address(host: str) -> str:
    """The workspace's address, with its scheme. A key may have been set in its place, so a wrong one is not shown."""
    host = host.rstrip("/")
    if not _HOST.fullmatch(host) or "." not in host:
        hide(host)
        hide_userinfo(host)
        raise ValueError(
            "the workspace's address alone, as in https://dbc-a1b2345c-d6e7.cloud.databricks.com"
        )
    return host if "://" in host else f"https://{host}"


def _schema(name: str) -> str:
    # Unity Catalog, "Names": no periods, spaces, slashes, control characters.
    if not re.fullmatch(r"[^./\s\x00-\x1f\x7f]{1,255}\.[^./\s\x00-\x1f\x7f]{1,255}", name):
        raise ValueError("catalog.schema, as in main.default")
    return name


class DatabricksSettings(BaseModel, frozen=True, str_strip_whitespace=True, hide_input_in_errors=True):
    """What is needed to reach a workspace."""

    host: Annotated[str, AfterValidator(_address)] = Field(
        description="The workspace's address: https://dbc-a1b2345c-d6e7.cloud.databricks.com."
    )
    catalog_schema: Annotated[str, AfterValidator(_schema)] = Field(
        description="The schema of Unity Catalog that indexes are made in, with its catalog: main.default. It needs USE SCHEMA and "
        "CREATE TABLE, because an index is a table too."
    )
    token: Key = Field(default=None, description="A personal access token.")
    client_id: str | None = Field(
        default=None, description="A service principal's client id, in place of a token."
    )
    client_secret: Key = Field(default=None, description="The service principal's OAuth secret.")

    warehouse_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_-]+$",
        description="The SQL warehouse that makes and fills the source table of a Delta Sync index.",
    )

    @property
    def where(self) -> str:
        """What a name is unique in: the workspace, and the schema."""
        return f"{urlsplit(self.host).hostname}.{self.catalog_schema}"

    @property
    def is_sandbox(self) -> bool:
        """Whether this is a stand-in, which costs nothing: the real service speaks HTTPS alone."""
        return urlsplit(self.host).scheme == "http"

    @model_validator(mode="after")
    def _say_who(self) -> DatabricksSettings:
        if (self.client_id is None) != (self.client_secret is None):
            raise ValueError("DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET together")
        if (self.token is None) == (self.client_id is None):
            raise ValueError("either DATABRICKS_TOKEN or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET")
        return self


class WorkspaceSettings(DatabricksSettings, frozen=True):
    """What is needed to reach a workspace of Databricks itself."""

    @field_validator("host", mode="after")
    @classmethod
    def _with_https(cls, host: str) -> str:
        if not host.startswith("https://"):
            raise ValueError("which begins with https://; for a local stand-in, use --target sandbox")
        return host


class _DatabricksEnvironment(WorkspaceSettings, BaseSettings, frozen=True):  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- pydantic merges the two configurations
    model_config = SettingsConfigDict(env_prefix="DATABRICKS_", env_file=".env", extra="ignore")


def databricks_settings(target: Literal["sandbox", "databricks"]) -> DatabricksSettings:
    """The settings of a target.

    Raises:
        InvalidInput: a setting is missing or wrong, or no sandbox is running.
    """
    if target == "sandbox":
        environment = sandbox_environment("DATABRICKS_HOST", "Databricks")
        return DatabricksSettings(
            host=environment["DATABRICKS_HOST"],
            catalog_schema=environment["DATABRICKS_CATALOG_SCHEMA"],
            warehouse_id=environment["DATABRICKS_WAREHOUSE_ID"],
            # One that asks for no token takes any.
            token=SecretStr(environment.get("DATABRICKS_TOKEN", "none")),
        )
    found = from_environment(
        _DatabricksEnvironment,  # pyright: ignore[reportArgumentType] -- filled from the environment
        target=target,
        prefix="DATABRICKS_",
        example="DATABRICKS_HOST=https://dbc-a1b2345c-d6e7.cloud.databricks.com DATABRICKS_TOKEN=... DATABRICKS_CATALOG_SCHEMA=main.default",
    )
    return DatabricksSettings(**found.model_dump())
