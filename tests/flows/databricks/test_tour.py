"""The tour: it passes, survives a kill, leaves nothing, touches nobody's index, and each of its checks can fail."""

from __future__ import annotations

import json

import pytest

from flows.databricks import tour_queries
from tasks.crash_points import CRASH_AT
from tasks.databricks.searches import Found
from tasks.errors import GateNotMet
from tests.flows.vertex.conftest import write_vectors
from tests.tasks.databricks.test_data import INDEX

ROW = {"id": "7", "embedding": [1.0, 0.0]}
STEPS = (
    "query by the vector of row 0 (ANN)", "query by the words of row 0 (FULL_TEXT)", "query by both of row 0 (HYBRID)",
    "query by the vector of row 0 for other words", "upsert row tour-new", "the first version answers until the new one is served",
    "serve version", "recall@10 of what is served", "roll back", "a query does not find the last row", "swap",
    "check that nothing is left",
)  # fmt: skip


@pytest.mark.slow
def test_killed_and_run_again_it_passes_leaves_nothing_and_tells_every_step(
    service, run, build, release, name, home, tmp_path
):
    data = write_vectors(tmp_path / "films.hdf5", plot=[f"the plot of number {row}" for row in range(300)])
    words = ("databricks", "tour", "--name", name, "--data", data, "--text-column", "plot", "--target", "sandbox")  # fmt: skip
    build(service)
    writes = service.writes
    assert "This name holds something else" in run(service, *words, code=2).error
    assert service.writes == writes
    name = f"{name}-free"
    words = (*words[:3], name, *words[4:])
    run(service, *words, code=-9, **{CRASH_AT: "create index * *#1:after"})
    release(name, "databricks")
    run(service, *words)
    assert (service.index(name), service.endpoint(name)) == (None, None)
    report = json.loads(max(home.glob("reports/databricks-tour-*.json")).read_text())
    told = [step["step"] for step in report["steps"]]
    for step in STEPS:
        assert any(each.startswith(step) for each in told), (step, told)
    assert all(step["seen"] for step in report["steps"])


FOUND = {
    "another row first": (True, ["8", "7"]),
    "nothing": (True, []),
    "the row that must be gone": (False, ["8", "7"]),
}


@pytest.mark.parametrize(("is_there", "ids"), FOUND.values(), ids=FOUND)
def test_an_answer_that_does_not_follow_fails_it(monkeypatch, is_there, ids):
    found = tuple(Found(id=id_, score=1.0) for id_ in ids)
    monkeypatch.setattr(tour_queries, "read_found", lambda *_: found)
    wanted = "required: 7 first" if is_there else "required: not 7"
    with pytest.raises(GateNotMet, match=wanted):
        tour_queries.verify_best(None, INDEX, ROW, is_there=is_there)


def test_the_row_itself_with_its_full_score_passes(monkeypatch):
    monkeypatch.setattr(
        tour_queries, "read_found", lambda *_: (Found(id="7", score=1.0), Found(id="8", score=0.5))
    )
    assert tour_queries.verify_best(None, INDEX, ROW, is_there=True) == "7 1.000, 8 0.500"
