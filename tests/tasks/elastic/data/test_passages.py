"""Texts cut into passages, and texts found in documents of any shape. Without a server."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.elastic.data.passages import passages, texts_at


def cut(text, words):
    return list(passages(text, words))


@pytest.mark.parametrize(
    ("text", "words", "found"),
    [
        ("", 3, []),
        (" \n\t ", 3, []),
        ("One two.", 3, ["One two."]),
        ("One two. Three four. Five.", 4, ["One two. Three four.", "Five."]),
        ("One two. Three four.", 3, ["One two.", "Three four."]),
        ("One. Two three four five six seven. Eight.", 3, ["One.", "Two three four", "five six seven.", "Eight."]),
        ("No end here\n\nNext paragraph", 3, ["No end here", "Next paragraph"]),
        ("犬が猫を。猫が。", 5, ["犬が猫を。", "猫が。"]),
        ("x" * 50, 2, ["x" * 40, "x" * 10]),
        ('He said "no." She left.', 3, ['He said "no."', "She left."]),
    ],
    ids=["empty", "blank", "fits", "whole sentences", "one each", "a long sentence", "paragraphs", "no spaces", "one long word", "quotes"],
)  # fmt: skip
def test_a_text_is_cut_into_as_many_whole_sentences_as_fit(text, words, found):
    assert cut(text, words) == found


@given(st.text(alphabet="ab .!?\n犬。\u00a0", max_size=300), st.integers(min_value=1, max_value=12))
def test_nothing_is_lost_and_no_passage_is_longer(text, words):
    found = cut(text, words)
    assert re.sub(r"\s+", "", "".join(found)) == re.sub(r"\s+", "", text)
    assert all(part == part.strip() and part for part in found)
    # A full stop of its own counts as a word; a run of letters that ideographs interrupt is several.
    assert all(len(re.findall(r"[犬。]|[^\s犬。]+", part)) <= words * 2 for part in found)


@pytest.mark.parametrize(
    ("document", "path", "found"),
    [
        ({"a": "x"}, "a", ["x"]),
        ({"a": {"b": "x"}}, "a.b", ["x"]),
        ({"a.b": "x"}, "a.b", ["x"]),
        ({"a": ["x", "y", None]}, "a", ["x", "y"]),
        ({"a": [{"b": "x"}, {"c": 1}, {"b": ["y", 7]}]}, "a.b", ["x", "y", "7"]),
        ({"a": True}, "a", []),
        ({"a": {"b": "x"}}, "a", []),
        ({}, "a", []),
    ],
    ids=["a text", "an object", "dots in the name", "a list", "a list of objects", "a boolean", "an object itself", "absent"],
)  # fmt: skip
def test_texts_are_found_in_documents_of_any_shape(document, path, found):
    assert list(texts_at(document, path)) == found
