"""How to reach an Elasticsearch cluster. Passed in, never imported as a global."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.redaction import hide
from tasks.settings import Key, Password, address, file_name, from_environment, sandbox_environment

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def _addresses(urls: str) -> str:
    """One address or several, none with a secret in it; with one that has, the whole is hidden."""
    has_secret = any(sign in urls for sign in "@?#")
    each = [urls] if has_secret else [url.strip() for url in urls.split(",")]
    return ",".join(address(url, credentials="ELASTIC_USERNAME and ELASTIC_PASSWORD") for url in each)


def _fingerprint(value: str) -> str:
    plain = value.replace(":", "").lower()
    if not _FINGERPRINT.fullmatch(plain):
        raise ValueError(
            "64 hex digits, as `openssl x509 -fingerprint -sha256` and Elasticsearch's first start print them"
        )
    return plain


def _user(name: str) -> str:
    if ":" in name or not name.isprintable():
        raise ValueError("without a colon or control characters")
    return name


def _cloud_id(value: str) -> str:
    """A Cloud id that its client can read: its first part becomes the name of reports, so it must not be a key."""
    from elastic_transport.client_utils import parse_cloud_id  # noqa: PLC0415 -- 0.2 s that the list of commands does without

    try:
        known = ":" in value and parse_cloud_id(value).es_address is not None
    except ValueError:
        known = False
    if not known:
        hide(value)
        raise ValueError("NAME:BASE64, as the Elastic Cloud console shows it")
    return value


class ElasticSettings(BaseModel, frozen=True, str_strip_whitespace=True, hide_input_in_errors=True):
    """What is needed to reach Elasticsearch."""

    prefix: ClassVar[str] = "ELASTIC_"
    """Of the variables that an error names."""

    url: Annotated[str, AfterValidator(_addresses)] | None = Field(
        default=None,
        description="The address of the cluster, https://search.example.org:9200, or of several of its nodes with commas between. A proxy's path prefix is part of the address.",
    )
    cloud_id: Annotated[str, AfterValidator(_cloud_id)] | None = Field(
        default=None, description="An Elastic Cloud id, in place of the address."
    )
    api_key: Key = Field(
        default=None, description="An API key, as Kibana shows it (encoded); in place of name and password."
    )
    username: Annotated[str, AfterValidator(_user)] | None = Field(
        default=None, description="The user's name, with a password."
    )
    password: Password = Field(default=None, description="The user's password.")
    ca_file: Annotated[Path, BeforeValidator(file_name)] | None = Field(
        default=None, description="The certificate authority (PEM) to trust; default: the system's."
    )
    ca_fingerprint: Annotated[str, AfterValidator(_fingerprint)] | None = Field(
        default=None,
        description="The SHA-256 fingerprint of the certificate to trust, in place of the file.",
    )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Of the nodes; empty with a cloud id."""
        return tuple(self.url.split(",")) if self.url else ()

    @property
    def where(self) -> str:
        """What a name is unique in: the cluster's (first) host, or the name in its cloud id."""
        if self.addresses:
            return urlsplit(self.addresses[0]).hostname or ""
        return (self.cloud_id or "").partition(":")[0]

    @model_validator(mode="after")
    def _say_where_and_who(self) -> ElasticSettings:
        if (self.url is None) == (self.cloud_id is None):
            raise ValueError(f"exactly one of {self.prefix}URL and {self.prefix}CLOUD_ID")
        if (self.username is None) != (self.password is None):
            raise ValueError(f"{self.prefix}USERNAME and {self.prefix}PASSWORD together")
        if self.api_key is not None and self.username is not None:
            raise ValueError(
                f"either {self.prefix}API_KEY or {self.prefix}USERNAME and {self.prefix}PASSWORD, not both"
            )
        if self.ca_file is not None and self.ca_fingerprint is not None:
            raise ValueError(f"either {self.prefix}CA_FILE or {self.prefix}CA_FINGERPRINT, not both")
        plain = any(url.lower().startswith("http://") for url in self.addresses)
        if self.ca_fingerprint is not None and plain:
            raise ValueError(
                f"{self.prefix}URL with https://, since {self.prefix}CA_FINGERPRINT says what to trust"
            )
        return self


class _ElasticEnvironment(ElasticSettings, BaseSettings, frozen=True):  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- pydantic merges the two configurations
    model_config = SettingsConfigDict(env_prefix="ELASTIC_", env_file=".env", extra="ignore")


class _RemoteEnvironment(ElasticSettings, BaseSettings, frozen=True):  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- as above
    prefix: ClassVar[str] = "ELASTIC_REMOTE_"
    model_config = SettingsConfigDict(env_prefix="ELASTIC_REMOTE_", env_file=".env", extra="ignore")


def remote_settings(target: str) -> ElasticSettings:
    """The settings of another cluster, whose documents are embedded in that of a target: `ELASTIC_REMOTE_URL` and its like.

    Raises:
        InvalidInput: a setting is missing or wrong.
    """
    found = from_environment(
        _RemoteEnvironment,
        target=target,
        prefix="ELASTIC_REMOTE_",
        example="ELASTIC_REMOTE_URL=https://old.example.org:9200 ELASTIC_REMOTE_API_KEY=...",
    )
    return ElasticSettings(**found.model_dump())


def elastic_settings(target: Literal["sandbox", "elastic"]) -> ElasticSettings:
    """The settings of a target.

    Raises:
        InvalidInput: a setting is missing or wrong, or no sandbox is running.
    """
    if target == "sandbox":
        environment = sandbox_environment("ELASTIC_URL", "Elasticsearch")
        key = environment.get("ELASTIC_API_KEY")
        return ElasticSettings(url=environment["ELASTIC_URL"], api_key=SecretStr(key) if key else None)
    found = from_environment(
        _ElasticEnvironment,
        target=target,
        prefix="ELASTIC_",
        example="ELASTIC_URL=https://search.example.org:9200 ELASTIC_API_KEY=...",
    )
    return ElasticSettings(**found.model_dump())
