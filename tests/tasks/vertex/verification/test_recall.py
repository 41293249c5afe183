"""Recall of served indexes, on the sample of GloVe vectors."""

from dataclasses import replace
from pathlib import Path

import h5py
import pytest

import sandbox as sandbox_package
from sandbox import faults, write_log
from tasks.errors import InvalidInput
from tasks.vertex.data.import_files import write_import_files
from tasks.vertex.data.rules import DatapointRules
from tasks.vertex.data.vectors import VectorFile
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.import_data import DataSource
from tasks.vertex.imports.storage import apply_import_files
from tasks.vertex.verification.recall import RecallTooLow, verify_recall
from tasks.vertex.verification.truths import read_truth

SAMPLE = Path(sandbox_package.__file__).parent / "data" / "glove-100-sample.hdf5"
SOURCE = DataSource(data=str(SAMPLE))
TREE = {"treeAhConfig": {"leafNodeEmbeddingCount": 500, "leafNodesToSearchPercent": 7}}


@pytest.fixture(scope="module")
def uri(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("import")
    ensure_bucket.fn(settings)
    with VectorFile(SAMPLE) as file:
        files = write_import_files(file, DatapointRules(), folder)
    return apply_import_files.fn(settings, "recall-test", "sample", files, folder).uri


@pytest.fixture(scope="module")
def tree(serve, uri):
    return serve("vpc", dimensions=100, uri=uri, algorithmConfig=TREE, approximateNeighborsCount=150)


@pytest.fixture(scope="module")
def truth(settings, tree):
    return read_truth.fn(settings, tree, SOURCE)


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("public", {"distanceMeasureType": "DOT_PRODUCT_DISTANCE"}),
        ("vpc", {"distanceMeasureType": "DOT_PRODUCT_DISTANCE", "featureNormType": "UNIT_L2_NORM"}),
        ("public", {"distanceMeasureType": "COSINE_DISTANCE"}),
        ("vpc", {"distanceMeasureType": "SQUARED_L2_DISTANCE"}),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else value,
)
def test_brute_force_has_recall_1_under_its_own_measure(settings, serve, uri, kind, config):
    served = serve(kind, dimensions=100, uri=uri, **config)
    truth = read_truth.fn(settings, served, SOURCE, queries=50)
    measured = verify_recall.fn(settings, served, truth, min_recall=1.0)
    assert (measured.recall, measured.queries, measured.k) == (1.0, 50, 10)
    assert 0 < measured.p50 <= measured.p90 <= measured.p99
    assert measured.queries_per_second > 0


def test_a_tree_misses_neighbors_and_finds_more_in_more_leaves(settings, tree, truth, sandbox):
    before = list(write_log.read(sandbox.state))
    own = verify_recall.fn(settings, tree, truth)
    wider = verify_recall.fn(settings, tree, truth, fraction=0.4)
    whole = verify_recall.fn(settings, tree, truth, fraction=1.0)
    assert own.recall < wider.recall < whole.recall + 1e-9
    assert whole.recall > 0.95
    assert list(write_log.read(sandbox.state)) == before


def test_a_gate_that_is_not_met_says_what_was_measured_and_what_to_try(settings, tree, truth):
    with pytest.raises(
        RecallTooLow, match=r"recall@10 of .* is 0\.\d+, required: at least 0\.999.*-override 0\.2"
    ) as low:
        verify_recall.fn(settings, tree, truth, min_recall=0.999)
    assert not low.value.recall.is_good_enough


def test_data_with_more_rows_than_the_index_holds_is_named_as_the_cause(settings, tree, truth):
    small = replace(tree, vectors_count=2_000, sparse_vectors_count=1_000)
    with pytest.raises(RecallTooLow, match=r"holds 3,000 vectors and the data has 10,000 rows.*--limit"):
        verify_recall.fn(settings, small, truth, min_recall=0.999)


def test_data_of_another_dimension_is_refused(settings, tree, tmp_path):
    other = tmp_path / "other.hdf5"
    with h5py.File(other, "w") as file:
        file["train"] = file["test"] = [[1.0, 2.0]]
    with pytest.raises(InvalidInput, match="another number of dimensions"):
        read_truth.fn(settings, tree, DataSource(data=str(other)))


@pytest.mark.parametrize("wrong", [{"approximate_neighbor_count": 0}, {"fraction": 1.5}])
def test_a_parameter_out_of_range_is_refused(settings, tree, truth, wrong):
    with pytest.raises(InvalidInput, match="Not a valid query"):
        verify_recall.fn(settings, tree, truth, **wrong)


@pytest.mark.parametrize(("kind", "method"), [("public", "FindNeighbors"), ("vpc", "BatchMatch")])
def test_a_query_that_fails_now_and_then_is_asked_again_alone(settings, serve, uri, sandbox, kind, method):
    served = serve(kind, dimensions=100, uri=uri)
    truth = read_truth.fn(settings, served, SOURCE, queries=50)
    verify_recall.fn(settings, served, truth)
    faults.add(sandbox.state, method, "stall", "before", 30, 0.0)
    faults.add(sandbox.state, method, "unavailable", "before", 3, 0.0)
    assert verify_recall.fn(settings, served, truth).recall == 1
    assert not faults.pending(sandbox.state)
