"""Upserts and removals, and what reads back, over the wire."""

import dataclasses
import itertools

import numpy as np
import pytest

from sandbox import faults, write_log
from tasks.errors import DeadlinePassed, InvalidInput
from tasks.vertex.connection.clients import connect
from tasks.vertex.datapoints.datapoints import Datapoint
from tasks.vertex.datapoints.files import DatapointFile, read_datapoint_file
from tasks.vertex.datapoints.filters import NumericRestrict, Restrict
from tasks.vertex.queries.queries import read_datapoints
from tasks.vertex.resources.deployed_indexes import NoLongerDeployed, wait_for_index_sync
from tasks.vertex.resources.served import OverwriteUnfinished
from tasks.vertex.streaming import updates
from tasks.vertex.streaming.arrivals import verify_datapoints_exist, wait_for_datapoints, wait_for_removals
from tasks.vertex.streaming.updates import PartlyApplied, apply_removals, apply_upserts
from tasks.waiting import Deadline
from tests.polling import SOON

_numbers = itertools.count()


def point(id_=None, vector=(1.0, 2.0, 3.0, 4.0), **fields):
    return Datapoint(id=id_ or f"point-{next(_numbers)}", vector=np.array(vector, "f4"), **fields)


def whole(**fields):
    values = {
        "restricts": (Restrict(namespace="class", allow=("1", "2"), deny=("3",)),),
        "numeric_restricts": (
            NumericRestrict(namespace="year", value_int=-(2**62)),
            NumericRestrict(namespace="price", value_float=0.1),
            NumericRestrict(namespace="weight", value_double=0.1),
        ),
        "crowding_tag": "a",
    }
    return point(vector=(0.1, -0.2, 1e-30, 3e38), **{**values, **fields})


def writes(sandbox, method):
    return sum(write.method == method for write in write_log.read(sandbox.state))


def test_every_part_of_a_datapoint_reads_back_as_sent(settings, served, deadline):
    sent = whole()
    applied = apply_upserts.fn(settings, served, [sent], deadline)
    assert (applied.datapoints, applied.requests) == (1, 1)
    assert wait_for_datapoints.fn(settings, served, [sent], deadline) == 1
    (stored,) = read_datapoints.fn(settings, served, [sent.id, "nobody"])
    assert np.array_equal(stored.vector, sent.vector)
    assert (stored.restricts, bool(stored.crowding_tag)) == (sent.restricts, True)


def test_an_update_of_restricts_alone_leaves_vector_and_crowding_tag(settings, served, deadline):
    sent = whole()
    apply_upserts.fn(settings, served, [sent], deadline)
    wait_for_datapoints.fn(settings, served, [sent], deadline)
    changed = Datapoint(id=sent.id, restricts=(Restrict(namespace="class", allow=("9",)),))
    apply_upserts.fn(settings, served, [changed], deadline, restricts_only=True)
    wait_for_datapoints.fn(settings, served, [changed], deadline, restricts_only=True)
    (stored,) = read_datapoints.fn(settings, served, [sent.id])
    assert np.array_equal(stored.vector, sent.vector)
    assert (stored.restricts, stored.numeric_restricts) == (changed.restricts, ())
    assert stored.crowding_tag


def test_an_empty_crowding_tag_is_none(settings, served, deadline):
    sent = whole().model_copy(update={"crowding_tag": ""})
    apply_upserts.fn(settings, served, [sent], deadline)
    assert wait_for_datapoints.fn(settings, served, [sent], deadline) == 1


@pytest.mark.parametrize("apply", [apply_upserts, apply_removals])
def test_nothing_is_streamed_into_an_index_whose_content_is_being_replaced(settings, served, deadline, apply):
    replaced = dataclasses.replace(served, is_overwritten=True)
    with pytest.raises(OverwriteUnfinished, match="Nothing was sent"):
        apply.fn(settings, replaced, [], deadline)


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"restricts": ()}, "other restricts"),
        ({"numeric_restricts": ()}, "other numeric restricts"),
        ({"vector": np.array([1, 1, 1, 1], "f4")}, "other vector"),
        ({"crowding_tag": None}, "other crowding tag"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_datapoint_that_differs_from_what_was_sent_is_waited_for(settings, served, deadline, changed, seen):
    sent = whole()
    apply_upserts.fn(settings, served, [sent], deadline)
    wait_for_datapoints.fn(settings, served, [sent], deadline)
    with pytest.raises(DeadlinePassed, match=f"1 of 1 not yet as sent, datapoint '{sent.id}': {seen}"):
        wait_for_datapoints.fn(
            settings, served, [sent.model_copy(update=changed)], Deadline.after(seconds=0.1)
        )


def test_a_removed_datapoint_is_waited_for_until_it_is_gone(settings, served, deadline):
    sent = [point(), point()]
    apply_upserts.fn(settings, served, sent, deadline)
    wait_for_datapoints.fn(settings, served, sent, deadline)
    with pytest.raises(DeadlinePassed, match="1 of 1 still there, datapoint"):
        wait_for_removals.fn(settings, served, [sent[0].id], Deadline.after(seconds=0.1))
    apply_removals.fn(settings, served, [sent[0].id, "never-there"], deadline)
    assert wait_for_removals.fn(settings, served, [sent[0].id, "never-there"], deadline) == 2
    assert [p.id for p in read_datapoints.fn(settings, served, [p.id for p in sent])] == [sent[1].id]


def test_a_file_of_many_datapoints_goes_out_in_bounded_requests(
    settings, served, deadline, tmp_path, sandbox
):
    file = tmp_path / "points.jsonl"
    lines = [f'{{"id": "f{n}", "embedding": [{n}, 0.5, 0, 0], "crowding_tag": "a"}}' for n in range(1050)]
    file.write_text("\n".join(lines) + "\n\n")
    points = read_datapoint_file.fn(file, 4)
    assert points == DatapointFile(file, 1050)
    before = writes(sandbox, "UpsertDatapoints")
    applied = apply_upserts.fn(settings, served, points, deadline)
    assert (applied.datapoints, applied.requests) == (1050, 11)
    assert writes(sandbox, "UpsertDatapoints") - before == 11
    assert wait_for_datapoints.fn(settings, served, points, deadline) == 1050


@pytest.mark.parametrize("kind", ["throttled", "unavailable"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_one_hiccup_repeats_one_request_and_nothing_is_lost(settings, served, deadline, sandbox, kind, when):
    sent = [point() for _ in range(30)]
    faults.add(sandbox.state, "UpsertDatapoints", kind, when, 2, 0.0)
    applied = apply_upserts.fn(settings, served, sent, deadline, per_request=10)
    assert (applied.datapoints, applied.requests) == (30, 5)
    assert not [f for f in faults.pending(sandbox.state) if f.method == "UpsertDatapoints"]
    assert wait_for_datapoints.fn(settings, served, sent, deadline) == 30


def test_a_service_that_stays_away_ends_at_the_deadline_with_what_was_seen(settings, served, sandbox):
    faults.add(sandbox.state, "RemoveDatapoints", "unavailable", "before", 1000, 0.0)
    try:
        with pytest.raises(DeadlinePassed, match=r"1 to 1 of 1.*no answer.*UNAVAILABLE"):
            apply_removals.fn(settings, served, ["x"], Deadline.after(seconds=0.5))
    finally:
        faults.clear(sandbox.state)


def test_a_batch_index_is_refused_before_anything_is_sent(settings, served, deadline):
    import dataclasses

    batch = dataclasses.replace(
        served, update_method="BATCH_UPDATE", index="projects/p/locations/l/indexes/none"
    )
    with pytest.raises(InvalidInput, match=r"takes no streaming updates.*vertex build"):
        apply_upserts.fn(settings, batch, [point()], deadline)
    with pytest.raises(InvalidInput, match="takes no streaming updates"):
        apply_removals.fn(settings, batch, ["x"], deadline)


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([point(vector=(1.0, 2.0))], "another number of dimensions"),
        ([Datapoint(id="x")], "has no embedding"),
        ([point("x"), point("x")], "An id occurs twice: 'x'"),
        (
            [
                *(
                    point(numeric_restricts=(NumericRestrict(namespace="a", value_int=1),))
                    for _ in range(149)
                ),
                point(numeric_restricts=(NumericRestrict(namespace="a", value_double=1.0),)),
            ],
            "numbers of two types.*datapoint 150",
        ),
    ],
    ids=["dimensions", "no vector", "twice", "types of a number"],
)
def test_datapoints_that_do_not_fit_are_refused_before_anything_is_sent(
    settings, served, deadline, sandbox, points, said
):
    before = writes(sandbox, "UpsertDatapoints")
    with pytest.raises(InvalidInput, match=said):
        apply_upserts.fn(settings, served, points, deadline)
    assert writes(sandbox, "UpsertDatapoints") == before


def test_an_item_that_no_request_can_hold_is_refused(settings, served, deadline):
    with pytest.raises(InvalidInput, match="An id is larger than a request: '1,000,001 bytes'"):
        apply_removals.fn(settings, served, ["x" * 1_000_001], deadline)


def test_a_refusal_in_the_middle_says_how_many_are_in(settings, served, deadline, monkeypatch):
    """Whatever the service may check that we cannot: here, a datapoint that our checks let through."""
    sent = [point() for _ in range(30)]
    bad = point("bad").model_copy(update={"vector": np.ones(3, "f4")})
    monkeypatch.setattr(updates, "check_datapoints", lambda *_, **__: 0)
    with pytest.raises(PartlyApplied, match=r"The first 20 of 31 are in.*does no harm") as caught:
        apply_upserts.fn(settings, served, [*sent[:25], bad, *sent[25:]], deadline, per_request=10)
    assert (caught.value.accepted, caught.value.total) == (20, 31)
    assert wait_for_datapoints.fn(settings, served, sent[:20], deadline) == 20
    assert read_datapoints.fn(settings, served, [sent[20].id]) == ()


def test_absent_ids_are_seen_before_restricts_alone_are_sent(settings, served, deadline):
    sent = [point(), point()]
    apply_upserts.fn(settings, served, sent, deadline)
    wait_for_datapoints.fn(settings, served, sent, deadline)
    assert verify_datapoints_exist.fn(settings, served, sent, deadline) == 2
    with pytest.raises(InvalidInput, match=r"1 id of 3 read together do not exist, first: 'absent'"):
        verify_datapoints_exist.fn(settings, served, [*sent, Datapoint(id="absent")], deadline)


@pytest.mark.parametrize(
    "wait",
    [
        lambda *a: wait_for_datapoints.fn(a[0], a[1], [point()], a[2]),
        lambda *a: wait_for_removals.fn(a[0], a[1], ["x"], a[2]),
        lambda *a: verify_datapoints_exist.fn(a[0], a[1], [point()], a[2]),
        lambda *a: wait_for_index_sync.fn(
            a[0], a[1].name, a[1].endpoint, a[1].deployed_index_id, 2**62, a[2]
        ),
    ],
    ids=["upserts", "removals", "existence", "sync"],
)
def test_what_somebody_undeployed_is_not_waited_for(settings, serve, wait):
    served = serve("public")
    connect(settings).endpoints.undeploy_index(
        index_endpoint=served.endpoint, deployed_index_id=served.deployed_index_id
    ).result(timeout=60, polling=SOON)
    with pytest.raises(NoLongerDeployed, match="somebody undeployed it"):
        wait(settings, served, Deadline.after(seconds=20))
