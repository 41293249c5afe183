"""The refusals before a handler sees a request: media types, encodings, authentication, and injected faults."""

from __future__ import annotations

from sandbox.elastic.errors import Answer
from sandbox.faults import Kind

MEDIA_TYPE = Answer(
    400,
    "media_type_header_exception",
    "Invalid media-type value on headers [{headers}]",
    "elasticsearch-py#2923, mcp-server-elasticsearch#171",
)
MEDIA_VERSION = Answer(
    400,
    "status_exception",
    "{header} version must be either version {newest} or {oldest}, but found {found}. {header}={value}",
    "mcp-server-elasticsearch#171",
)
MEDIA_VERSIONS_DIFFER = Answer(
    400,
    "status_exception",
    "A compatible version is required on both Content-Type and Accept headers if either one has requested a "
    "compatible version. Accept={accept}, Content-Type={content}",
    "elasticsearch-ruby#2665",
)
ENCODING = Answer(400, "illegal_argument_exception", "the body cannot be decoded as [{encoding}]")
NOT_AUTHENTICATED = Answer(
    401,
    "security_exception",
    "missing authentication credentials for REST request [{path}]",
    "Elastic docs: API keys",
)
WRONG_API_KEY = Answer(
    401,
    "security_exception",
    "unable to authenticate with provided credentials and anonymous access is not allowed for this request",
)
INTERNAL = Answer(
    500,
    "node_disconnected_exception",
    "[sandbox][127.0.0.1:9300][{api}] disconnected",
    "NodeDisconnectedException.java",
)
UNAVAILABLE = Answer(
    503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered];"
)
THROTTLED = Answer(
    429, "es_rejected_execution_exception", "rejected execution: a fault was injected into the sandbox"
)
FAULTS: dict[Kind, Answer] = {"unavailable": UNAVAILABLE, "internal": INTERNAL, "throttled": THROTTLED}
"""By kind. There is no `aborted`: Elasticsearch has no answer that says it of any call."""
