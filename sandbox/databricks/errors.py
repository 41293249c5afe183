"""How requests are refused.

A text names its source; one without is our own wording. "From memory" was seen in the real service's answers, but not read
again. Clients must branch on status and error code, never on the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.faults import Kind

_MEMORY = "the service's answers, from memory"


class Refusal(Exception):
    """A refused request.

    Attributes:
        status: of HTTP.
        code: the service's name for it: `RESOURCE_DOES_NOT_EXIST`.
        text: for people.
        headers: beside the body.
    """

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text
        self.headers: dict[str, str] = {}

    def body(self) -> dict[str, Any]:
        """The documented body of an error."""
        return {"error_code": self.code, "message": self.text, "details": []}


class TokenRefusal(Refusal):
    """No token is given out: the body is that of OAuth (RFC 6749, section 5.2)."""

    def body(self) -> dict[str, Any]:
        """The body that the RFC gives."""
        return {"error": self.code, "error_description": self.text}


@dataclass(frozen=True)
class Answer:
    """One kind of refusal: status, code, text with placeholders, and where the text comes from."""

    status: int
    code: str
    text: str
    source: str = ""

    def refusal(self, **facts: object) -> Refusal:
        """The refusal, with its placeholders filled from `facts`."""
        return Refusal(self.status, self.code, self.text.format(**facts))


MALFORMED = Answer(400, "MALFORMED_REQUEST", "Could not parse the request: {problem}")
INVALID = Answer(400, "INVALID_PARAMETER_VALUE", "{problem}")
TOO_LARGE = Answer(400, "INVALID_PARAMETER_VALUE", "{what} is {found}, and the limit is {most}.")
NOT_READY = Answer(400, "INVALID_STATE", "{kind} {name} is not ready: {state}.")
IN_USE = Answer(400, "INVALID_STATE", "Endpoint {name} has {count} indexes. Delete them first.")
WRONG_INDEX_TYPE = Answer(
    400, "INVALID_PARAMETER_VALUE", "{what} is not supported for index {name}, which is of type {kind}."
)
UNAUTHENTICATED = Answer(
    401,
    "UNAUTHENTICATED",
    "Credential was not sent or was of an unsupported type for this API. `python -m sandbox env` shows the token that is accepted.",
    "its first sentence: the service's answers, from memory",
)
NOT_FOUND = Answer(404, "RESOURCE_DOES_NOT_EXIST", "{kind} {name} does not exist.", _MEMORY)
NO_SERVING_ENDPOINT = Answer(
    404,
    "RESOURCE_DOES_NOT_EXIST",
    "The given endpoint does not exist, please retry after checking the specified model and version deployment exists. There is {names}, "
    "and not {name}.",
    "its first sentence: the service's answers, from memory",
)
MODEL_STARTING = Answer(503, "TEMPORARILY_UNAVAILABLE", "The model of endpoint {name} is starting.")
UNKNOWN_PATH = Answer(404, "ENDPOINT_NOT_FOUND", "No API found for '{verb} {path}'", _MEMORY)
ALREADY_EXISTS = Answer(409, "RESOURCE_ALREADY_EXISTS", "{kind} {name} already exists.", _MEMORY)
SYNC_RUNNING = Answer(
    400,
    "INVALID_STATE",
    "Index is not ready to sync yet. Pipeline is in state RUNNING and needs to be in one of the following states to sync: "
    "COMPLETED, FAILED, CANCELED.",
    "dao-ai#269",
)
QUOTA = Answer(400, "QUOTA_EXCEEDED", "The limit of {most} {what} is reached.")
NOT_IMITATED = Answer(501, "NOT_IMPLEMENTED", "{what}: not imitated by the sandbox.")
INTERNAL = Answer(500, "INTERNAL_ERROR", "Internal error of the sandbox: {problem}")
INVALID_CLIENT = Answer(401, "invalid_client", "Client authentication failed", _MEMORY)
INVALID_SCOPE = Answer(400, "invalid_scope", "Invalid scope: {scope}", "databricks-ai-search 0.81")
INVALID_GRANT = Answer(
    400, "unsupported_grant_type", "The grant type '{grant}' is not supported.", "RFC 6749"
)

FAULTS: dict[Kind, Answer] = {
    "unavailable": Answer(503, "TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."),
    "aborted": Answer(409, "ABORTED", "The request was aborted by a conflict. Try again."),
    "internal": Answer(500, "INTERNAL_ERROR", "An internal error occurred."),
    "throttled": Answer(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests."),
}
"""How an injected fault is answered."""


def token_refusal(answer: Answer, **facts: object) -> TokenRefusal:
    """One of these, as the endpoint of tokens says it."""
    return TokenRefusal(answer.status, answer.code, answer.text.format(**facts))


def answers() -> list[Answer]:
    """All kinds of refusals; COVERAGE.md lists them."""
    return [value for value in globals().values() if isinstance(value, Answer)] + list(FAULTS.values())
