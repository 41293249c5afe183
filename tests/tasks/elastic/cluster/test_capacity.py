import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.elastic.cluster.capacity import ELSER_BYTES, DoesNotFit, Setting, after, place
from tasks.elastic.cluster.cluster import MlNode, used_processors

GB = 1024**3


def node(name="ml-0", processors=8, used=0, memory=12 * GB, used_memory=0, machine=16 * GB):
    return MlNode(
        id=name,
        name=name,
        processors=processors,
        used_processors=used,
        memory=memory,
        used_memory=used_memory,
        machine_memory=machine,
    )


NODES = st.lists(
    st.builds(
        node,
        name=st.uuids().map(str),
        processors=st.integers(0, 64),
        used=st.integers(0, 64),
        memory=st.integers(0, 64).map(lambda n: n * GB),
        used_memory=st.integers(0, 64).map(lambda n: n * GB),
    ),
    max_size=6,
)
SETTINGS = st.builds(Setting, st.integers(1, 40), st.sampled_from([1, 2, 4, 8, 16, 32]))


def test_the_seeds_three_times_eight_do_not_fit_its_nodes_and_three_times_one_do():
    nodes = [node("WmcykdAZQuuVWFZJM4162A", used=5), node("lLiH3Mj2ThOJCriaSx0deg", used=8)]
    placement = place(nodes, Setting(3, 8), ELSER_BYTES)
    assert not placement.fits
    assert placement.nearest == Setting(3, 1)
    assert placement.obstacles[0] == (
        "Node WmcykdAZQuuVWFZJM4162A has 3 of 8 processors free, each allocation needs 8."
    )


@given(NODES, SETTINGS)
def test_no_node_gets_more_than_it_has(nodes, wanted):
    placement = place(nodes, wanted, ELSER_BYTES)
    by_name = {n.name: n for n in nodes}
    for name, allocations in placement.allocations.items():
        assert 0 < allocations * wanted.threads <= by_name[name].free_processors
        assert by_name[name].memory == 0 or by_name[name].free_memory >= ELSER_BYTES
    assert sum(placement.allocations.values()) <= wanted.allocations


@given(NODES, SETTINGS)
def test_the_nearest_setting_fits_and_a_larger_one_of_its_kind_does_not(nodes, wanted):
    placement = place(nodes, wanted, ELSER_BYTES)
    if placement.fits:
        assert placement.nearest is None
        assert not placement.obstacles
        return
    nearest = placement.nearest
    if nearest is None:
        assert not place(nodes, Setting(1, 1), ELSER_BYTES).fits
        return
    assert nearest.allocations <= wanted.allocations
    assert nearest.threads <= wanted.threads
    assert place(nodes, nearest, ELSER_BYTES).fits
    if nearest.allocations < wanted.allocations:
        assert not place(nodes, Setting(nearest.allocations + 1, nearest.threads), ELSER_BYTES).fits


@given(NODES, SETTINGS)
def test_what_was_placed_is_no_longer_free(nodes, wanted):
    placement = place(nodes, wanted, ELSER_BYTES)
    free = sum(n.free_processors for n in nodes)
    left = sum(n.free_processors for n in after(nodes, placement, ELSER_BYTES))
    assert free - left == sum(placement.allocations.values()) * wanted.threads


def test_a_node_that_is_too_small_for_elser_is_told_its_minimum():
    nodes = [node(memory=1 * GB, machine=2 * GB)]
    placement = place(nodes, Setting(1, 1), ELSER_BYTES)
    error = DoesNotFit("search", placement)
    assert "has 1.0 GB of 1.0 GB of ML memory free, the model needs 2.0 GB" in str(error)
    assert "at least 4 GB" in str(error)
    assert "Nothing smaller fits either" in str(error)


def test_a_node_whose_machine_has_the_memory_that_machine_learning_may_not_use_is_told_the_setting():
    found = place([node(memory=int(1.9 * GB), machine=8 * GB)], Setting(1, 1), ELSER_BYTES)
    assert "Its machine has 8.0 GB" in found.obstacles[0]
    assert "set xpack.ml.use_auto_machine_memory_percent to true" in found.obstacles[0]
    full = place([node(memory=4 * GB, used_memory=3 * GB, machine=8 * GB)], Setting(1, 1), ELSER_BYTES)
    assert "xpack.ml" not in full.obstacles[0]


def test_no_ml_node_at_all_is_an_obstacle():
    assert place([], Setting(1, 1), ELSER_BYTES).obstacles == ("There is no ML node.",)


def test_a_node_that_does_not_tell_its_memory_is_taken_to_have_enough():
    assert place([node(memory=0)], Setting(8, 1), ELSER_BYTES).fits


def test_processors_are_counted_by_allocations_and_threads_on_each_node():
    def there(id_, allocations, routing="started"):
        return {
            "node": {id_: {}},
            "number_of_allocations": allocations,
            "threads_per_allocation": 2,
            "routing_state": {"routing_state": routing},
        }

    stats = [
        {"deployment_stats": {"priority": "normal", "nodes": [there("a", 2), there("b", 1)]}},
        {"deployment_stats": {"priority": "normal", "nodes": [there("a", 1), there("b", 3, "failed")]}},
        {"deployment_stats": {"priority": "low", "nodes": [there("a", 1)]}},
        {"model_id": "not deployed"},
    ]
    assert used_processors(stats) == {"a": 6, "b": 2}


@pytest.mark.parametrize(
    ("setting", "said"),
    [(Setting(1, 1), "1 allocation of 1 thread"), (Setting(3, 8), "3 allocations of 8 threads")],
)
def test_a_setting_reads_as_people_say_it(setting, said):
    assert str(setting) == said
