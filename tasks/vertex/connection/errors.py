"""What a Vertex AI or Cloud Storage call raises, as transient or permanent errors. Only status codes decide, never a text."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import grpc
import requests
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from tasks.calls import NotFound, ServiceRefused, ServiceUnwell, translating
from tasks.errors import InvalidInput, PermanentError
from tasks.vertex.connection.credentials import renew

TRANSIENT = (
    google.ServiceUnavailable,
    google.DeadlineExceeded,
    google.BadGateway,
    google.GatewayTimeout,
    google.TooManyRequests,
    google.Aborted,
    google.InternalServerError,
    google.RetryError,
    google.Unknown,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
)
"""The codes after which the same call may succeed; RESOURCE_EXHAUSTED is a subclass of TooManyRequests. So is the plain Conflict
of Cloud Storage ("was edited during the operation. Please try again"), but not its subclass ALREADY_EXISTS; where 409 means that
a bucket exists or is not empty, the caller knows."""
SERVICE = "Google Cloud"

_CODES = {status.value[0]: status.name for status in grpc.StatusCode}


class AlreadyExists(ServiceRefused):
    """What the call would create already exists."""


class OperationFailed(PermanentError):
    """A long-running operation ended with an error.

    Attributes:
        code: the canonical gRPC code (3 INVALID_ARGUMENT, 9 FAILED_PRECONDITION, 13 INTERNAL, 1 CANCELLED, ...).
        records: one line per invalid record that the service reported, with file and id.
    """

    def __init__(
        self, doing: str, *, operation: str, code: int, said: str, records: Sequence[str] = ()
    ) -> None:
        self.doing, self.operation, self.code, self.said, self.records = (
            doing,
            operation,
            code,
            said,
            list(records),
        )
        listed = "".join(f"\n  {record}" for record in self.records)
        super().__init__(
            f"Could not {doing}: the operation {operation} ended with {_CODES.get(code, f'code {code}')}: {said}{listed}"
        )


def calling(doing: str) -> AbstractContextManager[None]:
    """Translate what a client raises inside.

    Args:
        doing: completes "Could not ...": `create index products`.

    Raises:
        ServiceUnwell: transient.
        NotFound, AlreadyExists, ServiceRefused: permanent.
        InvalidInput: no usable credentials.
    """
    return translating(doing, _meaning)


def _meaning(doing: str, error: Exception) -> Exception | None:
    if isinstance(error, grpc.RpcError):
        # A raw channel (the private MatchService) raises RpcError; api_core knows the class of each code.
        error = google.from_grpc_error(error)
    if isinstance(error, TRANSIENT) or type(error) is google.Conflict:
        _refuse_expired(doing, error)
        return ServiceUnwell(doing, service=SERVICE, status=_status(error), said=_said(error))
    if isinstance(error, google.GoogleAPICallError):
        return _refusal(error)(doing, service=SERVICE, status=_status(error), said=_said(error))
    if isinstance(error, (auth.DefaultCredentialsError, auth.RefreshError)):
        # On Google's machines an outage of the token server comes as a refusal, with the outage as its cause.
        if error.retryable or isinstance(error.__cause__, auth.TransportError):
            return ServiceUnwell(doing, service=SERVICE, status="no token", said=str(error))
        return InvalidInput(
            f"Could not {doing}: no usable Google credentials ({error})",
            remedy="Log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS.",
        )
    if isinstance(error, auth.TransportError):
        return ServiceUnwell(doing, service=SERVICE, status="no connection", said=str(error))
    return None


def _refusal(error: google.GoogleAPICallError) -> type[ServiceRefused]:
    if isinstance(error, google.NotFound):
        return NotFound
    return AlreadyExists if isinstance(error, google.AlreadyExists) else ServiceRefused


def _refuse_expired(doing: str, error: Exception) -> None:
    if isinstance(error, google.ServiceUnavailable):
        with calling(doing):
            renew()


def _status(error: Exception) -> str:
    code = getattr(error, "grpc_status_code", None)
    return str(code.name) if code is not None else type(error).__name__


def _said(error: Exception) -> str:
    return str(getattr(error, "message", None) or error)
