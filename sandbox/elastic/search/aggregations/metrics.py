"""Aggregations that are numbers: avg, sum, min, max, stats, percentiles, cardinality and their kin."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sandbox.elastic.indices.mappings import NUMBERS
from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.aggregations.selection import Selection, Values, values
from sandbox.elastic.search.query_bodies import listed, number
from sandbox.elastic.search.searcher import Array

NUMERIC = (*NUMBERS, "date", "boolean")
_PERCENTS = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)


def _single(compute: Callable[[Array], float | None], kind: str) -> Callable[..., dict[str, Any]]:
    def aggregate(selection: Selection, body: Mapping[str, Any]) -> dict[str, Any]:
        found = values(selection, kind, body, NUMERIC)
        value = compute(found.together.astype(np.float64))
        return {"value": value, **_text(found, "value_as_string", value)}

    return aggregate


def _text(found: Values, name: str, value: float | None) -> dict[str, str]:
    text = None if value is None or (found.kind == "boolean" and not _has_text(value)) else found.shown(value)
    return {} if text is None else {name: text}


def _has_text(value: float) -> bool:
    return value in (0, 1)


def average(numbers: Array) -> float | None:
    """The mean; None of nothing."""
    return float(np.mean(numbers)) if len(numbers) else None


def _sum(numbers: Array) -> float:
    return math.fsum(numbers.tolist())


def _min(numbers: Array) -> float | None:
    return float(numbers.min()) if len(numbers) else None


def _max(numbers: Array) -> float | None:
    return float(numbers.max()) if len(numbers) else None


def _deviation(numbers: Array) -> float | None:
    return float(np.median(np.abs(numbers - np.median(numbers)))) if len(numbers) else None


def _count(selection: Selection, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"value": len(values(selection, "value_count", body).together)}


def _cardinality(selection: Selection, body: Mapping[str, Any]) -> dict[str, Any]:
    """Exact; the service counts approximately above `precision_threshold`."""
    parts = [each for each in values(selection, "cardinality", body).values if len(each)]
    return {"value": len(set().union(*(each.tolist() for each in parts)))}


def _stats(selection: Selection, body: Mapping[str, Any]) -> dict[str, Any]:
    found = values(selection, "stats", body, NUMERIC)
    numbers = found.together.astype(np.float64)
    result: dict[str, Any] = {
        "count": len(numbers),
        "min": _min(numbers),
        "max": _max(numbers),
        "avg": average(numbers),
        "sum": _sum(numbers),
    }
    if found.kind == "date":
        for name in ("min", "max", "avg", "sum"):
            result |= _text(found, f"{name}_as_string", result[name])
    return result


def _extended_stats(selection: Selection, body: Mapping[str, Any]) -> dict[str, Any]:
    found = values(selection, "extended_stats", body, NUMERIC)
    numbers, sigma = (
        found.together.astype(np.float64),
        number("extended_stats", "sigma", body.get("sigma", 2.0)),
    )
    result = _stats(selection, {name: value for name, value in body.items() if name != "sigma"})
    count = len(numbers)
    population = float(np.var(numbers)) if count else None
    sampling = float(np.var(numbers, ddof=1)) if count > 1 else None if not count else "NaN"
    deviation = None if population is None else math.sqrt(population)
    deviation_of_sample = math.sqrt(sampling) if isinstance(sampling, float) else sampling
    mean = average(numbers)

    def bound(spread: Any, sign: int) -> Any:
        return spread if spread is None or mean is None or spread == "NaN" else mean + sign * sigma * spread

    return {
        **result,
        "sum_of_squares": float(np.sum(numbers**2)) if count else None,
        "variance": population,
        "variance_population": population,
        "variance_sampling": sampling,
        "std_deviation": deviation,
        "std_deviation_population": deviation,
        "std_deviation_sampling": deviation_of_sample,
        "std_deviation_bounds": {
            "upper": bound(deviation, 1),
            "lower": bound(deviation, -1),
            "upper_population": bound(deviation, 1),
            "lower_population": bound(deviation, -1),
            "upper_sampling": bound(deviation_of_sample, 1),
            "lower_sampling": bound(deviation_of_sample, -1),
        },
    }


def _percentiles(selection: Selection, body: Mapping[str, Any]) -> dict[str, Any]:
    """By linear interpolation, as the service's digest does as long as it holds every value (SortingDigest.java)."""
    found = values(selection, "percentiles", body, NUMERIC)
    wanted = [
        number("percentiles", "percents", each)
        for each in listed("percentiles", "percents", body.get("percents", [*_PERCENTS]))
    ]
    for each in wanted:
        if not 0 <= each <= 100:
            raise aggregation_errors.VALUE.refusal(
                problem=f"percent must be in [0,100], got [{each}]: [{selection.name}]"
            )
    numbers = found.together.astype(np.float64)
    computed = np.percentile(numbers, wanted).tolist() if len(numbers) else [None] * len(wanted)
    return _by_percent(body, wanted, computed, found)


def _percentile_ranks(selection: Selection, body: Mapping[str, Any]) -> dict[str, Any]:
    found = values(selection, "percentile_ranks", body, NUMERIC)
    if not body.get("values"):
        raise aggregation_errors.REQUIRED.refusal(wanted="values")
    wanted = [
        number("percentile_ranks", "values", each)
        for each in listed("percentile_ranks", "values", body["values"])
    ]
    numbers = found.together.astype(np.float64)
    below = [float(np.mean(numbers <= each) * 100) if len(numbers) else None for each in wanted]
    return _by_percent(body, wanted, below, None)


def _by_percent(
    body: Mapping[str, Any], wanted: list[float], computed: list[Any], found: Values | None
) -> dict[str, Any]:
    if body.get("keyed", True) is False:
        return {"values": [{"key": key, "value": value} for key, value in zip(wanted, computed, strict=True)]}
    shown: dict[str, Any] = {}
    for key, value in zip(wanted, computed, strict=True):
        shown[str(key)] = value
        if found is not None and found.kind == "date":
            shown |= _text(found, f"{key}_as_string", value)
    return {"values": shown}


def _top_hits(selection: Selection, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"hits": selection.show({"size": 3, **body}, selection.documents)}


_FIELD = {"field", "missing", "format"}
METRICS: dict[str, tuple[Callable[[Selection, Mapping[str, Any]], dict[str, Any]], set[str] | None]] = {
    "avg": (_single(average, "avg"), _FIELD),
    "cardinality": (_cardinality, _FIELD | {"precision_threshold", "execution_hint"}),
    "extended_stats": (_extended_stats, _FIELD | {"sigma"}),
    "max": (_single(_max, "max"), _FIELD),
    "median_absolute_deviation": (
        _single(_deviation, "median_absolute_deviation"),
        _FIELD | {"compression", "execution_hint"},
    ),
    "min": (_single(_min, "min"), _FIELD),
    "percentile_ranks": (_percentile_ranks, _FIELD | {"values", "keyed", "tdigest", "hdr"}),
    "percentiles": (_percentiles, _FIELD | {"percents", "keyed", "tdigest", "hdr"}),
    "stats": (_stats, _FIELD),
    "sum": (_single(_sum, "sum"), _FIELD),
    "top_hits": (_top_hits, None),
    "value_count": (_count, _FIELD),
}
"""The aggregations without buckets, each with its known parameters; None where they are a search's."""
