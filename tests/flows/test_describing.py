"""`describe`: what is built under one name, as the services and our own reports say."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from flows import engines
from flows.command_line.tree import parse
from flows.report import Report
from flows.vertex.engine import VERTEX
from tasks.built import Built
from tasks.errors import InvalidInput, TransientError

BUILT = [
    Built(
        name="films", kind="index", holds="300 vectors", serves="films_us on films",
        since=datetime(2026, 11, 1, 8, 30, tzinfo=UTC), hourly=0.094,
    ),
    Built(name="films-0123456789ab", kind="index", holds="12 documents", serves="no alias", hourly=None),
    Built(name="films-too", kind="index", holds="nothing", serves="nothing", hourly=0.0),
]  # fmt: skip


def listed(_):
    return BUILT


def gone(_):
    raise TransientError("It does not answer.")


@pytest.fixture(autouse=True)
def reports(monkeypatch, tmp_path):
    """The engines are one that has what is built and, if a test wants, one that does not answer; gives the folder of reports."""
    here = VERTEX.__class__(
        **{
            **vars(VERTEX),
            "built": listed,
            "read_settings": lambda _: None,
            "where": lambda _: "here",
        }
    )
    monkeypatch.setattr(engines, "ENGINES", (here,))
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path))
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports"


def verified(folder, day, *, name="films", where="here", outcome="done", recall=0.97):
    report = Report(
        flow="vertex verify", name=name, target="sandbox", where=where, outcome=outcome,
        started=datetime(2026, 11, day, tzinfo=UTC), facts={"recall": {"recall": recall}},
    )  # fmt: skip
    report.write_to(folder / f"vertex-verify-{name}-{day}-{where}.json")


def told(capsys, *words):
    code = parse(["describe", *words, "--target", "sandbox"], debug=False)()
    return code, capsys.readouterr().out


def test_what_is_built_under_a_name_is_told_with_its_cost_and_its_newest_verification(reports, capsys):
    verified(reports, 3, outcome="failed: recall@10", recall=0.5)
    verified(reports, 9)
    verified(reports, 10, where="elsewhere")
    verified(reports, 11, name="films-too")
    (reports / "vertex-verify-broken.json").write_text("{")
    code, said = told(capsys, "films")
    assert code == 0
    for part in (
        "300 vectors",
        "films_us on films",
        "2026-11-01 08:30 UTC",
        "0.09 USD an hour",
        "12 documents",
        "unknown USD an hour",
    ):
        assert part in said
    assert "2026-11-09 00:00 UTC, done, recall 0.970" in said
    assert "films-too" not in said
    _, said = told(capsys, "films", "--json")
    found = json.loads(said)
    assert [one["name"] for one in found["built"]] == ["films", "films-0123456789ab"]
    assert found["verified"]["vertex"]["facts"] == {"recall": {"recall": 0.97}}


def test_without_a_report_that_is_said(capsys, reports):
    assert f"no report of it in {reports}" in told(capsys, "films")[1]


def test_an_unknown_name_is_refused_with_the_command_that_lists(capsys):
    with pytest.raises(
        InvalidInput,
        match=r"Nothing of ours is built under this name: 'moon' .*vector-search list --target sandbox",
    ):
        told(capsys, "moon")


def test_an_engine_that_cannot_be_asked_is_named_and_the_others_are_told(capsys, monkeypatch):
    (here,) = engines.ENGINES
    away = VERTEX.__class__(**{**vars(here), "name": "away", "built": gone})
    monkeypatch.setattr(engines, "ENGINES", (here, away))
    code = parse(["describe", "films", "--target", "sandbox"], debug=False)()
    said = capsys.readouterr()
    assert code == 1
    assert "300 vectors" in said.out
    assert "away was not looked at. It does not answer." in said.err


def test_a_list_at_eighty_columns_keeps_versions_dates_and_resources_whole(monkeypatch, capsys):
    version = Built(
        name="[products]", kind="index, version 387f43e844e4", holds="1,183,514 vectors",
        serves="products_us_central1_387f43e844e4 on products", since=datetime(2026, 11, 1, 8, 30, tzinfo=UTC), hourly=0.75,
    )  # fmt: skip
    monkeypatch.setattr(f"{__name__}.BUILT", [version])
    monkeypatch.setenv("COLUMNS", "80")
    parse(["list", "--target", "sandbox"], debug=False)()
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines()[:-1])) <= 80
    assert "vertex [products]: index, version 387f43e844e4" in shown
    assert "2026-11-01 08:30" in shown
    assert "products_us_central1_387f43e844e4 on products" in shown
