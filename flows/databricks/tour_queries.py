"""The queries of the tour, whose answers must follow from what was stored."""

from __future__ import annotations

from flows.databricks.options import DatabricksRun
from tasks.databricks.data import Row
from tasks.databricks.indexes import IndexState
from tasks.databricks.loading import apply_upserts
from tasks.databricks.searches import Found, Query, read_found
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.specs import KEY
from tasks.databricks.verification import wait_for_rows
from tasks.errors import GateNotMet

NEW = "tour-new"
"""The id of the row that the tour adds."""
SAME = 0.999
"""The score of a row by its own vector is 1; floats of 32 bits may miss it by a little."""


def query_every_way(run: DatabricksRun, index: IndexState, row: Row, text_column: str) -> None:
    """Query for a stored row by its vector, by its words, by both, and by its vector among other rows alone.

    Raises:
        GateNotMet: an answer is not the one that must come.
    """
    settings, report = run.settings, run.report
    vector, text = tuple(row[index.vector_column]), str(row[text_column])
    columns = (text_column,)
    with report.step(f"query by the vector of row {row[KEY]} (ANN)") as step:
        step.saw(verify_best(settings, index, row, is_there=True, columns=columns))
    with report.step(f"query by the words of row {row[KEY]} (FULL_TEXT)") as step:
        found = read_found(settings, index, Query(text=text, text_columns=columns, columns=columns))
        _expect(
            f"Rows with the words {text!r}",
            row[KEY] in {each.id for each in found},
            found,
            f"{row[KEY]} among them",
        )
        step.saw(_shown(found))
    with report.step(f"query by both of row {row[KEY]} (HYBRID)") as step:
        found = read_found(
            settings, index, Query(vector=vector, text=text, text_columns=columns, columns=columns)
        )
        _expect(
            f"The best row for {text!r} and its vector",
            found[:1] and found[0].id == row[KEY],
            found,
            row[KEY],
        )
        step.saw(_shown(found))
    with report.step(f"query by the vector of row {row[KEY]} for other words") as step:
        found = read_found(
            settings, index, Query(vector=vector, filters={f"{text_column} NOT": text}, columns=columns)
        )
        _expect(
            "Rows that a filter lets through",
            found and row[KEY] not in {each.id for each in found},
            found,
            f"all but {row[KEY]}",
        )
        step.saw(_shown(found))


def upsert_a_row(run: DatabricksRun, index: IndexState, like: Row, text_column: str) -> Row:
    """Upsert a row far from all others, and see that a query finds it. Returns it.

    Raises:
        GateNotMet: the query does not find it.
    """
    settings, report = run.settings, run.report
    vector = [-2 * value - 1 for value in like[index.vector_column]]
    new: Row = {KEY: NEW, text_column: "added by a tour", index.vector_column: vector}
    with report.step(f"upsert row {NEW}") as step:
        apply_upserts(settings, index, [new], run.deadline)
        wait_for_rows(settings, index, [NEW], run.deadline)
        step.saw(verify_best(settings, index, new, is_there=True))
    return new


def verify_best(
    settings: DatabricksSettings,
    index: IndexState,
    row: Row,
    *,
    is_there: bool,
    columns: tuple[str, ...] = (),
) -> str:
    """See that a query by a row's vector finds that row first, or does not find it. Returns what it found, in words.

    Raises:
        GateNotMet: it does not follow.
    """
    found = read_found(settings, index, Query(vector=tuple(row[index.vector_column]), columns=columns))
    is_first = bool(found) and found[0].id == row[KEY] and found[0].score >= SAME
    is_found = row[KEY] in {each.id for each in found}
    what = f"The answer of {index.full_name} to a query by the vector of row {row[KEY]}"
    wanted = f"{row[KEY]} first" if is_there else f"not {row[KEY]}"
    _expect(what, is_first if is_there else not is_found, found, wanted)
    return _shown(found)


def _expect(what: str, holds: object, found: tuple[Found, ...], wanted: str) -> None:
    if not holds:
        raise GateNotMet(
            what, measured=_shown(found), wanted=wanted, remedy="Does somebody else change this index?"
        )


def _shown(found: tuple[Found, ...]) -> str:
    """The best three, in words."""
    best = (
        " ".join((each.id, *(f"({value})" for value in each.data.values()), f"{each.score:.3f}"))
        for each in found[:3]
    )
    return ", ".join(best) or "nothing"
