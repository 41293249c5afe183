"""What a version on Vertex AI differs in from its documents, in the bucket and in the index, each kind by its name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tasks.answers.chunks import Splitting, cut
from tasks.answers.documents.documents import Document
from tasks.errors import GateNotMet
from tasks.vertex.connection.clients import connect
from tasks.vertex.imports.buckets import ensure_bucket
from tasks.vertex.imports.passage_files import write_file
from tasks.vertex.passages import writing
from tasks.vertex.passages.reading import verify_passages
from tasks.vertex.passages.specs import packed, text_line
from tasks.vertex.passages.writing import apply_passages
from tasks.waiting import Deadline

NAME, VERSION, BEFORE = "agreement", "0" * 12, "1" * 12
TEXT = "\n\n".join(
    f"## Leave of {who}\n\n{who} have {days} days of leave in a year, and take them."
    for who, days in (("Carers", 36), ("Clerks", 31), ("Cooks", 33))
)
CHUNKS = cut(Document(id="leave.md", title="Leave", text=TEXT), Splitting(size=100))


@pytest.fixture(scope="session")
def version(settings, serve, tmp_path_factory):
    """A version in the bucket, and an index of it."""
    file = tmp_path_factory.mktemp("passages") / "passages.jsonl"
    ensure_bucket.fn(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            writing, "embed_directions", lambda _, texts, __: np.eye(2, dtype=np.float32)[[0] * len(texts)]
        )
        apply_passages.fn(
            settings, NAME, VERSION, CHUNKS, None, Deadline.after(minutes=1), previous="", import_file=file
        )  # fmt: skip
    blob = connect(settings).storage.bucket(settings.bucket_name).blob("agreement/data.json")
    blob.upload_from_string(file.read_bytes())
    uri = f"gs://{settings.bucket_name}/agreement"
    return replace(serve("public", dimensions=2, uri=uri, method="BATCH_UPDATE"), name=NAME)


def test_a_version_that_holds_its_documents_agrees_and_says_what_cannot_be_seen(settings, version):
    found = verify_passages.fn(settings, version, VERSION, CHUNKS)
    assert (found.found, found.differences) == (len(CHUNKS), "")
    assert "cannot be seen" in found.unseen


def differences(settings, version, wanted):
    with pytest.raises(GateNotMet) as refused:
        verify_passages.fn(settings, version, VERSION, wanted)
    return {kind: count for kind, count in refused.value.facts["differences"].items() if count}


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("missing", [*CHUNKS, replace(CHUNKS[0], id="f" * 32, start=900)]),
        ("stale", [replace(CHUNKS[0], readers=("hr",)), *CHUNKS[1:]]),
        ("orphaned", CHUNKS[1:]),
    ],
    ids=["missing", "stale", "orphaned"],
)
def test_each_kind_of_difference_is_counted(settings, version, kind, wanted):
    assert differences(settings, version, wanted) == {kind: 1}


def test_a_vector_that_is_not_the_one_that_was_stored_is_found(settings, version):
    path = f"{VERSION}/vectors-{CHUNKS[0].id}.json"
    ids = [chunk.id for chunk in CHUNKS]
    stored = packed(ids, np.eye(2, dtype=np.float32)[[0] * len(ids)])
    write_file(settings, NAME, path, packed(ids, np.eye(2, dtype=np.float32)[[1, *[0] * (len(ids) - 1)]]))
    try:
        assert differences(settings, version, CHUNKS) == {"without an embedding": 1}
    finally:
        write_file(settings, NAME, path, stored)


def test_what_an_earlier_version_left_in_the_index_is_orphaned(settings, version):
    texts = f"{VERSION}/texts-00000.jsonl"
    whole = b"".join(map(text_line, CHUNKS))
    write_file(settings, NAME, f"{BEFORE}/texts-00000.jsonl", whole)
    write_file(settings, NAME, texts, b"".join(map(text_line, CHUNKS[1:])))
    try:
        assert differences(settings, version, CHUNKS[1:]) == {"orphaned": 1}
    finally:
        write_file(settings, NAME, texts, whole)
