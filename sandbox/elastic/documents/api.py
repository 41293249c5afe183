"""The document APIs: index, create, get, exists, delete, update, mget. Bulk has a module of its own."""

from __future__ import annotations

from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents import sources
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.documents.refreshing import RefreshingWriter
from sandbox.elastic.documents.sources import SourceFilter
from sandbox.elastic.documents.store import DocumentStore, Row
from sandbox.elastic.errors import Refusal
from sandbox.elastic.indices.index import Index
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.routing import Route


class DocumentApi:
    """Single documents."""

    def __init__(
        self, writer: RefreshingWriter, documents: DocumentStore, indices: Indices, release: Release
    ) -> None:
        self._release = release
        self._writer = writer
        self._documents = documents
        self._indices = indices

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("index", "PUT POST", "/{index}/_doc/{id}", self.index_document, changes=True),
            Route("index", "POST", "/{index}/_doc", self.index_document, changes=True),
            Route("create", "PUT POST", "/{index}/_create/{id}", self.index_document, changes=True),
            Route("get", "GET", "/{index}/_doc/{id}", self.get_document),
            Route("delete", "DELETE", "/{index}/_doc/{id}", self.delete_document, changes=True),
            Route("update", "POST", "/{index}/_update/{id}", self.update_document, changes=True),
            Route("get_source", "GET", "/{index}/_source/{id}", self.get_source),
            Route("mget", "POST GET", "/_mget", self.mget),
            Route("mget", "POST GET", "/{index}/_mget", self.mget),
        )

    def index_document(self, request: Request) -> Reply:
        """`PUT /{index}/_doc/{id}`, `POST /{index}/_doc`, `PUT /{index}/_create/{id}`."""
        if not request.body.strip():
            raise errors.NO_BODY.refusal()
        create = request.text("op_type") == "create" or "/_create/" in request.path
        operation = _operation(request, "create" if create else "index")
        operation.source, operation.text = request.json(), request.body
        return self._written(request, operation)

    def delete_document(self, request: Request) -> Reply:
        """`DELETE /{index}/_doc/{id}`."""
        return self._written(request, _operation(request, "delete"))

    def update_document(self, request: Request) -> Reply:
        """`POST /{index}/_update/{id}`."""
        operation = _operation(request, "update")
        operation.is_single = True
        operation.source = request.json()
        if request.flag("doc_as_upsert"):
            operation.source["doc_as_upsert"] = True
        wanted = sources.of_query(request) or sources.of_body(
            operation.source.get("_source", False), self._release
        )
        reply = self._written(request, operation)
        if wanted.shown:
            index = self._indices.single(operation.index)
            row = self._documents.get(index, request.params["id"])
            if row:
                shown = {"_seq_no": row.seq_no, "_primary_term": 1, "found": True}
                reply.body["get"] = {**shown, "_source": wanted.apply(row.document(), index)}
        return reply

    def get_document(self, request: Request) -> Reply:
        """`GET /{index}/_doc/{id}`: the last write, refreshed or not."""
        index, row = self._read(request)
        shown = _shown(index, request.params["id"], row, sources.of_query(request) or SourceFilter())
        return Reply(shown, 200 if row else 404)

    def get_source(self, request: Request) -> Reply:
        """`GET /{index}/_source/{id}`."""
        index, row = self._read(request)
        if not row:
            raise documents_errors.NO_SOURCE.refusal(index=request.params["index"], id=request.params["id"])
        return Reply((sources.of_query(request) or SourceFilter()).of_text(row.source, index))

    def mget(self, request: Request) -> dict[str, Any]:
        """`POST /_mget` and `POST /{index}/_mget`."""
        body, default = request.fields("multi get", "docs", "ids"), request.params.get("index")
        wanted = body.get("docs") or [{"_id": id_} for id_ in body.get("ids", [])]
        if not wanted:
            raise errors.VALIDATION.refusal(problems="1: no documents to get;")
        from_query = sources.of_query(request) or SourceFilter()
        found = []
        for each in wanted:
            unknown = [key for key in each if key not in ("_index", "_id", "_source", "routing")]
            if unknown:
                raise documents_errors.MGET_FIELD.refusal(field=unknown[0])
            name, id_ = each.get("_index", default), str(each.get("_id", ""))
            if name is None:
                raise errors.VALIDATION.refusal(problems="1: index is missing for doc 0;")
            try:
                index = self._indices.single(name)
            except Refusal as refusal:
                found.append({"_index": name, "_id": id_, "error": refusal.body()["error"]})
                continue
            if request.flag("refresh"):
                self._writer.refresh(index)
            chosen = sources.of_body(each["_source"], self._release) if "_source" in each else from_query
            found.append(_shown(index, id_, self._documents.get(index, id_), chosen))
        return {"docs": found}

    def _read(self, request: Request) -> tuple[Index, Row | None]:
        """The index and the document that a request names.

        Raises:
            Refusal: the document has another version than the request says.
        """
        index, id_ = self._indices.single(request.params["index"]), request.params["id"]
        if request.flag("refresh"):
            self._writer.refresh(index)
        row = self._documents.get(index, id_)
        given = request.number("version", 0)
        if row and "version" in request.query and row.version != given:
            problem = f"current version [{row.version}] is different than the one provided [{given}]"
            raise documents_errors.VERSION_CONFLICT.refusal(
                id=id_, problem=problem, metadata={**index.metadata, "shard": "0"}
            )
        return index, row

    def _written(self, request: Request, operation: Operation) -> Reply:
        (outcome,), forced = self._writer.write(request, [operation])
        if outcome.error:
            raise outcome.error
        request.resource = f"{outcome.index}/{outcome.id}"
        request.changed = outcome.result in ("created", "updated", "deleted")
        body = {"_index": outcome.index, "_id": outcome.id, **outcome.written()}
        if forced:
            body["forced_refresh"] = True
        headers = {"Location": f"/{outcome.index}/_doc/{outcome.id}"} if outcome.status == 201 else {}
        return Reply(body, outcome.status, headers)


def _operation(request: Request, action: Any) -> Operation:
    return Operation(
        action,
        request.params["index"],
        request.params.get("id"),
        pipeline=request.query.get("pipeline"),
        if_seq_no=request.number("if_seq_no", 0) if "if_seq_no" in request.query else None,
        if_primary_term=request.number("if_primary_term", 0) if "if_primary_term" in request.query else None,
        version=request.number("version", 0) if "version" in request.query else None,
        version_type=request.text("version_type", "internal"),  # pyright: ignore[reportArgumentType]
        routing=request.query.get("routing"),
        require_alias=request.flag("require_alias"),
    )


def _shown(index: Index, id_: str, row: Row | None, chosen: SourceFilter) -> dict[str, Any]:
    shown: dict[str, Any] = {"_index": index.name, "_id": id_}
    if row is None:
        return {**shown, "found": False}
    shown |= {"_version": row.version, "_seq_no": row.seq_no, "_primary_term": 1, "found": True}
    return {**shown, "_source": chosen.of_text(row.source, index)} if chosen.shown else shown
