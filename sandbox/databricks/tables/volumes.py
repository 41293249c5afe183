"""Volumes of Unity Catalog and the Files API over them. A file's content lies under a random name: no path reaches the disk."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

from sandbox.databricks import errors
from sandbox.databricks.calls import Body, Call, Reply
from sandbox.databricks.store import Store

KIND, FILE = "volume", "file"
_PATH = re.compile(r"/Volumes/(?P<volume>[^/]+/[^/]+/[^/]+)/(?P<rest>.+)")


class Volumes:
    """Creates volumes, stores files.

    Args:
        store: where what is known of each is.
        folder: where contents are.
        has_schema: whether a schema exists.
    """

    def __init__(self, store: Store, folder: Path, has_schema: Callable[[str], bool]) -> None:
        self._store, self._folder, self._has_schema = store, folder, has_schema
        self.handlers = {
            "volumes.create": self._create,
            "volumes.read": self._read,
            "volumes.delete": self._delete_volume,
            "files.upload": self._upload,
            "files.download": self._download,
            "files.get_metadata": self._metadata,
            "files.delete": self._delete,
        }

    def content(self, path: str) -> bytes:
        """The content of a file.

        Raises:
            Refusal: there is none.
        """
        return (self._folder / self._file(path)["content"]).read_bytes()

    def _create(self, call: Call) -> Reply:
        schema = f"{call.text('catalog_name')}.{call.text('schema_name')}"
        name, kind = f"{schema}.{call.text('name')}", call.text("volume_type")
        if not self._has_schema(schema):
            raise errors.NOT_FOUND.refusal(kind="Schema", name=f"'{schema}'")
        if kind != "MANAGED":
            raise errors.NOT_IMITATED.refusal(what=f"volume_type {kind}")
        if self._store.get(KIND, name):
            raise errors.ALREADY_EXISTS.refusal(kind="Volume", name=name)
        volume: Body = {
            "name": call.text("name"),
            "full_name": name,
            "catalog_name": call.text("catalog_name"),
            "schema_name": call.text("schema_name"),
            "volume_type": kind,
            "owner": call.user,
            "created_by": call.user,
            "comment": str(call.body.get("comment") or ""),
        }
        self._store.put(KIND, name, volume)
        return Reply(volume, name)

    def _read(self, call: Call) -> Reply:
        return Reply(self._volume(call.params["name"]))

    def _delete_volume(self, call: Call) -> Reply:
        name = self._volume(call.params["name"])["full_name"]
        start = f"/Volumes/{name.replace('.', '/')}/"
        for path in self._store.all(FILE):
            if path.startswith(start):
                self._remove(path)
        self._store.delete(KIND, name)
        return Reply({}, name)

    def _upload(self, call: Call) -> Reply:
        path = _path(call)
        self._volume(_volume_of(path))
        there = self._store.get(FILE, path)
        if there is not None and call.asked("overwrite", "true") == "false":
            raise errors.ALREADY_EXISTS.refusal(kind="File", name=path)
        content = uuid.uuid4().hex
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / content).write_bytes(call.raw)
        self._store.put(FILE, path, {"content": content, "size": len(call.raw), "modified": time.time()})
        if there is not None:
            (self._folder / there["content"]).unlink(missing_ok=True)
        return Reply({}, path)

    def _download(self, call: Call) -> Reply:
        path = _path(call)
        return Reply(content=self.content(path), headers=_headers(self._file(path)))

    def _metadata(self, call: Call) -> Reply:
        return Reply(content=b"", headers=_headers(self._file(_path(call))))

    def _delete(self, call: Call) -> Reply:
        path = _path(call)
        self._file(path)
        self._remove(path)
        return Reply({}, path)

    def _remove(self, path: str) -> None:
        content = self._file(path)["content"]
        self._store.delete(FILE, path)
        (self._folder / content).unlink(missing_ok=True)

    def _file(self, path: str) -> Body:
        found = self._store.get(FILE, path)
        if found is None:
            raise errors.NOT_FOUND.refusal(kind="File", name=path)
        return found

    def _volume(self, name: str) -> Body:
        found = self._store.get(KIND, name)
        if found is None:
            raise errors.NOT_FOUND.refusal(kind="Volume", name=f"'{name}'")
        return found


def _path(call: Call) -> str:
    path = f"/{call.params['file_path']}"
    if not _PATH.fullmatch(path):
        raise errors.INVALID.refusal(problem=f"{path!r} is no path of a file in a volume")
    return path


def _volume_of(path: str) -> str:
    found = _PATH.fullmatch(path)
    return found["volume"].replace("/", ".") if found else ""


def _headers(file: Body) -> dict[str, str]:
    return {
        "content-length": str(file["size"]),
        "content-type": "application/octet-stream",
        "last-modified": formatdate(file["modified"], usegmt=True),
    }
