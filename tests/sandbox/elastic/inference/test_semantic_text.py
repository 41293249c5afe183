"""semantic_text over the official client: what is embedded when, what is shown, and the queries on it."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from elasticsearch import ApiError, BadRequestError, ConflictError, Elasticsearch, NotFoundError, helpers

from sandbox import process
from sandbox.elastic.ml import inference_ledger
from sandbox.elastic.options import ElasticOptions
from tests.client import client_of
from tests.polling import until
from tests.sandbox.models.test_e5 import runs_here

pytestmark = pytest.mark.slow

ELSER, E5 = ".elser-2-elasticsearch", ".multilingual-e5-small-elasticsearch"
FILMS = {
    "1": "Two detectives hunt a serial killer who uses the seven deadly sins as his motives.",
    "2": "A computer hacker learns about the true nature of his reality.",
    "3": "An undercover cop and a mole in the police attempt to identify each other.",
}


@dataclass
class Semantic:
    """An index whose `plot` is semantic_text, with films in it."""

    client: Elasticsearch
    state: Path
    index: str
    films: dict[str, str]

    def search(self, **given):
        return self.client.search(index=self.index, **given)

    def stored(self, id_="1", index=None):
        """The document with its embeddings."""
        query = {"ids": {"values": [id_]}}
        answer = self.client.search(index=index or self.index, query=query, fields=["_inference_fields"])
        return answer["hits"]["hits"][0]["_source"]

    def chunks(self, id_="1"):
        return self.stored(id_)["_inference_fields"]["plot"]["inference"]["chunks"]["plot"]

    def embedded(self):
        """How often the first film was embedded."""
        return inference_ledger.read(self.state)[self.films["1"]]

    def make(self, index, inference_id=ELSER, **parameters):
        field = {"type": "semantic_text", "inference_id": inference_id, **parameters}
        properties = {"plot": field, "year": {"type": "integer"}}
        self.client.indices.create(index=index, mappings={"properties": properties})


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """One stand-in for each version, for all tests of this file."""
    started = {}

    def of(version):
        if version not in started:
            options = ElasticOptions(
                version=version, download_seconds=0.02, start_seconds=0.02, refresh_seconds=0.05
            )
            state = tmp_path_factory.mktemp("semantic")
            sandbox = process.start(state, options)
            started[version] = sandbox, client_of(sandbox.environment), state
        return started[version]

    yield of
    for sandbox, client, _ in started.values():
        client.close()
        sandbox.stop()


@pytest.fixture
def semantic(stand_ins, request):
    def start(inference_id=ELSER, version="8.19", films=FILMS, **parameters):
        _, client, state = stand_ins(version)
        index = f"films-{abs(hash(request.node.nodeid))}"
        own = {id_: f"{plot} ({index})" for id_, plot in films.items()}
        made = Semantic(client, state, index, own)
        made.make(index, inference_id, **parameters)
        actions = [{"_index": index, "_id": id_, "plot": plot} for id_, plot in own.items()]
        helpers.bulk(client, actions, refresh=True)
        return made

    return start


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def test_documents_are_embedded_and_found_by_meaning(semantic):
    films = semantic()
    by_meaning = films.search(query={"semantic": {"field": "plot", "query": "investigation"}})
    assert set(ids(by_meaning)[:2]) == {"1", "3"}
    for query in (
        {"match": {"plot": "investigation"}},
        {"sparse_vector": {"field": "plot", "query": "investigation"}},
    ):
        assert [hit["_score"] for hit in films.search(query=query)["hits"]["hits"]] == [
            hit["_score"] for hit in by_meaning["hits"]["hits"]
        ]
    assert films.client.count(index=films.index, query={"exists": {"field": "plot"}})["count"] == 3
    with pytest.raises(BadRequestError, match="doesn't support term queries"):
        films.search(query={"term": {"plot": "hacker"}})


@runs_here
def test_a_dense_model_finds_what_other_languages_ask(semantic):
    films = semantic(E5)
    text = "Ein Hacker entdeckt die Wahrheit"
    assert ids(films.search(query={"semantic": {"field": "plot", "query": text}}))[0] == "2"
    builder = {"text_embedding": {"model_text": text}}
    knn = {"field": "plot", "query_vector_builder": builder, "k": 1, "num_candidates": 10}
    assert ids(films.search(knn=knn)) == ["2"]
    mapping = films.client.indices.get_mapping(index=films.index)[films.index]["mappings"]
    settings = mapping["properties"]["plot"]["model_settings"]
    assert (settings["dimensions"], settings["similarity"]) == (384, "cosine")


@pytest.mark.parametrize("version", ["8.19", "9.1", "9.5"])
def test_the_source_is_what_was_written_and_embeddings_are_shown_when_asked(semantic, version):
    films = semantic(version=version)
    assert films.client.get(index=films.index, id="1")["_source"] == {"plot": films.films["1"]}
    inference = films.stored()["_inference_fields"]["plot"]["inference"]
    assert inference["inference_id"] == ELSER
    assert inference["model_settings"] == {"service": "elasticsearch", "task_type": "sparse_embedding"}
    (chunk,) = inference["chunks"]["plot"]
    assert (chunk["start_offset"], chunk["end_offset"]) == (0, len(films.films["1"]))
    assert "killer" in chunk["embeddings"]
    whole = {"_source": {"exclude_vectors": False}}
    if version == "9.5":
        (hit,) = films.search(query={"ids": {"values": ["1"]}}, source=whole["_source"])["hits"]["hits"]
        assert hit["_source"] == films.stored()
        return
    parameter = {"_source_exclude_vectors": "false"}
    for path, body, said in (
        (f"/{films.index}/_search", whole, r"Unknown key for a VALUE_BOOLEAN in \[exclude_vectors\]"),
        (f"/{films.index}/_search?{urlencode(parameter)}", {}, r"unrecognized parameter: \[_source_exclude"),
    ):
        with pytest.raises(BadRequestError) as error:
            films.client.perform_request(
                "POST",
                path,
                body=body,
                headers={"content-type": "application/json", "accept": "application/json"},
            )
        assert re.search(said, str(error.value.body))


def test_long_texts_are_chunked_and_the_best_chunk_counts(semantic):
    long = "The weather was fine. " * 80 + FILMS["1"]
    chunking = {"strategy": "sentence", "max_chunk_size": 20, "sentence_overlap": 0}
    films = semantic(films={"1": long, "2": FILMS["2"]}, chunking_settings=chunking)
    chunks = films.chunks()
    assert len(chunks) > 10
    assert [chunk["start_offset"] for chunk in chunks[1:]] == [chunk["end_offset"] for chunk in chunks[:-1]]
    assert ids(films.search(query={"match": {"plot": "serial killer"}}))[0] == "1"


def test_values_of_a_list_are_chunks_of_their_own_with_one_character_between(semantic):
    films = semantic()
    films.client.index(
        index=films.index, id="9", document={"plot": [False, 75, "inference test", 13.49]}, refresh=True
    )
    chunks = films.chunks("9")
    assert [(chunk["start_offset"], chunk["end_offset"]) for chunk in chunks] == [
        (0, 5),
        (6, 8),
        (9, 23),
        (24, 29),
    ]
    with pytest.raises(BadRequestError, match=r"expected \[String\|Number\|Boolean\] got \[Map\]"):
        films.client.index(index=films.index, document={"plot": {"text": "x"}})


def test_what_is_not_changed_is_not_embedded_again(semantic):
    films = semantic()
    before = films.stored()["_inference_fields"]
    films.client.update(index=films.index, id="1", doc={"year": 1995}, refresh=True)
    assert films.stored() == {"plot": films.films["1"], "year": 1995, "_inference_fields": before}
    assert films.embedded() == 1
    films.client.update(index=films.index, id="1", doc={"plot": None}, refresh=True)
    assert "1" not in ids(films.search(query={"match": {"plot": "serial killer"}}))


def test_a_reindex_embeds_again_unless_the_embeddings_are_asked_for(semantic):
    films = semantic(version="9.5")
    again, along, other = (f"{films.index}-{name}" for name in ("again", "along", "other"))
    films.make(again)
    films.make(along)
    films.make(other, E5)
    films.client.reindex(source={"index": films.index}, dest={"index": again}, refresh=True)
    assert films.embedded() == 2
    source = {"index": films.index, "_source": {"exclude_vectors": False}}
    films.client.reindex(source=source, dest={"index": along}, refresh=True)
    assert films.embedded() == 2
    assert films.stored(index=along) == films.stored()
    with pytest.raises(BadRequestError) as error:
        films.client.reindex(source=source, dest={"index": other})
    assert {failure["status"] for failure in error.value.body["failures"]} == {400}


def test_what_a_data_stream_takes_is_embedded_as_its_newest_index_says(stand_ins):
    _, client, _ = stand_ins("8.19")
    times = {"@timestamp": {"type": "date"}}
    plot = {"plot": {"type": "semantic_text", "inference_id": ELSER}}
    named = {"name": "reviews", "index_patterns": ["reviews-*"], "data_stream": {}}
    client.indices.put_index_template(**named, template={"mappings": {"properties": times}})
    film = {"@timestamp": "2024-01-01", "title": "Seven"}
    client.index(index="reviews-all", document=film, op_type="create")
    client.indices.put_index_template(**named, template={"mappings": {"properties": {**times, **plot}}})
    newest = client.indices.rollover(alias="reviews-all")["new_index"]
    film["plot"] = "Two detectives hunt a killer."
    client.index(index="reviews-all", document=film, op_type="create", refresh=True)
    found = client.search(index=newest, query={"semantic": {"field": "plot", "query": "investigation"}})
    assert len(ids(found)) == 1


def test_an_endpoint_that_is_not_there_is_noticed_with_the_first_value(semantic):
    films = semantic("gone", films={})
    films.client.index(index=films.index, id="1", document={"title": "no plot"})
    with pytest.raises(NotFoundError, match=r"Inference id \[gone\] not found for field \[plot\]"):
        films.client.index(index=films.index, document={"plot": "a dog"})
    assert ids(films.search(query={"semantic": {"field": "plot", "query": "a dog"}})) == []


def test_embeddings_survive_a_kill(elastic_server):
    options = {"download_seconds": 0.02, "start_seconds": 0.02}
    elastic = elastic_server(**options)
    Semantic(elastic.client, elastic.state, "films", {}).make("films")
    helpers.bulk(
        elastic.client, [{"_index": "films", "_id": id_, "plot": plot} for id_, plot in FILMS.items()]
    )
    elastic.sandbox.kill()
    client = elastic_server(**options).client

    def found():
        try:
            return set(ids(client.search(index="films", query={"match": {"plot": "investigation"}}))[:2])
        except ConflictError:  # the deployment starts again
            return None

    assert until(found, "an answer") == {"1", "3"}


def test_an_index_that_uses_an_endpoint_keeps_it(semantic):
    films = semantic()
    settings = {"model_id": ".elser_model_2", "num_threads": 1, "num_allocations": 1}
    config = {"service": "elasticsearch", "service_settings": settings}
    films.client.inference.put(inference_id="mine", task_type="sparse_embedding", inference_config=config)
    mapping = {"plot": {"type": "semantic_text", "search_inference_id": "mine", "inference_id": ELSER}}
    films.client.indices.put_mapping(index=films.index, properties=mapping)
    with pytest.raises(ApiError, match=r"being used in the mapping for indexes: \["):
        films.client.inference.delete(inference_id="mine")
    other = {"plot": {"type": "semantic_text", "inference_id": "mine"}}
    with pytest.raises(BadRequestError, match=r"Cannot update parameter \[inference_id\]"):
        films.client.indices.put_mapping(index=films.index, properties=other)


def test_a_highlight_of_a_meaning_is_the_chunk_that_matches_best_also_of_another_query(semantic):
    text = "The weather was fine. " * 40 + FILMS["1"] + " Nobody saw it rain." * 40
    chunking = {"strategy": "sentence", "max_chunk_size": 20, "sentence_overlap": 0}
    films = semantic(films={"1": text}, chunking_settings=chunking)
    query = {"semantic": {"field": "plot", "query": "detectives after a murderer"}}

    def shown(**settings):
        highlight = {"fields": {"plot": {"number_of_fragments": 1, **settings}}}
        (hit,) = films.search(query=query, highlight=highlight)["hits"]["hits"]
        (fragment,) = hit["highlight"]["plot"]
        return fragment

    assert "serial killer" in shown()
    assert shown(type="semantic") == shown()
    rain = {"semantic": {"field": "plot", "query": "rain"}}
    assert "rain" in shown(highlight_query=rain)
    with pytest.raises(BadRequestError, match=r"\[year\].*not supported by the \[semantic\] highlighter"):
        films.search(query=query, highlight={"fields": {"year": {"type": "semantic"}}})
