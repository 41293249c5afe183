"""`_nodes/usage`: calls are counted by handler, since the start."""

import pytest
from elasticsearch import BadRequestError


def test_calls_are_counted_by_handler_on_one_node(here):
    before = _actions(here.nodes.usage())
    here.index(index="used", id="1", document={"a": 1}, refresh=True)
    for _ in range(3):
        here.search(index="used")
    here.indices.refresh(index="used")
    found = here.nodes.usage(metric="rest_actions")
    after = _actions(found)
    grown = {name: after[name] - before.get(name, 0) for name in after}
    assert {name: count for name, count in grown.items() if count} == {
        "document_index_action": 1,
        "search_action": 3,
        "refresh_action": 1,
        "nodes_usage_action": 1,
    }
    assert found["_nodes"]["total"] == len(found["nodes"]) == 3
    assert all(node["since"] <= node["timestamp"] for node in found["nodes"].values())
    with pytest.raises(BadRequestError, match=r"\[metric\] with value \[aggregations\]"):
        here.nodes.usage(metric="aggregations")


def _actions(found):
    (own,) = (node["rest_actions"] for node in found["nodes"].values() if node["rest_actions"])
    return own
