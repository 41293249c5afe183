"""Pictures of measurements: what is drawn, from what, and that it stays a picture."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import asdict
from xml.etree import ElementTree as ET

import pytest

from flows import report as reports
from flows.report import Report, reporting
from flows.report_page.pictures import Picture, data_address, drawn, pictures
from tasks.measures.pace import Pace

SVG = "{http://www.w3.org/2000/svg}"
MEASURED = {"k": 10, "queries": 4, "recall": 0.975, "p90": 2.5, "latencies": [[0.0, 1], [0.5, 2], [1.0, 1]]}


def read(picture, **options):
    return ET.fromstring(drawn(picture, **options))


def texts(root, kind="text"):
    return [one.text for one in root.iter(f"{SVG}{kind}")]


def test_a_bar_is_as_high_as_its_number_and_says_it():
    (picture,) = pictures({"recall": MEASURED})
    root = read(picture)
    heights = [float(bar.get("height")) for bar in root.iter(f"{SVG}rect")]
    assert heights[0] == pytest.approx(heights[2]) == pytest.approx(heights[1] / 2, abs=0.1)
    assert texts(root, "title") == ["0.25: 1", "0.75: 2", "1.25: 1"]
    assert "latency, ms; the last bar is 1 and above" in texts(root)


@pytest.mark.parametrize(
    ("fact", "of"), [("recall_by_leaves", "leaves"), ("recall_by_candidates", "num_candidates")]
)
def test_points_lie_from_left_to_right_and_higher_for_more(fact, of):
    tried = [{of: 0.2, "recall": 0.9}, {of: 0.05, "recall": 0.6}, {of: 1.0, "recall": 1.0}]
    (picture,) = pictures({fact: tried})
    points = [(float(one.get("cx")), float(one.get("cy"))) for one in read(picture).iter(f"{SVG}circle")]
    assert points == sorted(points)
    assert [y for _, y in points] == sorted((y for _, y in points), reverse=True)


def test_earlier_runs_of_as_many_neighbors_become_a_trend_that_ends_now():
    earlier = [("11-24", {"recall": MEASURED | {"recall": 0.9}}), ("11-25", {"recall": MEASURED | {"k": 100}}), ("11-26", {}),
               ("11-27", {"recall": "what somebody wrote"})]  # fmt: skip
    _, recall, slow = pictures({"recall": MEASURED}, earlier)
    assert [value for _, value in recall.points] == [0.9, 0.975]
    assert recall.names == ["11-24", "now"]
    assert (recall.title, slow.title) == ("Recall over 2 runs", "90th percentile of latency over 2 runs")


def test_the_quality_of_answers_becomes_a_trend_of_what_gates_look_at():
    def measured(**values):
        return {"measures": {name: {"value": value} for name, value in values.items()}}

    earlier = [
        ("11-24", measured(right=0.5)),
        ("11-25", {"measures": "what somebody wrote"}),
        ("11-26", measured(withheld=1.0)),
    ]
    (right,) = pictures(measured(right=0.75, abstention=1.0, withheld=0.0), earlier)
    assert (right.title, [value for _, value in right.points]) == ("right over 2 runs", [0.5, 0.75])
    assert list(right.names) == ["11-24", "now"]
    assert len([*read(right).iter(f"{SVG}circle")]) == 2


def test_recall_is_drawn_over_the_latency_that_it_costs():
    leaves = [{"leaves": 0.2, "recall": 0.9, "p50": 2.0}, {"leaves": 0.05, "recall": 0.6, "p50": 1.5}]
    _, bought = pictures({"recall_by_leaves": leaves})
    assert bought.x == "p50, ms"
    assert list(bought.points) == [(1.5, 0.6), (2.0, 0.9)]


def paced(*samples, into="films-1", ended=True):
    pace = Pace(into=into, ended=ended)
    for at, documents, limit in samples:
        pace.see("a:1", documents, limit=limit, now=at)
    return {"pace": asdict(pace)}


def test_a_reindex_is_drawn_from_zero_in_steps_with_its_throttle():
    (picture,) = pictures(paced((0, 0, None), (40, 400, None), (80, 480, 2.0), (100, 880, None)))
    assert (picture.title, picture.x) == ("Documents per second", "seconds; ▼ slower; ▲ faster")
    assert list(picture.points) == [(0, 10), (40, 10), (40, 2), (80, 2), (80, 20), (100, 20)]
    root = read(picture)
    assert [one.text for one in root.iter(f"{SVG}text") if one.get("class") == "sign"] == ["▼", "▲"]
    assert {"throttled to 2 per second", "throttle off"} <= set(texts(root, "title"))
    assert "0" in texts(root)


def test_a_resumed_reindex_continues_the_picture_of_the_runs_that_were_interrupted():
    other = paced((0, 0, None), (9, 9, None), into="films-0", ended=False)
    finished = paced((20, 0, None), (29, 9, None))
    interrupted = paced((3600, 0, None), (7200, 3600, None), ended=False)
    now = paced((10_800, 10_800, None), (14_400, 14_400, None))
    earlier = [("11-24", other), ("11-25", finished), ("11-26", interrupted)]
    (picture,) = pictures(now, earlier)
    assert (picture.x, list(picture.points)) == ("hours", [(0, 1), (1, 1), (1, 2), (2, 2), (2, 1), (3, 1)])


@pytest.mark.parametrize(
    "written", ["what somebody wrote", {"into": "films-1"}, {"into": "films-1", "samples": [{"at": "x"}]}]
)
def test_a_pace_that_is_none_has_no_picture_and_spoils_none(written):
    assert pictures({"pace": written}) == []
    assert (
        len(
            pictures(
                paced((0, 0, None), (9, 9, None), (18, 9, 1.0), (27, 36, None)),
                [("11-24", {"pace": written})],
            )
        )
        == 1
    )


def test_a_single_point_and_a_single_bar_can_be_drawn():
    for picture in pictures(
        {"recall": MEASURED | {"latencies": [[3.0, 1]]}, "recall_by_leaves": [{"leaves": 1, "recall": 1}]}
    ):
        assert len([*read(picture).iter(f"{SVG}rect"), *read(picture).iter(f"{SVG}circle")]) == 1


def test_what_was_not_measured_has_no_picture():
    assert pictures({"version": "first", "recall": {"k": 10}, "count": 4}) == []


def test_words_never_become_markup():
    hostile = '"><script>alert(1)</script>'
    root = read(Picture(hostile, "line", hostile, hostile, [(0, 0), (1, 1)], [hostile, "b"]))
    assert not list(root.iter(f"{SVG}script"))
    assert hostile in texts(root)


def test_for_other_pages_a_picture_brings_its_colors_and_asks_for_nothing():
    (picture,) = pictures({"recall": MEASURED})
    address = data_address(picture)
    text = b64decode(address.removeprefix("data:image/svg+xml;base64,")).decode()
    assert text == drawn(picture, alone=True)
    assert "<style>" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Publishes reports with this recall, and returns the last one."""
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path))
    for name in ("create_markdown_artifact", "create_table_artifact"):
        monkeypatch.setattr(reports, name, lambda *_, **__: None)

    def publish(recall, name="films"):
        with reporting("vertex verify", name, "sandbox", "here") as report:
            report.facts["recall"] = MEASURED | {"recall": recall}
        return report

    return publish


def test_a_report_shows_the_trend_of_its_own_name_in_its_page_and_in_the_ui(measured, tmp_path):
    measured(0.8)
    measured(0.5, name="films-2026")
    (tmp_path / "reports" / "vertex-verify-films-here-20261127T075700000000.json").write_text("{ half of")
    report = measured(0.9)
    assert isinstance(report, Report)
    page = report.file.with_suffix(".html").read_text()
    assert "Recall over 2 runs" in page
    assert page.count("<svg") == report.markdown().count("](data:image/svg+xml;base64,") == 3
    assert json.loads(report.file.read_text())["facts"]["recall"]["latencies"] == MEASURED["latencies"]


def record(kind, name, value, *, difference=None):
    def fact(middle):
        return {"right": {"value": middle, "low": middle - 0.1, "high": middle + 0.1, "questions": 9}}

    return {
        kind: name,
        "measures": fact(value),
        "difference": {} if difference is None else fact(difference),
    }


def test_settings_that_were_compared_are_points_on_their_intervals_and_differences_beside_zero():
    records = [
        record("setting", "how=hybrid", 0.7),
        record("setting", "how=text,passages=<12>", 0.5, difference=-0.2),
    ]
    values, less = pictures({"settings": records})
    assert (values.title, less.title) == ("right by setting", "right, difference from how=hybrid")
    root = read(values)
    assert texts(root, "title") == [
        "how=hybrid: 0.7 (0.6 to 0.8)",
        "how=text,passages=<12>: 0.5 (0.4 to 0.6)",
    ]
    first, second = (float(point.get("cx")) for point in root.iter(f"{SVG}circle"))
    assert first > second
    lines = [line for line in read(less).iter(f"{SVG}line") if line.get("class")]
    zero, interval = sorted(lines, key=lambda line: line.get("class") != "zero")
    assert float(interval.get("x2")) < float(zero.get("x1"))
    assert data_address(less).startswith("data:image/svg+xml;base64,")


def test_what_is_the_same_for_all_or_no_comparison_has_no_picture():
    assert pictures({"models": [record("model", "a", 0.7), record("model", "b", 0.7)]}) == []
    assert pictures({"models": ["a", "b"], "settings": {"a": 1}}) == []
