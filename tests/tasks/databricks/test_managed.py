"""Delta Sync indexes whose texts the service embeds, on both kinds of endpoints, and the files of texts that they are built from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import numpy as np
import pytest

from sandbox.databricks import server as servers
from sandbox.databricks.managed import AT_ONCE, DIMENSIONS
from sandbox.databricks.options import DatabricksOptions
from sandbox.databricks.serving import EMBEDDING_ENDPOINT
from sandbox.databricks.tables.catalog import WAREHOUSE
from sandbox.models.serving import ModelStart
from sandbox.ports import bound
from tasks.calls import ServiceRefused
from tasks.databricks.endpoints import ensure_endpoint, wait_for_endpoint
from tasks.databricks.index_lifecycle import ensure_index, wait_for_index
from tasks.databricks.searches import Query, find, read_vector
from tasks.databricks.serving import wait_for_embedder
from tasks.databricks.settings import DatabricksSettings
from tasks.databricks.source_tables import apply_table_rows, ensure_table
from tasks.databricks.specs import IndexSpec
from tasks.databricks.syncs import SyncFailed, wait_for_sync
from tasks.databricks.texts import MOST_TEXT_BYTES, TextSource, read_validated_texts
from tasks.databricks.verification import verify_texts
from tasks.errors import CannotChangeInPlace, GateNotMet, InvalidInput
from tasks.json_lines import BadLine
from tasks.waiting import Deadline

ROWS = AT_ONCE + 8
ANIMALS = ("heron", "otter", "lynx", "adder", "stoat")


def by_words(texts, _):
    """A vector of length one for each text, near to those of texts with the same words: what tests need of a model."""
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    for row, text in enumerate(texts):
        for word in text.lower().split():
            vectors[row, int(hashlib.sha256(word.encode()).hexdigest(), 16) % DIMENSIONS] += 1
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """A workspace in this process: `workspace(fails=True)`; returns its settings."""
    monkeypatch.setattr(servers, "embedded", by_words)
    monkeypatch.setenv("VECTOR_SEARCH_HOME", str(tmp_path / "home"))
    running = []

    def of(**start):
        options = DatabricksOptions(clock_factor=20_000, write_delay=0.02, model_start=ModelStart(**start))
        server = servers.DatabricksServer(tmp_path, options, bound(), "")
        server.start()
        running.append(server)
        return DatabricksSettings(
            host=server.url, catalog_schema="main.default", token="dapi0", warehouse_id=WAREHOUSE
        )

    yield of
    for server in running:
        server.stop()


@pytest.fixture
def file(tmp_path):
    """Writes JSON lines: `file([{...}])`; by default 40 notes on animals."""

    def of(rows=None):
        notes = [
            {"id": number, "text": f"note {number} on the {ANIMALS[number % 5]}", "year": 1990 + number, "unused": 1}
            for number in range(ROWS)
        ]  # fmt: skip
        path = tmp_path / "notes.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in (notes if rows is None else rows)))
        return TextSource(data=str(path), text_column="text", columns=("year",))

    return of


@pytest.fixture
def built(file):
    """Begins an index as a build does: `built(settings, "STANDARD")`; returns its source, what was validated, and the index."""

    def of(settings, kind, *, name="notes"):
        deadline, source = Deadline.after(minutes=1), file()
        validated, types = read_validated_texts.fn(source)
        spec = IndexSpec(
            name=name, index_type="DELTA_SYNC", dimensions=0, data_columns=types, embed_with=EMBEDDING_ENDPOINT, endpoint_type=kind
        )  # fmt: skip
        ensure_endpoint.fn(
            settings, name, spec=spec.spec, content=validated.content, has_index=False, deadline=deadline, kind=kind
        )  # fmt: skip
        wait_for_endpoint.fn(settings, name, deadline)
        ensure_table.fn(settings, spec, deadline)
        apply_table_rows.fn(settings, spec, source, validated.content, deadline)
        ensure_index.fn(settings, spec, deadline)
        return source, spec, wait_for_index.fn(settings, name, deadline)

    return of


@pytest.mark.parametrize("kind", ["STANDARD", "STORAGE_OPTIMIZED"])
def test_the_service_embeds_texts_and_queries_and_an_index_on_either_endpoint_shows_its_columns(
    workspace, built, kind
):
    settings, deadline = workspace(), Deadline.after(minutes=1)
    assert wait_for_embedder.fn(settings, EMBEDDING_ENDPOINT, deadline) == DIMENSIONS
    source, spec, _ = built(settings, kind)
    index = wait_for_sync.fn(settings, "notes", ROWS, deadline)
    assert (index.embed_with, index.text_column, index.data_columns) == (
        EMBEDDING_ENDPOINT,
        "text",
        ("year",),
    )
    near, words = Query(text="note 6 on the otter", num_results=1, columns=("text", "year")), "note 7 lynx"
    assert [found.id for found in find(settings, index, replace(near, how="ANN"))] == ["6"]
    filters = {"year": 2001} if kind == "STANDARD" else "year = 2001"
    (only,) = find(settings, index, replace(near, how="ANN", filters=filters))
    assert (only.id, only.data["year"]) == ("11", 2001)
    for how in ("HYBRID", "FULL_TEXT"):
        best = find(settings, index, Query(text=words, how=how, num_results=1))[0]
        assert best.id == "7", how
    assert verify_texts.fn(settings, index, source, deadline, rows=ROWS, least=1.0) == 1.0
    assert not ensure_index.fn(settings, spec, deadline).changed
    with pytest.raises(CannotChangeInPlace, match="text_column"):
        ensure_index.fn(settings, spec.model_copy(update={"text_column": "plot"}), deadline)
    for query in (Query(vector=(1.0,) * DIMENSIONS), Query(text="x", how="ANN", vector=(1.0,))):
        with pytest.raises(InvalidInput, match="The service embeds the rows and the queries"):
            find(settings, index, query)
    with pytest.raises(InvalidInput, match="the service's own"):
        read_vector.fn(settings, index, "7")


def test_texts_that_do_not_find_their_own_row_fail_the_gate(workspace, built, file):
    settings, deadline = workspace(), Deadline.after(minutes=1)
    built(settings, "STANDARD")
    index = wait_for_sync.fn(settings, "notes", ROWS, deadline)
    others = file([{"id": f"other-{number}", "text": f"note {number}"} for number in range(ROWS)])
    with pytest.raises(GateNotMet, match="find their own row"):
        verify_texts.fn(settings, index, others, deadline, rows=ROWS, least=0.9)


def test_a_model_that_never_starts_fails_the_pipeline_and_one_that_does_not_embed_is_refused(
    workspace, built
):
    settings, deadline = workspace(fails=True), Deadline.after(minutes=1)
    with pytest.raises(Exception, match="OFFLINE_FAILED"):
        built(settings, "STANDARD")
    with pytest.raises(SyncFailed):
        wait_for_sync.fn(settings, "notes", ROWS, deadline)
    unknown = IndexSpec(
        name="notes", index_type="DELTA_SYNC", dimensions=0, version="0" * 12, embed_with="gte"
    )
    ensure_table.fn(settings, unknown, deadline)
    with pytest.raises(ServiceRefused, match="The given endpoint does not exist"):
        ensure_index.fn(settings, unknown, deadline)


def test_equal_texts_have_equal_content_and_whole_numbers_become_floats_beside_others(file):
    rows = [
        {"id": 1, "text": "a", "year": 1},
        {"id": "b", "text": "b", "year": 1.5},
        {"id": "c", "text": "c"},
    ]
    found, types = read_validated_texts.fn(file(rows))
    assert (found.rows, types) == (3, (("year", "double"),))
    assert read_validated_texts.fn(file([{**row, "unused": 2} for row in rows]))[0] == found
    assert read_validated_texts.fn(file([*rows[:2], {"id": "c", "text": "d"}]))[0].content != found.content


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"id": 2, "plot": "a"},
            "The field text is missing.*or in another that text_column names; this line has id and plot",
        ),
        ({"id": 2, "text": "  "}, "The field text has no text"),
        ({"id": 2, "text": ["a"]}, "The field text has no text"),
        ({"text": "a"}, "The id is missing"),
        ({"id": "x" * 129, "text": "a"}, "This id is too long"),
        ({"id": 2, "text": "x" * (MOST_TEXT_BYTES + 1)}, "too long to be embedded"),
        ({"id": 2, "text": "a", "year": True}, "cannot be a column's"),
        ({"id": 2, "text": "a", "year": "1990"}, "another type than those before"),
        ({"id": 1, "text": "a"}, "This id is that of line 1"),
    ],
)
def test_a_line_that_does_not_fit_is_named(file, row, said):
    with pytest.raises(BadLine, match=said) as refused:
        read_validated_texts.fn(file([{"id": 1, "text": "a", "year": 1}, row]))
    assert "line 2 of" in str(refused.value)


def test_a_specification_with_vectors_has_the_hash_that_it_had_before_there_were_texts():
    spec = IndexSpec(name="films", dimensions=8, data_columns=(("year", "long"),))
    assert (
        spec.spec
        == spec.model_copy(update={"text_column": "plot", "endpoint_type": "STORAGE_OPTIMIZED"}).spec
    )
    managed = spec.model_copy(update={"embed_with": "gte", "dimensions": 0})
    assert managed.spec != managed.model_copy(update={"embed_with": "bge"}).spec
