"""semantic_text over the official client: what is embedded when, what is shown, and the queries on it."""

import pytest
from elasticsearch import ApiError, BadRequestError, NotFoundError, helpers

from sandbox.elastic.ml import inference_ledger
from tests.sandbox.models.test_e5 import runs_here

pytestmark = pytest.mark.slow

ELSER, E5 = ".elser-2-elasticsearch", ".multilingual-e5-small-elasticsearch"
FILMS = {
    "1": "Two detectives hunt a serial killer who uses the seven deadly sins as his motives.",
    "2": "A computer hacker learns about the true nature of his reality.",
    "3": "An undercover cop and a mole in the police attempt to identify each other.",
}


@pytest.fixture
def semantic(elastic_server):
    """A stand-in with an index whose `plot` is semantic_text, and films in it."""

    def start(inference_id=ELSER, version="8.19", films=FILMS, **parameters):
        elastic = elastic_server(version=version, download_seconds=0.02, start_seconds=0.02)
        field = {"type": "semantic_text", "inference_id": inference_id, **parameters}
        properties = {"plot": field, "year": {"type": "integer"}}
        elastic.client.indices.create(index="films", mappings={"properties": properties})
        actions = [{"_index": "films", "_id": id_, "plot": plot} for id_, plot in films.items()]
        helpers.bulk(elastic.client, actions, refresh=True)
        return elastic

    return start


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def stored(client, index="films", id_="1"):
    answer = client.search(index=index, query={"ids": {"values": [id_]}}, source={"exclude_vectors": False})
    return answer["hits"]["hits"][0]["_source"]


def test_documents_are_embedded_and_found_by_meaning(semantic):
    client = semantic().client
    by_meaning = client.search(index="films", query={"semantic": {"field": "plot", "query": "investigation"}})
    assert ids(by_meaning)[:2] == ["1", "3"]
    for query in (
        {"match": {"plot": "investigation"}},
        {"sparse_vector": {"field": "plot", "query": "investigation"}},
    ):
        assert [hit["_score"] for hit in client.search(index="films", query=query)["hits"]["hits"]] == [
            hit["_score"] for hit in by_meaning["hits"]["hits"]
        ]
    assert client.count(index="films", query={"exists": {"field": "plot"}})["count"] == 3
    with pytest.raises(BadRequestError, match="doesn't support term queries"):
        client.search(index="films", query={"term": {"plot": "hacker"}})


@runs_here
def test_a_dense_model_finds_what_other_languages_ask(semantic):
    client = semantic(E5).client
    query = {"semantic": {"field": "plot", "query": "Polizei ermittelt wegen Morden"}}
    assert ids(client.search(index="films", query=query))[0] == "1"
    builder = {"text_embedding": {"model_text": "Polizei ermittelt wegen Morden"}}
    knn = {"field": "plot", "query_vector_builder": builder, "k": 1, "num_candidates": 10}
    assert ids(client.search(index="films", knn=knn)) == ["1"]
    settings = client.indices.get_mapping(index="films")["films"]["mappings"]["properties"]["plot"][
        "model_settings"
    ]
    assert (settings["dimensions"], settings["similarity"]) == (384, "cosine")


@pytest.mark.parametrize("version", ["8.19", "9.1", "9.5"])
def test_the_source_is_what_was_written_and_embeddings_are_shown_when_asked(semantic, version):
    client = semantic(version=version).client
    assert client.get(index="films", id="1")["_source"] == {"plot": FILMS["1"]}
    inference = stored(client)["_inference_fields"]["plot"]["inference"]
    assert inference["inference_id"] == ELSER
    assert inference["model_settings"] == {"service": "elasticsearch", "task_type": "sparse_embedding"}
    (chunk,) = inference["chunks"]["plot"]
    assert (chunk["start_offset"], chunk["end_offset"]) == (0, len(FILMS["1"]))
    assert "killer" in chunk["embeddings"]


def test_long_texts_are_chunked_and_the_best_chunk_counts(semantic):
    long = "The weather was fine. " * 80 + FILMS["1"]
    chunking = {"strategy": "sentence", "max_chunk_size": 20, "sentence_overlap": 0}
    client = semantic(films={"1": long, "2": FILMS["2"]}, chunking_settings=chunking).client
    chunks = stored(client)["_inference_fields"]["plot"]["inference"]["chunks"]["plot"]
    assert len(chunks) > 10
    assert [chunk["start_offset"] for chunk in chunks[1:]] == [chunk["end_offset"] for chunk in chunks[:-1]]
    assert ids(client.search(index="films", query={"match": {"plot": "serial killer"}}))[0] == "1"


def test_values_of_a_list_are_chunks_of_their_own_with_one_character_between(semantic):
    client = semantic().client
    client.index(index="films", id="9", document={"plot": [False, 75, "inference test", 13.49]}, refresh=True)
    chunks = stored(client, id_="9")["_inference_fields"]["plot"]["inference"]["chunks"]["plot"]
    assert [(chunk["start_offset"], chunk["end_offset"]) for chunk in chunks] == [
        (0, 5),
        (6, 8),
        (9, 23),
        (24, 29),
    ]
    with pytest.raises(BadRequestError, match=r"expected \[String\|Number\|Boolean\] got \[Map\]"):
        client.index(index="films", document={"plot": {"text": "x"}})


def test_what_is_not_changed_is_not_embedded_again(semantic):
    elastic = semantic()
    client, before = elastic.client, stored(elastic.client)["_inference_fields"]
    client.update(index="films", id="1", doc={"year": 1995}, refresh=True)
    assert stored(client) == {"plot": FILMS["1"], "year": 1995, "_inference_fields": before}
    assert inference_ledger.read(elastic.state)[FILMS["1"]] == 1
    client.update(index="films", id="1", doc={"plot": None}, refresh=True)
    assert "1" not in ids(client.search(index="films", query={"match": {"plot": "serial killer"}}))


def test_a_reindex_embeds_again_unless_the_embeddings_are_asked_for(semantic):
    elastic = semantic()
    client = elastic.client
    for name, endpoint in (("again", ELSER), ("along", ELSER), ("other", E5)):
        field = {"type": "semantic_text", "inference_id": endpoint}
        client.indices.create(index=name, mappings={"properties": {"plot": field}})
    client.reindex(source={"index": "films"}, dest={"index": "again"}, refresh=True)
    assert inference_ledger.read(elastic.state)[FILMS["1"]] == 2
    source = {"index": "films", "_source": {"exclude_vectors": False}}
    client.reindex(source=source, dest={"index": "along"}, refresh=True)
    assert inference_ledger.read(elastic.state)[FILMS["1"]] == 2
    assert stored(client, "along") == stored(client)
    with pytest.raises(BadRequestError) as error:
        client.reindex(source=source, dest={"index": "other"})
    assert {failure["status"] for failure in error.value.body["failures"]} == {400}


def test_an_endpoint_that_is_not_there_is_noticed_with_the_first_value(elastic_server):
    client = elastic_server().client
    field = {"type": "semantic_text", "inference_id": "gone"}
    client.indices.create(index="films", mappings={"properties": {"plot": field}})
    client.index(index="films", id="1", document={"title": "no plot"})
    with pytest.raises(NotFoundError, match=r"Inference id \[gone\] not found for field \[plot\]"):
        client.index(index="films", document={"plot": "a dog"})
    query = {"semantic": {"field": "plot", "query": "a dog"}}
    assert client.search(index="films", query=query)["hits"]["hits"] == []


def test_embeddings_survive_a_kill(semantic, elastic_server):
    elastic = semantic()
    elastic.sandbox.kill()
    client = elastic_server(download_seconds=0.02, start_seconds=0.02).client
    query = {"semantic": {"field": "plot", "query": "investigation"}}
    assert ids(client.search(index="films", query=query))[:2] == ["1", "3"]


def test_an_index_that_uses_an_endpoint_keeps_it(semantic):
    client = semantic().client
    settings = {"model_id": ".elser_model_2", "num_threads": 1, "num_allocations": 1}
    config = {"service": "elasticsearch", "service_settings": settings}
    client.inference.put(inference_id="mine", task_type="sparse_embedding", inference_config=config)
    mapping = {"plot": {"type": "semantic_text", "search_inference_id": "mine", "inference_id": ELSER}}
    client.indices.put_mapping(index="films", properties=mapping)
    with pytest.raises(ApiError, match="referenced by"):
        client.inference.delete(inference_id="mine")
    other = {"plot": {"type": "semantic_text", "inference_id": "mine"}}
    with pytest.raises(BadRequestError, match=r"Cannot update parameter \[inference_id\]"):
        client.indices.put_mapping(index="films", properties=other)
