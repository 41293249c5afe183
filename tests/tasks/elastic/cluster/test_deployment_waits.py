"""What a wait for a deployment sees when somebody or something keeps it from ever ending well."""

import dataclasses
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from sandbox import faults
from tasks.elastic.cluster import deployment_waits
from tasks.elastic.cluster.deployment_states import read_deployment
from tasks.elastic.cluster.deployment_waits import (
    DeploymentFailed,
    DeploymentStopped,
    NoRoom,
    StartedAgain,
    wait_until_gone,
)
from tasks.elastic.cluster.deployments import (
    ensure_deployment,
    read_deployment_to_change,
    remove_deployment,
    wait_for_allocation,
    wait_for_deployment,
)
from tasks.elastic.connection.clients import connect
from tasks.elastic.specs import AdaptiveAllocations, DeploymentSpec
from tasks.errors import CannotChangeInPlace, DeadlinePassed
from tasks.waiting import Deadline
from tests.polling import until


@pytest.fixture
def spec(settings, deployed, name, deadline):  # noqa: ARG001 -- the model is there
    """A deployment that nothing is left of."""
    yield DeploymentSpec(id=name)
    remove_deployment.fn(settings, name, deadline)


@pytest.fixture
def aside():
    """Runs a wait beside the test: `aside(function, ...)` gives its future."""
    with ThreadPoolExecutor() as pool:
        yield pool.submit


def stop(settings, deployment_id):
    connect(settings).ml.stop_trained_model_deployment(model_id=deployment_id)


def start(settings, deployment_id):
    connect(settings).ml.start_trained_model_deployment(
        model_id=".elser_model_2", deployment_id=deployment_id, wait_for="starting"
    )


def test_a_deployment_that_somebody_stops_while_it_starts_is_given_up_and_can_be_started_again(
    sandbox, settings, spec, deadline, aside, caplog
):
    caplog.set_level(logging.INFO, "vector_search_ops")
    faults.add(sandbox.state, "ml.start_trained_model_deployment", "stall", "end")
    ensure_deployment.fn(settings, spec, deadline)
    waiting = aside(wait_for_deployment.fn, settings, spec, deadline)
    until(lambda: "starting, 0 of 1 allocations" in caplog.text, "the first look")
    stop(settings, spec.id)
    with pytest.raises(DeploymentStopped, match=r"last seen: starting, 0 of 1 .* somebody stopped it"):
        waiting.result()
    ensure_deployment.fn(settings, spec, deadline)
    assert wait_for_deployment.fn(settings, spec, deadline).allocated == 1


def test_a_deployment_that_is_gone_before_the_first_look_is_given_up_soon(
    settings, spec, deadline, monkeypatch
):
    monkeypatch.setattr(deployment_waits, "ABSENT_SECONDS", 0.3)
    ensure_deployment.fn(settings, spec, deadline)
    stop(settings, spec.id)
    with pytest.raises(DeploymentStopped, match="last seen: nothing yet"):
        wait_for_deployment.fn(settings, spec, deadline)


def test_a_deployment_that_the_statistics_do_not_show_for_a_second_is_waited_for(
    settings, spec, deadline, monkeypatch
):
    ensure_deployment.fn(settings, spec, deadline)
    shown_at = time.monotonic() + 1

    def read(*asked):
        return read_deployment.fn(*asked) if time.monotonic() >= shown_at else None

    monkeypatch.setattr(deployment_waits, "read_deployment", SimpleNamespace(fn=read))
    assert wait_for_deployment.fn(settings, spec, deadline).allocated == 1


def test_a_deployment_that_crashed_on_its_nodes_is_told_with_the_reason_although_it_stays_starting(
    sandbox, settings, spec, deadline
):
    faults.add(sandbox.state, "ml.start_trained_model_deployment", "internal", "end")
    ensure_deployment.fn(settings, spec, deadline)
    assert read_deployment.fn(settings, spec.id).state == "starting"
    with pytest.raises(
        DeploymentFailed, match=rf"failed: inference process crashed.*{spec.id}/deployment/_stop"
    ):
        wait_for_deployment.fn(settings, spec, deadline)


def test_a_deployment_that_crashed_on_its_nodes_is_started_again_even_where_a_pipeline_names_it(
    sandbox, settings, spec, deadline, caplog
):
    caplog.set_level(logging.INFO, "vector_search_ops")
    faults.add(sandbox.state, "ml.start_trained_model_deployment", "internal", "end")
    ensure_deployment.fn(settings, spec, deadline)
    connect(settings).ingest.put_pipeline(id=spec.id, processors=[{"inference": {"model_id": spec.id}}])
    try:
        assert read_deployment_to_change.fn(settings, spec) is None, "in a plan it is one that is started"
        other = spec.model_copy(update={"threads": 2})
        with pytest.raises(CannotChangeInPlace, match="threads"):
            ensure_deployment.fn(settings, other, deadline)
        assert ensure_deployment.fn(settings, spec, deadline).did == "created"
        assert "has failed on every node (inference process crashed)" in caplog.text
        assert wait_for_deployment.fn(settings, spec, deadline).state == "started"
        assert ensure_deployment.fn(settings, spec, deadline).did == "nothing"
    finally:
        connect(settings).ingest.delete_pipeline(id=spec.id)


@pytest.mark.parametrize("allocations", [2, 3])
def test_a_deployment_without_room_for_all_of_it_is_given_up_unless_the_cluster_may_grow(
    settings, spec, name, deadline, monkeypatch, allocations
):
    monkeypatch.setattr(deployment_waits, "NO_ROOM_SECONDS", 0.5)
    first = spec.model_copy(update={"id": f"{name}-first", "threads": 8})
    wanted = spec.model_copy(update={"allocations": allocations, "threads": 4})
    ensure_deployment.fn(settings, first, deadline)
    try:
        ensure_deployment.fn(settings, wanted, deadline)
        with pytest.raises(
            NoRoom,
            match=r"insufficient allocated processors.*`elastic deploy` and `elastic embed` .* --may-grow",
        ) as told:
            wait_for_deployment.fn(settings, wanted, deadline)
        assert f"1 of {allocations} allocations" in told.value.seen
        with pytest.raises(DeadlinePassed, match="insufficient allocated processors"):
            wait_for_deployment.fn(settings, wanted, Deadline.after(seconds=1), may_grow=True)
    finally:
        remove_deployment.fn(settings, first.id, deadline)
    if allocations == 2:
        assert wait_for_deployment.fn(settings, wanted, deadline).allocated == 2


def test_a_deployment_that_somebody_starts_again_is_not_waited_for_until_it_is_gone(
    sandbox, settings, spec, deadline, aside
):
    ensure_deployment.fn(settings, spec, deadline)
    there = wait_for_deployment.fn(settings, spec, deadline)
    faults.add(sandbox.state, "ml.stop_trained_model_deployment", "stall", "after", seconds=1)
    removing = aside(remove_deployment.fn, settings, spec.id, deadline)
    until(lambda: read_deployment.fn(settings, spec.id) is None, "the stop")
    start(settings, spec.id)
    with pytest.raises(StartedAgain, match="somebody started it again"):
        removing.result()
    now = read_deployment.fn(settings, spec.id)
    assert wait_until_gone(settings, there, deadline) == now
    with pytest.raises(DeadlinePassed, match="last seen: start"):
        wait_until_gone(settings, dataclasses.replace(now), Deadline.after(seconds=0.3))


def test_a_deployment_that_sleeps_is_not_waited_for_and_one_without_an_allocation_is(
    sandbox, settings, spec, deadline
):
    none = Deadline.after(seconds=0)
    sleeping = spec.model_copy(
        update={"id": f"{spec.id}-asleep", "adaptive": AdaptiveAllocations(min=0, max=1)}
    )
    ensure_deployment.fn(settings, sleeping, deadline)
    wait_for_allocation.fn(settings, sleeping.id, none)
    remove_deployment.fn(settings, sleeping.id, deadline)

    faults.add(sandbox.state, "ml.start_trained_model_deployment", "stall", "end", seconds=0.3)
    ensure_deployment.fn(settings, spec, deadline)
    with pytest.raises(DeadlinePassed, match="0 of 1 allocations"):
        wait_for_allocation.fn(settings, spec.id, none)
    wait_for_allocation.fn(settings, spec.id, deadline)
    assert read_deployment.fn(settings, spec.id).allocated == 1
