"""Long texts embedded in passages by the flow: found by what stands at their end, verified, and never embedded twice."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow

FILLER = "The keeper of the lighthouse looks at the sea and writes a letter to his sister. "


def test_a_long_text_is_found_by_its_end_and_the_same_again_changes_nothing(
    cluster, elastic, embed, name, movies
):
    long = {"id": "long", "plot": FILLER * 60 + "A detective investigates the theft of a violin."}
    source = cluster.store(f"{name}-source", [*movies[:10], long])
    taken = cluster.store(f"{name}-taken", [{"id": "1", "plot": "A film.", "plot_passages": "mine"}])
    assert "'plot_passages'" in embed(cluster, taken, "plot", "--chunk-words", 100, code=2).err
    said = embed(cluster, source, "plot").err
    assert "--chunk-words 250" in said, "whole texts are cut, and the way out is named"
    embed(cluster, source, "plot", "--chunk-words", 100)
    writes, inferences = cluster.writes, cluster.inferences()
    assert "Nothing to do" in embed(cluster, source, "plot", "--chunk-words", 100).err
    assert (cluster.writes, cluster.inferences()) == (writes, inferences)

    for how in ((), ("--how", "hybrid")):
        words = ("--name", name, "--text", "a detective investigates the theft of a violin", "--json", *how)
        first = json.loads(elastic(cluster, "search", *words).out)["results"][0]
        assert first["id"] == "long"
        assert how or first["plot"].endswith("the theft of a violin.")
    elastic(cluster, "verify", "--name", name)
    assert "truncated" not in elastic(cluster, "diagnose", "--name", name).err
