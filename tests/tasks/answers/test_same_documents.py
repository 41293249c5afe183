"""The same documents, however they are cut, are the same; any other text, title, reader or document is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tasks.answers.chunks import Splitting, cut, read_chunks
from tasks.answers.documents.documents import Document
from tasks.answers.evaluation.same_documents import refuse_other_documents
from tasks.errors import InvalidInput

HANDBOOK = Path(__file__).parents[3] / "sandbox" / "data" / "handbook"
TEXT = (
    "# Leave\n\nEverybody has thirty-one days.\n\n## Carers\n\n### Who is one\n\n"
    + "Carers have five more days. " * 12
)


def chunks(text=TEXT, *, size=100, overlap=0, document="leave.md", **changed):
    made = Document(id=document, title="Leave", text=text, readers=changed.get("readers", ()))
    return cut(replace(made, **changed), Splitting(size=size, overlap=overlap))


def refuse(first, other):
    refuse_other_documents(
        first, other, names=("handbook", "handbook-300"), source="--compare name=handbook-300"
    )


@pytest.mark.parametrize(("size", "overlap"), [(100, 0), (300, 100), (8000, 0)])
def test_the_handbook_is_the_same_however_it_is_cut(size, overlap):
    first, other = (
        read_chunks.fn(HANDBOOK, Splitting(size=each, overlap=over)).chunks
        for each, over in ((1000, 0), (size, overlap))
    )
    refuse(first, other)
    refuse(other, first)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (chunks(TEXT.replace("thirty-one", "thirty-two"), size=300), "leave.md (another text)"),
        (chunks(TEXT.replace("## Carers", "## Nurses"), size=8000), "leave.md (another text)"),
        (chunks(f"{TEXT}\n\nAnd a last word.", size=300), "leave.md (another text)"),
        (chunks(TEXT[:-60], size=300), "leave.md (another text)"),
        (chunks(readers=("hr",)), "leave.md (other readers)"),
        (chunks(title="Holidays"), "leave.md (another title)"),
        (chunks() + chunks(document="more.md"), "more.md (only in handbook-300)"),
        (chunks(document="more.md"), "leave.md (only in handbook), more.md (only in handbook-300)"),
    ],
)  # fmt: skip
def test_what_differs_is_named_with_the_reason(other, said):
    with pytest.raises(InvalidInput, match="handbook-300 differs from handbook") as refused:
        refuse(chunks(size=1000), other)
    assert refused.value.value == said
    assert refused.value.source == "--compare name=handbook-300"


def test_of_many_documents_the_first_are_named_and_the_others_counted():
    with pytest.raises(InvalidInput, match=r"1\.md.*2\.md.*3\.md .* and 2 others"):
        refuse([], [one for number in range(1, 6) for one in chunks(document=f"{number}.md")])
