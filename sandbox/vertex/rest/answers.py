"""Responses and refusals as JSON, in the forms of Google's REST servers."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import orjson
from google.protobuf import json_format
from grpc import StatusCode
from starlette.responses import Response

from sandbox.vertex import errors
from sandbox.vertex.versions import messages
from sandbox.vertex.wire.statuses import status

_MEDIA_TYPE = "application/json; charset=UTF-8"
_EXACT = 2**53  # whole numbers beyond are not all doubles; zero keeps its sign
_HTTP = {
    StatusCode.CANCELLED: 499,
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.FAILED_PRECONDITION: 400,
    StatusCode.OUT_OF_RANGE: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.NOT_FOUND: 404,
    StatusCode.ABORTED: 409,
    StatusCode.ALREADY_EXISTS: 409,
    StatusCode.RESOURCE_EXHAUSTED: 429,
    StatusCode.UNIMPLEMENTED: 501,
    StatusCode.UNAVAILABLE: 503,
    StatusCode.DEADLINE_EXCEEDED: 504,
}
"""As google/rpc/code.proto maps them; all others are 500."""


def response(message: Any, *, enum_numbers: bool, pretty: bool) -> Response:
    """A response message; fields with default values are left out."""
    content = json_format.MessageToDict(
        message,
        use_integers_for_enums=enum_numbers,
        descriptor_pool=messages.AllPools(),  # pyright: ignore[reportArgumentType]
    )
    return Response(_written(_whole(content), pretty=pretty), media_type=_MEDIA_TYPE)


def refusal(refused: errors.Refusal, *, pretty: bool) -> Response:
    """`{"error": {"code", "message", "status", "details"}}`."""
    number = _HTTP.get(refused.code, 500)
    content: dict[str, Any] = {"code": number, "message": refused.text, "status": refused.code.name}
    details = json_format.MessageToDict(status(refused)).get("details")
    if details:
        content["details"] = details
    return Response(_written({"error": content}, pretty=pretty), number, media_type=_MEDIA_TYPE)


def turned_away(number: HTTPStatus, text: str) -> Response:
    """What the door refuses (sandbox/doors.py), in the form of a refusal."""
    content = {"code": number.value, "message": text, "status": StatusCode.PERMISSION_DENIED.name}
    return Response(_written({"error": content}, pretty=True), number, media_type=_MEDIA_TYPE)


def _whole(content: Any) -> Any:
    """The same JSON with 2 for 2.0, as the protobuf library of Google's servers writes doubles."""
    if isinstance(content, dict):
        return {name: _whole(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_whole(value) for value in content]
    if isinstance(content, float) and content.is_integer() and 0 < abs(content) < _EXACT:
        return int(content)
    return content


def _written(content: Any, *, pretty: bool) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n" if pretty else orjson.dumps(content)
