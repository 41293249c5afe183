"""What an index of passages differs in from its documents, each kind by its name."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from tasks.answers.chunks import Chunks, Splitting, cut
from tasks.answers.documents.documents import Document
from tasks.elastic.connection.clients import connect
from tasks.elastic.indices.indices import ensure_index
from tasks.elastic.passages.reading import verify_passages
from tasks.elastic.passages.specs import Embedders, as_document, passage_index
from tasks.errors import GateNotMet

DENSE = Embedders(dense="e5")
TEXT = "\n\n".join(
    f"## Leave of {who}\n\n{who} have {days} days of leave in a year, and take them."
    for who, days in (("Carers", 36), ("Clerks", 31), ("Cooks", 33))
)


@pytest.fixture
def written(settings, name):
    """Writes passages into an index with two embeddings: `written(chunks, without=chunk.id)` gives the index."""

    def write(chunks, without=""):
        made_from = Chunks(chunks=tuple(chunks), documents=1, splitting=Splitting(size=100), others=())
        spec = passage_index(name, made_from, DENSE, replicas=0)
        ensure_index.fn(settings, spec)
        for chunk in chunks:
            vector = {} if chunk.id == without else {"passage_vector": [1.0, 0.0]}
            document = orjson.loads(as_document(chunk, vector).text)
            connect(settings).index(index=spec.name, id=chunk.id, document=document)
        connect(settings).indices.refresh(index=spec.name)
        return spec.name

    return write


@pytest.fixture
def chunks():
    return cut(Document(id="leave.md", title="Leave", text=TEXT), Splitting(size=100))


def differences(settings, index, chunks):
    with pytest.raises(GateNotMet) as refused:
        verify_passages.fn(settings, index, chunks, DENSE.fields)
    return refused.value.facts["differences"], str(refused.value)


def test_an_index_that_holds_its_documents_agrees_and_texts_that_occur_twice_are_counted(
    settings, written, chunks
):
    repeated = cut(Document(id="more.md", title="More", text=TEXT), Splitting(size=100))
    found = verify_passages.fn(settings, written(chunks + repeated), chunks + repeated, DENSE.fields)
    assert (found.found, found.repeated, found.differences) == (2 * len(chunks), len(chunks), "")


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("missing", lambda chunks: [*chunks, replace(chunks[0], id="f" * 32, start=900)]),
        ("stale", lambda chunks: [replace(chunks[0], readers=("hr",)), *chunks[1:]]),
        ("orphaned", lambda chunks: chunks[1:]),
    ],
)
def test_each_kind_of_difference_is_counted_and_named(settings, written, chunks, kind, wanted):
    counts, said = differences(settings, written(chunks), wanted(chunks))
    assert counts == {"missing": 0, "stale": 0, "orphaned": 0, "without an embedding": 0} | {kind: 1}
    assert f"1 {kind}" in said


def test_a_passage_that_is_half_embedded_is_named(settings, written, chunks):
    counts, said = differences(settings, written(chunks, without=chunks[0].id), chunks)
    assert counts["without an embedding"] == 1
    assert f"{chunks[0].id}: never tried" in said
