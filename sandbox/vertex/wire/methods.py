"""One method of an API, whatever transport carries it: its request type, what answers it, what it does."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

_READS = [
    "Get",
    "List",
    "Wait",
    "Find",
    "Read",
    "Match",
    "BatchMatch",
    "BatchGet",
    "Search",
    "BatchSearch",
    "Query",
    "Aggregate",
]


@dataclass(frozen=True)
class Method:
    """One method of a service."""

    name: str
    """Its short name: `CreateIndex`."""
    request: Any
    """The class of its request: raw protobuf, not the wrapper that clients see."""
    answer: Callable[[Any], Any]
    """Takes a request and returns the response, or raises a Refusal."""
    writes: bool = False
    """Whether it changes something, and is in the write log."""
    starts_operation: bool = False


def methods(service: Any, messages: Any, begun: Collection[str] = ()) -> list[Method]:
    """The methods that a service class imitates, with their request types from `messages`; `begun` start operations."""
    names = [name for name in vars(type(service)) if name[0].isupper()]
    return [
        Method(
            name,
            _request_type(messages, name),
            getattr(service, name),
            writes=not name.startswith(tuple(_READS)),
            starts_operation=name in begun,
        )
        for name in names
    ]


def _request_type(messages: Any, method: str) -> Any:
    found = getattr(messages, f"{method}Request")
    return found.pb() if hasattr(found, "pb") else found
