"""Documents of releases before 8.18, whose semantic_text is an object: refused as a source, and made plain as the documentation says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from sandbox.elastic.ml import inference_ledger
from tasks.elastic.indices.legacy_texts import refuse_objects, without_format
from tasks.errors import InvalidInput
from tests.client import ONLY_CLIENT_8
from tests.sandbox.elastic.conftest import served_here

DOCUMENTATION = Path(__file__).parents[4] / "docs" / "elasticsearch.md"
OBJECT = {"text": "a dog", "inference": {"inference_id": "e", "model_settings": {}, "chunks": []}}


@pytest.mark.parametrize("document", [{"plot": OBJECT}, {"inner": {"plot": OBJECT}}])
def test_an_object_in_the_place_of_a_text_is_refused_with_its_field_and_what_to_do(document):
    with pytest.raises(
        InvalidInput,
        match=r"The field (inner\.)?plot holds objects.*'films' \(from --source\).*docs/elasticsearch.md",
    ):
        refuse_objects("films", ["title", "plot", "inner.plot"], [{"title": "x"}, document])


@pytest.mark.parametrize(
    "value", ["a dog", ["a dog"], None, {"dog": 1.5, "inference": 0.3}, {"inference": {"x": 1}}, 7]
)
def test_texts_and_weights_of_tokens_are_none(value):
    refuse_objects("films", ["plot"], [{"plot": value}])


def test_a_new_index_does_not_take_the_format_of_its_source():
    source = {"mapping": {"semantic_text": {"use_legacy_format": "true"}}, "max_result_window": "9"}
    assert without_format(source) == {"max_result_window": "9"}
    source["mapping"]["total_fields"] = {"limit": "5"}
    assert without_format(source)["mapping"] == {"total_fields": {"limit": "5"}}
    assert "semantic_text" in source["mapping"]


@ONLY_CLIENT_8
def test_the_pipeline_of_the_documentation_puts_the_texts_back_and_asks_no_model(tmp_path):
    pipeline, reindex = map(json.loads, re.findall(r"-d '\n(\{.*?\})'", DOCUMENTATION.read_text(), re.DOTALL))
    texts = {"1": "a warm coat", "2": ["a boat", "a whale"]}
    with served_here(tmp_path, version="8.17") as client:
        field = {"type": "semantic_text"}
        client.indices.create(index="products", mappings={"properties": {"description": field}})
        for id_, text in texts.items():
            client.index(index="products", id=id_, document={"description": text, "n": 1})
        client.index(index="products", id="3", document={"n": 2}, refresh=True)
        before = inference_ledger.read(tmp_path)
        client.ingest.put_pipeline(id="plain-texts", processors=pipeline["processors"])
        copied = client.reindex(source=reindex["source"], dest=reindex["dest"], refresh=True)
        assert (copied["created"], copied["failures"]) == (3, [])
        found = {
            hit["_id"]: hit["_source"]
            for hit in client.search(index=reindex["dest"]["index"])["hits"]["hits"]
        }
        assert inference_ledger.read(tmp_path) == before
    assert found == {id_: {"description": text, "n": 1} for id_, text in texts.items()} | {"3": {"n": 2}}
    refuse_objects("products-texts", ["description"], list(found.values()))
