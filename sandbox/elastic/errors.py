"""Every refusal of the core in one place (machine learning's are in errors_ml.py), with the origin of its text.

A text without a `source` is our own wording or unverified; COVERAGE.md lists those. Clients must branch on status and
type, never on such a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Refusal(Exception):
    """What Elasticsearch refuses: a status, a type, a reason, and facts that stand beside them."""

    def __init__(
        self,
        status: int,
        kind: str,
        reason: str,
        metadata: Mapping[str, Any] | None = None,
        cause: Refusal | None = None,
        root: Refusal | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.kind = kind
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.cause = cause
        self.root = root
        """What `root_cause` shows where it is not this refusal itself."""

    def item(self) -> dict[str, Any]:
        """The error of one item of a bulk request or of one failed document: without `root_cause`."""
        shown: dict[str, Any] = {"type": self.kind, "reason": self.reason, **self.metadata}
        if self.cause:
            shown["caused_by"] = self.cause.item()
        return shown

    def body(self, trace: bool = False) -> dict[str, Any]:
        """The envelope of a whole refused request."""
        root = self.root or self
        shown = {"root_cause": [{"type": root.kind, "reason": root.reason, **root.metadata}], **self.item()}
        if trace:
            shown["stack_trace"] = f"{self.kind}: {self.reason}\n\tat the sandbox"
        return {"error": shown, "status": self.status}


@dataclass(frozen=True)
class Answer:
    """One kind of refusal: status, type, text with named places, and where the text was seen."""

    status: int
    kind: str
    text: str
    source: str = ""

    def __call__(
        self,
        *,
        metadata: Mapping[str, Any] | None = None,
        cause: Refusal | None = None,
        root: Refusal | None = None,
        **facts: object,
    ) -> Refusal:
        """The refusal for these facts."""
        return Refusal(self.status, self.kind, self.text.format(**facts), metadata, cause, root)


# The request as such.
MEDIA_TYPE = Answer(
    400,
    "media_type_header_exception",
    "Invalid media-type value on headers [{headers}]",
    "elasticsearch-py issues about client 9 on 8.x servers",
)
MEDIA_VERSION = Answer(
    400,
    "status_exception",
    "A compatible version is required on both Content-Type and Accept headers if either one has requested a "
    "compatible version and the compatible versions must match. {found}",
)
NOT_AUTHENTICATED = Answer(
    401,
    "security_exception",
    "missing authentication credentials for REST request [{path}]",
    "security documentation",
)
WRONG_API_KEY = Answer(
    401,
    "security_exception",
    "unable to authenticate with provided credentials and anonymous access is not allowed for this request",
)
UNREADABLE_BODY = Answer(400, "x_content_parse_exception", "[1:1] {problem}")
NO_BODY = Answer(400, "parse_exception", "request body is required", "RestRequest")
ILLEGAL_ARGUMENT = Answer(400, "illegal_argument_exception", "{problem}")
PARSING = Answer(400, "parsing_exception", "{problem}")
VALIDATION = Answer(
    400, "action_request_validation_exception", "Validation Failed: {problems}", "ActionRequest"
)
NOT_A_NUMBER = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse int parameter [{name}] with value [{value}]",
    "RestRequest",
)
NOT_A_BOOLEAN = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] as only [true] or [false] are allowed.",
    "Booleans",
)
NOT_A_TIME = Answer(
    400,
    "illegal_argument_exception",
    "failed to parse setting [{name}] with value [{value}] as a time value: unit is missing or unrecognized",
    "TimeValue",
)
INTERNAL = Answer(500, "sandbox_exception", "the stand-in broke: {problem}")

# Faults that were asked for.
UNAVAILABLE = Answer(
    503, "cluster_block_exception", "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered];"
)
THROTTLED = Answer(
    429, "es_rejected_execution_exception", "rejected execution: a fault of the sandbox that was asked for"
)


def answers(module: Any) -> dict[str, Answer]:
    """All answers of a module by their names there, for COVERAGE.md."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Answer)}
