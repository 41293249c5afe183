"""Writes what the stand-in takes from the official packages: the messages of v1beta1, and the HTTP rules of each method.

`python -m sandbox.vertex.versions.generate` writes both (`make protos`). Importing v1beta1 takes more than a second at
every start, its descriptors ten milliseconds. The rules are the `google.api.http` annotations of the service
definitions; the packages carry them only in the REST transports.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2

HERE = Path(__file__).parent
MESSAGES, RULES = HERE / "v1beta1.binpb", HERE / "http_rules.json"
_SERVICES = ("IndexService", "IndexEndpointService", "MatchService")
_COLLECTION_SERVICES = ("VectorSearchService", "DataObjectService", "DataObjectSearchService")
_SHARED = {
    r".*Operations?": "google.longrunning.Operations",
    r".*Locations?": "google.cloud.location.Locations",
    r".*Iam(Policy|Permissions)": "google.iam.v1.IAMPolicy",
}
_OPERATIONS_HERE = re.compile(
    r"/\w+/\{name=projects/\*/locations/\*(/(indexes|indexEndpoints)/\*)?(/operations/\*)?\}.*"
)


def generate() -> dict[Path, bytes]:
    """The content of both files, by their places."""
    return {
        MESSAGES: _descriptors().SerializeToString(deterministic=True),
        RULES: _lines().encode(),
    }


def _descriptors() -> descriptor_pb2.FileDescriptorSet:
    """The files of the three services and all that they import, each after its imports."""
    package = importlib.import_module("google.cloud.aiplatform_v1beta1")
    found = descriptor_pb2.FileDescriptorSet()
    seen: set[str] = set()

    def add(file: Any) -> None:
        if file.name not in seen:
            seen.add(file.name)
            for imported in sorted(file.dependencies, key=lambda each: each.name):  # from a set in proto-plus
                add(imported)
            copy = found.file.add()
            file.CopyToProto(copy)
            copy.dependency.sort()

    for name in sorted(dir(package)):
        message = getattr(package, name)
        if hasattr(message, "pb") and message.__module__.rpartition(".")[2] in map(_module, _SERVICES):
            add(message.pb().DESCRIPTOR.file)
    return found


def _lines() -> str:
    """A list in JSON, one rule on a line: method, verb, path template, and the field that the body is, `*` for all."""
    found = sorted(
        {
            *_rules("aiplatform", "v1", _SERVICES),
            *_rules("aiplatform", "v1beta1", _SERVICES),
            *_rules("vectorsearch", "v1", _COLLECTION_SERVICES),
        }
    )
    return "[\n" + ",\n".join(json.dumps(rule) for rule in found) + "\n]\n"


def _rules(package: str, version: str, services: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
    for service in services:
        module = f"google.cloud.{package}_{version}.services.{_module(service)}.transports.rest_base"
        transport = getattr(importlib.import_module(module), f"_Base{service}RestTransport")
        for name, method in vars(transport).items():
            if not name.startswith("_Base"):
                continue
            short = name.removeprefix("_Base")
            own = f"google.cloud.{package}.{version}.{service}"
            owner = next((full for form, full in _SHARED.items() if re.fullmatch(form, short)), own)
            for rule in method._get_http_options():  # noqa: SLF001 - they are nowhere else
                if "Operation" not in short or _OPERATIONS_HERE.fullmatch(rule["uri"]):
                    yield f"{owner}.{short}", rule["method"].upper(), rule["uri"], rule.get("body", "")


def _module(service: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", service).lower()


def main() -> None:
    """The command."""
    for path, content in generate().items():
        path.write_bytes(content)
        sys.stdout.write(f"{path.name}: {len(content):,} bytes\n")


if __name__ == "__main__":
    main()
