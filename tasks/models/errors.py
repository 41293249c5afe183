"""What a call of a model server raises, as transient or permanent errors. Status, type and code decide, never a text.

Three shapes of errors are in use: OpenAI's `{"error": {"message", "type", "code"}}`, the flat one of older vLLM, and the
`{"error_code", "message"}` of Databricks.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

from tasks.calls import NotFound, ServiceRefused, ServiceUnwell, translating
from tasks.errors import InvalidInput, PermanentError

if TYPE_CHECKING:
    import openai

SERVICE = "the model server"
TRANSIENT_STATUSES = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""After these the same call may succeed: what the official client itself would repeat, and the overload of some servers."""
_QUOTA = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
"""Types and codes of a 429 that no waiting brings to an end."""
_TOO_LONG = frozenset({"context_length_exceeded", "exceed_context_size_error"})
"""The code of OpenAI, the type of llama.cpp."""
_UNREACHED = "Is it running, and is OPENAI_BASE_URL its address?"


class QuotaExhausted(PermanentError):
    """The account has no quota left; a retry does not bring it back."""

    def __init__(self, doing: str, *, said: str) -> None:
        self.doing, self.said = doing, said
        super().__init__(
            f"Could not {doing}: the account at {SERVICE} has no quota left ({said}). Raise its limit or add credit, then run the "
            "same command again."
        )


class ContextExceeded(PermanentError):
    """A prompt has more tokens than the model takes."""

    def __init__(self, doing: str, *, said: str) -> None:
        self.doing, self.said = doing, said
        super().__init__(
            f"Could not {doing}: the text has more tokens than the model takes ({said}). For a question, set "
            "OPENAI_CONTEXT_TOKENS to the model's limit or ask for fewer passages; for a passage, make chunks smaller."
        )


class NotAModelServer(PermanentError):
    """Something without OpenAI's routes answers at the address."""

    def __init__(self, doing: str, *, said: str) -> None:
        self.doing, self.said = doing, said
        super().__init__(
            f"Could not {doing}: what answers at OPENAI_BASE_URL does not speak OpenAI's routes ({said})."
        )


def calling(doing: str) -> AbstractContextManager[None]:
    """Translate what the client raises inside.

    Args:
        doing: completes "Could not ...": `embed 16 passages`.

    Raises:
        ServiceUnwell: transient: no answer in time, or one of `TRANSIENT_STATUSES`.
        QuotaExhausted, ContextExceeded, NotFound, ServiceRefused, NotAModelServer: permanent.
        InvalidInput: the key is not accepted.
    """
    return translating(doing, _meaning)


def _meaning(doing: str, error: Exception) -> Exception | None:
    import openai  # noqa: PLC0415 -- it takes a second to load; whoever raises one of its errors has loaded it

    match error:
        case openai.APIStatusError():
            return _answered(doing, error)
        case openai.APITimeoutError():
            return ServiceUnwell(doing, service=SERVICE, status=0, said="no answer in time")
        case openai.APIConnectionError():
            said = str(error.__cause__ or error.message)
            return ServiceUnwell(doing, service=SERVICE, status=0, said=said, remedy=_UNREACHED)
        case openai.APIResponseValidationError() | openai.APIError():
            return NotAModelServer(doing, said=error.message)
        case _:
            return None


def _answered(doing: str, error: openai.APIStatusError) -> Exception:
    status, (said, names) = error.status_code, _facts(error)
    kind = next(iter(sorted(names)), "")
    if status == 429 and names & _QUOTA:
        return QuotaExhausted(doing, said=said)
    if names & _TOO_LONG:
        return ContextExceeded(doing, said=said)
    if status in TRANSIENT_STATUSES:
        return ServiceUnwell(doing, service=SERVICE, status=status, type=kind, said=said)
    if status == 401:
        return InvalidInput(
            f"Could not {doing}: {SERVICE} got no key that it accepts",
            source="OPENAI_API_KEY",
            remedy="Set or correct it.",
        )
    refusal = NotFound if status == 404 else ServiceRefused
    return refusal(doing, service=SERVICE, status=status, type=kind, said=said)


def _facts(error: openai.APIStatusError) -> tuple[str, frozenset[str]]:
    """The message, and the type and code, in whichever shape the server has put them; the client has unwrapped OpenAI's."""
    if not isinstance(error.body, dict):
        return error.message, frozenset()
    body = cast("dict[str, Any]", error.body)
    names = (body.get(name) for name in ("type", "code", "error_code"))
    return str(body.get("message") or error.message), frozenset(
        name for name in names if isinstance(name, str) and name
    )
