"""Waiting until streaming updates are served: datapoints read back as they were sent, removed ones are absent.

An accepted update shows within seconds, not at once ("Update and rebuild an active index").
Nothing is sent again: an update that was accepted is only late.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from tasks.batches import attempt_each, batches
from tasks.errors import InvalidInput
from tasks.plurals import counted
from tasks.steps import step
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.files import Datapoints, Ids
from tasks.vertex.datapoints.filters import NumericRestrict
from tasks.vertex.datapoints.vectors import is_same_vector
from tasks.vertex.queries.queries import READS_PER_REQUEST, read_datapoints
from tasks.vertex.resources.deployed_indexes import NoLongerDeployed, read_deployed_index
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings
from tasks.waiting import Deadline, Look

T = TypeVar("T")
_NO_BYTES = 1


@step("verify that datapoints of {served.name} exist")
def verify_datapoints_exist(
    settings: VertexSettings, served: ServedIndex, expected: Datapoints, deadline: Deadline
) -> int:
    """Check that every datapoint is served: a change of restricts alone does not create one, and nothing would come of waiting.

    Returns:
        How many there are.

    Raises:
        InvalidInput: names the first one that does not exist.
        DeadlinePassed: the service did not answer in time.
    """

    def look(part: list[Datapoint]) -> Look[bool]:
        there = {point.id for point in read_datapoints.fn(settings, served, [p.id for p in part])}
        absent = [point.id for point in part if point.id not in there]
        if absent:
            _refuse_undeployed(settings, served)
            raise InvalidInput(
                f"A change of restricts alone needs a stored datapoint, but {counted(len(absent), 'id')} of {len(part)} read "
                "together do not exist, first",
                value=absent[0],
                source=f"index {served.name}",
                remedy="Upsert whole datapoints, with their vectors. One that was upserted a moment ago shows within seconds.",
            )
        return Look("there", value=True, done=True)

    what = f"verify that datapoints of {served.name} exist"
    return attempt_each(
        what, _parts(expected), look, deadline, total=len(expected), outcome="there", unit="datapoints"
    )


@step("wait for datapoints of {served.name}")
def wait_for_datapoints(
    settings: VertexSettings,
    served: ServedIndex,
    expected: Datapoints,
    deadline: Deadline,
    *,
    restricts_only: bool = False,
) -> int:
    """Wait until every datapoint reads back as sent: vectors, restricts, numeric restricts and crowding tag.

    Of the crowding tag, a private endpoint only shows whether there is one: its integer has no documented meaning.

    Args:
        settings: the target.
        served: the index.
        expected: what was upserted.
        deadline: for all of them.
        restricts_only: only restricts and numeric restricts were sent.

    Returns:
        How many were checked.

    Raises:
        NoLongerDeployed: somebody undeployed the index.
        DeadlinePassed: names a datapoint and what is not yet as it was sent.
    """

    def look(part: list[Datapoint]) -> Look[bool]:
        there = {point.id: point for point in read_datapoints.fn(settings, served, [p.id for p in part])}
        late = [
            f"{sent.id!r}: {difference}"
            for sent in part
            if (difference := _difference(served, sent, there.get(sent.id), restricts_only=restricts_only))
        ]
        if not late:
            return Look("as sent", value=True, done=True)
        if not there:
            _refuse_undeployed(settings, served)
        return Look(f"{len(late)} of {len(part)} not yet as sent, datapoint {late[0]}")

    what = f"wait for datapoints of {served.name}"
    return attempt_each(
        what, _parts(expected), look, deadline, total=len(expected), outcome="seen as sent", unit="datapoints"
    )


@step("wait until datapoints of {served.name} are gone")
def wait_for_removals(settings: VertexSettings, served: ServedIndex, ids: Ids, deadline: Deadline) -> int:
    """Wait until none of these ids is served any more.

    Returns:
        How many were checked.

    Raises:
        NoLongerDeployed: somebody undeployed the index.
        DeadlinePassed: names an id that is still there.
    """

    def look(part: Sequence[str]) -> Look[bool]:
        there = [point.id for point in read_datapoints.fn(settings, served, part)]
        if not there:
            _refuse_undeployed(settings, served)
            return Look("gone", value=True, done=True)
        return Look(f"{len(there)} of {len(part)} still there, datapoint {there[0]!r}")

    what = f"wait until datapoints of {served.name} are gone"
    return attempt_each(
        what, _parts(ids), look, deadline, total=len(ids), outcome="seen gone", unit="datapoints"
    )


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    return batches(items, most=READS_PER_REQUEST, most_bytes=READS_PER_REQUEST, size_of=lambda _: _NO_BYTES)


def _refuse_undeployed(settings: VertexSettings, served: ServedIndex) -> None:
    """An index that is not deployed has no datapoints either; that none is read means nothing then."""
    if read_deployed_index.fn(settings, served.deployed_index_id, served.endpoint) is None:
        raise NoLongerDeployed(served.name, served.deployed_index_id, endpoint=served.endpoint)


def _difference(
    served: ServedIndex, sent: Datapoint, there: Datapoint | None, *, restricts_only: bool
) -> str:
    """What is not yet as it was sent, or nothing."""
    if there is None:
        return "not there"
    if _tokens(sent) != _tokens(there):
        return "other restricts"
    if _numbers(sent) != _numbers(there):
        return "other numeric restricts"
    if restricts_only:
        return ""
    if not _has_same_vector(served, sent, there):
        return "other vector"
    if not _has_same_sparse_vector(sent, there):
        return "other sparse vector"
    return "" if _has_same_crowding_tag(served, sent, there) else "other crowding tag"


def _has_same_vector(served: ServedIndex, sent: Datapoint, there: Datapoint) -> bool:
    if sent.vector is None or there.vector is None:
        return sent.vector is there.vector
    return is_same_vector(sent.vector, there.vector, normalised=served.feature_norm == "UNIT_L2_NORM")


def _has_same_sparse_vector(sent: Datapoint, there: Datapoint) -> bool:
    if sent.sparse_embedding is None or there.sparse_embedding is None:
        return sent.sparse_embedding is there.sparse_embedding
    return sent.sparse_embedding.is_same(there.sparse_embedding)


def _has_same_crowding_tag(served: ServedIndex, sent: Datapoint, there: Datapoint) -> bool:
    if served.kind == "public":
        return (sent.crowding_tag or None) == there.crowding_tag
    return bool(sent.crowding_tag) == bool(there.crowding_tag)


def _tokens(datapoint: Datapoint) -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    return {r.namespace: (frozenset(r.allow), frozenset(r.deny)) for r in datapoint.restricts}


def _numbers(datapoint: Datapoint) -> list[tuple[str, str, float]]:
    return sorted((n.namespace, n.field, _number(n)) for n in datapoint.numeric_restricts)


def _number(number: NumericRestrict) -> float:
    value = getattr(number, number.field)
    return float(np.float32(value)) if number.field == "value_float" else value
