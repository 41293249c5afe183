"""The tree of aggregations of a search: read, checked and computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from sandbox.elastic.search.aggregations import buckets, composite, histograms, nesting
from sandbox.elastic.search.aggregations import errors as aggregation_errors
from sandbox.elastic.search.aggregations.metrics import METRICS
from sandbox.elastic.search.aggregations.selection import Selection
from sandbox.elastic.wire.parameters.rules import suggested
from sandbox.elastic.wire.tokens import token

_FIELD = {"field", "missing", "format"}
# What makes no difference here: one shard, exact counts.
_HOW = {"shard_size", "shard_min_doc_count", "execution_hint", "collect_mode"}
_BUCKETS = {
    "composite": (composite.composite, {"sources", "size", "after"}),
    "date_histogram": (
        histograms.date_histogram,
        _FIELD
        | {"calendar_interval", "fixed_interval", "time_zone", "offset", "min_doc_count", "order"}
        | {"keyed", "extended_bounds"},
    ),
    "date_range": (buckets.date_range, _FIELD | {"ranges", "keyed"}),
    "filter": (buckets.filter_, None),
    "filters": (buckets.filters, {"filters", "other_bucket", "other_bucket_key", "keyed"}),
    "global": (buckets.global_, set()),
    "histogram": (
        histograms.histogram,
        _FIELD | {"interval", "offset", "min_doc_count", "order", "keyed", "extended_bounds"},
    ),
    "missing": (buckets.missing, {"field"}),
    "nested": (nesting.nested, {"path"}),
    "range": (buckets.range_, _FIELD | {"ranges", "keyed"}),
    "reverse_nested": (nesting.reverse_nested, {"path"}),
    "terms": (
        buckets.terms,
        _FIELD | _HOW | {"size", "order", "min_doc_count", "include", "exclude"},
    ),
}
_ALL = {**_BUCKETS, **METRICS}
REAL = frozenset(
    f"{name}"
    for name in (
        *("adjacency_matrix", "auto_date_histogram", "categorize_text", "children", "diversified_sampler"),
        *("frequent_item_sets", "geo_distance", "geohash_grid", "geohex_grid", "geotile_grid", "ip_prefix"),
        *("ip_range", "multi_terms", "parent", "random_sampler", "rare_terms"),
        *("sampler", "significant_terms", "significant_text", "time_series", "variable_width_histogram"),
        *("boxplot", "cartesian_bounds", "cartesian_centroid", "geo_bounds", "geo_centroid", "geo_line"),
        *("matrix_stats", "rate", "scripted_metric", "string_stats", "t_test", "top_metrics", "weighted_avg"),
        *("avg_bucket", "bucket_correlation", "bucket_count_ks_test", "bucket_script", "bucket_selector"),
        *("bucket_sort", "change_point", "cumulative_cardinality", "cumulative_sum", "derivative"),
        *("extended_stats_bucket", "inference", "max_bucket", "min_bucket", "moving_fn"),
        *(
            "moving_percentiles",
            "normalize",
            "percentiles_bucket",
            "serial_diff",
            "stats_bucket",
            "sum_bucket",
        ),
    )
)
"""Aggregations of Elasticsearch that are not imitated."""
NAMES = tuple(sorted(_ALL))


def check(tree: Any, parent: str = "aggs", *, is_in_nested: bool = False) -> None:
    """Refuse what cannot be computed, whatever the documents are.

    Raises:
        Refusal: naming the aggregation, its type or parameter.
    """
    if not isinstance(tree, Mapping):
        raise aggregation_errors.NOT_AN_OBJECT.refusal(name=parent, token=token(tree), parent=parent)
    for name, definition in tree.items():
        if set(name) & set("[]>"):
            raise aggregation_errors.NAME.refusal(name=name)
        if not isinstance(definition, Mapping):
            raise aggregation_errors.NOT_AN_OBJECT.refusal(name=name, token=token(definition), parent=parent)
        kind, body, below = _read(name, definition)
        _check_kind(name, kind, body)
        if below and kind in METRICS:
            raise aggregation_errors.NO_CHILDREN.refusal(name=name, kind=kind)
        if kind == "nested" and not isinstance(body.get("path"), str):
            raise aggregation_errors.NO_PATH.refusal(name=name)
        if kind == "reverse_nested" and not is_in_nested:
            raise aggregation_errors.NOT_IN_NESTED.refusal(name=name)
        check(below, name, is_in_nested=is_in_nested or kind == "nested")


def _check_kind(name: str, kind: str, body: Any) -> None:
    if kind in REAL:
        raise aggregation_errors.NOT_IMITATED.refusal(kind=kind)
    if kind not in _ALL:
        raise aggregation_errors.UNKNOWN.refusal(kind=kind, hint=suggested(kind, [*_ALL, *REAL]))
    if not isinstance(body, Mapping):
        raise aggregation_errors.NOT_AN_OBJECT.refusal(name=kind, token=token(body), parent=name)
    known = _ALL[kind][1]
    for parameter in body if known is not None else ():
        if parameter not in known:
            raise aggregation_errors.PARAMETER.refusal(kind=kind, parameter=parameter)


def computed(tree: Mapping[str, Any], selection: Selection) -> dict[str, Any]:
    """The results by name. The tree is checked.

    Raises:
        Refusal: a field is missing or of the wrong type, or a value is invalid.
    """
    result: dict[str, Any] = {}
    for name, definition in tree.items():
        kind, body, below = _read(name, definition)
        if kind in METRICS:
            found = METRICS[kind][0](replace(selection, name=name), body)
        else:
            buckets.check_order(body.get("order"), below)
            found = _BUCKETS[kind][0](replace(selection, name=name), body, partial(computed, below))
        meta = {"meta": definition["meta"]} if definition.get("meta") else {}
        result[name] = {**meta, **found}
    return result


def _read(name: str, definition: Mapping[str, Any]) -> tuple[str, Any, Mapping[str, Any]]:
    kinds = [key for key in definition if key not in ("aggs", "aggregations", "meta")]
    if not kinds:
        raise aggregation_errors.NO_KIND.refusal(name=name)
    if len(kinds) > 1:
        raise aggregation_errors.TWO_KINDS.refusal(name=name, first=kinds[0], second=kinds[1])
    below = definition.get("aggs", definition.get("aggregations")) or {}
    return kinds[0], definition[kinds[0]], below
