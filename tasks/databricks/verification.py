"""How well and how fast an index is searched: recall against exact search under the service's score, and latency."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from tasks.databricks.data import RowSource, opened, read_rows
from tasks.databricks.indexes import IndexState
from tasks.databricks.searches import Found, Query, find, find_rows, read_count, read_present
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import KEY
from tasks.databricks.texts import TextSource
from tasks.errors import GateNotMet, InvalidInput
from tasks.measures.neighbors import exact_neighbors
from tasks.measures.verification import (
    SETTLED_SECONDS,
    TIES,
    SearchRecall,
    check_recall,
    measure_recall,
    wait_for_count,
)
from tasks.plurals import counted
from tasks.progress import say
from tasks.steps import step
from tasks.vertex.data.formats.errors import NoQueries
from tasks.waiting import Deadline, Look, Unchanged, attempt_until

TEXTS, NEAREST = 20, 10
"""Texts that are asked for, and how many rows each may find: every one costs a call of the model."""
SAMPLE = 100
"""Rows that are looked at to see whether what was loaded shows."""


@step("check the number of rows of index {index.shown}")
def verify_count(settings: DatabricksSettings, index: IndexState, rows: int, deadline: Deadline) -> None:
    """See that an index holds as many rows as were loaded.

    Raises:
        GateNotMet: it holds another number, and that does not change.
    """
    wait_for_count(
        lambda: read_count.fn(settings, index), rows, deadline, noun="rows", holder=f"index {index.shown}"
    )


@step("wait for rows of index {index.shown}")
def wait_for_rows(
    settings: DatabricksSettings, index: IndexState, ids: Sequence[str], deadline: Deadline
) -> None:
    """Wait until queries find rows that were upserted, which takes seconds.

    Raises:
        DeadlinePassed: some do not show.
    """

    def look() -> Look[bool]:
        found = len(read_present.fn(settings, index, ids))
        return Look(seen=f"{found:,} of {counted(len(ids), 'row')}", value=True, done=found == len(ids))

    attempt_until(f"rows to show in index {index.shown}", look, deadline)


@step("wait until index {index.name} shows what was loaded")
def wait_for_content(
    settings: DatabricksSettings, index: IndexState, source: RowSource, rows: int, deadline: Deadline
) -> None:
    """Wait until queries find rows as they were loaded: a count says nothing of those that replaced others.

    Looks at `SAMPLE` rows, evenly spaced, the last one among them.

    Raises:
        GateNotMet: some are other rows, and that does not change.
    """
    positions = sorted({*range(0, rows, -(-rows // SAMPLE)), rows - 1})
    sample = {
        row[KEY]: np.float32(row[index.vector_column])
        for row in read_rows.fn(source, index.vector_column, positions)
    }
    unchanged = Unchanged()

    def look() -> Look[bool]:
        found = find_rows(settings, index, list(sample), (index.vector_column,))
        same = sum(
            np.array_equal(np.float32(each.data[index.vector_column]), sample[each.id]) for each in found
        )
        if same != len(sample) and unchanged.seconds(same) > SETTLED_SECONDS:
            raise GateNotMet(
                f"Rows of index {index.name} as they were loaded, of a sample", measured=f"{same:,}", wanted=f"{len(sample):,}",
                remedy="Somebody else may have changed them. Run it again to load them again.",
            )  # fmt: skip
        return Look(seen=f"{same:,} of {counted(len(sample), 'row')}", value=True, done=same == len(sample))

    attempt_until(f"rows to show as loaded in index {index.name}", look, deadline)


@step("look for texts of index {index.shown}")
def verify_texts(
    settings: DatabricksSettings, index: IndexState, source: TextSource, deadline: Deadline, *, rows: int, least: float,
    texts: int = TEXTS, nearest: int = NEAREST,
) -> float:  # fmt: skip
    """Ask an index that embeds by itself for texts that it holds.

    The vectors are the service's own, so there is no exact search to compare with.

    Args:
        settings: the target.
        index: it must hold the rows of the file.
        source: the file that it was built from.
        deadline: for all queries; a model that is starting is waited for.
        rows: of the file.
        least: the gate, 0 to 1.
        texts: how many are asked for; each costs a call of the model.
        nearest: how many rows each may find.

    Returns:
        The share of these rows, evenly spaced, that are among those that their own text finds.

    Raises:
        GateNotMet: it is below the gate.
    """
    positions = {*range(0, rows, -(-rows // texts))}
    sample = [row for position, row in enumerate(source.rows()) if position in positions]

    def asked(text: str) -> Look[tuple[Found, ...]]:
        query = Query(text=text, how="ANN", num_results=nearest)
        return Look(seen="answered", value=find(settings, index, query), done=True)

    found = 0
    for row in sample:
        text: str = row[source.text_column]
        answer = attempt_until(f"query index {index.shown}", partial(asked, text), deadline)
        found += row[KEY] in {each.id for each in answer}
    share = found / len(sample)
    if share < least:
        raise GateNotMet(
            f"The share of texts that find their own row in index {index.shown}", measured=f"{share:.2f}", wanted=f"at least {least}",
            remedy="Are many texts the same, or longer than the model reads? It cuts them silently: cut them into passages first.",
        )  # fmt: skip
    return share


@step("measure recall of index {index.shown}")
def verify_recall(
    settings: DatabricksSettings,
    index: IndexState,
    source: RowSource,
    deadline: Deadline,
    *,
    k: int = 10,
    queries: int | None = None,
    min_recall: float | None = None,
) -> SearchRecall:
    """Measure recall@k of an index against exact search in a data file.

    The service's score, 1 / (1 + squared L2 distance), falls with the distance, so the truth is that of squared L2.

    Args:
        settings: the target.
        index: it must hold the rows of the file; a row that was changed since counts against it.
        source: the file that it was built from, with queries.
        deadline: for all queries.
        k: neighbors per query.
        queries: only the first N queries; None for all.
        min_recall: the gate, 0 to 1; None measures only.

    Raises:
        GateNotMet: recall is too low.
        NoQueries, InvalidInput: the data has no queries, or other dimensions.
    """
    with opened(source) as file:
        if not file.has_queries or not file.query_rows:
            raise NoQueries(source.data)
        if file.dimensions != index.dimensions:
            raise InvalidInput(
                f"The data has another number of dimensions than the index {index.shown}",
                value=file.dimensions, source=source.data, accepted=str(index.dimensions),
            )  # fmt: skip
        asked = file.queries(queries)
        say(f"Exact search of {len(asked):,} queries in {file.rows:,} rows, by squared L2 distance")
        truth = exact_neighbors(file.blocks(), asked, TIES * k, measure="SQUARED_L2_DISTANCE")

    def search(vector: list[float]) -> list[str]:
        answers = find(settings, index, Query(vector=tuple(vector), num_results=k))
        return [each.id for each in answers]

    holder = f"index {index.shown}"
    measured = measure_recall(
        search, asked, truth, deadline, name=index.shown, holder=holder, k=k, min_recall=min_recall
    )
    check_recall(
        measured,
        holder=holder,
        remedy="The service has no setting for recall. Make sure that the index was built from this data.",
    )
    return measured
