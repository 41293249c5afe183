"""Preconditions of a request, as "Request preconditions" documents them."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.storage import errors
from sandbox.storage.errors import Refusal
from sandbox.storage.store import Bucket, Object
from sandbox.storage.wire.exchange import NotModified, Request


@dataclass(frozen=True)
class Conditions:
    """What must hold of an object or bucket. A generation of 0 means that there is no live object."""

    generation: int | None = None
    not_generation: int | None = None
    metageneration: int | None = None
    not_metageneration: int | None = None

    @classmethod
    def of(cls, request: Request, kind: str = "if") -> Conditions:
        """Those in the query; `kind` is `ifSource` for the source of a copy.

        Raises:
            Refusal: one is not a number.
        """
        names = ("GenerationMatch", "GenerationNotMatch", "MetagenerationMatch", "MetagenerationNotMatch")
        return cls(*(request.number(kind + name) for name in names))

    def check(self, found: Object | None) -> None:
        """Check them before a change.

        Raises:
            Refusal: one does not hold.
        """
        if not self._matches(found) or self._is_the_same(found):
            raise _failed()

    def check_read(self, found: Object) -> None:
        """Check them before a read.

        Raises:
            Refusal: one does not hold.
            NotModified: the caller has it already.
        """
        if not self._matches(found):
            raise _failed()
        if self._is_the_same(found):
            raise NotModified

    def check_bucket(self, found: Bucket) -> None:
        """Check those that a bucket can have.

        Raises:
            Refusal: one does not hold.
        """
        if (
            self.metageneration not in (None, found.metageneration)
            or self.not_metageneration == found.metageneration
        ):
            raise _failed()

    def _matches(self, found: Object | None) -> bool:
        generation, metageneration = (found.generation, found.metageneration) if found else (0, 0)
        return self.generation in (None, generation) and self.metageneration in (None, metageneration)

    def _is_the_same(self, found: Object | None) -> bool:
        generation, metageneration = (found.generation, found.metageneration) if found else (0, 0)
        return self.not_generation == generation or self.not_metageneration == metageneration


def _failed() -> Refusal:
    return errors.CONDITION.refusal()
