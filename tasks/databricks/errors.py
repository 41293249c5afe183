"""What a call of the SDK raises, as transient or permanent errors. Its classes decide, which follow error codes and statuses."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import requests
from databricks.sdk import errors as sdk
from databricks.sdk.errors.base import DatabricksError

from tasks.calls import NotFound, ServiceRefused, ServiceUnwell, translating
from tasks.databricks.clients import WouldRepeat
from tasks.errors import InvalidInput, PermanentError
from tasks.program import command

SERVICE = "Databricks"
TRANSIENT = (
    sdk.TooManyRequests,
    sdk.TemporarilyUnavailable,
    sdk.DeadlineExceeded,
    sdk.Aborted,
    sdk.InternalError,
)
"""The same call may succeed: steps read what is there before they change it."""
EXISTS = (sdk.AlreadyExists, sdk.ResourceAlreadyExists)
_UNREACHED = "Is DATABRICKS_HOST the workspace's address?"
_LOG_IN = "Set or correct DATABRICKS_TOKEN, or DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET."


class AlreadyExists(ServiceRefused):
    """What the call would create already exists."""


class CreationFailed(PermanentError):
    """The service gave up what it was creating."""

    def __init__(self, kind: str, name: str, *, state: str, said: str, remedy: str) -> None:
        self.kind, self.name, self.state, self.said = kind, name, state, said
        super().__init__(f"The {kind} {name!r} ended as {state}: {said.removesuffix('.')}. {remedy}")


class LoadUnderWay(PermanentError):
    """A build has not brought all rows of an index yet."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(
            f"The index {name!r} is not loaded completely: a build of it runs or was interrupted, and what it still brings could "
            f"overwrite a change. Nothing was changed. Run the build again first (`{command('databricks build', name=name, data='FILE')}`)."
        )


class NoSuchVersion(PermanentError):
    """A version of an index is not there, or was never loaded completely."""

    def __init__(self, name: str, version: str, *, there: Sequence[str], serves: str) -> None:
        self.name, self.version, self.there, self.serves = name, version, tuple(there), serves
        super().__init__(
            f"There is no version {version!r} of {name} that is loaded completely. Loaded: {', '.join(there) or 'none'}; served: "
            f"{serves or 'none'}. Nothing was changed. "
            f"`{command('databricks build', name=name, data='FILE', as_version=True)}` builds a version."
        )


def calling(doing: str) -> AbstractContextManager[None]:
    """Translate what the SDK raises inside.

    Args:
        doing: completes "Could not ...": `create index products`.

    Raises:
        ServiceUnwell: transient: no answer, or one of `TRANSIENT`.
        NotFound, AlreadyExists, ServiceRefused: permanent.
        InvalidInput: the credentials are not accepted.
    """
    return translating(doing, _meaning)


def was_given_up(error: ServiceUnwell) -> bool:
    """Whether we stopped waiting for the reply, so that the service may still carry the call out."""
    cause = error.__cause__.__context__ if isinstance(error.__cause__, WouldRepeat) else error.__cause__
    return isinstance(cause, requests.Timeout)


def _meaning(doing: str, error: Exception) -> Exception | None:
    if isinstance(error, WouldRepeat) and isinstance(error.__context__, Exception):
        error = error.__context__
    match error:
        case DatabricksError():
            return _answered(doing, error)
        case requests.HTTPError() if error.response is not None:
            status = error.response.status_code
            if status in (400, 401, 403):
                return _not_let_in(doing, f"{status}, no token for this service principal")
            return ServiceUnwell(doing, service=SERVICE, status=status, said=error.response.reason)
        case requests.RequestException():
            # Its text repeats the address and the pool; its class says what happened.
            said = type(error).__name__
            return ServiceUnwell(doing, service=SERVICE, status=0, said=said, remedy=_UNREACHED)
        case _:
            return None


def _answered(doing: str, error: DatabricksError) -> Exception:
    # After a refused login the SDK adds its whole configuration.
    said = str(error).partition(" Config: ")[0]
    code = error.error_code or type(error).__name__
    if isinstance(error, TRANSIENT) or error.retry_after_secs is not None:
        return ServiceUnwell(doing, service=SERVICE, status=code, said=said)
    if isinstance(error, sdk.Unauthenticated):
        return _not_let_in(doing, code)
    refusal: type[ServiceRefused] = ServiceRefused
    if isinstance(error, EXISTS) or code in ("ALREADY_EXISTS", "RESOURCE_ALREADY_EXISTS"):
        refusal = AlreadyExists
    elif isinstance(error, sdk.NotFound):
        refusal = NotFound
    return refusal(doing, service=SERVICE, status=code, said=said)


def _not_let_in(doing: str, code: str) -> InvalidInput:
    return InvalidInput(
        f"Could not {doing}: Databricks got no credentials that it accepts ({code})",
        remedy=f"{_LOG_IN} For a local stand-in, use --target sandbox.",
    )
