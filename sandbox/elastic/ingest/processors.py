"""The processors that change one document at a time. The others handle a whole bulk: inference_processor.py, execution.py.

Each function reads its settings and returns a function that changes a document.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from sandbox.elastic.ingest import errors as ingest_errors
from sandbox.elastic.ingest.field_paths import IngestDocument, java_type
from sandbox.elastic.ingest.processor_config import ProcessorConfig

Change = Callable[[IngestDocument], None]
"""Changes a document, or raises Refusal."""


def on_strings(convert: Callable[[str], str]) -> Callable[[ProcessorConfig], Change]:
    """A processor that converts a string, or every string of a list, in place or into `target_field`."""

    def read(config: ProcessorConfig) -> Change:
        field = config.text("field")
        target, ignore = config.text("target_field", field), config.flag("ignore_missing")

        def change(document: IngestDocument) -> None:
            if ignore and document.get(field, None) is None:
                return
            value = document.get(field)
            if value is None:
                raise ingest_errors.FIELD_NULL.refusal(path=field)
            document.set(
                target, [_converted(each) for each in value] if isinstance(value, list) else _converted(value)
            )

        def _converted(value: Any) -> str:
            if not isinstance(value, str):
                raise ingest_errors.FIELD_NOT_STRING.refusal(path=field, type=java_type(value))
            return convert(value)

        return change

    return read


def set_field(config: ProcessorConfig) -> Change:
    """`set`: a value, a template or a copy of another field."""
    field, override = config.text("field"), config.flag("override", True)
    config.text("media_type", None)
    ignore_empty, copied = config.flag("ignore_empty_value"), config.text("copy_from", None)
    value = config.value("value") if copied is None else None

    def change(document: IngestDocument) -> None:
        target = document.rendered(field)
        if not override and document.get(target, None) is not None:
            return
        found = copy.deepcopy(document.get(copied, None) if copied else document.rendered(value))
        if ignore_empty and found in (None, ""):
            return
        document.set(target, found)

    return change


def remove(config: ProcessorConfig) -> Change:
    """`remove`: removes fields, or with `keep` all others."""
    keep = config.texts("keep", []) if config.has("keep") else None
    fields = [] if keep is not None else config.texts("field")
    ignore = config.flag("ignore_missing")

    def change(document: IngestDocument) -> None:
        if keep is not None:
            for name in set(document.source) - {path.split(".")[0] for path in keep}:
                del document.source[name]
        for template in fields:
            path = document.rendered(template)
            if not ignore or document.has(path):
                document.remove(path)

    return change


def rename(config: ProcessorConfig) -> Change:
    """`rename`: renames a field; the new name must not exist."""
    field, target = config.text("field"), config.text("target_field")
    ignore, override = config.flag("ignore_missing"), config.flag("override")

    def change(document: IngestDocument) -> None:
        path, new = document.rendered(field), document.rendered(target)
        if not document.has(path):
            if ignore:
                return
            raise ingest_errors.RENAME_MISSING.refusal(path=path)
        if document.has(new) and not override:
            raise ingest_errors.RENAME_EXISTS.refusal(path=new)
        document.set(new, document.remove(path))

    return change


def append(config: ProcessorConfig) -> Change:
    """`append`: appends values to a list, which is created if necessary."""
    field, value = config.text("field"), config.value("value")
    config.text("media_type", None)
    duplicates = config.flag("allow_duplicates", True)

    def change(document: IngestDocument) -> None:
        target = document.rendered(field)
        there = document.get(target, None)
        found = list(there) if isinstance(there, list) else [] if there is None else [there]
        for each in value if isinstance(value, list) else [value]:
            rendered = document.rendered(each)
            if duplicates or rendered not in found:
                found.append(rendered)
        document.set(target, found)

    return change


def fail(config: ProcessorConfig) -> Change:
    """`fail`: always fails."""
    message = config.text("message")

    def change(document: IngestDocument) -> None:
        raise ingest_errors.FAIL_PROCESSOR.refusal(message=document.rendered(message))

    return change


def drop(config: ProcessorConfig) -> Change:
    """`drop`: the document is not written."""
    del config

    def change(document: IngestDocument) -> None:
        document.dropped = True

    return change


CHANGES: dict[str, Callable[[ProcessorConfig], Change]] = {
    "append": append,
    "drop": drop,
    "fail": fail,
    "lowercase": on_strings(str.lower),
    "remove": remove,
    "rename": rename,
    "set": set_field,
    "trim": on_strings(str.strip),
    "uppercase": on_strings(str.upper),
}
"""By name in a pipeline."""
