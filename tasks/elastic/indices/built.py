"""Every index that bears our mark, whatever its name."""

from __future__ import annotations

from typing import Any

from tasks.built import Built, Stranger
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import BadRequest, calling
from tasks.elastic.indices.indices import IndexState, count, index_state, indices_of_ours
from tasks.elastic.settings import ElasticSettings
from tasks.plurals import counted


def list_built(settings: ElasticSettings) -> list[Built]:
    """What is there, by name. The cluster's nodes cost, not its indices."""
    return sorted(
        (_index(settings, one) for one in indices_of_ours(settings)), key=lambda one: (one.name, one.kind)
    )


def list_strangers(settings: ElasticSettings) -> list[Stranger]:
    """Indices that do not bear our mark, but for those of the system, whose names begin with a dot."""
    with calling("list the indices"):
        found: dict[str, Any] = connect(settings).indices.get(index="*").body
    states = (index_state(name, raw) for name, raw in sorted(found.items()))
    return [
        Stranger(kind="index", name=one.name) for one in states if not (one.ours or one.name.startswith("."))
    ]


def _index(settings: ElasticSettings, there: IndexState) -> Built:
    name, kind = there.name, "index"
    if made_from := there.meta.get("made_from"):
        # Commands know what was embedded by the alias; its indices are named NAME-HASH.
        name, kind = there.name.rpartition("-")[0], f"index {there.name}"
        kind += (
            f", embedded from {made_from['source']}" if "source" in made_from else ", passages of documents"
        )
    return Built(
        name=name,
        kind=kind,
        holds=_held(settings, there.name),
        serves=f"alias {', '.join(there.aliases)}" if there.aliases else "no alias",
        since=there.created,
        is_idle=not there.aliases,
        is_torn_down=bool(made_from),
        hourly=0.0,
    )


def _held(settings: ElasticSettings, name: str) -> str:
    try:
        return counted(count(settings, name), "document")
    except BadRequest as error:
        if error.type != "index_closed_exception":
            raise
        return "closed, so its documents are not counted"
