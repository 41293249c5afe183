"""The cluster itself: is it Elasticsearch, may it run models, and on which nodes. Nothing is changed.

What is missing is listed in one paragraph, with what to do about it.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tasks.calls import NotFound, ServiceRefused
from tasks.elastic.cluster.serverless import FLAVOUR
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.errors import InvalidInput, PermanentError
from tasks.program import command
from tasks.steps import step

OLDEST = (8, 15)
"""The first version whose `exists` query finds sparse vectors, which the repair relies on."""
VECTORS_HIDDEN_SINCE = (9, 2)
"""From this version on, vectors are left out of `_source` unless requested."""
_ALWAYS_NEWEST = (1000, 0)
LICENCES_WITH_ML = ("trial", "platinum", "enterprise")
SMALLEST_NODE_BYTES = 4 * 1024**3
"""The least ML node for ELSER without autoscaling (Elastic's machine learning guide)."""


class MlNode(BaseModel, frozen=True):
    """A node that may run models, and what it still has."""

    id: str
    name: str
    processors: int
    """Processors allocated to the node."""
    used_processors: int
    """Allocations times threads of the deployments on it."""
    memory: int
    """Bytes that machine learning may use; 0 when the cluster does not report it."""
    used_memory: int
    """Bytes that it does use."""
    machine_memory: int
    """Bytes of the machine; 0 when the cluster does not report it."""

    def __str__(self) -> str:
        memory = (
            f", {gigabytes(self.free_memory)} of {gigabytes(self.memory)} of ML memory" if self.memory else ""
        )
        return f"{self.name} has {self.free_processors} of {self.processors} processors free{memory}"

    @property
    def free_processors(self) -> int:
        """What is left for another allocation."""
        return max(0, self.processors - self.used_processors)

    @property
    def free_memory(self) -> int:
        """Bytes left for another deployment."""
        return max(0, self.memory - self.used_memory)


class Cluster(BaseModel, frozen=True):
    """A cluster as it was last read."""

    name: str
    version: str
    licence: str
    """`trial`, `basic`, `platinum`, `enterprise`; `unknown` when it may not be read."""
    licence_is_active: bool
    ml_nodes: tuple[MlNode, ...]
    """Of a serverless project none: they are Elastic's."""
    serverless: bool = False

    @property
    def release(self) -> tuple[int, int]:
        """Major and minor version; of a serverless project, whose number says nothing, above all others."""
        return _ALWAYS_NEWEST if self.serverless else release_of(self.version)

    def missing(self, *, may_grow: bool = False) -> str:
        """What keeps this cluster from running the flows, in one paragraph; empty if nothing does.

        Args:
            may_grow: the cluster adds machine-learning nodes by itself, so none need exist yet.
        """
        found: list[str] = []
        if self.serverless:
            return ""
        if self.release < OLDEST:
            found.append(
                f"Its version is {self.version}; these flows need {OLDEST[0]}.{OLDEST[1]} or later, where documents "
                "without an embedding can be found: upgrade it."
            )
        if self.licence not in (*LICENCES_WITH_ML, "unknown"):
            found.append(
                f"Its license is {self.licence!r}, which does not include trained models ({', '.join(LICENCES_WITH_ML)} do): "
                "start a trial with `POST /_license/start_trial?acknowledge=true`, or install a license."
            )
        elif not self.licence_is_active:
            found.append(f"Its license ({self.licence}) has expired: install a valid one.")
        if not self.ml_nodes and not may_grow:
            found.append(
                "It has no node with the role ml: add one of at least 4 GB for ELSER (16 GB for other language models). "
                f"If it adds nodes by itself (autoscaling), use `{command('elastic deploy', name='NAME', may_grow=True)}`."
            )
        return f"The cluster {self.name!r} cannot run these flows yet. {' '.join(found)}" if found else ""


class ClusterNotReady(PermanentError):
    """The cluster cannot run the flows, with the reasons and what to do."""

    def __init__(self, cluster: Cluster, missing: str) -> None:
        self.cluster, self.missing = cluster, missing
        super().__init__(missing)


@step("read the cluster")
def read_cluster(settings: ElasticSettings) -> Cluster:
    """What answers at the address, whether or not it can run the flows.

    Raises:
        NotElasticsearch: something else answers.
        InvalidInput: it does not accept the credentials or the certificate is not trusted.
    """
    client = connect(settings)
    with calling("read the cluster"):
        info = client.info()
    licence, active = _licence(settings)
    serverless = info["version"].get("build_flavor") == FLAVOUR
    reads_nodes = not serverless and licence in (*LICENCES_WITH_ML, "unknown")
    return Cluster(
        name=info["cluster_name"],
        version=info["version"]["number"],
        licence=licence,
        licence_is_active=active,
        ml_nodes=tuple(ml_nodes(settings)) if reads_nodes else (),
        serverless=serverless,
    )


@step("verify that the cluster can run models")
def verify_cluster(settings: ElasticSettings, *, may_grow: bool = False) -> Cluster:
    """The cluster, if it can run the flows.

    Args:
        settings: the target.
        may_grow: the cluster adds machine-learning nodes by itself, so none need exist yet.

    Raises:
        ClusterNotReady: version, licence or nodes are not enough.
    """
    cluster: Cluster = read_cluster.fn(settings)
    if missing := cluster.missing(may_grow=may_grow):
        raise ClusterNotReady(cluster, missing)
    return cluster


@step("verify that the cluster is new enough")
def verify_release(settings: ElasticSettings) -> None:
    """Refuse a cluster that could embed documents, but not say which of them lack their embedding.

    Raises:
        InvalidInput: it is older than `OLDEST`.
    """
    release = read_release(settings)
    if release < OLDEST:
        raise InvalidInput(
            "The cluster is too old to be asked which documents lack their embedding",
            value=f"{release[0]}.{release[1]}",
            accepted=f"{OLDEST[0]}.{OLDEST[1]} or later",
            remedy="Upgrade it; nothing was created.",
        )


def gigabytes(size: int) -> str:
    """Bytes in readable form: `2.0 GB`."""
    return f"{size / 1024**3:.1f} GB"


def release_of(version: str) -> tuple[int, int]:
    """Major and minor of a version number: 9.2.1-SNAPSHOT is (9, 2)."""
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def read_release(settings: ElasticSettings) -> tuple[int, int]:
    """Major and minor version, as `Cluster.release`."""
    with calling("read the version"):
        version: dict[str, Any] = connect(settings).info()["version"]
    return _ALWAYS_NEWEST if version.get("build_flavor") == FLAVOUR else release_of(version["number"])


def vectors_in_source(settings: ElasticSettings) -> dict[str, Any]:
    """The `_source` filter that brings embeddings along: from 9.2 on they must be requested."""
    return {"exclude_vectors": False} if read_release(settings) >= VECTORS_HIDDEN_SINCE else {}


def ml_nodes(settings: ElasticSettings) -> list[MlNode]:
    """The nodes that may run models, with what they have left."""
    client = connect(settings)
    with calling("read the memory of the ML nodes"):
        nodes: dict[str, Any] = client.ml.get_memory_stats()["nodes"]
    with calling("read the deployments"):
        stats: list[dict[str, Any]] = client.ml.get_trained_models_stats(size=1000)["trained_model_stats"]
    used = used_processors(stats)
    return [_ml_node(id_, node, used.get(id_, 0)) for id_, node in nodes.items() if "ml" in node["roles"]]


def used_processors(stats: list[dict[str, Any]]) -> dict[str, int]:
    """Processors that deployments use, by node id, from `trained_model_stats`. Low priority takes none."""
    used: dict[str, int] = {}
    for entry in stats:
        deployment = entry.get("deployment_stats") or {}
        if deployment.get("priority") == "low":
            continue
        for node in deployment.get("nodes", ()):
            if node.get("routing_state", {}).get("routing_state") in ("failed", "stopped"):
                continue
            threads = node.get("threads_per_allocation", deployment.get("threads_per_allocation", 1))
            for id_ in node["node"]:
                used[id_] = used.get(id_, 0) + node.get("number_of_allocations", 0) * threads
    return used


def _licence(settings: ElasticSettings) -> tuple[str, bool]:
    try:
        with calling("read the license"):
            licence: dict[str, Any] = connect(settings).license.get()["license"]
    except NotFound:
        return "none", False
    except ServiceRefused as error:
        if error.status == 403:
            return "unknown", True
        raise
    return licence["type"], licence["status"] == "active"


def _ml_node(id_: str, node: dict[str, Any], used: int) -> MlNode:
    memory: dict[str, Any] = node["mem"]
    ml: dict[str, int] = memory.get("ml", {})
    attributes: dict[str, str] = node.get("attributes", {})
    parts = (
        "native_code_overhead_in_bytes",
        "anomaly_detectors_in_bytes",
        "data_frame_analytics_in_bytes",
        "native_inference_in_bytes",
    )
    return MlNode(
        id=id_,
        name=node["name"],
        processors=int(float(attributes.get("ml.allocated_processors", 0))),
        used_processors=used,
        memory=ml.get("max_in_bytes", 0),
        used_memory=sum(ml.get(part, 0) for part in parts),
        machine_memory=memory.get("adjusted_total_in_bytes", memory.get("total_in_bytes", 0)),
    )
