from hypothesis import given
from hypothesis import strategies as st

from tasks.elastic.cluster.inference import CallSize
from tasks.elastic.cluster.throttle import UNLIMITED, Throttle
from tasks.elastic.reindex.batch_plans import BATCH_SECONDS, QUEUE_FILLED, ReindexSpec, plan_batches
from tasks.elastic.specs import EmbeddedField


@given(
    st.none() | st.integers(1, 5000),
    st.integers(1, 16),
    st.integers(1, 4),
    st.integers(1, 100_000),
    st.floats(0.05, 1000),
)
def test_a_plan_stays_within_the_queue_and_a_minute(size, slices, fields, queue, per_second):
    plan = plan_batches(size=size, slices=slices, fields=fields, queue_capacity=queue, per_second=per_second)
    at_once = plan.size * plan.slices
    assert plan.size >= 1
    assert 1 <= plan.slices <= slices
    if at_once > 1:
        assert at_once * fields <= QUEUE_FILLED * queue
        assert at_once <= BATCH_SECONDS * per_second
    if size is not None:
        assert plan.size <= size
        assert bool(plan.lowered) == ((plan.size, plan.slices) != (size, slices))


def test_a_queue_of_8_lowers_a_wished_batch_of_200_and_says_so():
    plan = plan_batches(size=200, slices=1, fields=1, queue_capacity=8, per_second=100.0)
    assert (plan.size, plan.slices) == (6, 1)
    assert plan.lowered == (
        "the queue of 8 texts is filled to 80% at most: 1 x 6 documents instead of 1 x 200",
    )


def test_elasticsearchs_own_batch_is_too_large_for_one_allocation_of_elser():
    plan = plan_batches(size=1000, slices=1, fields=1, queue_capacity=10_000, per_second=2.7)
    assert plan.size == 162
    assert "60 s of work" in plan.lowered[0]


def test_without_a_wish_nothing_is_said():
    assert plan_batches(size=None, slices=1, fields=1, queue_capacity=8, per_second=1.0).lowered == ()


def test_an_opaque_id_tells_specifications_and_kinds_apart():
    spec = ReindexSpec(
        source="movies",
        dest="films",
        pipeline="p",
        deployment_id="d",
        fields=(EmbeddedField(input="plot", output="plot_embedding"),),
    )
    other = spec.model_copy(update={"dest": "films-2"})
    ids = {spec.opaque_id("embed"), spec.opaque_id("fill"), other.opaque_id("embed")}
    assert len(ids) == 3
    assert spec.model_copy().opaque_id("embed") in ids


@given(st.lists(st.tuples(st.booleans(), st.floats(0.001, 30)), max_size=60), st.integers(1, 500))
def test_a_call_is_never_empty_and_never_larger_than_the_queue_allows(calls, most):
    size = CallSize(10.0, most)
    for succeeded, seconds in calls:
        before = size.texts
        if succeeded:
            size.succeeded(before, seconds)
            assert size.texts == 1 or size.texts * seconds / before <= 10.0
        else:
            size.failed()
            assert size.texts == max(1, before // 2)
        assert 1 <= size.texts <= most


def test_what_was_rejected_before_is_no_reason():
    throttle = Throttle(10.0, rejected=500)
    assert throttle.see(500, 1) is None
    assert throttle.see(501, 2) == 5.0


def test_a_throttle_is_not_judged_before_another_batch_has_passed():
    throttle = Throttle(10.0)
    assert throttle.see(1, 1) == 5.0
    assert throttle.see(9, 1) is None
    assert throttle.see(9, 2) == 2.5


def test_a_throttle_goes_down_while_texts_are_rejected_and_comes_off_when_it_is_quiet():
    throttle = Throttle(8.0)
    seen = [throttle.see(rejected, batch) for batch, rejected in enumerate([0, 5, 9, 9, 9, 9])]
    assert seen == [None, 4.0, 2.0, None, None, 3.0]
    batch = 6
    while throttle.now != UNLIMITED:
        throttle.see(9, batch)
        batch += 1
    assert throttle.see(9, batch) is None
    assert throttle.lowered == 2


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=200), st.floats(0.1, 1000))
def test_a_throttle_is_never_slower_than_helps_nor_faster_than_matters(looks, speed):
    throttle, rejected, batches = Throttle(speed), 0, 0
    for more, moved in looks:
        rejected, batches = rejected + more, batches + moved
        throttle.see(rejected, batches)
        assert throttle.now == UNLIMITED or speed / 8 <= throttle.now < 2 * speed
