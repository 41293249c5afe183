"""The files of fake-gcs-server, which earlier versions ran as their storage: taken over once, then removed."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson

from sandbox.storage.errors import Refusal
from sandbox.storage.fields import DEFAULT_TYPE, merged, object_fields
from sandbox.storage.names import check_bucket, check_object
from sandbox.storage.store import Bucket, Store

_ATTRIBUTE = "user.metadata"


def adopt(folder: Path, store: Store, project: str) -> None:
    """Store the objects of an earlier version's folder; what no bucket or object can be called is left out.

    Killed in the middle, it begins anew.

    Args:
        folder: one folder for each bucket, with files named as the objects are. None is fine.
        store: where they go.
        project: whose buckets they become.
    """
    if not folder.is_dir():
        return
    for place in folder.iterdir():
        with suppress(Refusal):
            if place.is_dir() and not place.is_symlink():
                _adopt_bucket(place, store, check_bucket(unquote(place.name)), project)
    shutil.rmtree(folder)


def _adopt_bucket(folder: Path, store: Store, name: str, project: str) -> None:
    now = time.time()
    store.put_bucket(Bucket(name, project, now, now, fields={"location": "US-CENTRAL1"}))
    for file in sorted(folder.rglob("*")):
        with suppress(Refusal):
            if file.is_file() and not file.is_symlink():
                found = check_object(file.relative_to(folder).as_posix())
                store.create(name, found, store.contents.adopt(file), _fields(file))


def _fields(file: Path) -> dict[str, Any]:
    try:
        known = orjson.loads(os.getxattr(file, _ATTRIBUTE))
        given = {
            "contentType": known["ContentType"] or DEFAULT_TYPE,
            "contentEncoding": known["ContentEncoding"] or None,
            "metadata": known["Metadata"] or {},
        }
        return merged({}, object_fields(given))
    except (OSError, AttributeError, KeyError, TypeError, ValueError, Refusal):
        return {"contentType": DEFAULT_TYPE}  # a file system without attributes
