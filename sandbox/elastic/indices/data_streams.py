"""Data streams: names with several backing indices, of which the newest is written to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sandbox.elastic.store import Records

TIMESTAMP = "@timestamp"


@dataclass(frozen=True)
class DataStream:
    """A data stream at one moment."""

    name: str
    generation: int
    indices: list[str]
    """The backing indices, oldest first."""
    template: str
    meta: dict[str, Any] | None = None

    def rolled_over(self) -> DataStream:
        """The stream with the name of its next backing index."""
        generation = self.generation + 1
        name = f".ds-{self.name}-{time.strftime('%Y.%m.%d', time.gmtime())}-{generation:06d}"
        return replace(self, generation=generation, indices=[*self.indices, name])


class DataStreams:
    """All data streams. Their indices are kept with the others."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._all: dict[str, DataStream] = {}
        self.read_again()

    def read_again(self) -> None:
        """Forget what a rolled-back transaction changed."""
        self._all = {name: DataStream(**value) for name, value in self._records.all().items()}

    def names(self) -> list[str]:
        """The names of all of them."""
        return sorted(self._all)

    def get(self, name: str) -> DataStream | None:
        """The data stream of this name."""
        return self._all.get(name)

    def of(self, index: str) -> DataStream | None:
        """The data stream that an index backs."""
        return next((stream for stream in self._all.values() if index in stream.indices), None)

    def put(self, stream: DataStream) -> None:
        """Store the new state of a data stream."""
        self._records.put(stream.name, asdict(stream))
        self._all = {**self._all, stream.name: stream}

    def delete(self, name: str) -> None:
        """Forget a data stream; its indices are deleted by whoever calls."""
        self._records.delete(name)
        self._all = {each: stream for each, stream in self._all.items() if each != name}

    def leave(self, index: str) -> None:
        """Take a deleted index out of its stream."""
        if stream := self.of(index):
            self.put(replace(stream, indices=[name for name in stream.indices if name != index]))


def backing_mapping(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping of a backing index: a date `@timestamp`, and the mark that every document must have it."""
    properties = {TIMESTAMP: {"type": "date"}, **mapping.get("properties", {})}
    return {**mapping, "_data_stream_timestamp": {"enabled": True}, "properties": properties}
