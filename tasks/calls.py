"""A call to a service, and what its failure means in the project's two words: refused (permanent) or unwell (transient).

    PermanentError
    +-- ServiceRefused        the service refused, and would refuse again
        +-- NotFound          what the call names does not exist
    TransientError
    +-- ServiceUnwell         no answer, or "try again later"

Every engine has a `calling` of its own, made of `translating` and a function that knows its client's exceptions: only that
mapping differs. Status codes and error types decide, never the text of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

from tasks.crash_points import passing
from tasks.errors import PermanentError, TransientError

Meaning = Callable[[str, Exception], Exception | None]
"""Takes what was being done and what the client raised; returns our error, or None for what is not the client's."""


class ServiceRefused(PermanentError):
    """The service refused the call, and would refuse it again.

    Attributes:
        doing: completes "Could not ...".
        service: who answered.
        status: the code: `NOT_FOUND` of gRPC, 404 of HTTP.
        said: the service's own words.
        type: its name for the error, where it has one beside the code: `resource_not_found_exception`.
    """

    def __init__(self, doing: str, *, service: str, status: int | str, said: str, type: str = "") -> None:  # noqa: A002 -- the services' word
        self.doing, self.service, self.status, self.said, self.type = doing, service, status, said, type
        super().__init__(f"Could not {doing}: {service} answered {_code(status, type)}: {said}")


class NotFound(ServiceRefused):
    """What the call names does not exist."""


class ServiceUnwell(TransientError):
    """The service could not answer now.

    Attributes:
        doing: completes "Could not ...".
        service: who was asked.
        status: the code; 0 or empty when there was no answer at all.
        said: the service's own words, or the client's.
        type: its name for the error, where it has one beside the code.
    """

    def __init__(
        self,
        doing: str,
        *,
        service: str,
        status: int | str,
        said: str,
        type: str = "",  # noqa: A002 -- the services' word
        remedy: str = "",
    ) -> None:
        self.doing, self.service, self.status, self.said, self.type = doing, service, status, said, type
        answer = (
            f"{service}: {_code(status, type)}: {said}" if status else f"no answer from {service} ({said})"
        )
        super().__init__(f"Could not {doing} now: {answer.removesuffix('.')}. {remedy}".rstrip())


@contextmanager
def translating(doing: str, meaning: Meaning) -> Generator[None]:
    """Raise our error in place of the client's, which becomes its cause.

    Args:
        doing: completes "Could not ...": `create index products`.
        meaning: what an engine's exceptions mean; what it does not know goes through as it is.
    """
    passing(doing, "before")
    try:
        yield
    except Exception as error:
        ours = meaning(doing, error)
        if ours is None:
            raise
        raise ours from error
    passing(doing, "after")


def _code(status: int | str, kind: str) -> str:
    return f"{status} {kind}".rstrip()
