"""The embedded indices of a name that nothing uses any more: what a prune removes, and why the others stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.elastic.indices.aliases import AliasState, read_alias_to_change
from tasks.elastic.indices.indices import IndexState, indices_of_ours
from tasks.elastic.indices.inventory import read_inventory
from tasks.elastic.indices.pipelines import read_pipeline
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.steps import step


@dataclass(frozen=True)
class Kept:
    """An index that stays."""

    index: str
    why: str


@dataclass(frozen=True)
class Superseded:
    """The indices of a name, and the pipelines that filled them, by what becomes of them."""

    name: str
    kept: tuple[Kept, ...]
    indices: tuple[str, ...]
    """Those that nothing uses, the oldest first."""
    pipelines: tuple[str, ...]
    """Those that filled them and nothing that stays."""


@step("read what is superseded of {name}")
def read_superseded(settings: ElasticSettings, name: str) -> Superseded:
    """Which embedded indices of an alias nothing uses any more.

    The index that the alias points at stays, the one that a rollback goes back to or came from, one that another alias points
    at, and a newer one that is not finished, which the next `elastic embed` or `elastic upgrade` goes on with.

    Raises:
        InvalidInput: the alias does not exist, points at several indices, or is the name of an index.
        NotOurs: it points at an index that we did not make.
    """
    alias = read_alias_to_change.fn(settings, name)
    if not alias.index:
        raise InvalidInput(
            "No such alias exists, so nothing says which index is used",
            value=name,
            source="name",
            accepted="an alias that `elastic embed` or `elastic upgrade` has made",
            remedy="`elastic teardown` removes everything of a name.",
        )
    everything = read_inventory.fn(settings, name)
    ours = indices_of_ours(settings)
    there = sorted(
        (one for one in ours if one.name in everything.indices), key=lambda one: (one.created, one.name)
    )
    served = next(one for one in ours if one.name == alias.index)
    reasons = {one.name: _why(one, alias, served) for one in there}
    going = tuple(one.name for one in there if not reasons[one.name])
    kept = tuple(Kept(one, why) for one, why in reasons.items() if why)
    staying = [one for one in ours if one.name not in going]
    return Superseded(name, kept, going, _unused(settings, everything.pipelines, staying))


def _why(index: IndexState, alias: AliasState, served: IndexState) -> str:
    """Why an index stays; empty if nothing uses it."""
    if index.name == alias.index:
        return f"{alias.alias} points at it"
    if index.name == alias.previous:
        return "`elastic rollback` goes back to it"
    if index.name == alias.rolled_back_from:
        return "a rollback came from it"
    if index.aliases:
        return f"{', '.join(index.aliases)} points at it"
    if not index.content and index.created > served.created:
        return "not finished: the same embed or upgrade goes on with it"
    return ""


def _unused(
    settings: ElasticSettings, pipelines: Sequence[str], staying: Sequence[IndexState]
) -> tuple[str, ...]:
    """The pipelines that have filled none of the indices that stay, and that nothing calls."""
    needed = {str((one.meta.get("made_from") or {}).get("pipeline", "")) for one in staying}
    found = ((one, read_pipeline.fn(settings, one)) for one in pipelines if one not in needed)
    return tuple(one for one, there in found if there is not None and not there.users)
