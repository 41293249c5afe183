"""Several searches in one request, as lines of headers and bodies (`MultiSearchRequest.java`).

Each is carried out as a request of its own, by the caller's rights. A search that its indices refuse fails alone; a body that
cannot be read refuses them all, as in the service, which reads every body before it searches.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.documents import date_names
from sandbox.elastic.errors import Refusal
from sandbox.elastic.search import errors as search_errors
from sandbox.elastic.wire.exchange import Reply, Request
from sandbox.elastic.wire.parameters import rules, table
from sandbox.elastic.wire.routing import Handler, Route
from sandbox.elastic.wire.tokens import token

_TWO_SPELLINGS = (
    *("allow_no_indices", "ccs_minimize_roundtrips", "expand_wildcards", "ignore_throttled"),
    *("ignore_unavailable", "request_cache", "search_type"),
)
_HEADER = {
    **{name: name for name in (*_TWO_SPELLINGS, "allow_partial_search_results", "preference", "routing")},
    **{name[0] + name.title().replace("_", "")[1:]: name for name in _TWO_SPELLINGS},
}
"""What a header may set beside the index: the parameter of a search by its spelling."""
_OF_ALL = ("max_concurrent_searches", "typed_keys")
"""Parameters of the request, which are none of a search."""
_UNREADABLE = (
    errors.ILLEGAL_ARGUMENT.kind,
    errors.PARSING.kind,
    errors.UNREADABLE_BODY.kind,
    errors.VALIDATION.kind,
)
"""Types of the refusals of a body; what indices refuse has others, for shards report it."""


class MultiSearchApi:
    """Several searches, or searches by template, in one request."""

    def __init__(self, search: Handler, search_template: Handler) -> None:
        self._search = search
        self._search_template = search_template

    @property
    def routes(self) -> tuple[Route, ...]:
        """The routes of this API."""
        return (
            Route("msearch", "POST GET", "/_msearch", self.msearch),
            Route("msearch", "POST GET", "/{index}/_msearch", self.msearch),
            Route("msearch_template", "POST GET", "/_msearch/template", self.msearch_template),
            Route("msearch_template", "POST GET", "/{index}/_msearch/template", self.msearch_template),
        )

    def msearch(self, request: Request) -> dict[str, Any]:
        """`POST /{index}/_msearch`."""
        return _answers(request, "search", self._search)

    def msearch_template(self, request: Request) -> dict[str, Any]:
        """`POST /{index}/_msearch/template`."""
        return _answers(request, "search_template", self._search_template)


def _answers(request: Request, api: str, search: Handler) -> dict[str, Any]:
    started = time.monotonic()
    if request.number("max_concurrent_searches", 1) < 1:
        raise search_errors.CONCURRENT_SEARCHES.refusal()
    singles = [_single(request, header, body) for header, body in _pairs(request)]
    if not singles:
        raise errors.VALIDATION.refusal(problems="1: no requests added;")
    for single in singles:
        rules.apply(api, table.of(api, single.query) or {}, single)
    answers = [_answer(single, search) for single in singles]
    return {"took": int((time.monotonic() - started) * 1000), "responses": answers}


def _pairs(request: Request) -> Iterator[tuple[bytes, bytes]]:
    """The lines, two by two; a last header without a body is passed over, as in the service."""
    if not request.body:
        raise errors.NO_BODY_OR_SOURCE.refusal()
    *lines, rest = request.body.split(b"\n")
    if rest:
        raise search_errors.NO_LAST_NEWLINE.refusal()
    while lines and not lines[0].strip():
        del lines[0]
    return zip(lines[::2], lines[1::2], strict=False)


def _single(request: Request, header: bytes, body: bytes) -> Request:
    """One search as a request of its own."""
    params = dict(request.params)
    query = {name: value for name, value in request.query.items() if name not in _OF_ALL}
    given = replace(request, body=header).json()
    for name, value in given.items():
        if name in ("index", "indices"):
            params["index"] = date_names.resolved(_text(value)) or "_all"
        elif name not in _HEADER:
            raise search_errors.HEADER_KEY.refusal(key=name)
        elif value is not None:
            query[_HEADER[name]] = _text(value)
    if not body.strip():
        raise errors.PARSING.refusal(problem="Expected [START_OBJECT] but found [null]")
    return replace(request, params=params, query=query, body=body)


def _answer(single: Request, search: Handler) -> dict[str, Any]:
    try:
        found = search(single)
    except Refusal as refusal:
        if refusal.status == 400 and refusal.kind in _UNREADABLE:
            raise
        return refusal.body()
    shown = found.body if isinstance(found, Reply) else found
    return {**shown, "status": 200}


def _text(value: Any) -> str:
    """A value of a header as a query parameter has it."""
    if isinstance(value, list):
        return ",".join(map(_text, value))
    if isinstance(value, dict):
        raise errors.PARSING.refusal(problem=f"Expected a value but found [{token(value)}]")
    return str(value).lower() if isinstance(value, bool) else str(value)
