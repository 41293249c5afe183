"""The alias that searches use: moved in one atomic call, with the previous index recorded, and moved back.

The new index records the previous one (`previous`); after a rollback the index records which one was left
(`rolled_back_from`). Both are written before the alias moves: a crash in between leaves a mark too many, never one too few.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tasks.calls import NotFound
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.indices import IndexState, index_of_ours, read_index, set_marks
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput, NotOurs, PermanentError
from tasks.outcomes import Ensured
from tasks.steps import step


@dataclass(frozen=True)
class AliasState:
    """Where an alias points."""

    alias: str
    index: str
    """Empty if the alias does not exist."""
    previous: str
    """Where a rollback would go; empty if nowhere."""
    rolled_back_from: str


class NothingToRollBackTo(PermanentError):
    """An alias has no previous index."""

    def __init__(self, alias: str, *, index: str, why: str) -> None:
        self.alias, self.index, self.why = alias, index, why
        super().__init__(
            f"The alias {alias!r} points at {index or 'nothing'}, and {why}. Name an index to go to: --to INDEX."
        )


@step("read alias {alias}")
def read_alias(settings: ElasticSettings, alias: str) -> AliasState:
    """Where an alias points, and where it could go back to.

    Raises:
        InvalidInput: it points at several indices, or is the name of an index.
    """
    index = _target(settings, alias)
    there = read_index.fn(settings, index) if index else None
    if there is None:
        return AliasState(alias, "", "", "")
    return _state(alias, there)


@step("look at alias {alias} before it is moved")
def read_alias_to_change(settings: ElasticSettings, alias: str) -> AliasState:
    """Where an alias points, seen to be one that `ensure_alias` will not refuse: free, or an alias of one index of ours.

    Raises:
        InvalidInput, NotOurs: as `ensure_alias`.
    """
    there = read_alias.fn(settings, alias)
    if there.index:
        _ours(settings, alias, there.index)
    return there


@step("point alias {alias} at {index}")
def ensure_alias(settings: ElasticSettings, alias: str, index: str, content: str) -> Ensured[AliasState]:
    """Point an alias at an index of ours and nothing else, in one atomic call.

    Before that the index is marked as whole, with what it takes the place of.

    Args:
        settings: the target.
        alias: the alias.
        index: an index of ours whose data has arrived.
        content: the mark of this data.

    Raises:
        InvalidInput: the index does not exist, the alias points at several, or is the name of an index.
        NotOurs: the alias points at an index that we did not make.
    """
    wanted = index_of_ours(settings, index)
    there = _target(settings, alias)
    if there == wanted.name:
        set_marks(settings, index, content=content)
        return Ensured(_state(alias, wanted))
    if there:
        _ours(settings, alias, there)
    # One write: of two, the first could be carried out late, over the second.
    set_marks(settings, index, content=content, previous=there or None, rolled_back_from=None)
    _move(settings, alias, there, index)
    return Ensured(AliasState(alias, index, there, ""), "changed" if there else "created")


@dataclass(frozen=True)
class Rollback:
    """What a rollback of an alias does."""

    current: IndexState
    """What the alias points at."""
    goal: IndexState
    """What it is to point at; the same where nothing is to be done."""


@step("read what a rollback of alias {alias} does")
def read_rollback(settings: ElasticSettings, alias: str, to: str | None = None) -> Rollback:
    """Where a rollback goes: back to the previous index, or to a named one.

    Raises:
        NothingToRollBackTo: no previous index is recorded, or it is gone.
        InvalidInput, NotOurs: as `ensure_alias`.
    """
    there = _target(settings, alias)
    if not there:
        raise NothingToRollBackTo(alias, index="", why="there is nothing to roll back")
    current = _ours(settings, alias, there)
    if to is None:
        if current.meta.get("rolled_back_from"):
            return Rollback(current, current)
        to = current.previous
        if not to:
            raise NothingToRollBackTo(alias, index=there, why="no previous index is recorded")
        if read_index.fn(settings, to) is None:
            raise NothingToRollBackTo(alias, index=there, why=f"the previous index, {to}, is gone")
    return Rollback(current, index_of_ours(settings, to))


@step("roll back alias {alias}")
def ensure_rollback(settings: ElasticSettings, alias: str, to: str | None = None) -> Ensured[AliasState]:
    """Point an alias back at the previous index, or at a named one. A second time changes nothing.

    Raises:
        NothingToRollBackTo, InvalidInput, NotOurs: as `read_rollback`.
    """
    found = read_rollback.fn(settings, alias, to)
    there, goal = found.current.name, found.goal
    if goal.name == there:
        return Ensured(_state(alias, found.current))
    set_marks(settings, goal.name, rolled_back_from=there)
    _move(settings, alias, there, goal.name)
    return Ensured(AliasState(alias, goal.name, goal.previous, there), "changed")


@step("remove alias {alias}")
def remove_alias(settings: ElasticSettings, alias: str) -> tuple[str, ...]:
    """Remove an alias from an index of ours, which stays. Returns the alias, or nothing if it did not exist."""
    there = _target(settings, alias)
    if not there:
        return ()
    _ours(settings, alias, there)
    try:
        with calling(f"remove the alias {alias}"):
            connect(settings).indices.delete_alias(index=there, name=alias)
    except NotFound:
        return ()
    return (alias,)


def _move(settings: ElasticSettings, alias: str, there: str, index: str) -> None:
    """In one atomic call, with the filter, the routing and whatever else the alias has where it points now."""
    client = connect(settings)
    actions: list[dict[str, Any]] = []
    definition: dict[str, Any] = {}
    if there:
        with calling(f"read the alias {alias}"):
            definition = client.indices.get_alias(index=there, name=alias)[there]["aliases"][alias]
        actions.append({"remove": {"index": there, "alias": alias, "must_exist": True}})
    actions.append({"add": {"index": index, "alias": alias, **definition}})
    with calling(f"point the alias {alias} at {index}"):
        client.indices.update_aliases(actions=actions)


def _state(alias: str, there: IndexState) -> AliasState:
    return AliasState(alias, there.name, there.previous, str(there.meta.get("rolled_back_from", "")))


def _target(settings: ElasticSettings, alias: str) -> str:
    """The index that an alias points at, or nothing."""
    try:
        with calling(f"read the alias {alias}"):
            found: dict[str, Any] = connect(settings).indices.get_alias(name=alias).body
    except NotFound:
        there = read_index.fn(settings, alias)
        if there is not None:
            raise InvalidInput(
                "This is the name of an index, so an alias cannot have it",
                value=alias,
                source="name",
                accepted="a name that no index has",
            ) from None
        return ""
    if len(found) != 1:
        raise InvalidInput(
            f"The alias {alias} points at {len(found)} indices",
            value=", ".join(sorted(found)),
            source="name",
            accepted="a name that is free, or an alias of one index that `elastic embed` made",
        )
    return next(iter(found))


def _ours(settings: ElasticSettings, alias: str, index: str) -> IndexState:
    there = read_index.fn(settings, index)
    if there is None or not there.ours:
        raise NotOurs("alias", alias, resource=f"it points at {index}", remedy="Choose another alias.")
    return there
