"""The tour: it passes on both kinds of endpoint, leaves nothing, survives kills, and each of its checks can fail."""

from __future__ import annotations

import json
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from flows.report import Report
from flows.runs import Run
from flows.vertex import tour_datapoint
from tasks.errors import GateNotMet
from tasks.vertex.queries.neighbors import Neighbor
from tasks.waiting import Deadline
from tests.polling import until

STEPS = (
    "query", "upsert a new datapoint", "filter class", "move the new datapoint", "at most one neighbor per crowding tag",
    "change its crowding tag", "remove the new datapoint", "recall at 7%", "recall of at least 0.9", "recall of brute force",
    "check that nothing is left",
)  # fmt: skip


@pytest.fixture
def tour_data(vectors):
    return vectors("tour.hdf5", rows=1200, dimensions=16)


@pytest.fixture
def tour(begin, name, tour_data):
    """Begins a tour: `tour(service, "--endpoint", "public")`."""
    return lambda service, *options: begin(
        service, "vertex", "tour", "--name", name, "--data", tour_data, "--target", "sandbox", *options
    )


def assert_nothing(service, name):
    for each in (name, f"{name}-exact"):
        assert service.counts(each) == (0, 0, 0)
        assert service.generations(each) == {}


@pytest.mark.slow
@pytest.mark.parametrize("endpoint", ["public", "vpc"])
def test_it_passes_leaves_nothing_and_tells_every_step(endpoint, service, tour, name, home):
    ended = tour(service, "--endpoint", endpoint)
    assert ended.code == 0, ended.err
    assert_nothing(service, name)
    (file,) = home.glob("reports/*.json")
    report = json.loads(file.read_text())
    told = [step["step"] for step in report["steps"]]
    for step in STEPS:
        assert any(each.startswith(step) for each in told), (step, told)
    assert all(step["seen"] for step in report["steps"])


@pytest.mark.slow
def test_killed_in_its_middle_it_passes_when_run_again(service, tour, name, release):
    before, struck = len(service.writes), len(service.struck)
    service.fault("UpsertDatapoints", "stall", "after", seconds=0)
    service.fault("UpsertDatapoints", "stall", "after", seconds=60)
    killed = tour(service, "--endpoint", "public")
    until(lambda: len(service.struck) >= struck + 2 or killed.has_ended, "the second upsert")
    killed.signal()
    for each in (name, f"{name}-exact"):
        release(each)
    again = tour(service, "--endpoint", "public")
    assert again.code == 0, again.err
    assert service.writes[before:].count("CreateIndex") == 2, "the tour's two indexes, none twice"
    assert_nothing(service, name)


@pytest.mark.slow
def test_an_answer_that_nobody_expects_fails_it_and_the_way_out_is_told(
    service, tour, tour_data, name, begin
):
    struck = len(service.struck)
    service.fault("DeployIndex", "stall", "before", seconds=3)
    command = tour(service, "--endpoint", "public")
    until(lambda: "DeployIndex" in service.struck[struck:], "the deployment")
    with h5py.File(tour_data) as file:
        intruders = np.array(file["test"]) * 1000
    (index,) = service.indexes(name)
    datapoints = [{"datapoint_id": f"intruder-{i}", "feature_vector": v} for i, v in enumerate(intruders)]
    service.clients.indexes.upsert_datapoints(request={"index": index.name, "datapoints": datapoints})

    assert command.code == 1, command.err
    assert "The tour's check of the nearest neighbor is ['intruder-" in command.error
    assert "The tour did not finish." in command.err
    for each in (f"{name}-exact", name):
        told = f"vector-search vertex teardown --name {each} --yes --target sandbox"
        assert told in command.err
        assert begin(service, *told.split()[1:]).code == 0
    assert_nothing(service, name)


# Each check of the streamed datapoint, right answers in their order; then one answer spoiled.
RIGHT = {
    "query": ["5:a 6:b 7:a"],
    "upsert_a_new_datapoint": ["new:b 5:a 6:b"],
    "filter_by_class": ["new:b 1:b"],
    "move_it_to_another_class": ["1:b"],
    "crowd": ["new:b 5:a"],
    "change_its_crowding_tag": ["new:a 6:b"],
    "remove_it": ["5:a 6:b 7:a"],
}
SPOILED = [
    ("query", "5:a 6:b"),
    ("upsert_a_new_datapoint", "5:a new:b 6:b"),
    ("upsert_a_new_datapoint", ""),
    ("filter_by_class", "new:b"),
    ("filter_by_class", "new:b 1:b 2:a"),
    ("move_it_to_another_class", "new:b 1:b"),
    ("move_it_to_another_class", ""),
    ("crowd", "new:b 6:b"),
    ("crowd", "5:a new:b"),
    ("change_its_crowding_tag", "new:b 5:a"),
    ("change_its_crowding_tag", "new:a 5:a"),
    ("change_its_crowding_tag", "new:b 6:a"),
    ("remove_it", "new:a 5:a 6:b"),
    ("remove_it", "5:a 6:b"),
]


@pytest.fixture
def visit(monkeypatch):
    """Leads the datapoint through its life with these answers."""
    data = SimpleNamespace(row=0, vector=np.ones(2), word="", known_id="1", new_id="new", shown=str)
    for change in ("apply_upserts", "apply_removals", "wait_for_datapoints", "wait_for_removals"):
        monkeypatch.setattr(tour_datapoint, change, lambda *_: None)
    monkeypatch.setattr(tour_datapoint, "read_datapoints", lambda *_: ())

    def lead(answers):
        given = iter([answer for step in answers.values() for answer in step])

        def answered(*_):
            pairs = [pair.split(":") for pair in next(given).split()]
            found = tuple(Neighbor(id=id_, distance=0.0, crowding=tag) for id_, tag in pairs)
            return SimpleNamespace(neighbors=(found,))

        monkeypatch.setattr(tour_datapoint, "read_neighbors", answered)
        report = Report(flow="vertex tour", name="x", target="sandbox")
        served = SimpleNamespace(vectors_count=3)
        run = Run(settings=None, report=report, deadline=Deadline.after(seconds=9))
        tour_datapoint.stream_one_datapoint(run, served, data, 3)  # type: ignore[arg-type]
        return report

    return lead


def test_the_right_answers_pass_every_check(visit):
    assert len(visit(RIGHT).steps) == len(RIGHT)


@pytest.mark.parametrize(("step", "answer"), SPOILED)
def test_each_check_of_the_tour_fails_on_a_wrong_answer(step, answer, visit):
    with pytest.raises(GateNotMet):
        visit(RIGHT | {step: [answer]})
