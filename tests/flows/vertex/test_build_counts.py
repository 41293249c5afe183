"""After a build the index's own counts, dense and sparse, are compared with the data."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

import pytest

from flows.vertex.build_steps import check_counts
from tasks.errors import GateNotMet
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.resources.indexes import IndexState

DATA = ValidatedVectors(
    name="a.hdf5", rows=50, dimensions=8, queries=0, dense_rows=50, sparse_rows=40, content="c"
)
INDEX = IndexState(
    resource="i", config={}, update_method="STREAM_UPDATE", content="c", coming="", overwritten=0, vectors_count=49,
    sparse_vectors_count=39, deployed=(), making="",
)  # fmt: skip


@pytest.mark.parametrize(
    ("dense", "sparse", "before", "said"),
    [
        (50, 40, None, None),
        (60, 70, None, None),
        (0, 0, None, None),
        (49, 39, INDEX, None),
        (49, 40, None, "The number of vectors in index a is 49, required: 50"),
        (50, 39, None, "The number of sparse vectors in index a is 39, required: 40"),
        (48, 39, INDEX, "The number of vectors in index a is 48"),
    ],
)
def test_fewer_vectors_than_the_data_has_are_an_error_unless_the_counts_lag(dense, sparse, before, said):
    built = replace(INDEX, vectors_count=dense, sparse_vectors_count=sparse)
    with pytest.raises(GateNotMet, match=said) if said else nullcontext():
        check_counts("a", built, DATA, before, uri="gs://b/f")
