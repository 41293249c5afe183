"""The query parameters of every API: those of the official client's methods, and those that searches take there as well.

A test walks the client's own signatures, so that none is passed over.
"""

from __future__ import annotations

from collections.abc import Container

from sandbox.elastic.versions import Release
from sandbox.elastic.wire.parameters.rules import (
    HONOURED,
    NO_DIFFERENCE,
    OFF,
    ON,
    REFUSED,
    TIME,
    Rule,
    Rules,
    only,
    rules,
)

EVERYWHERE: Rules = {
    **rules(HONOURED, "filter_path"),
    **rules(only("true", "false"), "error_trace pretty"),
    **rules(OFF, "human"),
    "format": only("json"),
    **rules(REFUSED, "source source_content_type"),
}
"""What every API takes."""
_TIMES = rules(TIME, "master_timeout timeout")
_NAMES = rules(HONOURED, "allow_no_indices expand_wildcards ignore_unavailable")
_THROTTLED = rules(NO_DIFFERENCE, "ignore_throttled")
# There is one copy of one shard.
_COPIES = rules(NO_DIFFERENCE, "preference routing")
_WAITS = {"wait_for_active_shards": only("0", "1"), **rules(TIME, "timeout")}
_SOURCE = rules(HONOURED, "_source _source_includes _source_excludes _source_exclude_vectors")
_TYPED = rules(HONOURED, "q df default_operator analyzer lenient") | {"analyze_wildcard": OFF}
_READS = (
    _SOURCE
    | _COPIES
    | rules(HONOURED, "refresh")
    | {"realtime": ON, "stored_fields": REFUSED, "force_synthetic_source": OFF}
)
_VERSIONS = rules(HONOURED, "version version_type")
_WRITES = (
    _WAITS
    | rules(HONOURED, "pipeline refresh require_alias")
    | rules(NO_DIFFERENCE, "routing include_source_on_error")
    | {"require_data_stream": OFF}
)
_CONDITIONS = rules(HONOURED, "if_seq_no if_primary_term")
_CAT = rules(HONOURED, "h s v bytes") | {
    "format": only("json", "text", "txt"),
    "help": OFF,
    "time": NO_DIFFERENCE,
}
_TOTALS = rules(HONOURED, "rest_total_hits_as_int")
_SEARCH_TYPE = {"search_type": only("query_then_fetch", "dfs_query_then_fetch")}
_SEARCH = (
    _NAMES
    | _THROTTLED
    | _COPIES
    | _TOTALS
    | _SEARCH_TYPE
    | rules(HONOURED, "scroll")
    | rules(NO_DIFFERENCE, "ccs_minimize_roundtrips")
    | {"typed_keys": OFF}
)
_BODY_OF_SEARCH = rules(
    HONOURED,
    "size from sort terminate_after version seq_no_primary_term track_scores track_total_hits "
    "stored_fields docvalue_fields explain",
) | {"stats": NO_DIFFERENCE}
_BY_QUERY = (
    rules(HONOURED, "refresh requests_per_second scroll slices wait_for_completion max_docs conflicts")
    | _WAITS
)
_SEGMENTS = rules(OFF, "include_segment_file_sizes") | rules(NO_DIFFERENCE, "include_unloaded_segments")
_FIELD_STATISTICS = rules(REFUSED, "completion_fields fielddata_fields fields groups")

TABLE: dict[str, Rules] = {
    "bulk": _WRITES
    | {"list_executed_pipelines": OFF, "_source": OFF}
    | rules(REFUSED, "_source_includes _source_excludes"),
    "cancel_reindex": rules(HONOURED, "wait_for_completion"),
    "cat.allocation": _CAT | rules(NO_DIFFERENCE, "local") | rules(TIME, "master_timeout"),
    "cat.count": _CAT | _NAMES,
    "cat.indices": _CAT
    | _NAMES
    | _SEGMENTS
    | rules(HONOURED, "health")
    | rules(TIME, "master_timeout")
    | {"pri": OFF},
    "clear_scroll": {},
    "close_point_in_time": {},
    "cluster.health": rules(HONOURED, "expand_wildcards level timeout wait_for_active_shards wait_for_status")
    | rules(NO_DIFFERENCE, "local wait_for_events wait_for_no_initializing_shards")
    | rules(NO_DIFFERENCE, "wait_for_no_relocating_shards")
    | rules(TIME, "master_timeout")
    | {"wait_for_nodes": REFUSED},
    "count": _NAMES | _THROTTLED | _COPIES | _TYPED | rules(HONOURED, "min_score terminate_after"),
    "create": _WRITES | _VERSIONS | _CONDITIONS | rules(HONOURED, "op_type"),
    "delete": _WAITS | _VERSIONS | _CONDITIONS | rules(HONOURED, "refresh") | rules(NO_DIFFERENCE, "routing"),
    "delete_by_query": _NAMES
    | _COPIES
    | _TYPED
    | _BY_QUERY
    | _SEARCH_TYPE
    | rules(HONOURED, "scroll_size")
    | rules(NO_DIFFERENCE, "request_cache stats")
    | rules(REFUSED, "from sort terminate_after")
    | rules(TIME, "search_timeout")
    | {"version": OFF},
    "delete_by_query_rethrottle": rules(HONOURED, "requests_per_second group_by"),
    "delete_script": _TIMES,
    "explain": _SOURCE | _COPIES | _TYPED | {"stored_fields": REFUSED},
    "field_caps": _NAMES | rules(HONOURED, "fields filters include_empty_fields include_unmapped types"),
    "get": _READS | _VERSIONS,
    "get_reindex": rules(HONOURED, "wait_for_completion timeout"),
    "get_script": rules(TIME, "master_timeout"),
    "get_source": _READS | _VERSIONS,
    "index": _WRITES | _VERSIONS | _CONDITIONS | rules(HONOURED, "op_type"),
    "cluster.delete_component_template": _TIMES,
    "cluster.get_component_template": rules(OFF, "flat_settings include_defaults")
    | rules(NO_DIFFERENCE, "local")
    | rules(TIME, "master_timeout")
    | {"settings_filter": REFUSED},
    "cluster.put_component_template": rules(HONOURED, "create")
    | rules(NO_DIFFERENCE, "cause")
    | rules(TIME, "master_timeout timeout"),
    "indices.analyze": {},
    "indices.create": _TIMES | _WAITS,
    "indices.create_data_stream": _TIMES,
    "indices.delete_data_stream": rules(NO_DIFFERENCE, "expand_wildcards") | rules(TIME, "master_timeout"),
    "indices.delete_index_template": _TIMES,
    "indices.get_index_template": rules(OFF, "flat_settings include_defaults")
    | rules(NO_DIFFERENCE, "local")
    | rules(TIME, "master_timeout"),
    "indices.put_index_template": rules(HONOURED, "create")
    | rules(NO_DIFFERENCE, "cause")
    | rules(TIME, "master_timeout"),
    "indices.rollover": _TIMES | _WAITS | rules(OFF, "dry_run lazy"),
    "indices.simulate_index_template": rules(NO_DIFFERENCE, "cause")
    | rules(TIME, "master_timeout")
    | rules(OFF, "create include_defaults"),
    "indices.simulate_template": rules(NO_DIFFERENCE, "cause")
    | rules(TIME, "master_timeout")
    | rules(OFF, "create include_defaults"),
    "indices.delete": _TIMES | _NAMES,
    "indices.delete_alias": _TIMES,
    "indices.flush": _NAMES | rules(NO_DIFFERENCE, "force wait_if_ongoing"),
    "indices.forcemerge": _NAMES
    | rules(NO_DIFFERENCE, "flush max_num_segments only_expunge_deletes")
    | {"wait_for_completion": ON},
    "indices.get": _NAMES
    | rules(HONOURED, "flat_settings features")
    | rules(NO_DIFFERENCE, "local")
    | rules(TIME, "master_timeout")
    | {"include_defaults": OFF},
    "indices.get_alias": _NAMES | rules(NO_DIFFERENCE, "local") | rules(TIME, "master_timeout"),
    "indices.get_data_stream": rules(NO_DIFFERENCE, "expand_wildcards include_defaults verbose")
    | rules(TIME, "master_timeout"),
    "indices.get_field_mapping": _NAMES | rules(NO_DIFFERENCE, "local") | rules(OFF, "include_defaults"),
    "indices.get_mapping": _NAMES | rules(NO_DIFFERENCE, "local") | rules(TIME, "master_timeout"),
    "indices.get_settings": _NAMES
    | rules(HONOURED, "flat_settings")
    | rules(NO_DIFFERENCE, "local")
    | rules(TIME, "master_timeout")
    | {"include_defaults": OFF},
    "indices.put_alias": _TIMES,
    "indices.put_mapping": _TIMES | _NAMES | {"write_index_only": OFF},
    "indices.put_settings": _TIMES
    | _NAMES
    | rules(HONOURED, "preserve_existing")
    | rules(NO_DIFFERENCE, "flat_settings")
    | {"reopen": OFF},
    "indices.refresh": _NAMES,
    "indices.stats": _SEGMENTS
    | _FIELD_STATISTICS
    | rules(HONOURED, "expand_wildcards level")
    | rules(NO_DIFFERENCE, "forbid_closed_indices"),
    "indices.update_aliases": _TIMES,
    "indices.validate_query": _NAMES | _TYPED | rules(HONOURED, "all_shards explain") | rules(OFF, "rewrite"),
    "inference.delete": rules(HONOURED, "dry_run force"),
    "inference.get": {},
    "inference.inference": rules(HONOURED, "timeout"),
    "inference.put": rules(HONOURED, "timeout"),
    "inference.rerank": rules(HONOURED, "timeout"),
    "inference.sparse_embedding": rules(HONOURED, "timeout"),
    "inference.text_embedding": rules(HONOURED, "timeout"),
    "inference.update": {},
    "info": {},
    "ingest.delete_pipeline": _TIMES,
    "ingest.get_pipeline": rules(HONOURED, "summary") | rules(TIME, "master_timeout"),
    "ingest.put_pipeline": _TIMES | {"if_version": REFUSED},
    "ingest.simulate": rules(HONOURED, "verbose"),
    "license.get": rules(NO_DIFFERENCE, "accept_enterprise local"),
    "list_reindex": rules(HONOURED, "detailed"),
    "mget": _READS,
    "ml.clear_trained_model_deployment_cache": {},
    "ml.delete_trained_model": rules(HONOURED, "force") | rules(TIME, "timeout"),
    "ml.delete_trained_model_alias": {},
    "ml.get_memory_stats": _TIMES,
    "ml.get_trained_models": rules(HONOURED, "allow_no_match from include size tags")
    | rules(NO_DIFFERENCE, "decompress_definition")
    | rules(OFF, "exclude_generated include_model_definition"),
    "ml.get_trained_models_stats": rules(HONOURED, "allow_no_match from size"),
    "ml.infer_trained_model": rules(HONOURED, "timeout"),
    "ml.info": {},
    "ml.put_trained_model": rules(HONOURED, "wait_for_completion")
    | rules(NO_DIFFERENCE, "defer_definition_decompression"),
    "ml.put_trained_model_alias": rules(HONOURED, "reassign"),
    "ml.put_trained_model_definition_part": {},
    "ml.put_trained_model_vocabulary": {},
    "ml.start_trained_model_deployment": rules(
        HONOURED, "cache_size deployment_id number_of_allocations priority queue_capacity"
    )
    | rules(HONOURED, "threads_per_allocation timeout wait_for"),
    "ml.stop_trained_model_deployment": rules(HONOURED, "allow_no_match force"),
    "ml.update_trained_model_deployment": rules(HONOURED, "number_of_allocations"),
    "msearch": _NAMES
    | _THROTTLED
    | _TOTALS
    | _SEARCH_TYPE
    | rules(HONOURED, "max_concurrent_searches")
    | rules(
        NO_DIFFERENCE, "ccs_minimize_roundtrips max_concurrent_shard_requests pre_filter_shard_size routing"
    )
    | rules(OFF, "include_named_queries_score typed_keys"),
    "msearch_template": _NAMES
    | _TOTALS
    | _SEARCH_TYPE
    | rules(HONOURED, "max_concurrent_searches")
    | rules(NO_DIFFERENCE, "ccs_minimize_roundtrips")
    | rules(OFF, "typed_keys"),
    "nodes.hot_threads": rules(HONOURED, "interval snapshots threads")
    | rules(NO_DIFFERENCE, "ignore_idle_threads")
    | rules(TIME, "timeout")
    | rules(only("cpu"), "sort type"),
    "nodes.info": rules(NO_DIFFERENCE, "flat_settings") | rules(TIME, "timeout"),
    "nodes.usage": rules(TIME, "timeout"),
    "nodes.stats": _SEGMENTS
    | _FIELD_STATISTICS
    | rules(TIME, "timeout")
    | {"level": only("node"), "types": REFUSED},
    "open_point_in_time": _COPIES
    | rules(HONOURED, "expand_wildcards ignore_unavailable keep_alive")
    | rules(NO_DIFFERENCE, "allow_partial_search_results max_concurrent_shard_requests"),
    "ping": {},
    "put_script": _TIMES,
    "reindex": _BY_QUERY | rules(HONOURED, "require_alias"),
    "reindex_rethrottle": rules(HONOURED, "requests_per_second group_by"),
    "render_search_template": {},
    "scroll": _TOTALS | rules(HONOURED, "scroll scroll_id"),
    "search": _SEARCH
    | _SOURCE
    | _TYPED
    | _BODY_OF_SEARCH
    | rules(NO_DIFFERENCE, "allow_partial_search_results batched_reduce_size max_concurrent_shard_requests")
    | rules(NO_DIFFERENCE, "pre_filter_shard_size request_cache")
    | rules(REFUSED, "min_compatible_shard_node suggest_field suggest_mode suggest_size suggest_text")
    | rules(OFF, "force_synthetic_source include_named_queries_score")
    | rules(TIME, "timeout"),
    "search_template": _SEARCH,
    "security.authenticate": {},
    "security.create_api_key": rules(NO_DIFFERENCE, "refresh"),
    "security.get_api_key": rules(HONOURED, "active_only id name owner realm_name username")
    | rules(OFF, "with_limited_by with_profile_uid"),
    "security.has_privileges": {},
    "security.invalidate_api_key": {},
    "tasks.cancel": rules(HONOURED, "actions nodes parent_task_id wait_for_completion group_by"),
    "tasks.get": rules(HONOURED, "timeout wait_for_completion"),
    "tasks.list": rules(HONOURED, "actions detailed group_by nodes parent_task_id")
    | rules(TIME, "timeout")
    | {"wait_for_completion": OFF},
    "update": _WAITS
    | _SOURCE
    | _CONDITIONS
    | rules(HONOURED, "refresh require_alias doc_as_upsert")
    | rules(NO_DIFFERENCE, "include_source_on_error retry_on_conflict routing")
    | {"lang": REFUSED},
    "update_by_query": _NAMES
    | _COPIES
    | _TYPED
    | _BY_QUERY
    | _SEARCH_TYPE
    | rules(HONOURED, "pipeline scroll_size")
    | rules(NO_DIFFERENCE, "request_cache stats")
    | rules(REFUSED, "from sort terminate_after version_type")
    | rules(TIME, "search_timeout")
    | {"version": OFF},
    "update_by_query_rethrottle": rules(HONOURED, "requests_per_second group_by"),
}
"""By the API's name, as routes have it."""
_OF_VECTORS = "_source_exclude_vectors"
_WITH_Q = frozenset(_TYPED) - {"q"}
"""Known only beside `q`."""


def of(api: str, given: Container[str] = (), release: Release | None = None) -> dict[str, Rule] | None:
    """The rules of an API for a request with these parameters, in a release or any; None if it is not in the table."""
    if api not in TABLE:
        return None
    known = {**EVERYWHERE, **TABLE[api]}
    if release is not None and not release.excludes_source_vectors:
        known.pop(_OF_VECTORS, None)
    return {name: rule for name, rule in known.items() if name not in _WITH_Q or "q" in given}
