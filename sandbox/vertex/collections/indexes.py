"""What an index of a collection may be."""

from __future__ import annotations

from typing import Any, NoReturn

from google.cloud import vectorsearch_v1 as v1
from google.protobuf import json_format

from sandbox.vertex import errors
from sandbox.vertex.fields import clear_outputs

_MOST_REPLICAS = 1000
_FEWEST_BY_DEFAULT = 2
_REPLICAS = tuple(
    f"dedicated_infrastructure.autoscaling_spec.{name}" for name in ("min_replica_count", "max_replica_count")
)
"""What UpdateIndexRequest says can be changed, beside texts and labels."""


def checked_index(given: Any, collection: Any, *, keep_outputs: bool = False) -> Any:
    """The index with its defaults, as the official package documents them.

    Raises:
        Refusal: INVALID_ARGUMENT for a field that the collection does not have, or replicas out of bounds.
    """
    index = type(given)()
    index.CopyFrom(given)
    if not keep_outputs:
        clear_outputs(index)
    known = collection.vector_schema
    if index.index_field not in known or not known[index.index_field].HasField("dense_vector"):
        _refuse(f"index_field {index.index_field!r} is not a dense field of the vector schema")
    properties = json_format.MessageToDict(collection.data_schema).get("properties", {})
    for name in (*index.filter_fields, *index.store_fields):
        if name not in properties:
            _refuse(f"the field {name!r} is not in the data schema")
    index.distance_metric = index.distance_metric or v1.DistanceMetric.DOT_PRODUCT
    _fill_infrastructure(index)
    return index


def with_replicas(request: Any, current: Any) -> Any:
    """An update whose paths to replica counts, which are documented, became the whole infrastructure that they make.

    Raises:
        Refusal: INVALID_ARGUMENT for another mode, which cannot be changed.
    """
    changed = type(request)()
    changed.CopyFrom(request)
    given, there = request.index.dedicated_infrastructure, current.dedicated_infrastructure
    if given.mode not in (0, there.mode):
        raise errors.IMMUTABLE_FIELD.refusal(
            kind="Index", field="dedicated_infrastructure.mode", current=there.mode, given=given.mode
        )
    paths = [path for path in request.update_mask.paths if path in _REPLICAS]
    if not paths:
        return changed
    whole = changed.index.dedicated_infrastructure
    whole.CopyFrom(there)
    for path in paths:
        name = path.rpartition(".")[2]
        setattr(whole.autoscaling_spec, name, getattr(given.autoscaling_spec, name))
    others = [path for path in request.update_mask.paths if path not in _REPLICAS]
    changed.update_mask.paths[:] = [*others, "dedicated_infrastructure"]
    return changed


def _fill_infrastructure(index: Any) -> None:
    infrastructure = index.dedicated_infrastructure
    if not infrastructure.mode:
        infrastructure.mode = v1.DedicatedInfrastructure.Mode.PERFORMANCE_OPTIMIZED
    spec = infrastructure.autoscaling_spec
    low = spec.min_replica_count or _FEWEST_BY_DEFAULT
    high = spec.max_replica_count or max(low, _FEWEST_BY_DEFAULT)
    if not 1 <= low <= high <= _MOST_REPLICAS:
        raise errors.REPLICAS.refusal(low=low, high=high)
    spec.min_replica_count, spec.max_replica_count = low, high


def _refuse(problem: str) -> NoReturn:
    raise errors.INVALID_COLLECTION_INDEX.refusal(problem=problem)
