"""Rows in batches: upserted until an index holds exactly those of a file, and removed.

An upsert that fails in part is answered with success and names the keys that failed; no client raises for it. They are sent again
for a while, and named when they keep failing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import orjson
from databricks.sdk.service.vectorsearch import (
    DeleteDataVectorIndexResponse,
    UpsertDataVectorIndexResponse,
    Value,
)

from tasks.batches import attempt_each, batches
from tasks.databricks.clients import connect
from tasks.databricks.data import Row, RowSource, ids_of, opened, rows_of, size_of
from tasks.databricks.errors import calling
from tasks.databricks.indexes import IndexState
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import KEY
from tasks.errors import PermanentError
from tasks.plurals import counted
from tasks.progress import Progress
from tasks.steps import step
from tasks.waiting import Deadline, Look, Unchanged

T = TypeVar("T")
Answer = UpsertDataVectorIndexResponse | DeleteDataVectorIndexResponse

MOST_ROWS = 1000
"""Of one request: the documentation says "thousands"."""
MOST_BYTES = 8 * 2**20
"""Of one request; the service takes 10 MB (from memory of the page "Resource and data size limits")."""
MOST_KEY_BYTES = 4000
"""Of one removal: the SDK sends keys in the address, and servers take some 8 KB of it."""
PAGE = 1000
"""Rows of one page of a scan."""
FAILING_SECONDS = 20.0
"""How long the same rows may fail before they are given up."""
_SHOWN = 10


class RowsRefused(PermanentError):
    """The service keeps refusing some rows of a request, the others of which it took."""

    def __init__(self, doing: str, *, keys: Sequence[str]) -> None:
        self.doing, self.keys = doing, list(keys)
        more = f" and {len(keys) - _SHOWN:,} others" if len(keys) > _SHOWN else ""
        super().__init__(
            f"Could not {doing}: Databricks keeps refusing {counted(len(keys), 'row')}, with the ids "
            f"{', '.join(keys[:_SHOWN])}{more}. It gives no reason; a row must have at most 100 KB and fit the index's columns."
        )


@step("load rows into index {index.shown}")
def apply_rows(
    settings: DatabricksSettings, index: IndexState, source: RowSource, rows: int, deadline: Deadline
) -> int:
    """Upsert the rows of a validated file. Returns how many were sent.

    Raises:
        DeadlinePassed: with how far it came; a second run sends them again.
        RowsRefused: the service keeps refusing some.
    """

    def read() -> Iterator[Row]:
        with opened(source) as file:
            yield from rows_of(file, source.columns, index.vector_column)

    return upsert(settings, index, read(), rows, deadline)


@step("upsert rows into index {index.shown}")
def apply_upserts(
    settings: DatabricksSettings, index: IndexState, rows: Sequence[Row], deadline: Deadline
) -> int:
    """Create or replace rows. Returns how many were sent.

    Raises:
        DeadlinePassed, RowsRefused: as `upsert`.
    """
    return upsert(settings, index, rows, len(rows), deadline)


@step("remove other rows from index {index.shown}")
def apply_removal_of_strays(
    settings: DatabricksSettings, index: IndexState, source: RowSource, deadline: Deadline
) -> int:
    """Remove the rows of an index that are not in a file. Returns how many went."""
    there = list_keys(settings, index)
    with opened(source) as file:
        for ids in ids_of(file):
            there.difference_update(ids)
    return remove(settings, index, sorted(there), deadline)


@step("remove rows from index {index.shown}")
def apply_removals(
    settings: DatabricksSettings, index: IndexState, keys: Sequence[str], deadline: Deadline
) -> int:
    """Remove rows by their keys. Returns how many were sent.

    Raises:
        DeadlinePassed, RowsRefused: as `upsert`.
    """
    return remove(settings, index, keys, deadline)


def upsert(
    settings: DatabricksSettings, index: IndexState, rows: Iterable[Row], total: int, deadline: Deadline
) -> int:
    """Create or replace rows, each as a whole.

    Raises:
        DeadlinePassed: with how far it came.
        RowsRefused: the service keeps refusing some.
    """
    parts = batches(rows, most=MOST_ROWS, most_bytes=MOST_BYTES, size_of=size_of)
    what = f"upsert rows into index {index.shown}"

    def send(part: list[Row]) -> Answer:
        with calling(what):
            text = orjson.dumps(part, option=orjson.OPT_SERIALIZE_NUMPY).decode()
            return connect(settings).indexes.upsert_data_vector_index(index.full_name, text)

    batch = partial(_Batch[Row], what, send, lambda row: row[KEY])
    return attempt_each(
        what, map(batch, parts), _Batch[Row].attempt, deadline, total=total, outcome="stored", unit="rows"
    )  # fmt: skip


def remove(settings: DatabricksSettings, index: IndexState, keys: Sequence[str], deadline: Deadline) -> int:
    """Remove rows by their keys; those that are gone already do no harm. Returns how many keys were sent.

    Raises:
        DeadlinePassed, RowsRefused: as `upsert`.
    """
    what = f"remove rows from index {index.shown}"

    def send(part: list[str]) -> Answer:
        with calling(what):
            return connect(settings).indexes.delete_data_vector_index(index.full_name, part)

    parts = batches(
        keys, most=MOST_ROWS, most_bytes=MOST_KEY_BYTES, size_of=lambda key: len(quote(key)) + len("&primary_keys=")
    )  # fmt: skip
    batch = partial(_Batch[str], what, send, str)
    return attempt_each(
        what, map(batch, parts), _Batch[str].attempt, deadline, total=len(keys), outcome="removed", unit="rows"
    )  # fmt: skip


class _Batch(Generic[T]):
    """What one request changes, and what of it is still to be done."""

    def __init__(
        self, what: str, send: Callable[[list[T]], Answer], key_of: Callable[[T], str], items: list[T]
    ) -> None:
        self._what, self._send, self._key_of = what, send, key_of
        self._left, self._size, self._failing = items, len(items), Unchanged()

    def __len__(self) -> int:
        return self._size

    def attempt(self) -> Look[bool]:
        """Send what is left.

        Raises:
            RowsRefused: the same rows have failed for a while.
        """
        answer = self._send(self._left)
        failed = set(answer.result.failed_primary_keys or () if answer.result else ())
        if answer.status and answer.status.value == "FAILURE" and not failed:
            failed = set(map(self._key_of, self._left))
        self._left = [item for item in self._left if self._key_of(item) in failed]
        if self._failing.seconds(tuple(sorted(failed))) > FAILING_SECONDS:
            raise RowsRefused(self._what, keys=sorted(failed))
        return Look(seen=f"{counted(len(self._left), 'row')} failed", value=True, done=not self._left)


def list_keys(settings: DatabricksSettings, index: IndexState) -> set[str]:
    """The keys of all rows of an index, read in pages."""
    return {row[KEY] for page in scanned(settings, index) for row in page}


def scanned(settings: DatabricksSettings, index: IndexState) -> Iterator[list[Row]]:
    """All rows of an index in the order of their keys, a page at a time. A column without a value is None."""
    found, last = 0, None
    with Progress(f"scan index {index.shown}") as progress:
        while True:
            with calling(f"scan index {index.shown}"):
                page = connect(settings).indexes.scan_index(
                    index.full_name, last_primary_key=last, num_results=PAGE
                )
            rows = [
                {field.key or "": _plain(field.value) for field in row.fields or ()}
                for row in page.data or []
            ]
            if rows:
                yield rows
            found, last = found + len(rows), page.last_primary_key
            if not rows or not last:
                if progress.is_shown:
                    progress.end(counted(found, "row"))
                return
            progress.see(f"{found:,} so far")


def _plain(value: Value | None) -> Any:
    """What a message of one of several kinds holds; numbers are floats."""
    if value is None:
        return None
    if value.list_value is not None:
        return [each.number_value for each in value.list_value.values or ()]
    kinds = (value.string_value, value.number_value, value.bool_value)
    return next((each for each in kinds if each is not None), None)
