"""What happens to semantic_text fields when documents are written: chunks are cut and embedded, and stored in the document.

The texts of all documents of a bulk go to an endpoint together. A field whose embeddings come along with the document (a
reindex that asked for them) is not embedded again. Indexing a document without the field asks no model, so an endpoint that
does not exist is noticed with the first document that has a value. Indices with the legacy format keep text and embeddings in
one object, in the place of the text (SemanticTextField.java); which of their fields are embedded is decided in `legacy_format`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.elastic.chunking import settings as chunking
from sandbox.elastic.chunking.splitting import Span
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.embeddings import INFERENCE_FIELDS
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.documents.source_values import origins
from sandbox.elastic.documents.store import Row
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.mappings import Field
from sandbox.elastic.inference import errors as inference_errors
from sandbox.elastic.inference import legacy_format
from sandbox.elastic.inference.endpoints import Endpoint, Endpoints
from sandbox.elastic.inference.semantic_texts import pieces, put_at, value_at
from sandbox.elastic.inference.serving import EndpointInference
from sandbox.elastic.versions import Release
from sandbox.models.e5 import DIMENSIONS
from sandbox.models.embedding import Embedding

Find = Callable[[str], Index | None]
"""The index that a write to a name goes to."""
Read = Callable[[Index, str], Row | None]
"""The current document of an id."""


@dataclass
class _Pending:
    """One field of one document that waits for its embeddings."""

    place: int
    document: dict[str, Any]
    own: Field
    endpoint: Endpoint
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the endpoint's model."""
    spans: list[tuple[str, Span]] = field(default_factory=list)
    """Of each text: the field that it comes from, and where it stands there."""
    texts: list[str] = field(default_factory=list)
    is_legacy: bool = False
    own_texts: Sequence[str] = ()
    """The whole texts of the field itself, without those that are copied to it."""
    loses_text: bool = False
    """Whether the object must say that it has no text: an update is merged with what is stored."""

    def keep(self, answers: Sequence[Embedding]) -> None:
        """Write the embeddings of `texts` into the document."""
        if self.is_legacy:
            put_at(self.document, self.own.path.split("."), _object(self, answers))
        else:
            self.document[INFERENCE_FIELDS][self.own.path] = _stored(self, answers)


class SemanticFields:
    """Embeds the semantic_text fields of documents."""

    def __init__(
        self, endpoints: Endpoints, serving: EndpointInference, release: Release, find: Find, read: Read
    ) -> None:
        self._endpoints = endpoints
        self._serving = serving
        self._release = release
        self._find = find
        self._read = read

    def embedded(self, operations: Sequence[Operation]) -> list[Operation | Refusal]:
        """The writes with the embeddings of their semantic_text fields; a refusal for each that has none."""
        results: list[Operation | Refusal] = list(operations)
        pending: list[_Pending] = []
        for place, operation in enumerate(operations):
            index = self._find(operation.index) if operation.action != "delete" else None
            known = index.fields if index else {}
            fields = [(each, origins(each, known)) for each in known.values() if each.type == "semantic_text"]
            if index is None or not fields:
                continue
            copied = replace(operation, source=dict(operation.source))
            try:
                if index.has_legacy_semantic_text:
                    pending += self._waiting_for_objects(place, index, copied, fields)
                else:
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
            read = {path: value_at(document, path.split(".")) for path in paths}
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

    def _waiting_for_objects(
        self, place: int, index: Index, operation: Operation, fields: legacy_format.Fields
    ) -> list[_Pending]:
        def stored() -> dict[str, Any] | None:
            row = self._read(index, operation.id or "")
            return row.document() if row else None

        waiting = []
        for each in legacy_format.wanted(operation, fields, stored):
            found = self._pending(place, each.document, each.field, each.values)
            found.is_legacy, found.loses_text = True, each.loses_text
            if found.texts:
                waiting.append(found)
            elif found.own_texts or len(each.values) > 1:
                found.keep([])
        return waiting

    def _pending(
        self, place: int, document: dict[str, Any], own: Field, values: Mapping[str, Any]
    ) -> _Pending:
        name = own.parameters["inference_id"]
        endpoint = self._endpoints.find(name)
        found = {path: pieces(path, value) for path, value in values.items()}
        if endpoint is None:
            if not any(found.values()):
                return _Pending(place, document, own, Endpoint(name, "sparse_embedding", "", ""))
            raise inference_errors.ID_NOT_FOUND.refusal(id=name, field=own.path)
        settings = own.parameters.get("chunking_settings") or endpoint.chunking_settings
        cut = chunking.read(settings)
        pending = _Pending(
            place,
            document,
            own,
            endpoint,
            model_settings(endpoint, self._release),
            own_texts=found.get(own.path, ()),
        )
        for path, texts in found.items():
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
                each.keep([answer for answer in own if isinstance(answer, Embedding)])


def _documents(operation: Operation) -> list[dict[str, Any]]:
    """The documents in a write, as copies that the write holds; an update has parts of one."""
    if operation.action != "update":
        return [operation.source]
    parts = [name for name in ("doc", "upsert") if isinstance(operation.source.get(name), dict)]
    for name in parts:
        operation.source[name] = dict(operation.source[name])
    return [operation.source[name] for name in parts]


def _stored(pending: _Pending, answers: Sequence[Embedding]) -> dict[str, Any]:
    chunks: dict[str, list[dict[str, Any]]] = {}
    for (path, (start, end)), answer in zip(pending.spans, answers, strict=True):
        chunk = {"start_offset": start, "end_offset": end, "embeddings": answer.value}
        chunks.setdefault(path, []).append(chunk)
    inference = {"inference_id": pending.endpoint.inference_id, "model_settings": pending.settings}
    return {"inference": {**inference, "chunks": chunks}}


def _object(pending: _Pending, answers: Sequence[Embedding]) -> dict[str, Any]:
    """The object of the legacy format; without chunks no model was asked, and none is named."""
    own = pending.own_texts
    text: dict[str, Any] = {"text": None} if pending.loses_text else {}
    if own:
        text = {"text": own[0] if len(own) == 1 else list(own)}
    chunks = [
        {"text": part, "embeddings": answer.value}
        for part, answer in zip(pending.texts, answers, strict=True)
    ]
    settings = pending.settings if chunks else None
    inference = {"inference_id": pending.endpoint.inference_id, "model_settings": settings}
    return {**text, "inference": {**inference, "chunks": chunks}}


def model_settings(endpoint: Endpoint, release: Release) -> dict[str, Any]:
    """What a mapping learns about an endpoint's model with the first document; its service only since 8.18."""
    service = {"service": endpoint.service} if release.newer_semantic_text else {}
    shown: dict[str, Any] = {**service, "task_type": endpoint.task_type}
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
        raise documents_errors.OTHER_ENDPOINT.refusal(
            field=own.path, given=named, there=own.parameters["inference_id"]
        )


def _failed(pending: _Pending, cause: Refusal) -> Refusal:
    """The refusal of a document whose inference failed, with the status of its cause."""
    found = inference_errors.INFERENCE_FAILED.refusal(
        id=pending.endpoint.inference_id, field=pending.own.path, cause=cause
    )
    found.status = cause.status
    return found
