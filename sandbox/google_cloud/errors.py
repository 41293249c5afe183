"""How requests are refused, and how operations fail.

A text names its source; one without is our own wording. "From memory" was seen in the real service's answers, but not read
again. Clients must branch on status and reason, never on the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.faults import Kind

_MEMORY = "the service's answers, from memory"
_CODES = {
    400: ("INVALID_ARGUMENT", 3),
    401: ("UNAUTHENTICATED", 16),
    403: ("PERMISSION_DENIED", 7),
    404: ("NOT_FOUND", 5),
    409: ("ALREADY_EXISTS", 6),
    412: ("FAILED_PRECONDITION", 9),
    429: ("RESOURCE_EXHAUSTED", 8),
    501: ("UNIMPLEMENTED", 12),
    503: ("UNAVAILABLE", 14),
}
"""The canonical code of each status; 500 is INTERNAL."""


class Refusal(Exception):
    """A refused request, or a failed operation."""

    def __init__(self, status: int, reason: str, text: str, canonical: str = "") -> None:
        super().__init__(text)
        self.status, self.reason, self.text = status, reason, text
        self.canonical, self.number = _CODES.get(status, ("INTERNAL", 13))
        if canonical == "FAILED_PRECONDITION":
            self.canonical, self.number = canonical, 9

    def body(self) -> dict[str, Any]:
        """The documented body of an error: Compute Engine reads `errors`, the other two `status` and `details`."""
        item = {"message": self.text, "domain": "global", "reason": self.reason}
        error: dict[str, Any] = {
            "code": self.status,
            "message": self.text,
            "errors": [item],
            "status": self.canonical,
        }
        if self.reason == SERVICE_DISABLED.reason:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            error["details"] = [{"@type": kind, "reason": "SERVICE_DISABLED", "domain": "googleapis.com"}]
        return {"error": error}


@dataclass(frozen=True)
class Answer:
    """One kind of refusal: status, reason, text with placeholders, and where the text comes from."""

    status: int
    reason: str
    text: str
    source: str = ""
    canonical: str = ""
    """The canonical code, where the status does not decide it."""

    def refusal(self, **facts: object) -> Refusal:
        """The refusal, with its placeholders filled from `facts`."""
        return Refusal(self.status, self.reason, self.text.format(**facts), self.canonical)


INVALID = Answer(400, "invalid", "Invalid value for field '{field}': '{value}'. {problem}", _MEMORY)
PARSE = Answer(400, "parseError", "Parse Error: {problem}")
NOT_READY = Answer(400, "resourceNotReady", "The resource '{name}' is not ready", _MEMORY)
IN_USE = Answer(
    400,
    "resourceInUseByAnotherResource",
    "The {kind} resource '{name}' is already being used by '{user}'",
    _MEMORY,
)
UNAUTHENTICATED = Answer(
    401,
    "required",
    "Request is missing a valid credential. `python -m sandbox env` shows the token that is accepted.",
)
OTHER_PROJECT = Answer(
    403, "forbidden", "Permission denied on project '{project}': the sandbox has one, {known}."
)
SERVICE_DISABLED = Answer(
    403,
    "accessNotConfigured",
    "{api} has not been used in project {project} before or it is disabled. Enable it, then retry. If you enabled this API "
    "recently, wait a few minutes for the action to propagate to our systems and retry.",
    _MEMORY,
)
NOT_FOUND = Answer(404, "notFound", "The resource '{name}' was not found", _MEMORY)
UNKNOWN_PATH = Answer(404, "notFound", "Method not found: {verb} {path}.")
ALREADY_EXISTS = Answer(409, "alreadyExists", "The resource '{name}' already exists", _MEMORY)
USE_UPDATE = Answer(
    400,
    "failedPrecondition",
    "Cannot modify allocated ranges in CreateConnection. Please use UpdateConnection.",
    "a well-known error of Terraform's users",
    "FAILED_PRECONDITION",
)
STILL_USED = Answer(
    400,
    "failedPrecondition",
    "Failed to delete connection; Producer services (e.g. CloudSQL, Cloud Memstore, etc.) are still using this connection: "
    "{users}.",
    "a well-known error of Terraform's users; the list is our own",
    "FAILED_PRECONDITION",
)
NOT_IMITATED = Answer(501, "notImplemented", "{what}: not imitated by the sandbox.")
INTERNAL = Answer(500, "sandboxError", "Internal error of the sandbox: {problem}")

FAULTS: dict[Kind, Answer] = {
    "unavailable": Answer(503, "backendError", "The service is currently unavailable.", _MEMORY),
    "aborted": Answer(409, "conflict", "The operation was aborted. Please try again."),
    "internal": Answer(500, "internalError", "Internal error. Please try again.", _MEMORY),
    "throttled": Answer(429, "rateLimitExceeded", "Rate Limit Exceeded", _MEMORY),
}
"""How an injected fault is answered."""


def answers() -> list[Answer]:
    """All kinds of refusals; COVERAGE.md lists them."""
    return [value for value in globals().values() if isinstance(value, Answer)] + list(FAULTS.values())
