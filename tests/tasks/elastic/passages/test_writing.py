"""Passages that the index refuses for good."""

import orjson
import pytest

from tasks.answers.chunks import Chunk
from tasks.elastic.data.documents import Document
from tasks.elastic.indices.bulks import Refused
from tasks.elastic.passages import writing
from tasks.elastic.passages.specs import Embedders
from tasks.elastic.passages.writing import PassagesRefused, apply_passages

CHUNK = Chunk(
    id="one", document="a.md", title="", heading="", start=0, end=1, page=None, text="a", readers=()
)  # fmt: skip


def test_passages_that_are_refused_while_they_are_repaired_are_listed_in_the_file(
    settings, name, deadline, tmp_path, monkeypatch
):
    sent, file = [], tmp_path / "refused.jsonl"
    refused = Refused(place="a.md", id="one", status=400, type="document_parsing_exception", reason="no")

    def embed(writer, chunks):
        sent.append(chunks)
        if len(sent) > 1:  # the first time the queue is full, and the passage is stored without its embedding
            writer.refused.keep(Document("a.md", "one", b"{}"), refused)

    monkeypatch.setattr(writing, "seen_hashes", lambda *_: {})
    monkeypatch.setattr(writing, "unembedded", lambda *_: {"one": "the queue is full"})
    monkeypatch.setattr(writing, "refresh", lambda *_: None)
    monkeypatch.setattr(writing._Writer, "embed", embed)
    with pytest.raises(PassagesRefused, match=r"1 passages were refused.*document_parsing_exception: no"):
        apply_passages.fn(
            settings, name, [CHUNK], deadline,
            previous="", embedders=Embedders(), pipeline="", models=None, refused_file=file,
        )  # fmt: skip
    assert sent == [[CHUNK], [CHUNK]]
    assert orjson.loads(file.read_bytes())["id"] == "one"
