"""`_cat/allocation`: how full the disk of the data node is said to be.

No disk is measured. An index with the block that the service sets beyond the flood-stage watermark says that its disk is full.
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.nodes.nodes import Nodes
from sandbox.elastic.wire.cat import cat_size, table
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route

_BLOCK = "blocks.read_only_allow_delete"
_DISK_BYTES = 100 * 1024**3
_FULL, _USUAL = 97, 40
"""Percent of the disk that are used: beyond the default flood stage of 95, and an ordinary number."""


class AllocationApi:
    """Shards and disk of every data node, of which there is one."""

    def __init__(self, nodes: Nodes, indices: Indices, size_of: Callable[[Index], int]) -> None:
        self._nodes = nodes
        self._indices = indices
        self._size_of = size_of

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("cat.allocation", "GET", "/_cat/allocation", self.allocation),
            Route("cat.allocation", "GET", "/_cat/allocation/{node_id}", self.allocation),
        )

    def allocation(self, request: Request) -> Reply:
        """`GET /_cat/allocation[/{node_id}]`."""
        indices = self._indices.resolve("_all")
        percent = _FULL if any(index.settings.get(_BLOCK) == "true" for index in indices) else _USUAL
        used, data = _DISK_BYTES * percent // 100, self._nodes.data
        sizes = {
            "disk.indices": sum(map(self._size_of, indices)),
            "disk.used": used,
            "disk.avail": _DISK_BYTES - used,
            "disk.total": _DISK_BYTES,
        }
        host = data.address.split(":")[0]
        row = {
            "shards": str(len(indices)),
            **{name: cat_size(request, size) for name, size in sizes.items()},
            "disk.percent": str(percent),
            "host": host,
            "ip": host,
            "node": data.name,
            "node.role": "".join(sorted(role[0] for role in data.roles)),
        }
        names = request.params.get("node_id", "_all").split(",")
        wanted = {"_all", "*", data.id, data.name}.intersection(names)
        return table(request, [row] if wanted else [])
