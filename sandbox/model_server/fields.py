"""What a request may hold: fields that are honoured, and every other one refused by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, cast

from sandbox.model_server import errors

_ROLES = ("system", "developer", "user", "assistant")


def refuse_unknown(body: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse the first field that is not known.

    Raises:
        Refusal: there is one.
    """
    for field in body:
        if field not in known:
            raise errors.UNKNOWN_FIELD.refusal(param=field, field=field)


def only(body: Mapping[str, Any], field: str, *accepted: Any) -> None:
    """Refuse a field of which only some values are imitated.

    Raises:
        Refusal: it has another one.
    """
    value = body.get(field)
    if value is not None and value not in accepted:
        raise errors.NOT_IMITATED.refusal(param=field, what=f"{field}={value!r}")


def text(body: Mapping[str, Any], field: str) -> str:
    """A required text.

    Raises:
        Refusal: it is missing, or no text.
    """
    if field not in body:
        raise errors.MISSING.refusal(param=field, field=field)
    if not isinstance(body[field], str):
        raise errors.INVALID.refusal(param=field, field=field, problem="expected a string")
    return body[field]


def count(body: Mapping[str, Any], *fields: str) -> int | None:
    """A positive number under one of several names, or None.

    Raises:
        Refusal: it is no positive whole number.
    """
    for field in fields:
        value = body.get(field)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise errors.INVALID.refusal(
                param=field, field=field, problem="expected an integer of at least 1"
            )
        return value
    return None


def number(body: Mapping[str, Any], field: str, least: float, most: float, *, default: float) -> float:
    """A number between two others, or the default.

    Raises:
        Refusal: it is none, or outside of them.
    """
    value = body.get(field)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        problem = f"expected a number from {least:g} to {most:g}"
        raise errors.INVALID.refusal(param=field, field=field, problem=problem)
    return value


def whole(body: Mapping[str, Any], field: str) -> int | None:
    """A whole number, or None.

    Raises:
        Refusal: it is none.
    """
    value = body.get(field)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise errors.INVALID.refusal(param=field, field=field, problem="expected an integer")
    return value


def texts(body: Mapping[str, Any], field: str, most: int) -> tuple[str, ...]:
    """One text or an array of them; none if the field is missing.

    Raises:
        Refusal: it is something else, or too many.
    """
    value = body.get(field)
    found: list[Any] = [] if value is None else value if isinstance(value, list) else [value]  # pyright: ignore[reportUnknownVariableType]
    if len(found) > most or not all(isinstance(each, str) for each in found):
        problem = f"expected a string, or an array of at most {most} of them"
        raise errors.INVALID.refusal(param=field, field=field, problem=problem)
    return tuple(found)


def messages(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The messages as role and text.

    Raises:
        Refusal: there is none, or one has another role or content that is no text.
    """
    found = body.get("messages")
    if not isinstance(found, list) or not found:
        raise errors.INVALID.refusal(param="messages", field="messages", problem="expected a non-empty array")
    read: list[tuple[str, str]] = []
    for number, message in enumerate(cast("list[Any]", found)):
        place = f"messages[{number}]"
        given: Mapping[str, Any] = message if isinstance(message, dict) else {}  # pyright: ignore[reportUnknownVariableType]
        if given.get("role") not in _ROLES:
            raise errors.INVALID.refusal(
                param=place, field=f"{place}.role", problem=f"expected one of {', '.join(_ROLES)}"
            )
        read.append((str(given["role"]), _content(given.get("content"), place)))
    return read


def inputs(body: Mapping[str, Any]) -> list[str]:
    """The texts to embed: one, or an array of them.

    Raises:
        Refusal: there is none, too many, an empty one, or one that is no text.
    """
    given = body.get("input")
    found: list[Any] = [given] if isinstance(given, str) else given if isinstance(given, list) else []  # pyright: ignore[reportUnknownVariableType]
    if not found or len(found) > MOST_INPUTS or not all(isinstance(each, str) and each for each in found):
        problem = f"expected a non-empty string, or an array of 1 to {MOST_INPUTS:,} of them"
        raise errors.INVALID.refusal(param="input", field="input", problem=problem)
    return found


MOST_INPUTS = 2048
"""Texts in one request (OpenAI's API reference, embeddings)."""


def _content(content: Any, place: str) -> str:
    if isinstance(content, str):
        return content
    parts: list[Any] = content if isinstance(content, list) else [None]  # pyright: ignore[reportUnknownVariableType]
    texts = [
        part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in parts
    ]
    if not all(isinstance(each, str) for each in texts):
        raise errors.INVALID.refusal(param=place, field=f"{place}.content", problem="only text is imitated")
    return "".join(str(each) for each in texts)
