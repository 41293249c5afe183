"""`copy_to` in a mapping: which fields a field's values are copied to, and where they cannot be copied.

What is copied is indexed in the other field and never shown in `_source`; copies are not copied on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.elastic import errors

PARAMETER = "copy_to"


def as_list(definition: Mapping[str, Any]) -> dict[str, Any]:
    """The `copy_to` of a field as the service stores it: a list, and nothing if it is empty."""
    given = definition.get(PARAMETER)
    if given is None:
        return {}
    paths = [str(each) for each in (given if isinstance(given, list) else str(given).split(","))]
    return {PARAMETER: paths} if paths else {}


def check(mapping: Mapping[str, Any]) -> None:
    """Refuse copies to where no value can be (FieldMapper.java, `validate`).

    Raises:
        Refusal: a target is a multi-field or an object, or lies within another nested field than its source.
    """
    nested, objects, multi = set[str](), set[str](), set[str]()
    copied: list[tuple[str, str]] = []
    for path, definition in _walked(mapping.get("properties", {}), ""):
        kind = definition.get("type", "object" if "properties" in definition else None)
        if kind in ("object", "nested"):
            objects.add(path)
            nested.update([path] if kind == "nested" else [])
        multi.update(f"{path}.{below}" for below in definition.get("fields", {}))
        copied += [(path, target) for target in definition.get(PARAMETER, ())]
    for path, target in copied:
        problem = ""
        if target in multi:
            problem = f"[copy_to] may not be used to copy to a multi-field: [{target}]"
        elif target in objects:
            problem = f"Cannot copy to field [{target}] since it is mapped as an object"
        elif nested:
            problem = _scopes(_scope(path, nested), _scope(target, nested))
        if problem:
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=problem)


def _scopes(source: str | None, target: str | None) -> str:
    """Why a copy cannot go from one nested field to another; copies out of nested fields are not imitated."""
    if source is not None:
        return f"the sandbox does not support [copy_to] within the nested field [{source}]"
    if target is None:
        return ""
    return (
        "Illegal combination of [copy_to] and [nested] mappings: [copy_to] may only copy data to the current nested document "
        f"or any of its parents, however one [copy_to] directive is trying to copy data from nested object [null] to [{target}]"
    )


def _scope(path: str, nested: set[str]) -> str | None:
    """The innermost nested field that a path lies in."""
    within = [each for each in nested if path.startswith(f"{each}.")]
    return max(within, key=len, default=None)


def _walked(properties: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, definition in properties.items():
        yield prefix + name, definition
        yield from _walked(definition.get("properties", {}), f"{prefix}{name}.")
