"""Whether a read leaves absent ids out or answers NOT_FOUND is undocumented: both must come to the same."""

import pytest

from tasks.calls import NotFound
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.queries import queries

THERE = {id_: Datapoint(id=id_, vector=[1.0]) for id_ in ("a", "c")}


class LeavesOut:
    def read(self, ids):
        return [THERE[id_] for id_ in ids if id_ in THERE]


class AnswersNotFound:
    def read(self, ids):
        if any(id_ not in THERE for id_ in ids):
            raise NotFound(
                "read datapoints", service="Google Cloud", status="NOT_FOUND", said="no such datapoint"
            )
        return [THERE[id_] for id_ in ids]


@pytest.mark.parametrize("server", [LeavesOut(), AnswersNotFound()], ids=lambda server: type(server).__name__)
@pytest.mark.parametrize(
    ("asked", "found"), [(["a", "b", "c"], ["a", "c"]), (["b"], []), (["c", "a"], ["c", "a"]), ([], [])]
)
def test_an_absent_id_is_left_out_whatever_the_service_says(monkeypatch, server, asked, found):
    monkeypatch.setattr(queries, "matches", lambda *_: server)
    assert [datapoint.id for datapoint in queries.read_datapoints.fn(None, None, asked)] == found
