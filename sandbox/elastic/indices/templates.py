"""Index templates and the component templates that they are made of: what a new index gets by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices import dynamic_templates, mappings
from sandbox.elastic.indices import errors as indices_errors
from sandbox.elastic.indices import settings as settings_of_indices
from sandbox.elastic.store import Records, Store

_COMPONENT = ("template", "version", "_meta", "deprecated")
_COMPOSABLE = (
    *("index_patterns", "template", "composed_of", "priority", "version", "_meta", "data_stream"),
    *("allow_auto_create", "ignore_missing_component_templates", "deprecated"),
)
_PARTS = ("settings", "mappings", "aliases")


@dataclass(frozen=True)
class Resolved:
    """What an index gets from templates."""

    settings: dict[str, str | None]
    """Flat, without `index.`."""
    mapping: dict[str, Any]
    aliases: dict[str, Any]
    template: str = ""
    """The name of the index template; empty if none matches."""
    is_data_stream: bool = False
    meta: dict[str, Any] | None = None

    def body(self) -> dict[str, Any]:
        """As `_simulate` shows it."""
        given = {name: value for name, value in self.settings.items() if value is not None}
        return {
            "settings": settings_of_indices.nested(given) if given else {},
            "mappings": self.mapping,
            "aliases": self.aliases,
        }


NOTHING = Resolved({}, {}, {})


class Templates:
    """All templates of both kinds."""

    def __init__(self, store: Store) -> None:
        self.components = Named(store.records("component_templates"), "component template")
        self.composables = Named(store.records("index_templates"), "index template")

    def put_component(self, name: str, body: Mapping[str, Any]) -> None:
        """Store a component template.

        Raises:
            Refusal: it is invalid.
        """
        for field in body:
            if field not in _COMPONENT:
                raise errors.UNKNOWN_FIELD.refusal(parser="component_template", field=field)
        if "template" not in body:
            raise errors.ILLEGAL_ARGUMENT.refusal(problem="Required [template]")
        _check_parts(body["template"])
        self.components.put(name, dict(body))

    def put(self, name: str, body: dict[str, Any]) -> None:
        """Store an index template.

        Raises:
            Refusal: it is invalid, names a component that does not exist, or collides with another one.
        """
        whole = self.checked(name, body)
        for other, there in self.composables.all().items():
            if other == name or there.get("priority", 0) != whole.get("priority", 0):
                continue
            if any(_overlap(a, b) for a in whole["index_patterns"] for b in there["index_patterns"]):
                raise indices_errors.TEMPLATE_COLLIDES.refusal(
                    name=name, patterns=", ".join(whole["index_patterns"]), other=other,
                    others=", ".join(there["index_patterns"]), priority=whole.get("priority", 0),
                )  # fmt: skip
        self.composables.put(name, whole)

    def checked(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        """A valid index template as it is stored.

        Raises:
            Refusal: it is invalid, or names a component that does not exist.
        """
        for field in body:
            if field not in _COMPOSABLE:
                raise errors.UNKNOWN_FIELD.refusal(parser="index_template", field=field)
        patterns = body.get("index_patterns") or []
        patterns = [patterns] if isinstance(patterns, str) else patterns
        if not patterns:
            raise errors.VALIDATION.refusal(problems="1: index patterns are missing;")
        _check_lists(body | {"index_patterns": patterns})
        _check_parts(body.get("template") or {})
        known, optional = self.components.all(), body.get("ignore_missing_component_templates") or []
        missing = [
            each for each in body.get("composed_of") or [] if each not in known and each not in optional
        ]
        if missing:
            raise indices_errors.TEMPLATE_INVALID.refusal(
                name=name,
                problem=f"index template [{name}] specifies component templates [{', '.join(missing)}] that do not exist",
            )
        return {"composed_of": [], **body, "index_patterns": patterns}

    def delete_components(self, expression: str) -> None:
        """Delete component templates.

        Raises:
            Refusal: there is none, or an index template is made of one.
        """
        names = self.components.matching(expression)
        users = [
            name
            for name, body in self.composables.all().items()
            if set(names) & set(body.get("composed_of") or [])
        ]
        if users:
            raise indices_errors.COMPONENT_IN_USE.refusal(names=", ".join(names), users=", ".join(users))
        self.components.delete(names)

    def for_index(self, name: str) -> Resolved:
        """What an index of this name gets: from the matching template with the highest priority."""
        matching = [
            (body.get("priority", 0), template, body)
            for template, body in self.composables.all().items()
            if any(fnmatchcase(name, pattern) for pattern in body["index_patterns"])
        ]
        if not matching:
            return NOTHING
        _, template, body = max(matching, key=lambda each: each[0])
        return self.resolved(template, body)

    def resolved(self, name: str, body: Mapping[str, Any]) -> Resolved:
        """What an index template gives: its components in their order, then its own parts."""
        components = self.components.all()
        parts = [components[each]["template"] for each in body.get("composed_of") or [] if each in components]
        settings: dict[str, str | None] = {}
        mapping: dict[str, Any] = {}
        aliases: dict[str, Any] = {}
        for part in (*parts, body.get("template") or {}):
            settings |= settings_of_indices.flat(part.get("settings") or {})
            mapping = over(mapping, mappings.checked(part.get("mappings") or {}))
            aliases |= part.get("aliases") or {}
        return Resolved(settings, mapping, aliases, name, "data_stream" in body, body.get("_meta"))


class Named:
    """Templates of one kind by name."""

    def __init__(self, records: Records, kind: str) -> None:
        self._records, self._kind = records, kind
        self._all: dict[str, Any] = records.all()

    def all(self) -> dict[str, Any]:
        """All of them."""
        return dict(self._all)

    def put(self, name: str, body: dict[str, Any]) -> None:
        """Insert or replace one."""
        self._records.put(name, body)
        self._all = {**self._all, name: body}

    def delete(self, names: list[str]) -> None:
        """Delete some."""
        for name in names:
            self._records.delete(name)
        self._all = {name: body for name, body in self._all.items() if name not in names}

    def matching(self, expression: str) -> list[str]:
        """The names that a list with wildcards matches.

        Raises:
            Refusal: a plain name, or nothing, is there.
        """
        found = [
            name for name in sorted(self._all)
            if any(fnmatchcase(name, pattern) for pattern in expression.split(","))
        ]  # fmt: skip
        missing = [name for name in expression.split(",") if "*" not in name and name not in self._all]
        if missing:
            raise self.absent(missing[0])
        return found

    def absent(self, name: str) -> Refusal:
        """The refusal for a name that does not exist."""
        return indices_errors.NO_TEMPLATE.refusal(kind=self._kind, name=name)


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping laid over another one: unlike a change in place, what is above replaces a field whole."""
    result = {**below, **above}
    for part in ("properties", "_meta"):
        if part in below and part in above:
            result[part] = _laid_over(below[part], above[part])
    if "dynamic_templates" in below and "dynamic_templates" in above:
        result["dynamic_templates"] = dynamic_templates.merged(
            below["dynamic_templates"], above["dynamic_templates"]
        )
    return result


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(below)
    for name, value in above.items():
        there: Any = below.get(name)
        if _is_group(there) and _is_group(value):
            properties = _laid_over(there["properties"], value["properties"])
            result[name] = {**there, **value, "properties": properties}
        else:
            result[name] = value
    return result


def _is_group(value: Any) -> bool:
    return isinstance(value, Mapping) and "properties" in value


def _check_lists(body: Mapping[str, Any]) -> None:
    for field in ("index_patterns", "composed_of", "ignore_missing_component_templates"):
        given = body.get(field) or []
        if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
            raise _unparsed(field)
    if not isinstance(body.get("priority", 0), int):
        raise _unparsed("priority")


def _unparsed(field: str) -> Refusal:
    return errors.ILLEGAL_ARGUMENT.refusal(problem=f"[index_template] failed to parse field [{field}]")


def _check_parts(part: Any) -> None:
    if not isinstance(part, Mapping):
        raise _unparsed("template")
    for field, value in part.items():
        if field not in _PARTS:
            raise errors.UNKNOWN_FIELD.refusal(parser="template", field=field)
        if value is not None and not isinstance(value, Mapping):
            raise _unparsed(field)
    for alias, definition in (part.get("aliases") or {}).items():
        if not isinstance(definition, Mapping):
            raise _unparsed(f"aliases.{alias}")
    settings_of_indices.check(settings_of_indices.flat(part.get("settings") or {}))
    mappings.checked(part.get("mappings") or {})


def _overlap(one: str, other: str) -> bool:
    """Whether a name could match both patterns."""
    if "*" not in one:
        return fnmatchcase(one, other)
    if "*" not in other:
        return fnmatchcase(other, one)
    head, first = one.split("*", maxsplit=1)[0], other.split("*", maxsplit=1)[0]
    tail, last = one.rsplit("*", maxsplit=1)[-1], other.rsplit("*", maxsplit=1)[-1]
    heads = head.startswith(first) or first.startswith(head)
    return heads and (tail.endswith(last) or last.endswith(tail))
