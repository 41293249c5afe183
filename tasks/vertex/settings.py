"""How to reach Vertex AI Vector Search and Cloud Storage. Passed in, never imported as a global."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from tasks.errors import InvalidInput
from tasks.redaction import hide
from tasks.settings import Key, file_name, from_environment, sandbox_environment


def _names(value: object) -> object:
    """A list as an environment variable holds it: `a, b`."""
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


def _matching(pattern: str, accepted: str) -> AfterValidator:
    """A name that becomes part of resource names, and of files' names on this machine."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(accepted)
        return value

    return AfterValidator(check)


_Project = Annotated[
    str,
    # https://cloud.google.com/resource-manager/docs/creating-managing-projects; older ones begin with a domain.
    _matching(r"([a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*", "a project id of lower-case letters, digits and hyphens"),
]
_Location = Annotated[str, _matching(r"[a-z][a-z0-9-]*", "a region as us-central1")]


def _with_key(address: object) -> object:
    """An address whose path is a key, which no message shows from now on."""
    if isinstance(address, str):
        hide(urlsplit(address).path.strip("/"))
    return address


class GoogleCloudSettings(BaseModel, frozen=True, str_strip_whitespace=True, hide_input_in_errors=True):
    """What is needed to reach Google's own services."""

    project: _Project = Field(description="The Google Cloud project's id.")
    location: _Location = Field(description="The region of indexes, endpoints and the bucket: us-central1.")
    bucket: str | None = Field(
        default=None,
        description="The bucket for import files; default PROJECT-vector-search-LOCATION, created if absent.",
    )
    network: str | None = Field(
        default=None,
        description="The peered VPC network of a `vpc` endpoint: projects/NUMBER/global/networks/NAME.",
    )
    psc_projects: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)] = Field(
        default=(),
        description="The projects that may connect to a Private Service Connect endpoint, separated by commas; default: "
        "your own.",
    )
    private_address: str | None = Field(
        default=None,
        description="The address of the forwarding rule to a Private Service Connect endpoint; the service reports none.",
    )
    jwt: Key = Field(default=None, description="The token for a deployed index that requires one.")
    api_endpoint: str | None = Field(
        default=None,
        description="host:port in place of LOCATION-aiplatform.googleapis.com; a sandbox has its own.",
    )
    collections_endpoint: str | None = Field(
        default=None,
        description="host:port in place of vectorsearch.googleapis.com, for collections; a sandbox has its own.",
    )


class VertexSettings(GoogleCloudSettings, frozen=True):
    """What is needed to reach Vertex AI Vector Search and Cloud Storage, Google's or a sandbox's."""

    storage_endpoint: Annotated[str | None, BeforeValidator(_with_key)] = Field(
        default=None, description="The address of Cloud Storage in place of Google's; only a sandbox has one."
    )
    networks_endpoint: str | None = Field(
        default=None,
        description="The address of Compute Engine, Service Networking and Service Usage in place of Google's; only a sandbox "
        "has one.",
    )
    access_token: Key = Field(
        default=None,
        description="What a sandbox wants in place of Google's credentials; only a sandbox has one.",
    )
    ca_file: Annotated[Path, BeforeValidator(file_name)] | None = Field(
        default=None,
        description="The certificate authority (PEM) to trust for api_endpoint; only a sandbox has one.",
    )

    @property
    def parent(self) -> str:
        """The location's resource name, `projects/PROJECT/locations/LOCATION`."""
        return f"projects/{self.project}/locations/{self.location}"

    @property
    def where(self) -> str:
        """What a name is unique in: `my-project-us-central1`."""
        return f"{self.project}-{self.location}"

    @property
    def bucket_name(self) -> str:
        """The bucket for import files: the setting, or a name derived from project and location."""
        return self.bucket or f"{self.project}-vector-search-{self.location}"

    @property
    def is_sandbox(self) -> bool:
        """Whether this is a stand-in, which costs nothing and needs no credentials."""
        return self.ca_file is not None


OF_A_SANDBOX = tuple(
    name for name in VertexSettings.model_fields if name not in GoogleCloudSettings.model_fields
)
"""The settings that only a sandbox has."""


class _VertexEnvironment(VertexSettings, BaseSettings, frozen=True):  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- pydantic merges the two configurations
    model_config = SettingsConfigDict(env_prefix="VERTEX_", env_file=".env", extra="ignore")


def vertex_settings(target: Literal["sandbox", "google-cloud"]) -> VertexSettings:
    """The settings of a target.

    Raises:
        InvalidInput: a setting is missing or wrong, or no sandbox is running.
    """
    if target == "sandbox":
        return _sandbox_settings()
    found = from_environment(
        _VertexEnvironment,  # pyright: ignore[reportArgumentType] -- filled from the environment
        target=target,
        prefix="VERTEX_",
        example="VERTEX_PROJECT=my-project VERTEX_LOCATION=us-central1",
    )
    if any(getattr(found, name) is not None for name in OF_A_SANDBOX):
        variables = [f"VERTEX_{name.upper()}" for name in OF_A_SANDBOX]
        raise InvalidInput(
            f"{', '.join(variables[:-1])} and {variables[-1]} are a sandbox's own",
            source="the environment or .env",
            remedy="Unset them. To give gRPC the root certificates of your own proxy, set GRPC_DEFAULT_SSL_ROOTS_FILE_PATH.",
        )
    return VertexSettings(**found.model_dump())


def _sandbox_settings() -> VertexSettings:
    environment = sandbox_environment("VERTEX_PROJECT", "Vertex AI")
    token = environment.get("VERTEX_ACCESS_TOKEN")
    return VertexSettings(
        project=environment["VERTEX_PROJECT"],
        location=environment["VERTEX_LOCATION"],
        network=environment["VERTEX_NETWORK"],
        api_endpoint=environment["VERTEX_API_ENDPOINT"],
        collections_endpoint=environment.get("VECTORSEARCH_API_ENDPOINT"),
        storage_endpoint=environment["STORAGE_EMULATOR_HOST"],
        networks_endpoint=environment.get("VERTEX_NETWORKS_ENDPOINT"),
        ca_file=Path(environment["VERTEX_CA_FILE"]),
        access_token=SecretStr(token) if token else None,
    )
