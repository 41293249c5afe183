"""Every index that bears our mark, whatever its name."""

from __future__ import annotations

from tasks.built import Built
from tasks.elastic.indices.indices import IndexState, count, indices_of_ours
from tasks.elastic.settings import ElasticSettings
from tasks.plurals import counted


def list_built(settings: ElasticSettings) -> list[Built]:
    """What is there, by name. The cluster's nodes cost, not its indices."""
    return sorted(
        (_index(settings, one) for one in indices_of_ours(settings)), key=lambda one: (one.name, one.kind)
    )


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
        holds=counted(count(settings, there.name), "document"),
        serves=f"alias {', '.join(there.aliases)}" if there.aliases else "no alias",
        since=there.created,
        hourly=0.0,
    )
