"""Every field of every request, and what becomes of it, so that none is passed over in silence.

tests/sandbox/vertex/test_fields.py walks the descriptors of the installed packages against this table: a field that a
newer package brings fails it until somebody decides. COVERAGE.md shows what is only kept or ignored.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from google.protobuf.descriptor import Descriptor


class Treatment(StrEnum):
    """What becomes of a field of a request."""

    HONOURED = "honoured"
    """It decides what happens, or a wrong value is refused by name."""
    KEPT = "kept"
    """Stored and shown, without effect."""
    OUTPUT = "output"
    """Output only, as documented: cleared in requests."""
    IGNORED = "ignored"
    """Without effect on any answer, in the real service too."""


_PREFIX = "google.cloud.aiplatform."
_OPAQUE = "google.protobuf."
_RESOURCE_OUTPUT = "deployed_indexes create_time update_time satisfies_pzs satisfies_pzi"
_NAMED = {Treatment.HONOURED: "name"}
_TABLE: dict[str, dict[Treatment, str]] = {
    # IndexService
    "v1.CreateIndexRequest": {Treatment.HONOURED: "parent index"},
    "v1.GetIndexRequest": _NAMED,
    "v1.ListIndexesRequest": {Treatment.HONOURED: "parent filter page_size page_token read_mask"},
    "v1.UpdateIndexRequest": {Treatment.HONOURED: "index update_mask"},
    "v1.DeleteIndexRequest": _NAMED,
    "v1.UpsertDatapointsRequest": {Treatment.HONOURED: "index datapoints update_mask"},
    "v1.RemoveDatapointsRequest": {Treatment.HONOURED: "index datapoint_ids"},
    "v1.Index": {
        Treatment.HONOURED: "name display_name description metadata etag labels index_update_method encryption_spec",
        Treatment.KEPT: "metadata_schema_uri",
        Treatment.OUTPUT: f"{_RESOURCE_OUTPUT} index_stats",
    },
    "v1.IndexDatapoint": {
        Treatment.HONOURED: "datapoint_id feature_vector sparse_embedding restricts numeric_restricts crowding_tag",
        Treatment.KEPT: "embedding_metadata",
    },
    "v1.IndexDatapoint.SparseEmbedding": {Treatment.HONOURED: "values dimensions"},
    "v1.IndexDatapoint.Restriction": {Treatment.HONOURED: "namespace allow_list deny_list"},
    "v1.IndexDatapoint.NumericRestriction": {
        Treatment.HONOURED: "namespace value_int value_float value_double op"
    },
    "v1.IndexDatapoint.CrowdingTag": {Treatment.HONOURED: "crowding_attribute"},
    "v1.EncryptionSpec": {Treatment.HONOURED: "kms_key_name"},
    # IndexEndpointService
    "v1.CreateIndexEndpointRequest": {Treatment.HONOURED: "parent index_endpoint"},
    "v1.GetIndexEndpointRequest": _NAMED,
    "v1.ListIndexEndpointsRequest": {Treatment.HONOURED: "parent filter page_size page_token read_mask"},
    "v1.UpdateIndexEndpointRequest": {Treatment.HONOURED: "index_endpoint update_mask"},
    "v1.DeleteIndexEndpointRequest": _NAMED,
    "v1.DeployIndexRequest": {Treatment.HONOURED: "index_endpoint deployed_index"},
    "v1.UndeployIndexRequest": {Treatment.HONOURED: "index_endpoint deployed_index_id"},
    "v1.MutateDeployedIndexRequest": {Treatment.HONOURED: "index_endpoint deployed_index"},
    "v1.IndexEndpoint": {
        Treatment.HONOURED: "name display_name description etag labels network enable_private_service_connect "
        "private_service_connect_config public_endpoint_enabled encryption_spec",
        Treatment.OUTPUT: f"{_RESOURCE_OUTPUT} public_endpoint_domain_name",
    },
    "v1.PrivateServiceConnectConfig": {
        Treatment.HONOURED: "enable_private_service_connect",
        Treatment.KEPT: "project_allowlist psc_automation_configs",
        Treatment.OUTPUT: "service_attachment",
    },
    "v1.DeployedIndex": {
        Treatment.HONOURED: "id index display_name automatic_resources dedicated_resources "
        "deployed_index_auth_config deployment_group psc_automation_configs deployment_tier",
        Treatment.KEPT: "enable_access_logging enable_datapoint_upsert_logging reserved_ip_ranges",
        Treatment.OUTPUT: "create_time private_endpoints index_sync_time",
    },
    "v1.AutomaticResources": {Treatment.HONOURED: "min_replica_count max_replica_count"},
    "v1.DedicatedResources": {
        Treatment.HONOURED: "machine_spec min_replica_count max_replica_count",
        Treatment.KEPT: "required_replica_count autoscaling_metric_specs spot",
    },
    "v1.MachineSpec": {
        Treatment.HONOURED: "machine_type",
        Treatment.KEPT: "accelerator_type accelerator_count gpu_partition_size tpu_topology reservation_affinity",
    },
    "v1.ReservationAffinity": {Treatment.KEPT: "reservation_affinity_type key values"},
    "v1.AutoscalingMetricSpec": {Treatment.KEPT: "metric_name target"},
    "v1.DeployedIndexAuthConfig": {Treatment.HONOURED: "auth_provider"},
    "v1.DeployedIndexAuthConfig.AuthProvider": {Treatment.HONOURED: "audiences allowed_issuers"},
    "v1.PSCAutomationConfig": {
        Treatment.HONOURED: "project_id network",
        Treatment.OUTPUT: "ip_address forwarding_rule state error_message",
    },
    # MatchService
    "v1.FindNeighborsRequest": {
        Treatment.HONOURED: "index_endpoint deployed_index_id queries return_full_datapoint"
    },
    "v1.FindNeighborsRequest.Query": {
        Treatment.HONOURED: "rrf datapoint neighbor_count per_crowding_attribute_neighbor_count "
        "approximate_neighbor_count fraction_leaf_nodes_to_search_override"
    },
    "v1.FindNeighborsRequest.Query.RRF": {Treatment.HONOURED: "alpha"},
    "v1.ReadIndexDatapointsRequest": {Treatment.HONOURED: "index_endpoint deployed_index_id ids"},
    # container.v1.MatchService
    "container.v1.MatchRequest": {
        Treatment.HONOURED: "deployed_index_id float_val num_neighbors restricts embedding_id numeric_restricts "
        "per_crowding_attribute_num_neighbors approx_num_neighbors leaf_nodes_to_search_percent_override "
        "embedding_enabled fraction_leaf_nodes_to_search_override sparse_embedding rrf"
    },
    "container.v1.MatchRequest.RRF": {Treatment.HONOURED: "alpha"},
    "container.v1.SparseEmbedding": {Treatment.HONOURED: "float_val dimension"},
    "container.v1.Namespace": {Treatment.HONOURED: "name allow_tokens deny_tokens"},
    "container.v1.NumericNamespace": {Treatment.HONOURED: "name value_int value_float value_double op"},
    "container.v1.BatchMatchRequest": {Treatment.HONOURED: "requests"},
    "container.v1.BatchMatchRequest.BatchMatchRequestPerIndex": {
        Treatment.HONOURED: "deployed_index_id requests",
        Treatment.IGNORED: "low_level_batch_size",
    },
    "container.v1.BatchGetEmbeddingsRequest": {Treatment.HONOURED: "deployed_index_id id"},
    # google.longrunning.Operations
    "google.longrunning.ListOperationsRequest": {
        Treatment.HONOURED: "name filter page_size page_token",
        Treatment.IGNORED: "return_partial_success",
    },
    "google.longrunning.GetOperationRequest": _NAMED,
    "google.longrunning.DeleteOperationRequest": _NAMED,
    "google.longrunning.CancelOperationRequest": _NAMED,
    "google.longrunning.WaitOperationRequest": {Treatment.HONOURED: "name timeout"},
    # google.cloud.location.Locations
    "google.cloud.location.ListLocationsRequest": {Treatment.HONOURED: "name filter page_size page_token"},
    "google.cloud.location.GetLocationRequest": _NAMED,
}
_LIST = {Treatment.HONOURED: "parent page_size page_token filter order_by"}
_OUTPUT_TIMES = {Treatment.OUTPUT: "create_time update_time"}
_COLLECTIONS: dict[str, dict[Treatment, str]] = {
    # VectorSearchService
    "ListCollectionsRequest": _LIST,
    "GetCollectionRequest": _NAMED,
    "CreateCollectionRequest": {Treatment.HONOURED: "parent collection_id collection request_id"},
    "UpdateCollectionRequest": {Treatment.HONOURED: "update_mask collection request_id"},
    "DeleteCollectionRequest": {Treatment.HONOURED: "name request_id force"},
    "Collection": {
        Treatment.HONOURED: "name display_name description labels vector_schema data_schema",
        Treatment.KEPT: "encryption_spec",
        **_OUTPUT_TIMES,
    },
    "VectorField": {Treatment.HONOURED: "dense_vector sparse_vector"},
    "DenseVectorField": {Treatment.HONOURED: "dimensions vertex_embedding_config"},
    "SparseVectorField": {},
    "VertexEmbeddingConfig": {Treatment.KEPT: "model_id text_template task_type"},
    "EncryptionSpec": {Treatment.KEPT: "crypto_key_name"},
    "ListIndexesRequest": _LIST,
    "GetIndexRequest": _NAMED,
    "CreateIndexRequest": {Treatment.HONOURED: "parent index_id index request_id"},
    "UpdateIndexRequest": {Treatment.HONOURED: "index update_mask request_id"},
    "DeleteIndexRequest": {Treatment.HONOURED: "name request_id"},
    "Index": {
        Treatment.HONOURED: "name display_name description labels distance_metric index_field filter_fields "
        "store_fields dedicated_infrastructure dense_scann",
        **_OUTPUT_TIMES,
    },
    "DedicatedInfrastructure": {Treatment.KEPT: "mode", Treatment.HONOURED: "autoscaling_spec"},
    "DedicatedInfrastructure.AutoscalingSpec": {Treatment.HONOURED: "min_replica_count max_replica_count"},
    "DenseScannIndex": {Treatment.HONOURED: "feature_norm_type"},
    "ImportDataObjectsRequest": {Treatment.HONOURED: "name gcs_import"},
    "ImportDataObjectsRequest.GcsImportConfig": {
        Treatment.HONOURED: "contents_uri error_uri output_uri",
    },
    # DataObjectService
    "CreateDataObjectRequest": {Treatment.HONOURED: "parent data_object_id data_object"},
    "BatchCreateDataObjectsRequest": {Treatment.HONOURED: "parent requests"},
    "GetDataObjectRequest": _NAMED,
    "UpdateDataObjectRequest": {Treatment.HONOURED: "data_object update_mask"},
    "BatchUpdateDataObjectsRequest": {Treatment.HONOURED: "parent requests"},
    "DeleteDataObjectRequest": {Treatment.HONOURED: "name etag"},
    "BatchDeleteDataObjectsRequest": {Treatment.HONOURED: "parent requests"},
    "DataObject": {
        Treatment.HONOURED: "name data vectors etag",
        Treatment.OUTPUT: "data_object_id create_time update_time",
    },
    "Vector": {Treatment.HONOURED: "dense sparse"},
    "DenseVector": {Treatment.HONOURED: "values"},
    "SparseVector": {Treatment.HONOURED: "values indices"},
    # DataObjectSearchService
    "SearchDataObjectsRequest": {
        Treatment.HONOURED: "vector_search semantic_search text_search parent page_size page_token"
    },
    "VectorSearch": {
        Treatment.HONOURED: "vector sparse_vector search_field filter top_k output_fields search_hint distance_metric"
    },
    # Refused as a whole, as the ranking model below is.
    "SemanticSearch": {
        Treatment.HONOURED: "search_text search_field task_type output_fields filter top_k search_hint"
    },
    "TextSearch": {Treatment.HONOURED: "search_text data_field_names output_fields top_k filter"},
    "OutputFields": {Treatment.HONOURED: "data_fields vector_fields metadata_fields"},
    "SearchHint": {Treatment.HONOURED: "knn_hint index_hint"},
    "SearchHint.KnnHint": {},
    "SearchHint.IndexHint": {Treatment.HONOURED: "name", Treatment.IGNORED: "dense_scann_params"},
    "SearchHint.IndexHint.DenseScannParams": {Treatment.IGNORED: "target_recall"},
    "QueryDataObjectsRequest": {Treatment.HONOURED: "parent filter output_fields page_size page_token"},
    "AggregateDataObjectsRequest": {Treatment.HONOURED: "parent filter aggregate"},
    "BatchSearchDataObjectsRequest": {Treatment.HONOURED: "parent searches combine"},
    "BatchSearchDataObjectsRequest.CombineResultsOptions": {Treatment.HONOURED: "ranker output_fields top_k"},
    "Search": {Treatment.HONOURED: "vector_search semantic_search text_search"},
    "Ranker": {Treatment.HONOURED: "rrf vertex_ranker"},
    "ReciprocalRankFusion": {Treatment.HONOURED: "weights"},
    "VertexRanker": {Treatment.HONOURED: "text_record_spec model top_n"},
    "VertexRanker.TextRecordSpec": {Treatment.HONOURED: "query title_template content_template"},
}
_ALL = _TABLE | {f"google.cloud.vectorsearch.v1.{name}": treated for name, treated in _COLLECTIONS.items()}
FIELDS: dict[str, dict[str, Treatment]] = {
    message: {name: treatment for treatment, names in treated.items() for name in names.split()}
    for message, treated in _ALL.items()
}


def treatments(message: Descriptor) -> dict[str, Treatment] | None:
    """What becomes of a message's fields; None for those of google.protobuf, whose content is free, and for maps."""
    if message.full_name.startswith(_OPAQUE) or message.GetOptions().map_entry:
        return None
    return FIELDS.get(message.full_name.removeprefix(_PREFIX), {})


def clear_outputs(message: Any) -> None:
    """Clear the fields of a request that are output only, in it and in the messages that it holds."""
    known = treatments(message.DESCRIPTOR)
    if known is None:
        return
    for field, value in message.ListFields():
        if known.get(field.name) is Treatment.OUTPUT:
            message.ClearField(field.name)
        elif field.message_type is not None and treatments(field.message_type) is not None:
            for each in value if field.is_repeated else (value,):
                clear_outputs(each)


def without_effect() -> Iterator[str]:
    """A line for each message with fields that are kept or ignored, for COVERAGE.md."""
    for message, treated in _ALL.items():
        for treatment in (Treatment.KEPT, Treatment.IGNORED):
            if treatment in treated:
                names = ", ".join(f"`{name}`" for name in treated[treatment].split())
                yield f"{message.rpartition('.')[2]}: {names} ({treatment})"
