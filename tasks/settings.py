"""Where a flow works: the target and what is needed to reach it. Passed in, never imported as a global.

The target is always explicit. `google-cloud` and `elastic` take their settings from the environment or a `.env` file and
fail when one is missing; `sandbox` takes them only from the file that a running stand-in writes, so that no variable of
the real project can leak into it, or the other way round.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tasks.errors import InvalidInput

VertexTarget = Literal["sandbox", "google-cloud"]
ElasticTarget = Literal["sandbox", "elastic"]
Target = Literal["sandbox", "google-cloud", "elastic"]
"""Every target, for what serves both engines."""


def home() -> Path:
    """The folder for state, logs and reports: VECTOR_SEARCH_HOME, or `.vector-search-ops` in the current folder."""
    return Path(os.environ.get("VECTOR_SEARCH_HOME", ".vector-search-ops")).absolute()


def _names(value: object) -> object:
    """A list as an environment variable has it: `a, b`."""
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


class VertexSettings(BaseModel, frozen=True):
    """What is needed to reach Vertex AI Vector Search and Cloud Storage."""

    project: str = Field(min_length=1, description="The Google Cloud project's id.")
    location: str = Field(
        min_length=1, description="The region of indexes, endpoints and the bucket: us-central1."
    )
    bucket: str | None = Field(
        default=None,
        description="The bucket for import files; default PROJECT-vector-search-LOCATION, made when absent.",
    )
    network: str | None = Field(
        default=None,
        description="The peered VPC network of a `vpc` endpoint: projects/NUMBER/global/networks/NAME.",
    )
    psc_projects: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=(),
        description="The projects that may connect to a Private Service Connect endpoint, separated by commas; default: "
        "the own one.",
    )
    private_address: str | None = Field(
        default=None,
        description="The address of the forwarding rule to a Private Service Connect endpoint; the service reports none.",
    )
    jwt: SecretStr | None = Field(
        default=None, description="The token for a deployed index that asks for one."
    )
    api_endpoint: str | None = Field(
        default=None,
        description="host:port in place of LOCATION-aiplatform.googleapis.com; a sandbox has its own.",
    )
    storage_endpoint: str | None = Field(
        default=None, description="The address of Cloud Storage in place of Google's; only a sandbox has one."
    )
    ca_file: Path | None = Field(
        default=None,
        description="The certificate authority (PEM) to trust for api_endpoint; only a sandbox has one.",
    )

    @property
    def parent(self) -> str:
        """The location's resource name, `projects/PROJECT/locations/LOCATION`."""
        return f"projects/{self.project}/locations/{self.location}"

    @property
    def bucket_name(self) -> str:
        """The bucket for import files: the setting, or a name derived from project and location."""
        return self.bucket or f"{self.project}-vector-search-{self.location}"

    @property
    def is_sandbox(self) -> bool:
        """Whether this is a stand-in, where nothing is paid and no credentials are needed."""
        return self.ca_file is not None


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


class _ElasticEnvironment(ElasticSettings, BaseSettings, frozen=True):  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- as below
    model_config = SettingsConfigDict(env_prefix="ELASTIC_", env_file=".env", extra="ignore")


class _VertexEnvironment(VertexSettings, BaseSettings, frozen=True):  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- pydantic merges the two configurations
    model_config = SettingsConfigDict(env_prefix="VERTEX_", env_file=".env", extra="ignore")


def vertex_settings(target: VertexTarget) -> VertexSettings:
    """The settings of a target.

    Raises:
        InvalidInput: a setting is missing or wrong, or no sandbox is running.
    """
    if target == "sandbox":
        return _sandbox_settings()
    try:
        found = _VertexEnvironment()  # pyright: ignore[reportCallIssue] -- filled from the environment
    except ValidationError as error:
        wrong = sorted(
            f"VERTEX_{str(e['loc'][0]).upper()}" + ("" if e["type"] == "missing" else f" ({e['msg']})")
            for e in error.errors()
        )
        # Not "from error": its text shows all that was set, the token too.
        raise InvalidInput(
            f"The target google-cloud needs {' and '.join(wrong)}",
            source="the environment or .env",
            remedy="For example: export VERTEX_PROJECT=my-project VERTEX_LOCATION=us-central1",
        ) from None
    if found.ca_file is not None or found.storage_endpoint is not None:
        raise InvalidInput(
            "VERTEX_CA_FILE and VERTEX_STORAGE_ENDPOINT are a sandbox's own",
            source="the environment or .env",
            remedy="Unset them. Roots for a proxy of your own are told to gRPC by GRPC_DEFAULT_SSL_ROOTS_FILE_PATH.",
        )
    return VertexSettings(**found.model_dump())


def elastic_settings(target: ElasticTarget) -> ElasticSettings:
    """The settings of a target.

    Raises:
        InvalidInput: a setting is missing or wrong, or no sandbox is running.
    """
    if target == "sandbox":
        environment = _sandbox_environment()
        if "ELASTIC_URL" not in environment:
            raise InvalidInput(
                "The running sandbox has no Elasticsearch",
                remedy="Restart it: `python -m flows down`, then `python -m flows up`.",
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


def _sandbox_environment() -> dict[str, str]:
    """What a running sandbox announces.

    Raises:
        InvalidInput: none is running.
    """
    file = Path(os.environ.get("VECTOR_SEARCH_SANDBOX") or home() / "sandbox" / "sandbox.json")
    try:
        return json.loads(file.read_text())["environment"]
    except FileNotFoundError as error:
        raise InvalidInput(
            "No sandbox is running",
            value=str(file),
            source="VECTOR_SEARCH_SANDBOX or VECTOR_SEARCH_HOME",
            remedy="Start the local stack with `python -m flows up`, or the stand-ins alone with `python -m sandbox start`.",
        ) from error


def _sandbox_settings() -> VertexSettings:
    environment = _sandbox_environment()
    return VertexSettings(
        project=environment["VERTEX_PROJECT"],
        location=environment["VERTEX_LOCATION"],
        network=environment["VERTEX_NETWORK"],
        api_endpoint=environment["VERTEX_API_ENDPOINT"],
        storage_endpoint=environment["STORAGE_EMULATOR_HOST"],
        ca_file=Path(environment["VERTEX_CA_FILE"]),
    )
