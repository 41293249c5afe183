"""Reindex: copies documents from indices into another, optionally through a pipeline. And what makes a request invalid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sandbox.elastic.documents import date_names, sources
from sandbox.elastic.documents import errors as documents_errors
from sandbox.elastic.documents.operations import Operation
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.reindex.jobs import ENDINGS, KEEP, Job, Jobs
from sandbox.elastic.reindex.parameters import (
    check_fields,
    limit_of,
    proceeds,
    rate_of,
    shards,
    slice_of,
    slices_of,
)
from sandbox.elastic.reindex.remote import Remote, RemoteScan
from sandbox.elastic.search import queries
from sandbox.elastic.search.matches import QueryContexts
from sandbox.elastic.search.scans import Hit, Scan, Scans
from sandbox.elastic.search.searchers import Searchers
from sandbox.elastic.wire.exchange import Reply, Request, whole
from sandbox.elastic.wire.routing import Route

ACTION = "indices:data/write/reindex"
_BODY = {"source", "dest", "conflicts", "max_docs", "size", "script"}
_SOURCE = {"index", "query", "size", "slice", "_source", "sort", "remote", "runtime_mappings"}
_DEST = {"index", "op_type", "pipeline", "version_type", "routing"}


class ReindexApi:
    """Reindex."""

    def __init__(
        self,
        indices: Indices,
        searchers: Searchers,
        scans: Scans,
        contexts: QueryContexts,
        jobs: Jobs,
        *,
        whitelist: str,
    ) -> None:
        self._whitelist = whitelist
        self._indices = indices
        self._searchers = searchers
        self._scans = scans
        self._contexts = contexts
        self._jobs = jobs

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (Route("reindex", "POST", "/_reindex", self.reindex, changes=True, at_end=ENDINGS),)

    def reindex(self, request: Request) -> Reply:
        """`POST /_reindex`."""
        body = request.json()
        check_fields("reindex", body, _BODY)
        source, dest = body.get("source") or {}, body.get("dest") or {}
        check_fields("source", source, _SOURCE)
        check_fields("dest", dest, _DEST)
        names = _names(source.get("index"))
        _refuse_what_is_not_imitated(body, source, dest)
        remote = Remote.read(source["remote"], self._whitelist) if source.get("remote") else None
        _validate(source, dest, names)
        self._check_query(remote, source)
        manual = slice_of(source.get("slice"))
        refresh, require_alias = request.flag("refresh"), request.flag("require_alias")
        expression, target = date_names.resolved(",".join(names)), date_names.resolved(str(dest["index"]))
        pipeline, kind = dest.get("pipeline"), dest.get("op_type", "index")
        version_type = dest.get("version_type", "internal")
        # Vectors are copied even if searches leave them out.
        chosen = replace(
            sources.of_body(source.get("_source"), self._contexts.release), exclude_vectors=False
        )

        def prepare(found: Hit) -> Operation:
            return Operation(
                kind,
                target,
                found.id,
                self._part(found, chosen),
                found.text,
                pipeline,
                version=found.version if version_type != "internal" else None,
                version_type=version_type,
                require_alias=require_alias,
            )

        def check() -> None:
            reading = self._read_here(remote, expression)
            writing = {index.name for index in self._indices.behind(target)}
            both = sorted(reading & writing)
            if both:
                raise reindex_errors.INVALID.refusal(
                    problem=f"reindex cannot write into an index its reading from [{both[0]}]"
                )

        size = whole("size", source.get("size", 1000))
        slices = slices_of(
            request, lambda: 1 if remote else shards(self._indices, expression), manual is not None
        )
        _refuse_remote_slices(remote, slices, manual)

        def search(slice_: tuple[int, int] | None) -> RemoteScan | Scan:
            if remote is None:
                return self._scans.open(expression, source.get("query"), slice_)
            return RemoteScan(remote, expression, source.get("query"), source.get("_source"), size)

        def finish() -> None:
            if refresh:
                for index in self._indices.behind(target):
                    self._searchers.refresh(index)

        job = Job(
            api="reindex",
            action=ACTION,
            description=f"reindex from [{_described(remote)}{', '.join(names)}] to [{target}]",
            size=size,
            limit=limit_of(body.get("max_docs"), body.get("size"), request.query.get("max_docs")),
            proceed=proceeds(body.get("conflicts", request.query.get("conflicts"))),
            rate=rate_of(request),
            slices=slices,
            search=search,
            prepare=prepare,
            check=check,
            finish=finish,
            keep=request.seconds("scroll", KEEP),
            manual=manual,
        )
        return self._jobs.launch(request, job)

    def _check_query(self, remote: Remote | None, source: dict[str, Any]) -> None:
        if remote is None:  # the other cluster knows its own queries
            queries.check(self._contexts, source.get("query"))

    def _read_here(self, remote: Remote | None, expression: str) -> set[str]:
        return set() if remote else {index.name for index in self._indices.resolve(expression)}

    def _part(self, found: Hit, chosen: sources.SourceFilter) -> dict[str, Any]:
        index = self._indices.get(found.index)
        return chosen.apply(found.source, index) if index else found.source


def _refuse_remote_slices(remote: Remote | None, slices: int, manual: tuple[int, int] | None) -> None:
    if remote and (slices > 1 or manual):
        raise reindex_errors.REMOTE_SLICES.refusal(slices=slices)


def _described(remote: Remote | None) -> str:
    return f"scheme={remote.scheme} host={remote.host} port={remote.port}][" if remote else ""


def _names(given: Any) -> list[str]:
    names = given if isinstance(given, list) else (given or "").split(",")
    return [name for name in names if name]


def _refuse_what_is_not_imitated(body: dict[str, Any], source: dict[str, Any], dest: dict[str, Any]) -> None:
    if body.get("script"):
        raise documents_errors.NO_SCRIPTS.refusal()
    for part, field in ((source, "sort"), (source, "runtime_mappings"), (dest, "routing")):
        if part.get(field):
            raise reindex_errors.NOT_TAKEN.refusal(field=field)


def _validate(source: dict[str, Any], dest: dict[str, Any], names: list[str]) -> None:
    if not names:
        raise reindex_errors.INVALID.refusal(
            problem="use _all if you really want to copy from all existing indexes"
        )
    if source.get("_source") is False:
        raise reindex_errors.INVALID.refusal(problem="_source:false is not supported in this context")
    if not dest.get("index"):
        raise reindex_errors.INVALID.refusal(problem="index must be specified")
    if dest.get("op_type", "index") not in ("index", "create"):
        raise reindex_errors.INVALID.refusal(
            problem=f"opType must be 'create' or 'index', found: [{dest['op_type']}]"
        )
    if dest.get("version_type", "internal") not in ("internal", "external", "external_gte"):
        raise reindex_errors.INVALID.refusal(problem=f"No version type match [{dest['version_type']}]")
    if not 0 < whole("size", source.get("size", 1000)) <= 10_000:
        problem = (
            "Batch size is too large, size must be less than or equal to: [10000] but was "
            f"[{source['size']}]. Scroll batch sizes cost as much memory as result windows so they are controlled by "
            "the [index.max_result_window] index level setting."
        )
        raise reindex_errors.INVALID.refusal(problem=problem)
