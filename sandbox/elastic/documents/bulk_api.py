"""`_bulk`: many writes in one request, each with its own outcome."""

from __future__ import annotations

import time
from typing import Any

import orjson

from sandbox.elastic import errors
from sandbox.elastic.documents import date_names
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.operations import MOST_ID_BYTES, Operation, Outcome
from sandbox.elastic.documents.refreshing import RefreshingWriter
from sandbox.elastic.errors import Refusal
from sandbox.elastic.wire.exchange import Request
from sandbox.elastic.wire.routing import Route
from sandbox.elastic.wire.tokens import token

_ACTIONS = ("create", "delete", "index", "update")
_PARAMETERS = {
    "_index",
    "_id",
    "routing",
    "_routing",
    "pipeline",
    "if_seq_no",
    "if_primary_term",
    "version",
} | {"version_type", "require_alias", "retry_on_conflict", "dynamic_templates", "op_type"}


class BulkApi:
    """Bulk requests."""

    def __init__(self, writer: RefreshingWriter) -> None:
        self._writer = writer

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("bulk", "PUT POST", "/_bulk", self.bulk, changes=True),
            Route("bulk", "PUT POST", "/{index}/_bulk", self.bulk, changes=True),
        )

    def bulk(self, request: Request) -> dict[str, Any]:
        """`PUT /_bulk`."""
        started = time.monotonic()
        read = _operations(request)
        unreadable = {place: each for place, each in enumerate(read) if isinstance(each, Outcome)}
        found, _ = self._writer.write(request, [each for each in read if isinstance(each, Operation)])
        rest = iter(found)
        outcomes = [unreadable[place] if place in unreadable else next(rest) for place in range(len(read))]
        request.resource = ",".join(sorted({outcome.index for outcome in outcomes}))
        request.changed = any(outcome.result in ("created", "updated", "deleted") for outcome in outcomes)
        times = [outcome.ingest_seconds for outcome in outcomes if outcome.ingest_seconds is not None]
        return {
            "errors": any(outcome.error for outcome in outcomes),
            "took": int((time.monotonic() - started) * 1000),
            **({"ingest_took": int(max(times) * 1000)} if times else {}),
            "items": [{outcome.operation.action: outcome.item()} for outcome in outcomes],
        }


def _operations(request: Request) -> list[Operation | Outcome]:
    """The operations; an operation whose document is not a JSON object is replaced by its outcome.

    Raises:
        Refusal: an action line is invalid; the whole request is refused before anything is written.
    """
    if not request.body.strip():
        raise errors.VALIDATION.refusal(problems="1: no requests added;")
    if not request.body.endswith(b"\n"):
        raise documents_errors.BULK_END.refusal()
    lines = iter(request.body.split(b"\n"))
    found: list[Operation | Outcome] = []
    number = 0
    for line in lines:
        number += 1
        if not line.strip():
            continue
        operation = _action(line, number, request)
        if operation.action != "delete":
            number += 1
            document = next(lines, b"")
            try:
                source = orjson.loads(document)
                if not isinstance(source, dict):
                    raise documents_errors.BULK_SOURCE.refusal(problem="expected START_OBJECT")
                operation.source, operation.text = source, document
            except (orjson.JSONDecodeError, Refusal) as error:
                refusal = documents_errors.BULK_SOURCE.refusal(problem=str(error))
                found.append(Outcome(operation, operation.index, operation.id, 400, error=refusal))
                continue
        found.append(operation)
    return found


def _action(line: bytes, number: int, request: Request) -> Operation:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise errors.UNREADABLE_BODY.refusal(problem=str(error)) from error
    if not isinstance(found, dict) or not found:
        raise documents_errors.BULK_ACTION.refusal(line=number, found=token(found))
    ((name, fields),) = list(found.items())[:1]
    if name not in _ACTIONS:
        raise documents_errors.BULK_UNKNOWN_ACTION.refusal(line=number, found=name)
    if not isinstance(fields, dict):
        raise documents_errors.BULK_ACTION.refusal(line=number, found=token(fields))
    unknown = [key for key in fields if key not in _PARAMETERS]
    if unknown:
        raise documents_errors.BULK_PARAMETER.refusal(line=number, found=unknown[0])
    index = fields.get("_index", request.params.get("index"))
    index = date_names.resolved(index) if isinstance(index, str) else index
    if not index:
        raise errors.VALIDATION.refusal(problems="1: index is missing;")
    id_ = fields.get("_id")
    if id_ is not None and len(str(id_).encode()) > MOST_ID_BYTES:
        raise documents_errors.LONG_ID.refusal(id=id_, length=len(str(id_).encode()))
    if id_ is None and name in ("delete", "update"):
        raise errors.VALIDATION.refusal(problems="1: id is missing;")
    creates = name == "index" and fields.get("op_type") == "create"
    return Operation(
        "create" if creates else name,
        index,
        None if id_ is None else str(id_),
        pipeline=fields.get("pipeline", request.query.get("pipeline")),
        if_seq_no=fields.get("if_seq_no"),
        if_primary_term=fields.get("if_primary_term"),
        version=fields.get("version"),
        version_type=fields.get("version_type", "internal"),
        routing=fields.get("routing"),
        require_alias=fields.get("require_alias", request.flag("require_alias")),
    )
