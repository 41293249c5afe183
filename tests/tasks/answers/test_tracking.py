"""Evaluations as runs of an MLflow store, in a folder and in a database, read back by MLflow itself."""

from __future__ import annotations

import pytest

from tasks.answers.evaluation.intervals import Mean
from tasks.answers.evaluation.tracking import (
    TAG,
    TrackedRun,
    apply_tracked_run,
    check_tracking_uri,
    metric_name,
)
from tasks.calls import ServiceUnwell
from tasks.errors import InvalidInput

RUN = TrackedRun(
    key="handbook-1-model", name="handbook model", measures={"nDCG@10": Mean(0.9, 0.8, 1.0, 57), "token F1": Mean(0.2, 0.1, 0.3, 57)},
    numbers={"cost": 0.5, "answer p50 seconds": 0.1}, params={"how": "hybrid", "model": "m"}, artifact={"answers": []},
)  # fmt: skip


def test_a_run_is_logged_once_with_metrics_parameters_and_an_artifact(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    uri = (tmp_path / "store").as_uri()
    check_tracking_uri(uri)
    id_ = apply_tracked_run.fn(uri, "handbook", RUN)
    assert apply_tracked_run.fn(uri, "handbook", RUN) == id_
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name("handbook")
    (found,) = client.search_runs([experiment.experiment_id])
    assert (found.info.run_name, found.info.status, found.data.tags[TAG]) == (
        "handbook model", "FINISHED", RUN.key,
    )  # fmt: skip
    assert found.data.metrics == {
        "ndcg_at_10/mean": 0.9, "ndcg_at_10/low": 0.8, "ndcg_at_10/high": 1.0,
        "token_f1/mean": 0.2, "token_f1/low": 0.1, "token_f1/high": 0.3, "cost": 0.5, "answer_p50_seconds": 0.1,
    }  # fmt: skip
    assert found.data.params == RUN.params
    assert [each.path for each in client.list_artifacts(id_)] == ["evaluation.json"]
    other = apply_tracked_run.fn(uri, "handbook", RUN.__class__(**{**vars(RUN), "key": "handbook-2-model"}))
    assert other != id_
    assert [each.name for each in tmp_path.iterdir()] == ["store"], "nothing lies in the working folder"


def test_a_run_that_was_cut_off_is_finished_by_the_next_attempt(tmp_path):
    uri = (tmp_path / "store").as_uri()
    check_tracking_uri(uri)
    import mlflow

    client = mlflow.MlflowClient(tracking_uri=uri)
    begun = client.create_run(client.create_experiment("handbook"), run_name=RUN.name, tags={TAG: RUN.key})
    assert apply_tracked_run.fn(uri, "handbook", RUN) == begun.info.run_id
    assert client.get_run(begun.info.run_id).info.status == "FINISHED"


def test_a_store_that_does_not_answer_is_transient_and_asked_once():
    with pytest.raises(ServiceUnwell, match="Is --mlflow its address"):
        apply_tracked_run.fn("http://127.0.0.1:9", "handbook", RUN)


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("mlruns", "no address of an MLflow tracking store: 'mlruns'"),
        ("ftp://host", "no address of an MLflow tracking store"),
        ("http://", "no address of an MLflow tracking store"),
        ("https://me:hush@host", "Credentials do not belong"),
    ],
)
def test_what_is_no_tracking_store_is_refused_before_anything_is_asked(uri, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        check_tracking_uri(uri)
    assert "hush" not in str(refused.value)


def test_measures_have_the_names_that_mlflow_gives_them():
    assert [metric_name(name) for name in ("nDCG@10", "R@10", "exact match", "false abstention")] == [
        "ndcg_at_10",
        "recall_at_10",
        "exact_match",
        "false_abstention",
    ]
