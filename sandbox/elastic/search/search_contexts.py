"""Search contexts: scrolls and points in time. In memory only, so a restart loses them, as in the real service."""

from __future__ import annotations

import base64
import os
import threading
import time
from dataclasses import dataclass
from typing import Generic, TypeVar

from sandbox.elastic.indices.index import Index
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.searcher import Searcher
from sandbox.elastic.search.searchers import Searchers

T = TypeVar("T")


@dataclass
class Held(Generic[T]):
    """One open context."""

    content: T
    indices: list[Index]
    """Pinned until the context is closed."""
    expires: float


class SearchContexts(Generic[T]):
    """The open contexts of one kind, by id."""

    def __init__(self, searchers: Searchers) -> None:
        self._searchers = searchers
        self._held: dict[str, Held[T]] = {}
        self._lock = threading.Lock()

    def open(self, content: T, searchers: list[Searcher], seconds: float) -> str:
        """Open a context whose searchers are already pinned; returns its id."""
        self._expire()
        id_ = base64.urlsafe_b64encode(os.urandom(33)).decode()
        with self._lock:
            indices = [searcher.index for searcher in searchers]
            self._held[id_] = Held(content, indices, time.monotonic() + seconds)
        return id_

    def get(self, id_: str, seconds: float | None) -> T:
        """The content of a context, whose life is extended by `seconds`.

        Raises:
            Refusal: there is none, or it has expired.
        """
        self._expire()
        with self._lock:
            found = self._held.get(id_)
            if found is None:
                raise search_errors.NO_CONTEXT.refusal(id=id_)
            if seconds is not None:
                found.expires = time.monotonic() + seconds
            return found.content

    def close(self, id_: str) -> bool:
        """Close a context; returns whether it was open."""
        with self._lock:
            found = self._held.pop(id_, None)
        for index in found.indices if found else ():
            self._searchers.unpin(index)
        return found is not None

    def ids(self) -> list[str]:
        """The ids of all open contexts."""
        with self._lock:
            return list(self._held)

    def _expire(self) -> None:
        now = time.monotonic()
        with self._lock:
            late = [id_ for id_, held in self._held.items() if held.expires < now]
        for id_ in late:
            self.close(id_)
