"""`?filter_path=`: a reply reduced to the requested paths."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any


def filtered(body: Any, expression: str) -> Any:
    """The filtered body. Paths are separated by commas, a leading `-` excludes, `*` and `**` are wildcards."""
    paths = [path.strip() for path in expression.split(",") if path.strip()]
    wanted = [path.split(".") for path in paths if not path.startswith("-")]
    unwanted = [path[1:].split(".") for path in paths if path.startswith("-")]
    if wanted:
        body = _kept(body, wanted)
    return _without(body, unwanted) if unwanted else (body if body is not None else {})


def _kept(body: Any, paths: list[list[str]]) -> Any:
    if any(not path or path == ["**"] for path in paths):
        return body
    if isinstance(body, list):
        return [kept for each in body if (kept := _kept(each, paths)) is not None] or None
    if not isinstance(body, dict):
        return None
    found = {}
    for name, value in body.items():
        deeper = _deeper(name, paths)
        kept = _kept(value, deeper) if deeper else None
        if kept is not None:
            found[name] = kept
    return found or None


def _without(body: Any, paths: list[list[str]]) -> Any:
    if isinstance(body, list):
        return [_without(each, paths) for each in body]
    if not isinstance(body, dict):
        return body
    found = {}
    for name, value in body.items():
        deeper = _deeper(name, paths)
        if not any(not path for path in deeper):
            found[name] = _without(value, deeper) if deeper else value
    return found


def _deeper(name: str, paths: list[list[str]]) -> list[list[str]]:
    """What remains of the paths below a name."""
    deeper = []
    for path in paths:
        if path and path[0] == "**":
            deeper += [path, *_deeper(name, [path[1:]])]
        elif path and fnmatchcase(name, path[0]):
            deeper.append(path[1:])
    return deeper
