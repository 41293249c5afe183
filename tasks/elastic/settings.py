"""How to reach an Elasticsearch cluster. Passed in, never imported as a global."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.errors import InvalidInput
from tasks.program import PROGRAM
from tasks.settings import sandbox_environment

ElasticTarget = Literal["sandbox", "elastic"]


class ElasticSettings(BaseModel, frozen=True):
    """What is needed to reach Elasticsearch."""

    url: str | None = Field(
        default=None, description="The address of the cluster: https://search.example.org:9200."
    )
    cloud_id: str | None = Field(default=None, description="An Elastic Cloud id, in place of the address.")
    api_key: SecretStr | None = Field(
        default=None, description="An API key, as Kibana shows it (encoded); in place of name and password."
    )
    username: str | None = Field(default=None, description="The user's name, with a password.")
    password: SecretStr | None = Field(default=None, description="The user's password.")
    ca_file: Path | None = Field(
        default=None, description="The certificate authority (PEM) to trust; default: the system's."
    )

    @model_validator(mode="after")
    def _say_where_and_who(self) -> ElasticSettings:
        if (self.url is None) == (self.cloud_id is None):
            raise ValueError("exactly one of ELASTIC_URL and ELASTIC_CLOUD_ID")
        if (self.username is None) != (self.password is None):
            raise ValueError("ELASTIC_USERNAME and ELASTIC_PASSWORD together")
        if self.api_key is not None and self.username is not None:
            raise ValueError("either ELASTIC_API_KEY or ELASTIC_USERNAME and ELASTIC_PASSWORD, not both")
        return self


class _ElasticEnvironment(ElasticSettings, BaseSettings, frozen=True):  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- pydantic merges the two configurations
    model_config = SettingsConfigDict(env_prefix="ELASTIC_", env_file=".env", extra="ignore")


def elastic_settings(target: ElasticTarget) -> ElasticSettings:
    """The settings of a target.

    Raises:
        InvalidInput: a setting is missing or wrong, or no sandbox is running.
    """
    if target == "sandbox":
        environment = sandbox_environment()
        if "ELASTIC_URL" not in environment:
            raise InvalidInput(
                "The running sandbox has no Elasticsearch",
                remedy=f"Restart it: `{PROGRAM} down`, then `{PROGRAM} up`.",
            )
        key = environment.get("ELASTIC_API_KEY")
        return ElasticSettings(url=environment["ELASTIC_URL"], api_key=SecretStr(key) if key else None)
    try:
        found = _ElasticEnvironment()
    except ValidationError as error:
        said = "; ".join(str(e["msg"]).removeprefix("Value error, ") for e in error.errors())
        raise InvalidInput(
            f"The target elastic needs {said}",
            source="the environment or .env",
            remedy="For example: export ELASTIC_URL=https://search.example.org:9200 ELASTIC_API_KEY=...",
        ) from None
    return ElasticSettings(**found.model_dump())
