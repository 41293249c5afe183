"""Analyzers: the documentation's examples, and the fast path for ASCII against the library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.elastic.documents import analysis


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        (
            "The 2 QUICK Brown-Foxes jumped over the lazy dog's bone.",
            ["the", "2", "quick", "brown", "foxes", "jumped", "over", "the", "lazy", "dog's", "bone"],
        ),
        ("don't 3.14 e.g. 1,000", ["don't", "3.14", "e.g", "1,000"]),
        ("either/or well-known snake_case", ["either", "or", "well", "known", "snake_case"]),
        ("___ -- ...", []),
        ("l'objectif d'accord", ["l'objectif", "d'accord"]),
        ("aujourd\u2019hui \u00e0 l\u2019\u00e9cole", ["aujourd\u2019hui", "\u00e0", "l\u2019\u00e9cole"]),
        ("Ünïcode 東京 タワー 안녕", ["ünïcode", "東", "京", "タワー", "안녕"]),
        ("", []),
    ],
    ids=[
        "the documentation's",
        "marks inside",
        "marks between",
        "marks only",
        "apostrophe",
        "curly",
        "scripts",
        "none",
    ],
)
def test_the_standard_analyzer_splits_words_as_documented(text, terms):
    assert analysis.standard(text) == terms


def test_terms_longer_than_255_characters_are_split():
    assert [len(term) for term in analysis.standard("a" * 600)] == [255, 255, 90]


@given(st.text(alphabet="aZ19_.,:;'\"- /\n\t@#", max_size=20))
def test_the_fast_path_for_ascii_finds_the_same_words_as_the_library(text):
    assert analysis.standard(text) == analysis.segmented(text)
