"""From one version of the API to another: by bytes where the descriptors agree field by field, otherwise by name."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from google.protobuf import any_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from sandbox.vertex import errors
from sandbox.vertex.versions import messages
from sandbox.vertex.wire.methods import Method


def in_version(method: Method, version: str) -> Method:
    """A method of v1 as clients of `version` call it: with their messages, answered by the same code."""
    if version == messages.V1:
        return method

    def answer(request: Any) -> Any:
        token = messages.current.set(version)
        try:
            return shown(method.answer(understood(request, method.request, version)), version)
        finally:
            messages.current.reset(token)

    return replace(method, request=messages.message_class(version, f"{method.name}Request"), answer=answer)


def understood(request: Any, wanted: Any, version: str) -> Any:
    """A client's request as a message of the class `wanted`.

    Raises:
        Refusal: UNIMPLEMENTED, naming a field that is set and that v1 does not have.
    """
    converted = wanted()
    _copy(request, converted, "", version)
    return converted


def shown(response: Any, version: str) -> Any:
    """A response of v1, or an operation, as a message of `version`; fields that `version` does not have are left out."""
    if messages.version_of(response.DESCRIPTOR.full_name) in ("", version):
        return response
    converted = messages.message_class(version, response.DESCRIPTOR.name)()
    _copy(response, converted, "", None)
    return converted


def shown_any(packed: any_pb2.Any, version: str) -> any_pb2.Any:
    """The same for a packed message, as operations carry it."""
    name = packed.TypeName()
    if messages.version_of(name) in ("", version):
        return packed
    message = messages.message_class(messages.V1, name.rpartition(".")[2])()
    packed.Unpack(message)
    converted = any_pb2.Any()
    converted.Pack(shown(message, version))
    return converted


def agree(source: Descriptor, target: Descriptor) -> bool:
    """Whether the bytes of any `source` mean the same as a `target`.

    Each field has a counterpart of the same name, number, type and oneof, and so has each value of an enum.
    """
    return _agree(source, target, frozenset())


def _agree(source: Descriptor, target: Descriptor, asked: frozenset[str]) -> bool:
    if source.full_name == target.full_name or source.full_name in asked:
        return True
    asked |= {source.full_name}
    return all(_field_agrees(field, target.fields_by_name.get(field.name), asked) for field in source.fields)


def _field_agrees(field: FieldDescriptor, other: FieldDescriptor | None, asked: frozenset[str]) -> bool:
    if other is None or _shape(field) != _shape(other):
        return False
    if field.enum_type is not None:
        return _values(field.enum_type).items() <= _values(other.enum_type).items()
    if field.message_type is None or other.message_type is None:
        return field.message_type is other.message_type
    return _agree(field.message_type, other.message_type, asked)


def _shape(field: FieldDescriptor) -> tuple[Any, ...]:
    oneof = field.containing_oneof
    return field.number, field.type, field.is_repeated, field.has_presence, oneof.name if oneof else ""


def _values(enum: Any) -> dict[str, int]:
    found: EnumDescriptor = enum
    return {value.name: value.number for value in found.values}


@cache
def _classes_agree(source: Any, target: Any) -> bool:
    return agree(source.DESCRIPTOR, target.DESCRIPTOR)


def _copy(source: Any, target: Any, path: str, version: str | None) -> None:
    """Fill `target`; with a version, that of a request, refuse what `target` has no field for."""
    if _classes_agree(type(source), type(target)):
        target.MergeFromString(source.SerializeToString())
        return
    for field, value in source.ListFields():
        name = f"{path}{field.name}"
        if field.name in target.DESCRIPTOR.fields_by_name:
            _copy_field(field, value, target, name, version)
        elif version:
            raise errors.NOT_IMITATED.refusal(what=f"the field {name} of {version}")


def _copy_field(field: FieldDescriptor, value: Any, target: Any, name: str, version: str | None) -> None:
    message = field.message_type
    if message is None and not field.is_repeated:
        setattr(target, field.name, value)
    elif message is None:
        getattr(target, field.name).extend(value)
    elif message.GetOptions().map_entry:
        getattr(target, field.name).update(value)  # none has values that differ between the versions
    elif field.is_repeated:
        for number, each in enumerate(value):
            _copy(each, getattr(target, field.name).add(), f"{name}[{number}].", version)
    else:
        getattr(target, field.name).SetInParent()
        _copy(value, getattr(target, field.name), f"{name}.", version)
