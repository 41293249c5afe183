"""Streaming updates of an index: datapoints upserted and removed, paced, each request repeated until it is accepted.

A datapoint is keyed by its id, so a repeated request stores nothing twice. Waiting until the update is
served is the task of `tasks/vertex/streaming/arrivals.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, TypeVar

from google.cloud import aiplatform_v1

from tasks.batches import attempt_each, batches
from tasks.errors import DeadlinePassed, InvalidInput, PermanentError
from tasks.program import command
from tasks.steps import step
from tasks.vertex.connection.clients import CALL_SECONDS, connect
from tasks.vertex.connection.errors import calling
from tasks.vertex.datapoints.files import Datapoints, Ids, check_datapoints, check_ids
from tasks.vertex.datapoints.messages import index_datapoint
from tasks.vertex.resources.served import OverwriteUnfinished, ServedIndex
from tasks.vertex.settings import VertexSettings
from tasks.vertex.streaming.pace import PROJECT_QUOTAS, Pace, Quotas
from tasks.waiting import Deadline, Look

DATAPOINTS_PER_REQUEST = 100
"""No page documents a limit, and published code uses 100. It costs nothing where datapoints have 200 bytes or more
(50 dimensions): 6,000 such requests per minute use up the quota of bytes."""
BYTES_PER_REQUEST = 1_000_000
"""A default gRPC server refuses messages over 4 MiB, with a status that looks like an exhausted quota."""

T = TypeVar("T")

_UpsertDatapointsRequest: Any = aiplatform_v1.UpsertDatapointsRequest.pb()
_RemoveDatapointsRequest: Any = aiplatform_v1.RemoveDatapointsRequest.pb()
_FRAME = 6
"""Bytes around an element of a repeated field: its tag and its length."""


class PartlyApplied(PermanentError):
    """The service refused a request after it had accepted others."""

    def __init__(self, what: str, *, accepted: int, total: int, error: PermanentError) -> None:
        self.accepted, self.total, self.error = accepted, total, error
        said = str(error)
        super().__init__(
            f"{said}{'' if said.endswith('.') else '.'} The first {accepted:,} of {total:,} are in; the request that failed and what "
            f"follows is not ({what}). Correct what the service refused and run it again: it starts from the first one, which does "
            "no harm."
        )


@dataclass(frozen=True)
class Applied:
    """What a streaming update sent and the service accepted."""

    datapoints: int
    requests: int
    """Including those that had to be repeated."""
    bytes: int


@step("upsert datapoints into {served.name}")
def apply_upserts(
    settings: VertexSettings,
    served: ServedIndex,
    datapoints: Datapoints,
    deadline: Deadline,
    *,
    restricts_only: bool = False,
    per_request: int = DATAPOINTS_PER_REQUEST,
    quotas: Quotas = PROJECT_QUOTAS,
) -> Applied:
    """Add or replace datapoints. Each replaces its stored one whole, except under `restricts_only`.

    Args:
        settings: the target.
        served: the index.
        datapoints: a few by value, or a file that `read_datapoint_file` has validated.
        deadline: for all requests together.
        restricts_only: change restricts and numeric restricts, leave vector and crowding tag as they are.
        per_request: the most datapoints in one request.
        quotas: what this process may use of the project's quotas.

    Raises:
        InvalidInput: the index takes no streaming updates, or a datapoint does not fit it.
        OverwriteUnfinished: they would be lost.
        PartlyApplied: the service refused a request after the first.
        DeadlinePassed: what was accepted stays; sending all of it again does no harm.
    """
    _refuse_unsuited(served)
    if isinstance(datapoints, Sequence):
        points = partial(_numbered, "datapoint", datapoints)
        check_datapoints(points, served.dimensions, restricts_only=restricts_only)
    messages = (index_datapoint(point, restricts_only=restricts_only) for point in datapoints)
    sender = _Sender(Pace(quotas), deadline, per_request)
    client = connect(settings).indexes

    def upsert(part: list[Any]) -> None:
        request = _UpsertDatapointsRequest(index=served.index, datapoints=part)
        if restricts_only:
            request.update_mask.paths.append("all_restricts")
        wrapped = aiplatform_v1.UpsertDatapointsRequest.wrap(request)
        with calling(f"upsert datapoints into {served.name}"):
            client.upsert_datapoints(request=wrapped, timeout=CALL_SECONDS, retry=None)

    what = f"upsert datapoints into {served.name}"
    return sender.send(what, messages, lambda message: message.ByteSize(), upsert, total=len(datapoints))


@step("remove datapoints from {served.name}")
def apply_removals(
    settings: VertexSettings,
    served: ServedIndex,
    ids: Ids,
    deadline: Deadline,
    *,
    per_request: int = DATAPOINTS_PER_REQUEST,
    quotas: Quotas = PROJECT_QUOTAS,
) -> Applied:
    """Remove datapoints. An id that does not exist is not an error.

    Raises:
        InvalidInput: the index takes no streaming updates, or an id is empty or occurs twice.
        OverwriteUnfinished: what is removed would come back.
        PartlyApplied: the service refused a request after the first.
        DeadlinePassed: what was accepted stays; sending all of it again does no harm.
    """
    _refuse_unsuited(served)
    if isinstance(ids, Sequence):
        check_ids(partial(_numbered, "id", ids))
    sender = _Sender(Pace(quotas), deadline, per_request)
    client = connect(settings).indexes

    def remove(part: list[str]) -> None:
        request = _RemoveDatapointsRequest(index=served.index, datapoint_ids=part)
        wrapped = aiplatform_v1.RemoveDatapointsRequest.wrap(request)
        with calling(f"remove datapoints from {served.name}"):
            client.remove_datapoints(request=wrapped, timeout=CALL_SECONDS, retry=None)

    what = f"remove datapoints from {served.name}"
    return sender.send(what, ids, lambda id_: len(id_.encode()), remove, total=len(ids))


class _Sender:
    """Sends batches at the quotas' pace and counts what went out."""

    def __init__(self, pace: Pace, deadline: Deadline, per_request: int) -> None:
        if per_request < 1:
            raise InvalidInput(
                "Not a number of datapoints per request", value=per_request, accepted="1 or more"
            )
        self._pace, self._deadline, self._per_request = pace, deadline, per_request
        self._most_bytes = min(BYTES_PER_REQUEST, int(pace.most_bytes))
        self._requests = self._bytes = self._accepted = 0

    def send(
        self,
        what: str,
        items: Iterable[T],
        size_of: Callable[[T], int],
        call: Callable[[list[T]], None],
        *,
        total: int,
    ) -> Applied:
        def framed(item: T) -> tuple[T, int]:
            size = size_of(item) + _FRAME
            if size > self._most_bytes:
                raise InvalidInput(
                    "A datapoint is larger than a request", value=size, accepted=f"{self._most_bytes:,} bytes"
                )
            return item, size

        def attempt(part: list[tuple[T, int]]) -> Look[bool]:
            size = sum(size for _, size in part)
            self._pace.wait_for(size)
            self._requests += 1
            self._bytes += size
            call([item for item, _ in part])
            self._accepted += len(part)
            return Look("accepted", value=True, done=True)

        parts = batches(
            map(framed, items), most=self._per_request, most_bytes=self._most_bytes, size_of=itemgetter(1)
        )
        try:
            done = attempt_each(
                what, parts, attempt, self._deadline, total=total, outcome="accepted", unit="datapoints"
            )
        except DeadlinePassed:
            raise  # it says how many
        except PermanentError as error:
            if not self._accepted:
                raise
            raise PartlyApplied(what, accepted=self._accepted, total=total, error=error) from error
        return Applied(done, self._requests, self._bytes)


def _numbered(noun: str, items: Sequence[T]) -> Iterator[tuple[str, T]]:
    return ((f"{noun} {number}", item) for number, item in enumerate(items, start=1))


def _refuse_unsuited(served: ServedIndex) -> None:
    if served.update_method != "STREAM_UPDATE":
        raise InvalidInput(
            f"The index {served.name} takes no streaming updates", value=served.update_method, accepted="STREAM_UPDATE",
            remedy=f"`{command('vertex import', name=served.name, data='FILE.hdf5')}` adds, overwrites and deletes datapoints of this one, "
            "in half an hour. An index cannot be converted. Replace it by a version that takes them: "
            f"`{command('vertex build', name=served.name, data='FILE.hdf5', as_version=True, prune=True)}`. Or overwrite its content with "
            f"the changed data: `{command('vertex build', name=served.name, data='FILE.hdf5', update_method='BATCH_UPDATE')}`.",
        )  # fmt: skip
    if served.is_overwritten:
        raise OverwriteUnfinished(served.name, doing="streamed")
