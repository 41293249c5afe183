"""What Google's REST servers read, and `google.protobuf.json_format` does not.

- The largest float32: with as few digits as possible it is written 3.4028235e+38, which is a little larger than itself.
  Servers round first and compare then.
- Field masks with the fields' own names, `display_name`, as the documentation writes them beside `displayName`.
"""

from __future__ import annotations

import math
import re
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from sandbox.vertex.rest.json_checks import TOO_LARGE, field_named

_LARGEST = float.fromhex("0x1.fffffep+127")


def readable(content: Any, descriptor: Descriptor) -> Any:
    """The same JSON, as json_format reads it. It has been checked (json_checks.py)."""
    if descriptor.full_name == "google.protobuf.FieldMask" and isinstance(content, str):
        return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), content)
    if not isinstance(content, dict) or descriptor.full_name.startswith("google.protobuf."):
        return content
    found = {}
    for name, value in content.items():
        field = field_named(descriptor, name)
        found[name] = value if field is None else _of_field(value, field)
    return found


def _of_field(value: Any, field: FieldDescriptor) -> Any:
    if value is None or (field.message_type is None and field.cpp_type != FieldDescriptor.CPPTYPE_FLOAT):
        return value
    if isinstance(value, list):
        return [_of_field(each, field) for each in value]
    if field.message_type is not None:
        return readable(value, field.message_type)
    number = float(value)
    return math.copysign(_LARGEST, number) if _LARGEST < abs(number) < TOO_LARGE else value
