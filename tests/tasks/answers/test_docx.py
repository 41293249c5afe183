"""DOCX: what is read of it and in which order, and which files are refused."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import pytest

from tasks.answers.documents import docx
from tasks.answers.documents.docx import read_docx
from tasks.answers.documents.folders import documents, read_folder
from tasks.errors import InvalidInput

TRANSITIONAL = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
STYLES = '<w:styles xmlns:w="{ns}"><w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style></w:styles>'
PROPERTIES = (
    '<p:coreProperties xmlns:p="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Rules of the house</dc:title><dc:creator>X</dc:creator></p:coreProperties>'
)
BODY = """
<w:p><w:pPr><w:pStyle w:val="berschrift2"/></w:pPr><w:r><w:t>Leave</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">Everybody has </w:t></w:r><w:ins><w:r><w:t>thirty-one</w:t></w:r></w:ins>
<w:del><w:r><w:delText>thirty</w:delText></w:r></w:del><w:r><w:tab/><w:t>days &amp; no more.</w:t></w:r></w:p>
<w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>Ask early</w:t></w:r></w:p>
<w:p/>
<w:tbl><w:tr><w:tc><w:p><w:r><w:t>City</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Hours</w:t></w:r></w:p></w:tc></w:tr>
<w:tr><w:tc><w:p><w:r><w:t>Oslo</w:t></w:r></w:p><w:p><w:r><w:t>centre</w:t></w:r></w:p></w:tc><w:tc><w:p/></w:tc></w:tr></w:tbl>
<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr><w:r><mc:AlternateContent><mc:Choice><w:t>Taxis</w:t></mc:Choice>
<mc:Fallback><w:t>Taxis</w:t></mc:Fallback></mc:AlternateContent><w:instrText>PAGE</w:instrText></w:r></w:p>
"""
TEXT = "## Leave\n\nEverybody has thirty-one days & no more.\n\n- Ask early\n\nCity | Hours\nOslo centre\n\n# Taxis"


def packed(document=None, *, ns=TRANSITIONAL, body=BODY, **parts):
    """The bytes of a DOCX: `packed(document="<xml/>")`, or with one of its parts left out or in other words."""
    wrapped = (
        f'<w:document xmlns:w="{ns}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body>{body}</w:body>'
        "</w:document>"
    )
    found = {"word/document.xml": document or wrapped, "word/styles.xml": STYLES.format(ns=ns), "docProps/core.xml": PROPERTIES} | parts  # fmt: skip
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in found.items():
            if content is not None:
                file.writestr(name, content)
    return out.getvalue()


def read(data):
    return read_docx(Path("rules.docx"), data, "rules.docx")[0]


@pytest.mark.parametrize("ns", [TRANSITIONAL, STRICT])
def test_headings_paragraphs_lists_and_tables_are_read_in_their_order(ns):
    found = read(packed(ns=ns))
    assert found.text == TEXT
    assert (found.title, found.id, found.readers) == ("Rules of the house", "rules.docx", ())


def test_a_document_without_styles_and_properties_has_its_text_and_the_name_of_its_file(tmp_path):
    data = packed(**{"word/styles.xml": None, "docProps/core.xml": None})
    (tmp_path / "rules.docx").write_bytes(data)
    (found,) = documents(read_folder(tmp_path))
    assert found.title == "rules"
    assert found.text == TEXT.replace("## Leave", "Leave")


def test_nested_tables_and_text_boxes_lose_no_text():
    inner = "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>inner</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    table = f"<w:tbl><w:tr><w:tc>{inner}<w:p><w:r><w:t>outer</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
    box = "<w:p><w:r><w:t>before</w:t><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent><w:t>after</w:t></w:r></w:p>"
    assert read(packed(body=table + box)).text == "inner | outer\n\nbefore\n\nbox\n\nafter"


LAUGHS = (
    f'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><w:document xmlns:w="{TRANSITIONAL}"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p>'
    "</w:body></w:document>"
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (packed(document=LAUGHS), "declares a document type"),
        (packed(**{"docProps/core.xml": LAUGHS}), "declares a document type"),
        (packed(document="<w:document"), r"cannot be read \(ExpatError\)"),
        (packed(**{"word/document.xml": None}), "has no word/document.xml"),
        (packed(body="<w:p/>"), "has no text"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "encrypted, or of a Word from before 2007"),
        (b"no zip", r"cannot be read \(BadZipFile\)"),
    ],
)
def test_what_is_no_docx_is_refused_by_its_name(data, said):
    with pytest.raises(InvalidInput, match=said) as refused:
        read(data)
    assert "rules.docx" in str(refused.value)


def test_a_small_zip_that_holds_a_large_part_is_not_unpacked(monkeypatch):
    bomb = packed(body=f"<w:p><w:r><w:t>{'a' * 2_000_000}</w:t></w:r></w:p>")
    assert len(bomb) < 10_000
    monkeypatch.setattr(docx, "MOST_BYTES", 1_000_000)
    with pytest.raises(InvalidInput, match=r"word/document.xml has 2,000,\d+ bytes once it is unpacked"):
        read(bomb)
    monkeypatch.setattr(docx, "MOST_PARTS", 2)
    with pytest.raises(InvalidInput, match="more than 2 parts"):
        read(packed())


def test_a_part_that_is_larger_than_it_declares_is_not_read_further():
    data = packed(body=f"<w:p><w:r><w:t>{'a' * 100_000}</w:t></w:r></w:p>")
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        size = file.getinfo("word/document.xml").file_size.to_bytes(4, "little")
    lying = data.replace(size, (1000).to_bytes(4, "little"))
    assert lying != data
    with pytest.raises(InvalidInput, match="cannot be read"):
        read(lying)


def test_a_damaged_file_is_read_or_refused_wherever_the_damage_is():
    whole = packed()
    for at in range(0, len(whole), 3):
        flipped = (whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :] for mask in (4, 255))
        for data in (whole[:at], *flipped):
            with contextlib.suppress(InvalidInput):
                assert read(data).text
