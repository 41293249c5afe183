import pytest

from sandbox import faults
from tasks.calls import NotFound, ServiceUnwell
from tasks.elastic.cluster.byte_sizes import is_shown_as
from tasks.elastic.cluster.capacity import DoesNotFit, read_placement, verify_capacity
from tasks.elastic.cluster.deployment_states import read_deployment, read_deployments
from tasks.elastic.cluster.deployments import (
    NoCapacity,
    ensure_deployment,
    remove_deployment,
    wait_for_deployment,
)
from tasks.elastic.cluster.inference import verify_inference
from tasks.elastic.cluster.models import ensure_model, wait_for_model
from tasks.elastic.connection.clients import connect
from tasks.elastic.specs import AdaptiveAllocations, DeploymentSpec
from tasks.errors import CannotChangeInPlace, DeadlinePassed
from tasks.waiting import Deadline


@pytest.fixture
def clean(settings, deployed, name, deadline):  # noqa: ARG001 -- the model is there
    """An id that nothing is left under."""
    yield name
    remove_deployment.fn(settings, name, deadline)


def test_a_deployment_is_started_once_and_then_left_alone(settings, clean, deadline, changes):
    spec = DeploymentSpec(id=clean, queue_capacity=2000, cache_size="0b")
    ensure_deployment.fn(settings, spec, deadline)
    state = wait_for_deployment.fn(settings, spec, deadline)
    assert (state.state, state.allocated, state.queue_capacity, state.cache_size) == (
        "started",
        1,
        2000,
        "0b",
    )
    made = changes()
    ensure_deployment.fn(settings, spec, deadline)
    assert changes() == made


def test_deployments_are_told_apart_by_their_ids(settings, deployed, clean, deadline):
    ensure_deployment.fn(settings, DeploymentSpec(id=clean, threads=2), deadline)
    assert {deployed, clean} <= {d.id for d in read_deployments.fn(settings)}
    assert read_deployment.fn(settings, clean).threads == 2
    assert read_deployment.fn(settings, deployed).threads == 1
    assert read_deployment.fn(settings, "nobody") is None


def test_allocations_change_in_place_up_and_down(settings, clean, deadline):
    spec = DeploymentSpec(id=clean)
    ensure_deployment.fn(settings, spec, deadline)
    for allocations in (3, 1):
        ensure_deployment.fn(settings, spec.scaled(allocations), deadline)
        state = wait_for_deployment.fn(settings, spec.scaled(allocations), deadline)
        assert state.allocations == allocations


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("threads", {"threads": 2}),
        ("queue_capacity", {"queue_capacity": 3000}),
        ("cache_size", {"cache_size": "0b"}),
        ("priority", {"priority": "low"}),
    ],
)
def test_anything_else_cannot_change_in_place_and_is_named(settings, clean, deadline, field, changed):
    ensure_deployment.fn(settings, DeploymentSpec(id=clean, queue_capacity=2000), deadline)
    with pytest.raises(CannotChangeInPlace) as refused:
        ensure_deployment.fn(settings, DeploymentSpec(id=clean, **changed), deadline)
    assert refused.value.field == field


@pytest.mark.parametrize("size", ["1024mb", "1500MB", "0b"])
def test_a_cache_is_the_same_however_the_cluster_shows_its_size(settings, clean, deadline, changes, size):
    spec = DeploymentSpec(id=clean, cache_size=size)
    ensure_deployment.fn(settings, spec, deadline)
    made = changes()
    assert not ensure_deployment.fn(settings, spec, deadline).changed
    assert changes() == made


@pytest.mark.parametrize(
    ("wanted", "shown", "same"),
    [
        ("1500mb", "1.4gb", True),
        ("1.4gb", "1.4gb", True),
        ("1600mb", "1.4gb", False),
        ("1gb", "1024mb", True),
        ("0", "0b", True),
        ("100b", "101b", False),
        ("0b", "100mb", False),
        ("odd", "odd", True),
    ],
)
def test_a_size_is_compared_by_its_bytes_as_far_as_it_is_shown(wanted, shown, same):
    assert is_shown_as(wanted, shown) is same


def test_adaptive_allocations_come_and_go_in_place(settings, clean, deadline, changes):
    adaptive = DeploymentSpec(id=clean, adaptive=AdaptiveAllocations(min=1, max=2))
    ensure_deployment.fn(settings, adaptive, deadline)
    assert wait_for_deployment.fn(settings, adaptive, deadline).adaptive == adaptive.adaptive
    made = changes()
    ensure_deployment.fn(settings, adaptive, deadline)
    assert changes() == made
    ensure_deployment.fn(settings, adaptive.scaled(2), deadline)
    state = wait_for_deployment.fn(settings, adaptive.scaled(2), deadline)
    assert (state.adaptive, state.allocations) == (None, 2)


def test_a_deployment_that_may_grow_beyond_what_we_ask_for_is_read_like_any_other(
    settings, deployed, clean, deadline
):
    connect(settings).ml.start_trained_model_deployment(
        model_id=".elser_model_2",
        deployment_id=clean,
        adaptive_allocations={
            "enabled": True, "min_number_of_allocations": 0, "max_number_of_allocations": 99_999,
        },
    )  # fmt: skip
    there = read_deployment.fn(settings, clean).adaptive
    assert (there.min, there.max) == (0, 99_999)
    assert read_deployment.fn(settings, deployed).adaptive is None
    wanted = DeploymentSpec(id=clean, adaptive=AdaptiveAllocations(min=1, max=2))
    assert ensure_deployment.fn(settings, wanted, deadline).there.adaptive == wanted.adaptive


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_reply_to_a_start_makes_no_second_deployment(
    sandbox, settings, clean, deadline, changes, when
):
    spec = DeploymentSpec(id=clean)
    faults.add(sandbox.state, "ml.start_trained_model_deployment", "reset", when, 1, 0.0)
    with pytest.raises(ServiceUnwell):
        ensure_deployment.fn(settings, spec, deadline)
    ensure_deployment.fn(settings, spec, deadline)
    wait_for_deployment.fn(settings, spec, deadline)
    assert changes().count("ml.start_trained_model_deployment") == 1


def test_a_200_that_starts_nothing_is_not_taken_for_success(settings, clean, deadline):
    spec = DeploymentSpec(id=clean, allocations=3, threads=8, queue_capacity=7000)
    state = ensure_deployment.fn(settings, spec, deadline).there
    assert state.state == "starting"
    with pytest.raises(DeadlinePassed, match="insufficient allocated processors"):
        wait_for_deployment.fn(settings, spec, Deadline.after(seconds=0.5), may_grow=True)


@pytest.mark.usefixtures("deployed")
def test_what_does_not_fit_is_told_before_it_is_started(settings, name, changes):
    before = changes()
    spec = DeploymentSpec(id=name, allocations=3, threads=8, queue_capacity=7000)
    with pytest.raises(DoesNotFit, match=r"nearest setting that fits is .* Nothing was started"):
        verify_capacity.fn(settings, [spec])
    assert changes() == before


def test_what_runs_already_counts_as_free_for_itself(settings, deployed):
    spec = DeploymentSpec(id=deployed, allocations=16)
    assert read_placement.fn(settings, spec).fits
    assert not read_placement.fn(settings, DeploymentSpec(id="another", allocations=16)).fits


@pytest.mark.usefixtures("deployed")
def test_deployments_are_placed_one_after_the_other(settings):
    with pytest.raises(DoesNotFit) as refused:
        verify_capacity.fn(
            settings, [DeploymentSpec(id="a", allocations=7), DeploymentSpec(id="b", allocations=8)]
        )
    assert refused.value.deployment == "b"


@pytest.mark.usefixtures("deployed")
def test_a_removed_deployment_is_gone_and_removing_it_again_changes_nothing(settings, name, deadline):
    ensure_deployment.fn(settings, DeploymentSpec(id=name), deadline)
    assert remove_deployment.fn(settings, name, deadline)
    assert read_deployment.fn(settings, name) is None
    assert not remove_deployment.fn(settings, name, deadline)


def test_inference_answers_by_deployment_and_by_model(settings, deployed):
    for id_ in (deployed, ".elser_model_2"):
        smoke = verify_inference.fn(settings, id_)
        assert "awesome" in smoke.tokens
        assert list(smoke.tokens.values()) == sorted(smoke.tokens.values(), reverse=True)


@pytest.mark.usefixtures("deployed")
def test_inference_with_a_deployment_that_is_not_there_is_permanent(settings):
    with pytest.raises(NotFound, match="404 resource_not_found_exception"):
        verify_inference.fn(settings, "elser_inference_configured")


def test_a_deployment_is_scaled_whatever_else_it_was_started_with(settings, clean, deadline):
    ensure_deployment.fn(settings, DeploymentSpec(id=clean, threads=2, queue_capacity=2000), deadline)
    spec = read_deployment.fn(settings, clean).scaled(2)
    ensure_deployment.fn(settings, spec, deadline)
    state = wait_for_deployment.fn(settings, spec, deadline)
    assert (state.allocated, state.threads, state.queue_capacity) == (2, 2, 2000)


@pytest.mark.slow
def test_a_cluster_that_cannot_grow_refuses_at_once_and_nothing_stays(start_sandbox, deadline):
    _, settings = start_sandbox(autoscaling=False, ml_nodes=1, download_seconds=0.1)
    ensure_model.fn(settings, ".elser_model_2")
    wait_for_model.fn(settings, ".elser_model_2", deadline)
    with pytest.raises(NoCapacity, match="fewer allocations or threads"):
        ensure_deployment.fn(settings, DeploymentSpec(id="big", allocations=3, threads=8), deadline)
    assert read_deployments.fn(settings) == ()
