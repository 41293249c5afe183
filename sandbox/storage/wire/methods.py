"""Every method of the JSON API: its id, how it is called, and the parameters in its path.

The list is that of Google's discovery document of storage v1. A method without a handler is refused by its id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from sandbox.storage import errors
from sandbox.storage.wire.exchange import Reply, Request

Handler = Callable[[Request], Awaitable[Reply]]

_B, _O = "storage/v1/b/{bucket}", "storage/v1/b/{bucket}/o/{object}"
_TO = "storage/v1/b/{sourceBucket}/o/{sourceObject}/%s/b/{destinationBucket}/o/{destinationObject}"
_P = "storage/v1/projects/{projectId}"
_DOWNLOAD, _UPLOAD = "download/storage/v1/b/{bucket}/o/{object}", "upload/storage/v1/b/{bucket}/o"


def _collection(id_: str, path: str, key: str, verbs: str) -> str:
    """The lines of a collection: `get insert list` and so on."""
    calls = {
        "delete": ("DELETE", f"/{{{key}}}"),
        "get": ("GET", f"/{{{key}}}"),
        "insert": ("POST", ""),
        "create": ("POST", ""),
        "list": ("GET", ""),
        "patch": ("PATCH", f"/{{{key}}}"),
        "update": ("PUT", f"/{{{key}}}"),
    }
    return "".join(f"{id_}.{verb} {calls[verb][0]} {path}{calls[verb][1]}\n" for verb in verbs.split())


_EVERY = "delete get insert list patch update"
_METHODS = (
    f"storage.anywhereCaches.disable POST {_B}/anywhereCaches/{{id}}/disable\n"
    f"storage.anywhereCaches.pause POST {_B}/anywhereCaches/{{id}}/pause\n"
    f"storage.anywhereCaches.resume POST {_B}/anywhereCaches/{{id}}/resume\n"
    f"storage.anywhereCaches.update PATCH {_B}/anywhereCaches/{{id}}\n"
    + _collection("storage.anywhereCaches", f"{_B}/anywhereCaches", "id", "get insert list")
    + _collection("storage.bucketAccessControls", f"{_B}/acl", "entity", _EVERY)
    + _collection("storage.buckets", "storage/v1/b", "bucket", _EVERY)
    + f"storage.buckets.getIamPolicy GET {_B}/iam\n"
    f"storage.buckets.getStorageLayout GET {_B}/storageLayout\n"
    f"storage.buckets.lockRetentionPolicy POST {_B}/lockRetentionPolicy\n"
    f"storage.buckets.relocate POST {_B}/relocate\n"
    f"storage.buckets.restore POST {_B}/restore\n"
    f"storage.buckets.setIamPolicy PUT {_B}/iam\n"
    f"storage.buckets.testIamPermissions GET {_B}/iam/testPermissions\n"
    "storage.channels.stop POST storage/v1/channels/stop\n"
    + _collection("storage.defaultObjectAccessControls", f"{_B}/defaultObjectAcl", "entity", _EVERY)
    + _collection("storage.folders", f"{_B}/folders", "folder", "delete get insert list")
    + f"storage.folders.rename POST {_B}/folders/{{sourceFolder}}/renameTo/folders/{{destinationFolder}}\n"
    + _collection("storage.managedFolders", f"{_B}/managedFolders", "managedFolder", "delete get insert list")
    + f"storage.managedFolders.getIamPolicy GET {_B}/managedFolders/{{managedFolder}}/iam\n"
    f"storage.managedFolders.setIamPolicy PUT {_B}/managedFolders/{{managedFolder}}/iam\n"
    f"storage.managedFolders.testIamPermissions GET {_B}/managedFolders/{{managedFolder}}/iam/testPermissions\n"
    + _collection("storage.notifications", f"{_B}/notificationConfigs", "notification", "delete get insert list")
    + _collection("storage.objectAccessControls", f"{_O}/acl", "entity", _EVERY)
    + f"storage.objects.bulkRestore POST {_B}/o/bulkRestore\n"
    "storage.objects.compose POST storage/v1/b/{bucket}/o/{destinationObject}/compose\n"
    f"storage.objects.copy POST {_TO % 'copyTo'}\n"
    f"storage.objects.delete DELETE {_O}\n"
    f"storage.objects.get GET {_O}\n"
    f"storage.objects.get GET {_DOWNLOAD}\n"
    f"storage.objects.getIamPolicy GET {_O}/iam\n"
    f"storage.objects.insert POST {_UPLOAD}\n"
    f"storage.objects.insert PUT {_UPLOAD}\n"
    f"storage.objects.insert DELETE {_UPLOAD}\n"
    f"storage.objects.list GET {_B}/o\n"
    "storage.objects.move POST storage/v1/b/{bucket}/o/{sourceObject}/moveTo/o/{destinationObject}\n"
    f"storage.objects.patch PATCH {_O}\n"
    f"storage.objects.restore POST {_O}/restore\n"
    f"storage.objects.rewrite POST {_TO % 'rewriteTo'}\n"
    f"storage.objects.setIamPolicy PUT {_O}/iam\n"
    f"storage.objects.testIamPermissions GET {_O}/iam/testPermissions\n"
    f"storage.objects.update PUT {_O}\n"
    f"storage.objects.watchAll POST {_B}/o/watch\n"
    f"storage.buckets.operations.advanceRelocateBucket POST {_B}/operations/{{operationId}}/advanceRelocateBucket\n"
    f"storage.buckets.operations.cancel POST {_B}/operations/{{operationId}}/cancel\n"
    f"storage.buckets.operations.get GET {_B}/operations/{{operationId}}\n"
    f"storage.buckets.operations.list GET {_B}/operations\n"
    + _collection("storage.projects.hmacKeys", f"{_P}/hmacKeys", "accessId", "create delete get list update")
    + f"storage.projects.serviceAccount.get GET {_P}/serviceAccount\n"
)  # fmt: skip


@dataclass(frozen=True)
class Method:
    """One way to call a method."""

    id: str
    """As in the discovery document; faults and the write log use it too."""
    verb: str
    parts: tuple[str, ...]
    """The segments of the path; those in braces are parameters."""


METHODS = tuple(
    Method(id_, verb, tuple(path.split("/")))
    for id_, verb, path in (line.split() for line in _METHODS.splitlines())
)


def find(verb: str, path: str) -> tuple[Method, dict[str, str]]:
    """The method that a request calls, and its parameters, decoded once.

    Args:
        verb: the HTTP method.
        path: the raw path after the key, without a leading slash.

    Raises:
        Refusal: there is none.
    """
    segments = path.split("/")
    matching = [(each, params) for each in METHODS if (params := _matched(each.parts, segments)) is not None]
    for method, params in matching:
        if method.verb == verb:
            return method, {name: _decoded(value) for name, value in params.items()}
    raise (errors.WRONG_METHOD if matching else errors.NOT_FOUND).refusal()


def _matched(parts: tuple[str, ...], segments: list[str]) -> Mapping[str, str] | None:
    if len(parts) != len(segments):
        return None
    found: dict[str, str] = {}
    for part, segment in zip(parts, segments, strict=True):
        if part.startswith("{") and segment:
            found[part[1:-1]] = segment
        elif part != segment:
            return None
    return found


def _decoded(segment: str) -> str:
    try:
        return unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        raise errors.INVALID.refusal(problem="The path is not UTF-8.") from None
