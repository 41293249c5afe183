"""An index of documents and the engine's own commands keep out of each other's way."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest

from flows.answers import index as module
from flows.report import Report
from flows.vertex.engine import VERTEX


class Begun(Exception):
    """The documents are being read."""


def test_a_prune_or_a_teardown_of_the_name_waits_until_its_documents_are_indexed(monkeypatch):
    held = []

    @contextmanager
    def holding(*slot, where):
        held.append((slot[0], slot[1], where))
        yield
        held.clear()

    def begin(*_):
        assert held == [("vertex", "handbook", "my-project-us-central1")], "the slot of `vertex prune`"
        raise Begun

    report = Report(flow="answers index", name="handbook", target="sandbox", where="my-project-us-central1")
    run = SimpleNamespace(settings=None, report=report, deadline=None)
    monkeypatch.setattr(module, "holder_of", lambda _: SimpleNamespace(engine=VERTEX))
    monkeypatch.setattr(module, "running", lambda *_: nullcontext(run))
    monkeypatch.setattr(module, "holding", holding)
    monkeypatch.setattr(module, "read_chunks", begin)
    with pytest.raises(Begun):
        module.index_documents.fn(name="handbook", documents="handbook", target="sandbox", engine="vertex")
