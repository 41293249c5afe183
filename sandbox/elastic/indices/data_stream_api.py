"""Data streams and their rollover."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices.data_streams import TIMESTAMP, DataStream
from sandbox.elastic.indices.store import Indices, no_index
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route


class DataStreamApi:
    """Data streams."""

    def __init__(self, indices: Indices) -> None:
        self._indices = indices

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("indices.get_data_stream", "GET", "/_data_stream", self.get),
            Route("indices.get_data_stream", "GET", "/_data_stream/{name}", self.get),
            Route("indices.create_data_stream", "PUT", "/_data_stream/{name}", self.create, changes=True),
            Route("indices.delete_data_stream", "DELETE", "/_data_stream/{name}", self.delete, changes=True),
            Route("indices.rollover", "POST", "/{alias}/_rollover", self.rollover, changes=True),
        )

    def get(self, request: Request) -> dict[str, Any]:
        """`GET /_data_stream[/{name}]`: 404 for a plain name, of an index too, as a data stream of that name is meant."""
        return {"data_streams": [self._shown(stream) for stream in self._named(request)]}

    def create(self, request: Request) -> dict[str, Any]:
        """`PUT /_data_stream/{name}`."""
        request.resource = request.params["name"]
        self._indices.create_stream(request.resource)
        return {"acknowledged": True}

    def delete(self, request: Request) -> dict[str, Any]:
        """`DELETE /_data_stream/{name}`: with its indices."""
        found = self._named(request)
        with self._indices.together():
            for stream in found:
                behind = self._indices.behind(stream.name)
                self._indices.streams.delete(stream.name)
                for index in behind:
                    self._indices.delete(index)
        request.resource, request.changed = ",".join(stream.name for stream in found), bool(found)
        return {"acknowledged": True}

    def rollover(self, request: Request) -> dict[str, Any]:
        """`POST /{alias}/_rollover`: of a data stream, at once."""
        name, body = request.params["alias"], request.json()
        if body:
            raise errors.ILLEGAL_ARGUMENT.refusal(
                problem=f"the sandbox does not support [{next(iter(body))}] in a rollover"
            )
        stream = self._indices.streams.get(name)
        if stream is None:
            if not self._indices.behind(name):
                raise no_index(name)
            kind = (
                "concrete index" if self._indices.get(name) else "alias, which the sandbox does not roll over"
            )
            raise indices_errors.ROLLOVER_TARGET.refusal(kind=kind)
        rolled = self._indices.roll_over(stream)
        request.resource = name
        return {
            "acknowledged": True,
            "shards_acknowledged": True,
            "old_index": stream.indices[-1],
            "new_index": rolled.indices[-1],
            "rolled_over": True,
            "dry_run": False,
            "lazy": False,
            "conditions": {},
        }

    def _named(self, request: Request) -> list[DataStream]:
        streams, found = self._indices.streams, dict[str, None]()
        for pattern in request.params.get("name", "*").split(","):
            if "*" not in pattern and pattern != "_all" and streams.get(pattern) is None:
                raise no_index(pattern)
            found |= dict.fromkeys(
                name for name in streams.names() if pattern == "_all" or fnmatchcase(name, pattern)
            )
        return [stream for name in found if (stream := streams.get(name))]

    def _shown(self, stream: DataStream) -> dict[str, Any]:
        behind = self._indices.behind(stream.name)
        unmanaged = {"prefer_ilm": True, "managed_by": "Unmanaged"}
        return {
            "name": stream.name,
            "timestamp_field": {"name": TIMESTAMP},
            "indices": [
                {"index_name": index.name, "index_uuid": index.uuid, **unmanaged} for index in behind
            ],
            "generation": stream.generation,
            **({"_meta": stream.meta} if stream.meta else {}),
            "status": "YELLOW" if any(index.health == "yellow" for index in behind) else "GREEN",
            "template": stream.template,
            "next_generation_managed_by": "Unmanaged",
            "prefer_ilm": True,
            "hidden": False,
            "system": False,
            "allow_custom_routing": False,
            "replicated": False,
            "rollover_on_write": False,
        }
