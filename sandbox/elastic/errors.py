"""How requests are refused, and the refusals that several rooms share; each room has its own in its errors.py.

A text names its source. One without is our own wording; "from memory" names the class that holds the real text, which
was not read there. COVERAGE.md lists them all. Clients must branch on status and type, never on the text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Refusal(Exception):
    """A refused request: status, type, reason, and the metadata shown beside them."""

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
        """The refusal that `root_cause` shows, if it is not this one."""
        self.headers: dict[str, str] = {}

    @property
    def is_of_the_sandbox(self) -> bool:
        """Whether something is not imitated, rather than wrong."""
        return "the sandbox" in self.reason

    def item(self) -> dict[str, Any]:
        """The error of one bulk item or one failed document: without `root_cause`."""
        shown: dict[str, Any] = {"type": self.kind, "reason": self.reason, **self.metadata}
        if self.cause:
            shown["caused_by"] = self.cause.item()
        return shown

    def body(self, trace: bool = False) -> dict[str, Any]:
        """The body of a refused request."""
        root = self.root or self
        shown = {"root_cause": [{"type": root.kind, "reason": root.reason, **root.metadata}], **self.item()}
        if trace:
            shown["stack_trace"] = f"{self.kind}: {self.reason}\n\tat the sandbox"
        return {"error": shown, "status": self.status}


@dataclass(frozen=True)
class Answer:
    """One kind of refusal: status, type, text with placeholders, and where the text comes from."""

    status: int
    kind: str
    text: str
    source: str = ""

    def refusal(
        self,
        *,
        metadata: Mapping[str, Any] | None = None,
        cause: Refusal | None = None,
        root: Refusal | None = None,
        **facts: object,
    ) -> Refusal:
        """The refusal, with its placeholders filled from `facts`."""
        shown = {name: in_java(value) for name, value in facts.items()}
        return Refusal(self.status, self.kind, self.text.format(**shown), metadata, cause, root)


def in_java(value: Any) -> str:
    """A value of JSON as Java's `toString` writes it: `true`, `null`, `{a=1}`, `[1, 2]`."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}={in_java(each)}' for name, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(in_java, value))}]"
    return str(value)


UNREADABLE_BODY = Answer(400, "x_content_parse_exception", "[1:1] {problem}")
NO_BODY = Answer(400, "parse_exception", "request body is required", "RestRequest.java")
NO_BODY_OR_SOURCE = Answer(
    400, "parse_exception", "request body or source parameter is required", "RestRequest.java"
)
ILLEGAL_ARGUMENT = Answer(400, "illegal_argument_exception", "{problem}")
PARSING = Answer(400, "parsing_exception", "{problem}")
VALIDATION = Answer(
    400,
    "action_request_validation_exception",
    "Validation Failed: {problems}",
    "ActionRequest.java",
)
NOT_A_NUMBER = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse int parameter [{name}] with value [{value}]",
    "RestRequest.java",
)
NOT_A_BOOLEAN = Answer(
    400,
    "illegal_argument_exception",
    "Failed to parse value [{value}] as only [true] or [false] are allowed.",
    "Booleans.java",
)
NOT_A_TIME = Answer(
    400,
    "illegal_argument_exception",
    "failed to parse setting [{name}] with value [{value}] as a time value: unit is missing or unrecognized",
    "TimeValue.java",
)
NOT_A_SIZE = Answer(
    400,
    "parse_exception",
    "failed to parse setting [{name}] with value [{value}] as a size in bytes: unit is missing or unrecognized",
    "ByteSizeValue.java",
)
UNKNOWN_FIELD = Answer(
    400, "x_content_parse_exception", "[1:1] [{parser}] unknown field [{field}]", "ObjectParser.java"
)
NOT_IMITATED = Answer(
    400, "illegal_argument_exception", "the sandbox does not support [{name}] with value [{value}] in [{api}]"
)
UNRECOGNIZED = Answer(
    400,
    "illegal_argument_exception",
    "request [{path}] contains unrecognized {few}: {names}",
    "BaseRestHandler.java",
)
INTERNAL = Answer(500, "sandbox_exception", "internal error of the sandbox: {problem}")


def answers(module: Any) -> dict[str, Answer]:
    """The answers that a module defines, by name; COVERAGE.md lists them."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Answer)}
