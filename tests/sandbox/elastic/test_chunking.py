"""Chunking of texts: sizes, overlaps, offsets. Without a server."""

import itertools
import re

import pytest

from sandbox.elastic.chunking import settings as chunking
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
    separators = {"strategy": "recursive", "max_chunk_size": 10, "separators": ["\\. ", "e"]}
    assert "".join(pieces(TEXT, **separators)) == TEXT


def test_a_sentence_that_is_too_long_is_cut_between_words():
    found = pieces("word " * 95, strategy="sentence", max_chunk_size=20, sentence_overlap=1)
    assert [len(piece.split()) for piece in found] == [20, 20, 20, 20, 15]


def test_words_overlap():
    text = " ".join(str(number) for number in range(25))
    found = pieces(text, strategy="word", max_chunk_size=10, overlap=4)
    assert [piece.split()[0] for piece in found] == ["0", "6", "12", "18"]
    assert found[-1].split()[-1] == "24"


TEN = "This is a test sentence that has ten total words. "
# The cases of RecursiveChunkerTests.java: size, separators after each sentence, how many sentences each chunk has.
SEPARATED = [
    (10, ["\n\n", ""], [1, 1]),
    (20, ["\n\n", "\n\n", ""], [2, 1]),
    (15, ["\t", "\n\n", "\t", ""], [1, 1, 1, 1]),
    (25, ["\t", "\n\n", "\t", ""], [2, 2]),
    (10, ["", "\n\n", "", ""], [1, 1, 1, 1]),
]


@pytest.mark.parametrize(("size", "after", "sentences"), SEPARATED)
def test_separators_begin_chunks_and_neighbors_that_fit_are_one(size, after, sentences):
    text = "".join(TEN + each for each in after)
    found = pieces(text, strategy="recursive", max_chunk_size=size, separators=["\n\n", "\t"])
    assert [piece.count("This is") for piece in found] == sentences
    assert "".join(found) == text
    assert all(piece.startswith(("This", "\n\n", "\t")) for piece in found)


def test_the_headings_of_markdown_begin_chunks():
    text = f"Before.\n# One\n{TEN}\n## Two\n{TEN}{TEN}\n## Three\n{TEN}"
    found = pieces(text, strategy="recursive", max_chunk_size=22, separator_group="markdown")
    assert [piece.strip().splitlines()[0] for piece in found] == ["Before.", "# One", "## Two", "## Three"]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({}, chunking.DEFAULT),
        ({"strategy": "NONE"}, {"strategy": "none"}),
        ({"strategy": "sentence", "max_chunk_size": 20}, {**chunking.DEFAULT, "max_chunk_size": 20}),
        (
            {"strategy": "recursive", "max_chunk_size": 20},
            {
                "strategy": "recursive",
                "max_chunk_size": 20,
                "separators": [r"(?<!\n)\n\n(?!\n)", r"(?<!\n)\n(?!\n)"],
            },
        ),
    ],
    ids=str,
)
def test_settings_are_shown_in_full(given, shown):
    assert chunking.read(given).shown() == shown


@pytest.mark.parametrize("strategy", [{"strategy": "none"}, {}])
def test_a_blank_text_has_no_chunks_and_a_short_one_has_one(strategy):
    assert pieces(" \n", **strategy) == []
    assert pieces("No. Yes.", **strategy) == ["No. Yes."]


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"strategy": "page"}, "Invalid chunkingStrategy page"),
        ({"max_chunk_size": 20}, "Can't generate Chunker without ChunkingStrategy provided"),
        (
            {"strategy": "word", "max_chunk_size": 10, "overlap": 6},
            "1: [chunking_settings] Invalid value [6.0]. [overlap] must be a less than or equal to [5.0];",
        ),
        (
            {"strategy": "word", "max_chunk_size": 10, "overlap": 0},
            "[chunking_settings] Invalid value [0]. [overlap] must be a positive integer",
        ),
        ({"strategy": "word", "max_chunk_size": 10}, "does not contain the required setting [overlap]"),
        (
            {"strategy": "sentence", "max_chunk_size": 10, "overlap": 1},
            "settings: [overlap];2: [chunking_settings] Invalid value [10.0]. [max_chunk_size] must be a greater",
        ),
        (
            {"strategy": "sentence", "max_chunk_size": "50"},
            "field [max_chunk_size] is not of the expected type. The value [50] cannot be converted to a [Integer]",
        ),
        (
            {"strategy": "sentence", "max_chunk_size": 50, "sentence_overlap": 2},
            "1: sentence_overlap[2] must be either 0 or 1;",
        ),
        (
            {"strategy": "recursive", "max_chunk_size": 50, "separator_group": "html"},
            "[chunking_settings] Invalid value [html] received. [separator_group] must be one of [markdown, plaintext]",
        ),
        (
            {"strategy": "recursive", "max_chunk_size": 50, "separators": []},
            "1: Recursive chunking settings can not have an empty list of separators;",
        ),
        (
            {
                "strategy": "recursive",
                "max_chunk_size": 50,
                "separators": ["a"],
                "separator_group": "markdown",
            },
            "Recursive chunking settings can not have both separators and separator_set",
        ),
        (
            {"strategy": "recursive", "max_chunk_size": 50, "separators": ["\\p{L}"]},
            "the sandbox reads separators as regular expressions of Python: [\\p{L}] is none",
        ),
    ],
    ids=str,
)
def test_settings_that_are_not_allowed_are_refused(settings, problem):
    with pytest.raises(Refusal, match=re.escape(problem)):
        chunking.read(settings)
