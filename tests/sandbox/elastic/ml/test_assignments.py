"""The capacity model: where allocations go, and why not more."""

import pytest

from sandbox.elastic.ml.assignments import ELSER_MEMORY, Capacity, Demand, plan, readable

GB = 1 << 30


def capacities(*processors, memory=16 * GB):
    return [Capacity(f"node-{number}", count, memory) for number, count in enumerate(processors)]


def test_allocations_spread_over_nodes_by_free_processors():
    found = plan(capacities(4, 8), [Demand("a", 10, 1, ELSER_MEMORY)])["a"]
    assert found.allocations == {"node-0": 2, "node-1": 8}
    assert found.reason == ""


def test_the_reason_names_each_node_as_in_the_elser_notebook():
    demands = [
        Demand("old", 13, 1, ELSER_MEMORY, placed={"node-0": 5, "node-1": 8}),
        Demand("new", 3, 8, ELSER_MEMORY),
    ]
    found = plan(capacities(8, 8), demands)["new"]
    assert found.allocations == {}
    assert found.reason == (
        "Could not assign (more) allocations on node [node-0]. Reason: This node has insufficient allocated processors. "
        "Available processors [8], free processors [3], processors required for each allocation of this model [8]|"
        "Could not assign (more) allocations on node [node-1]. Reason: This node has insufficient allocated processors. "
        "Available processors [8], free processors [0], processors required for each allocation of this model [8]"
    )


def test_existing_allocations_stay_where_they_are():
    demands = [Demand("a", 3, 1, ELSER_MEMORY, placed={"node-0": 2}), Demand("b", 1, 1, ELSER_MEMORY)]
    assert plan(capacities(2, 8), demands)["a"].allocations == {"node-0": 2, "node-1": 1}


def test_fewer_allocations_are_taken_from_the_last_node():
    found = plan(capacities(8, 8), [Demand("a", 3, 1, ELSER_MEMORY, placed={"node-0": 2, "node-1": 4})])["a"]
    assert found.allocations == {"node-0": 2, "node-1": 1}


def test_a_node_without_memory_says_how_much_there_is():
    found = plan(capacities(8, memory=GB), [Demand("a", 1, 1, ELSER_MEMORY)])["a"]
    assert "insufficient available memory. Available memory for ML [1073741824 (1gb)]" in found.reason
    assert "estimated memory required for this model [2101346304 (1.9gb)]." in found.reason


def test_memory_is_used_once_per_node_regardless_of_allocations():
    found = plan(capacities(8, memory=ELSER_MEMORY), [Demand("a", 8, 1, ELSER_MEMORY), Demand("b", 1, 1, 1)])
    assert found["a"].allocations == {"node-0": 8}
    assert "memory" in found["b"].reason


def test_low_priority_uses_no_processors():
    demands = [Demand("low", 1, 1, 1, low_priority=True), Demand("normal", 8, 1, 1)]
    found = plan(capacities(8), demands)
    assert found["low"].allocations == {"node-0": 1}
    assert found["normal"].allocations == {"node-0": 8}


def test_a_cluster_without_nodes_says_so():
    assert plan([], [Demand("a", 1, 1, 1)])["a"].reason == "No ML nodes exist in the cluster"


@pytest.mark.parametrize(
    ("size", "text"), [(1, "1b"), (1024, "1kb"), (1536, "1.5kb"), (2101346304, "1.9gb"), (16 * GB, "16gb")]
)
def test_sizes_are_printed_as_by_the_service(size, text):
    assert readable(size) == text
