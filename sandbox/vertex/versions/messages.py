"""The message classes of each version: those of v1 from the official package, those of v1beta1 from a descriptor set.

The set is in a pool of its own, so that the official v1beta1 can be imported beside it; see protos/messages.py.
"""

from __future__ import annotations

from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any

from google.cloud import aiplatform_v1 as v1
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor

V1, V1BETA1 = "v1", "v1beta1"
VERSIONS = (V1, V1BETA1)
_PREFIX = "google.cloud.aiplatform"

current: ContextVar[str] = ContextVar("version", default=V1)
"""The version of the call that is being answered: operations that it starts show themselves in it."""


def service_name(version: str, service: str) -> str:
    """The full name of a service: `google.cloud.aiplatform.v1.IndexService`."""
    return f"{_PREFIX}.{version}.{service}"


@cache
def message_class(version: str, name: str) -> Any:
    """The class of a top-level message by its short name: raw protobuf, not the wrapper that clients see.

    Raises:
        AttributeError, KeyError: the version has no such message.
    """
    if version == V1:
        return getattr(v1, name).pb()
    return message_factory.GetMessageClass(pool(version).FindMessageTypeByName(f"{_PREFIX}.{version}.{name}"))


@cache
def pool(version: str) -> descriptor_pool.DescriptorPool:
    """The pool that holds the messages of a version."""
    if version == V1:
        return descriptor_pool.Default()
    found = descriptor_pool.DescriptorPool()
    content = Path(__file__).with_name(f"{version}.binpb").read_bytes()
    for file in descriptor_pb2.FileDescriptorSet.FromString(content).file:
        found.AddSerializedFile(file.SerializeToString())
    return found


class AllPools:
    """Finds messages of every version, for JSON with packed messages; `google.protobuf.json_format` asks it for no more."""

    def FindMessageTypeByName(self, full_name: str) -> Descriptor:
        """The descriptor of a message.

        Raises:
            KeyError: no version has it.
        """
        return pool(version_of(full_name) or V1).FindMessageTypeByName(full_name)


def version_of(full_name: str) -> str:
    """The version that a message belongs to; empty for those of all versions, such as google.protobuf.Empty."""
    return next((version for version in VERSIONS if full_name.startswith(f"{_PREFIX}.{version}.")), "")
