"""How requests are refused, in each of the shapes that servers with OpenAI's routes use.

Texts are from memory unless they name a source: clients must branch on status, type and code, never on the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.faults import Kind
from sandbox.model_server.options import ErrorShape

_MEMORY = "OpenAI's answers, from memory"
_INVALID = "invalid_request_error"
_DATABRICKS_CODES = {
    400: "INVALID_PARAMETER_VALUE",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "RESOURCE_DOES_NOT_EXIST",
    429: "REQUEST_LIMIT_EXCEEDED",
    503: "TEMPORARILY_UNAVAILABLE",
}


class Refusal(Exception):
    """A refused request."""

    def __init__(
        self, status: int, kind: str, code: str | None, text: str, *, param: str | None = None
    ) -> None:
        super().__init__(text)
        self.status, self.kind, self.code, self.text, self.param = status, kind, code, text, param
        self.headers: dict[str, str] = {}

    def body(self, shape: ErrorShape) -> dict[str, Any]:
        """The body, as the chosen kind of server spells it."""
        match shape:
            case "openai":
                error = {"message": self.text, "type": self.kind, "param": self.param, "code": self.code}
                return {"error": error}
            case "vllm":
                return {
                    "object": "error", "message": self.text, "type": self.kind, "param": self.param, "code": self.status,
                }  # fmt: skip
            case "databricks":
                return {
                    "error_code": _DATABRICKS_CODES.get(self.status, "INTERNAL_ERROR"),
                    "message": self.text,
                }


@dataclass(frozen=True)
class Answer:
    """One kind of refusal: status, type, code, text with placeholders, and where the text comes from."""

    status: int
    kind: str
    code: str | None
    text: str
    source: str = ""

    def refusal(self, *, param: str | None = None, **facts: object) -> Refusal:
        """The refusal, with its placeholders filled from `facts`."""
        return Refusal(self.status, self.kind, self.code, self.text.format(**facts), param=param)


PARSE = Answer(400, _INVALID, None, "We could not parse the JSON body of your request. {problem}", _MEMORY)
INVALID = Answer(400, _INVALID, None, "Invalid value for '{field}': {problem}")
MISSING = Answer(
    400, _INVALID, "missing_required_parameter", "Missing required parameter: '{field}'.", _MEMORY
)
UNKNOWN_FIELD = Answer(400, _INVALID, None, "Unrecognized request argument supplied: {field}", _MEMORY)
NOT_IMITATED = Answer(400, _INVALID, None, "The stand-in does not imitate {what}.")
TOO_LONG = Answer(
    400, _INVALID, "context_length_exceeded",
    "This model's maximum context length is {most} tokens. However, your messages resulted in {found} tokens. Please reduce the "
    "length of the messages.", _MEMORY,
)  # fmt: skip
NO_KEY = Answer(
    401, _INVALID, None, "You didn't provide an API key. Send it as `Authorization: Bearer KEY`.", _MEMORY
)
WRONG_KEY = Answer(401, _INVALID, "invalid_api_key", "Incorrect API key provided.", _MEMORY)
NO_MODEL = Answer(
    404, _INVALID, "model_not_found", "The model `{model}` does not exist. There are {models}.", _MEMORY
)
NO_URL = Answer(404, _INVALID, None, "Invalid URL ({method} {path})", _MEMORY)
WRONG_METHOD = Answer(405, _INVALID, "method_not_supported", "Not allowed to {method} on {path}.", _MEMORY)
THROTTLED = Answer(429, "requests", "rate_limit_exceeded", "Rate limit reached for requests.", _MEMORY)
QUOTA = Answer(
    429, "insufficient_quota", "insufficient_quota",
    "You exceeded your current quota, please check your plan and billing details.", _MEMORY,
)  # fmt: skip
INTERNAL = Answer(
    500, "server_error", None, "The server had an error while processing your request. {problem}", _MEMORY
)
NO_ENGINE = Answer(501, "server_error", None, "{problem}")
UNAVAILABLE = Answer(
    503, "server_error", None, "The engine is currently overloaded, please try again later.", _MEMORY
)

STARTING = Answer(503, "server_error", None, "Loading model", "llama.cpp's server, from memory")

FAULTS: dict[Kind, Answer] = {
    "unavailable": UNAVAILABLE,
    "internal": INTERNAL,
    "throttled": THROTTLED,
    "quota": QUOTA,
}


def answers() -> Iterator[Answer]:
    """Every kind of refusal."""
    return (each for each in globals().values() if isinstance(each, Answer))
