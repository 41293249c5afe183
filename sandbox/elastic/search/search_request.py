"""The body of a search, read and validated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from sandbox.elastic.documents import sources
from sandbox.elastic.documents.sources import SourceFilter
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.search import hit_values, sorting
from sandbox.elastic.search.aggregations import tree
from sandbox.elastic.search.hits import highlights
from sandbox.elastic.search.query_bodies import number
from sandbox.elastic.versions import Release
from sandbox.elastic.wire.exchange import whole
from sandbox.elastic.wire.tokens import token

_KEYS = frozenset(
    (
        *(
            "query",
            "knn",
            "retriever",
            "pit",
            "min_score",
            "post_filter",
            "terminate_after",
            "timeout",
            "stats",
        ),
        *("size", "from", "sort", "search_after", "track_total_hits", "track_scores", "collapse"),
        *(
            "_source",
            "fields",
            "docvalue_fields",
            "stored_fields",
            "highlight",
            "version",
            "seq_no_primary_term",
        ),
        *("aggregations", "aggs", "explain"),
    )
)
_NOT_IMITATED = frozenset(
    (
        *("ext", "indices_boost", "profile", "rank", "rescore", "runtime_mappings"),
        *("script_fields", "slice", "suggest"),
    )
)
_COUNTED = 10_000


@dataclass(kw_only=True)
class SearchRequest:
    """A search request."""

    query: Mapping[str, Any] | None
    size: int
    start: int
    clauses: list[sorting.Clause]
    source: SourceFilter
    counted: int | None
    """How many hits are counted at most; None for no count, -1 for all."""
    search_after: Sequence[Any] | None = None
    min_score: float | None = None
    post_filter: Mapping[str, Any] | None = None
    version: bool = False
    seq_no: bool = False
    explain: bool = False
    track_scores: bool = False
    knn: Sequence[Mapping[str, Any]] = ()
    retriever: Mapping[str, Any] | None = None
    aggregations: Mapping[str, Any] | None = None
    collapse: str | None = None
    """The field of which every value is shown once."""
    fields: hit_values.Asked = field(default_factory=hit_values.Asked)
    highlight: highlights.Asked | None = None
    terminate_after: int = 0
    """How many documents of each index are looked at, at most, in the order of writing; 0 for all."""

    @classmethod
    def read(cls, body: Mapping[str, Any], release: Release) -> Self:
        """Read the body of a search.

        Raises:
            Refusal: a key is unknown or a value is invalid.
        """
        for key, value in body.items():
            if key in _NOT_IMITATED and value:
                raise search_errors.KEY_NOT_IMITATED.refusal(key=key)
            if key not in (*_KEYS, *_NOT_IMITATED):
                raise search_errors.UNKNOWN_KEY.refusal(key=key, token=token(value))
        size, start = whole("size", body.get("size", 10)), whole("from", body.get("from", 0))
        if size < 0:
            raise search_errors.NEGATIVE_SIZE.refusal(value=size)
        if start < 0:
            raise search_errors.NEGATIVE_FROM.refusal(value=start)
        clauses, fields = sorting.clauses(body.get("sort")), hit_values.Asked.read(body)
        source = sources.of_body(body.get("_source"), release)
        after = body.get("search_after")
        if after is not None:
            clauses = _clauses_after(body, after, clauses, start)
        return cls(
            query=body.get("query"),
            size=size,
            start=start,
            clauses=clauses,
            source=replace(source, inference_fields=True) if fields.inference_fields else source,
            counted=_counted(body.get("track_total_hits", _COUNTED)),
            search_after=after,
            min_score=None
            if body.get("min_score") is None
            else number("search", "min_score", body["min_score"]),
            post_filter=body.get("post_filter"),
            version=bool(body.get("version")),
            explain=bool(body.get("explain")),
            seq_no=bool(body.get("seq_no_primary_term")),
            track_scores=bool(body.get("track_scores")),
            knn=_sections(body.get("knn")),
            retriever=_retriever(body),
            aggregations=_aggregations(body),
            collapse=_collapse(body),
            fields=fields,
            highlight=highlights.Asked.read(body.get("highlight")),
            terminate_after=whole("terminate_after", body.get("terminate_after", 0)),
        )

    def count_exactly(self, asked: bool) -> None:
        """Count all hits, for a total that is a number (RestSearchAction.java). `asked`: whether a limit was given.

        Raises:
            Refusal: they are to be counted up to a limit.
        """
        if not asked:
            self.counted = -1
        elif self.counted is not None and self.counted >= 0:
            raise search_errors.TOTAL_NOT_EXACT.refusal(limit=self.counted)


def _aggregations(body: Mapping[str, Any]) -> Any:
    """The tree of aggregations, which is checked."""
    found = body.get("aggs", body.get("aggregations"))
    if found is not None:
        tree.check(found)
    return found


def _collapse(body: Mapping[str, Any]) -> str | None:
    """The field by which hits are collapsed."""
    given = body.get("collapse")
    if given is None:
        return None
    if not isinstance(given, Mapping) or not isinstance(given.get("field"), str):
        raise search_errors.REQUIRED.refusal(query="collapse", what="a [field]")
    for parameter in given:
        if parameter not in ("field", "max_concurrent_group_searches"):
            raise search_errors.NOT_SUPPORTED.refusal(query="collapse", parameter=parameter)
    if body.get("search_after") is not None:
        clauses = sorting.clauses(body.get("sort"))
        if [each.path for each in clauses] != [given["field"]]:
            raise search_errors.COLLAPSE_AFTER.refusal()
    return given["field"]


def _sections(given: Any) -> list[Mapping[str, Any]]:
    """The knn sections: one object or a list of them."""
    sections = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(each, Mapping) for each in sections):
        raise search_errors.BAD_VALUE.refusal(where="search", parameter="knn", value=given)
    return sections


def _retriever(body: Mapping[str, Any]) -> Any:
    """The tree of retrievers, which nothing else that retrieves or orders may stand beside."""
    if body.get("retriever") is None:
        return None
    others = [
        name for name in ("query", "knn", "search_after", "sort", "min_score") if body.get(name) is not None
    ]
    if others:
        raise search_errors.WITH_RETRIEVER.refusal(others=", ".join(others))
    return body["retriever"]


def _clauses_after(
    body: Mapping[str, Any], after: Any, clauses: list[sorting.Clause], start: int
) -> list[sorting.Clause]:
    """The sort clauses that the values of `search_after` refer to."""
    if start > 0:
        raise search_errors.SEARCH_AFTER_FROM.refusal()
    clauses = clauses or [sorting.Clause("_score", descending=True)] if body.get("sort") else clauses
    if not clauses:
        raise search_errors.SEARCH_AFTER_SORT.refusal()
    if not isinstance(after, list):
        raise search_errors.BAD_VALUE.refusal(where="search_after", parameter="values", value=after)
    if len(after) != len(clauses):
        raise search_errors.SEARCH_AFTER_VALUES.refusal(given=len(after), wanted=len(clauses))
    return clauses


def _counted(value: Any) -> int | None:
    if isinstance(value, bool):
        return -1 if value else None
    return whole("track_total_hits", value)
