"""Indexes whose texts the service embeds, as commands."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.slow
TEXTS = {
    "leave": "Everybody has thirty-one days of leave in a year.",
    "taxi": "A taxi is paid for after ten in the evening.",
    "hens": "The hens of the farm are fed at six in the morning.",
}


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "texts.jsonl"
    file.write_text(
        "".join(json.dumps({"id": id_, "text": text, "year": 2000}) + "\n" for id_, text in TEXTS.items())
    )
    return file


def test_texts_are_embedded_by_the_service_asked_for_by_text_and_a_second_build_changes_nothing(
    service, build, command, found, name, data
):
    words = ("--index-type", "DELTA_SYNC", "--embed-with", "multilingual-e5-small", "--data-columns", "year")
    told = build(service, *words, "--endpoint-type", "STORAGE_OPTIMIZED")
    assert "1.00 find their own row" in told.out
    writes = service.writes
    again = build(service, *words)
    assert "Nothing to do" in again.err
    assert "1.00 found their own row when they were loaded; the model is not asked again" in again.out
    command(service, "query", "--text", "When do chickens eat?", "--num-results", 1, "--columns", "text")
    assert found("query")["found"][0]["data"]["text"] == TEXTS["hens"]
    assert found("query")["score"] == "score"
    command(service, "query", "--text", "taxi", "--query-type", "FULL_TEXT", "--filters", "year >= 1999")
    assert [each["id"] for each in found("query")["found"]] == ["taxi"]
    error = command(service, "query", "--datapoint-id", "taxi", code=2).error
    assert "The vectors of this index are the service's own" in error
    command(service, "verify", "--data", data, "--k", 1, "--queries", 2)
    assert found("verify")["texts_found"] == 1.0
    error = build(service, *words[:3], "gte", code=1).error
    assert "embed_with='multilingual-e5-small', but 'gte' was requested" in error
    error = build(service, *words[2:], code=2).error
    assert "The service embeds the texts of a source table" in error
    assert service.writes == writes
    command(service, "teardown", "--yes")
    assert service.index(name) is None
