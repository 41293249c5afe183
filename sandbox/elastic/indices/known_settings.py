"""The settings of indices that the service knows: which are honoured, which mean nothing here, and which are refused.

A name that ends with a dot stands for all settings that begin with it. What is refused is refused by name and value: an index
would silently be another one than was asked for.
"""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices.blocks import BLOCKS

_NONE: tuple[str, ...] = ()

HONOURED = (
    "auto_expand_replicas",
    *(f"blocks.{name}" for name in BLOCKS),
    "default_pipeline",
    "final_pipeline",
    "hidden",
    "mapping.exclude_source_vectors",
    "mapping.semantic_text.use_legacy_format",
    "mapping.total_fields.limit",
    "max_result_window",
    "max_terms_count",
    "number_of_replicas",
    "number_of_shards",
    "query.default_field",
    "refresh_interval",
    "similarity.",
)
"""Shards and replicas are stored and shown; there is one shard, and no node for replicas. Of similarities BM25 is honoured; others are
refused where a mapping names them."""
NO_DIFFERENCE = (
    "allocation.",
    "analysis.",
    "analyze.",
    "codec",
    "creation_date",
    "gc_deletes",
    "highlight.",
    "indexing.",
    "lifecycle.",
    "load_fixed_bitset_filters_eagerly",
    "mapping.depth.limit",
    "mapping.dimension_fields.limit",
    "mapping.field_name_length.limit",
    "mapping.nested_fields.limit",
    "mapping.nested_objects.limit",
    "max_docvalue_fields_search",
    "max_inner_result_window",
    "max_ngram_diff",
    "max_refresh_listeners",
    "max_regex_length",
    "max_rescore_window",
    "max_script_fields",
    "max_shingle_diff",
    "merge.",
    "priority",
    "provided_name",
    "queries.cache.enabled",
    "query.parse.",
    "requests.cache.",
    "routing.allocation.",
    "routing.rebalance.",
    "search.",
    "shard.",
    "soft_deletes.retention",
    "soft_deletes.retention_lease.period",
    "translog.",
    "unassigned.",
    "uuid",
    "version.created",
)
"""There is one node, nothing is ever unassigned, and what they limit or tune is not imitated. An analyzer does
nothing until a mapping names it, which is refused there."""
ONLY: Mapping[str, tuple[str, ...]] = {
    "analysis.analyzer.default.": _NONE,
    "analysis.analyzer.default_search.": _NONE,
    "mapping.coerce": ("true",),
    "mapping.ignore_malformed": ("false",),
    "mapping.source.mode": ("stored",),
    "mapping.total_fields.ignore_dynamic_beyond_limit": ("false",),
    "mode": ("standard",),
    "routing_partition_size": ("1",),
    "soft_deletes.enabled": ("true",),
    "sort.": _NONE,
    "time_series.": _NONE,
    "write.wait_for_active_shards": ("0", "1"),
}
"""Accepted with these values, which are the defaults; refused otherwise."""


def check(name: str, value: str | None) -> None:
    """Refuse a setting that is unknown or not imitated, or a value that is not.

    Args:
        name: without `index.`.
        value: None resets it.

    Raises:
        Refusal: naming it.
    """
    if name == "soft_deletes.enabled" and value == "false":
        raise indices_errors.SOFT_DELETES.refusal()
    rule = next((values for known, values in ONLY.items() if _is_among(name, (known,))), None)
    if rule is None:
        if not _is_among(name, (*HONOURED, *NO_DIFFERENCE)):
            raise indices_errors.UNKNOWN_SETTING.refusal(name=name)
    elif value is not None and value not in rule:
        raise indices_errors.SETTING_NOT_IMITATED.refusal(name=name, value=value)


def _is_among(name: str, known: tuple[str, ...]) -> bool:
    return any(name.startswith(each) if each.endswith(".") else name == each for each in known)
