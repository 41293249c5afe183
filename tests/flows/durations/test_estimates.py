"""How long a plan takes: as documented, as earlier runs of the same place took, and what is not known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import flows
from flows.durations.documented import durations, embedding
from flows.durations.estimates import Estimates
from flows.durations.expected import Expected, between
from flows.engines import ENGINES
from flows.plan import Difference, Plan, Resource
from flows.report import Report
from flows.runs import Run
from tasks.waiting import Deadline
from tests.flows.plans.test_plans import shown

PLACE = "project-1-us"
CREATED = {
    "step": "index films",
    "seen": "created the index; projects/1/indexes/2",
    "began": 0,
    "seconds": 1380,
}


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """Where reports are."""
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path))
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports"


@pytest.fixture
def told(folder):
    """Leaves a report of an earlier run: `told(steps=[...], name="films")`."""

    def leave(
        *,
        moment="20261120T080000000000",
        flow="vertex build",
        target="vertex",
        where=PLACE,
        name="films",
        **more,
    ):
        started = f"{moment[:4]}-{moment[4:6]}-{moment[6:8]}T08:00:00Z"
        report = {
            "flow": flow,
            "target": target,
            "where": where,
            "name": name,
            "started": started,
            "steps": [],
            "facts": {},
            **more,
        }
        (folder / f"{flow.split()[0]}-build-{name}-{moment}.json").write_text(json.dumps(report))

    return leave


def estimates(engine="vertex", target="vertex", where=PLACE, name="films"):
    return Estimates(engine, target=target, where=where, name=name)


def test_an_index_takes_what_google_says_until_an_earlier_run_tells_better(told):
    assert str(estimates().of("index", "create")) == "20 min to 1 h (Google's samples say 30 min)"
    told(steps=[CREATED])
    assert str(estimates().of("index", "create")) == "about 23 min (took 23 min on 2026-11-20)"


def test_the_newest_run_of_the_same_name_counts_before_a_newer_one_of_another(told):
    told(steps=[CREATED])
    told(steps=[CREATED | {"seconds": 600}], moment="20261121T080000000000")
    told(
        steps=[CREATED | {"step": "index other", "seconds": 60}], moment="20261122T080000000000", name="other"
    )
    assert estimates().of("index", "create").basis == "took 10 min on 2026-11-21"
    assert estimates(name="new").of("index", "create").basis == "took 1 min on 2026-11-22 for other"


@pytest.mark.parametrize(
    "report",
    [
        {"where": "elsewhere"},
        {"target": "sandbox"},
        {"flow": "elastic build"},
        {"steps": [CREATED | {"seen": "unchanged"}]},
        {"steps": [CREATED | {"seen": "created the index; failed: no room"}]},
        {"steps": [CREATED | {"seen": "replaced the contents of the index"}]},
        {"steps": [CREATED | {"step": "indexes films"}]},
        {"steps": "what somebody wrote"},
    ],
    ids=["elsewhere", "sandbox", "engine", "unchanged", "failed", "another change", "another step", "no report"],
)  # fmt: skip
def test_another_place_and_what_did_not_do_it_tell_nothing(told, report):
    told(**{"steps": [CREATED], **report})
    assert estimates().of("index", "create").most_seconds == 3600


def test_new_content_builds_an_index_again_and_new_labels_do_not():
    assert estimates().of("index", "change", ["vectors", "content"]).most_seconds == 3600
    assert estimates().of("index", "change", ["team"]).most_seconds == 60


def test_what_an_earlier_run_began_may_end_at_once():
    found = estimates().of("deployed index", "adopt")
    assert (found.least_seconds, found.most_seconds) == (0, 1800)


def test_documents_take_as_long_as_at_the_pace_of_an_earlier_run_else_as_documented(told):
    elser = embedding(54_000, 4)
    assert str(elser) == "1 h 25 min to 4 h 10 min (Elastic's benchmark of ELSER v2)"
    assert estimates("elastic").sending(54_000, elser) == elser
    assert estimates("elastic").sending(54_000, None) is None
    told(flow="elastic embed", target="elastic", facts={"pace": {"per_second": 15.0}})
    found = estimates("elastic", target="elastic").sending(54_000, elser)
    assert str(found) == "about 1 h (15 per second on 2026-11-20)"


def planned(*resources, target="vertex", **facts) -> Plan:
    report = Report(flow="vertex build", name="films", target=target, where=PLACE)
    return Run(settings=None, report=report, deadline=Deadline.after(minutes=1)).plan(*resources, **facts)


def test_a_plan_adds_up_what_changes_and_names_what_nobody_knows():
    plan = planned(
        Resource(action="create", kind="index", name="films"),
        Resource(action="keep", kind="endpoint", name="films"),
        Resource(action="create", kind="deployed index", name="films"),
        Resource(action="create", kind="network", name="films"),
        sends="300 vectors",
        sends_count=300,
    )
    assert str(plan.duration) == "40 min to 1 h 30 min; not known: network and sending the data"
    text = " ".join(shown(plan, 120).split())
    assert "duration 40 min to 1 h 30 min; not known: network and sending the data" in text
    assert "takes 20 to 30 min (Google's labs)" in text
    assert plan.model_dump(mode="json")["duration"] == {
        "least_seconds": 2400, "most_seconds": 5400, "unknown": ["network", "sending the data"],
    }  # fmt: skip


def test_a_plan_for_the_sandbox_says_what_the_real_service_takes_and_that_it_is_faster(told):
    told(steps=[CREATED], target="sandbox")
    text = shown(planned(Resource(action="create", kind="index", name="films"), target="sandbox"))
    assert "20 min to 1 h. The sandbox takes seconds." in text


def test_what_changes_nothing_takes_no_time():
    plan = planned(Resource(action="keep", kind="index", name="films"))
    assert "duration" not in shown(plan)
    change = Difference(field="team", there="a", wanted="b")
    assert "takes" not in shown(
        planned(Resource(action="keep", kind="index", name="films", differences=(change,)))
    )


@pytest.mark.parametrize(
    ("least", "most", "words"),
    [(0, 5, "under a minute"), (0, 90, "up to 2 min"), (1380, 1380, "about 23 min"), (1200, 3600, "20 min to 1 h"), (5000, 15000, "1 h 25 min to 4 h 10 min")],
)  # fmt: skip
def test_a_duration_is_told_no_finer_than_it_is_known(least, most, words):
    assert between(least, most) == words


def test_the_file_names_only_engines_that_are_there_and_a_source_for_every_duration():
    found = durations()
    engines = {one.name for one in ENGINES}
    assert {one.engine for one in found.steps} | set(found.seconds) <= engines
    assert [one for one in found.steps if one.minutes and not (one.source and one.basis)] == []
    assert [one for one in found.steps if not one.minutes and not one.step] == []
    assert [one for one in found.steps if one.minutes and one.minutes[0] > one.minutes[1]] == []
    assert found.as_of <= datetime.now(UTC).date()


@pytest.mark.parametrize(
    "timing", [one for one in durations().steps if one.step], ids=lambda one: f"{one.engine} {one.step}"
)
def test_the_steps_that_the_file_names_are_those_that_flows_report(timing):
    folder = Path(flows.__file__).parent / timing.engine.replace("-", "_")
    source = "".join(one.read_text() for one in folder.rglob("*.py"))
    assert f'step(f"{timing.step} {{' in source
    assert timing.did in source


def test_expected_says_its_source():
    assert (
        str(Expected(least_seconds=0, most_seconds=5, basis="single calls"))
        == "under a minute (single calls)"
    )
