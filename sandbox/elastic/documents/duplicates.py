"""Names that occur twice in one object: the service's parser refuses them, orjson takes the last one."""

from __future__ import annotations

import json
from typing import Any

import orjson

from sandbox.elastic.documents import errors as documents_errors


def refuse(text: bytes, document: dict[str, Any]) -> None:
    """Refuse a document whose text has a name twice in one object.

    Args:
        text: as it was written.
        document: what was read of it. If it is written with as many quotation marks, nothing was left out.

    Raises:
        Refusal: naming the first such name.
    """
    if text.count(b'"') != orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS).count(b'"'):
        json.loads(text, object_pairs_hook=_checked)


def _checked(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            problem = f"Duplicate field '{name}'"
            cause = documents_errors.DUPLICATE_FIELD.refusal(name=name)
            raise documents_errors.BULK_SOURCE.refusal(problem=problem, cause=cause)
        seen.add(name)
