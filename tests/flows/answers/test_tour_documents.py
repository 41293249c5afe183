"""A tour copies its documents into a folder of their own, which nothing leads out of, and leaves other knowledge bases alone."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from flows.answers.tour import MOST_CHUNKS, MOST_GLOSSES, TourOptions, collect, refuse_many, refuse_others
from tasks.errors import InvalidInput


@pytest.fixture
def collected(tmp_path):
    """Collects from a folder with three documents: `collected(take=("a.md",))` returns the names of the copies."""
    source, folder = tmp_path / "docs", tmp_path / "home" / "tour"
    source.mkdir()
    for name in ("a.md", "b.md", "c.txt"):
        (source / name).write_text("Text.")
    (tmp_path / "secret.md").write_text("A secret.")

    def collect_them(documents=source, **given):
        options = TourOptions(
            name="tour", target="sandbox", documents=str(documents), questions="q.jsonl", **given
        )
        collect(options, folder)
        return sorted(file.name for file in folder.iterdir())

    return collect_them


def test_all_documents_are_taken_or_those_that_are_named(collected):
    assert collected() == ["a.md", "b.md"]
    assert collected(take=("b.md", "c.txt")) == ["b.md", "c.txt"]


@pytest.mark.parametrize("file", ["c.md", "../secret.md", "."])
def test_only_documents_of_the_folder_are_taken_and_nothing_is_copied_elsewhere(collected, tmp_path, file):
    with pytest.raises(InvalidInput, match="no such document") as refused:
        collected(take=("a.md", file))
    assert refused.value.source == f"--take, in {tmp_path / 'docs'}"
    assert not (tmp_path / "home").exists()


def test_a_folder_without_documents_is_named(collected, tmp_path):
    for folder in (tmp_path / "home", tmp_path / "nowhere"):
        with pytest.raises(InvalidInput, match="no folder with Markdown files") as refused:
            collected(folder)
        assert refused.value.value == str(folder)


def passages(*texts):
    return SimpleNamespace(chunks=tuple(SimpleNamespace(id=text) for text in texts))


@pytest.mark.parametrize(
    ("there", "is_refused"), [(None, False), (("a", "b"), False), (("a",), True), (("a", "c"), True)]
)
def test_a_knowledge_base_that_no_tour_has_left_is_not_replaced(there, is_refused):
    class Holder:
        def read(self, *_):
            return there

        def all_passages(self, *_):
            return passages(*there).chunks

    with pytest.raises(InvalidInput, match="would replace") if is_refused else nullcontext():
        refuse_others(Holder(), None, "elastic", "handbook", passages("a", "b"))


def test_what_a_tour_would_not_embed_in_time_is_refused_with_what_each_document_has():
    def chunks(**documents):
        return [SimpleNamespace(document=name) for name, count in documents.items() for _ in range(count)]

    glosses = [SimpleNamespace(document=f"glosses.jsonl#{number}") for number in range(MOST_GLOSSES)]
    refuse_many(chunks(teams=4, versions=MOST_CHUNKS - 4) + glosses)
    with pytest.raises(
        InvalidInput, match=r"too many chunks for a tour: 21 .*at most 20.*teams: 4, versions: 17"
    ):
        refuse_many(chunks(teams=4, versions=MOST_CHUNKS - 3))
    with pytest.raises(ValidationError, match="less than or equal to 250"):
        TourOptions(
            name="tour", target="sandbox", documents="d", questions="q", most_glosses=MOST_GLOSSES + 1
        )
