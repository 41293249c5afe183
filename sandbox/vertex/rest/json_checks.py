"""What is wrong with JSON that stands for a message, in the words of Google's REST servers.

`google.protobuf.json_format` stops at the first mistake and has words of its own; clients read these.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldDescriptorProto

TOO_LARGE = float.fromhex("0x1.ffffffp+127")
"""From here on a number rounds to infinity as a float32."""
_RECEIVED = "Invalid JSON payload received. "
_WHOLE = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64),
}


class Violation(NamedTuple):
    """One mistake, as a field violation of google.rpc.BadRequest."""

    field: str
    """Where: `index.labels`; empty for the request itself."""
    description: str


def field_named(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """A field by its JSON name, `displayName`, or by its own, `display_name`."""
    own = descriptor.fields_by_name.get(name)
    return own or next((field for field in descriptor.fields if field.json_name == name), None)


def violations(value: Any, descriptor: Descriptor, path: str = "") -> Iterator[Violation]:
    """Every unknown name, every list where there is none, and every value that its field cannot hold."""
    if not isinstance(value, dict):
        if path:
            yield invalid(path, f"type.googleapis.com/{descriptor.full_name}", value)
        else:
            yield Violation("", f'{_RECEIVED}Unknown name "": Root element must be a message.')
        return
    for name, each in value.items():
        field = field_named(descriptor, name)
        if field is None:
            yield unknown(path, name, "Cannot find field.")
        elif each is not None:
            yield from _of_field(each, field, f"{path}.{field.name}" if path else field.name, path, name)


def unknown(path: str, name: str, why: str) -> Violation:
    """A name that means nothing at this place."""
    at = f" at '{path}'" if path else ""
    return Violation(path, f'{_RECEIVED}Unknown name "{name}"{at}: {why}')


def invalid(path: str, kind: str, value: Any) -> Violation:
    """A value that its field cannot hold."""
    return Violation(path, f"Invalid value at '{path}' ({kind}), {orjson.dumps(value).decode()}")


def _of_field(value: Any, field: FieldDescriptor, where: str, path: str, name: str) -> Iterator[Violation]:
    message = field.message_type
    if message is not None and message.full_name.startswith("google.protobuf."):
        return  # each has a form of its own, which json_format checks
    if message is not None and message.GetOptions().map_entry:
        yield from _of_map(value, message, where)
    elif not field.is_repeated and isinstance(value, list):
        yield unknown(path, name, "Proto field is not repeating, cannot start list.")
    elif field.is_repeated and not isinstance(value, list):
        yield invalid(where, _kind(field), value)
    else:
        for number, each in enumerate(value if field.is_repeated else [value]):
            yield from _of_value(each, field, f"{where}[{number}]" if field.is_repeated else where)


def _of_map(value: Any, entry: Descriptor, where: str) -> Iterator[Violation]:
    if not isinstance(value, dict):
        yield invalid(where, "Map", value)
        return
    for number, each in enumerate(value.values()):
        yield from _of_value(each, entry.fields_by_name["value"], f"{where}[{number}].value")


def _of_value(value: Any, field: FieldDescriptor, where: str) -> Iterator[Violation]:
    if field.message_type is not None:
        yield from violations(value, field.message_type, where)
    elif not _holds(field, value):
        yield invalid(where, _kind(field), value)


def _kind(field: FieldDescriptor) -> str:
    named = field.enum_type or field.message_type
    if named is not None:
        return f"type.googleapis.com/{named.full_name}"
    return FieldDescriptorProto.Type.Name(field.type)  # pyright: ignore[reportArgumentType]


def _holds(field: FieldDescriptor, value: Any) -> bool:
    if field.enum_type is not None and isinstance(value, str):
        return value in field.enum_type.values_by_name or _is_whole(value, FieldDescriptor.CPPTYPE_INT32)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return isinstance(value, str) and _is_base64(value)
    if field.cpp_type == FieldDescriptor.CPPTYPE_ENUM:
        return _is_whole(value, FieldDescriptor.CPPTYPE_INT32)
    if field.cpp_type in _WHOLE:
        return _is_whole(value, field.cpp_type)
    return _OTHERS[field.cpp_type](value)


def _is_whole(value: Any, kind: int) -> bool:
    number = _number(value)
    low, high = _WHOLE[kind]
    return number is not None and number == number // 1 and low <= number < high


def _number(value: Any) -> float | None:
    """The number that JSON may write as a number or as text; None if it is none, or is not finite."""
    if isinstance(value, str):
        try:
            value = int(value) if value.lstrip("-").isdecimal() else float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _is_base64(value: str) -> bool:
    text = value.replace("-", "+").replace("_", "/")
    try:
        base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _is_real(value: Any) -> bool:
    return value in ("NaN", "Infinity", "-Infinity") or _number(value) is not None


def _is_float32(value: Any) -> bool:
    number = _number(value)
    return _is_real(value) and (number is None or abs(number) < TOO_LARGE)


_OTHERS: dict[int, Callable[[Any], bool]] = {
    FieldDescriptor.CPPTYPE_BOOL: lambda value: isinstance(value, bool),
    FieldDescriptor.CPPTYPE_STRING: lambda value: isinstance(value, str),
    FieldDescriptor.CPPTYPE_FLOAT: _is_float32,
    FieldDescriptor.CPPTYPE_DOUBLE: _is_real,
}
