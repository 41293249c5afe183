"""What an Elasticsearch call raises, in the project's two words. Status codes and error types decide, never a text."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import elastic_transport
from elasticsearch import ApiError, UnsupportedProductError

from tasks.errors import InvalidInput, PermanentError, TransientError

TRANSIENT_STATUSES = (408, 429, 502, 503, 504)
"""After these the same call may succeed. 408 is Elasticsearch's own time-out: what it began goes on."""

R = TypeVar("R", bound="ServiceRefused")


class ServiceRefused(PermanentError):
    """The cluster answered no, and would again.

    Attributes:
        type: the error's type: `resource_not_found_exception`.
        reason: what it said, with the cause's words where it gave one.
    """

    def __init__(self, doing: str, *, status: int, type: str, reason: str) -> None:  # noqa: A002 -- Elasticsearch's word
        self.doing, self.status, self.type, self.reason = doing, status, type, reason
        super().__init__(f"Could not {doing}: Elasticsearch answered {status} {type}: {reason}")


class BadRequest(ServiceRefused):
    """400: the request is wrong, or what it would create is there already."""


class NotFound(ServiceRefused):
    """404: what the call names is not there."""


class Conflict(ServiceRefused):
    """409: the state of what the call names does not allow it now."""


class ServiceUnwell(TransientError):
    """The cluster could not answer now. `status` is 0 when there was no answer at all."""

    def __init__(self, doing: str, *, status: int, type: str, reason: str) -> None:  # noqa: A002 -- Elasticsearch's word
        self.doing, self.status, self.type, self.reason = doing, status, type, reason
        said = f"Elasticsearch answered {status} {type}: {reason}" if status else f"no answer ({reason})"
        remedy = (
            "" if status else " Does it run, and is ELASTIC_URL its address, with https where it speaks TLS?"
        )
        super().__init__(f"Could not {doing} now: {said.removesuffix('.')}.{remedy}")


class NotElasticsearch(PermanentError):
    """Something else answers at the address."""

    def __init__(self, doing: str, *, said: str) -> None:
        self.doing, self.said = doing, said
        super().__init__(
            f"Could not {doing}: what answers there is not Elasticsearch ({said}). Check ELASTIC_URL or ELASTIC_CLOUD_ID."
        )


_REFUSALS: dict[int, type[ServiceRefused]] = {400: BadRequest, 404: NotFound, 409: Conflict}


@contextmanager
def calling(doing: str) -> Generator[None]:
    """Translate what the client raises inside.

    Args:
        doing: completes "Could not ...": `create index movies`.

    Raises:
        ServiceUnwell: transient: no answer, or one of `TRANSIENT_STATUSES`.
        BadRequest, NotFound, Conflict, ServiceRefused: permanent.
        InvalidInput: the credentials or the certificate are not accepted.
        NotElasticsearch: something else answers there.
    """
    try:
        yield
    except UnsupportedProductError as error:
        raise NotElasticsearch(doing, said=str(error)) from error
    except ApiError as error:
        raise _translated(doing, error) from error
    except elastic_transport.TlsError as error:
        raise InvalidInput(
            f"Could not {doing}: the server's certificate is not trusted ({error.message})",
            remedy="Set ELASTIC_CA_FILE to the certificate authority of the cluster, or begin ELASTIC_URL with http:// "
            "if it does not speak TLS.",
        ) from error
    except (elastic_transport.ConnectionError, elastic_transport.ConnectionTimeout) as error:
        raise ServiceUnwell(doing, status=0, type=type(error).__name__, reason=error.message) from error
    except elastic_transport.SerializationError as error:
        raise NotElasticsearch(doing, said=error.message) from error


def reason_of(error: Any) -> tuple[str, str]:
    """Type and reason of an error object of the API, as in a bulk item or a task; the innermost cause is added."""
    if not isinstance(error, dict):
        return "unknown", str(error)
    kind, reason = str(error.get("type", "unknown")), str(error.get("reason", ""))
    cause = error.get("caused_by")
    if isinstance(cause, dict) and cause.get("reason") and cause["reason"] not in reason:
        reason = f"{reason} ({reason_of(cause)[1]})"
    return kind, reason


def _translated(doing: str, error: ApiError) -> Exception:
    body: Any = error.body
    kind, reason = reason_of(body.get("error", body) if isinstance(body, dict) else error.message)
    status = error.status_code
    if status in TRANSIENT_STATUSES:
        return ServiceUnwell(doing, status=status, type=kind, reason=reason)
    if status == 401:
        return InvalidInput(
            f"Could not {doing}: Elasticsearch does not accept the credentials ({kind})",
            remedy="Check ELASTIC_API_KEY, or ELASTIC_USERNAME and ELASTIC_PASSWORD.",
        )
    return _REFUSALS.get(status, ServiceRefused)(doing, status=status, type=kind, reason=reason)
