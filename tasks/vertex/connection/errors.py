"""What a Vertex or Cloud Storage call raises, in the project's two words. Only status codes decide, never a text."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import grpc
import requests
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from tasks.errors import InvalidInput, PermanentError, TransientError
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
"""The codes after which the same call may succeed; RESOURCE_EXHAUSTED is a subclass of TooManyRequests."""


_CODES = {status.value[0]: status.name for status in grpc.StatusCode}


class ServiceRefused(PermanentError):
    """The service answered no, and would again."""

    def __init__(self, doing: str, *, status: str, said: str) -> None:
        self.doing, self.status, self.said = doing, status, said
        super().__init__(f"Could not {doing}: the service answered {status}: {said}")


class NotFound(ServiceRefused):
    """What the call names is not there."""


class AlreadyExists(ServiceRefused):
    """What the call would make is there already."""


class ServiceUnwell(TransientError):
    """The service could not answer now."""

    def __init__(self, doing: str, *, status: str, said: str) -> None:
        self.doing, self.status, self.said = doing, status, said
        super().__init__(f"Could not {doing} now: {status}: {said}")


class OperationFailed(PermanentError):
    """A long-running operation ended with an error.

    Attributes:
        code: the canonical gRPC code (3 INVALID_ARGUMENT, 9 FAILED_PRECONDITION, 13 INTERNAL, 1 CANCELLED, ...).
        records: one line for every invalid record that the service told of, with file and id.
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


@contextmanager
def calling(doing: str) -> Generator[None]:
    """Translate what a client raises inside.

    Args:
        doing: completes "Could not ...": `create index products`.

    Raises:
        ServiceUnwell: transient.
        NotFound, AlreadyExists, ServiceRefused: permanent.
        InvalidInput: no usable credentials.
    """
    try:
        yield
    except TRANSIENT as error:
        _refuse_expired(doing, error)
        raise ServiceUnwell(doing, status=_status(error), said=_said(error)) from error
    except (google.NotFound, google.AlreadyExists, google.Conflict) as error:
        kind = NotFound if isinstance(error, google.NotFound) else AlreadyExists
        raise kind(doing, status=_status(error), said=_said(error)) from error
    except google.GoogleAPICallError as error:
        raise ServiceRefused(doing, status=_status(error), said=_said(error)) from error
    except grpc.RpcError as error:
        raise _translated(doing, error) from error
    except (auth.DefaultCredentialsError, auth.RefreshError) as error:
        # On Google's machines an outage of the token server comes as a refusal, with the outage as its cause.
        if error.retryable or isinstance(error.__cause__, auth.TransportError):
            raise ServiceUnwell(doing, status="no token", said=str(error)) from error
        raise InvalidInput(
            f"Could not {doing}: no usable Google credentials ({error})",
            remedy="Log in with `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS.",
        ) from error
    except auth.TransportError as error:
        raise ServiceUnwell(doing, status="no connection", said=str(error)) from error


def _refuse_expired(doing: str, error: Exception) -> None:
    if isinstance(error, google.ServiceUnavailable):
        with calling(doing):
            renew()


def _translated(doing: str, error: grpc.RpcError) -> Exception:
    # A raw channel (the private MatchService) raises RpcError; api_core knows the class of each code.
    translated = google.from_grpc_error(error)
    kinds: dict[type[Exception], type[ServiceRefused]] = {
        google.NotFound: NotFound,
        google.AlreadyExists: AlreadyExists,
    }
    if isinstance(translated, TRANSIENT):
        _refuse_expired(doing, translated)
        return ServiceUnwell(doing, status=_status(translated), said=_said(translated))
    return kinds.get(type(translated), ServiceRefused)(
        doing, status=_status(translated), said=_said(translated)
    )


def _status(error: Exception) -> str:
    code = getattr(error, "grpc_status_code", None)
    return str(code.name) if code is not None else type(error).__name__


def _said(error: Exception) -> str:
    return str(getattr(error, "message", None) or error)
