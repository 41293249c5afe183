"""Whether deployments fit before one is started: processors and memory of the ML nodes against allocations and threads.

An allocation stays on one node and takes as many of its processors as it has threads; a deployment takes its memory once on
every node that it is on. The cluster has the last word; this predicts its answer, in clearer words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from tasks.elastic.cluster.cluster import SMALLEST_NODE_BYTES, MlNode, gigabytes, ml_nodes
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import DeploymentSpec, Threads
from tasks.errors import PermanentError
from tasks.plurals import counted
from tasks.steps import step

_AUTOMATIC_SHARE = 0.5
"""The part of a machine's memory that a node for machine learning alone can surely use when it computes the limit itself; what its JVM
needs depends on its size. By default the limit is 30 % (Elastic's machine learning settings)."""
ELSER_BYTES = 2004 * 1024**2
"""What Elasticsearch reserves for ELSER of any version until it has measured it (PyTorchModelIT.java)."""
OVERHEAD_BYTES = 240 * 1024**2
"""What it reserves for any other model, on top of twice its definition (PyTorchModelIT.java)."""


@dataclass(frozen=True)
class Setting:
    """Allocations and threads of a deployment."""

    allocations: int
    threads: int

    def __str__(self) -> str:
        return f"{counted(self.allocations, 'allocation')} of {counted(self.threads, 'thread')}"


@dataclass(frozen=True)
class Placement:
    """Where a deployment would go."""

    wanted: Setting
    allocations: dict[str, int]
    """Allocations by node name, only where there are any."""
    obstacles: tuple[str, ...]
    """Why each node takes no more, one sentence per node; empty if all fit."""
    nearest: Setting | None
    """The largest setting that fits, if the requested one does not; None if nothing fits."""

    @property
    def fits(self) -> bool:
        """Whether there is room for all requested allocations."""
        return sum(self.allocations.values()) >= self.wanted.allocations


class DoesNotFit(PermanentError):
    """A deployment that the ML nodes cannot hold. Nothing was started."""

    def __init__(self, deployment: str, placement: Placement) -> None:
        self.deployment, self.placement = deployment, placement
        placed = sum(placement.allocations.values())
        nearest = placement.nearest
        remedy = (
            f"The nearest setting that fits is {nearest}. Otherwise stop another deployment, or use larger or more ML nodes."
            if nearest
            else "Nothing smaller fits either: stop another deployment, or use larger or more ML nodes."
        )
        super().__init__(
            f"The deployment {deployment!r} does not fit: {placement.wanted} requested, room for {placed}. "
            f"{' '.join(placement.obstacles)} {remedy} Nothing was started."
        )


def place(nodes: Sequence[MlNode], wanted: Setting, memory: int) -> Placement:
    """Where a deployment fits on these nodes.

    Args:
        nodes: with what they have left.
        wanted: allocations and threads.
        memory: bytes that the model takes on each node; a node that does not report its memory is assumed to have enough.
    """
    allocations = _spread(nodes, wanted, memory)
    if sum(allocations.values()) >= wanted.allocations:
        return Placement(wanted, allocations, (), None)
    obstacles = tuple(_obstacle(node, wanted, memory) for node in nodes) or ("There is no ML node.",)
    return Placement(wanted, allocations, obstacles, _nearest(nodes, wanted, memory))


def after(nodes: Iterable[MlNode], placement: Placement, memory: int) -> list[MlNode]:
    """The nodes as they would be with a deployment on them, to place the next one."""
    threads = placement.wanted.threads
    return [
        node.model_copy(
            update={
                "used_processors": node.used_processors + placement.allocations[node.name] * threads,
                "used_memory": node.used_memory + memory,
            }
        )
        if node.name in placement.allocations
        else node
        for node in nodes
    ]


@step("read where {spec.id} fits")
def read_placement(settings: ElasticSettings, spec: DeploymentSpec) -> Placement:
    """Where one deployment would go, whether or not it fits. What already runs under its id counts as free."""
    nodes, memory = _room(settings, [spec])
    return place(nodes, _setting(spec), memory[spec.model_id])


@step("verify that the deployments fit")
def verify_capacity(settings: ElasticSettings, specs: Sequence[DeploymentSpec]) -> tuple[Placement, ...]:
    """Where deployments go, one after the other. What already runs under their ids counts as free.

    Raises:
        DoesNotFit: with what is missing on which node, and the nearest setting that fits.
    """
    nodes, memory = _room(settings, specs)
    placements: list[Placement] = []
    for spec in specs:
        placement = place(nodes, _setting(spec), memory[spec.model_id])
        if not placement.fits:
            raise DoesNotFit(spec.id, placement)
        placements.append(placement)
        nodes = after(nodes, placement, memory[spec.model_id])
    return tuple(placements)


def _room(settings: ElasticSettings, specs: Sequence[DeploymentSpec]) -> tuple[list[MlNode], dict[str, int]]:
    nodes = ml_nodes(settings)
    with calling("read the models' memory"):
        stats = connect(settings).ml.get_trained_models_stats(size=1000)["trained_model_stats"]
    memory = {spec.model_id: _memory_of(spec.model_id, stats) for spec in specs}
    own = {spec.id: memory[spec.model_id] for spec in specs}
    for entry in stats:
        deployment = entry.get("deployment_stats") or {}
        if deployment.get("deployment_id") not in own or deployment.get("priority") == "low":
            continue
        for there in deployment.get("nodes", ()):
            processors = there.get("number_of_allocations", 0) * deployment["threads_per_allocation"]
            nodes = [
                _freed(node, processors, own[deployment["deployment_id"]])
                if node.id in there["node"]
                else node
                for node in nodes
            ]
    return nodes, memory


def _freed(node: MlNode, processors: int, memory: int) -> MlNode:
    return node.model_copy(
        update={
            "used_processors": max(0, node.used_processors - processors),
            "used_memory": max(0, node.used_memory - memory),
        }
    )


def _memory_of(model_id: str, stats: Sequence[dict[str, Any]]) -> int:
    for entry in stats:
        if entry["model_id"] == model_id:
            sizes = entry.get("model_size_stats", {})
            if required := sizes.get("required_native_memory_bytes", 0):
                return required
            if not model_id.startswith(".elser_model_"):
                return OVERHEAD_BYTES + 2 * sizes.get("model_size_bytes", 0)
    return ELSER_BYTES if model_id.startswith(".elser_model_") else OVERHEAD_BYTES


def _setting(spec: DeploymentSpec) -> Setting:
    return Setting(max(1, spec.least_allocations), spec.threads)


def _spread(nodes: Sequence[MlNode], wanted: Setting, memory: int) -> dict[str, int]:
    left, allocations = wanted.allocations, dict[str, int]()
    for node in sorted(nodes, key=lambda node: node.free_processors, reverse=True):
        if node.memory and node.free_memory < memory:
            continue
        here = min(left, node.free_processors // wanted.threads)
        if here:
            allocations[node.name] = here
            left -= here
    return allocations


def _nearest(nodes: Sequence[MlNode], wanted: Setting, memory: int) -> Setting | None:
    """The setting that uses most processors, neither value above the requested one; of equals, more allocations."""
    candidates: list[Setting] = []
    for threads in get_args(Threads):
        if threads <= wanted.threads:
            most = sum(_spread(nodes, Setting(wanted.allocations, threads), memory).values())
            if most:
                candidates.append(Setting(most, threads))
    return max(candidates, key=lambda s: (s.allocations * s.threads, s.allocations), default=None)


def _about_memory(node: MlNode, memory: int) -> str:
    """What to do about a node without enough memory for machine learning, by the memory of its machine; empty if nothing is known."""
    if 0 < node.machine_memory < SMALLEST_NODE_BYTES:
        return " A node for ELSER needs at least 4 GB."
    if node.used_memory + memory <= node.machine_memory * _AUTOMATIC_SHARE:
        return (
            f" Its machine has {gigabytes(node.machine_memory)}, of which machine learning may use only a part (30 % by default): on a node "
            "for nothing else, set xpack.ml.use_auto_machine_memory_percent to true, or raise xpack.ml.max_machine_memory_percent."
        )
    return ""


def _obstacle(node: MlNode, wanted: Setting, memory: int) -> str:
    if node.memory and node.free_memory < memory:
        return (
            f"Node {node.name} has {gigabytes(node.free_memory)} of {gigabytes(node.memory)} of ML memory free, "
            f"the model needs {gigabytes(memory)}.{_about_memory(node, memory)}"
        )
    return (
        f"Node {node.name} has {node.free_processors} of {node.processors} processors free, "
        f"each allocation needs {wanted.threads}."
    )
