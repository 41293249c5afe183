"""Buckets, objects and unfinished uploads: rows in SQLite, the bytes beside them. What was acknowledged survives `kill -9`.

It knows no HTTP. A name is a value in a row, and no file is ever named by it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sandbox import private
from sandbox.database import Database
from sandbox.storage.contents import Content, Contents

_WEEK = 7 * 24 * 3600.0
"""A resumable upload can be continued for a week, as documented."""
_OBJECT = "bucket, name, generation, metageneration, created, updated, content, size, crc32c, md5, components, fields"
_REMOVE = "DELETE FROM objects WHERE bucket = ? AND name = ?"


@dataclass(frozen=True)
class Bucket:
    """A bucket."""

    name: str
    project: str
    created: float
    updated: float
    metageneration: int = 1
    fields: dict[str, Any] = field(default_factory=dict)
    """What its creator or a patch has set, as in the API: labels, location."""


@dataclass(frozen=True)
class Object:
    """An object: its metadata, and which content it has."""

    bucket: str
    name: str
    generation: int
    metageneration: int
    created: float
    updated: float
    content: Content
    components: int | None = None
    """How many contents it was composed of."""
    fields: dict[str, Any] = field(default_factory=dict)
    """What can be set, as in the API: contentType, metadata."""


@dataclass(frozen=True)
class Upload:
    """A resumable upload."""

    id: str
    bucket: str
    name: str
    content: str
    """The id of the content that is being written."""
    fields: dict[str, Any]
    """The metadata that its object gets."""
    query: dict[str, str]
    """The preconditions and checksums of the request that began it: they must hold at its end."""
    generation: int | None = None
    """The generation of its object, once it is finished."""


class Store:
    """Everything that a folder holds."""

    def __init__(self, folder: Path) -> None:
        private.make_folder(folder)
        self._database = Database(folder / "buckets.sqlite")
        self.contents = Contents(folder / "contents")
        with self._database.transaction() as db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS buckets (name TEXT PRIMARY KEY, project TEXT, created REAL, updated REAL, "
                "metageneration INTEGER, fields TEXT)"
            )
            db.execute(
                "CREATE TABLE IF NOT EXISTS objects (bucket TEXT, name BLOB, generation INTEGER, metageneration INTEGER, "
                "created REAL, updated REAL, content TEXT, size INTEGER, crc32c TEXT, md5 TEXT, components INTEGER, "
                "fields TEXT, PRIMARY KEY (bucket, name))"
            )
            db.execute(
                "CREATE TABLE IF NOT EXISTS uploads (id TEXT PRIMARY KEY, begun REAL, bucket TEXT, name BLOB, content TEXT, "
                "fields TEXT, query TEXT, generation INTEGER)"
            )
            db.execute("DELETE FROM uploads WHERE begun < ?", (time.time() - _WEEK,))
            kept = db.execute(
                "SELECT content FROM objects UNION SELECT content FROM uploads WHERE generation IS NULL"
            )
            self.contents.keep_only({content for (content,) in kept})
            self._last = db.execute("SELECT max(generation) FROM objects").fetchone()[0] or 0

    def bucket(self, name: str) -> Bucket | None:
        """A bucket, if it exists."""
        found = self._rows("SELECT * FROM buckets WHERE name = ?", name)
        return _bucket(found[0]) if found else None

    def buckets(self, project: str, start: str, prefix: str, most: int) -> list[Bucket]:
        """The next buckets of a project from the name `start` on."""
        rows = self._rows(
            "SELECT * FROM buckets WHERE project = ? AND name >= ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
            project, start, len(prefix), prefix, most,
        )  # fmt: skip
        return [_bucket(row) for row in rows]

    def put_bucket(self, bucket: Bucket) -> None:
        """Create or replace a bucket."""
        row = (
            bucket.name, bucket.project, bucket.created, bucket.updated, bucket.metageneration,
            json.dumps(bucket.fields),
        )  # fmt: skip
        with self._database.transaction() as db:
            db.execute("REPLACE INTO buckets VALUES (?, ?, ?, ?, ?, ?)", row)

    def remove_bucket(self, name: str) -> bool:
        """Remove a bucket unless it holds objects; whether it was removed."""
        with self._database.transaction() as db:
            if db.execute("SELECT 1 FROM objects WHERE bucket = ? LIMIT 1", (name,)).fetchone():
                return False
            db.execute("DELETE FROM buckets WHERE name = ?", (name,))
            unfinished = db.execute("DELETE FROM uploads WHERE bucket = ? RETURNING content", (name,))
            contents = [content for (content,) in unfinished]
        self.contents.remove(*contents)
        return True

    def object(self, bucket: str, name: str) -> Object | None:
        """An object, if it exists."""
        found = self._rows(
            f"SELECT {_OBJECT} FROM objects WHERE bucket = ? AND name = ?",  # noqa: S608
            bucket,
            name.encode(),
        )
        return _object(found[0]) if found else None

    def objects(self, bucket: str, start: bytes, most: int) -> Iterator[Object]:
        """The next objects from the name `start` on, in the order of their names' bytes."""
        rows = self._rows(
            f"SELECT {_OBJECT} FROM objects WHERE bucket = ? AND name >= ? ORDER BY name LIMIT ?",  # noqa: S608
            bucket,
            start,
            most,
        )
        return map(_object, rows)

    def create(
        self,
        bucket: str,
        name: str,
        content: Content,
        fields: dict[str, Any],
        *,
        components: int | None = None,
        finishes: Upload | None = None,
        moved: Object | None = None,
    ) -> Object:
        """Store a content as the object of that name, in place of an earlier one.

        Args:
            bucket: the bucket's name.
            name: the object's name.
            content: its content.
            fields: its metadata.
            components: of how many contents it was composed.
            finishes: the upload that is finished by it.
            moved: the object that becomes this one; it goes.
        """
        now = time.time()
        with self._database.transaction() as db:
            self._last = max(self._last + 1, int(now * 1_000_000))
            made = Object(bucket, name, self._last, 1, now, now, content, components, fields)
            earlier = [self.object(bucket, name), moved]
            if moved:
                db.execute(_REMOVE, (moved.bucket, moved.name.encode()))
            self.put_object(made)
            if finishes:
                self.put_upload(replace(finishes, generation=made.generation))
        self.contents.remove(*(each.content.id for each in earlier if each))
        return made

    def put_object(self, found: Object) -> None:
        """Create or replace a row."""
        content = found.content
        row = (
            found.bucket, found.name.encode(), found.generation, found.metageneration, found.created, found.updated,
            content.id, content.size, content.crc32c, content.md5, found.components, json.dumps(found.fields),
        )  # fmt: skip
        with self._database.transaction() as db:
            db.execute(f"REPLACE INTO objects ({_OBJECT}) VALUES ({','.join('?' * 12)})", row)  # noqa: S608

    def change(self, found: Object, fields: dict[str, Any]) -> Object:
        """Give an object other metadata."""
        changed = replace(found, fields=fields, metageneration=found.metageneration + 1, updated=time.time())
        self.put_object(changed)
        return changed

    def remove_object(self, found: Object) -> None:
        """Remove an object and its content."""
        with self._database.transaction() as db:
            db.execute(_REMOVE, (found.bucket, found.name.encode()))
        self.contents.remove(found.content.id)

    def upload(self, id_: str) -> Upload | None:
        """A resumable upload, if there is one."""
        found = self._rows(
            "SELECT id, bucket, name, content, fields, query, generation FROM uploads WHERE id = ?", id_
        )
        if not found:
            return None
        _, bucket, name, content, fields, query, generation = found[0]
        return Upload(id_, bucket, name.decode(), content, json.loads(fields), json.loads(query), generation)

    def put_upload(self, upload: Upload) -> None:
        """Begin a resumable upload, or mark it as finished."""
        row = (
            upload.id, time.time(), upload.bucket, upload.name.encode(), upload.content, json.dumps(upload.fields),
            json.dumps(upload.query), upload.generation,
        )  # fmt: skip
        with self._database.transaction() as db:
            db.execute("REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def remove_upload(self, upload: Upload) -> None:
        """Forget a resumable upload."""
        with self._database.transaction() as db:
            db.execute("DELETE FROM uploads WHERE id = ?", (upload.id,))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._database.lock:
            return self._database.db.execute(query, values).fetchall()


def _bucket(row: tuple[Any, ...]) -> Bucket:
    return Bucket(*row[:-1], fields=json.loads(row[-1]))


def _object(row: tuple[Any, ...]) -> Object:
    bucket, name, generation, metageneration, created, updated, *content, components, fields = row
    return Object(
        bucket, name.decode(), generation, metageneration, created, updated, Content(*content), components,
        json.loads(fields),
    )  # fmt: skip
