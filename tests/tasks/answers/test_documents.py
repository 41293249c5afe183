"""Files to documents: what each format holds, who may read it, and what is refused before anything is created."""

from __future__ import annotations

import errno
import os

import pytest

from tasks.answers.chunks import MOST_CHUNKS, Splitting, read_chunks
from tasks.answers.documents.folders import documents, read_folder
from tasks.answers.documents.markdown import read_markdown
from tasks.errors import InvalidInput


def pdf(*pages):
    """A PDF with these lines of text, one a page."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{' '.join(f'{4 + 2 * n} 0 R' for n in range(len(pages)))}] >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for number, line in enumerate(pages):
        content = f"BT /F1 12 Tf 72 720 Td ({line}) Tj ET".encode()
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> >>".encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1, table, len(objects) + 1, len(out),
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A folder with these files: `folder({"a.md": "# A"})`."""

    def of(files):
        for name, content in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return tmp_path

    return of


def read(folder):
    return {document.id: document for document in documents(read_folder(folder))}


def test_every_format_gives_its_text_title_and_readers(folder):
    html = """<html><head><title>Leave &amp; pay</title><meta name="readers" content="hr, legal"><style>p {}</style></head>
    <body><nav>Home</nav><h2>Leave</h2><p>Thirty <b>days</b> a&nbsp;year.</p><ul><li>Ask early</li></ul>
    <script>alert("no")</script><table><tr><td>2026</td><td>30</td></tr></table></body></html>"""
    found = read(
        folder(
            {
                "a.md": "---\ntitle: Handbook\nreaders: [legal, hr, hr]\n---\n# First\r\n\r\nText.\n",
                "b/c.markdown": "\ufeff# Its heading\n\nText.",
                "d.html": html,
                "e.txt": "Plain.",
                "f.pdf": pdf("On the first page.", "On the second."),
                "g.jsonl": '{"id": 1, "text": "One."}\n\n{"id": "two", "title": "Two", "text": "2", "readers": ["hr"]}\n',
                "logo.png": b"\x89PNG",
                ".hidden.md": "No.",
                ".git/x.md": "No.",
            }
        )
    )
    assert list(found) == ["a.md", "b/c.markdown", "d.html", "e.txt", "f.pdf", "g.jsonl#1", "g.jsonl#two"]
    assert (found["a.md"].title, found["a.md"].readers) == ("Handbook", ("hr", "legal"))
    assert found["a.md"].text == "# First\n\nText.\n"
    assert (found["b/c.markdown"].title, found["b/c.markdown"].readers) == ("Its heading", ())
    assert (found["d.html"].title, found["d.html"].readers) == ("Leave & pay", ("hr", "legal"))
    assert found["d.html"].text == "## Leave\n\nThirty days a year.\n\n- Ask early\n\n2026 | 30"
    assert found["e.txt"].text == "Plain."
    second = found["f.pdf"].text.index("On the second")
    assert (found["f.pdf"].page(0), found["f.pdf"].page(second)) == (1, 2)
    assert (found["g.jsonl#two"].title, found["g.jsonl#two"].readers) == ("Two", ("hr",))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.md", b"\xff\xfe", "not UTF-8 at byte 1"),
        ("a.md", "---\nreaders: everybody\n---\nText.", "not a list of readers: 'everybody'"),
        ("a.md", "---\nreaders: []\n---\nText.", "not a list of readers"),
        ("a.md", "---\nreaders: [1]\n---\nText.", "not a list of readers: 1"),
        ("a.md", "---\nreaders: [a\n---\nText.", "front matter is not YAML"),
        ("a.md", "---\n- a\n---\nText.", "front matter holds no fields"),
        ("a.md", "---\ntitle: Empty\n---\n \n", "has no text"),
        ("a.html", '<meta name="readers" content=" , "><p>Text.</p>', "not a list of readers"),
        ("a.txt", "a\0b", "contains NUL"),
        ("a.pdf", b"%PDF-1.4 nothing else", "cannot be read"),
        ("a.pdf", pdf(""), "has no text, only pictures"),
        ("a.jsonl", '{"id": 1, "text": "One."}\n{"id": 1, "text": "Two."}', "occurred before: 1"),
        ("a.jsonl", '{"id": 1, "text": 2}', "line 1"),
        ("a.jsonl", '{"text": "No id."}', "field id is missing"),
        ("a.jsonl", '{"id": "1", "text": ["x"]}', "no text: ['x']"),
        ("a.jsonl", '{"id": 1, "text": "One."} more', "cannot be used"),
        ("a.jsonl", "[1]", "row is no object"),
        ("a.png", b"\x89PNG", "no documents in this folder"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_reason(folder, name, content, said):
    with pytest.raises(InvalidInput) as refused:
        read(folder({name: content}))
    assert said in str(refused.value)
    assert name in str(refused.value) or name == "a.png"


def test_a_link_that_leads_out_of_the_folder_is_refused(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.md"
    secret.write_text("A secret.")
    there = folder({"a.md": "Text."})
    (there / "b.md").symlink_to(secret)
    with pytest.raises(InvalidInput, match="leads out of the folder"):
        read(there)


TEXT = """# Leave

Everybody has thirty days.

## How to ask

Ask early. Ask your manager first, then write it down.

```
# not a heading
```

## Sick leave

"""


def test_chunks_know_their_headings_and_where_they_are(folder):
    there = folder({"leave.md": TEXT + "Stay at home. " * 30})
    found = read_chunks.fn(there, Splitting(size=100))
    text = read(there)["leave.md"].text
    assert {chunk.heading for chunk in found.chunks} == {"Leave", "Leave > How to ask", "Leave > Sick leave"}
    for chunk in found.chunks:
        assert text[chunk.start : chunk.end] == chunk.text
        assert len(chunk.text) <= 100
    assert len({chunk.id for chunk in found.chunks}) == len(found.chunks) > 4
    assert found.chunks[0].passage.startswith("Leave\n\n")


def test_a_paragraph_inserted_above_changes_the_ids_of_nothing_else(folder):
    before = read_chunks.fn(folder({"leave.md": TEXT + "Stay at home."}), Splitting(size=200))
    longer = TEXT.replace(
        "## How", "Carers have five more days than everybody else, which they must ask for.\n\n## How"
    )
    after = read_chunks.fn(folder({"leave.md": longer + "Stay at home."}), Splitting(size=200))
    ids = {chunk.id for chunk in before.chunks}
    assert len(ids & {chunk.id for chunk in after.chunks}) >= len(ids) - 1
    assert before.content != after.content


def test_readers_and_offsets_are_part_of_the_content_and_the_same_folder_has_the_same(folder):
    plain = read_chunks.fn(folder({"a.md": "Text."}), Splitting())
    assert read_chunks.fn(folder({"a.md": "Text."}), Splitting()).content == plain.content
    secret = read_chunks.fn(folder({"a.md": "---\nreaders: [hr]\n---\nText."}), Splitting())
    assert [chunk.id for chunk in secret.chunks] == [chunk.id for chunk in plain.chunks]
    assert secret.content != plain.content


def test_another_title_is_another_passage_since_the_title_is_embedded_too(folder):
    old = read_chunks.fn(folder({"a.md": "---\ntitle: Leave\n---\nText."}), Splitting()).chunks[0]
    new = read_chunks.fn(folder({"a.md": "---\ntitle: Notice\n---\nText."}), Splitting()).chunks[0]
    assert (old.passage, new.passage) == ("Leave\n\nText.", "Notice\n\nText.")
    assert old.id != new.id


@pytest.mark.parametrize(
    "part",
    ["x", "word ", "A line of text.\n", "A paragraph.\n\n", "# Part\n\nOne.\n\n## Inner\n\nTwo.\n\n"],
    ids=("one word", "one line", "lines", "paragraphs", "headings"),
)
def test_a_long_document_is_cut_part_by_part_and_nothing_is_lost(folder, monkeypatch, part):
    monkeypatch.setattr("tasks.answers.chunks.CUT_AT_ONCE", 1_000)
    text = part * (5_000 // len(part)) + "The end."
    found = read_chunks.fn(folder({"a.md": text}), Splitting(size=100)).chunks
    assert all(text[chunk.start : chunk.end] == chunk.text and len(chunk.text) <= 100 for chunk in found)
    assert "".join("".join(chunk.text for chunk in found).split()) == "".join(text.split())
    assert {chunk.heading for chunk in found} <= {"", "Part", "Part > Inner"}


def test_too_many_chunks_are_refused(folder, monkeypatch):
    monkeypatch.setattr("tasks.answers.chunks.MOST_CHUNKS", 3)
    assert MOST_CHUNKS > 3
    with pytest.raises(InvalidInput, match="more than 3 chunks"):
        read_chunks.fn(folder({"a.md": "A sentence of a certain length. " * 40}), Splitting(size=100))


def test_an_overlap_of_more_than_half_is_refused():
    with pytest.raises(ValueError, match="more than half"):
        Splitting(size=100, overlap=60)


@pytest.mark.parametrize(
    "text",
    [
        "\n---\nreaders: [hr]\n---\n# Salaries\n\nThe lowest.\n",
        "---\ntitle: Salaries\nreaders: [hr]\n...\n\nThe lowest.\n",
        "---\r\nreaders : [hr]\r\n\r\nThe lowest.\r\n",
    ],
    ids=["after a blank line", "ends with dots", "never ends"],
)
def test_what_only_looks_like_a_front_matter_with_readers_is_refused_and_not_published(tmp_path, text):
    path = tmp_path / "salaries.md"
    with pytest.raises(InvalidInput, match="everybody could read"):
        read_markdown(path, text.encode(), "salaries.md")


def test_a_line_across_the_page_and_the_word_readers_later_are_text(tmp_path):
    (document,) = read_markdown(tmp_path / "a.md", b"\n---\n\nreaders: a word\n", "a.md")
    assert document.readers == ()


def test_a_folder_within_that_cannot_be_read_is_refused_and_its_documents_are_not_left_out(
    tmp_path, monkeypatch
):
    (tmp_path / "a.md").write_text("Text.")
    (tmp_path / "locked").mkdir()
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("locked"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(InvalidInput, match=r"cannot be read \(Permission denied\).*locked"):
        read_folder(tmp_path)


def test_a_name_that_is_too_long_for_a_folder_is_no_folder(tmp_path):
    with pytest.raises(InvalidInput, match="This is no folder"):
        read_folder(tmp_path / ("x" * 300))
