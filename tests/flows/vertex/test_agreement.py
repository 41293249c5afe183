"""What a build needs agreement for: new costs and the replacement of content, both in one question."""

from __future__ import annotations

import dataclasses

import pytest

from flows.confirmation import Question, agree
from flows.report import Report
from flows.runs import Run
from flows.vertex import agreement
from flows.vertex.agreement import (
    agree_to_first_deployments,
    cost_questions,
    overwrite_questions,
)
from tasks.errors import InvalidInput, NotConfirmed
from tasks.vertex.data.validation import ValidatedVectors
from tasks.vertex.resources.deployed_indexes import DeployedIndexState
from tasks.vertex.resources.indexes import IndexState, read_indexes
from tasks.vertex.settings import VertexSettings
from tasks.vertex.specs import FIRST, DeployedIndexSpec
from tasks.waiting import Deadline

CLOUD = VertexSettings(project="p", location="us-central1")
NEW = ValidatedVectors(name="new.hdf5", rows=50, dimensions=8, queries=0, dense_rows=50, content="new")
SERVED = IndexState(
    resource="i",
    config={},
    update_method="STREAM_UPDATE",
    content="old",
    coming="",
    overwritten=0,
    vectors_count=5000,
    deployed=(("e", "d"),),
    making="",
)


def run_on(settings):
    report = Report(flow="vertex build", name="a", target="sandbox")
    return Run(settings=settings, report=report, deadline=Deadline.after(seconds=30))


def asked(there, **wanted):
    ours = there and DeployedIndexState(
        id="d", endpoint="e", index="i", private_address="", making="", serves=True, replicas=there
    )
    return [
        q.step
        for q in cost_questions(
            CLOUD, DeployedIndexSpec(name="a", location="us-central1", **wanted), None, ours
        )
    ]


@pytest.mark.parametrize(
    ("there", "wanted", "steps"),
    [
        (None, {}, ["deploy the index"]),
        ((1, 1), {}, []),
        ((5, 5), {}, []),
        ((5, 5), {"min_replicas": 1, "max_replicas": 1}, []),
        ((1, 1), {"max_replicas": 50}, ["raise the replicas"]),
        ((1, 5), {"min_replicas": 5}, ["raise the replicas"]),
    ],
)
def test_cost_is_asked_for_a_new_deployment_and_for_more_replicas(there, wanted, steps):
    assert asked(there, **wanted) == steps


def test_the_cost_of_a_new_version_is_said_with_that_of_the_one_served_beside_it():
    wanted = DeployedIndexSpec(name="a", location="us-central1", version="b")
    (question,) = cost_questions(CLOUD, wanted, None, None, beside=FIRST)
    assert "about 0.75 USD per hour" in question.consequence
    assert "The version first costs beside it until it is pruned." in question.consequence


@pytest.mark.parametrize(
    ("changed", "asks"),
    [
        ({}, True),
        ({"content": "new"}, False),
        ({"content": "", "coming": "new"}, False),
        ({"content": "", "coming": "other"}, True),
        ({"deployed": ()}, False),
    ],
    ids=["other content", "the same", "agreed to before", "another overwrite half done", "served nowhere"],
)
def test_an_overwrite_is_asked_for_where_other_content_is_served(changed, asks):
    assert bool(overwrite_questions(dataclasses.replace(SERVED, **changed), NEW)) == asks


def test_one_yes_answers_all_questions_and_each_is_said():
    questions = [Question("deploy the index", "It costs."), *overwrite_questions(SERVED, NEW)]
    agree(questions, yes=True)
    with pytest.raises(NotConfirmed) as refused:
        agree(questions, yes=False)
    for part in ("deploy the index and replace all content", "It costs.", "50 vectors in place of 5,000"):
        assert part in str(refused.value)


@pytest.fixture
def there(monkeypatch):
    """Has the indexes of these names have shards of these sizes, deployed nowhere: `there(a="SHARD_SIZE_SMALL")`."""

    def have(**sizes):
        indexes = {
            name: dataclasses.replace(SERVED, config={"shardSize": size}, deployed=())
            for name, size in sizes.items()
        }

        def read(_settings, name, _deadline):
            return {FIRST: indexes[name]} if name in indexes else {}

        monkeypatch.setattr(agreement, "read_indexes", read)

    return have


def first_deployments(*names, **wanted):
    specs = [DeployedIndexSpec(name=each, location="us-central1", **wanted) for each in names]
    return agree_to_first_deployments(run_on(CLOUD), specs, None, yes=False)


@pytest.mark.parametrize(
    ("size", "machine", "said"),
    [
        ("SHARD_SIZE_SMALL", None, "0.09 USD"),
        ("SHARD_SIZE_SMALL", "e2-standard-2", "0.09 USD"),
        ("SHARD_SIZE_LARGE", None, "1.01 USD"),
    ],
)
def test_what_an_index_that_is_there_would_cost_goes_by_its_own_shards(there, size, machine, said):
    there(a=size)
    with pytest.raises(NotConfirmed, match=said):
        first_deployments("a", machine_type=machine)


def test_a_machine_that_cannot_serve_the_shards_of_an_index_that_is_there_is_refused(there):
    there(a="SHARD_SIZE_LARGE")
    with pytest.raises(InvalidInput, match="shards of SHARD_SIZE_LARGE"):
        first_deployments("a", machine_type="e2-standard-16")


def test_deployments_that_cost_differently_are_asked_for_together_each_with_its_cost(there):
    there(a="SHARD_SIZE_SMALL")
    with pytest.raises(NotConfirmed, match=r"deploy 2 indexes\. .*0\.09 USD.*0\.75 USD"):
        first_deployments("a", "b")


@pytest.mark.slow
def test_the_cost_of_two_first_deployments_is_asked_as_one_sum(service, name, monkeypatch):
    monkeypatch.setattr(VertexSettings, "is_sandbox", False)
    monkeypatch.setattr(agreement, "read_indexes", read_indexes.fn)
    specs = [DeployedIndexSpec(name=each, location="us-central1") for each in (name, f"{name}-exact")]
    with pytest.raises(NotConfirmed, match=r"deploy 2 indexes\. 2 deployed indexes cost about 1\.50 USD"):
        agree_to_first_deployments(run_on(service.settings), specs, None, yes=False)
