"""Queries of a served index, many in one round trip, and reads of single datapoints.

Nothing is changed, and only the call that was answered is timed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from tasks.calls import NotFound, ServiceRefused
from tasks.errors import InvalidInput, PermanentError, TransientError
from tasks.steps import step
from tasks.vertex.connection.errors import SERVICE
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.queries.matches import Matches, matches
from tasks.vertex.queries.neighbors import Neighbor, Query
from tasks.vertex.resources.served import ServedIndex
from tasks.vertex.settings import VertexSettings
from tasks.waiting import PACE

QUERIES_PER_REQUEST = 50
"""Beyond a few tens a request gets larger, not faster (benchmarks/queries.py)."""
READS_PER_REQUEST = 100
"""No page documents a limit."""


@dataclass(frozen=True)
class Answers:
    """What came back."""

    neighbors: tuple[tuple[Neighbor, ...], ...]
    """For every query, in their order, nearest first."""
    milliseconds: tuple[float, ...]
    """For every request, from the call to its answer."""


class DatapointNotThere(PermanentError):
    """A query asks with a stored datapoint that the index does not have."""

    def __init__(self, name: str, *, id: str) -> None:  # noqa: A002 -- the field's own name
        self.name, self.id = name, id
        super().__init__(
            f"The index {name!r} has no datapoint {id!r} to query with. Use the id of one that it has (one that was just upserted "
            "shows after a few seconds), a vector, or a query row of a data file."
        )


@step("query {served.name}")
def read_neighbors(
    settings: VertexSettings,
    served: ServedIndex,
    queries: Sequence[Query],
    *,
    per_request: int = QUERIES_PER_REQUEST,
) -> Answers:
    """The nearest neighbors of each query.

    Args:
        settings: the target; its `jwt` goes along to a private endpoint.
        served: the index.
        queries: at most a few hundred; `answer` takes any number.
        per_request: how many queries share a round trip.

    Raises:
        InvalidInput: a query does not fit the index; nothing was sent.
        DatapointNotThere: a query asks with a stored datapoint that is not there.
        PrivateAddressUnreachable: transient; says where to run this instead.
    """
    try:
        return answer(settings, served, queries, per_request=per_request)
    except NotFound as error:
        asked = [query.datapoint_id for query in queries if query.datapoint_id]
        there = {datapoint.id for datapoint in read_datapoints.fn(settings, served, asked)}
        missing = [id_ for id_ in asked if id_ not in there]
        if not missing:
            raise
        raise DatapointNotThere(served.name, id=missing[0]) from error


@step("read datapoints of {served.name}")
def read_datapoints(
    settings: VertexSettings, served: ServedIndex, ids: Sequence[str]
) -> tuple[Datapoint, ...]:
    """The stored datapoints of these ids, in their order; an id that is not there is left out.

    The crowding tag that a private endpoint returns is an integer of undocumented meaning.
    """
    way = matches(settings, served)
    there: list[Datapoint] = []
    for start in range(0, len(ids), READS_PER_REQUEST):
        part = ids[start : start + READS_PER_REQUEST]
        found = {datapoint.id: datapoint for datapoint in _read(way, part)}
        there += (found[id_] for id_ in part if id_ in found)
    return tuple(there)


def answer(
    settings: VertexSettings,
    served: ServedIndex,
    queries: Sequence[Query],
    *,
    per_request: int,
    attempts: int = 1,
) -> Answers:
    """The nearest neighbors of any number of queries; a step would walk through all of them as its argument.

    Each request is sent up to `attempts` times; only the one that was answered is timed.
    """
    if per_request < 1:
        raise InvalidInput("Not a number of queries per request", value=per_request, accepted="1 or more")
    way = matches(settings, served)
    again = Retrying(
        stop=stop_after_attempt(attempts),
        wait=PACE,
        retry=retry_if_exception_type(TransientError),
        reraise=True,
    )

    def ask(part: Sequence[Query]) -> tuple[list[tuple[Neighbor, ...]], float]:
        request = way.request(part)
        began = time.perf_counter()
        answered = way.ask(request)
        spent = (time.perf_counter() - began) * 1000
        return way.neighbors(answered), spent

    neighbors: list[tuple[Neighbor, ...]] = []
    milliseconds: list[float] = []
    for start in range(0, len(queries), per_request):
        part = queries[start : start + per_request]
        found, spent = again(ask, part)
        _expect_answers(served, len(part), len(found))
        neighbors += found
        milliseconds.append(spent)
    return Answers(tuple(neighbors), tuple(milliseconds))


def _read(way: Matches, ids: Sequence[str]) -> Iterable[Datapoint]:
    """What there is of these ids. Whether an absent one is left out or makes the whole read NOT_FOUND is undocumented."""
    try:
        return way.read(ids)
    except NotFound:
        if len(ids) == 1:
            return ()
    return (datapoint for id_ in ids for datapoint in _read(way, [id_]))


def _expect_answers(served: ServedIndex, queries: int, answers: int) -> None:
    if answers != queries:
        said = f"{answers} answers to {queries} queries"
        raise ServiceRefused(f"query {served.name}", service=SERVICE, status="OK", said=said)
