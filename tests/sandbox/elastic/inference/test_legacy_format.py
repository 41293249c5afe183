"""semantic_text in its legacy format, where an object of text and embeddings takes the place of the text.

From the tests of the service: 30_semantic_text_inference_bwc.yml, 60_semantic_text_inference_update_bwc.yml and
SemanticTextLegacyFormatIT.java.
"""

from __future__ import annotations

import re

import pytest
from elasticsearch import BadRequestError, ConflictError, NotFoundError

from sandbox.elastic.ml import inference_ledger
from tests.client import ONLY_CLIENT_8
from tests.polling import until
from tests.sandbox.elastic.conftest import served_here

pytestmark = ONLY_CLIENT_8
ELSER = ".elser-2-elasticsearch"
LEGACY = {"index.mapping.semantic_text.use_legacy_format": True}


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    """Clients of stand-ins in this process, by version, each with its state folder."""
    opened = {}

    def of(version):
        if version not in opened:
            state = tmp_path_factory.mktemp("legacy")
            context = served_here(state, version=version)
            opened[version] = context, context.__enter__(), state
        return opened[version][1:]

    yield of
    for context, _, _ in opened.values():
        context.__exit__(None, None, None)


class Index:
    """An index with a semantic_text field `plot`, to which `title` is copied."""

    def __init__(self, client, state, name):
        self.client, self.state, self.name = client, state, name

    def make(self, name, *, legacy=True, **plot):
        """Another index, by default in the legacy format."""
        field = {"type": "semantic_text", "inference_id": ELSER, **plot}
        chooses = "8.17" not in self.client.info()["version"]["number"]
        settings = LEGACY if legacy and chooses else {}
        properties = {"plot": field, "year": {"type": "integer"}}
        self.client.indices.create(index=name, mappings={"properties": properties}, settings=settings)
        return name

    def put(self, id_, **document):
        self.client.index(index=self.name, id=id_, document=document, refresh=True)

    def get(self, id_="1", index=None):
        return self.client.get(index=index or self.name, id=id_)["_source"]

    def hits(self, **search):
        return self.client.search(index=self.name, **search)["hits"]["hits"]

    def embedded(self, text):
        """How often a text was embedded."""
        return inference_ledger.read(self.state)[text]


@pytest.fixture(params=["8.17", "8.19"])
def films(stand_ins, request):
    client, state = stand_ins(request.param)
    made = Index(client, state, f"films-{abs(hash(request.node.nodeid))}")
    made.make(made.name)
    return made


@pytest.fixture
def of_8_17(stand_ins, request):
    client, state = stand_ins("8.17")
    made = Index(client, state, f"films-{abs(hash(request.node.nodeid))}")
    made.make(made.name)
    return made


@pytest.fixture
def copied(films):
    """`plot` is made of itself, `title` and `about`."""
    to_plot = {"type": "text", "copy_to": "plot"}
    films.client.indices.put_mapping(index=films.name, properties={"title": to_plot, "about": to_plot})
    return films


def texts(source):
    return [chunk["text"] for chunk in source["plot"]["inference"]["chunks"]]


def test_a_text_becomes_an_object_of_itself_and_its_embeddings(films):
    films.put("1", plot="a hacker", year=1999)
    source = films.get()
    service = {"service": "elasticsearch"} if films.client.info()["version"]["number"] > "8.18" else {}
    assert source["year"] == 1999
    assert source["plot"]["text"] == "a hacker"
    inference = source["plot"]["inference"]
    assert inference["inference_id"] == ELSER
    assert inference["model_settings"] == {**service, "task_type": "sparse_embedding"}
    assert texts(source) == ["a hacker"]
    assert "hacker" in inference["chunks"][0]["embeddings"]
    mapping = films.client.indices.get_mapping(index=films.name)[films.name]["mappings"]
    assert mapping["properties"]["plot"]["model_settings"] == inference["model_settings"]


def test_several_values_are_texts_with_a_chunk_each(films):
    films.put("1", plot=[False, 75, "inference test", 13.49])
    source = films.get()
    assert source["plot"]["text"] == ["false", "75", "inference test", "13.49"]
    assert texts(source) == source["plot"]["text"]


def test_chunks_of_copied_fields_stand_beside_those_of_the_own_text(copied):
    copied.put("1", title="copied", plot="own", about="also copied")
    assert copied.get()["plot"]["text"] == "own"
    assert texts(copied.get()) == ["also copied", "own", "copied"]
    copied.put("2", title="only copied")
    assert "text" not in copied.get("2")["plot"]
    assert texts(copied.get("2")) == ["only copied"]


def test_a_field_within_an_object_is_an_object_there(films):
    below = {"inner": {"properties": {"plot": {"type": "semantic_text", "inference_id": ELSER}}}}
    films.client.indices.put_mapping(index=films.name, properties=below)
    films.put("1", inner={"plot": "a dog", "n": 1})
    assert films.get()["inner"]["plot"]["text"] == "a dog"
    assert films.get()["inner"]["n"] == 1
    assert [
        hit["_id"] for hit in films.hits(query={"semantic": {"field": "inner.plot", "query": "dog"}})
    ] == ["1"]


def test_a_blank_text_has_no_chunks_and_null_no_object(films):
    films.put("1", plot=" ")
    assert films.get()["plot"]["text"] == " "
    assert texts(films.get()) == []
    films.put("2", plot=None)
    assert films.get("2") == {"plot": None}
    assert films.hits(query={"exists": {"field": "plot"}}) == []


def test_an_object_is_taken_as_it_is(films):
    chunk = {"text": "no dog at all", "embeddings": {"dog": 2.0}}
    settings = {"task_type": "sparse_embedding"}
    if films.client.info()["version"]["number"] > "8.18":
        settings["service"] = "elasticsearch"
    inference = {"inference_id": ELSER, "model_settings": settings, "chunks": [chunk]}
    films.put("1", plot={"text": "no dog at all", "inference": inference})
    assert films.embedded("no dog at all") == 0
    assert [hit["_id"] for hit in films.hits(query={"semantic": {"field": "plot", "query": "dog"}})] == ["1"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"inference": None}, r"Required \[inference\]"),
        ({"inference": {"inference_id": ELSER}}, r"Required \[model_settings, chunks\]"),
        (
            {"inference": {"inference_id": ELSER, "model_settings": None, "chunks": [{"embeddings": {}}]}},
            "Missing chunk text",
        ),
        (
            {"inference": {"inference_id": "other", "model_settings": None, "chunks": []}},
            r"The configured inference_id \[other\] for field \[plot\] doesn't match",
        ),
    ],
)
def test_an_object_that_is_none_is_refused(films, change, problem):
    with pytest.raises(BadRequestError) as error:
        films.put("1", plot={"text": "x", **change})
    cause = error.value.body["error"].get("caused_by", error.value.body["error"])
    assert re.search(problem, cause["reason"])


def test_an_update_embeds_again_only_what_changes(copied):
    copied.put("1", plot="own text", title="one title")
    copied.client.update(index=copied.name, id="1", doc={"year": 2001})
    assert copied.embedded("own text") == 1
    copied.client.update(index=copied.name, id="1", doc={"title": "another title"})
    assert copied.get()["plot"]["text"] == "own text"
    assert texts(copied.get()) == ["own text", "another title"]
    copied.client.update(index=copied.name, id="1", doc={"plot": None})
    assert copied.get()["plot"]["text"] is None
    assert texts(copied.get()) == ["another title"]


def test_a_text_that_is_taken_away_leaves_nothing(films):
    films.put("1", plot="a text")
    films.client.update(index=films.name, id="1", doc={"plot": None}, refresh=True)
    assert films.get() == {"plot": None}
    assert films.hits(query={"exists": {"field": "plot"}}) == []


def test_a_text_that_only_others_are_copied_to_is_updated_too(copied):
    copied.put("1", title="one title")
    copied.client.update(index=copied.name, id="1", doc={"title": "a second title"})
    assert texts(copied.get()) == ["a second title"]
    assert copied.get()["plot"].get("text") is None


def test_an_update_in_a_bulk_must_have_every_field_that_a_text_is_made_of(copied):
    copied.put("1", plot="a", title="a", about="a")
    update = [{"update": {"_index": copied.name, "_id": "1"}}]
    (item,) = copied.client.bulk(operations=[*update, {"doc": {"plot": "new", "title": "new"}}])["items"]
    assert item["update"]["status"] == 400
    assert item["update"]["error"]["reason"] == (
        "Field [about] must be specified on an update request to calculate inference for field [plot]"
    )
    whole = {"doc": {"plot": "b", "title": "a", "about": "c"}}
    assert not copied.client.bulk(operations=[*update, whole])["errors"]
    assert texts(copied.get()) == ["c", "b", "a"]


def test_an_upsert_in_a_bulk_is_embedded_whether_it_creates_or_changes(films):
    for text in ("first", "second"):
        update = {"update": {"_index": films.name, "_id": "1"}}
        films.client.bulk(operations=[update, {"doc": {"plot": text}, "doc_as_upsert": True}])
        assert films.get()["plot"]["text"] == text
        assert texts(films.get()) == [text]


def test_a_reindex_carries_the_embeddings_over(films):
    films.put("1", plot="two detectives")
    along = films.make(f"{films.name}-along")
    films.client.reindex(source={"index": films.name}, dest={"index": along}, refresh=True)
    assert films.get(index=along) == films.get()
    assert films.embedded("two detectives") == 1
    films.client.update_by_query(index=along)
    assert films.embedded("two detectives") == 1


def test_a_reindex_into_the_newer_format_is_refused_and_out_of_it_embeds(stand_ins):
    client, state = stand_ins("8.19")
    films = Index(client, state, "films-both-ways")
    films.make(films.name)
    films.put("1", plot="a mole in the police")
    newer = films.make("films-newer", legacy=False)
    with pytest.raises(BadRequestError) as error:
        client.reindex(source={"index": films.name}, dest={"index": newer})
    (failure,) = error.value.body["failures"]
    assert failure["cause"]["reason"] == (
        "Invalid format for field [plot], expected [String|Number|Boolean] got [Map]"
    )
    client.index(index=newer, id="2", document={"plot": "a boat"}, refresh=True)
    client.reindex(source={"index": newer}, dest={"index": films.name}, refresh=True)
    assert films.get("2")["plot"]["text"] == "a boat"


def test_parts_of_the_object_can_be_left_out_of_the_source(films):
    films.put("1", plot="a hacker", year=1999)
    (hit,) = films.hits(source_excludes=["*.inference"])
    assert hit["_source"] == {"plot": {"text": "a hacker"}, "year": 1999}
    (hit,) = films.hits(source_includes=["plot.inference.chunks.text"])
    assert hit["_source"] == {"plot": {"inference": {"chunks": [{"text": "a hacker"}]}}}


def test_fields_show_the_own_texts(copied):
    copied.put("1", plot=["a hacker", "a whale"], title="Matrix")
    (hit,) = copied.hits(fields=["plot", "_inference_fields"])
    assert hit["fields"] == {"plot": ["a hacker", "a whale"]}
    assert "_inference_fields" not in hit["_source"]


def test_chunks_are_nested_objects_that_a_query_reaches_with_their_texts(films):
    films.put("1", plot=["you know, for testing", "a whale"])
    films.put("2", plot="some more tests")
    path = "plot.inference.chunks"
    tokens = {"field": f"{path}.embeddings", "inference_id": ELSER, "query": "testing"}
    inner = {"_source": False, "fields": [f"{path}.text"]}
    query = {"nested": {"path": path, "query": {"sparse_vector": tokens}, "inner_hits": inner}}
    hits = films.hits(query=query)
    assert {hit["_id"] for hit in hits} == {"1", "2"}
    (first,) = [hit for hit in hits if hit["_id"] == "1"]
    shown = first["inner_hits"][path]["hits"]["hits"][0]
    assert shown["_nested"] == {"field": path, "offset": 0}
    assert shown["fields"] == {path: [{"text": ["you know, for testing"]}]}


def test_an_index_of_8_17_keeps_its_format_when_the_cluster_is_upgraded(tmp_path):
    with served_here(tmp_path, version="8.17") as client:
        films = Index(client, tmp_path, "films")
        films.make("films")
        films.put("1", plot="a hacker")
    with served_here(tmp_path, version="9.5") as client:
        films = Index(client, tmp_path, "films")
        assert [hit["_id"] for hit in films.hits(query={"exists": {"field": "plot"}})] == ["1"]

        def written():
            try:
                return films.put("2", plot="a computer") or True
            except ConflictError:  # the deployment starts again
                return None

        assert until(written, "the model")
        assert films.get("2")["plot"]["text"] == "a computer"
        query = {"match": {"plot": "a hacker"}}
        best, *_ = films.hits(query=query, highlight={"fields": {"plot": {"type": "semantic"}}})
        assert best["highlight"] == {"plot": ["a hacker"]}


@pytest.mark.parametrize(
    ("search", "problem"),
    [
        ({"query": {"match": {"plot": "x"}}}, "does not support match queries"),
        (
            {"query": {"sparse_vector": {"field": "plot", "query_vector": {"x": 1.0}}}},
            r"field \[plot\] must be type \[sparse_vector\] but is type \[semantic_text\]",
        ),
        ({"knn": {"field": "plot", "query_vector": [1], "k": 1, "num_candidates": 1}}, "only supported on"),
        ({"query": {"knn": {"field": "plot", "query_vector": [1]}}}, "only supported on"),
        ({"highlight": {"fields": {"plot": {"type": "semantic"}}}}, r"unknown highlighter type \[semantic\]"),
        ({"source": {"exclude_vectors": False}}, r"Unknown key for a VALUE_BOOLEAN in \[exclude_vectors\]"),
        ({"retriever": {"linear": {"retrievers": []}}}, r"unknown retriever \[linear\]"),
    ],
)
def test_what_8_18_brought_is_refused_before_it(of_8_17, search, problem):
    of_8_17.put("1", plot="a hacker")
    with pytest.raises(BadRequestError, match=problem):
        of_8_17.hits(**search)


@pytest.mark.parametrize("parameter", ["chunking_settings", "index_options"])
def test_a_mapping_takes_no_options_before_8_19(of_8_17, parameter):
    with pytest.raises(BadRequestError, match=rf"unknown parameter \[{parameter}\] on mapper \[plot\]"):
        of_8_17.make("other", **{parameter: {}})


def test_field_caps_name_what_a_field_keeps_below_itself_before_8_19(films):
    films.put("1", plot="a hacker")
    caps = films.client.field_caps(index=films.name, fields="plot*", filters="-metadata")["fields"]
    below = {path: next(iter(kinds)) for path, kinds in caps.items() if path != "plot"}
    old = "8.17" in films.client.info()["version"]["number"]
    assert below == (
        {
            "plot.inference": "object",
            "plot.inference.chunks": "nested",
            "plot.inference.chunks.embeddings": "sparse_vector",
            "plot.inference.chunks.text": "keyword",
        }
        if old
        else {}
    )


def test_the_format_is_chosen_when_an_index_is_made_and_for_good(stand_ins):
    client, state = stand_ins("8.19")
    name = Index(client, state, "films-for-good").make("films-for-good")
    for given in (True, False):
        with pytest.raises(BadRequestError, match="can not update internal setting"):
            client.indices.put_settings(index=name, settings={next(iter(LEGACY)): given})
    with pytest.raises(BadRequestError, match=r"semantic_text field \[plot\] does not support multi-fields"):
        Index(client, state, "other").make("other", fields={"k": {"type": "keyword"}})
    client, state = stand_ins("8.17")
    with pytest.raises(
        BadRequestError, match=r"unknown setting \[index.mapping.semantic_text.use_legacy_format\]"
    ):
        client.indices.create(index="x", settings=LEGACY)


def test_9_5_forbids_the_legacy_format(stand_ins):
    client, _ = stand_ins("9.5")
    with pytest.raises(
        BadRequestError, match=r"\[index.mapping.semantic_text.use_legacy_format\] must not be true"
    ):
        client.indices.create(index="x", settings=LEGACY)
    client.indices.create(index="y", settings={next(iter(LEGACY)): False})


def test_an_endpoint_that_is_not_there_is_noticed_with_the_first_text(films):
    name = films.make(f"{films.name}-gone", inference_id="gone")
    films.client.index(index=name, id="1", document={"year": 1})
    with pytest.raises(NotFoundError, match=r"Inference id \[gone\] not found for field \[plot\]"):
        films.client.index(index=name, id="2", document={"plot": "x"})
