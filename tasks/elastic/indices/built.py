"""Every index that bears our mark, whatever its name."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.built import Built
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.indices import IndexState, count, indices_of_ours
from tasks.elastic.settings import ElasticSettings
from tasks.plurals import counted


def list_built(settings: ElasticSettings) -> list[Built]:
    """What is there, by name. The cluster's nodes cost, not its indices."""
    ours = indices_of_ours(settings)
    if not ours:
        return []
    with calling("read when the indices were made"):
        found = connect(settings).indices.get_settings(
            index=",".join(one.name for one in ours), name="index.creation_date", flat_settings=True
        )
    made = {name: int(each["settings"]["index.creation_date"]) for name, each in found.body.items()}
    return sorted(
        (_index(settings, one, datetime.fromtimestamp(made[one.name] / 1000, UTC)) for one in ours),
        key=lambda one: one.name,
    )


def _index(settings: ElasticSettings, there: IndexState, since: datetime) -> Built:
    source = (there.meta.get("made_from") or {}).get("source", "")
    serves = f"alias {', '.join(there.aliases)}" if there.aliases else "no alias"
    return Built(
        name=there.name,
        kind=f"index, embedded from {source}" if source else "index",
        holds=counted(count(settings, there.name), "document"),
        serves=serves,
        since=since,
        hourly=0.0,
    )
