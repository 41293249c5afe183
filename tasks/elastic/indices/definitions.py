"""Mapping and settings of a user's own, from JSON files as the API takes them, and what index templates add to them.

Checked before anything is created: what the load, or our mark, could not live with is refused in our words, the rest is for the
cluster to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tasks.calls import NotFound, ServiceRefused
from tasks.elastic.connection.clients import connect
from tasks.elastic.connection.errors import calling
from tasks.elastic.indices.pipelines import read_pipeline
from tasks.elastic.settings import ElasticSettings
from tasks.elastic.specs import IndexSpec
from tasks.errors import InvalidInput
from tasks.exact_json import NotExact, rounded
from tasks.lines import MOST_LINE_BYTES, reading
from tasks.progress import say
from tasks.steps import step

MAPPING, SETTINGS = "--mapping", "--settings"
_OURS = ("managed_by", "name", "spec", "content", "made_from", "previous", "rolled_back_from")
_FROM_A_CLUSTER = (
    "uuid",
    "creation_date",
    "provided_name",
    "version",
    "resize",
    "routing.allocation.initial_recovery",
)
"""Settings that a cluster shows but takes from nobody (IndexMetadata.java)."""
_BLOCKS = ("blocks.write", "blocks.read_only", "blocks.read_only_allow_delete", "blocks.metadata")
_SET_LAST = ("number_of_shards", "number_of_replicas", "refresh_interval", "default_pipeline")
"""What the load sets itself, so that it has a place of its own in the specification."""
NO_PIPELINE = "_none"


class Definition(BaseModel, frozen=True):
    """What somebody wants an index to be; None where nothing is said."""

    properties: dict[str, Any] = {}
    mapping: dict[str, Any] = {}
    """The mapping apart from its fields."""
    settings: dict[str, Any] = {}
    """Nested, without `index`, and without those below."""
    shards: int | None = None
    replicas: int | None = None
    expands: bool = False
    """Whether the cluster chooses the replicas (`auto_expand_replicas`)."""
    refresh_interval: str | None = None
    default_pipeline: str | None = None


def read_definition(mapping: Path | None, settings: Path | None) -> Definition:
    """The definition in two files, either of which may be missing.

    Args:
        mapping: `{"properties": {...}, ...}`, or that under `mappings`.
        settings: settings by name, nested or dotted, with or without `index`, or that under `settings`.

    Raises:
        InvalidInput: a file cannot be used; names the place in it.
    """
    root = _checked_mapping(_object(mapping, "mappings", MAPPING), mapping) if mapping else {}
    given = _checked_settings(_object(settings, "settings", SETTINGS), settings) if settings else {}
    return _of_settings(given, str(settings)).model_copy(
        update={
            "properties": root.get("properties", {}),
            "mapping": {name: value for name, value in root.items() if name != "properties"},
        }
    )


@step("read what index templates give {name}")
def read_defaults(settings: ElasticSettings, name: str) -> Definition:
    """The settings that a new index of this name gets from index templates. Their fields are the cluster's to add.

    Where the templates may not be read, nothing is known of them, and that is said.
    """
    try:
        with calling(f"read the index templates for {name}"):
            found = connect(settings).indices.simulate_index_template(name=name)
    except NotFound:
        return Definition()
    except ServiceRefused as error:
        if error.status != 403:
            raise
        say(
            "Index templates may not be read (privilege manage_index_templates): shards, replicas, refresh interval and default "
            "pipeline are those of the options, whatever a template says."
        )
        return Definition()
    return _of_settings(dict(_flat((found.body.get("template") or {}).get("settings") or {})), "")


def completed(
    spec: IndexSpec, own: Definition, templates: Definition, *, shards: int | None, replicas: int | None
) -> IndexSpec:
    """A specification with a definition of the user's own: options come first, then the files, then index templates.

    Args:
        spec: with the fields and the default pipeline that the options ask for.
        own: from the files.
        templates: what index templates say.
        shards: as the option says; None if it is not given.
        replicas: the same.

    Raises:
        InvalidInput: an option and a file say different things.
    """
    _refuse_both("shards", shards, own.shards)
    _refuse_both("replicas", replicas, own.replicas)
    for field in sorted(spec.properties.keys() & own.properties.keys()):
        raise InvalidInput(
            "This field is mapped by the file", value=field, source="--text-fields",
            remedy=f"Leave it out: {MAPPING} says how it is searched.",
        )  # fmt: skip
    pipeline = own.default_pipeline or templates.default_pipeline
    if spec.default_pipeline and pipeline:
        raise InvalidInput(
            "The index has a default pipeline already", value=pipeline, source=f"{SETTINGS} or an index template",
            remedy="Leave out --lowercase-field, and convert the field in that pipeline.",
        )  # fmt: skip
    expands = replicas is None and (own.expands or (own.replicas is None and templates.expands))
    return spec.model_copy(
        update={
            "properties": {**spec.properties, **own.properties},
            "mapping": own.mapping,
            "settings": own.settings,
            "shards": shards or own.shards or templates.shards or 1,
            "replicas": None if expands else _first(replicas, own.replicas, templates.replicas, 1),
            "refresh_interval": own.refresh_interval or templates.refresh_interval,
            "default_pipeline": spec.default_pipeline or pipeline,
        }
    )


@step("check the default pipeline of the settings")
def verify_default_pipeline(settings: ElasticSettings, definition: Definition) -> None:
    """Check that the pipeline of a file's settings exists: without it every document would be refused.

    Raises:
        InvalidInput: it does not.
    """
    pipeline = definition.default_pipeline
    if pipeline and pipeline != NO_PIPELINE and read_pipeline.fn(settings, pipeline) is None:
        raise InvalidInput(
            "There is no such ingest pipeline",
            value=pipeline,
            source=f"{SETTINGS}: index.default_pipeline",
            remedy="Create it first, or leave the setting out.",
        )


def _object(path: Path, wrapper: str, option: str) -> dict[str, Any]:
    """The JSON object in a file, out of its wrapper."""
    source = f"{option} {path}"
    with reading(path, source=option) as file:
        text = file.read(MOST_LINE_BYTES + 1)
    if len(text) > MOST_LINE_BYTES:
        raise InvalidInput(
            "This file is too large for a definition", value=f"{len(text):,} bytes", source=source
        )
    try:
        found = rounded(text.removeprefix(b"\xef\xbb\xbf"))
    except NotExact as error:
        raise InvalidInput(f"This file cannot be read as JSON: {error}", source=source) from error
    if isinstance(found, dict) and wrapper in found:
        if others := sorted(found.keys() - {wrapper}):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            raise InvalidInput(
                f"Beside {wrapper!r} there is more in this file", value=", ".join(others), source=source,  # pyright: ignore[reportUnknownArgumentType]
                remedy=f"Give mappings with {MAPPING} and settings with {SETTINGS}, each in a file of its own; an alias is "
                "made by `elastic embed`.",
            )  # fmt: skip
        found = found[wrapper]
    if not isinstance(found, dict):
        raise InvalidInput(
            "This file holds no JSON object", source=source, accepted=f'{{"{wrapper}": {{...}}}}'
        )
    return found  # pyright: ignore[reportUnknownVariableType]


def _checked_mapping(root: dict[str, Any], path: Path | None) -> dict[str, Any]:
    source = f"{MAPPING} {path}"
    inner = [
        name
        for name, value in root.items()
        if isinstance(value, dict) and ("properties" in value or "mappings" in value)
    ]
    if "properties" not in root and inner:
        raise InvalidInput(
            "The mapping is one level too deep", value=inner[0], source=source, accepted='{"properties": {FIELD: {"type": ...}}}',
            remedy=f"Give what is under {inner[0]!r}: an answer of GET has the index's name around it, and a mapping before version "
            "7 the document type's.",
        )  # fmt: skip
    for path_, field in _fields(root.get("properties", {}), source):
        if not isinstance(field, dict) or not ("type" in field or "properties" in field):
            raise InvalidInput(
                "This field has neither a type nor properties", value=path_, source=source, accepted='{"type": "keyword"}'
            )  # fmt: skip
    meta, own, routing = (_part(root, name, source) for name in ("_meta", "_source", "_routing"))
    if taken := [name for name in _OURS if name in meta]:
        raise InvalidInput(
            "This name in _meta is one that our own mark has", value=taken[0], source=source, remedy="Give it another name."
        )  # fmt: skip
    if _text(own.get("enabled")) == "false" or own.get("mode") == "disabled":
        raise InvalidInput(
            "Without _source documents cannot be embedded: a reindex reads them from it",
            value="_source disabled", source=source, remedy="Leave _source out.",
        )  # fmt: skip
    if _text(routing.get("required", False)) != "false":
        raise InvalidInput(
            "The load sends documents without a routing value", value="_routing.required", source=source,
            remedy="Leave it out.",
        )  # fmt: skip
    return root


def _part(root: Mapping[str, Any], name: str, source: str) -> dict[str, Any]:
    """A part of a mapping that is an object; empty if it is missing."""
    found: Any = root.get(name)
    if found is not None and not isinstance(found, dict):
        raise InvalidInput(f"{name} is no JSON object", value=found, source=source)
    return found or {}


def _fields(properties: Any, source: str, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(properties, dict):
        raise InvalidInput(
            "properties must be an object of fields", value=prefix.rstrip(".") or "properties", source=source
        )
    for name, field in properties.items():  # pyright: ignore[reportUnknownVariableType]
        yield f"{prefix}{name}", field
        if isinstance(field, dict) and "properties" in field:
            yield from _fields(field["properties"], source, f"{prefix}{name}.")


def _checked_settings(found: dict[str, Any], path: Path | None) -> dict[str, str | list[str]]:
    source = f"{SETTINGS} {path}"
    if any(isinstance(value, dict) and "settings" in value for value in found.values()):
        raise InvalidInput(
            "The settings are one level too deep", value=next(iter(found)), source=source,
            remedy="Give what is under the index's name: an answer of GET has it around the settings.",
        )  # fmt: skip
    given = _once(found, source)
    if shown := [
        name for name in given if f"{name}.".startswith(tuple(f"{each}." for each in _FROM_A_CLUSTER))
    ]:
        raise InvalidInput(
            "These settings are shown by a cluster, but taken from nobody", value=", ".join(shown), source=source,
            remedy="Leave them out.",
        )  # fmt: skip
    for name in _BLOCKS:
        if given.get(name) == "true":
            raise InvalidInput(
                "Nothing could be loaded into an index with this block", value=name, source=source
            )
    if given.get("mapping.source.mode") == "disabled":
        raise InvalidInput(
            "Without _source documents cannot be embedded: a reindex reads them from it",
            value="mapping.source.mode", source=source,
        )  # fmt: skip
    for name, least in (("number_of_shards", 1), ("number_of_replicas", 0)):
        value = given.get(name, str(least))
        if not (isinstance(value, str) and value.isdecimal() and value.isascii() and int(value) >= least):
            raise InvalidInput(f"{name} is not a number of at least {least}", value=value, source=source)
    return given


def _once(found: Mapping[str, Any], source: str) -> dict[str, str | list[str]]:
    """Settings by their full names, each given once; those that the load sets itself have one value."""
    given: dict[str, str | list[str]] = {}
    for name, value in _flat(found):
        if given.setdefault(name, value) != value:
            raise InvalidInput(
                "This setting is given twice", value=f"{given[name]} and {value}", source=f"{source}: {name}"
            )
    for name in _SET_LAST:
        if isinstance(value := given.get(name, ""), list):
            raise InvalidInput(f"{name} is a list", value=value, source=source, accepted="one value")
    return given


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Settings by their full names without `index.`, with values as a cluster shows them: strings, or lists of strings."""
    for name, value in settings.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            yield from _flat(value, f"{path}.")  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(value, list):
            yield path.removeprefix("index."), [_text(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
        elif value is not None:
            yield path.removeprefix("index."), _text(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _of_settings(given: dict[str, Any], source: str) -> Definition:
    nested: dict[str, Any] = {}
    for name, value in given.items():
        if name in _SET_LAST:
            continue
        *parents, last = name.split(".")
        place = nested
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise _both_ways(name, source)
        if isinstance(place.get(last), dict):
            raise _both_ways(name, source)
        place[last] = value
    expands = given.get("auto_expand_replicas", "false") != "false"
    shards, replicas = given.get("number_of_shards"), given.get("number_of_replicas")
    return Definition(
        settings=nested,
        shards=int(shards) if shards else None,
        replicas=int(replicas) if replicas and not expands else None,
        expands=expands,
        refresh_interval=given.get("refresh_interval"),
        default_pipeline=given.get("default_pipeline"),
    )


def _both_ways(name: str, source: str) -> InvalidInput:
    return InvalidInput("This setting is given both as a value and as a group", value=name, source=source)


def _refuse_both(name: str, option: int | None, file: int | None) -> None:
    if option is not None and file is not None and option != file:
        raise InvalidInput(
            f"The option and the file of settings say different numbers of {name}", value=f"{option} and {file}",
            source=f"--{name}, {SETTINGS}", remedy="Leave one of them out.",
        )  # fmt: skip


def _first(*numbers: int | None) -> int:
    return next(number for number in numbers if number is not None)
