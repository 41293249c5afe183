"""The cluster's identity and its nodes, which many parts need to know and only `grow` changes.

The ids of the cluster and its nodes are stored, so they survive a restart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.elastic.ids import new_uuid
from sandbox.elastic.options import ElasticOptions
from sandbox.elastic.store import Records

_DATA = ("data", "ingest", "master")
_ML = ("ml", "remote_cluster_client")


@dataclass(frozen=True)
class Node:
    """One node. Its id survives a restart, its ephemeral id does not."""

    id: str
    name: str
    ephemeral_id: str
    address: str
    roles: tuple[str, ...]
    processors: int
    memory: int
    """Bytes."""


class Nodes:
    """All nodes: the data node first, then the machine-learning nodes."""

    cluster_name = "sandbox"

    def __init__(self, records: Records, options: ElasticOptions) -> None:
        self._records = records
        self._options = options
        self.cluster_uuid = self._kept("uuid", new_uuid)
        kinds = [_DATA] + [_ML] * (options.ml_nodes + self._grown())
        self._all = [self._node(number, roles) for number, roles in enumerate(kinds)]

    def __iter__(self) -> Iterator[Node]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def data(self) -> Node:
        """The node that holds the indices, ingests, and runs tasks."""
        return self._all[0]

    @property
    def ml(self) -> list[Node]:
        """The nodes on which models run."""
        return [node for node in self._all if "ml" in node.roles]

    def grow(self) -> None:
        """Add a machine-learning node, as autoscaling does. It stays, even after a restart."""
        self._records.put("grown", self._grown() + 1)
        self._all = [*self._all, self._node(len(self._all), _ML)]

    def _grown(self) -> int:
        return self._records.get("grown") or 0

    def _node(self, number: int, roles: tuple[str, ...]) -> Node:
        return Node(
            id=self._kept(f"node-{number}", new_uuid),
            name=f"instance-{number:010d}",
            ephemeral_id=new_uuid(),
            address=f"127.0.0.1:{9300 + number}",
            roles=roles,
            processors=self._options.processors if roles is _ML else 2,
            memory=int(self._options.memory_gb * 2**30) if roles is _ML else 4 * 2**30,
        )

    def _kept(self, key: str, make: Callable[[], str]) -> str:
        found = self._records.get(key)
        if found is None:
            found = make()
            self._records.put(key, found)
        return found
