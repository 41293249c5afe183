"""The results file: what a killed run left is continued, and what its last line lost is run again."""

from __future__ import annotations

import json

from tests.chaos import report
from tests.chaos.cases import Case, Finding
from tests.chaos.promises import differences
from tests.chaos.results import Results

FIRST = Case("crash sweep", "vertex build", ("create index chaos#1:before",))
SECOND = Case("crash sweep", "vertex build", ("create index chaos#1:after",))


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
    assert FIRST.id in text
    assert "the last run made changing calls: CreateIndex" in text


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
