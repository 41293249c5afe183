"""Searches, measurements, checks and teardowns of a collection, as commands."""

from __future__ import annotations

import json

import pytest

from tests.flows.engine_commands import seen

pytestmark = pytest.mark.slow
COLUMNS = ("--data-columns", "genre", "year", "plot")


@pytest.fixture(scope="module")
def films():
    """Names a collection of this module's own, built by the first test that asks for it."""
    return "films"


@pytest.fixture
def service(service, build, films):
    if service.collection(films) is None:
        build(service, *COLUMNS, name=films)
    return service


@pytest.fixture
def query(service, command, found, films):
    """The ids that a query finds: `query("--text", "space")`."""

    def of(*options):
        told = json.loads(command(service, "query", *options, "--json", name=films).out)
        assert told["facts"] == found("query", films)
        return [each["id"] for each in told["results"]]

    return of


@pytest.mark.core
def test_queries_by_vector_words_and_both_obey_filters_and_say_their_score(query, found, films):
    assert "7" in query("--data-object-id", 7, "--top-k", 10)
    assert found("query", films)["score"] == "dot product"
    crime = query("--data-object-id", 7, "--filter", '{"genre": {"$eq": "Crime"}, "year": {"$lt": 1910}}')
    assert sorted(crime) == ["1", "4", "7"]
    assert set(query("--text", "detective thief", "--text-fields", "plot", "--top-k", 3)) <= {
        str(row) for row in range(1, 300, 3)
    }
    assert found("query", films)["score"] == "text score"
    assert found("query", films)["found"][0]["data"]["genre"] == "Crime"
    alone = query("--data-object-id", 7, "--top-k", 300)
    fused = query(
        "--data-object-id", 7, "--text", "night", "--text-fields", "plot", "--weights", 1, 100, "--top-k", 1
    )
    assert fused != alone[:1]
    assert int(fused[0]) % 3 == 2
    assert found("query", films)["score"] == "fused rank"


UNFIT = [
    (("--semantic-text", "space"), ["has no embedding model", "--embedding-model"]),
    (("--text", "space", "--text-fields", "plots"), ["'plots'", "genre, plot, year"]),
    (("--vector", 1, 2), ["another number of dimensions", "2", "Accepted: 8"]),
    (("--data-object-id", 7, "--filter", "[1]"), ["This filter cannot be read", "[1]"]),
    (("--data-object-id", 7, "--filter", '{"a": 1, "a": 2}'), ["This filter cannot be read"]),
    ((), ["There is nothing to search for"]),
    (("--data-object-id", 7, "--text", "a", "--text-fields", "plot", "--weights", 1), ["weights", "2, in"]),
]


def test_a_search_that_does_not_fit_is_refused_in_one_paragraph(service, command, films):
    begun = [(command(service, "query", *options, name=films, begun=True), parts) for options, parts in UNFIT]
    for refused, parts in begun:
        assert refused.code == 2, refused.err
        for part in parts:
            assert part in refused.error


def test_a_filter_that_the_service_does_not_understand_is_told_in_its_words(service, command, films):
    words = ("--data-object-id", 7, "--filter", '{"genre": {"$like": "C"}}')
    assert "$like is not an operator" in command(service, "query", *words, name=films, code=1).error


def test_a_search_by_meaning_goes_to_the_model_of_the_collection(service, build, command, name):
    model = ("--embedding-model", "gemini-embedding-001", "--text-template", "{plot}")
    build(service, *COLUMNS, *model)
    config = service.collection(name).vector_schema["embedding"].dense_vector.vertex_embedding_config
    assert (config.model_id, config.text_template, config.task_type.name) == (
        "gemini-embedding-001", "{plot}", "RETRIEVAL_DOCUMENT"
    )  # fmt: skip
    error = command(service, "query", "--semantic-text", "space", code=1).error
    assert "the embedding model of the field 'embedding'" in error, "the stand-in has none"


def test_recall_below_the_gate_fails_and_changes_nothing(service, command, found, films, data, other_data):
    writes = service.writes
    command(service, "verify", "--data", data, "--min-recall", 1, name=films)
    assert found("verify", films)["recall"]["recall"] == 1.0
    error = command(service, "verify", "--data", other_data, name=films, code=1).error
    assert "recall@10 of collection films is 0." in error
    assert service.writes == writes


def test_a_check_says_what_a_collection_needs(service, run):
    told = seen(run(service, "vertex-collections", "check", "--target", "sandbox", "--json"))
    assert "Vector Search 2.0 answers in us-central1: ok: yes" in told


def test_a_teardown_leaves_nothing_of_the_name_and_all_of_others(service, build, command, name, films):
    build(service, "--load", "import")
    asked = command(service, "teardown", code=2).error
    assert f"collections/{name} with all data objects; index" in asked
    assert service.collection(name) is not None
    command(service, "teardown", "--yes")
    assert service.collection(name) is None
    assert service.files_of(name) == {}
    assert service.collection(films) is not None
    writes = service.writes
    assert "Nothing to do" in command(service, "teardown", "--yes").err
    assert service.writes == writes


def test_a_teardown_does_not_take_the_index_of_others_along(service, build, command, name):
    build(service, "--index", "none")
    theirs = {"index_field": "embedding"}
    service.collections.collections.create_index(
        parent=service.parent(name), index_id="theirs", index=theirs
    ).result(timeout=60)
    writes = service.writes
    error = command(service, "teardown", "--yes", code=1).error
    assert "indexes that this project did not make" in error
    assert "indexes/theirs" in error
    assert service.writes == writes


UNBUILT = [
    (("--data-columns", "genres"), ["genres", "plot"]),
    (("--filter-fields", "year"), ["no data field", "'year'"]),
    (("--min-replicas", 4, "--max-replicas", 3), ["--max-replicas", "4 or more"]),
    (("--embedding-model", "m"), ["text template"]),
    (("--vector-field", "a b"), ["letters, digits, underscores and dashes"]),
    (("--ids-from", "plot"), ["row 0 of", "far from home", "36 bytes"]),
]


def test_what_no_collection_can_be_built_from_is_refused_before_anything_is_created(
    service, build, name, vectors
):
    file = vectors("plots.hdf5", plot=[f"a lonely crew in space {row}, far from home" for row in range(300)])
    writes = service.writes
    begun = [
        (build(service, *options, data=file, name=f"{name}-{number}", begun=True), parts)
        for number, (options, parts) in enumerate(UNBUILT)
    ]
    for number, (refused, parts) in enumerate(begun):
        assert refused.code == 2, refused.err
        for part in parts:
            assert part in refused.error
        assert service.collection(f"{name}-{number}") is None
    assert service.writes == writes


def test_data_objects_are_upserted_found_and_removed_by_the_ids_of_the_data(
    service, build, command, found, name, tmp_path
):
    build(service, *COLUMNS)
    file = tmp_path / "new.jsonl"
    far = [50.0 + number for number in range(8)]
    lines = [
        {"id": id_, "data": {"genre": "Western", "year": 1960}, "embedding": far} for id_ in (7, "NEW_1")
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command(service, "upsert-data-objects", "--file", file)
    assert found("upsert-data-objects")["data_objects"] == 301
    assert "the file has 300 rows: others were added or removed since" in build(service, *COLUMNS).out
    command(service, "query", "--data-object-id", "NEW_1", "--filter", '{"genre": {"$eq": "Western"}}')
    assert {each["id"] for each in found()["found"]} == {"7", "NEW_1"}
    assert dict(service.data_objects(name)["id-7"].data) == {"genre": "Western", "year": 1960}, (
        "no plot any more"
    )

    command(service, "remove-data-objects", "--ids", 7, "NEW_1", "absent")
    assert found("remove-data-objects")["data_objects"] == 299
    assert not {"id-7", "b32-jzcvoxzr"} & service.data_objects(name).keys()

    file.write_text(json.dumps(lines[0] | {"embedding": [1, 2]}) + "\n")
    writes = service.writes
    error = command(service, "upsert-data-objects", "--file", file, code=2).error
    assert "line 1 of" in error
    assert service.writes == writes


def test_a_collection_is_listed_with_its_data_objects_and_its_index(listed, service, films):
    (collection,) = listed(service, films)
    assert (collection["engine"], collection["kind"]) == ("vertex-collections", "collection")
    assert collection["holds"].endswith(" data objects")
    assert collection["serves"].startswith("index ")
