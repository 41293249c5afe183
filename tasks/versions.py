"""The versions of a name on a service that has no alias: indexes beside each other, and a mark that says which is served.

An engine says in its own words which of them can be served and which can be removed; what follows from the mark is here.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, Protocol, TypeVar

from tasks.errors import PermanentError
from tasks.program import command


class Marked(Protocol):
    """An endpoint, with its mark of what is served."""

    @property
    def serves(self) -> str:
        """The version that is served."""
        ...

    @property
    def served_since(self) -> float:
        """When that was decided, in seconds since 1970; 0 if it never was."""
        ...

    @property
    def replaced(self) -> str:
        """The version that was served before the last swap; empty after a rollback."""
        ...

    @property
    def rolled_back_from(self) -> str:
        """The version that was served before the last rollback; empty after a swap."""
        ...


class NothingToRollBackTo(PermanentError):
    """No swap was made."""

    def __init__(self, engine: str, name: str, *, serves: str) -> None:
        self.engine, self.name, self.serves = engine, name, serves
        super().__init__(
            f"There is nothing to roll {name} back to: it serves the version {serves or 'none'}, and no swap came before. "
            f"`{command(f'{engine} swap', name=name, to='VERSION')}` serves another version."
        )


EndpointT = TypeVar("EndpointT", bound=Marked)
IndexT = TypeVar("IndexT")


@dataclass(frozen=True, kw_only=True)
class Versions(ABC, Generic[EndpointT, IndexT]):
    """The versions of a name."""

    engine: ClassVar[str]
    """The first word of its commands."""
    name: str
    endpoint: EndpointT
    indexes: Mapping[str, IndexT]
    """By version, the first one first."""

    @property
    def serves(self) -> str:
        """The version that queries go to."""
        return self.endpoint.serves

    @property
    def all(self) -> tuple[str, ...]:
        """Every version, the first one first."""
        return tuple(self.indexes)

    @property
    def others(self) -> tuple[str, ...]:
        """Those that are not served."""
        return self.besides(self.serves)

    @property
    def hours_served(self) -> float:
        """How long ago the last swap or rollback was; 0 if there was none."""
        since = self.endpoint.served_since
        return max(0.0, time.time() - since) / 3600 if since else 0.0

    def besides(self, version: str) -> tuple[str, ...]:
        """Every version but this one."""
        return tuple(one for one in self.all if one != version)

    def back(self) -> str:
        """The version that a rollback serves: the one before the last swap, or what is served once that was rolled back.

        Raises:
            NothingToRollBackTo: there was no swap.
            PermanentError: the version before cannot be served any more.
        """
        if self.endpoint.rolled_back_from:
            return self.serves
        if not self.endpoint.replaced:
            raise NothingToRollBackTo(self.engine, self.name, serves=self.serves)
        self.check_servable(self.endpoint.replaced)
        return self.endpoint.replaced

    @abstractmethod
    def check_servable(self, version: str) -> None:
        """Refuse to serve what cannot answer.

        Raises:
            PermanentError: there is no such version, or it is not complete; names those that can be served.
        """

    def check_removable(self, versions: Sequence[str]) -> None:
        """Refuse to remove what others use.

        Raises:
            PermanentError: others use one of these; names them.
        """

    def described(self, version: str) -> str:
        """A version in words: `first (main.default.films, 1,000 rows)`."""
        return f"{version} ({self.about(version)})"

    @abstractmethod
    def about(self, version: str) -> str:
        """Where a version is and what it holds, in words: `main.default.films, 1,000 rows`."""
