"""The cluster's state as all handlers share it, and the hooks by which the parts know each other.

A part (a module that server.py names) may define `attach(cluster)`, called before the first request, and
`detach(cluster)`, called after the last one. It fills its hook there. Nothing here answers a request.
"""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.elastic.errors import Refusal
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.store import Records, Store
from sandbox.elastic.versions import release
from sandbox.faults import FaultQueue
from sandbox.write_log import WriteLog

if TYPE_CHECKING:
    from sandbox.elastic.documents.store import Documents
    from sandbox.elastic.indices.store import Indices
    from sandbox.elastic.ingest.pipelines import Pipelines
    from sandbox.elastic.ml.deployments import Deployments
    from sandbox.elastic.ml.inference_ledger import InferenceLedger
    from sandbox.elastic.ml.models import Models
    from sandbox.elastic.reindex.jobs import Job
    from sandbox.elastic.search.search_contexts import SearchContexts
    from sandbox.elastic.search.searchers import Searchers
    from sandbox.elastic.tasks.manager import Tasks


@dataclass
class Ingested:
    """One document on its way through ingest pipelines. They may change all of it but the pipelines' names."""

    index: str
    id: str | None
    source: dict[str, Any]
    pipelines: tuple[str, ...]
    """The request's pipeline or the index's default_pipeline, then its final_pipeline; never empty."""
    routing: str | None = None
    version: int | None = None


_DATA = ("data", "ingest", "master")
_ML = ("ml", "remote_cluster_client")

IngestHook = Callable[[list[Ingested]], "list[Ingested | Refusal | None]"]
"""A whole bulk at once, as inference sees it; for each document what became of it, None when it was dropped."""
InferHook = Callable[[str, Sequence[str]], "list[dict[str, float]]"]
"""Model, alias, deployment or inference id, and texts; gives token weights for each. Raises Refusal."""


@dataclass(frozen=True)
class Node:
    """One node of the cluster. The ids outlive a restart, the ephemeral one does not."""

    id: str
    name: str
    ephemeral_id: str
    address: str
    roles: tuple[str, ...]
    processors: int
    memory: int
    """Bytes."""


class Cluster:
    """Everything that lives as long as the server."""

    indices: Indices
    documents: Documents
    searchers: Searchers
    scrolls: SearchContexts[Any]
    points_in_time: SearchContexts[Any]
    ingest: IngestHook
    infer: InferHook
    models: Models
    deployments: Deployments
    pipelines: Pipelines
    scripts: Records
    ledger: InferenceLedger
    tasks: Tasks
    jobs: dict[str, Job]
    """Running reindex and update by query operations, by their task ids."""

    def __init__(self, state: Path, options: ElasticOptions) -> None:
        self.options = options
        self.release = release(options.version)
        self.store = Store(state / "elastic.sqlite")
        self.faults = FaultQueue(state)
        self.writes = WriteLog(state, "elastic")
        self.ending = threading.Event()
        """Set when the server stops: whoever waits in a thread waits on this."""
        self._facts = self.store.records("cluster")
        self.name = "sandbox"
        self.uuid: str = self._kept("uuid", new_uuid)
        self.nodes = self._nodes()
        """The data node first, then the machine-learning nodes."""

    @property
    def ml_nodes(self) -> list[Node]:
        """The nodes on which models run."""
        return [node for node in self.nodes if "ml" in node.roles]

    def grow(self) -> None:
        """Let another machine-learning node join, as autoscaling does. It stays, also after a restart."""
        self._facts.put("grown", (self._facts.get("grown") or 0) + 1)
        self.nodes = [*self.nodes, self._node(len(self.nodes), _ML)]

    def close(self) -> None:
        """Give the files back."""
        for held in (self.store, self.faults, self.writes):
            held.close()

    def _nodes(self) -> list[Node]:
        kinds = [_DATA] + [_ML] * (self.options.ml_nodes + (self._facts.get("grown") or 0))
        return [self._node(number, roles) for number, roles in enumerate(kinds)]

    def _node(self, number: int, roles: tuple[str, ...]) -> Node:
        return Node(
            id=self._kept(f"node-{number}", new_uuid),
            name=f"instance-{number:010d}",
            ephemeral_id=new_uuid(),
            address=f"127.0.0.1:{9300 + number}",
            roles=roles,
            processors=self.options.processors if roles is _ML else 2,
            memory=int(self.options.memory_gb * 2**30) if roles is _ML else 4 * 2**30,
        )

    def _kept(self, key: str, make: Callable[[], str]) -> str:
        found = self._facts.get(key)
        if found is None:
            found = make()
            self._facts.put(key, found)
        return found


def new_uuid() -> str:
    """An id as Elasticsearch gives to indices and nodes: 22 URL-safe characters."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
