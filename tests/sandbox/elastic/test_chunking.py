"""Chunking of texts: sizes, overlaps, offsets. Without a server."""

import itertools

import pytest

from sandbox.elastic import chunking
from sandbox.elastic.errors import Refusal

TEXT = "One two three. Four five six seven. Eight nine. " * 5


def pieces(text, **settings):
    return [text[start:end] for start, end in chunking.read(settings).spans(text)]


def test_sentences_fill_a_chunk_and_the_last_one_is_repeated():
    found = pieces(TEXT, strategy="sentence", max_chunk_size=20, sentence_overlap=1)
    assert all(len(piece.split()) <= 20 for piece in found)
    assert all(
        after.startswith(before.strip().rsplit(". ", 1)[-1]) for before, after in itertools.pairwise(found)
    )
    assert found[-1].rstrip().endswith("Eight nine.")


def test_without_overlap_the_chunks_are_the_text():
    assert "".join(pieces(TEXT, strategy="sentence", max_chunk_size=20, sentence_overlap=0)) == TEXT
    assert "".join(pieces(TEXT, strategy="word", max_chunk_size=10, overlap=0)) == TEXT


def test_a_sentence_that_is_too_long_is_cut_between_words():
    found = pieces("word " * 95, strategy="sentence", max_chunk_size=20, sentence_overlap=1)
    assert [len(piece.split()) for piece in found] == [20, 20, 20, 20, 15]


def test_words_overlap():
    text = " ".join(str(number) for number in range(25))
    found = pieces(text, strategy="word", max_chunk_size=10, overlap=4)
    assert [piece.split()[0] for piece in found] == ["0", "6", "12", "18"]
    assert found[-1].split()[-1] == "24"


@pytest.mark.parametrize("strategy", [{"strategy": "none"}, {}])
def test_a_blank_text_has_no_chunks_and_a_short_one_has_one(strategy):
    assert pieces(" \n", **strategy) == []
    assert pieces("No. Yes.", **strategy) == ["No. Yes."]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"strategy": "page"}, "Invalid chunkingStrategy page"),
        (
            {"strategy": "word", "max_chunk_size": 10, "overlap": 6},
            r"\[overlap\] must be a less than or equal to \[5\]",
        ),
        ({"strategy": "word", "max_chunk_size": 10}, r"required setting \[overlap\]"),
        (
            {"strategy": "sentence", "max_chunk_size": 50, "overlap": 1},
            r"can not have the following settings: \[overlap\]",
        ),
        ({"strategy": "sentence", "max_chunk_size": "50"}, "is no integer"),
    ],
    ids=str,
)
def test_settings_that_are_not_allowed_are_refused(settings, problem):
    with pytest.raises(Refusal, match=problem):
        chunking.read(settings)
