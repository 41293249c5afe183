"""`index_options` of dense vectors: what each type may have, and which changes are allowed. Without a server, except the last test."""

import re

import pytest
from elasticsearch import BadRequestError

from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import mappings, vector_options

LATER = ["flat", "int8_flat", "int4_flat", "bbq_flat", "hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw"]


def changed(old, new):
    """The field after a change of its options."""

    def mapping(options):
        return {"properties": {"v": {"type": "dense_vector", "dims": 64, "index_options": options}}}

    merged = mappings.merged(mapping(old), mapping(new))
    return merged["properties"]["v"]["index_options"]


@pytest.mark.parametrize("indexed", [*LATER, "bbq_disk"])
def test_every_type_takes_its_own_options_only(indexed):
    graph = {"m": 32, "ef_construction": 200} if indexed.endswith("hnsw") else {}
    scaled = {"rescore_vector": {"oversample": 2.5}} if indexed not in ("flat", "hnsw") else {}
    vector_options.check("v", "float", {"type": indexed, **graph, **scaled}, 64)
    wrong = "m" if not graph else "cluster_size"
    with pytest.raises(Refusal, match=rf"\[v\] has unsupported parameters:  \[{wrong} : 3\]"):
        vector_options.check("v", "float", {"type": indexed, wrong: 3}, 64)


@pytest.mark.parametrize(
    ("options", "dims", "problem"),
    [
        ({"m": 3}, 64, "[index_options] requires field [type] to be configured"),
        ({"type": "ivf"}, 64, "Unknown vector index options type [ivf] for field [v]"),
        ({"type": "bbq_flat"}, 63, "bbq_flat does not support dimensions fewer than 64; provided=63"),
        ({"type": "int4_hnsw"}, 65, "int4_hnsw only supports even dimensions; provided=65"),
        ({"type": "hnsw", "m": "many"}, 64, 'For input string: "many"'),
        ({"type": "int8_flat", "rescore_vector": {"foo": 1}}, 64, "Missing required field oversample"),
        (
            {"type": "int8_flat", "rescore_vector": {"oversample": 0.5}},
            64,
            "oversample must be greater than 1",
        ),
    ],
    ids=str,
)
def test_options_that_do_not_fit_are_refused(options, dims, problem):
    with pytest.raises(Refusal, match=re.escape(problem)):
        vector_options.check("v", "float", options, dims)


def test_a_type_becomes_any_later_one_and_no_earlier_one():
    for place, before in enumerate(LATER):
        for after in LATER[place:]:
            assert changed({"type": before}, {"type": after}) == {"type": after}
        for after in LATER[:place]:
            with pytest.raises(Refusal, match=r"Cannot update parameter \[index_options\]"):
                changed({"type": before}, {"type": after})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "hnsw", "m": 24}, {"type": "hnsw"}),
        ({"type": "hnsw", "m": 24}, {"type": "int8_hnsw", "m": 20}),
        (
            {"type": "int8_hnsw", "confidence_interval": 0.9},
            {"type": "int8_hnsw", "confidence_interval": 0.95},
        ),
        ({"type": "hnsw"}, {"type": "bbq_disk"}),
    ],
)
def test_a_graph_loses_no_connections_and_a_quantization_keeps_its_interval(old, new):
    with pytest.raises(Refusal, match=r"Cannot update parameter \[index_options\]"):
        changed(old, new)


def test_the_first_vector_must_have_the_dimensions_that_its_index_can_have(shared, fresh_index):
    index = fresh_index({"v": {"type": "dense_vector", "index_options": {"type": "bbq_hnsw"}}})
    with pytest.raises(
        BadRequestError, match="bbq_hnsw does not support dimensions fewer than 64; provided=3"
    ):
        shared.client.index(index=index, document={"v": [1, 2, 3]})
