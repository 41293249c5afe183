"""The functions of a `function_score` query: weights, and the value of a field. Others are refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search.matches import Context, Matches
from sandbox.elastic.search.query_bodies import listed, mapped, number
from sandbox.elastic.search.searcher import Array

_BODY = {"query", "functions", "score_mode", "boost_mode", "max_boost", "min_score", "boost", "_name"}
_KINDS = {"field_value_factor"}


def _log_after(offset: float, values: Array) -> Array:
    return np.log10(values + offset)


def _ln_after(offset: float, values: Array) -> Array:
    return np.log(values + offset)


def _unchanged(values: Array) -> Array:
    return values


_MODIFIERS: dict[str, Callable[[Array], Array]] = {
    "none": _unchanged,
    "log": np.log10,
    "log1p": partial(_log_after, 1),
    "log2p": partial(_log_after, 2),
    "ln": np.log,
    "ln1p": partial(_ln_after, 1),
    "ln2p": partial(_ln_after, 2),
    "square": np.square,
    "sqrt": np.sqrt,
    "reciprocal": np.reciprocal,
}
_COMBINED = ("multiply", "sum", "avg", "first", "max", "min")
_BOOSTED = ("multiply", "replace", "sum", "avg", "max", "min")


@dataclass(frozen=True)
class Function:
    """One function: for the documents that its filter matches, its value times its weight."""

    filter: Mapping[str, Any] | None
    weight: float
    field: Mapping[str, Any] | None


def read(body: Mapping[str, Any]) -> list[Function]:
    """The functions of a body.

    Raises:
        Refusal: a parameter or a function is not imitated.
    """
    for parameter in body:
        if parameter not in _BODY | _KINDS | {"weight"}:
            raise search_errors.NOT_SUPPORTED.refusal(query="function_score", parameter=parameter)
    for name, known in (("score_mode", _COMBINED), ("boost_mode", _BOOSTED)):
        if body.get(name, "multiply") not in known:
            raise search_errors.BAD_VALUE.refusal(where="function_score", parameter=name, value=body[name])
    given = body.get("functions")
    if given is None:
        given = (
            [{name: body[name] for name in ("weight", *_KINDS) if name in body}]
            if set(body) & {"weight", *_KINDS}
            else []
        )
    return [_function(each) for each in listed("function_score", "functions", given)]


def _function(given: Mapping[str, Any]) -> Function:
    for parameter in mapped("function_score", "functions", given):
        if parameter not in {"filter", "weight"} | _KINDS:
            raise search_errors.NOT_SUPPORTED.refusal(query="function_score", parameter=parameter)
    if "weight" not in given and not set(given) & _KINDS:
        problem = "failed to parse [function_score] query. an entry in functions list is missing a function."
        raise search_errors.QUERY_BODY.refusal(problem=problem)
    return Function(
        given.get("filter"),
        number("function_score", "weight", given.get("weight", 1.0)),
        None
        if given.get("field_value_factor") is None
        else mapped("function_score", "field_value_factor", given["field_value_factor"]),
    )


def applied(
    context: Context,
    body: Mapping[str, Any],
    found: Matches,
    functions: Sequence[Function],
    masks: Sequence[Array | None],
) -> Matches:
    """The matches with their new scores (FunctionScoreQuery.java).

    Raises:
        Refusal: a field has no value in a document, or a parameter is invalid.
    """
    factor = _combined(context, body.get("score_mode", "multiply"), found, functions, masks)
    if body.get("max_boost") is not None:
        factor = np.minimum(factor, number("function_score", "max_boost", body["max_boost"]))
    scores, mode = found.scores.astype(np.float64), body.get("boost_mode", "multiply")
    if functions:
        scores = {
            "multiply": scores * factor,
            "replace": factor,
            "sum": scores + factor,
            "avg": (scores + factor) / 2,
            "max": np.maximum(scores, factor),
            "min": np.minimum(scores, factor),
        }[mode]
    mask = found.mask
    if body.get("min_score") is not None:
        mask = mask & (scores >= number("function_score", "min_score", body["min_score"]))
    return Matches(mask, np.where(mask, scores, 0).astype(np.float32))


def _combined(
    context: Context, mode: str, found: Matches, functions: Sequence[Function], masks: Sequence[Array | None]
) -> Array:
    """The factor of each document; 1 where no function applies."""
    size = context.searcher.size
    applies = np.array([found.mask if mask is None else mask & found.mask for mask in masks], bool).reshape(
        len(masks), size
    )
    values = np.array(
        [_values(context, each, mask) for each, mask in zip(functions, applies, strict=True)], np.float64
    )
    values = values.reshape(len(functions), size)
    some = applies.any(axis=0)
    if mode == "multiply":
        result = np.where(applies, values, 1).prod(axis=0)
    elif mode == "first":
        result = values[applies.argmax(axis=0), np.arange(size)] if len(values) else np.ones(size)
    elif mode in ("max", "min"):
        edge = -np.inf if mode == "max" else np.inf
        result = getattr(np.where(applies, values, edge), mode)(axis=0, initial=edge)
    else:
        result = np.where(applies, values, 0).sum(axis=0)
        if mode == "avg":
            # Weighted by the weights, as in the service.
            weights = np.array([each.weight for each in functions])[:, None] * applies
            total = weights.sum(axis=0)
            result = np.divide(result, total, out=np.ones(size), where=total != 0)
    return np.where(some, result, 1.0)


def _values(context: Context, function: Function, applies: Array) -> Array:
    if function.field is None:
        return np.full(context.searcher.size, function.weight)
    options = function.field
    for parameter in options:
        if parameter not in ("field", "factor", "modifier", "missing"):
            raise search_errors.NOT_SUPPORTED.refusal(query="field_value_factor", parameter=parameter)
    modifier = str(options.get("modifier", "none")).lower()
    if modifier not in _MODIFIERS or not isinstance(options.get("field"), str):
        raise search_errors.BAD_VALUE.refusal(
            where="field_value_factor", parameter="modifier", value=modifier
        )
    values, present = context.searcher.extremes(options["field"], largest=False)
    if "missing" in options:
        values = np.where(present, values, number("field_value_factor", "missing", options["missing"]))
    elif (applies & ~present).any():
        raise search_errors.QUERY_SHARD.refusal(
            problem=f"Missing value for field [{options['field']}]", metadata=context.searcher.index.metadata
        )
    known = np.where(applies, values, 1).astype(np.float64)
    changed = _MODIFIERS[modifier](known * number("field_value_factor", "factor", options.get("factor", 1.0)))
    return changed * function.weight
