"""A request message from the path, the query and the body of an HTTP request, as `google.api.http` defines it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.rpc import error_details_pb2

from sandbox.vertex import errors
from sandbox.vertex.rest.json_checks import Violation, field_named, unknown, violations
from sandbox.vertex.rest.readable import readable

_FROM_TEXT = frozenset(f"google.protobuf.{name}" for name in ("FieldMask", "Timestamp", "Duration"))


def transcoded(
    request: Any, rule_body: str, variable: tuple[str, str], query: Mapping[str, Sequence[str]], body: bytes
) -> Any:
    """The message, an instance of the class `request`.

    Args:
        request: the class.
        rule_body: the field that the body is; `*` for the whole request, empty for none.
        variable: the field that the path names, and its value.
        query: the values of each parameter that is meant for the request.
        body: the body.

    Raises:
        Refusal: INVALID_ARGUMENT, with each mistake as a violation.
    """
    message = request()
    _fill_from_body(message, rule_body, parsed(body))
    _fill(message, _nested(query, request.DESCRIPTOR))
    *parents, last = variable[0].split(".")
    for parent in parents:
        getattr(message, parent).SetInParent()
    target = message
    for parent in parents:
        target = getattr(target, parent)
    setattr(target, last, variable[1])
    return message


def parsed(body: bytes) -> Any:
    """The body as JSON; an empty one is an empty object.

    Raises:
        Refusal: it is not JSON.
    """
    if not body.strip():
        return {}
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise refusal([Violation("", f"Invalid JSON payload received. {error}")]) from error


def refusal(found: Iterable[Violation]) -> errors.Refusal:
    """The refusal that names all of these."""
    each = list(found)
    detail = error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
            for field, description in each
        ]
    )
    refused = errors.INVALID_PAYLOAD.refusal(problem="\n".join(description for _, description in each))
    refused.details.append(detail)
    return refused


def _fill_from_body(message: Any, rule_body: str, content: Any) -> None:
    if not rule_body and content != {}:
        name = next(iter(content)) if isinstance(content, dict) else ""
        why = "Cannot find field." if name else "Root element must be a message."
        raise refusal([unknown("", name, why)])
    if rule_body and rule_body != "*":
        content = {rule_body: content}
    _fill(message, content)


def _fill(message: Any, content: Any) -> None:
    found = list(violations(content, message.DESCRIPTOR))
    if found:
        raise refusal(found)
    try:
        json_format.ParseDict(readable(content, message.DESCRIPTOR), message)
    except json_format.ParseError as error:
        raise refusal([Violation("", f"Invalid JSON payload received. {error}")]) from error


def _nested(query: Mapping[str, Sequence[str]], descriptor: Descriptor) -> dict[str, Any]:
    """The parameters as JSON: `index.displayName=a` is `{"index": {"display_name": "a"}}`."""
    content: dict[str, Any] = {}
    unbound: list[Violation] = []
    for name, values in query.items():
        fields = _fields(descriptor, name)
        if isinstance(fields, str):
            unbound.append(unknown("", name, f"Cannot bind query parameter. {fields}"))
            continue
        inner = content
        for parent in fields[:-1]:
            inner = inner.setdefault(parent.name, {})
        given = [_value(fields[-1], value) for value in values]
        inner[fields[-1].name] = given if fields[-1].is_repeated else given[-1]
    if unbound:
        raise refusal(unbound)
    return content


def _fields(descriptor: Descriptor, name: str) -> list[FieldDescriptor] | str:
    """The fields on the way to the one that a parameter names, or why there is none."""
    found: list[FieldDescriptor] = []
    level: Descriptor | None = descriptor
    for part in name.split("."):
        field = field_named(level, part) if level is not None else None
        if field is None:
            return f"Field '{part}' could not be found in request message."
        if found and found[-1].is_repeated:
            return (
                f"'{found[-1].name}' is repeated. Parameters can only be bound to fields of single messages."
            )
        found.append(field)
        level = field.message_type
    if level is not None and level.full_name not in _FROM_TEXT:
        return f"'{found[-1].name}' is a message type. Parameters can only be bound to primitive types."
    return found


def _value(field: FieldDescriptor, text: str) -> Any:
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    return text
