"""Mappings: which fields an index has, their parameters, and how a mapping may change.

Pure functions over the JSON that clients send. Values of documents are read in documents/parsing.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from sandbox.elastic.errors import in_java
from sandbox.elastic.indices import copies, dynamic_templates, vector_fields
from sandbox.elastic.indices import errors as indices_errors

NUMBERS = ("long", "integer", "short", "byte", "double", "float", "half_float")
WHOLE_NUMBERS = ("long", "integer", "short", "byte")
ANALYZERS = ("standard", "simple", "whitespace", "keyword", "default")
_ANY = {"type", "fields", "meta"}
_COPIED = ("text", "keyword", "boolean", "date", *NUMBERS)
"""Types whose values `copy_to` can bring to other fields here; the service copies those of more types."""
_STORED = {"index", "store", "doc_values", "null_value"}
_PARAMETERS: dict[str, set[str]] = {
    "text": {
        "analyzer",
        "search_analyzer",
        "search_quote_analyzer",
        "index",
        "store",
        "norms",
        "index_options",
    }
    | {"fielddata", "position_increment_gap", "similarity", "term_vector", "index_prefixes", "index_phrases"},
    "keyword": _STORED
    | {"ignore_above", "norms", "normalizer", "similarity", "eager_global_ordinals"}
    | {"split_queries_on_whitespace", "index_options"},
    "boolean": _STORED,
    "date": _STORED | {"format", "locale", "ignore_malformed"},
    "sparse_vector": {"index_options", "store"},
    "rank_features": {"positive_score_impact"},
    **vector_fields.PARAMETERS,
    **{kind: _STORED | {"coerce", "ignore_malformed"} for kind in NUMBERS},
}
_ONLY: dict[tuple[str, str], tuple[Any, ...]] = {
    ("text", "fielddata"): (False,),
    ("text", "index_options"): ("positions", "offsets"),
    ("text", "search_quote_analyzer"): (),
    ("keyword", "index_options"): ("docs",),
    ("keyword", "norms"): (False,),
    ("keyword", "split_queries_on_whitespace"): (False,),
    ("rank_features", "positive_score_impact"): (True,),
    ("nested", "include_in_parent"): (False,),
    ("nested", "include_in_root"): (False,),
}
"""Parameters of a type that are accepted with these values only: others would change what is found or its score."""
_OBJECT = {"type", "properties", "dynamic", "enabled"}
_NESTED = {"include_in_parent", "include_in_root"}
_ROOT = {"properties", "dynamic", "dynamic_templates", "_meta", "_source", "date_detection"}
_CHANGEABLE = {
    "ignore_above",
    "null_value",
    "meta",
    "fields",
    "search_analyzer",
    "ignore_malformed",
    "coerce",
    "fielddata",
    "index_options",
    "copy_to",
    "norms",
    "eager_global_ordinals",
}


@dataclass(frozen=True)
class Field:
    """One indexed field."""

    path: str
    """Dotted; a multi-field's path starts with its parent's."""
    type: str
    parameters: Mapping[str, Any]


def checked(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """A valid mapping as the service stores it: `{"a.b": field}` is the field b of an object a.

    Raises:
        Refusal: naming the first field, type or parameter that is wrong.
    """
    unknown = {name: value for name, value in mapping.items() if name not in _ROOT}
    if unknown:
        shown = ", ".join(f"{name} : {value}" for name, value in unknown.items())
        raise indices_errors.UNSUPPORTED_ROOT.refusal(shown=shown)
    for option in mapping.get("_source", {}):
        if option not in ("includes", "excludes"):
            raise indices_errors.MAPPING.refusal(
                problem=f"unknown parameter [{option}] on metadata field [_source]"
            )
    dynamic_templates.check(mapping.get("dynamic_templates", []))
    _check_properties(mapping.get("properties", {}), "")
    properties = {"properties": _expanded(mapping["properties"], "")} if "properties" in mapping else {}
    copies.check(properties)
    return {**mapping, **properties}


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping after a change; `_meta` is replaced as a whole.

    Raises:
        Refusal: the change cannot be made in place.
    """
    result = deepcopy(dict(old))
    for name, value in checked(new).items():
        if name == "properties":
            result["properties"] = _merged_properties(old.get("properties", {}), value, "")
        elif name == "dynamic_templates":
            result[name] = dynamic_templates.merged(old.get(name, []), value)
        else:
            result[name] = deepcopy(value)
    copies.check(result)
    return result


def fields(mapping: Mapping[str, Any]) -> dict[str, Field]:
    """All indexed fields by path, including multi-fields but not objects."""
    return {field.path: field for field in _fields(mapping.get("properties", {}), "")}


def size(mapping: Mapping[str, Any]) -> int:
    """The count that `index.mapping.total_fields.limit` limits: fields, multi-fields and objects."""
    return _size(mapping.get("properties", {}))


def is_searchable(kind: str, parameters: Mapping[str, Any]) -> bool:
    """Whether a field's values are kept for searches: indexed, or, except of a text, in doc values."""
    return parameters.get("index") is not False or (
        kind != "text" and parameters.get("doc_values") is not False
    )


def is_object(definition: Mapping[str, Any]) -> bool:
    """Whether a property is an object with properties of its own."""
    return definition.get("type", "object" if "properties" in definition else None) == "object"


def is_nested(definition: Mapping[str, Any]) -> bool:
    """Whether the objects of a property are documents of their own."""
    return definition.get("type") == "nested"


def property_at(mapping: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The property at a path; None if there is none."""
    found: Mapping[str, Any] = mapping
    for name in path.split("."):
        properties = found.get("properties", {})
        if name not in properties:
            return None
        found = properties[name]
    return found


def is_nested_at(mapping: Mapping[str, Any], path: str) -> bool:
    """Whether the property at a path is nested."""
    return (found := property_at(mapping, path)) is not None and is_nested(found)


def _fields(properties: Mapping[str, Any], prefix: str) -> Iterator[Field]:
    for name, definition in properties.items():
        path = prefix + name
        if is_object(definition) or is_nested(definition):
            yield from _fields(definition.get("properties", {}), f"{path}.")
            continue
        yield Field(path, definition["type"], definition)
        for below, multi in definition.get("fields", {}).items():
            yield Field(f"{path}.{below}", multi["type"], multi)


def _size(properties: Mapping[str, Any]) -> int:
    return sum(
        1 + _size(definition.get("properties", {})) + len(definition.get("fields", {}))
        for definition in properties.values()
    )


def _check_properties(properties: Any, prefix: str) -> None:
    if not isinstance(properties, Mapping):
        raise indices_errors.MAPPING.refusal(
            problem="Expected map for property [properties] but got a class java.lang.String"
        )
    for name, definition in properties.items():
        if problem := _problem(name):
            raise indices_errors.MAPPING.refusal(problem=problem)
        _check_property(f"{prefix}{name}", definition)


def _check_property(path: str, definition: Any) -> None:
    name = path.rsplit(".", maxsplit=1)[-1]
    if not isinstance(definition, Mapping):
        raise indices_errors.MAPPING.refusal(
            problem=f"Expected map for property [fields] on field [{name}] but got a class"
        )
    if is_object(definition) or is_nested(definition):
        _check_object(path, name, definition)
        return
    if "type" not in definition:
        raise indices_errors.NO_TYPE.refusal(name=name)
    kind = definition["type"]
    if kind not in _PARAMETERS:
        raise indices_errors.NO_HANDLER.refusal(kind=kind, name=name)
    own = {copies.PARAMETER} if kind in _COPIED else set[str]()
    _check_parameters(name, kind, definition, _PARAMETERS[kind] | _ANY | own)
    vector_fields.check(name, definition)
    for parameter in ("analyzer", "search_analyzer"):
        if definition.get(parameter, "standard") not in ANALYZERS:
            raise indices_errors.NO_ANALYZER.refusal(analyzer=definition[parameter], name=path)
    if definition.get("normalizer", "lowercase") != "lowercase":
        raise indices_errors.NO_NORMALIZER.refusal(normalizer=definition["normalizer"], name=path)
    for below, multi in definition.get("fields", {}).items():
        _check_multi_field(name, below, multi)
        _check_property(f"{path}.{below}", multi)


def _check_multi_field(name: str, below: str, definition: Any) -> None:
    if "." in below:
        raise indices_errors.MULTI_FIELD_NAME.refusal(below=below, name=name)
    if isinstance(definition, Mapping) and copies.PARAMETER in definition:
        raise indices_errors.COPY_FROM_MULTI_FIELD.refusal(below=below)


def _check_object(path: str, name: str, definition: Mapping[str, Any]) -> None:
    properties = definition.get("properties", {})
    if is_nested(definition):
        _check_parameters(name, "nested", definition, _OBJECT | _NESTED)
        _refuse_semantic(path, properties)
    else:
        _check_parameters(name, "object", definition, _OBJECT)
    _check_properties(properties, f"{path}.")


def _refuse_semantic(path: str, properties: Mapping[str, Any]) -> None:
    for name, definition in properties.items():
        if definition.get("type") == "semantic_text":
            raise indices_errors.MAPPING.refusal(
                problem=f"semantic_text field [{path}.{name}] cannot be nested"
            )


def _check_parameters(name: str, kind: str, definition: Mapping[str, Any], known: set[str]) -> None:
    for parameter in definition:
        if parameter not in known:
            raise indices_errors.UNKNOWN_PARAMETER.refusal(parameter=parameter, name=name, kind=kind)
        value = definition[parameter]
        if value not in _ONLY.get((kind, parameter), (value,)):
            problem = f"the sandbox does not support [{parameter}] with value [{in_java(value)}] on [{name}]"
            raise indices_errors.MAPPING.refusal(problem=problem)


def _problem(name: str) -> str:
    """Why a name cannot be a field's. As in Java, dots at its end do not count."""
    if not name:
        return "field name cannot be an empty string"
    if name.isspace():
        return "field name cannot contain only whitespaces"
    parts = name.rstrip(".").split(".")
    return (
        f"Invalid field name {name}" if parts == [""] else "" if all(parts) else "name cannot be empty string"
    )


def _expanded(properties: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """Properties without dots in their names; an object that is written in several places is merged."""
    result: dict[str, Any] = {}
    for name, definition in properties.items():
        first, *below = name.rstrip(".").split(".")
        whole = {**vector_fields.completed(definition), **copies.as_list(definition)}
        if whole.get("properties"):
            whole["properties"] = _expanded(whole["properties"], f"{prefix}{name}.")
        for part in reversed(below):
            whole = {"properties": {part: whole}}
        result = _merged_properties(result, {first: whole}, prefix)
    return result


def _merged_properties(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    result = dict(old)
    for name, definition in new.items():
        path = prefix + name
        result[name] = _merged_property(old[name], definition, path) if name in old else deepcopy(definition)
    return result


def _merged_property(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> dict[str, Any]:
    result = dict(old)
    if is_nested(old) or is_nested(new):
        return _merged_nested(old, new, path)
    _refuse_other_kind(old, new, path)
    if is_object(old):
        properties = _merged_properties(old.get("properties", {}), new.get("properties", {}), f"{path}.")
        return {**result, **new, "properties": properties}
    if old["type"] in vector_fields.PARAMETERS:
        return vector_fields.merged(path, old, new)
    if "fields" in new:
        result["fields"] = _merged_properties(old.get("fields", {}), new["fields"], f"{path}.")
    result.pop(copies.PARAMETER, None)  # as the new definition has it, also if it has none
    for parameter in (set(old) | set(new)) - {"type", "fields"}:
        before, after = old.get(parameter), new.get(parameter)
        if parameter not in _CHANGEABLE and before != after:
            raise indices_errors.PARAMETER_CONFLICT.refusal(
                path=path, parameter=parameter, old=before, new=after
            )
        if parameter in new:
            result[parameter] = after
    return result


def _refuse_other_kind(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> None:
    if is_object(old) and not is_object(new):
        raise indices_errors.OBJECT_CONFLICT.refusal(path=path)
    kind = "ObjectMapper" if is_object(new) else new["type"]
    if not is_object(old) and old["type"] != kind:
        raise indices_errors.TYPE_CONFLICT.refusal(path=path, old=old["type"], new=kind)


def _merged_nested(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A nested field after a change; properties alone, as a dotted name writes them, do not say that it is nested."""
    if not is_nested(old) or not (is_nested(new) or "type" not in new):
        raise indices_errors.NESTED_CONFLICT.refusal(path=path)
    properties = _merged_properties(old.get("properties", {}), new.get("properties", {}), f"{path}.")
    return {**old, **new, **({"properties": properties} if properties else {})}
