"""What happens to semantic_text fields when documents are written: chunks are cut and embedded, and stored in the document.

The texts of all documents of a bulk go to an endpoint together. A field whose embeddings come along with the document (a
reindex that asked for them) is not embedded again. Indexing a document without the field asks no model, so an endpoint that
does not exist is noticed with the first document that has a value.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.elastic.chunking import settings as chunking
from sandbox.elastic.chunking.splitting import Span
from sandbox.elastic.documents.embeddings import INFERENCE_FIELDS
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.documents.source_values import origins
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.inference.endpoints import Endpoint, Endpoints
from sandbox.elastic.inference.serving import EndpointInference
from sandbox.models.e5 import DIMENSIONS
from sandbox.models.embedding import Embedding

Find = Callable[[str], list[Index]]
"""The indices behind a name."""


@dataclass
class _Pending:
    """One field of one document that waits for its embeddings."""

    place: int
    document: dict[str, Any]
    own: Field
    endpoint: Endpoint
    spans: list[tuple[str, Span]] = field(default_factory=list)
    """Of each text: the field that it comes from, and where it stands there."""
    texts: list[str] = field(default_factory=list)


class SemanticFields:
    """Embeds the semantic_text fields of documents."""

    def __init__(self, endpoints: Endpoints, serving: EndpointInference, find: Find) -> None:
        self._endpoints = endpoints
        self._serving = serving
        self._find = find

    def embedded(self, operations: Sequence[Operation]) -> list[Operation | Refusal]:
        """The writes with the embeddings of their semantic_text fields; a refusal for each that has none."""
        results: list[Operation | Refusal] = list(operations)
        pending: list[_Pending] = []
        for place, operation in enumerate(operations):
            found = self._find(operation.index) if operation.action != "delete" else []
            known = found[0].fields if found else {}
            fields = [(each, origins(each, known)) for each in known.values() if each.type == "semantic_text"]
            if not fields:
                continue
            copied = replace(operation, source=dict(operation.source))
            try:
                for document in _documents(copied):
                    pending += self._waiting(place, document, fields)
                results[place] = copied
            except Refusal as refusal:
                results[place] = refusal
        self._embed([each for each in pending if isinstance(results[each.place], Operation)], results)
        return results

    def _waiting(
        self, place: int, document: dict[str, Any], fields: Sequence[tuple[Field, list[str]]]
    ) -> list[_Pending]:
        """The fields of a document that need embeddings; those that came along are checked by the mapping."""
        given = document.get(INFERENCE_FIELDS) or {}
        kept = {name: value for name, value in given.items() if name in {each.path for each, _ in fields}}
        waiting = []
        for each, paths in fields:
            read = {path: _value(document, path.split(".")) for path in paths}
            values = {path: value for path, (is_present, value) in read.items() if is_present}
            if not values:
                kept.pop(each.path, None)
                continue
            if each.path in kept and any(value is not None for value in values.values()):
                _check_endpoint(each, kept[each.path])
                continue
            kept[each.path] = None
            found = self._pending(place, document, each, values)
            if found.texts:
                waiting.append(found)
        if kept or INFERENCE_FIELDS in document:
            document[INFERENCE_FIELDS] = kept
        return waiting

    def _pending(
        self, place: int, document: dict[str, Any], own: Field, values: Mapping[str, Any]
    ) -> _Pending:
        name = own.parameters["inference_id"]
        endpoint = self._endpoints.find(name)
        pieces = {path: _pieces(path, value) for path, value in values.items()}
        if endpoint is None:
            if not any(pieces.values()):
                return _Pending(place, document, own, Endpoint(name, "sparse_embedding", "", ""))
            raise inference_errors.ID_NOT_FOUND.refusal(id=name, field=own.path)
        settings = own.parameters.get("chunking_settings") or endpoint.chunking_settings
        cut = chunking.read(settings)
        pending = _Pending(place, document, own, endpoint)
        for path, texts in pieces.items():
            start = 0
            for piece in texts:
                spans = cut.spans(piece)
                pending.spans += [(path, (start + first, start + last)) for first, last in spans]
                pending.texts += [piece[first:last] for first, last in spans]
                start += len(piece) + 1
        return pending

    def _embed(self, pending: Sequence[_Pending], results: list[Operation | Refusal]) -> None:
        by_endpoint: dict[str, list[_Pending]] = defaultdict(list)
        for each in pending:
            by_endpoint[each.endpoint.inference_id].append(each)
        for name, mine in by_endpoint.items():
            try:
                texts = [text for each in mine for text in each.texts]
                answers = iter(self._serving.embed(name, texts, "ingest", None))
            except Refusal as refusal:
                for each in mine:
                    results[each.place] = _failed(each, refusal)
                continue
            for each in mine:
                own = [next(answers) for _ in each.texts]
                refused = next((answer for answer in own if isinstance(answer, Refusal)), None)
                if refused:
                    results[each.place] = _failed(each, refused)
                    continue
                each.document[INFERENCE_FIELDS][each.own.path] = _stored(
                    each, [answer for answer in own if isinstance(answer, Embedding)]
                )


def _documents(operation: Operation) -> list[dict[str, Any]]:
    """The documents in a write, as copies that the write holds; an update has parts of one."""
    if operation.action != "update":
        return [operation.source]
    parts = [name for name in ("doc", "upsert") if isinstance(operation.source.get(name), dict)]
    for name in parts:
        operation.source[name] = dict(operation.source[name])
    return [operation.source[name] for name in parts]


def _value(document: Mapping[str, Any], path: list[str]) -> tuple[bool, Any]:
    """Whether the document has the field, and its value; a dotted name stands for nested objects."""
    for cut in range(1, len(path) + 1):
        name = ".".join(path[:cut])
        if name not in document:
            continue
        value = document[name]
        if cut == len(path):
            return True, value
        if isinstance(value, Mapping):
            return _value(value, path[cut:])
    return False, None


def _pieces(path: str, value: Any) -> list[str]:
    """The texts of a value: a string, number, boolean, or a list of these.

    Raises:
        Refusal: it is something else.
    """
    found = []
    for each in value if isinstance(value, list) else [value]:
        if each is None:
            continue
        if not isinstance(each, str | int | float):
            kind = "Map" if isinstance(each, Mapping) else "List"
            raise inference_errors.BAD_VALUE.refusal(field=path, kind=kind)
        found.append(str(each).lower() if isinstance(each, bool) else str(each))
    return found


def _stored(pending: _Pending, answers: Sequence[Embedding]) -> dict[str, Any]:
    chunks: dict[str, list[dict[str, Any]]] = {}
    for (path, (start, end)), answer in zip(pending.spans, answers, strict=True):
        chunk = {"start_offset": start, "end_offset": end, "embeddings": answer.value}
        chunks.setdefault(path, []).append(chunk)
    settings = model_settings(pending.endpoint)
    inference = {"inference_id": pending.endpoint.inference_id, "model_settings": settings}
    return {"inference": {**inference, "chunks": chunks}}


def model_settings(endpoint: Endpoint) -> dict[str, Any]:
    """What a mapping learns about an endpoint's model with the first document."""
    shown: dict[str, Any] = {"service": endpoint.service, "task_type": endpoint.task_type}
    if endpoint.task_type == "sparse_embedding":
        return shown
    if endpoint.is_remote:
        return {
            **shown,
            "dimensions": endpoint.dimensions,
            "similarity": "dot_product",
            "element_type": "float",
        }
    return {**shown, "dimensions": DIMENSIONS, "similarity": "cosine", "element_type": "float"}


def _check_endpoint(own: Field, given: Mapping[str, Any]) -> None:
    named = given.get("inference", {}).get("inference_id")
    if named != own.parameters["inference_id"]:
        raise inference_errors.OTHER_ENDPOINT.refusal(
            field=own.path, given=named, there=own.parameters["inference_id"]
        )


def _failed(pending: _Pending, cause: Refusal) -> Refusal:
    """The refusal of a document whose inference failed, with the status of its cause."""
    found = inference_errors.INFERENCE_FAILED.refusal(
        id=pending.endpoint.inference_id, field=pending.own.path, cause=cause
    )
    found.status = cause.status
    return found
