"""What an evaluation logs: a run for each setting or model, with how it was searched."""

from __future__ import annotations

from flows.answers import tracking
from flows.report import Report
from tasks.answers.evaluation.comparison import Contender
from tests.tasks.answers.test_model_comparison import SETTINGS, outcome


def test_each_setting_is_a_run_with_its_own_parameters_and_key(monkeypatch):
    runs = []
    monkeypatch.setattr(tracking, "apply_tracked_run", lambda *given: runs.append(given[2]) or str(len(runs)))
    report = Report(flow="answers evaluate", name="handbook", target="sandbox")
    contenders = [
        Contender(models=SETTINGS, outcomes=[outcome(0, "A [1]")], setting=f"how={how}", params={"how": how, "chunk size": 1000})
        for how in ("hybrid", "text")
    ]  # fmt: skip
    tracking.log_runs(report, "sqlite:///runs.db", "handbook", contenders)
    assert [run.params for run in runs] == [
        {"how": how, "chunk_size": "1000", "model": "here"} for how in ("hybrid", "text")
    ]
    assert [run.name for run in runs] == ["handbook how=hybrid", "handbook how=text"]
    assert runs[0].key != runs[1].key
    assert report.facts["mlflow"] == {"experiment": "handbook", "runs": ["1", "2"]}
