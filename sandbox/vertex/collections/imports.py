"""The files of an import, and those of its errors. One data object a line, in the default form or in that of Vector Search 1.0.

The forms are those of "Data objects" and "Migration from Vector Search 1.0" in the documentation, which recognise a
record by its keys: `vectors` and `data`, or `embedding`, `sparse_embedding`, `restricts` and `numeric_restricts`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import orjson
from google.protobuf import json_format

from sandbox.storage.reader import Reader, StorageError
from sandbox.vertex import errors
from sandbox.vertex.collections.data_objects import DataObject

_DEFAULT = {"vectors", "data"}
_EARLIER = {"embedding", "sparse_embedding", "restricts", "numeric_restricts"}
_SCHEME = "gs://"


class RecordError(Exception):
    """A line that is no data object."""


def check(config: Any) -> None:
    """Refuse an import whose places are not in Cloud Storage."""
    for name in ("contents_uri", "error_uri"):
        if not getattr(config, name).removeprefix(_SCHEME).strip("/"):
            raise errors.NO_IMPORT.refusal(problem=f"{name} is required")
    for name in ("contents_uri", "error_uri", "output_uri"):
        uri = getattr(config, name)
        if uri and not uri.startswith(_SCHEME):
            raise errors.NO_IMPORT.refusal(problem=f"{name} {uri!r} is not of the form gs://BUCKET/PREFIX")


def records(reader: Reader, uri: str) -> Iterator[Any]:
    """A data object with its id, or a RecordError, for each line of the files under a prefix.

    Raises:
        Refusal: there are no such files.
    """
    bucket, _, prefix = uri.removeprefix(_SCHEME).partition("/")
    try:
        names = [name for name in reader.list_objects(bucket, prefix) if not name.endswith("/")]
        if not names:
            raise errors.NO_IMPORT.refusal(problem=f"there are no files under {uri!r}")
        for name in names:
            with closing(reader.open(bucket, name)) as file:
                for line in file:
                    if line.strip():
                        yield _record(line)
    except StorageError as error:
        raise errors.NO_IMPORT.refusal(problem=f"{uri!r} cannot be read: {error}") from error


def write_errors(reader: Reader, uri: str, operation: str, problems: list[dict[str, str]]) -> None:
    """Write what is wrong with the records that an import left out, one JSON object a line, under a prefix.

    Raises:
        Refusal: there is no such bucket.
    """
    bucket, _, prefix = uri.removeprefix(_SCHEME).partition("/")
    name = f"{prefix}{operation.rpartition('/')[2]}/errors-00000-of-00001.jsonl"
    try:
        reader.write(bucket, name, b"".join(orjson.dumps(each) + b"\n" for each in problems))
    except StorageError as error:
        raise errors.NO_IMPORT.refusal(problem=f"{uri!r} cannot be written: {error}") from error


def _record(line: bytes) -> Any:
    try:
        return _made(line)
    except RecordError as error:
        return error
    except (json_format.ParseError, AttributeError, KeyError, TypeError, ValueError) as error:
        return RecordError(str(error))


def _made(line: bytes) -> Any:
    found = orjson.loads(line)
    if not isinstance(found, dict) or not (_DEFAULT | _EARLIER) & set(found):
        raise RecordError(f"Unknown JSON format for string: {line.decode(errors='replace').strip()}")
    if found.get("id") is None:
        raise RecordError("'id' field is missing or null")
    content = _default(found) if _DEFAULT & set(found) else _earlier(found)
    message = json_format.ParseDict(content, DataObject())
    message.data_object_id = str(found["id"])
    return message


def _default(found: dict[str, Any]) -> dict[str, Any]:
    vectors = found.get("vectors") or {}
    return {
        "data": found.get("data") or {},
        "vectors": {name: _vector(each) for name, each in vectors.items()},
    }


def _vector(given: Any) -> dict[str, Any]:
    if isinstance(given, list):
        return {"dense": {"values": given}}
    if "values" in given:
        return {"sparse" if "indices" in given else "dense": given}
    return given


def _earlier(found: dict[str, Any]) -> dict[str, Any]:
    """A record of Vector Search 1.0: vectors `embedding` and `sparse_embedding`, restricts as data."""
    vectors: dict[str, Any] = {}
    if "embedding" in found:
        vectors["embedding"] = {"dense": {"values": found["embedding"]}}
    if sparse := found.get("sparse_embedding"):
        vectors["sparse_embedding"] = {
            "sparse": {"values": sparse["values"], "indices": sparse["dimensions"]}
        }
    if not vectors:
        raise RecordError("'embedding' or 'sparse_embedding' fields are missing")
    allow, deny = {}, {}
    for each in found.get("restricts", []):
        for target, names in ((allow, ("allow", "allow_list")), (deny, ("deny", "deny_list"))):
            if tokens := next((each[name] for name in names if each.get(name)), None):
                target[each["namespace"]] = tokens
    numbers = {
        each["namespace"]: next(float(each[kind]) for kind in each if kind.startswith("value_"))
        for each in found.get("numeric_restricts", [])
    }
    parts = {
        "restricts": allow,
        "restricts_deny": deny,
        "numeric_restricts": numbers,
        "embedding_metadata": found.get("embedding_metadata"),
    }
    return {"data": {name: part for name, part in parts.items() if part}, "vectors": vectors}
