"""Removals of rows, as far as they need no service."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

from flows.databricks import remove_datapoints as module
from flows.report import Report


def test_a_row_that_does_not_show_yet_is_removed_all_the_same(monkeypatch):
    sent = []
    report = Report(flow="databricks remove-datapoints", name="films", target="sandbox")
    run = SimpleNamespace(settings=None, report=report, deadline=None)
    monkeypatch.setattr(module, "running", lambda *_: nullcontext(run))
    monkeypatch.setattr(module, "read_changed_versions", lambda *_: (SimpleNamespace(version="first"),))
    monkeypatch.setattr(module, "read_present", lambda *_: {"17"})
    monkeypatch.setattr(module, "apply_removals", lambda _, __, keys, ___: sent.extend(keys))
    module.remove_datapoints.fn(name="films", target="sandbox", ids=("upserted-just-now", "17"))
    assert sent == ["17", "upserted-just-now"]
    assert report.steps[0].seen == "1 removed, 1 were not found"
    assert report.facts["removed"] == 1
