"""Documents parsed against a mapping: the values that each field indexes, and new fields.

Pure functions; an invalid document is refused before anything is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.documents import dates
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.embeddings import INFERENCE_FIELDS, Rows, vector
from sandbox.elastic.documents.field_values import Terms, flat, joined, reader, token_of
from sandbox.elastic.documents.nested import NestedObject
from sandbox.elastic.documents.semantic_values import embedded, in_object, problem_of
from sandbox.elastic.documents.source_values import at
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import dynamic_templates, vector_options
from sandbox.elastic.indices.mappings import is_nested, is_object, is_searchable
from sandbox.elastic.versions import Release

_LEAST_WEIGHT = 1.17549435e-38
_MOST_WEIGHT = 3.4028235e38


METADATA = frozenset(
    f"_{name}"
    for name in (
        *("data_stream_timestamp", "field_names", "id", "ignored", "index", "nested_path"),
        *("routing", "seq_no", "source", "tier", "version"),
    )
)
"""Names that no document may use for a field of its own. From the list of IndicesModule.java."""


Value = Terms | Rows | list[str] | list[int] | list[float] | dict[str, float]
"""Terms of a text; embeddings of a dense_vector or semantic_text; strings of a keyword or boolean; numbers, including
dates; weights of a sparse vector."""


@dataclass
class Parsed:
    """A parsed document."""

    values: dict[str, Value] = field(default_factory=dict)
    """By field path; fields without a value are left out."""
    added: dict[str, Any] = field(default_factory=dict)
    """Properties to add to the mapping, as a mapping writes them."""


def parse(
    source: Mapping[str, Any],
    mapping: Mapping[str, Any],
    id_: str,
    release: Release,
    *,
    lenient: bool = False,
) -> Parsed:
    """Parse a document. `lenient` is for one that was accepted earlier: what no longer fits the mapping is skipped.

    Raises:
        Refusal: a value does not fit its field, or a strict mapping does not have its field; never if lenient.
    """
    walk = _Walk(id_, release, mapping, lenient)
    if not lenient:
        _refuse_metadata(source, id_)
    own = {name: value for name, value in source.items() if name != INFERENCE_FIELDS}
    walk.object(own, mapping.get("properties", {}), "", mapping.get("dynamic", "true"), walk.parsed.added)
    walk.copies(source, mapping)
    walk.semantic(source, mapping)
    return walk.parsed


class _Walk:
    def __init__(self, id_: str, release: Release, mapping: Mapping[str, Any], lenient: bool) -> None:
        self.parsed = Parsed()
        self._lenient = lenient
        self._id = id_
        self._release = release
        self._detect_dates = mapping.get("date_detection", True)
        self._templates: list[dict[str, Any]] = mapping.get("dynamic_templates", [])
        self._copied: dict[str, list[Any]] = {}
        self._objects_of_texts: dict[str, Mapping[str, Any]] = {}
        """The values of semantic_text fields in the legacy format."""

    def copies(self, source: Mapping[str, Any], mapping: Mapping[str, Any]) -> None:
        """The fields that others are copied to, with their own values and the copies; copies are not copied on."""
        copied, self._copied = self._copied, {}
        for path, values in copied.items():
            together = [*at(source, path.split(".")), *values]
            known, dynamic = mapping.get("properties", {}), mapping.get("dynamic", "true")
            self.object({path: together}, known, "", dynamic, self.parsed.added)

    def semantic(self, source: Mapping[str, Any], mapping: Mapping[str, Any]) -> None:
        """The embeddings of semantic_text fields; the settings of their model are added to the mapping."""
        objects = ((path, *in_object(each)) for path, each in self._objects_of_texts.items())
        for path, rows, settings in (*embedded(source), *objects):
            if not rows.rows:
                continue
            *parents, name = path.split(".")
            known, added = mapping.get("properties", {}), self.parsed.added
            for parent in parents:
                known = known.get(parent, {}).get("properties", {})
            definition = known.get(name, {})
            if definition.get("type") != "semantic_text":
                continue
            there = definition.get("model_settings")
            if there is not None and not _is_same_model(there, settings) and not self._lenient:
                raise documents_errors.OTHER_MODEL.refusal(path=path)
            self.parsed.values[path] = rows
            if there is None:
                for parent in parents:
                    added = added.setdefault(parent, {}).setdefault("properties", {})
                added[name] = {**definition, "model_settings": settings}

    def object(
        self,
        found: Mapping[str, Any],
        known: Mapping[str, Any],
        prefix: str,
        dynamic: Any,
        added: dict[str, Any],
    ) -> None:
        for name, value in found.items():
            try:
                _check_name(name, prefix)
                first, dot, rest = name.partition(".")
                self._property(first, {rest: value} if dot else value, known, prefix, dynamic, added)
            except Refusal:
                if not self._lenient:
                    raise

    def _property(
        self,
        name: str,
        value: Any,
        known: Mapping[str, Any],
        prefix: str,
        dynamic: Any,
        added: dict[str, Any],
    ) -> None:
        definition = known[name] if name in known else added.get(name)
        path = prefix + name
        if definition is None:
            definition = self._new(name, value, prefix, str(dynamic).lower())
            if definition is None:
                return
            added[name] = definition
        if not definition or is_object(definition) or is_nested(definition):
            self._objects(name, value, definition, path, dynamic, added, name in known)
            return
        if definition["type"] == "dense_vector" and "dims" not in definition and isinstance(value, list):
            if problem := vector_options.dimension_problem(definition.get("index_options"), len(value)):
                raise documents_errors.BULK_SOURCE.refusal(problem=problem)
            sized: dict[str, Any] = {**definition, "dims": len(value)}  # as long as the first vector
            self._value(path, sized, value)
            added[name] = sized
        else:
            self._value(path, definition, value)
        for target in definition.get("copy_to", ()):
            self._copied.setdefault(target, []).extend(each for each in flat(value) if each is not None)
        for below, multi in definition.get("fields", {}).items():
            self._value(f"{path}.{below}", multi, value)

    def _objects(
        self,
        name: str,
        value: Any,
        definition: Mapping[str, Any],
        path: str,
        dynamic: Any,
        added: dict[str, Any],
        is_known: bool,
    ) -> None:
        if definition.get("enabled") is False:
            return
        outer, objects = self.parsed.values, list[NestedObject]()
        new = added.get(name, {}).get("properties", {})
        for each in flat(value):
            if each is None:
                continue
            if not isinstance(each, dict):
                raise documents_errors.NOT_AN_OBJECT.refusal(path=path, name=path.rpartition(".")[2])
            properties = definition.get("properties", {}) if is_known else {}
            if definition.get("type") == "nested":
                self.parsed.values = {}
                objects.append(NestedObject(len(objects), self.parsed.values))
            self.object(each, properties, f"{path}.", definition.get("dynamic", dynamic), new)
        self.parsed.values = outer
        if objects:
            outer[path] = Rows(objects)
        if new:
            added[name] = {**added.get(name, {}), "properties": new}

    def _new(self, name: str, value: Any, prefix: str, dynamic: str) -> dict[str, Any] | None:
        """How a new field is mapped; None if it is not."""
        first = next((each for each in flat(value) if each is not None), None)
        if self._lenient or (first is None and not isinstance(value, dict)):
            return None
        if dynamic == "strict":
            raise documents_errors.STRICT.refusal(name=name, parent=prefix.rstrip(".") or "_doc")
        if dynamic in ("false", "runtime"):
            return None
        if _is_vector(value):
            return {"type": "dense_vector", "dims": len(value)}
        kind = self._kind(value if isinstance(value, dict) else first)
        chosen = dynamic_templates.mapping_for(self._templates, prefix + name, kind)
        if chosen is not None:
            return {"properties": {}, **chosen} if chosen["type"] == "object" else chosen
        if kind == "object":
            return {"type": "object"} if not value else {"properties": {}}
        if kind == "string":
            return {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 256}}}
        return {"type": "float" if kind == "double" else kind}

    def _kind(self, value: Any) -> str:
        """What a value is to dynamic mapping, as `match_mapping_type` names it."""
        if isinstance(value, dict):
            return "object"
        for of_json, kind in ((bool, "boolean"), (int, "long"), (float, "double")):
            if isinstance(value, of_json):
                return kind
        return "date" if self._detect_dates and dates.looks_like_date(str(value)) else "string"

    def _value(self, path: str, definition: Mapping[str, Any], value: Any) -> None:
        kind = definition["type"]
        if kind in ("sparse_vector", "rank_features"):
            self._weights(path, value)
        elif kind == "semantic_text":
            if isinstance(value, dict):
                self._object_of_text(path, definition, value)
        else:
            self._leaf(path, definition, value)

    def _leaf(self, path: str, definition: Mapping[str, Any], value: Any) -> None:
        kind = definition["type"]
        if kind == "dense_vector" and value is not None:
            self.parsed.values[path] = vector(path, definition, value, self._id)
        if not is_searchable(kind, definition) or kind == "dense_vector":
            return
        values = list(flat(value)) if isinstance(value, list) else [value]
        if None in values:
            null = definition.get("null_value")
            values = [null if each is None else each for each in values]
            values = [each for each in values if each is not None]
        if not values:
            return
        read = reader(kind)
        found = []
        for each in values:
            try:
                found.append(read(each, definition))
            except (ValueError, OverflowError) as error:
                if self._lenient or definition.get("ignore_malformed"):
                    continue
                raise self._bad(path, kind, each, str(error)) from error
        kept = joined(kind, found, definition)
        if kept is not None:
            self.parsed.values[path] = kept

    def _object_of_text(self, path: str, definition: Mapping[str, Any], value: dict[str, Any]) -> None:
        if problem := problem_of(value):
            raise self._bad(path, "semantic_text", value, problem)
        given = value["inference"]["inference_id"]
        if given != definition["inference_id"]:
            raise documents_errors.OTHER_ENDPOINT.refusal(
                field=path, given=given, there=definition["inference_id"]
            )
        self._objects_of_texts[path] = value

    def _weights(self, path: str, value: Any) -> None:
        if value is None or value == []:
            return
        if isinstance(value, dict) and self._plain(value):
            self.parsed.values[path] = value
            return
        weights: dict[str, float] = {}
        for each in flat(value):
            if each is None:
                continue
            if not isinstance(each, dict):
                raise documents_errors.SPARSE_NOT_AN_OBJECT.refusal(token=token_of(each))
            for feature, weight in each.items():
                if weight is None:
                    continue
                self._check_weight(path, feature, weight)
                if feature in weights and not self._release.multi_valued_sparse_vectors:
                    raise documents_errors.SPARSE_SEVERAL.refusal(feature=feature)
                weights[feature] = max(weights.get(feature, 0.0), float(weight))
        self.parsed.values[path] = weights

    def _plain(self, weights: dict[str, Any]) -> bool:
        """Whether every weight is valid as it stands: the fast path for what a model produces."""
        return all(
            type(weight) is float and _LEAST_WEIGHT <= weight <= _MOST_WEIGHT for weight in weights.values()
        ) and (self._release.sparse_vector_dots or not any("." in feature for feature in weights))

    def _check_weight(self, path: str, feature: str, weight: Any) -> None:
        if isinstance(weight, str):
            try:
                weight = float(weight)
            except ValueError:
                raise documents_errors.SPARSE_TOKEN.refusal(token="VALUE_STRING") from None  # noqa: S106 - a JSON token
        if isinstance(weight, bool | dict | list):
            raise documents_errors.SPARSE_TOKEN.refusal(token=token_of(weight))
        if "." in feature and not self._release.sparse_vector_dots:
            raise documents_errors.SPARSE_DOTS.refusal(feature=feature)
        if not _LEAST_WEIGHT <= weight <= _MOST_WEIGHT:
            raise documents_errors.SPARSE_WEIGHT.refusal(value=float(weight), feature=feature, path=path)

    def _bad(self, path: str, kind: str, value: Any, why: str) -> Refusal:
        cause = errors.ILLEGAL_ARGUMENT.refusal(problem=why)
        return documents_errors.BAD_VALUE.refusal(path=path, kind=kind, id=self._id, value=value, cause=cause)


def _is_same_model(one: Mapping[str, Any], other: Mapping[str, Any] | None) -> bool:
    """Whether embeddings of two models fit each other, whichever service has them; releases before 8.18 do not say which."""
    names = ("task_type", "dimensions", "similarity", "element_type")
    return all(one.get(name) == (other or {}).get(name) for name in names)


def _check_name(name: str, prefix: str) -> None:
    parts, problem = name.split("."), ""
    if name.isspace():
        raise documents_errors.BLANK_NAME.refusal(path=prefix + name)
    if not name:
        problem = "field name cannot be an empty string"
    elif not any(parts):
        problem = "field name cannot contain only dots"
    elif not all(parts):
        problem = f"field name cannot contain only whitespace: ['{name}']"
    elif any(part.isspace() for part in parts):
        problem = f"field name starting or ending with a [.] makes object resolution ambiguous: [{name}]"
    if problem:
        cause = documents_errors.FIELD_NAME.refusal(problem=problem)
        raise documents_errors.BULK_SOURCE.refusal(problem=problem, cause=cause)


def _refuse_metadata(source: Mapping[str, Any], id_: str) -> None:
    for name in METADATA.intersection(source):
        cause = documents_errors.METADATA_FIELD.refusal(name=name)
        value = source[name]
        raise documents_errors.BAD_VALUE.refusal(path=name, kind=name, id=id_, value=value, cause=cause)


def _is_vector(value: Any) -> bool:
    """Whether dynamic mapping takes a list of floats for a vector (DocumentParser.java: 128 to 4096 of them)."""
    return (
        isinstance(value, list) and 128 <= len(value) <= 4096 and all(type(each) is float for each in value)
    )
