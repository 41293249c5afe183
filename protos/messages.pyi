# Written by `python -m protos.generate` from match_service.proto. Do not edit.
# ruff: noqa: A002, I001, RUF023, UP007, UP045
# fmt: off
# pyright: basic

from google.protobuf import struct_pb2 as _struct_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union


DESCRIPTOR: _descriptor.FileDescriptor

class Status(_status_pb2.Status): ...

class Struct(_struct_pb2.Struct): ...  # pyright: ignore[reportGeneralTypeIssues]

class SparseEmbedding(_message.Message):
    __slots__ = ("float_val", "dimension")
    FLOAT_VAL_FIELD_NUMBER: _ClassVar[int]
    DIMENSION_FIELD_NUMBER: _ClassVar[int]
    float_val: _containers.RepeatedScalarFieldContainer[float]
    dimension: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, float_val: _Optional[_Iterable[float]] = ..., dimension: _Optional[_Iterable[int]] = ...) -> None: ...

class MatchRequest(_message.Message):
    __slots__ = ("deployed_index_id", "float_val", "num_neighbors", "restricts", "per_crowding_attribute_num_neighbors", "approx_num_neighbors", "leaf_nodes_to_search_percent_override", "embedding_enabled", "fraction_leaf_nodes_to_search_override", "embedding_id", "numeric_restricts", "sparse_embedding", "rrf")
    class RRF(_message.Message):
        __slots__ = ("alpha",)
        ALPHA_FIELD_NUMBER: _ClassVar[int]
        alpha: float
        def __init__(self, alpha: _Optional[float] = ...) -> None: ...
    DEPLOYED_INDEX_ID_FIELD_NUMBER: _ClassVar[int]
    FLOAT_VAL_FIELD_NUMBER: _ClassVar[int]
    NUM_NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    RESTRICTS_FIELD_NUMBER: _ClassVar[int]
    PER_CROWDING_ATTRIBUTE_NUM_NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    APPROX_NUM_NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    LEAF_NODES_TO_SEARCH_PERCENT_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_ENABLED_FIELD_NUMBER: _ClassVar[int]
    FRACTION_LEAF_NODES_TO_SEARCH_OVERRIDE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_ID_FIELD_NUMBER: _ClassVar[int]
    NUMERIC_RESTRICTS_FIELD_NUMBER: _ClassVar[int]
    SPARSE_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    RRF_FIELD_NUMBER: _ClassVar[int]
    deployed_index_id: str
    float_val: _containers.RepeatedScalarFieldContainer[float]
    num_neighbors: int
    restricts: _containers.RepeatedCompositeFieldContainer[Namespace]
    per_crowding_attribute_num_neighbors: int
    approx_num_neighbors: int
    leaf_nodes_to_search_percent_override: int
    embedding_enabled: bool
    fraction_leaf_nodes_to_search_override: float
    embedding_id: str
    numeric_restricts: _containers.RepeatedCompositeFieldContainer[NumericNamespace]
    sparse_embedding: SparseEmbedding
    rrf: MatchRequest.RRF
    def __init__(self, deployed_index_id: _Optional[str] = ..., float_val: _Optional[_Iterable[float]] = ..., num_neighbors: _Optional[int] = ..., restricts: _Optional[_Iterable[_Union[Namespace, _Mapping[str, object]]]] = ..., per_crowding_attribute_num_neighbors: _Optional[int] = ..., approx_num_neighbors: _Optional[int] = ..., leaf_nodes_to_search_percent_override: _Optional[int] = ..., embedding_enabled: _Optional[bool] = ..., fraction_leaf_nodes_to_search_override: _Optional[float] = ..., embedding_id: _Optional[str] = ..., numeric_restricts: _Optional[_Iterable[_Union[NumericNamespace, _Mapping[str, object]]]] = ..., sparse_embedding: _Optional[_Union[SparseEmbedding, _Mapping[str, object]]] = ..., rrf: _Optional[_Union[MatchRequest.RRF, _Mapping[str, object]]] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("id", "float_val", "restricts", "crowding_attribute", "numeric_restricts", "sparse_embedding", "embedding_metadata")
    ID_FIELD_NUMBER: _ClassVar[int]
    FLOAT_VAL_FIELD_NUMBER: _ClassVar[int]
    RESTRICTS_FIELD_NUMBER: _ClassVar[int]
    CROWDING_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    NUMERIC_RESTRICTS_FIELD_NUMBER: _ClassVar[int]
    SPARSE_EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_METADATA_FIELD_NUMBER: _ClassVar[int]
    id: str
    float_val: _containers.RepeatedScalarFieldContainer[float]
    restricts: _containers.RepeatedCompositeFieldContainer[Namespace]
    crowding_attribute: int
    numeric_restricts: _containers.RepeatedCompositeFieldContainer[NumericNamespace]
    sparse_embedding: SparseEmbedding
    embedding_metadata: Struct
    def __init__(self, id: _Optional[str] = ..., float_val: _Optional[_Iterable[float]] = ..., restricts: _Optional[_Iterable[_Union[Namespace, _Mapping[str, object]]]] = ..., crowding_attribute: _Optional[int] = ..., numeric_restricts: _Optional[_Iterable[_Union[NumericNamespace, _Mapping[str, object]]]] = ..., sparse_embedding: _Optional[_Union[SparseEmbedding, _Mapping[str, object]]] = ..., embedding_metadata: _Optional[_Union[Struct, _Mapping[str, object]]] = ...) -> None: ...

class MatchResponse(_message.Message):
    __slots__ = ("neighbor", "embeddings")
    class Neighbor(_message.Message):
        __slots__ = ("id", "distance", "crowding_attribute", "sparse_distance")
        ID_FIELD_NUMBER: _ClassVar[int]
        DISTANCE_FIELD_NUMBER: _ClassVar[int]
        CROWDING_ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
        SPARSE_DISTANCE_FIELD_NUMBER: _ClassVar[int]
        id: str
        distance: float
        crowding_attribute: int
        sparse_distance: float
        def __init__(self, id: _Optional[str] = ..., distance: _Optional[float] = ..., crowding_attribute: _Optional[int] = ..., sparse_distance: _Optional[float] = ...) -> None: ...
    NEIGHBOR_FIELD_NUMBER: _ClassVar[int]
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    neighbor: _containers.RepeatedCompositeFieldContainer[MatchResponse.Neighbor]
    embeddings: _containers.RepeatedCompositeFieldContainer[Embedding]
    def __init__(self, neighbor: _Optional[_Iterable[_Union[MatchResponse.Neighbor, _Mapping[str, object]]]] = ..., embeddings: _Optional[_Iterable[_Union[Embedding, _Mapping[str, object]]]] = ...) -> None: ...

class BatchGetEmbeddingsRequest(_message.Message):
    __slots__ = ("deployed_index_id", "id")
    DEPLOYED_INDEX_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    deployed_index_id: str
    id: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, deployed_index_id: _Optional[str] = ..., id: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchGetEmbeddingsResponse(_message.Message):
    __slots__ = ("embeddings",)
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    embeddings: _containers.RepeatedCompositeFieldContainer[Embedding]
    def __init__(self, embeddings: _Optional[_Iterable[_Union[Embedding, _Mapping[str, object]]]] = ...) -> None: ...

class BatchMatchRequest(_message.Message):
    __slots__ = ("requests",)
    class BatchMatchRequestPerIndex(_message.Message):
        __slots__ = ("deployed_index_id", "requests", "low_level_batch_size")
        DEPLOYED_INDEX_ID_FIELD_NUMBER: _ClassVar[int]
        REQUESTS_FIELD_NUMBER: _ClassVar[int]
        LOW_LEVEL_BATCH_SIZE_FIELD_NUMBER: _ClassVar[int]
        deployed_index_id: str
        requests: _containers.RepeatedCompositeFieldContainer[MatchRequest]
        low_level_batch_size: int
        def __init__(self, deployed_index_id: _Optional[str] = ..., requests: _Optional[_Iterable[_Union[MatchRequest, _Mapping[str, object]]]] = ..., low_level_batch_size: _Optional[int] = ...) -> None: ...
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[BatchMatchRequest.BatchMatchRequestPerIndex]
    def __init__(self, requests: _Optional[_Iterable[_Union[BatchMatchRequest.BatchMatchRequestPerIndex, _Mapping[str, object]]]] = ...) -> None: ...

class BatchMatchResponse(_message.Message):
    __slots__ = ("responses",)
    class BatchMatchResponsePerIndex(_message.Message):
        __slots__ = ("deployed_index_id", "responses", "status")
        DEPLOYED_INDEX_ID_FIELD_NUMBER: _ClassVar[int]
        RESPONSES_FIELD_NUMBER: _ClassVar[int]
        STATUS_FIELD_NUMBER: _ClassVar[int]
        deployed_index_id: str
        responses: _containers.RepeatedCompositeFieldContainer[MatchResponse]
        status: Status
        def __init__(self, deployed_index_id: _Optional[str] = ..., responses: _Optional[_Iterable[_Union[MatchResponse, _Mapping[str, object]]]] = ..., status: _Optional[_Union[Status, _Mapping[str, object]]] = ...) -> None: ...
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[BatchMatchResponse.BatchMatchResponsePerIndex]
    def __init__(self, responses: _Optional[_Iterable[_Union[BatchMatchResponse.BatchMatchResponsePerIndex, _Mapping[str, object]]]] = ...) -> None: ...

class Namespace(_message.Message):
    __slots__ = ("name", "allow_tokens", "deny_tokens")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ALLOW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DENY_TOKENS_FIELD_NUMBER: _ClassVar[int]
    name: str
    allow_tokens: _containers.RepeatedScalarFieldContainer[str]
    deny_tokens: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., allow_tokens: _Optional[_Iterable[str]] = ..., deny_tokens: _Optional[_Iterable[str]] = ...) -> None: ...

class NumericNamespace(_message.Message):
    __slots__ = ("name", "value_int", "value_float", "value_double", "op")
    class Operator(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OPERATOR_UNSPECIFIED: _ClassVar[NumericNamespace.Operator]
        LESS: _ClassVar[NumericNamespace.Operator]
        LESS_EQUAL: _ClassVar[NumericNamespace.Operator]
        EQUAL: _ClassVar[NumericNamespace.Operator]
        GREATER_EQUAL: _ClassVar[NumericNamespace.Operator]
        GREATER: _ClassVar[NumericNamespace.Operator]
        NOT_EQUAL: _ClassVar[NumericNamespace.Operator]
    OPERATOR_UNSPECIFIED: NumericNamespace.Operator
    LESS: NumericNamespace.Operator
    LESS_EQUAL: NumericNamespace.Operator
    EQUAL: NumericNamespace.Operator
    GREATER_EQUAL: NumericNamespace.Operator
    GREATER: NumericNamespace.Operator
    NOT_EQUAL: NumericNamespace.Operator
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_INT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FLOAT_FIELD_NUMBER: _ClassVar[int]
    VALUE_DOUBLE_FIELD_NUMBER: _ClassVar[int]
    OP_FIELD_NUMBER: _ClassVar[int]
    name: str
    value_int: int
    value_float: float
    value_double: float
    op: NumericNamespace.Operator
    def __init__(self, name: _Optional[str] = ..., value_int: _Optional[int] = ..., value_float: _Optional[float] = ..., value_double: _Optional[float] = ..., op: _Optional[_Union[NumericNamespace.Operator, str]] = ...) -> None: ...
