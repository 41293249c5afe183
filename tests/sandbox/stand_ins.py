"""The HTTP stand-ins, one row each, for the attacks that are tried on all of them: by programs and by a real browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.elastic.options import ElasticOptions

Request = tuple[str, str, bytes]
"""Method, path and body."""


@dataclass(frozen=True)
class StandIn:
    """How to start it, where it answers, and a read and a change for which it is enough to get in."""

    options: object
    variable: str
    """The variable that holds its address."""
    reads: Request
    changes: Request
    key: Callable[[dict[str, str]], dict[str, str]]
    """The headers of its owner, from what it announces."""
    kind: str = "application/json"
    """The type of the change's body."""


STAND_INS = {
    "elastic": StandIn(
        ElasticOptions(),
        "ELASTIC_URL",
        reads=("GET", "/", b""),
        changes=("POST", "/films/_doc", b'{"plot": "a change"}'),
        key=lambda environment: {"Authorization": f"ApiKey {environment['ELASTIC_API_KEY']}"},
    )
}
