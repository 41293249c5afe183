"""Builds with sparse embeddings, alone and beside dense vectors: from the file to the recall of every kind of query."""

from __future__ import annotations

import json
import time

import h5py
import numpy as np
import pytest
import scipy.sparse

pytestmark = pytest.mark.slow
BRUTE_FORCE = ("--algorithm", "brute-force")
HYBRID = ("--sparse-from", "sparse/train")


@pytest.fixture
def write(tmp_path, vectors):
    """Writes the usual vectors with sparse ones beside, or sparse ones alone: `write("a.hdf5", seed=2)`."""

    def write(file, seed=1, *, dense=True):
        rng = np.random.default_rng(seed)
        path = vectors(file, seed=seed) if dense else tmp_path / file
        with h5py.File(path, "a") as opened:
            for name, rows in (("train", 300), ("test", 20)):
                made = scipy.sparse.random_array(
                    (rows, 5000), density=0.004, format="csr", rng=rng, dtype="f4"
                )
                group = f"sparse/{name}" if dense else name
                for part in ("indptr", "indices", "data", "shape"):
                    opened[f"{group}/{part}"] = getattr(made, part)
        return path

    return write


def counts(service, name):
    stats = service.indexes(name)[0].index_stats
    return stats.vectors_count, stats.sparse_vectors_count


def test_hybrid_rows_are_built_measured_by_every_kind_of_query_and_left_alone_then(
    service, build, run, name, write
):
    data = write("a.hdf5")
    plain = build(service, *BRUTE_FORCE, data=data)
    assert "Not used: `sparse`." in plain.err
    assert counts(service, name) == (300, 0)

    refused = build(service, *BRUTE_FORCE, *HYBRID, data=data, code=2).error
    assert "It would serve 300 vectors and 300 sparse vectors in place of 300 vectors" in refused
    built = build(service, *BRUTE_FORCE, *HYBRID, "--yes", "--import-format", "avro", data=data)
    assert "300 rows of 8 dimensions, all with a sparse embedding" in built.err
    assert "Not used" not in built.err
    assert counts(service, name) == (300, 300)
    writes = service.writes
    assert "Nothing to do" in build(service, *BRUTE_FORCE, *HYBRID, data=data).err
    assert service.writes == writes

    target = ("--name", name, "--target", "sandbox", "--data", data, *HYBRID)
    measured = run(service, "vertex", "verify", *target, "--min-recall", "0.999", "--alpha", "0.3")
    for what in ("recall@10 1.000", "sparse recall@10 1.000", "hybrid recall@10 1.000"):
        assert f": {what} (20 queries;" in measured.err
    low = run(service, "vertex", "verify", *target, "--min-recall", "0.999", "--alpha", "0.3", "--rrf-constant", "60", code=1)  # fmt: skip
    assert "hybrid recall@10" in low.error
    assert "--rrf-constant" in low.error
    found = run(service, "vertex", "query", *target, "--row", "3", "--alpha", "0.5", "--neighbor-count", "4")
    assert "sparse dot product" in found.out


def test_sparse_rows_alone_become_an_index_and_a_kill_on_the_way_does_not_matter(
    service_with, build, begin, kill, run, name, write
):
    service = service_with(advance="reads", reads=100, list_while_creating=True)
    data = write("a.hdf5", dense=False)
    command = build(service, begin=begin, data=data)
    while f"create index {name}: running" not in command.err:
        assert not command.has_ended, command.err
        time.sleep(0.05)
    kill(command)
    again = build(service, begin=begin, data=data).wait_for("An earlier run is still")
    assert service.drive(again).code == 0, again.err
    assert service.counts(name) == (1, 1, 1)
    assert counts(service, name) == (0, 300)
    target = ("--name", name, "--target", "sandbox", "--data", data)
    measured = run(service, "vertex", "verify", *target, "--min-recall", "0.999")
    assert "sparse recall@10 1.000 (20 queries;" in measured.err
    assert "sparse dot product" in run(service, "vertex", "query", *target).out


def test_a_version_with_sparse_rows_is_served_once_every_recall_passes(service, build, name, write):
    build(service, *BRUTE_FORCE, *HYBRID, data=write("a.hdf5"))
    other = write("b.hdf5", seed=5)
    served = build(service, *BRUTE_FORCE, *HYBRID, "--as-version", "--prune", "--yes", "--min-recall", "0.999", data=other)  # fmt: skip
    for what in ("recall@10 1.000", "sparse recall@10 1.000", "hybrid recall@10 1.000"):
        assert f": {what} (20 queries;" in served.err
    assert "served the version" in served.err
    assert counts(service, name) == (300, 300)


def test_json_lines_become_an_index_with_all_that_their_records_say(service, build, run, name, tmp_path):
    rng = np.random.default_rng(4)

    def record(row):
        return {
            "id": f"sku-{row}",
            "embedding": rng.normal(size=8).tolist(),
            "sparse_embedding": {"values": rng.uniform(size=6).tolist(), "dimensions": rng.choice(40, 6, False).tolist()},
            "restricts": [{"namespace": "color", "allow": ["red" if row % 2 else "blue"]}],
            "numeric_restricts": [{"namespace": "price", "value_int": row}],
            "crowding_tag": f"t{row % 3}",
            "embedding_metadata": {"row": row},
        }  # fmt: skip

    rows, queries = tmp_path / "rows.jsonl", tmp_path / "queries.jsonl"
    lines = [json.dumps(record(row)) for row in range(200)]
    rows.write_text("\n".join(lines))
    queries.write_text("\n".join(json.dumps(record(row)) for row in range(15)))
    (tmp_path / "bad.jsonl").write_text("\n".join([*lines, lines[0].replace("[", "[NaN, ", 1)]))

    refused = build(service, data=tmp_path / "bad.jsonl", code=2).error
    assert "bad.jsonl line 201" in refused
    assert service.counts(name) == (0, 0, 0)
    built = build(service, *BRUTE_FORCE, data=rows)
    assert "200 rows of 8 dimensions, all with a sparse embedding" in built.err
    assert counts(service, name) == (200, 200)
    target = ("--name", name, "--target", "sandbox")
    beside = ("--data", rows, "--queries-from", queries)
    measured = run(service, "vertex", "verify", *target, *beside, "--min-recall", "0.999")
    assert "hybrid recall@10 1.000 (15 queries;" in measured.err
    red = run(service, "vertex", "query", *target, *beside, "--restricts", "color=red", "--numeric-restricts", "price<20").out  # fmt: skip
    assert "\nsku-19 " in red
    assert "sku-18" not in red
    run(service, "vertex", "upsert-datapoints", *target, "--file", rows)
    assert "Nothing to do" in build(service, *BRUTE_FORCE, data=rows).err
