import json
from pathlib import Path

import pytest

from tasks.calls import NotFound
from tasks.elastic.cluster.inference import read_inferences
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import BadRequest
from tasks.elastic.data.documents import DocumentSource
from tasks.elastic.indices.indices import ensure_index, ensure_index_settings
from tasks.elastic.indices.pipelines import FAILURE_FIELD, ensure_pipeline, inference_pipeline
from tasks.elastic.indices.sources import read_sample
from tasks.elastic.reindex.batch_plans import BatchPlan, ReindexSpec
from tasks.elastic.reindex.reindex import apply_reindex
from tasks.elastic.search.search import read_hits
from tasks.elastic.search.templates import (
    ensure_template,
    read_rendered_template,
    read_template_hits,
    remove_template,
    search_template,
)
from tasks.elastic.specs import EmbeddedField, IndexSpec, embedded_properties
from tasks.elastic.verification.verification import (
    NotFoundBySearch,
    sample_queries,
    verify_queries,
    verify_scores,
)
from tasks.errors import GateNotMet, InvalidInput, NotOurs
from tasks.waiting import Deadline

PLOT = EmbeddedField(input="plot", output="plot_embedding")
FIELDS, FIELD = (PLOT,), PLOT.output
DATA = Path(__file__).parents[4] / "sandbox" / "data"


@pytest.fixture(scope="session")
def films(settings, deployed, movies):
    """The name of an index of embedded films."""
    spec = IndexSpec(name="films", properties=embedded_properties(FIELDS, failure=FAILURE_FIELD), replicas=0)
    ensure_pipeline.fn(settings, inference_pipeline("films", deployed, FIELDS))
    ensure_index.fn(settings, spec)
    reindex = ReindexSpec(
        source=movies, dest=spec.name, pipeline="films", deployment_id=deployed, fields=FIELDS
    )
    plan = BatchPlan(size=50, slices=1, per_second=100.0, lowered=())
    apply_reindex.fn(settings, reindex, plan, Deadline.after(seconds=60))
    ensure_index_settings.fn(settings, spec)
    return spec.name


@pytest.fixture
def queries(tmp_path):
    def write(*rows):
        path = tmp_path / "queries.jsonl"
        path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
        return path

    return write


@pytest.mark.parametrize("kind", ["sparse_vector", "text_expansion"])
@pytest.mark.filterwarnings("ignore:text_expansion is deprecated")
def test_investigation_finds_the_detective_films_first(settings, films, deployed, kind):
    answer = read_hits.fn(settings, films, "investigation", PLOT, deployed, size=5, kind=kind)
    assert answer.hits[0].id in {"se7en", "the-silence-of-the-lambs"}
    assert {"se7en", "zodiac"} <= {hit.id for hit in answer.hits}
    scores = [hit.score for hit in answer.hits]
    assert scores == sorted(scores, reverse=True)
    assert FIELD not in answer.hits[0].source
    assert answer.hits[0].source["title"]


def test_a_field_without_embeddings_cannot_be_searched(settings, films, deployed):
    with pytest.raises(BadRequest):
        read_hits.fn(settings, films, "investigation", EmbeddedField(input="plot", output="title"), deployed)


@pytest.mark.parametrize("missing", ["index", "model"])
def test_what_is_not_there_cannot_be_searched(settings, films, deployed, missing):
    index, model = ("nobody", deployed) if missing == "index" else (films, "nobody")
    with pytest.raises(NotFound):
        read_hits.fn(settings, index, "investigation", PLOT, model)


def test_the_sample_queries_find_their_films(settings, films, deployed):
    path = DATA / "movie-queries.jsonl"
    report = verify_queries.fn(settings, films, PLOT, deployed, path)
    assert report.queries == report.found == len(list(sample_queries(path)))


def test_a_query_that_misses_says_what_it_misses_and_what_it_finds(settings, films, deployed, queries):
    path = queries(
        {"query": "wizard school", "expected": ["harry-potter-and-the-philosophers-stone"]},
        {"query": "investigation", "expected": ["toy-story", "se7en"], "within": 5},
    )
    with pytest.raises(
        NotFoundBySearch, match=r"is 1 of 2, required: 0.*'investigation' misses toy-story among"
    ) as missed:
        verify_queries.fn(settings, films, PLOT, deployed, path)
    assert "finds the-silence-of-the-lambs" in str(missed.value)
    assert missed.value.facts["queries"]["found"] == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"query": "a"}', "Line 1 is not a query"),
        ('{"query": "a", "expected": ["b"], "withn": 3}', "Line 1"),
        ("not json", r"Line 1 is not a query \(not JSON"),
        ('{"query": "a", "query": "b", "expected": ["c"]}', "the name 'query' occurs twice"),
        ('{"query": ' + "[" * 1000 + "]" * 1000 + "}", "nested deeper than 250 levels"),
        ("", "no query in this file"),
    ],
)
def test_a_file_of_queries_that_cannot_be_used_is_refused(queries, line, said):
    with pytest.raises(InvalidInput, match=said):
        list(sample_queries(queries(line)))


def test_scores_are_recomputed_from_the_stored_embeddings(settings, films, deployed):
    report = verify_scores.fn(settings, films, FIELDS[0], deployed)
    assert report.compared == 10
    assert report.largest_difference < 1e-4


def test_a_score_of_another_embedding_is_found_out(settings, films, deployed, monkeypatch):
    monkeypatch.setattr("tasks.elastic.verification.verification.score", lambda *_: 1.0)
    with pytest.raises(GateNotMet, match="a different embedding"):
        verify_scores.fn(settings, films, FIELDS[0], deployed)


def test_a_sample_has_the_field_or_names_those_that_there_are(settings, movies):
    assert len(read_sample.fn(settings, movies, ["plot"])) == 3
    with pytest.raises(InvalidInput, match=r"No document.*'plott'.*plot"):
        read_sample.fn(settings, movies, ["plott"])


def test_long_texts_are_counted_and_answers_written_down(settings, deployed, tmp_path, deadline):
    path, into = tmp_path / "texts.jsonl", tmp_path / "answers.jsonl"
    rows = [{"id": str(n), "t": "detective"} for n in range(10)]
    rows += [{"id": "long", "t": "detective " * 600}, {"id": "none"}]
    path.write_text("\n".join(map(json.dumps, rows)))
    found = read_inferences.fn(
        settings, deployed, DocumentSource(path=path, id_field="id"), "t", deadline, into=into
    )
    assert (found.texts, found.truncated) == (11, ("long",))
    answers = [json.loads(line) for line in into.read_text().splitlines()]
    assert [answer["id"] for answer in answers] == [str(n) for n in range(10)] + ["long"]
    assert all("detective" in answer["tokens"] for answer in answers)


def test_a_template_is_stored_once_rendered_and_run(settings, films, deployed, name, changes):
    source = search_template(FIELD, deployed)
    assert ensure_template.fn(settings, name, source).changed
    made = changes()
    assert not ensure_template.fn(settings, name, source).changed
    assert changes() == made
    rendered = read_rendered_template.fn(settings, name, {"query": 'a "quoted" thing', "size": 3})
    assert rendered["query"]["sparse_vector"]["query"] == 'a "quoted" thing'
    assert (rendered["from"], rendered["size"]) == (0, 3)
    answer = read_template_hits.fn(settings, films, name, {"query": "investigation", "size": 3})
    assert answer.hits[0].id == "the-silence-of-the-lambs"
    assert remove_template.fn(settings, name)
    assert not remove_template.fn(settings, name)


def test_a_strangers_template_is_never_touched(settings, name, changes):
    connect(settings).put_script(id=name, script={"lang": "mustache", "source": {"query": {"match_all": {}}}})
    made = changes()
    with pytest.raises(NotOurs):
        ensure_template.fn(settings, name, search_template(FIELD, "model"))
    with pytest.raises(NotOurs):
        remove_template.fn(settings, name)
    assert changes() == made
    connect(settings).delete_script(id=name)


def test_a_template_that_is_not_there_is_not_found(settings):
    with pytest.raises(NotFound):
        read_rendered_template.fn(settings, "nobody", {})
