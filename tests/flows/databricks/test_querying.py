"""Queries, measurements, checks, changes and teardowns of an index, as commands."""

from __future__ import annotations

import json

import pytest

from tests.flows.engine_commands import seen
from tests.polling import until

pytestmark = pytest.mark.slow
COLUMNS = ("--data-columns", "genre", "year")


@pytest.fixture(scope="module")
def films():
    """Names an index of this module's own, built by the first test that asks for it."""
    return "films"


@pytest.fixture
def service(service, build, films):
    if service.index(films) is None:
        build(service, *COLUMNS, name=films)
    return service


@pytest.fixture
def query(service, command, found, films):
    """The ids that a query finds: `query("--datapoint-id", 7)`."""

    def of(*options):
        told = json.loads(command(service, "query", *options, "--json", name=films).out)
        assert told["facts"] == found("query", films)
        return [each["id"] for each in told["results"]]

    return of


@pytest.mark.core
def test_queries_say_their_score_and_obey_filters_and_thresholds(query, found, films):
    assert query("--datapoint-id", 7, "--num-results", 3)[0] == "7"
    best = found("query", films)["found"][0]
    assert best == {"id": "7", "score": 1.0, "data": {"genre": "Crime", "year": 1907}}
    crime = query("--datapoint-id", 7, "--filters", '{"genre": "Crime", "year <": 1910}')
    assert sorted(crime) == ["1", "4", "7"]
    assert query("--datapoint-id", 7, "--score-threshold", 1) == ["7"]
    assert query("--datapoint-id", 7, "--filters", '{"genre": "Western"}') == []


def test_queries_by_words_and_by_both_say_their_score(query, found, films):
    crime = query("--text", "crime", "--text-columns", "genre", "--num-results", 100)
    assert set(crime) == {str(row) for row in range(1, 300, 3)}
    assert found("query", films)["score"] == "text score"
    fused = query("--text", "crime", "--datapoint-id", 7, "--num-results", 200)
    assert int(fused[0]) % 3 == 1, "a crime film, and near"
    assert len(fused) == 200
    assert found("query", films)["score"] == "fused rank"


def test_a_query_that_does_not_fit_is_refused_in_one_paragraph(service, command, films):
    for options, told in (
        ((), "There is nothing to search for"),
        (("--datapoint-id", 7, "--vector", 1), "Give at most one of"),
        (("--datapoint-id", "absent"), "There is no such row: 'absent'"),
    ):
        assert told in command(service, "query", *options, name=films, code=2).error


def test_a_filter_that_the_service_does_not_understand_is_told_in_its_words(service, command, films):
    words = ("--datapoint-id", 7, "--filters", '{"plot": "C"}')
    assert "Filter column plot" in command(service, "query", *words, name=films, code=1).error


def test_recall_below_the_gate_fails_and_changes_nothing(service, command, found, films, data, other_data):
    writes = service.writes
    command(service, "verify", "--data", data, "--min-recall", 1, name=films)
    assert found("verify", films)["recall"]["recall"] == 1.0
    error = command(service, "verify", "--data", other_data, name=films, code=1).error
    assert "recall@10 of index films is 0." in error
    assert service.writes == writes


def test_a_check_says_what_an_index_needs_and_what_there_is(service, run, films):
    told = seen(run(service, "databricks", "check", "--target", "sandbox", "--json"))
    assert "login: ok: person@sandbox.example" in told
    assert "schema main.default: ok: exists, with USE_SCHEMA, CREATE_TABLE" in told
    assert f"{films} (in use)" in told
    assert "SQL warehouse for source tables: ok: sandbox, RUNNING" in told


def test_a_teardown_leaves_nothing_of_the_name_and_all_of_others(service, build, command, name, films):
    build(service)
    asked = command(service, "teardown", code=2).error
    assert f"index {service.full_name(name)} with 300 rows; its endpoint" in asked
    assert service.index(name) is not None
    before = len(service.writes)
    command(service, "teardown", "--yes")
    assert (service.index(name), service.endpoint(name)) == (None, None)
    assert service.made_since(before) == ["delete_index", "delete_endpoint"]
    assert service.index(films) is not None
    writes = service.writes
    assert "Nothing to do" in command(service, "teardown", "--yes").err
    assert service.writes == writes


def test_rows_are_upserted_found_and_removed(service, build, command, found, name, tmp_path):
    build(service, *COLUMNS)
    file = tmp_path / "new.jsonl"
    far = [50.0 + number for number in range(8)]
    lines = [{"id": id_, "genre": "Western", "embedding": far} for id_ in (7, "NEW/1")]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command(service, "upsert-datapoints", "--file", file)
    service.shows(name, 301)
    assert service.rows(name)["7"]["year"] is None, "a row is replaced as a whole"
    told = build(service, *COLUMNS).out
    assert "the file has 300 rows: others were added or removed since" in told
    command(service, "query", "--datapoint-id", "NEW/1", "--filters", '{"genre": "Western"}')
    assert {each["id"] for each in found()["found"]} == {"7", "NEW/1"}

    command(service, "remove-datapoints", "--ids", 7, "NEW/1", "absent")
    assert found("remove-datapoints")["removed"] == 2
    service.shows(name, 299)

    for wrong, part in (({"embedding": [1, 2]}, "another length"), ({"year": "x"}, "another type"), ({"plot": "x"}, "no such column")):  # fmt: skip
        file.write_text(json.dumps(lines[0] | wrong) + "\n")
        writes = service.writes
        error = command(service, "upsert-datapoints", "--file", file, code=2).error
        assert "line 1 of" in error
        assert part in error
        assert service.writes == writes


def test_rows_are_not_changed_while_a_build_is_unfinished(service, build, command, kill, name):
    service.fault("vector_search_indexes.upsert_data_vector_index", "stall", "before")
    begun = build(service, begun=True)
    until(lambda: f"index {name}: ONLINE" in begun.err or begun.has_ended, "the index")
    kill(begun)
    error = command(service, "remove-datapoints", "--ids", 7, code=1).error
    assert "is not loaded completely" in error


def test_an_index_is_listed_with_its_rows_and_its_state(listed, service, films):
    (index,) = listed(service, films)
    assert (index["kind"], index["holds"], index["hourly"]) == ("index", "300 rows", None)
    assert index["serves"] == f"{service.full_name(films)}, ONLINE_DIRECT_ACCESS"
    assert index["since"].startswith("20")
