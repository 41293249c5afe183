"""The results file: what a killed run left is continued, and what its last line lost is run again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos import report, versions
from tests.chaos.cases import CAMPAIGN_FAILED, Case, Finding
from tests.chaos.promises import differences
from tests.chaos.results import Results, is_failed_campaign, keep, read_kept
from tests.forks import ROOT

FIRST = Case("crash sweep", "vertex build", ("create index chaos#1:before",))
SECOND = Case("crash sweep", "vertex build", ("create index chaos#1:after",))


@pytest.fixture(scope="module")
def campaigns() -> list[str]:
    """Read in a process of its own: to import them shortens the waits of whatever runs in this one (`preloaded_flows`)."""
    say = "from tests.chaos.campaigns import CAMPAIGNS; print(*CAMPAIGNS, sep='\\n')"
    return subprocess.run(
        [sys.executable, "-c", say], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()


def test_a_line_that_was_cut_off_counts_for_nothing_and_spoils_no_other(tmp_path):
    results = Results(tmp_path / "results.jsonl", seed=1)
    results.append(FIRST, Finding(kills=1), 1.0)
    whole = results.file.read_bytes()
    results.append(SECOND, Finding(kills=1), 1.0)
    results.file.write_bytes(results.file.read_bytes()[: len(whole) + 40])  # killed while it wrote

    again = Results(results.file, seed=1)
    assert [line["id"] for line in again.lines] == [FIRST.id]
    again.append(SECOND, Finding(problems=["it hangs"]), 1.0)
    assert [(line["id"], line["verdict"]) for line in again.lines] == [
        (FIRST.id, "kept"),
        (SECOND.id, "broken"),
    ]


def test_the_report_counts_what_happened_and_lists_every_broken_promise(tmp_path):
    results = Results(tmp_path / "results.jsonl", seed=1)
    results.append(
        FIRST, Finding(kills=1, problems=["the last run made changing calls: CreateIndex"]), 1800.0
    )
    results.append(SECOND, Finding(reached=False), 1800.0)
    report.write(tmp_path / "REPORT.md", results.lines, {"crash sweep": 3})
    text = (tmp_path / "REPORT.md").read_text()
    assert "| crash sweep | 3 | 2 | 1 | 0 | 0 | 1 | 1 | 1.00 |" in text
    assert "## Broken promises: 1" in text
    assert FIRST.command in text
    assert Case.of(FIRST.id) == FIRST
    assert "the last run made changing calls: CreateIndex" in text


def test_a_case_that_the_campaign_itself_has_failed_is_run_again_and_broken_until_then(tmp_path):
    results = Results(tmp_path / "results.jsonl", seed=1)
    results.append(FIRST, Finding(problems=[f"{CAMPAIGN_FAILED}: OSError"]), 1.0)
    results.append(SECOND, Finding(problems=["it hangs"]), 1.0)
    assert [line["verdict"] for line in results.lines] == ["broken", "broken"]
    assert list(map(is_failed_campaign, results.lines)) == [True, False]
    results.append(FIRST, Finding(kills=1), 1.0)
    assert [line["verdict"] for line in results.lines] == ["kept", "broken"]
    assert not any(map(is_failed_campaign, results.lines))


def test_snapshots_differ_by_anything_but_rounding():
    there = {
        "documents": {"a": {"text": "x", "weights": {"car": 1.5, "bus": 0.0002}}},
        "indices": [{"name": "one"}],
    }
    equal = json.loads(json.dumps(there))
    equal["documents"]["a"]["weights"] = {"car": 1.5004}
    assert differences(there, equal) == []
    assert differences(there, there | {"indices": [{"name": "one"}, {"name": "one"}]})
    assert differences(there, there | {"orphan": {}})
    assert differences(there, {**there, "documents": {"a": {"text": "y", "weights": {"car": 1.5}}}})


def test_the_cases_that_the_repository_keeps_are_continued_by_the_same_code_and_seed_only(tmp_path):
    run = Results(tmp_path / "run.jsonl", seed=1)
    run.append(FIRST, Finding(kills=1), 1.0)
    run.append(SECOND, Finding(kills=1, problems=["it hangs"]), 2.0)
    keep(run.lines, kept := tmp_path / "kept.jsonl.gz")
    assert read_kept(kept) == run.lines

    assert Results(tmp_path / "same.jsonl", seed=1, full=True, kept=kept).lines == run.lines
    assert Results(tmp_path / "seed.jsonl", seed=2, full=True, kept=kept).lines == []
    keep([line | {"code": "another"} for line in run.lines], kept)
    assert Results(tmp_path / "code.jsonl", seed=1, full=True, kept=kept).lines == []


def test_a_document_leaves_the_code_as_it_was_and_a_step_does_not(tmp_path):
    def git(*words):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True, capture_output=True)

    git("init")
    for name in ("tasks/step.py", "tests/chaos/REPORT.md", "README.md", "requirements.lock"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    git("add", ".")
    before = versions.code("vertex", "crash sweep", tmp_path)
    for name in ("tests/chaos/REPORT.md", "README.md", "tests/chaos/REPORT.jsonl.gz"):
        (tmp_path / name).write_text("after")
    assert versions.code("vertex", "crash sweep", tmp_path) == before
    (tmp_path / "tasks" / "new.py").write_text("")  # not yet added
    added = versions.code("vertex", "crash sweep", tmp_path)
    (tmp_path / "requirements.lock").write_text("after")
    assert len({before, added, versions.code("vertex", "crash sweep", tmp_path)}) == 3


def test_what_only_one_engine_runs_leaves_the_others_code_as_it_was(tmp_path):
    subprocess.run(["git", "init", str(tmp_path)], check=True, capture_output=True)
    engines = ("vertex", "elastic", "vertex-collections")
    for folder, changed in (
        ("elastic", {"elastic"}),
        ("vertex_collections", {"vertex-collections"}),
        ("vertex", {"vertex", "vertex-collections"}),
    ):
        before = {engine: versions.code(engine, "crash sweep", tmp_path) for engine in engines}
        (tmp_path / "tasks" / folder).mkdir(parents=True)
        (tmp_path / "tasks" / folder / "step.py").write_text("")
        after = {engine: versions.code(engine, "crash sweep", tmp_path) for engine in engines}
        assert {each for each in engines if after[each] != before[each]} == changed


def test_what_only_one_campaign_runs_leaves_the_others_code_as_it_was(tmp_path, campaigns):
    subprocess.run(["git", "init", str(tmp_path)], check=True, capture_output=True)
    (tmp_path / "tests" / "chaos" / "campaigns").mkdir(parents=True)
    for file, changed in (
        ("campaigns/random_kills.py", {"random kills"}),
        ("prefect_worker.py", {"worker kills"}),
        ("report.py", set()),
        ("bench.py", set(campaigns)),
    ):
        before = {campaign: versions.code("vertex", campaign, tmp_path) for campaign in campaigns}
        (tmp_path / "tests" / "chaos" / file).write_text("")
        after = {campaign: versions.code("vertex", campaign, tmp_path) for campaign in campaigns}
        assert {each for each in campaigns if after[each] != before[each]} == changed


def test_every_module_of_a_campaign_belongs_to_one(campaigns):
    listed = {Path(file).name for own in versions._OF_ONE.values() for file in own}
    modules = {file.name for file in (ROOT / "tests" / "chaos" / "campaigns").glob("[!_]*.py")}
    assert modules == listed - {"prefect_worker.py"}
    assert list(versions._OF_ONE) == campaigns


def test_the_readme_has_the_counts_of_the_last_full_run():
    readme = report.README.read_text()
    assert readme == report.readme_with(readme, report.last_full_run())
    assert report.sentences(report.last_full_run()) in readme


def test_the_sentences_say_what_was_broken(tmp_path):
    results = Results(tmp_path / "results.jsonl", seed=1)
    results.append(FIRST, Finding(kills=2), 1.0)
    results.append(SECOND, Finding(faults=3), 1.0)
    assert "killed 2 processes and injected 3 faults in 2 cases" in report.sentences(results.lines)
    assert "In none of them was a promise broken" in report.sentences(results.lines)
    results.append(SECOND, Finding(problems=["it hangs"]), 1.0)
    assert "In 1 of them a promise was broken" in report.sentences(results.lines)
