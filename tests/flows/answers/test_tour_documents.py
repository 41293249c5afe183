"""A tour copies its documents into a folder of their own, which nothing leads out of, and leaves other knowledge bases alone."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from flows.answers.tour import TourOptions, collect, refuse_others
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
