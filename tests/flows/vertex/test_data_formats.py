"""Builds from files in the formats that people have, from the file to an answer."""

from __future__ import annotations

import re

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
    found = [int(number) for number in re.findall(r"sku-(\d+)", blue.out)]
    assert found
    assert {COLORS[number] for number in found} == {"blue"}

    keys = np.array([f"sku-{row}" for row in range(300)], dtype=object)
    same = vectors("same.hdf5", ids=keys, color=np.array(COLORS, dtype=object))
    writes = service.writes
    again = build(service, "--restrict-columns", "color", "--import-format", "avro", data=same)
    assert "Nothing to do: everything is already there." in again.err
    assert service.writes == writes


def test_avro_import_files_make_the_same_index(service, build, run, name, data):
    build(service, "--import-format", "avro")
    assert service.indexes(name)[0].index_stats.vectors_count == 300
    assert [file.rpartition(".")[2] for file in service.generations(name)] == ["avro"]
    run(
        service,
        "vertex",
        "verify",
        "--name",
        name,
        "--data",
        data,
        "--target",
        "sandbox",
        "--min-recall",
        "0.99",
    )
    writes, files = service.writes, service.generations(name)
    assert "Nothing to do" in build(service).err
    assert (service.writes, service.generations(name)) == (writes, files)
