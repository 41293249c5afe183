"""Names of indices and aliases: which are valid, and which ones an expression matches."""

from __future__ import annotations

from collections.abc import Collection, Container
from fnmatch import fnmatchcase

from sandbox.elastic import errors
from sandbox.elastic.indices import errors as indices_errors

_FORBIDDEN = '\\/*?"<>| ,'


def check(name: str) -> None:
    """Refuse an invalid index name.

    Raises:
        Refusal: with the reason.
    """
    problem = ""
    apart = next((letter for letter in "#:" if letter in name), None)
    if any(letter in _FORBIDDEN for letter in name):
        problem = "must not contain the following characters ['\\','/','*','?','\"','<','>','|',' ',',']"
    elif apart:
        problem = f"must not contain '{apart}'"
    elif name[:1] in ("_", "-", "+"):
        problem = "must not start with '_', '-', or '+'"
    elif name in (".", "..", ""):
        problem = "must not be '.' or '..'" if name else "must not be empty"
    elif len(name.encode()) > 255:
        problem = "index name is too long, (" + str(len(name.encode())) + " > 255)"
    elif name != name.lower():
        problem = "must be lowercase"
    if problem:
        raise indices_errors.INDEX_NAME.refusal(
            index=name, problem=problem, metadata={"index": name, "index_uuid": "_na_"}
        )


def chosen(
    expression: str, names: Collection[str], hidden: Container[str] = (), expand: Container[str] = ("open",)
) -> tuple[list[str], list[str]]:
    """The names that a comma-separated list with wildcards and exclusions matches, and its plain names that do not exist.

    A wildcard matches hidden names and those that start with a dot only if the pattern starts with one, or if `expand`
    (the values of `expand_wildcards`) says so.
    """
    there = list(names) if "open" in expand or "all" in expand else []
    everything = "all" in expand or "hidden" in expand
    plain = set(names)
    found: dict[str, None] = {}
    missing: list[str] = []
    for part in ("*" if expression in ("", "_all") else expression).split(","):
        if part.startswith("-") and len(part) > 1 and found:
            found = {name: None for name in found if not fnmatchcase(name, part[1:])}
        elif "*" in part:
            seen = [
                name
                for name in there
                if everything or part.startswith(".") or not (name.startswith(".") or name in hidden)
            ]
            found.update(dict.fromkeys(name for name in seen if fnmatchcase(name, part)))
        elif part in plain:
            found[part] = None
        else:
            missing.append(part)
    return list(found), missing


def expanded(value: str) -> tuple[str, ...]:
    """The values of `expand_wildcards`.

    Raises:
        Refusal: one is unknown.
    """
    found = tuple(value.split(","))
    for each in found:
        if each not in ("all", "open", "closed", "hidden", "none"):
            raise errors.ILLEGAL_ARGUMENT.refusal(problem=f"No valid expand wildcard value [{each}]")
    return () if "none" in found else found
