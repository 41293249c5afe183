"""The names that the service's parser gives to kinds of JSON values (XContentParser.java)."""

from __future__ import annotations

from typing import Any


def token(value: Any) -> str:
    """`START_OBJECT`, `VALUE_STRING` and so on."""
    kinds = {bool: "VALUE_BOOLEAN", str: "VALUE_STRING", dict: "START_OBJECT", list: "START_ARRAY"}
    return "VALUE_NULL" if value is None else kinds.get(type(value), "VALUE_NUMBER")
