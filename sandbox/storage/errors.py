"""How requests are refused, with the texts of Cloud Storage's JSON API.

A text names its source. One without is our own wording; "from memory" was seen in answers of the real service, but not
read again. Clients must branch on status and reason, never on the text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.faults import Kind

_MEMORY = "the JSON API's answers, from memory"
_CODES = "HTTP status and error codes for JSON"


class Refusal(Exception):
    """A refused request."""

    def __init__(self, status: int, reason: str, text: str, place: tuple[str, str] | None) -> None:
        super().__init__(text)
        self.status = status
        self.reason = reason
        self.text = text
        self.place = place
        """The kind and the name of what is wrong, as in `("header", "If-Match")`."""
        self.headers: dict[str, str] = {}

    def body(self) -> dict[str, Any]:
        """The documented body of an error."""
        item = {"message": self.text, "domain": "global", "reason": self.reason}
        if self.place:
            item |= {"locationType": self.place[0], "location": self.place[1]}
        return {"error": {"code": self.status, "message": self.text, "errors": [item]}}


@dataclass(frozen=True)
class Answer:
    """One kind of refusal: status, reason, text with placeholders, and where the text comes from."""

    status: int
    reason: str
    text: str
    source: str = ""
    place: tuple[str, str] | None = field(default=None, kw_only=True)

    def refusal(self, **facts: object) -> Refusal:
        """The refusal, with its placeholders filled from `facts`."""
        return Refusal(self.status, self.reason, self.text.format(**facts), self.place)


INVALID = Answer(400, "invalid", "{problem}")
BAD_REQUEST = Answer(400, "badRequest", "{problem}")
PARSE = Answer(400, "parseError", "Parse Error", _MEMORY)
REQUIRED = Answer(400, "required", "Required parameter: {name}", _MEMORY)
BUCKET_NAME = Answer(400, "invalid", "Invalid bucket name: '{name}'", _MEMORY)
OBJECT_NAME = Answer(400, "invalid", "Invalid object name: {problem}")
CHECKSUM = Answer(
    400, "invalid", 'Provided {kind} "{given}" doesn\'t match calculated {kind} "{found}".', _MEMORY
)
OFFSET = Answer(
    400,
    "badRequest",
    "Invalid request. According to the Content-Range header, the upload offset is {offset} byte(s), which exceeds already "
    "uploaded size of {size} byte(s).",
    _MEMORY,
)
SMALL_CHUNK = Answer(
    400,
    "badRequest",
    "Invalid request. The number of bytes uploaded is required to be equal or greater than 262144, except for the final "
    "request (it's recommended to be the exact multiple of 262144). The received request contained {size} bytes, which "
    "does not meet this requirement.",
    _MEMORY,
)
NOT_FOUND = Answer(404, "notFound", "Not Found", _CODES)
NO_BUCKET = Answer(404, "notFound", "The specified bucket does not exist.", _MEMORY)
NO_OBJECT = Answer(404, "notFound", "No such object: {bucket}/{name}", _MEMORY)
NO_UPLOAD = Answer(404, "notFound", "There is no such upload.")
WRONG_METHOD = Answer(405, "methodNotAllowed", "Method Not Allowed", _CODES)
YOURS_ALREADY = Answer(
    409,
    "conflict",
    "Your previous request to create the named bucket succeeded and you already own it.",
    _MEMORY,
)
NOT_EMPTY = Answer(409, "conflict", "The bucket you tried to delete is not empty.", _MEMORY)
CONDITION = Answer(
    412,
    "conditionNotMet",
    "At least one of the pre-conditions you specified did not hold.",
    _MEMORY,
    place=("header", "If-Match"),
)
TOO_LARGE = Answer(413, "uploadTooLarge", "{what} has more than {most:,} bytes.")
RANGE = Answer(416, "requestedRangeNotSatisfiable", "Request range not satisfiable", _CODES)
CANCELLED = Answer(499, "clientClosedRequest", "The upload was cancelled.")
NOT_IMITATED = Answer(501, "notImplemented", "{what}: not imitated by the sandbox.")
OTHER_HOST = Answer(421, "forbidden", "A part of a batch is meant for another host.")
INTERNAL = Answer(500, "sandboxError", "Internal error of the sandbox: {problem}")

FAULTS: dict[Kind, Answer] = {
    "unavailable": Answer(503, "backendError", "Backend Error", _CODES),
    "aborted": Answer(
        409,
        "conflict",
        'The metadata for object "{name}" was edited during the operation. Please try again.',
        "googleapis/google-cloud-java#12630, flyteorg/flyte#1997",
    ),
    "internal": Answer(500, "internalError", "We encountered an internal error. Please try again.", _MEMORY),
    "throttled": Answer(
        429,
        "rateLimitExceeded",
        "The rate of requests to the bucket exceeds the rate limit. Please reduce your request rate.",
        _MEMORY,
    ),
}
"""How an injected fault is answered; a read is never `aborted`."""


def answers() -> list[Answer]:
    """All kinds of refusals; COVERAGE.md lists them."""
    return [value for value in globals().values() if isinstance(value, Answer)] + list(FAULTS.values())
