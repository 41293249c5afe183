"""The commands that work on an index by its name, each alone: upsert, remove, query, verify."""

from __future__ import annotations

import json
import re

import h5py
import numpy as np
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(params=["public", "vpc"])
def served(request, service, build):
    """A streaming index behind either kind of endpoint, built once; and its name."""
    name = f"served-{request.param}"
    if not service.indexes(name):
        build(service, "--endpoint", request.param, name=name)
    return name


@pytest.fixture
def on(service, run, home):
    """Runs a command on a name and gives what its report says: `on("query", "products", "--row", 3)`."""

    def command(flow, name, *words):
        ended = run(service, "vertex", flow, "--name", name, "--target", "sandbox", *words)
        (file,) = home.glob(f"reports/vertex-{flow}-*.json")
        report = json.loads(file.read_text())
        file.unlink()
        return report, ended

    return command


def lines(file, *datapoints):
    file.write_text("".join(json.dumps(datapoint) + "\n" for datapoint in datapoints))
    return file


def ids(report):
    return [neighbor["id"] for neighbor in report["facts"]["neighbors"]]


def test_datapoints_live_filtered_crowded_changed_and_removed(served, on, tmp_path):
    far = [50.0 + i for i in range(8)]
    points = [
        {
            "id": f"new-{i}",
            "embedding": [value + i for value in far],
            "restricts": [{"namespace": "class", "allow": ["even" if i % 2 == 0 else "odd"]}],
            "numeric_restricts": [{"namespace": "price", "value_int": i}],
            "crowding_tag": "ab"[i // 2],
        }
        for i in range(4)
    ]
    report, _ = on("upsert-datapoints", served, "--file", lines(tmp_path / "new.jsonl", *points))
    assert [step["step"] for step in report["steps"]] == [
        "validate the datapoints", "upsert the datapoints", "wait until they are served"
    ]  # fmt: skip

    vector = ["--vector", *far]
    assert ids(on("query", served, *vector, "--neighbor-count", 4)[0]) == ["new-3", "new-2", "new-1", "new-0"]
    assert ids(on("query", served, *vector, "--restricts", "class=even")[0]) == ["new-2", "new-0"]
    assert ids(on("query", served, *vector, "--numeric-restricts", "price>=2i")[0]) == ["new-3", "new-2"]
    report, ended = on(
        "query", served, *vector, "--numeric-restricts", "price>=2", "--restricts", "class=none"
    )
    assert ids(report) == []
    assert "price: int64, as the index has" in report["steps"][0]["seen"]
    assert "class=none: the 100 datapoints" in (said := report["nothing"])
    assert said in " ".join(ended.out.split())
    assert "have odd, even in that namespace" in said
    crowded = on(
        "query", served, *vector, "--per-crowding-attribute-neighbor-count", 1, "--neighbor-count", 2
    )
    assert ids(crowded[0]) == ["new-3", "new-1"]
    assert ids(on("query", served, "--datapoint-id", "new-0", "--neighbor-count", 1)[0]) == ["new-3"]

    changed = {"id": "new-3", "restricts": [{"namespace": "class", "allow": ["even"]}]}
    on("upsert-datapoints", served, "--restricts-only", "--file", lines(tmp_path / "only.jsonl", changed))
    assert ids(on("query", served, *vector, "--restricts", "class=even")[0]) == ["new-3", "new-2", "new-0"]

    gone = ["--ids", "new-0", "--ids", "new-1", "--ids", "new-2", "--ids", "new-3", "--ids", "never-there"]
    _, ended = on("remove-datapoints", served, *gone)
    assert "as sent" not in ended.err
    assert not {"new-0", "new-1", "new-2", "new-3"} & set(ids(on("query", served, *vector)[0]))


def test_sparse_and_hybrid_datapoints_are_streamed_and_found_by_both_scores(served, on, tmp_path):
    points = [
        {"id": "keyword", "sparse_embedding": {"values": [2, 0.5], "dimensions": [7, 1_000_000_007]}},
        {"id": "hybrid", "embedding": [90] * 8, "sparse_embedding": {"values": [1], "dimensions": [7]}},
    ]
    on("upsert-datapoints", served, "--file", lines(tmp_path / "new.jsonl", *points))
    sparse = ["--sparse-vector", "7:1,1000000007:-1"]
    report, _ = on("query", served, *sparse)
    assert ids(report) == ["keyword", "hybrid"]
    assert report["facts"]["neighbors"][0]["sparse_distance"] == 1.5
    assert report["results"][0] == {"id": "keyword", "sparse dot product": 1.5}
    dense = [word for value in [1] * 8 for word in ("--vector", value)]
    report, _ = on("query", served, *dense, *sparse, "--alpha", 0.9, "--neighbor-count", 2)
    assert report["results"][0] == {"id": "hybrid", "dot product": 720, "sparse dot product": 1}
    assert ids(on("query", served, *dense, *sparse, "--alpha", 0, "--neighbor-count", 1)[0]) == ["keyword"]
    report, _ = on("query", served, "--sparse-vector", "5:1")
    assert "none has a value in a dimension of the query (5)" in report["nothing"]
    on("remove-datapoints", served, "--ids", "keyword", "--ids", "hybrid")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--vector", 1, "--datapoint-id", 7),
            "first three, or the last alone (from --vector, --datapoint-id, --data, --sparse-vector)",
        ),
        ((), "or the last alone"),
        (("--sparse-vector", "7"), "Not a sparse vector: '7'"),
        (("--sparse-vector", "7:1", "--vector", 1), "needs alpha"),
    ],
    ids=str,
)
def test_a_query_without_a_clear_meaning_is_refused(served, service, run, words, said):
    error = run(service, "vertex", "query", "--name", served, "--target", "sandbox", *words, code=2).error
    assert said in error


def test_a_query_row_of_a_file_gets_its_exact_neighbors_and_verify_agrees(served, on, data):
    with h5py.File(data) as file:
        rows, query = np.array(file["train"]), np.array(file["test"])[3]
    exact = [str(row) for row in np.argsort(-rows @ query)[:10]]
    found, ended = on("query", served, "--data", data, "--row", 3)
    assert ids(found) == exact
    assert re.search(rf"^id +dot product *\n{exact[0]} +\d", ended.out, re.MULTILINE)
    found, ended = on("query", served, "--data", data, "--row", 3, "--json", "--quiet")
    assert json.loads(ended.out) == found
    assert ended.err == ""
    report, _ = on("verify", served, "--data", data, "--min-recall", 1)
    assert report["facts"]["recall"]["recall"] == 1.0


def test_a_query_with_a_datapoint_that_is_not_there_says_so(served, run, service):
    words = ["vertex", "query", "--name", served, "--target", "sandbox", "--datapoint-id", "nobody"]
    error = run(service, *words, code=1).error
    assert f"The index '{served}' has no datapoint 'nobody' to query with." in error


def test_a_query_looks_at_nobody_s_operations(served, on, service):
    struck = len(service.struck)
    service.fault("ListOperations", "unavailable", times=100)
    assert ids(on("query", served, "--datapoint-id", "17", "--neighbor-count", 1)[0])
    assert service.struck[struck:] == []


def test_recall_below_its_gate_ends_with_1_says_what_to_try_and_keeps_the_numbers(
    service, build, run, name, vectors, home
):
    data = vectors("many.hdf5", rows=2000, dimensions=16)
    build(service, "--leaf-node-embedding-count", 20, "--fraction-leaf-nodes-to-search", 0.01, data=data)
    verify = ["vertex", "verify", "--name", name, "--data", data, "--target", "sandbox"]
    error = run(service, *verify, "--min-recall", 0.99, code=1).error
    for part in ("0.99", "--fraction-leaf-nodes-to-search-override"):
        assert part in error
    (file,) = (home / "reports").glob(f"vertex-verify-{name}-*.json")
    assert 0 < json.loads(file.read_text())["facts"]["recall"]["recall"] < 0.99
    run(service, *verify, "--min-recall", 0.99, "--fraction-leaf-nodes-to-search-override", 1)


def test_a_file_that_is_given_as_an_id_is_refused(service, served, run, tmp_path):
    (file := tmp_path / "ids.txt").write_text("17\n")
    named = ("--name", served, "--target", "sandbox")
    error = run(service, "vertex", "remove-datapoints", *named, "--ids", file, code=2).error
    assert "--file" in error
    assert str(file) in error
    error = run(service, "vertex", "upsert-datapoints", *named, "--datapoints", file, code=2).error
    assert "--file" in error


def test_an_id_that_is_too_long_for_the_name_of_a_file_is_an_id_all_the_same(served, on):
    report, _ = on("remove-datapoints", served, "--ids", "x" * 300, "y/" * 3000)
    assert "none is served any longer" in str(report)


def test_a_batch_index_refuses_datapoints_before_anything_is_sent(service, build, run, name, tmp_path):
    build(service, "--update-method", "BATCH_UPDATE")
    writes = service.writes
    file = lines(tmp_path / "new.jsonl", {"id": "a", "embedding": [1.0] * 8})
    for words in (["upsert-datapoints", "--file", file], ["remove-datapoints", "--ids", "1"]):
        error = run(service, "vertex", *words, "--name", name, "--target", "sandbox", code=2).error
        assert "STREAM_UPDATE" in error
        assert name in error
    assert service.writes == writes


@pytest.mark.parametrize(
    "words",
    [("query", "--vector", 1, 2), ("verify", "--data", "x.hdf5"), ("remove-datapoints", "--ids", "1")],
    ids=lambda words: words[0],
)
def test_where_nothing_is_served_the_build_command_is_named(words, service, run, name):
    flow, *more = words
    error = run(service, "vertex", flow, "--name", name, "--target", "sandbox", *more, code=1).error
    assert f"Nothing is served under the name '{name}'" in error
    assert f"`vector-search vertex build --name {name} --data FILE.hdf5 --target sandbox`" in error


def test_restricts_of_an_absent_datapoint_are_refused_at_once_and_nothing_is_sent(
    served, service, run, tmp_path
):
    file = lines(tmp_path / "absent.jsonl", {"id": "0", "restricts": []}, {"id": "absent", "restricts": []})
    writes = service.writes
    words = [
        "vertex",
        "upsert-datapoints",
        "--name",
        served,
        "--file",
        file,
        "--restricts-only",
        "--target",
        "sandbox",
    ]
    error = run(service, *words, code=2).error
    assert "first: 'absent'" in error
    assert service.writes == writes


def test_an_id_with_blanks_at_its_ends_is_removed(served, on, tmp_path):
    on(
        "upsert-datapoints",
        served,
        "--file",
        lines(tmp_path / "new.jsonl", {"id": "item 7 ", "embedding": [9] * 8}),
    )
    (tmp_path / "ids").write_text("item 7 \n")
    on("remove-datapoints", served, "--file", tmp_path / "ids")
    report, _ = on("query", served, *(word for value in [9] * 8 for word in ("--vector", value)))
    assert "item 7 " not in ids(report)
