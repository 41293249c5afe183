"""Names of indices and aliases: which are valid, and which ones an expression matches."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from sandbox.elastic.indices import errors as indices_errors

_FORBIDDEN = '\\/*?"<>| ,#:'


def check(name: str) -> None:
    """Refuse an invalid index name.

    Raises:
        Refusal: with the reason.
    """
    problem = ""
    if name != name.lower():
        problem = "must be lowercase"
    elif any(letter in _FORBIDDEN for letter in name):
        problem = "must not contain the following characters ['\\','/','*','?','\"','<','>','|',' ',',']"
    elif name[:1] in ("_", "-", "+"):
        problem = "must not start with '_', '-', or '+'"
    elif name in (".", "..", ""):
        problem = "must not be '.' or '..'" if name else "must not be empty"
    elif len(name.encode()) > 255:
        problem = "index name is too long, (" + str(len(name.encode())) + " > 255)"
    if problem:
        raise indices_errors.INDEX_NAME.refusal(
            index=name, problem=problem, metadata={"index": name, "index_uuid": "_na_"}
        )


def chosen(expression: str, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """The names that a comma-separated list with wildcards and exclusions matches, and its plain names that do not exist.

    A wildcard matches names that start with a dot only if the pattern starts with one.
    """
    there = list(names)
    found: dict[str, None] = {}
    missing: list[str] = []
    for part in ("*" if expression in ("", "_all") else expression).split(","):
        if part.startswith("-") and len(part) > 1 and found:
            found = {name: None for name in found if not fnmatchcase(name, part[1:])}
        elif "*" in part:
            seen = [name for name in there if part.startswith(".") or not name.startswith(".")]
            found.update(dict.fromkeys(name for name in seen if fnmatchcase(name, part)))
        elif part in there:
            found[part] = None
        else:
            missing.append(part)
    return list(found), missing
