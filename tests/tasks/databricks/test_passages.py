"""What an index of passages differs in from its documents, each kind by its name."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from tasks.answers.chunks import Splitting, cut
from tasks.answers.documents.documents import Document
from tasks.databricks.endpoints import ensure_endpoint, wait_for_endpoint
from tasks.databricks.index_lifecycle import ensure_index, wait_for_index
from tasks.databricks.loading import upsert
from tasks.databricks.passages.reading import hashes, verify_passages
from tasks.databricks.passages.specs import Embedded, passage_index, row_of
from tasks.databricks.specs import PASSAGES
from tasks.errors import GateNotMet
from tasks.waiting import Deadline
from tests.polling import until

TEXT = "\n\n".join(
    f"## Leave of {who}\n\n{who} have {days} days of leave in a year, and take them."
    for who, days in (("Carers", 36), ("Clerks", 31), ("Cooks", 33))
)
CHUNKS = cut(Document(id="leave.md", title="Leave", text=TEXT), Splitting(size=100))
_versions = (f"{number:012x}" for number in count())


@pytest.fixture
def written(settings):
    """Writes passages into an index of their own: `written(chunks, without=chunk.id)` gives the index."""

    def write(chunks, without=""):
        name, version, deadline = "passages", next(_versions), Deadline.after(minutes=1)
        ensure_endpoint.fn(settings, name, spec=PASSAGES, content="", has_index=False, deadline=deadline)
        wait_for_endpoint.fn(settings, name, deadline)
        ensure_index.fn(settings, passage_index(name, version, 2), deadline)
        index = wait_for_index.fn(settings, name, deadline, version)
        vectors = {chunk.id: np.asarray((float(chunk.id != without), 0.0), np.float32) for chunk in chunks}
        upsert(
            settings, index, [row_of(Embedded(one, vectors[one.id])) for one in chunks], len(chunks), deadline
        )
        until(lambda: len(hashes(settings, index)) == len(chunks), "the rows to show")
        return index

    return write


@pytest.mark.parametrize(
    ("kind", "wanted", "without"),
    [
        ("missing", [*CHUNKS, replace(CHUNKS[0], id="f" * 32, start=900)], ""),
        ("stale", [replace(CHUNKS[0], readers=("hr",)), *CHUNKS[1:]], ""),
        ("orphaned", CHUNKS[1:], ""),
        ("without an embedding", CHUNKS, CHUNKS[0].id),
    ],
    ids=["missing", "stale", "orphaned", "half embedded"],
)
def test_each_kind_of_difference_is_counted_and_named(settings, written, kind, wanted, without):
    with pytest.raises(GateNotMet, match=f"1 {kind}") as refused:
        verify_passages.fn(settings, written(CHUNKS, without=without), wanted)
    counts = refused.value.facts["differences"]
    assert counts == {"missing": 0, "stale": 0, "orphaned": 0, "without an embedding": 0} | {kind: 1}
