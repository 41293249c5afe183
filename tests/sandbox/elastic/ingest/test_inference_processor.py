"""What the inference processor writes, and where."""

import pytest
from elasticsearch import ElasticsearchWarning

pytestmark = pytest.mark.slow

ELSER = ".elser_model_2"


def test_inference_writes_below_the_target_of_its_older_form_and_into_every_element_by_foreach(with_model):
    client = with_model().client
    processor = {
        "model_id": ELSER,
        "target_field": "ml",
        "field_map": {"plot": "text_field"},
        "inference_config": {"text_expansion": {"results_field": "tokens"}},
    }
    client.ingest.put_pipeline(id="old", processors=[{"inference": processor}])
    doc = client.ingest.simulate(id="old", docs=[{"_source": {"plot": "a dog"}}])["docs"][0]["doc"]["_source"]
    assert doc["ml"]["model_id"] == ELSER
    assert next(iter(doc["ml"]["tokens"])) == "dog"

    pair = {"input_field": "_ingest._value.text", "output_field": "_ingest._value.tokens"}
    each = {"inference": {"model_id": ELSER, "input_output": [pair]}}
    client.ingest.put_pipeline(id="each", processors=[{"foreach": {"field": "passages", "processor": each}}])
    source = {"passages": [{"text": "a cat"}, {"text": "a bank"}]}
    found = client.ingest.simulate(id="each", docs=[{"_source": source}])["docs"][0]["doc"]["_source"]
    assert [next(iter(one["tokens"])) for one in found["passages"]] == ["cat", "bank"]


@pytest.mark.parametrize("parent", ["", "ml."], ids=["at the root", "in an object"])
def test_inference_writes_model_and_truncation_beside_its_output_and_appends_to_existing_values(
    with_model, parent
):
    client = with_model().client
    pairs = [{"input_field": name, "output_field": f"{parent}{name}_tokens"} for name in ("plot", "title")]
    processors = [{"inference": {"model_id": ELSER, "input_output": pairs}}]
    client.ingest.put_pipeline(id="twice", processors=processors)

    def after(source):
        doc = client.ingest.simulate(id="twice", docs=[{"_source": source}])["docs"][0]["doc"]["_source"]
        return doc["ml"] if parent else doc

    texts = {"plot": "a dog " * 600, "title": "a cat"}
    fresh = after(texts)
    assert (fresh["model_id"], fresh["is_truncated"]) == (ELSER, True)

    own = {"plot_tokens": {"old": 1.0}, "model_id": "XK-120", "is_truncated": ["no"]}
    found = after({**texts, **({"ml": own} if parent else own)})
    assert found["plot_tokens"] == [{"old": 1.0}, fresh["plot_tokens"]]
    assert found["title_tokens"] == fresh["title_tokens"]
    assert found["model_id"] == ["XK-120", ELSER]
    assert found["is_truncated"] == ["no", True]


@pytest.mark.parametrize("kind", ["sparse_vector", "rank_features"])
def test_queries_find_what_inference_writes_into_a_field_that_the_mapping_names_with_a_dot(with_model, kind):
    client = with_model().client
    properties = {"ml.tokens": {"type": kind}, "plot": {"type": "text"}}
    client.indices.create(index="films", mappings={"properties": properties})
    processor = {
        "model_id": ELSER,
        "target_field": "ml",
        "field_map": {"plot": "text_field"},
        "inference_config": {"text_expansion": {"results_field": "tokens"}},
    }
    client.ingest.put_pipeline(id="old", processors=[{"inference": processor}])
    for number, plot in enumerate(("a dog barks", "two engineers repair a bridge")):
        client.index(index="films", id=str(number), document={"plot": plot}, pipeline="old", refresh=True)
    query = {"text_expansion": {"ml.tokens": {"model_id": ELSER, "model_text": "a barking dog"}}}
    with pytest.warns(ElasticsearchWarning, match="text_expansion is deprecated"):
        assert client.search(index="films", query=query)["hits"]["hits"][0]["_id"] == "0"
    mapping = client.indices.get_mapping(index="films")["films"]["mappings"]["properties"]["ml"]["properties"]
    assert mapping["tokens"] == {"type": kind}
    assert set(mapping) == {"tokens", "model_id"}
