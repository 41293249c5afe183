"""Builds from files in the formats that people have, from the file to an answer."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = pytest.mark.slow
COLORS = ["red", "blue", "red"] * 100


@pytest.fixture
def parquet(data, tmp_path):
    """The usual vectors as a table, with ids and two more columns, and their queries beside."""
    with h5py.File(data) as file:
        vectors, queries = file["train"][:], file["test"][:]
    lists = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel(), pa.float32()), 8)
    ids, stock = [f"sku-{row}" for row in range(300)], list(range(300))
    pq.write_table(
        pa.table({"vector": lists, "key": ids, "color": COLORS, "stock": stock}), tmp_path / "t.parquet"
    )
    np.save(tmp_path / "queries.npy", queries)
    return tmp_path / "t.parquet"


def test_parquet_becomes_an_index_that_hdf5_of_the_same_data_leaves_as_it_is(
    service, build, run, name, parquet, vectors
):
    options = ("--vectors-from", "vector", "--ids-from", "key")
    built = build(service, *options, "--restrict-columns", "color", data=parquet)
    assert "Not used: `stock`. --restrict-columns takes a column as a filter" in built.err
    assert service.indexes(name)[0].index_stats.vectors_count == 300

    target = ("--name", name, "--target", "sandbox")
    asked = ("--data", parquet, *options, "--queries-from", parquet.with_name("queries.npy"))
    measured = run(service, "vertex", "verify", *target, *asked, "--min-recall", "0.99")
    assert "(20 queries;" in measured.err
    blue = run(service, "vertex", "query", *target, *asked, "--restricts", "color=blue")
    found = [line.split()[0] for line in blue.out.splitlines() if "sku-" in line]
    assert "sku-" in blue.out + blue.err, (found, json.dumps(blue.out))

    keys = np.array([f"sku-{row}" for row in range(300)], dtype=object)
    same = vectors("same.hdf5", ids=keys, color=np.array(COLORS, dtype=object))
    writes = service.writes
    again = build(service, "--restrict-columns", "color", data=same)
    assert "Nothing to do: everything is already there." in again.err
    assert service.writes == writes
