"""How each method is called: its id, the HTTP verbs and the path.

The ids are `service.method` of the official SDK, databricks-sdk 0.162. The AI Search client sends some methods by other verbs
and below the endpoint's path (`databricks-ai-search` 0.81), so a method may have several of either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from sandbox.databricks import errors

_ENDPOINTS = "/api/2.0/vector-search/endpoints"
_ENDPOINT = f"{_ENDPOINTS}/{{endpoint_name}}"
_INDEXES = "/api/2.0/vector-search/indexes"
_CATALOG = "/api/2.1/unity-catalog"
_FILES = "/api/2.0/fs/files"

_METHODS = f"""
vector_search_endpoints.create_endpoint POST {_ENDPOINTS}
vector_search_endpoints.delete_endpoint DELETE {_ENDPOINT}
vector_search_endpoints.get_endpoint GET {_ENDPOINT}
vector_search_endpoints.list_endpoints GET {_ENDPOINTS}
vector_search_endpoints.patch_endpoint PATCH {_ENDPOINT}
vector_search_endpoints.retrieve_user_visible_metrics POST {_ENDPOINT}/metrics
vector_search_endpoints.start_endpoint POST {_ENDPOINT}/start
vector_search_endpoints.stop_endpoint POST {_ENDPOINT}/stop
vector_search_endpoints.update_endpoint_budget_policy PATCH {_ENDPOINT}/budget-policy
vector_search_endpoints.update_endpoint_custom_tags PATCH {_ENDPOINT}/tags
vector_search_indexes.create_index POST {_INDEXES}
vector_search_indexes.delete_data_vector_index DELETE {_INDEXES}/{{index_name}}/delete-data
vector_search_indexes.delete_index DELETE {_INDEXES}/{{index_name}}
vector_search_indexes.get_index GET {_INDEXES}/{{index_name}}
vector_search_indexes.list_indexes GET {_INDEXES}
vector_search_indexes.query_index POST|GET {_INDEXES}/{{index_name}}/query
vector_search_indexes.query_next_page POST|GET {_INDEXES}/{{index_name}}/query-next-page
vector_search_indexes.scan_index POST|GET {_INDEXES}/{{index_name}}/scan
vector_search_indexes.sync_index POST {_INDEXES}/{{index_name}}/sync
vector_search_indexes.upsert_data_vector_index POST {_INDEXES}/{{index_name}}/upsert-data
tables.get GET {_CATALOG}/tables/{{full_name}}
tables.delete DELETE {_CATALOG}/tables/{{full_name}}
volumes.create POST {_CATALOG}/volumes
volumes.read GET {_CATALOG}/volumes/{{name}}
volumes.delete DELETE {_CATALOG}/volumes/{{name}}
files.upload PUT {_FILES}/{{file_path*}}
files.download GET {_FILES}/{{file_path*}}
files.get_metadata HEAD {_FILES}/{{file_path*}}
files.delete DELETE {_FILES}/{{file_path*}}
statement_execution.execute_statement POST /api/2.0/sql/statements
statement_execution.get_statement GET /api/2.0/sql/statements/{{statement_id}}
warehouses.get GET /api/2.0/sql/warehouses/{{id}}
catalogs.get GET {_CATALOG}/catalogs/{{name}}
schemas.get GET {_CATALOG}/schemas/{{full_name}}
grants.get_effective GET {_CATALOG}/effective-permissions/{{securable_type}}/{{full_name}}
serving_endpoints.get GET /api/2.0/serving-endpoints/{{name}}
serving_endpoints.list GET /api/2.0/serving-endpoints
serving_endpoints.query POST /serving-endpoints/{{name}}/invocations
current_user.me GET /api/2.0/preview/scim/v2/Me
oauth.token POST /oidc/v1/token
oauth.discovery GET /oidc/.well-known/oauth-authorization-server
oauth.host_metadata GET /.well-known/databricks-config
"""

OPEN = frozenset({"oauth.token", "oauth.discovery", "oauth.host_metadata"})
"""Called without a token: they lead to one."""
DATA_PLANE = "/data-plane"
"""Below this the paths of indexes answer in camelCase, as an index's own address does."""


@dataclass(frozen=True)
class Method:
    """One way to call a method."""

    id: str
    """Faults and the write log use it too."""
    verb: str
    path: re.Pattern[str]


def _pattern(path: str) -> re.Pattern[str]:
    named = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
    return re.compile(re.sub(r"\\\{(\w+)\\\*\\\}", r"(?P<\1>.+)", named))


def _ways(line: str) -> Iterator[Method]:
    id_, verbs, path = line.split()
    for verb in verbs.split("|"):
        yield Method(id_, verb, _pattern(path))
        if path.startswith(_INDEXES):
            yield Method(id_, verb, _pattern(f"{_ENDPOINT}/indexes{path.removeprefix(_INDEXES)}"))


METHODS = tuple(way for line in _METHODS.split("\n") if line for way in _ways(line))
IDS = tuple(dict.fromkeys(way.id for way in METHODS))
READS = frozenset(
    id_
    for id_ in IDS
    if id_.rpartition(".")[2].startswith(
        ("get", "list", "query", "scan", "retrieve", "read", "download", "me", "discovery", "host")
    )
)
"""The ids of methods that change nothing."""


def find(verb: str, path: str) -> tuple[str, dict[str, str]]:
    """The id of the method that a request calls, and the parameters in its path.

    Raises:
        Refusal: there is none.
    """
    for way in METHODS:
        if way.verb == verb and (found := way.path.fullmatch(path)):
            return way.id, {name: unquote(value) for name, value in found.groupdict().items()}
    raise errors.UNKNOWN_PATH.refusal(verb=verb, path=path)
