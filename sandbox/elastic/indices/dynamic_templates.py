"""Dynamic templates of a mapping: how a new field is mapped that no property names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic.indices import errors as indices_errors

_NAMES = ("match", "unmatch", "path_match", "path_unmatch")
_CONDITIONS = (*_NAMES, "match_mapping_type", "unmatch_mapping_type")
_PARAMETERS = (*_CONDITIONS, "match_pattern", "mapping")
_KINDS = ("object", "string", "long", "double", "boolean", "date", "binary", "*")
_TYPES = {"string": "text", "double": "float"}
"""The type that a kind of JSON value gets by itself, where the names differ."""


def check(templates: Any) -> None:
    """Refuse dynamic templates that are invalid or not imitated.

    Raises:
        Refusal: naming the first problem.
    """
    if not isinstance(templates, list):
        raise indices_errors.MAPPING.refusal(
            problem="Dynamic template syntax error. An array of named objects is expected."
        )
    for each in templates:
        if not isinstance(each, Mapping) or len(each) != 1:
            raise indices_errors.MAPPING.refusal(problem="A dynamic template must be defined with a name")
        ((name, body),) = each.items()
        _check_one(name, body)


def _check_one(name: str, body: Any) -> None:
    if not isinstance(body, Mapping):
        raise indices_errors.MAPPING.refusal(problem=f"dynamic template [{name}] is not an object")
    for parameter in body:
        if parameter not in _PARAMETERS:
            raise indices_errors.MAPPING.refusal(
                problem=f"Illegal dynamic template parameter: [{parameter}]"
                if parameter != "runtime"
                else f"the sandbox does not support [runtime] in the dynamic template [{name}]"
            )
    if "mapping" not in body:
        raise indices_errors.MAPPING.refusal(
            problem=f"template [{name}] must have either mapping or runtime set"
        )
    if not any(condition in body for condition in _CONDITIONS):
        raise indices_errors.MAPPING.refusal(
            problem=f"template [{name}] must have match, path_match or match_mapping_type set"
        )
    if not isinstance(body["mapping"], Mapping):
        raise indices_errors.MAPPING.refusal(
            problem=f"[mapping] of the dynamic template [{name}] is not an object"
        )
    _check_patterns(name, body)
    for condition in ("match_mapping_type", "unmatch_mapping_type"):
        for kind in _listed(body.get(condition)):
            if kind not in _KINDS:
                raise indices_errors.MAPPING.refusal(
                    problem=f"No field type matched on [{kind}], possible values are {list(_KINDS[:-1])}"
                )


def _check_patterns(name: str, body: Mapping[str, Any]) -> None:
    kind = body.get("match_pattern", "simple")
    if kind not in ("simple", "regex"):
        raise indices_errors.MAPPING.refusal(problem=f"No matching pattern matched on [{kind}]")
    for condition in _CONDITIONS:
        given = body.get(condition)
        if given is not None and not all(
            isinstance(each, str) for each in (given if isinstance(given, list) else [given])
        ):
            raise indices_errors.MAPPING.refusal(
                problem=f"[{condition}] values must either be a string or list of strings, but was [{given}] in [{name}]"
            )
        for pattern in _listed(given) if kind == "regex" and condition in _NAMES else ():
            try:
                re.compile(pattern)
            except re.error as error:
                raise indices_errors.MAPPING.refusal(
                    problem=f"Pattern [{pattern}] of type [regex] is invalid. Cannot create dynamic template [{name}]: {error}"
                ) from None


def merged(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The templates of two mappings: those of the new one replace those of the same name."""
    both = {name: body for each in (*old, *new) for name, body in each.items()}
    return [{name: body} for name, body in both.items()]


def mapping_for(templates: Sequence[Mapping[str, Any]], path: str, kind: str) -> dict[str, Any] | None:
    """The mapping of a new field by the first template that matches it; None if none does.

    Args:
        templates: of the mapping, checked.
        path: of the field, dotted.
        kind: `string`, `long`, `double`, `boolean`, `date` or `object`.
    """
    name = path.rpartition(".")[2]
    for each in templates:
        ((_, body),) = each.items()
        if _matches(body, path, name, kind):
            own = _TYPES.get(kind, kind)
            return {"type": own, **_filled(body["mapping"], name, own)}
    return None


def _matches(body: Mapping[str, Any], path: str, name: str, kind: str) -> bool:
    if "match_mapping_type" in body and not {"*", kind} & set(_listed(body["match_mapping_type"])):
        return False
    if kind in _listed(body.get("unmatch_mapping_type")):
        return False
    simple = body.get("match_pattern", "simple") == "simple"
    for text, wanted, unwanted in ((name, "match", "unmatch"), (path, "path_match", "path_unmatch")):
        if wanted in body and not _any(body[wanted], text, simple=simple):
            return False
        if _any(body.get(unwanted), text, simple=simple):
            return False
    return True


def _any(patterns: Any, text: str, *, simple: bool) -> bool:
    return any(
        fnmatchcase(text, pattern) if simple else re.fullmatch(pattern, text) is not None
        for pattern in _listed(patterns)
    )


def _listed(value: Any) -> list[str]:
    return [] if value is None else value if isinstance(value, list) else [str(value)]


def _filled(value: Any, name: str, own: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _filled(each, name, own) for key, each in value.items()}
    if isinstance(value, str):
        return value.replace("{name}", name).replace("{dynamic_type}", own)
    return value
