"""The action behind every API, by which the service decides who may call it.

The names are those of the service's action classes (`NAME` and `EXTERNAL_NAME`); of machine learning and inference they were read in
`xpack/core/ml/action/*Action.java` and `xpack/core/inference/action/*Action.java`.
"""

from __future__ import annotations

from collections.abc import Mapping

_ML = "xpack/ml"
_PIPELINE = "cluster:admin/ingest/pipeline"
_READ, _WRITE, _ADMIN = "indices:data/read", "indices:data/write", "indices:admin"
_COMPONENT, _TEMPLATE = "cluster:admin/component_template", "indices:admin/index_template"
_API_KEY = "cluster:admin/xpack/security/api_key"
AUTO_CREATE = "indices:admin/auto_create"
"""What a write to an index that is not there needs besides."""

FREE = frozenset({"security.authenticate", "security.has_privileges"})
"""APIs that everybody with a valid key may call, about themselves."""

ACTIONS: Mapping[str, str] = {
    "bulk": f"{_WRITE}/bulk[s]",
    "cancel_reindex": "cluster:admin/tasks/cancel",
    "cat.allocation": "cluster:monitor/state",
    "cat.count": f"{_READ}/search",
    "cat.indices": "indices:monitor/settings/get",
    "clear_scroll": f"{_READ}/scroll/clear",
    "close_point_in_time": f"{_READ}/close_point_in_time",
    "cluster.delete_component_template": f"{_COMPONENT}/delete",
    "cluster.get_component_template": f"{_COMPONENT}/get",
    "cluster.health": "cluster:monitor/health",
    "cluster.put_component_template": f"{_COMPONENT}/put",
    "count": f"{_READ}/search",
    "create": f"{_WRITE}/index",
    "delete": f"{_WRITE}/delete",
    "delete_by_query": f"{_WRITE}/delete/byquery",
    "delete_by_query_rethrottle": "cluster:admin/reindex/rethrottle",
    "delete_script": "cluster:admin/script/delete",
    "explain": f"{_READ}/explain",
    "field_caps": f"{_READ}/field_caps",
    "get": f"{_READ}/get",
    "get_reindex": "cluster:monitor/reindex/get",
    "get_script": "cluster:admin/script/get",
    "get_source": f"{_READ}/get",
    "index": f"{_WRITE}/index",
    "indices.analyze": f"{_ADMIN}/analyze",
    "indices.create": f"{_ADMIN}/create",
    "indices.create_data_stream": f"{_ADMIN}/data_stream/create",
    "indices.delete": f"{_ADMIN}/delete",
    "indices.delete_alias": f"{_ADMIN}/aliases",
    "indices.delete_data_stream": f"{_ADMIN}/data_stream/delete",
    "indices.delete_index_template": f"{_TEMPLATE}/delete",
    "indices.flush": f"{_ADMIN}/flush",
    "indices.forcemerge": f"{_ADMIN}/forcemerge",
    "indices.get": f"{_ADMIN}/get",
    "indices.get_alias": f"{_ADMIN}/aliases/get",
    "indices.get_data_stream": f"{_ADMIN}/data_stream/get",
    "indices.get_field_mapping": f"{_ADMIN}/mappings/fields/get",
    "indices.get_index_template": f"{_TEMPLATE}/get",
    "indices.get_mapping": f"{_ADMIN}/mappings/get",
    "indices.get_settings": "indices:monitor/settings/get",
    "indices.put_alias": f"{_ADMIN}/aliases",
    "indices.put_index_template": f"{_TEMPLATE}/put",
    "indices.put_mapping": f"{_ADMIN}/mapping/put",
    "indices.put_settings": f"{_ADMIN}/settings/update",
    "indices.refresh": f"{_ADMIN}/refresh",
    "indices.rollover": f"{_ADMIN}/rollover",
    "indices.simulate_index_template": f"{_TEMPLATE}/simulate_index",
    "indices.simulate_template": f"{_TEMPLATE}/simulate",
    "indices.stats": "indices:monitor/stats",
    "indices.update_aliases": f"{_ADMIN}/aliases",
    "indices.validate_query": f"{_ADMIN}/validate/query",
    "inference.delete": "cluster:admin/xpack/inference/delete",
    "inference.get": "cluster:monitor/xpack/inference/get",
    "inference.inference": "cluster:monitor/xpack/inference",
    "inference.put": "cluster:admin/xpack/inference/put",
    "inference.rerank": "cluster:monitor/xpack/inference",
    "inference.sparse_embedding": "cluster:monitor/xpack/inference",
    "inference.text_embedding": "cluster:monitor/xpack/inference",
    "inference.update": "cluster:admin/xpack/inference/update",
    "info": "cluster:monitor/main",
    "ingest.delete_pipeline": f"{_PIPELINE}/delete",
    "ingest.get_pipeline": f"{_PIPELINE}/get",
    "ingest.put_pipeline": f"{_PIPELINE}/put",
    "ingest.simulate": f"{_PIPELINE}/simulate",
    "license.get": "cluster:monitor/xpack/license/get",
    "list_reindex": "cluster:monitor/reindex/list",
    "mget": f"{_READ}/mget",
    "ml.clear_trained_model_deployment_cache": f"cluster:admin/{_ML}/trained_models/deployment/clear_cache",
    "ml.delete_trained_model": f"cluster:admin/{_ML}/inference/delete",
    "ml.delete_trained_model_alias": f"cluster:admin/{_ML}/inference/model_aliases/delete",
    "ml.get_memory_stats": f"cluster:monitor/{_ML}/memory/stats/get",
    "ml.get_trained_models": f"cluster:monitor/{_ML}/inference/get",
    "ml.get_trained_models_stats": f"cluster:monitor/{_ML}/inference/stats/get",
    "ml.infer_trained_model": f"cluster:monitor/{_ML}/inference/infer",
    "ml.info": f"cluster:monitor/{_ML}/info/get",
    "ml.put_trained_model": f"cluster:admin/{_ML}/inference/put",
    "ml.put_trained_model_alias": f"cluster:admin/{_ML}/inference/model_aliases/put",
    "ml.put_trained_model_definition_part": f"cluster:admin/{_ML}/trained_models/part/put",
    "ml.put_trained_model_vocabulary": f"cluster:admin/{_ML}/trained_models/vocabulary/put",
    "ml.start_trained_model_deployment": f"cluster:admin/{_ML}/trained_models/deployment/start",
    "ml.stop_trained_model_deployment": f"cluster:admin/{_ML}/trained_models/deployment/stop",
    "ml.update_trained_model_deployment": f"cluster:admin/{_ML}/trained_models/deployment/update",
    "msearch": f"{_READ}/msearch",
    "msearch_template": f"{_READ}/msearch/template",
    "nodes.hot_threads": "cluster:monitor/nodes/hot_threads",
    "nodes.info": "cluster:monitor/nodes/info",
    "nodes.stats": "cluster:monitor/nodes/stats",
    "nodes.usage": "cluster:monitor/nodes/usage",
    "open_point_in_time": f"{_READ}/open_point_in_time",
    "ping": "cluster:monitor/main",
    "put_script": "cluster:admin/script/put",
    "reindex": f"{_READ}/search",
    "reindex_rethrottle": "cluster:admin/reindex/rethrottle",
    "render_search_template": f"{_READ}/search/template",
    "scroll": f"{_READ}/scroll",
    "search": f"{_READ}/search",
    "search_template": f"{_READ}/search/template",
    "security.create_api_key": f"{_API_KEY}/create",
    "security.get_api_key": f"{_API_KEY}/get",
    "security.invalidate_api_key": f"{_API_KEY}/invalidate",
    "tasks.cancel": "cluster:admin/tasks/cancel",
    "tasks.get": "cluster:monitor/task/get",
    "tasks.list": "cluster:monitor/tasks/lists",
    "update": f"{_WRITE}/update",
    "update_by_query": f"{_WRITE}/update/byquery",
    "update_by_query_rethrottle": "cluster:admin/reindex/rethrottle",
}
"""By the API's name, as routes have it."""
READING: Mapping[str, str] = dict.fromkeys(("delete_by_query", "update_by_query"), f"{_READ}/search")
"""APIs that search the indices that they write to."""


def is_of_indices(action: str) -> bool:
    """Whether an action needs a privilege on an index; those on templates need one on the cluster."""
    return action.startswith("indices:") and not action.startswith(f"{_TEMPLATE}/")
