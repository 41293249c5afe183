"""The official SDK of one workspace, built once per process.

The SDK would repeat calls by itself for five minutes, creations among them. Here it never does: a step is retried as a whole, and
first reads what is there. Nothing is read from `~/.databrickscfg` or from variables that the settings do not name.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any, NoReturn
from urllib.parse import quote

import requests
from databricks.sdk.clock import RealClock
from databricks.sdk.core import ApiClient, Config
from databricks.sdk.credentials_provider import CredentialsStrategy
from databricks.sdk.oauth import Refreshable, Token
from databricks.sdk.service.catalog import CatalogsAPI, GrantsAPI, SchemasAPI, TablesAPI, VolumesAPI
from databricks.sdk.service.files import FilesAPI
from databricks.sdk.service.iam import CurrentUserAPI
from databricks.sdk.service.sql import StatementExecutionAPI, WarehousesAPI
from databricks.sdk.service.vectorsearch import (
    QueryVectorIndexResponse,
    VectorSearchEndpointsAPI,
    VectorSearchIndexesAPI,
)

from tasks.databricks.settings import DatabricksSettings

CALL_SECONDS = 60.0
"""How long one call may take."""
_NOTHING_ELSE = (
    "account_id", "client_id", "client_secret", "config_file", "discovery_url", "group_id", "password", "profile", "token", "username",
    "workspace_id",
)  # fmt: skip
"""What the SDK would take from the environment: for another workspace, maybe."""
# It warns about what the step that calls reports better.
logging.getLogger("databricks.sdk").setLevel(logging.ERROR)


class WouldRepeat(Exception):
    """The SDK is about to repeat a call; what the call raised is this exception's context."""


class _NoRepeats(RealClock):
    """Its only sleep is the pause before a repetition (databricks/sdk/retries.py)."""

    def sleep(self, seconds: float) -> NoReturn:
        raise WouldRepeat(f"after {seconds:.0f} s")


class _PrincipalsTokens(Refreshable):
    """Tokens of a service principal (OAuth 2.0, client credentials). The SDK's own request for them has no time-out."""

    def __init__(self, settings: DatabricksSettings) -> None:
        super().__init__()
        self._settings = settings

    def refresh(self) -> Token:
        """Ask for a token.

        Raises:
            requests.RequestException: refused, or no answer.
        """
        settings = self._settings
        secret = settings.client_secret.get_secret_value() if settings.client_secret else ""
        answer = requests.post(
            f"{settings.host}/oidc/v1/token",
            data={"grant_type": "client_credentials", "scope": "all-apis"},
            auth=(settings.client_id or "", secret),
            timeout=CALL_SECONDS,
        )
        answer.raise_for_status()
        given = answer.json()
        expiry = datetime.now() + timedelta(seconds=int(given["expires_in"]))  # noqa: DTZ005 -- the SDK compares naive times
        return Token(given["access_token"], given["token_type"], expiry=expiry)


class _Login(CredentialsStrategy):
    """Either of the two ways that the settings have."""

    def __init__(self, settings: DatabricksSettings) -> None:
        self._settings = settings
        self._tokens = _PrincipalsTokens(settings)

    def auth_type(self) -> str:
        """Shown in the user agent."""
        return "pat" if self._settings.token else "oauth-m2m"

    def __call__(self, _: Config) -> Callable[[], dict[str, str]]:
        """What makes the headers of each call."""
        return self._headers

    def _headers(self) -> dict[str, str]:
        personal = self._settings.token
        token = personal.get_secret_value() if personal else self._tokens.token().access_token
        return {"Authorization": f"Bearer {token}"}


@dataclass(frozen=True)
class Clients:
    """The SDK's services of one workspace."""

    settings: DatabricksSettings

    @cached_property
    def api(self) -> ApiClient:
        """What sends the calls, for those whose answers the SDK's classes cut."""
        login = _Login(self.settings)
        config = Config(
            credentials_strategy=login,
            clock=_NoRepeats(),
            product="vector-search-ops",
            product_version="0.1.0",
            host=self.settings.host,
            auth_type=login.auth_type(),
            http_timeout_seconds=CALL_SECONDS,
            retry_timeout_seconds=1,  # of its look at the host, which comes before the clock counts
            **dict.fromkeys(_NOTHING_ELSE, ""),
        )
        return ApiClient(config)

    @cached_property
    def endpoints(self) -> VectorSearchEndpointsAPI:
        """Vector search endpoints."""
        return VectorSearchEndpointsAPI(self.api)

    @cached_property
    def indexes(self) -> VectorSearchIndexesAPI:
        """Indexes and their rows."""
        return VectorSearchIndexesAPI(self.api)

    @cached_property
    def users(self) -> CurrentUserAPI:
        """Who calls."""
        return CurrentUserAPI(self.api)

    @cached_property
    def catalogs(self) -> CatalogsAPI:
        """Catalogs of Unity Catalog."""
        return CatalogsAPI(self.api)

    @cached_property
    def schemas(self) -> SchemasAPI:
        """Schemas of Unity Catalog."""
        return SchemasAPI(self.api)

    @cached_property
    def grants(self) -> GrantsAPI:
        """Privileges."""
        return GrantsAPI(self.api)

    @cached_property
    def tables(self) -> TablesAPI:
        """Tables of Unity Catalog."""
        return TablesAPI(self.api)

    @cached_property
    def volumes(self) -> VolumesAPI:
        """Volumes of Unity Catalog."""
        return VolumesAPI(self.api)

    @cached_property
    def files(self) -> FilesAPI:
        """Files in volumes."""
        return FilesAPI(self.api)

    @cached_property
    def statements(self) -> StatementExecutionAPI:
        """SQL."""
        return StatementExecutionAPI(self.api)

    @cached_property
    def warehouses(self) -> WarehousesAPI:
        """What runs it."""
        return WarehousesAPI(self.api)

    def serving_endpoint(self, name: str) -> dict[str, Any]:
        """A model serving endpoint as the service shows it."""
        path = f"/api/2.0/serving-endpoints/{quote(name, safe='')}"
        found: Any = self.api.do("GET", path, headers={"Accept": "application/json"})
        return found

    def invoke(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """A call of a model serving endpoint."""
        path = f"/serving-endpoints/{quote(name, safe='')}/invocations"
        found: Any = self.api.do("POST", path, body=body, headers={"Accept": "application/json"})
        return found

    def index(self, full_name: str) -> dict[str, Any]:
        """An index as the service shows it: the SDK's class leaves out `status.detailed_state`."""
        path = f"/api/2.0/vector-search/indexes/{quote(full_name, safe='.')}"
        found: Any = self.api.do("GET", path, headers={"Accept": "application/json"})
        return found

    def query(self, full_name: str, body: dict[str, Any]) -> QueryVectorIndexResponse:
        """The first page of what a query finds: the SDK's method has no parameter for `filter_string`."""
        path = f"/api/2.0/vector-search/indexes/{quote(full_name, safe='.')}/query"
        found: Any = self.api.do("POST", path, body=body, headers={"Accept": "application/json"})
        return QueryVectorIndexResponse.from_dict(found)


@cache
def connect(settings: DatabricksSettings) -> Clients:
    """The clients of these settings, the same ones every time in this process."""
    return Clients(settings)
