"""Reindex from a remote cluster: whether the cluster may be asked, and a scroll over its documents.

As `RemoteInfo`, `ReindexValidator` and `RemoteScrollablePaginatedHitSource` of the real service: any server that speaks the search
API is read, another stand-in or a real cluster.
"""

from __future__ import annotations

import http.client
import re
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import orjson

from sandbox.elastic.errors import Refusal
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.reindex.parameters import check_fields
from sandbox.elastic.search.scans import Hit

_FIELDS = {"host", "username", "password", "headers", "socket_timeout", "connect_timeout"}
_HOST = re.compile(r"(?P<scheme>https?)://(?P<host>[^/]+):(?P<port>\d+)(?P<prefix>/.*)?")
_SECONDS = 30.0
"""`socket_timeout`, as documented."""
_KEEP = "5m"


@dataclass(frozen=True)
class Remote:
    """Where the documents of a reindex come from."""

    scheme: str
    host: str
    port: int
    prefix: str
    headers: Mapping[str, str]

    @classmethod
    def read(cls, given: Any, whitelist: str) -> Self:
        """The `remote` of a source.

        Args:
            given: as in the request.
            whitelist: `reindex.remote.whitelist`: hosts with ports and commas between, which may have wildcards.

        Raises:
            Refusal: it is invalid, or not on the list.
        """
        if not isinstance(given, Mapping):
            raise reindex_errors.REMOTE_HOST.refusal(host=given)
        check_fields("remote", dict(given), _FIELDS)
        found = _HOST.fullmatch(str(given.get("host", "")))
        if found is None:
            raise reindex_errors.REMOTE_HOST.refusal(host=given.get("host"))
        address = f"{found['host']}:{found['port']}"
        if not any(fnmatchcase(address, each.strip()) for each in whitelist.split(",") if each.strip()):
            raise reindex_errors.NO_REMOTE.refusal(host=address)
        headers = {str(name): str(value) for name, value in (given.get("headers") or {}).items()}
        if given.get("username") is not None:
            both = f"{given['username']}:{given.get('password', '')}"
            headers["Authorization"] = f"Basic {b64encode(both.encode()).decode()}"
        prefix = (found["prefix"] or "").rstrip("/")
        return cls(found["scheme"], found["host"].strip("[]"), int(found["port"]), prefix, headers)

    def call(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask the remote cluster.

        Raises:
            Refusal: it does not answer, or refuses; with its status.
        """
        plain = self.scheme == "http"
        connection = (
            http.client.HTTPConnection(self.host, self.port, timeout=_SECONDS)
            if plain
            else http.client.HTTPSConnection(
                self.host, self.port, timeout=_SECONDS, context=ssl.create_default_context()
            )
        )
        headers = {**self.headers, "Content-Type": "application/json"}
        try:
            connection.request(method, f"{self.prefix}{path}", orjson.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise reindex_errors.REMOTE_SILENT.refusal(problem=error) from error
        finally:
            connection.close()
        if answer.status >= 300:
            raise Refusal(answer.status, "status_exception", f"body={text.decode(errors='replace')[:1000]}")
        return orjson.loads(text)


@dataclass
class RemoteScan:
    """A scroll over the documents that a query matches in a remote cluster; use it in a `with` block."""

    remote: Remote
    expression: str
    query: Mapping[str, Any] | None
    shown: Any
    """The `_source` filter of the request."""
    size: int
    _total: int = 0
    _scroll: str = ""
    _held: list[Hit] = field(default_factory=list)
    _start: int = 0

    def __enter__(self) -> Self:
        indices = ",".join(quote(name, safe="") for name in self.expression.split(","))
        body = {
            "size": self.size,
            "query": self.query or {"match_all": {}},
            "sort": ["_doc"],
            "version": True,
        }
        body |= {} if self.shown is None else {"_source": self.shown}
        self._take(self.remote.call("POST", f"/{indices}/_search?scroll={_KEEP}&track_total_hits=true", body))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(Refusal):  # it expires by itself, and the documents are there
            self.remote.call("DELETE", "/_search/scroll", {"scroll_id": [self._scroll]})

    def __len__(self) -> int:
        return self._total

    def read(self, start: int, stop: int) -> Sequence[Hit]:
        """The documents at positions `start` to `stop`, excluding `stop`; a scroll only goes on.

        Raises:
            Refusal: the remote cluster does not answer, or has forgotten the scroll.
        """
        while self._start + len(self._held) < stop:
            before = len(self._held)
            self._take(
                self.remote.call("POST", "/_search/scroll", {"scroll": _KEEP, "scroll_id": self._scroll})
            )
            if len(self._held) == before:
                break
        found = self._held[start - self._start : stop - self._start]
        self._held, self._start = self._held[stop - self._start :], stop
        return found

    def _take(self, answer: Mapping[str, Any]) -> None:
        self._scroll, hits = answer["_scroll_id"], answer["hits"]
        self._total = hits["total"]["value"]
        for hit in hits["hits"]:
            source = hit.get("_source") or {}
            self._held.append(
                Hit(hit["_index"], hit["_id"], 0, hit.get("_version", 1), source, orjson.dumps(source))
            )
