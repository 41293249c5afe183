"""What an update changes: the fields that its mask names, or without a mask those that are set, if they differ.

Fields that are sent back as they were read change nothing; of the others, those that cannot change are refused by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.vertex import errors
from sandbox.vertex.fields import Treatment, treatments

_IDENTIFYING = ("name", "etag")


def named_fields(update_mask: Any, message: Any, updatable: Sequence[str]) -> list[str]:
    """The top-level fields that an update names; without a mask, those that are set, what is output only aside.

    Raises:
        Refusal: a path that is no field, or lies within one.
    """
    known = treatments(message.DESCRIPTOR) or {}
    if not update_mask.paths:
        names = [field.name for field, _ in message.ListFields() if known[field.name] is not Treatment.OUTPUT]
        return [name for name in names if name not in _IDENTIFYING]
    if "*" in update_mask.paths:
        return list(updatable)
    # Index.metadata is one free-form value, so a path within it can only mean all that is sent of it.
    paths = ["metadata" if path.startswith("metadata.") else path for path in update_mask.paths]
    for path in paths:
        if path not in known:
            _refuse(update_mask, f"{path!r} is not a field; accepted: {', '.join(updatable)}.")
    return list(dict.fromkeys(paths))


def changed_fields(
    update_mask: Any, message: Any, current: Any, updatable: Sequence[str], immutable: Sequence[str] = ()
) -> list[str]:
    """Those of the named fields that differ from the current ones.

    Raises:
        Refusal: a path that is no field, or a field that differs and cannot change.
    """
    given, known = _values(message), _values(current)
    changed = [
        name for name in named_fields(update_mask, message, updatable) if given.get(name) != known.get(name)
    ]
    for name in changed:
        if name in immutable:
            raise errors.IMMUTABLE_FIELD.refusal(
                kind=message.DESCRIPTOR.name, field=name, current=known.get(name), given=given.get(name)
            )
        if name not in updatable:
            _refuse(update_mask, f"{name!r} cannot be changed; accepted: {', '.join(updatable)}.")
    return changed


def _values(message: Any) -> dict[str, Any]:
    return {field.name: value for field, value in message.ListFields()}


def _refuse(update_mask: Any, problem: str) -> None:
    raise errors.INVALID_UPDATE_MASK.refusal(mask=",".join(update_mask.paths), problem=problem)
