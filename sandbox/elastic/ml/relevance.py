"""How relevant a text is to a query: what stands in for `.rerank-v1` and for cross-encoders that were uploaded.

Elastic's reranker is a cross-encoder, which reads query and text together and answers one number, a logit. Its weights cannot be
had here, so E5 stands in: the cosine of its vectors of query and text, moved and stretched into the range of logits. The order of
texts is that of E5, not of Elastic's model.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sandbox.elastic.ml.inference_queue import EmbeddingCache
from sandbox.models.e5 import load_e5
from sandbox.models.embedding import Embedding

_SEPARATOR = "\x1f"
"""Between query and text in one input, as the token [SEP] is in that of a cross-encoder."""
_NEUTRAL, _STRETCH = 0.8, 40.0
"""E5's cosines lie between about 0.7, for texts that have nothing in common, and 0.9: they become logits between -4 and 4."""

_PASSAGES = EmbeddingCache(32 << 20)
"""Vectors of texts, so that another query of the same texts is fast. A cross-encoder, which reads both together, cannot keep any."""


def paired(query: str, text: str) -> str:
    """A query and a text as one input, which the queue of a deployment holds and its cache knows again."""
    return f"{query.replace(_SEPARATOR, ' ')}{_SEPARATOR}{text}"


def relevance(pairs: Sequence[str]) -> list[Embedding]:
    """The answer for each pair: a list of one number, larger for texts that answer the query better.

    Raises:
        ModelMissing: E5 cannot run here.
    """
    split = [pair.split(_SEPARATOR, 1) for pair in pairs]
    queries = list(dict.fromkeys(query for query, _ in split))
    rows = load_e5().embed(queries, "query")[[queries.index(query) for query, _ in split]]
    answers = _of_texts([text for _, text in split])
    cosines = np.einsum("ij,ij->i", rows, np.array([each.value for each in answers], np.float32))
    logits = ((cosines - _NEUTRAL) * _STRETCH).astype(np.float32).astype(str).astype(np.float64).tolist()
    return [
        Embedding([logit], is_truncated=each.is_truncated)
        for logit, each in zip(logits, answers, strict=True)
    ]


def _of_texts(texts: Sequence[str]) -> list[Embedding]:
    """The vectors of texts, which are computed once."""
    found = {text: kept for text in texts if (kept := _PASSAGES.get(text))}
    missing = [text for text in dict.fromkeys(texts) if text not in found]
    for text, answer in zip(missing, load_e5().answers(missing, "passage"), strict=True):
        found[text] = answer
        _PASSAGES.put(text, answer)
    return [found[text] for text in texts]
