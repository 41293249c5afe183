"""A prune removes what nothing uses, after a plan and a yes; a second time it changes nothing."""

import json

import pytest

from tasks.elastic.indices.aliases import ensure_alias
from tasks.elastic.indices.indices import ensure_index
from tasks.elastic.specs import IndexSpec

pytestmark = pytest.mark.slow


def test_a_prune_lists_wants_a_yes_and_twice_changes_nothing(cluster, elastic, name):
    indices = [f"{name}-{number:012x}" for number in range(4)]
    for index in indices:
        spec = IndexSpec(name=index, properties={}, replicas=0, made_from={"source": "films"})
        ensure_index.fn(cluster.settings, spec)
        ensure_alias.fn(cluster.settings, name, index, "all of it")
    old, older, before, served = indices[0], indices[1], indices[2], indices[3]
    writes = cluster.writes

    error = elastic(cluster, "prune", "--name", name, code=2).error
    assert f"It would remove, for good: index {old}; index {older}. These stay: {before} (" in error
    assert "--yes" in error
    planned = json.loads(elastic(cluster, "prune", "--name", name, "--plan", "--json").out)["resources"]
    assert [(one["action"], one["name"]) for one in planned] == [
        ("remove", old),
        ("remove", older),
        ("keep", before),
        ("keep", served),
    ]
    assert cluster.writes == writes

    elastic(cluster, "prune", "--name", name, "--yes")
    assert cluster.indices(name) == [before, served]
    assert cluster.alias(name) == [served]
    writes = cluster.writes
    assert "Nothing to do" in elastic(cluster, "prune", "--name", name, "--yes").err
    assert cluster.writes == writes
    elastic(cluster, "rollback", "--name", name)
    assert cluster.alias(name) == [before]
    elastic(cluster, "teardown", "--name", name, "--yes")
    assert "No such alias exists" in elastic(cluster, "prune", "--name", name, code=2).error
