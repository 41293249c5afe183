"""What the notebooks of Elastic's labs do, step by step, with the unmodified client against a stand-in in this process.

The steps are those of the notebooks in https://github.com/elastic/elasticsearch-labs below `notebooks/`, which each test names;
the code is our own. What had to be replaced, in all of them:

- the cloud id and the key that is typed: the address of the stand-in; telemetry and installations are left out;
- data that is downloaded (films, programming books, policies, a novel): the sandbox's own films, books with made-up titles;
- sentence-transformers' all-MiniLM-L6-v2, in the program or uploaded by eland: multilingual-e5-small, which also has 384
  dimensions; the upload is made by the calls that eland makes, with a model of six bytes;
- endpoints of OpenAI and Cohere, which would call another machine: ones of the service `elasticsearch` with the same task;
- `inference.put_model`, `delete_model` and `get_model` of old clients: `put`, `delete` and `get`;
- the painless script that cuts passages: they are cut by the program. `sub_searches` with `rank`, which 8.14 gave up:
  the rrf retriever. The `max` aggregation within a nested one: counted by the program;
- the models that rerank (Elastic Rerank, and one of Hugging Face that eland uploads): multilingual-e5-small answers for them.

Not covered, because nothing of it is imitated: query rules, synonyms, learning to rank, geographic searches, images, ES|QL.
"""

import json
from contextlib import suppress
from itertools import pairwise

import pytest
from elasticsearch import NotFoundError, helpers

from sandbox.models import e5
from tests.client import GENERATION
from tests.polling import until
from tests.sandbox.elastic.conftest import ELSER, served_here
from tests.sandbox.models.test_e5 import runs_here
from tests.tasks.elastic.conftest import MOVIES

VERSIONS = {8: ("8.19", "9.5"), 9: ("9.5",)}[GENERATION]
FILMS = [json.loads(line) for line in MOVIES.read_text().splitlines()[:12]]
BOOKS = [
    ("Patterns for Patient Programmers", "addison-wesley", "2019-10-29", "Advice on pragmatic programming"),
    ("Python Step by Step", "no starch press", "2019-05-03", "A fast guide to programming in Python"),
    ("Eloquent JavaScript by Example", "no starch press", "2018-12-04", "A modern introduction to programming"),
    ("JavaScript: What to Keep", "oreilly", "2008-05-15", "The parts of JavaScript that matter"),
    ("Reusable Objects", "addison-wesley", "1994-10-31", "A guide to design patterns"),
]  # fmt: skip
POLICY = (
    "Employees may work from home three days a week. Requests go to the manager of the team. ",
    "Everybody has thirty days of vacation. Days that are left expire in March. ",
    "What is invented at work belongs to the company. ",
)


@pytest.fixture(scope="module", params=VERSIONS)
def client(request, tmp_path_factory):
    """A client of a stand-in in this process, of the versions that keep, and that hide, vectors in `_source`."""
    with served_here(tmp_path_factory.mktemp("labs"), version=request.param) as found:
        yield found


def ids(answer):
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def titles(answer):
    return [hit["_source"]["title"] for hit in answer["hits"]["hits"]]


def ensure_endpoint(client, name, task_type, settings, **given):
    """Delete and create, as the notebooks do, and wait until a node runs the model."""
    with suppress(NotFoundError):
        client.inference.delete(inference_id=name, force=True)
    config = {"service": "elasticsearch", "service_settings": settings, **given}
    client.inference.put(inference_id=name, task_type=task_type, inference_config=config)
    (endpoint,) = client.inference.get(inference_id=name)["endpoints"]
    model = endpoint["service_settings"]["model_id"]

    def nodes():
        found = client.ml.get_trained_models_stats(model_id=model)["trained_model_stats"]
        return any((each.get("deployment_stats") or {}).get("nodes") for each in found)

    until(nodes)
    return endpoint


def encode(texts):
    return e5.embed(texts, "query").tolist()


@pytest.fixture
def books(client):
    """search/00-quick-start: the index of books, and their titles as vectors."""
    client.indices.delete(index="book_index", ignore_unavailable=True)
    keyword = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
    vector = {"type": "dense_vector", "dims": 384, "index": "true", "similarity": "cosine"}
    properties = {
        "title": {"type": "text"}, "publisher": keyword, "publish_date": {"type": "date"}, "title_vector": vector
    }  # fmt: skip
    client.indices.create(index="book_index", mappings={"properties": properties})
    operations = []
    vectors = encode([title for title, *_ in BOOKS])
    for number, ((title, publisher, date, summary), row) in enumerate(zip(BOOKS, vectors, strict=True)):
        operations.append({"index": {"_index": "book_index", "_id": number}})
        book = {"title": title, "publisher": publisher, "publish_date": date, "summary": summary}
        operations.append({**book, "title_vector": row})
    assert not client.bulk(index="book_index", operations=operations, refresh=True)["errors"]
    return "book_index"


@runs_here
def test_quick_start_finds_books_by_words_vectors_and_publisher(client, books):
    """search/00-quick-start.ipynb."""
    assert set(ids(client.search(index=books, query={"match": {"title": "javascript"}}))) == {"2", "3"}
    near = {
        "field": "title_vector",
        "query_vector": encode(["javascript books"])[0],
        "k": 10,
        "num_candidates": 100,
    }
    found = client.search(index=books, knn=near)
    assert len(ids(found)) == len(BOOKS)
    assert set(ids(found)[:2]) == {"2", "3"}
    scores = [hit["_score"] for hit in found["hits"]["hits"]]
    assert all(first >= second for first, second in pairwise(scores))
    only = {"term": {"publisher.keyword": "addison-wesley"}}
    assert set(ids(client.search(index=books, knn={**near, "filter": only}))) == {"0", "4"}


@runs_here
def test_hybrid_search_fuses_bm25_and_knn_by_ranks(client, books):
    """search/02-hybrid-search.ipynb."""
    knn = {
        "field": "title_vector",
        "query_vector": encode(["python programming"])[0],
        "k": 5,
        "num_candidates": 10,
    }
    standard = {"query": {"match": {"summary": "python programming"}}}
    fused = client.search(
        index=books, size=5, retriever={"rrf": {"retrievers": [{"standard": standard}, {"knn": knn}]}}
    )
    ranks = [
        ids(client.search(index=books, query=standard["query"])),
        ids(client.search(index=books, knn=knn)),
    ]
    expected = {
        id_: sum(1 / (60 + 1 + ranked.index(id_)) for ranked in ranks if id_ in ranked)
        for id_ in set().union(*ranks)
    }
    assert ids(fused)[0] == "1"
    assert {hit["_id"]: hit["_score"] for hit in fused["hits"]["hits"]} == pytest.approx(expected, rel=1e-6)


@runs_here
def test_an_endpoint_embeds_in_a_pipeline_and_for_queries(client):
    """search/07-inference.ipynb; integrations/openai, cohere and others differ in the service alone."""
    settings = {"model_id": ".multilingual-e5-small", "num_threads": 1, "num_allocations": 1}
    ensure_endpoint(client, "my_embedding_model", "text_embedding", settings)
    embed = {
        "model_id": "my_embedding_model",
        "input_output": {"input_field": "plot", "output_field": "plot_embedding"},
    }
    client.ingest.put_pipeline(id="embeddings_pipeline", processors=[{"inference": embed}])
    client.indices.delete(index="movie-embeddings", ignore_unavailable=True)
    vector = {"type": "dense_vector", "dims": 384, "similarity": "dot_product"}
    client.indices.create(
        index="movie-embeddings",
        settings={"index": {"default_pipeline": "embeddings_pipeline"}},
        mappings={"properties": {"plot_embedding": vector, "plot": {"type": "text"}}},
    )
    films = FILMS[:4]
    helpers.bulk(client, [{"_index": "movie-embeddings", "_source": each} for each in films], refresh=True)
    builder = {"text_embedding": {"model_id": "my_embedding_model", "model_text": films[0]["plot"]}}
    near = {"field": "plot_embedding", "query_vector_builder": builder, "k": 10, "num_candidates": 100}
    found = client.search(index="movie-embeddings", size=3, knn=near)
    assert titles(found)[0] == films[0]["title"]
    assert len(titles(found)) == 3


def test_semantic_text_is_filled_by_copy_to_and_searched_with_words_beside_it(client):
    """search/09-semantic-text.ipynb."""
    settings = {"model_id": ELSER, "num_allocations": 1, "num_threads": 1}
    ensure_endpoint(client, "my-elser-endpoint", "sparse_embedding", settings)
    index = "semantic-text-movies"
    client.indices.delete(index=index, ignore_unavailable=True)
    semantic = {"type": "semantic_text", "inference_id": "my-elser-endpoint"}
    properties = {
        "title": {"type": "text"},
        "genre": {"type": "text"},
        "plot": {"type": "text", "copy_to": "plot_semantic"},
        "plot_semantic": semantic,
    }
    client.indices.create(index=index, mappings={"properties": properties})
    mapping = client.indices.get_mapping(index=index)[index]["mappings"]["properties"]
    assert mapping["plot"] == {"type": "text", "copy_to": ["plot_semantic"]}
    operations = []
    for film in FILMS:
        operations += [{"index": {"_index": index}}, film]
    assert not client.bulk(index=index, operations=operations, refresh=True)["errors"]
    text = "detectives investigate killings"
    by_meaning = {"semantic": {"field": "plot_semantic", "query": text}}
    found = client.search(index=index, query=by_meaning)
    assert titles(found)[0] == "Se7en"
    assert "plot_semantic" not in found["hits"]["hits"][0]["_source"]
    by_words = {"multi_match": {"fields": ["plot", "genre"], "query": text, "boost": 1.5}}
    boosted = {"semantic": {**by_meaning["semantic"], "boost": 3.0}}
    hybrid = client.search(index=index, query={"bool": {"must": by_words, "should": boosted}})
    alone = {
        query_name: {
            hit["_id"]: hit["_score"]
            for hit in client.search(index=index, query=query, size=50)["hits"]["hits"]
        }
        for query_name, query in (("words", by_words), ("meaning", boosted))
    }
    expected = {id_: score + alone["meaning"].get(id_, 0) for id_, score in alone["words"].items()}
    assert {hit["_id"]: hit["_score"] for hit in hybrid["hits"]["hits"]} == pytest.approx(expected, rel=1e-5)


def test_chunking_settings_of_an_endpoint_decide_the_chunks_that_are_stored(client):
    """document-chunking/configuring-chunking-settings-for-inference-endpoints.ipynb."""
    settings = {"model_id": ELSER, "num_allocations": 1, "num_threads": 1}
    chunking = {"strategy": "sentence", "max_chunk_size": 25, "sentence_overlap": 1}
    ensure_endpoint(client, "my_elser_endpoint", "sparse_embedding", settings, chunking_settings=chunking)
    client.indices.delete(index="my_index", ignore_unavailable=True)
    semantic = {"type": "semantic_text", "inference_id": "my_elser_endpoint"}
    client.indices.create(index="my_index", mappings={"properties": {"infer_field": semantic}})
    text = (
        "This is a short document. It shows how the settings of an endpoint work. "
        "They decide how this text is cut into chunks, so that inference is more accurate."
    )
    client.index(index="my_index", document={"infer_field": text}, refresh=True)
    found = client.search(index="my_index", size=100, query={"match_all": {}}, fields=["_inference_fields"])
    (hit,) = found["hits"]["hits"]
    chunks = hit["_source"]["_inference_fields"]["infer_field"]["inference"]["chunks"]["infer_field"]
    spans = [(each["start_offset"], each["end_offset"]) for each in chunks]
    assert [text[start:end].strip()[:9] for start, end in spans] == ["This is a", "It shows "]
    assert spans[-1][1] == len(text)
    assert "_inference_fields" not in hit.get("fields", {})


@runs_here
@pytest.mark.filterwarnings("ignore:text_expansion is deprecated")
def test_passages_are_embedded_one_by_one_and_the_best_is_shown_within_its_document(client):
    """document-chunking/with-index-pipelines.ipynb and fetch-surrounding-chunks.ipynb, up to their searches."""
    model = "sentence-transformers__all-minilm-l6-v2"
    _upload(client, model)
    client.ml.put_trained_model(
        model_id=ELSER, input={"field_names": ["text_field"]}, wait_for_completion=True
    )
    client.ml.start_trained_model_deployment(model_id=ELSER, wait_for="started")
    client.ingest.put_pipeline(
        id="books_dataset_chunker",
        processors=[
            {"foreach": {"field": "passages", "processor": {"inference": _of_value(id_, target)}}}
            for id_, target in ((model, "vector"), (ELSER, "content_embedding"))
        ],
    )
    index = "chunk_passages_example"
    client.indices.delete(index=index, ignore_unavailable=True)
    dense = {"type": "dense_vector", "index": True, "dims": 384, "similarity": "dot_product"}
    passages = {
        "vector": {"properties": {"predicted_value": dense}},
        "content_embedding": {"properties": {"predicted_value": {"type": "sparse_vector"}}},
        "chunk_number": {"type": "integer"},
        "text": {"type": "text"},
    }
    client.indices.create(
        index=index,
        settings={"index": {"default_pipeline": "books_dataset_chunker"}},
        mappings={"dynamic": "true", "properties": {"passages": {"type": "nested", "properties": passages}}},
    )
    for number, policy in enumerate(POLICY):
        pieces = [f"{each.strip()}." for each in policy.split(".") if each.strip()]
        made = [{"text": piece, "chunk_number": at} for at, piece in enumerate(pieces, start=1)]
        client.index(index=index, id=str(number), document={"name": f"policy {number}", "passages": made})
    client.indices.refresh(index=index)
    _see_the_nearest_passage(client, index, model)
    _see_all_ways_fused(client, index, model)
    client.ml.stop_trained_model_deployment(model_id=ELSER, force=True)


def _see_the_nearest_passage(client, index, model):
    builder = {"text_embedding": {"model_id": model, "model_text": "May I work from home?"}}
    found = client.search(
        index=index,
        knn={
            "inner_hits": {"size": 1, "_source": False, "fields": ["passages.text"]},
            "field": "passages.vector.predicted_value",
            "k": 2,
            "num_candidates": 100,
            "query_vector_builder": builder,
        },
    )
    assert len(ids(found)) == 2
    best = found["hits"]["hits"][0]
    (passage,) = best["inner_hits"]["passages"]["hits"]["hits"]
    text = "Employees may work from home three days a week."
    assert (best["_id"], passage["fields"]) == ("0", {"passages": [{"text": [text]}]})
    assert "_source" not in passage
    assert passage["_score"] == best["_score"]


def _see_all_ways_fused(client, index, model):
    question = "days of vacation"
    (vector,) = client.ml.infer_trained_model(model_id=model, docs=[{"text_field": question}])[
        "inference_results"
    ]
    knn = {
        "query_vector": vector["predicted_value"],
        "field": "passages.vector.predicted_value",
        "num_candidates": 50,
    }
    expansion = {"model_id": ELSER, "model_text": question}
    ways = {
        "text_hits": {"match": {"passages.text": question}},
        "dense_hit": {"knn": knn},
        "sparse_hits": {"text_expansion": {"passages.content_embedding.predicted_value": expansion}},
    }
    shown = ["passages.text", "passages.chunk_number"]
    nested = [
        {"path": "passages", "query": query, "inner_hits": {"name": name, "size": 1, "_source": shown}}
        for name, query in ways.items()
    ]
    retrievers = [{"standard": {"query": {"nested": each}}} for each in nested]
    fused = client.search(
        index=index, source=False, retriever={"rrf": {"retrievers": retrievers, "rank_constant": 20}}
    )
    best = fused["hits"]["hits"][0]
    assert best["_id"] == "1"
    for name in ways:
        (hit,) = best["inner_hits"][name]["hits"]["hits"]
        assert hit["_source"] == {"text": "Everybody has thirty days of vacation.", "chunk_number": 1}
    numbers = [{"term": {"passages.chunk_number": number}} for number in (1, 2, 3)]
    around = {"path": "passages", "query": {"bool": {"should": numbers}}, "inner_hits": {"_source": shown}}
    only = {"bool": {"must": [{"term": {"_id": "1"}}, {"nested": around}]}}
    (hit,) = client.search(index=index, source=False, query=only)["hits"]["hits"]
    found = [each["_source"]["chunk_number"] for each in hit["inner_hits"]["passages"]["hits"]["hits"]]
    assert found == [1, 2]


def _upload(client, model, task="text_embedding"):
    """What eland does to import a model and to start it."""
    size = {"embedding_size": 384} if task == "text_embedding" else {}
    config = {task: {"tokenization": {"bert": {}}, **size}}
    client.ml.put_trained_model(
        model_id=model, input={"field_names": ["text_field"]}, model_type="pytorch", inference_config=config
    )
    client.ml.put_trained_model_definition_part(
        model_id=model, part=0, definition="YWJjZGVm", total_definition_length=6, total_parts=1
    )
    client.ml.put_trained_model_vocabulary(model_id=model, vocabulary=["a", "b"])
    client.ml.start_trained_model_deployment(model_id=model, wait_for="started")


def _of_value(model, target):
    message = "Processor 'inference' failed with message '{{ _ingest.on_failure_message }}'"
    error = {"message": message, "timestamp": "{{{ _ingest.timestamp }}}"}
    return {
        "field_map": {"_ingest._value.text": "text_field"},
        "model_id": model,
        "target_field": f"_ingest._value.{target}",
        "on_failure": [{"append": {"field": "_source._ingest.inference_errors", "value": [error]}}],
    }


@runs_here
@pytest.mark.parametrize("model", [None, "cross-encoder__ms-marco"])
def test_films_found_by_a_word_are_reranked_by_what_is_meant(client, model):
    """search/12-semantic-reranking-elastic-rerank.ipynb, by the default endpoint; 11-semantic-reranking-hugging-face.ipynb by its own."""
    client.indices.delete(index="movies", ignore_unavailable=True)
    helpers.bulk(client, [{"_index": "movies", "_source": each} for each in FILMS], refresh=True)
    exact = {"query_string": {"query": "flesh-eating bad guy", "default_field": "plot"}}
    assert not titles(client.search(index="movies", retriever={"standard": {"query": exact}}))
    crime = {"standard": {"query": {"multi_match": {"query": "crime", "fields": ["plot", "genre"]}}}}
    found = titles(client.search(index="movies", retriever=crime))
    assert set(found) == {
        each["title"] for each in FILMS if "crime" in each["genre"] or "crime" in each["plot"]
    }
    reranker = {"retriever": crime, "field": "plot", "inference_text": "flesh-eating bad guy"}
    if model is not None:
        _upload(client, model, "text_similarity")
        settings = {"model_id": model, "num_allocations": 1, "num_threads": 1}
        config = {"service": "elasticsearch", "service_settings": settings}
        client.inference.put(task_type="rerank", inference_id="my-cross-encoder", inference_config=config)
        reranker["inference_id"] = "my-cross-encoder"
    reranked = titles(client.search(index="movies", retriever={"text_similarity_reranker": reranker}))
    assert (set(reranked), reranked[0]) == (set(found), "The Silence of the Lambs")
    assert found[0] != reranked[0]
