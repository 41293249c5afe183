"""`script_score` for exact nearest neighbors: the scripts over vectors that the reference shows, and no other painless.

They compare the query's vector with the stored ones, whatever the index has quantized (reference, "Script score query", vector functions).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sandbox.elastic import errors
from sandbox.elastic.errors import Refusal
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import number
from sandbox.elastic.search.query_kinds.vector_queries import measured
from sandbox.elastic.search.scoring import java_float
from sandbox.elastic.search.searcher import Array

_BODY = {"query", "script", "min_score", "boost", "_name"}
_ARGUMENTS = r"\( params\.(?P<param>\w+) , (?P<quote>['\"])(?P<field>[^'\"]+)(?P=quote) \)"
_NUMBER = r"(?P<added>\d+(?:\.\d*)?)"


def _pattern(template: str) -> re.Pattern[str]:
    """Of a script with one call; spaces in a template stand for any."""
    text = template.replace(" ", r"\s*").replace(
        "CALL", r"(?P<function>\w+)\s*" + _ARGUMENTS.replace(" ", r"\s*")
    )
    return re.compile(rf"\s*(?:return\s+)?{text}\s*;?\s*")


def _logistic(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def _positive(values: Array) -> Array:
    return np.where(values < 0, 1 / (1 - np.minimum(values, 0)), values + 1)


_SCRIPTS: tuple[tuple[re.Pattern[str], Callable[[Array, float], Array]], ...] = (
    (_pattern(rf"CALL \+ {_NUMBER}"), lambda values, added: values + added),
    (_pattern("CALL"), lambda values, added: values + 0 * added),
    (_pattern(rf"1 / \( {_NUMBER} \+ CALL \)"), lambda values, added: 1 / (added + values)),
    (
        _pattern(r"double value = CALL ; return sigmoid \( 1 , Math\.E , -value \)"),
        lambda values, _: _logistic(values),
    ),
    (
        _pattern(r"double value = CALL ; return value < 0 \? 1 / \( 1 - value \) : value \+ 1"),
        lambda values, _: _positive(values),
    ),
)
_FUNCTIONS = {"cosineSimilarity": "cosine", "dotProduct": "dot_product", "l2norm": "l2_norm"}


@dataclass(frozen=True)
class Script:
    """A script that is imitated."""

    function: str
    field: str
    vector: list[float]
    added: float
    score: Callable[[Array, float], Array]


def read(body: Mapping[str, Any]) -> Script:
    """The script of a body.

    Raises:
        Refusal: a parameter is unknown or missing, or the script is none of those that are imitated.
    """
    for parameter in body:
        if parameter not in _BODY:
            raise search_errors.NOT_SUPPORTED.refusal(query="script_score", parameter=parameter)
    for parameter in ("query", "script"):
        if not isinstance(body.get(parameter), Mapping):
            raise search_errors.REQUIRED.refusal(query="script_score", what=f"a [{parameter}]")
    given: Mapping[str, Any] = body["script"]
    source, params = given.get("source"), given.get("params") or {}
    for pattern, score in _SCRIPTS:
        found = pattern.fullmatch(str(source))
        if found and found["function"] in _FUNCTIONS:
            named = found.groupdict()
            vector = params.get(named["param"])
            if not isinstance(vector, list):
                raise search_errors.BAD_VALUE.refusal(
                    where="script_score", parameter=named["param"], value=vector
                )
            numbers = [number("script_score", named["param"], each) for each in vector]
            return Script(named["function"], named["field"], numbers, float(named.get("added") or 0), score)
    raise search_errors.SCRIPT_NOT_IMITATED.refusal(source=source)


def applied(context: Context, body: Mapping[str, Any], found: Matches, boost: float) -> Matches:
    """The documents of a query with the scores of a script.

    Raises:
        Refusal: the field holds no vectors or one of these documents has none, the vector does not fit, or a score is negative.
    """
    script = read(body)
    field = context.searcher.index.fields.get(script.field)
    if context.is_checked_only:
        return context.none()
    if field is None or field.type != "dense_vector":
        problem = (
            f"No field found for [{script.field}] in mapping"
            if field is None
            else f"Field [{script.field}] is no [dense_vector]"
        )
        raise _failed(problem)
    documents, matrix = context.searcher.vectors(script.field)
    has = np.zeros(context.searcher.size, bool)
    has[documents] = True
    if (found.mask & ~has).any():
        raise _failed("A document doesn't have a value for a vector field!")
    if not len(documents):
        return found
    if matrix.shape[1] != len(script.vector):
        problem = f"The query vector has a different number of dimensions [{len(script.vector)}] than the document vectors [{matrix.shape[1]}]."
        raise _failed(problem)
    raw = measured(_FUNCTIONS[script.function], "float", np.array(script.vector, np.float32), matrix)
    raw = np.sqrt(raw) if script.function == "l2norm" else raw
    scores = np.zeros(context.searcher.size, np.float32)
    scores[documents] = script.score(raw.astype(np.float64), script.added).astype(np.float32)
    negative = np.flatnonzero(found.mask & (scores < 0))
    if len(negative):
        problem = (
            f"script_score script returned an invalid score [{java_float(float(scores[negative[0]]))}] for doc [{negative[0]}]. "
            "Must be a non-negative score!"
        )
        raise errors.ILLEGAL_ARGUMENT.refusal(problem=problem)
    mask = found.mask
    if body.get("min_score") is not None:
        mask = mask & (scores >= number("script_score", "min_score", body["min_score"]))
    return Matches(mask, np.where(mask, scores * np.float32(boost), np.float32(0)))


def _failed(problem: str) -> Refusal:
    """A script that fails while it runs, with why."""
    return search_errors.SCRIPT.refusal(cause=errors.ILLEGAL_ARGUMENT.refusal(problem=problem))
