"""`GET /_data_stream`: there are none, which clients ask before they write to an index."""

from __future__ import annotations

from typing import Any

from sandbox.elastic.indices.store import no_index
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route


class DataStreamApi:
    """Answers as a cluster without data streams."""

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("indices.get_data_stream", "GET", "/_data_stream", self.get),
            Route("indices.get_data_stream", "GET", "/_data_stream/{name}", self.get),
        )

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /_data_stream[/{name}]`: 404 for a plain name, of an index too, as a data stream of that name is meant."""
        for name in request.params.get("name", "*").split(","):
            if "*" not in name and name != "_all":
                raise no_index(name)
        return {"data_streams": []}
