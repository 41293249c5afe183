"""Index.metadata: a google.protobuf.Value whose content only documentation describes. Read, checked, completed.

Accepts what clients send in practice: nulls for what is not set, whole numbers as doubles, both spellings of keys.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format, struct_pb2

from sandbox.vertex import errors

DISTANCES = ("DOT_PRODUCT_DISTANCE", "COSINE_DISTANCE", "SQUARED_L2_DISTANCE", "L1_DISTANCE")
SHARD_SIZES = ("SHARD_SIZE_SMALL", "SHARD_SIZE_MEDIUM", "SHARD_SIZE_LARGE", "SHARD_SIZE_SO_DYNAMIC")
NORMS = ("NONE", "UNIT_L2_NORM")
_CONFIG_KEYS = {
    "dimensions",
    "approximateNeighborsCount",
    "shardSize",
    "distanceMeasureType",
    "featureNormType",
    "algorithmConfig",
}
_TREE_KEYS = {"leafNodeEmbeddingCount", "fractionLeafNodesToSearch", "leafNodesToSearchPercent"}


@dataclass(frozen=True)
class Tree:
    """treeAhConfig, with its defaults."""

    leaf_size: int = 1000
    fraction: float = 0.05
    """Share of leaves that a query searches."""


@dataclass(frozen=True)
class Config:
    """What an index is, as its metadata states it."""

    dimensions: int
    distance: str
    unit_norm: bool
    shard_size: str
    approximate_neighbors: int
    tree: Tree | None
    """None for bruteForceConfig."""


def parse(value: struct_pb2.Value) -> dict[str, Any]:
    """The metadata as a dict: keys in camelCase, nulls gone.

    Raises:
        Refusal: it is not an object, or has unknown keys.
    """
    # The official types say a dict; a Value that is no struct becomes a list, a number, a text or None.
    content: Any = (
        {} if value.WhichOneof("kind") in (None, "null_value") else json_format.MessageToDict(value)
    )
    if not isinstance(content, dict):
        raise errors.INVALID_METADATA.refusal(problem="must be an object.")
    content = _tidy(content)
    _refuse_unknown(content, {"contentsDeltaUri", "isCompleteOverwrite", "config"}, "")
    return content


def config(content: dict[str, Any]) -> Config:
    """The index's configuration, checked.

    Raises:
        Refusal: a field is missing or invalid.
    """
    given = content.get("config")
    if not isinstance(given, dict):
        raise errors.INVALID_METADATA.refusal(problem="config is required but missing.")
    _refuse_unknown(given, _CONFIG_KEYS, "config.")
    tree = _algorithm(given.get("algorithmConfig", {"treeAhConfig": {}}))
    approximate = _whole(given, "approximateNeighborsCount", required=tree is not None)
    return Config(
        dimensions=_whole(given, "dimensions", required=True),
        distance=_one_of(given, "distanceMeasureType", DISTANCES, "DOT_PRODUCT_DISTANCE"),
        unit_norm=_one_of(given, "featureNormType", NORMS, "NONE") == "UNIT_L2_NORM",
        shard_size=_one_of(given, "shardSize", SHARD_SIZES, "SHARD_SIZE_MEDIUM"),
        approximate_neighbors=approximate,
        tree=tree,
    )


def shown(content: dict[str, Any]) -> struct_pb2.Value:
    """The metadata as the service gives it back: without the import's fields, defaults filled in."""
    filled = {
        "distanceMeasureType": "DOT_PRODUCT_DISTANCE",
        "featureNormType": "NONE",
        "shardSize": "SHARD_SIZE_MEDIUM",
        **content["config"],
    }
    return json_format.ParseDict({"config": filled}, struct_pb2.Value())


def _algorithm(given: Any) -> Tree | None:
    if not isinstance(given, dict) or set(given) not in ({"treeAhConfig"}, {"bruteForceConfig"}):
        raise errors.INVALID_METADATA.refusal(
            problem="algorithmConfig must have either treeAhConfig or bruteForceConfig."
        )
    if "bruteForceConfig" in given:
        return None
    tree = given["treeAhConfig"]
    _refuse_unknown(tree, _TREE_KEYS, "config.algorithmConfig.treeAhConfig.")
    fraction = tree.get("fractionLeafNodesToSearch", Tree.fraction)
    if not isinstance(fraction, int | float) or not 0 < fraction < 1:
        raise errors.INVALID_METADATA.refusal(
            problem="fractionLeafNodesToSearch must lie between 0 and 1, both excluded."
        )
    if "fractionLeafNodesToSearch" not in tree and "leafNodesToSearchPercent" in tree:
        percent = _whole(tree, "leafNodesToSearchPercent", required=True)
        if percent > 100:
            raise errors.INVALID_METADATA.refusal(
                problem="leafNodesToSearchPercent must lie between 1 and 100."
            )
        fraction = percent / 100
    return Tree(_whole(tree, "leafNodeEmbeddingCount", required=False) or Tree.leaf_size, float(fraction))


def _tidy(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel(key): _tidy(item) for key, item in value.items() if item is not None}
    return value


def _camel(key: str) -> str:
    spelled = re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), key)
    return spelled[:1].lower() + spelled[1:]


def _whole(given: dict[str, Any], key: str, *, required: bool) -> int:
    value = given.get(key)
    if value is None:
        if required:
            raise errors.INVALID_METADATA.refusal(problem=f"config.{key} is required but missing.")
        return 0
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.5
    if isinstance(value, bool) or number != int(number) or not 0 < number < 2**31:
        raise errors.INVALID_METADATA.refusal(
            problem=f"{key} must be a positive whole number, not {value!r}."
        )
    return int(number)


def _one_of(given: dict[str, Any], key: str, values: tuple[str, ...], default: str) -> str:
    value = given.get(key, default)
    if value not in values:
        raise errors.INVALID_METADATA.refusal(
            problem=f"config.{key} must be one of {', '.join(values)}, not {value!r}."
        )
    return value


def _refuse_unknown(given: Any, known: set[str], path: str) -> None:
    if not isinstance(given, dict):
        raise errors.INVALID_METADATA.refusal(problem=f"{path.rstrip('.')} must be an object.")
    for key in given:
        if key not in known:
            raise errors.INVALID_METADATA.refusal(
                problem=f"{path}{key} is unknown; accepted: {', '.join(sorted(known))}."
            )
