"""Specifications, as values: an index, an endpoint, a deployed index.

A specification holds the immutable configuration only; its hash is the `spec` label of what we create from it. Errors
use the names of the parameters; the service's spellings stay in this file.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema

from tasks.errors import InvalidInput
from tasks.marks import fingerprint
from tasks.measures.neighbors import DistanceMeasure, FeatureNorm

Algorithm = Literal["tree-ah", "brute-force"]
UpdateMethod = Literal["STREAM_UPDATE", "BATCH_UPDATE"]
ShardSize = Literal["SHARD_SIZE_SMALL", "SHARD_SIZE_MEDIUM", "SHARD_SIZE_LARGE", "SHARD_SIZE_SO_DYNAMIC"]
DeploymentTier = Literal["STORAGE"]
"""Other than the service's default ("Storage-optimized Vector Search")."""
EndpointKind = Literal["public", "vpc", "private-service-connect"]

FIRST = "first"
"""The version of an index that carries no mark of one: what a plain build creates under a new name."""

_NAME = r"^[a-z][a-z0-9-]{0,62}$"


def _name(value: str) -> str:
    if not re.fullmatch(_NAME.strip("^$"), value):
        raise ValueError(
            "A name has lowercase letters, digits and dashes, a letter first, and at most 63 characters."
        )
    return value


Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": _NAME})]
"""A name that is valid as a label value and as the first part of a deployed index id."""


class Specification(BaseModel, frozen=True):
    """Base of the three: a name, and a hash of all else."""

    name: Name

    @property
    def spec(self) -> str:
        """Twelve hex digits of the immutable configuration, the same in every process."""
        fixed = self.model_dump(exclude={"name", "version", "endpoint_name"})
        # What came later is left out where it says nothing: what was made before keeps its mark.
        return fingerprint(
            {key: value for key, value in fixed.items() if value is not None or key not in _LATER}
        )


_LATER = ("kms_key", "deployment_tier")
_KMS_KEY = r"projects/[^/]+/locations/(?P<location>[^/]+)/keyRings/[^/]+/cryptoKeys/[^/]+"


def check_kms_key(key: str | None, location: str) -> None:
    """See that a key can encrypt what is in a region.

    Raises:
        InvalidInput: it is not a key's name, or lies in another region ("Customer-managed encryption keys").
    """
    found = re.fullmatch(_KMS_KEY, key or "")
    if key is not None and (found is None or found["location"] != location):
        raise InvalidInput(
            "Not the name of a key in the region of the index", value=key, source="kms_key",
            accepted=f"projects/PROJECT/locations/{location}/keyRings/RING/cryptoKeys/KEY, without a version",
            remedy="Its service agent needs the role roles/cloudkms.cryptoKeyEncrypterDecrypter on the key.",
        )  # fmt: skip


class IndexSpec(Specification, frozen=True):
    """An index. Defaults are those of "Index configuration parameters" (docs/sources.md)."""

    version: str = FIRST
    """Which of the indexes of the name: FIRST, or twelve hex digits."""
    endpoint_name: Name | None = None
    """What its endpoint is created under, if that is not its own name."""
    dimensions: int = Field(gt=0)
    algorithm: Algorithm = "tree-ah"
    distance_measure: DistanceMeasure = "DOT_PRODUCT_DISTANCE"
    feature_norm: FeatureNorm = "NONE"
    shard_size: ShardSize | None = None
    """None leaves it to the service (SHARD_SIZE_MEDIUM)."""
    update_method: UpdateMethod = "STREAM_UPDATE"
    approximate_neighbors_count: int = Field(default=150, gt=0)
    """Neighbors found by approximate search before they are reordered exactly."""
    leaf_node_embedding_count: int = Field(default=1000, gt=0)
    """Datapoints in one leaf of the tree."""
    fraction_leaf_nodes_to_search: float = Field(default=0.05, gt=0, lt=1)
    """Part of the leaves that a query searches by default."""
    kms_key: str | None = None
    """The user's key that encrypts it; None for Google's own."""

    def config(self) -> dict[str, Any]:
        """The `config` of Index.metadata ("Index configuration parameters")."""
        config: dict[str, Any] = {
            "dimensions": self.dimensions,
            "approximateNeighborsCount": self.approximate_neighbors_count,
            "distanceMeasureType": self.distance_measure,
            "featureNormType": self.feature_norm,
        }
        if self.shard_size:
            config["shardSize"] = self.shard_size
        if self.algorithm == "brute-force":
            config["algorithmConfig"] = {"bruteForceConfig": {}}
        else:
            config["algorithmConfig"] = {
                "treeAhConfig": {
                    "leafNodeEmbeddingCount": self.leaf_node_embedding_count,
                    "fractionLeafNodesToSearch": self.fraction_leaf_nodes_to_search,
                }
            }
        return config

    def difference(self, there: dict[str, Any]) -> tuple[str, Any, Any] | None:
        """The first parameter in which an existing index's `config` differs: (parameter, there, wanted), or None.

        A field that the service left out or null has its default.
        """
        given = there.get("algorithmConfig") or {"treeAhConfig": {}}
        tree = given.get("treeAhConfig") or {}
        present: dict[str, Any] = {
            "dimensions": there.get("dimensions"),
            "algorithm": "brute-force" if "bruteForceConfig" in given else "tree-ah",
            "distance_measure": there.get("distanceMeasureType"),
            "feature_norm": there.get("featureNormType"),
            "shard_size": there.get("shardSize") or "SHARD_SIZE_MEDIUM",
            "approximate_neighbors_count": there.get("approximateNeighborsCount"),
            "leaf_node_embedding_count": tree.get("leafNodeEmbeddingCount"),
            "fraction_leaf_nodes_to_search": tree.get("fractionLeafNodesToSearch"),
        }
        for parameter, value in present.items():
            wanted = getattr(self, parameter)
            unused = self.algorithm == "brute-force" and parameter in _OF_THE_TREE
            if wanted is None or unused:
                continue
            found = type(self).model_fields[parameter].get_default() if value is None else value
            if found != wanted:
                # A protobuf Struct knows no integers: 1000 comes back as 1000.0.
                return parameter, int(found) if isinstance(wanted, int) else found, wanted
        return None


_OF_THE_TREE = ("leaf_node_embedding_count", "fraction_leaf_nodes_to_search")


class EndpointSpec(Specification, frozen=True):
    """An index endpoint. The three kinds exclude each other and decide how queries travel."""

    kind: EndpointKind = "public"
    network: str | None = None
    """The peered VPC network of kind `vpc`: projects/NUMBER/global/networks/NAME."""
    project_allowlist: tuple[str, ...] = ()
    """The projects that may connect to an endpoint of kind `private-service-connect`, sorted."""
    kms_key: str | None = None
    """The user's key that encrypts it; None for Google's own."""


def deployed_index_id(name: str, location: str, version: str = FIRST) -> str:
    """`products_us_central1`: unique in a project, whatever other regions hold under the same name; a later version follows.

    At most 128 letters, digits and underscores, a letter first (index_endpoint.proto, DeployedIndex).
    """
    whole = f"{name}-{location}" if version == FIRST else f"{name}-{location}-{version}"
    return whole.replace("-", "_")


def is_our_deployed_index_id(id_: str, name: str, location: str, version: str | None = None) -> bool:
    """Whether a deployed index id is the one that we choose for this version of a name; None for any version."""
    if version is not None:
        return id_ == deployed_index_id(name, location, version)
    return re.fullmatch(rf"{deployed_index_id(name, location)}(_[0-9a-f]{{12}})?", id_) is not None


Replicas = tuple[int, int]
"""The minimum and the maximum number of replicas."""


class DeployedIndexSpec(Specification, frozen=True):
    """A deployed index: replicas of an index behind an endpoint. Replicas can change in place, the machine cannot."""

    location: str
    """The region, part of the id: that is unique in the whole project."""
    version: str = FIRST
    """The version of the index, part of the id too."""
    machine_type: str | None = None
    """None for automatic resources, where the service picks the machine by the shard size."""
    min_replicas: int | None = Field(default=None, ge=1, le=1000)
    """None keeps the current number; a new deployed index gets 1."""
    max_replicas: int | None = Field(default=None, ge=1, le=1000)
    """None keeps the current number, or min_replicas if that is more."""
    deployment_tier: DeploymentTier | None = None
    """STORAGE serves from disk, at a lower cost and a higher latency; None for the service's default."""

    @property
    def id(self) -> str:
        """The deployed index id that we choose."""
        return deployed_index_id(self.name, self.location, self.version)

    def replicas(self, there: Replicas | None = None) -> Replicas:
        """The wanted (min, max), where these are there. Both are always sent: unset, the service runs two, which cost.

        Raises:
            InvalidInput: max_replicas is below the min_replicas that are asked for or there.
        """
        least_there, most_there = there or (1, 1)
        least = self.min_replicas or least_there
        most = self.max_replicas or max(least, most_there)
        if most < least:
            origin = "requested" if self.min_replicas else "that run now"
            accepted = f"{least} or more, the min_replicas {origin}"
            raise InvalidInput("Too few replicas", value=most, source="max_replicas", accepted=accepted)
        return least, most

    def resources(self, there: Replicas | None = None) -> dict[str, Any]:
        """The resources part of a DeployedIndex, where these replicas are there."""
        least, most = self.replicas(there)
        replicas = {"min_replica_count": least, "max_replica_count": most}
        if self.machine_type is None:
            return {"automatic_resources": replicas}
        return {"dedicated_resources": {"machine_spec": {"machine_type": self.machine_type}, **replicas}}
