"""What an Elasticsearch call raises, as transient or permanent errors. Status codes and error types decide, never a text."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import elastic_transport
from elasticsearch import ApiError, UnsupportedProductError
from elasticsearch.helpers import ScanError

from tasks.calls import NotFound, ServiceRefused, ServiceUnwell, translating
from tasks.errors import InvalidInput, PermanentError

TRANSIENT_STATUSES = (408, 429, 502, 503, 504)
"""After these the same call may succeed. 408 is Elasticsearch's own timeout: what it started continues."""

TRANSIENT_TYPES = frozenset(
    {
        "connect_transport_exception",
        "node_disconnected_exception",
        "node_not_connected_exception",
        "node_closed_exception",
        "receive_timeout_transport_exception",
    }
)
"""Types of a 500 after which the same call may succeed: the node that answered lost the one that does the work. They keep
the default status of ElasticsearchException.java. A 500 of another type is a defect, which a retry meets again."""

PLACE_LOST = "search_context_missing_exception"
"""The type of a 404 when the place of a scroll is gone, with its node or after its time: another scroll reads everything again."""

DISK_BLOCK = (429, "cluster_block_exception")
"""Of all blocks, only that of a disk beyond its flood-stage watermark has this status (IndexMetadata.java)."""

SERVICE = "Elasticsearch"
_FULL = "The disk of a node is almost full (`GET _cat/allocation?v`). Free space; Elasticsearch then lifts the block by itself."
_UNREACHED = "Is it running, and is ELASTIC_URL its address, with https where it speaks TLS?"


class BadRequest(ServiceRefused):
    """400: the request is wrong, or what it would create already exists."""


class Conflict(ServiceRefused):
    """409: the state of what the call names does not allow it now."""


class NotElasticsearch(PermanentError):
    """Something other than Elasticsearch answers at the address."""

    def __init__(self, doing: str, *, said: str) -> None:
        self.doing, self.said = doing, said
        super().__init__(
            f"Could not {doing}: the server at this address is not Elasticsearch ({said}). Check ELASTIC_URL or ELASTIC_CLOUD_ID."
        )


_REFUSALS: dict[int, type[ServiceRefused]] = {400: BadRequest, 404: NotFound, 409: Conflict}


def calling(doing: str) -> AbstractContextManager[None]:
    """Translate what the client raises inside.

    Args:
        doing: completes "Could not ...": `create index movies`.

    Raises:
        ServiceUnwell: transient: no answer, one of `TRANSIENT_STATUSES`, 500 with one of `TRANSIENT_TYPES`, or a scroll that
            lost its place or some of its shards.
        BadRequest, NotFound, Conflict, ServiceRefused: permanent.
        InvalidInput: the credentials or the certificate are not accepted.
        NotElasticsearch: something else answers there.
    """
    return translating(doing, _meaning)


def reason_of(error: Any) -> tuple[str, str]:
    """Type and reason of an error object of the API, as in a bulk item or a task; the innermost cause is added."""
    if not isinstance(error, dict):
        return "unknown", str(error)
    kind, reason = str(error.get("type", "unknown")), str(error.get("reason", ""))
    # A search that failed on its shards says why in its root cause only, one whose retriever failed in what it suppressed.
    causes = (error.get("caused_by"), *(error.get("root_cause") or ()), *(error.get("suppressed") or ()))
    for cause in causes:
        if isinstance(cause, dict) and cause.get("reason") and cause["reason"] not in reason:
            return kind, f"{reason} ({reason_of(cause)[1]})"
    return kind, reason


def _meaning(doing: str, error: Exception) -> Exception | None:
    match error:
        case UnsupportedProductError():
            return NotElasticsearch(doing, said=str(error))
        case ApiError():
            return _answered(doing, error)
        case ScanError():
            return ServiceUnwell(
                doing, service=SERVICE, status=200, type="partial shard failures", said=str(error)
            )
        case elastic_transport.TlsError():
            return InvalidInput(
                f"Could not {doing}: the server's certificate is not trusted ({error.message})",
                remedy="Set ELASTIC_CA_FILE to the certificate authority of the cluster, or ELASTIC_CA_FINGERPRINT to its fingerprint, or begin ELASTIC_URL with http:// "
                "if it does not use TLS.",
            )
        case elastic_transport.ConnectionError() | elastic_transport.ConnectionTimeout():
            return ServiceUnwell(
                doing, service=SERVICE, status=0, type=type(error).__name__, said=error.message, remedy=_UNREACHED
            )  # fmt: skip
        case elastic_transport.SerializationError():
            return NotElasticsearch(doing, said=error.message)
        case _:
            return None


def _answered(doing: str, error: ApiError) -> Exception:
    body: Any = error.body
    kind, reason = reason_of(body.get("error", body) if isinstance(body, dict) else error.message)
    status = error.status_code
    passes = status in TRANSIENT_STATUSES or (status == 500 and kind in TRANSIENT_TYPES)
    if passes or (status == 404 and PLACE_LOST in _kinds(body)):
        remedy = _FULL if (status, kind) == DISK_BLOCK else ""
        return ServiceUnwell(doing, service=SERVICE, status=status, type=kind, said=reason, remedy=remedy)
    if status == 401 and kind != "status_exception":  # that is the refusal of a server that an endpoint asks
        return InvalidInput(
            f"Could not {doing}: Elasticsearch got no credentials that it accepts ({kind})",
            remedy="Set or correct ELASTIC_API_KEY, or ELASTIC_USERNAME and ELASTIC_PASSWORD. For a local stand-in, use "
            "--target sandbox, or the key that `python -m sandbox env` prints.",
        )
    refusal = _REFUSALS.get(status, ServiceRefused)
    return refusal(doing, service=SERVICE, status=status, type=kind, said=reason)


def _kinds(body: Any) -> list[str]:
    """The types of an error and of its root causes: a search names itself, and what happened only below."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return []
    causes: list[Any] = [error, *(error.get("root_cause") or ())]
    return [str(cause.get("type")) for cause in causes if isinstance(cause, dict)]
