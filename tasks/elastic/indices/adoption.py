"""An index that somebody made by hand, adopted: it gets our mark, and keeps its mapping, settings and documents."""

from __future__ import annotations

from typing import Any

from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.indices import ADOPTED, IndexState, count, put_marks, read_index
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput
from tasks.marks import MANAGED_BY, marks
from tasks.outcomes import Ensured
from tasks.plurals import counted
from tasks.progress import say
from tasks.steps import step


@step("look at index {name} before it is adopted")
def read_adoptable(settings: ElasticSettings, name: str) -> IndexState:
    """An existing index that is ours, or can be marked as ours.

    Raises:
        InvalidInput: it does not exist, is an alias or a data stream, or documents could not be loaded into it or read back.
    """
    there = read_index.fn(settings, name)
    if there is None:
        raise InvalidInput(
            "There is no single index of this name to adopt", value=name, source="--adopt",
            remedy="Leave out --adopt to create it. Of an alias or a data stream, name an index behind it.",
        )  # fmt: skip
    if there.name != name:
        raise InvalidInput(
            f"This name stands for the index {there.name}", value=name, source="--adopt",
            remedy=f"Adopt {there.name} itself, unless a data stream writes into it.",
        )  # fmt: skip
    if there.ours:
        return there
    _refuse_unusable(settings, there)
    if taken := sorted(_own_meta(there).keys() & marks(name, ADOPTED).keys()):
        raise InvalidInput(
            "The _meta of this index has a name that our mark has too", value=taken[0], source=f"index {name}",
            remedy="Rename it with `PUT INDEX/_mapping`.",
        )  # fmt: skip
    return there


@step("adopt index {name}")
def ensure_adopted(settings: ElasticSettings, name: str) -> Ensured[IndexState]:
    """Mark an existing index as ours. One that we created, or adopted before, is left as it is.

    Raises:
        InvalidInput: as `read_adoptable`.
    """
    there = read_adoptable.fn(settings, name)
    if there.ours:
        return Ensured(there)
    put_marks(settings, name, {**_own_meta(there), **marks(name, ADOPTED)})
    say(
        f"Adopted the index {name}, which somebody else created, with {counted(count(settings, name), 'document')}: it is marked in "
        "its _meta, and keeps its mapping, settings and documents."
    )
    adopted = read_index.fn(settings, name)
    return Ensured(adopted or there, "changed")


def _own_meta(there: IndexState) -> dict[str, Any]:
    """What its creator keeps in its `_meta`; none of it if the creator is an earlier version of ours."""
    return {} if there.meta.get("managed_by") == MANAGED_BY else there.meta


def _refuse_unusable(settings: ElasticSettings, there: IndexState) -> None:
    with calling(f"read the mapping of {there.name}"):
        found: dict[str, Any] = connect(settings).indices.get_mapping(index=there.name).body
    mapping = found[there.name]["mappings"]
    if (mapping.get("_source") or {}).get("enabled") is False:
        problem = "Its documents have no _source, so they cannot be embedded"
    elif (mapping.get("_routing") or {}).get("required"):
        problem = "It requires a routing value, which the load does not send"
    else:
        return
    raise InvalidInput(f"This index cannot be adopted. {problem}", value=there.name, source="--adopt")
