"""The parameters that reindex and update by query share, read and validated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.elastic import errors
from sandbox.elastic.indices.store import Indices
from sandbox.elastic.reindex import errors as reindex_errors
from sandbox.elastic.wire.exchange import Request, whole

AUTO_LIMIT = 20
"""The largest number of slices for `auto`."""


def rate_of(request: Request) -> float:
    """`requests_per_second`; -1 for no limit.

    Raises:
        Refusal: it is invalid.
    """
    text = request.query.get("requests_per_second", "-1")
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if rate <= 0 and rate != -1:
        raise reindex_errors.BAD_RATE.refusal()
    return rate


def slices_of(request: Request, automatic: Callable[[], int], manual: bool) -> int:
    """The number of slices; `auto` is one per shard of the source.

    Raises:
        Refusal: it is not a positive number, or the request selects a slice itself.
    """
    text = request.text("slices", "1")
    if text != "auto" and not (text.isdigit() and int(text) > 0):
        raise reindex_errors.BAD_SLICES.refusal(value=text)
    if manual and text != "1":
        raise reindex_errors.TWO_SLICINGS.refusal()
    return max(1, min(AUTO_LIMIT, automatic())) if text == "auto" else int(text)


def limit_of(*several: Any) -> int:
    """`max_docs`, wherever it is given; -1 for all.

    Raises:
        Refusal: it is negative or not a number, or is given twice with different values.
    """
    given = [each for each in several if each is not None]
    if not given:
        return -1
    different = {whole("max_docs", each): None for each in given}
    if len(different) > 1:
        first, second, *_ = different
        raise reindex_errors.TWO_LIMITS.refusal(first=first, second=second)
    (limit,) = different
    if limit < 0 and limit != -1:
        raise reindex_errors.NEGATIVE_LIMIT.refusal(value=limit)
    return limit


def slice_of(given: Any) -> tuple[int, int] | None:
    """The slice that a request selects, as `(id, max)`.

    Raises:
        Refusal: it is invalid.
    """
    if given is None:
        return None
    if not isinstance(given, dict):
        raise reindex_errors.BAD_SLICE.refusal(problem="expected an object")
    number, most = whole("id", given.get("id")), whole("max", given.get("max"))
    if not 0 <= number < most or most < 2:
        raise reindex_errors.BAD_SLICE.refusal(
            problem="max must be at least 2 and greater than id, and id must not be negative"
        )
    return number, most


def check_fields(parser: str, given: dict[str, Any], known: set[str]) -> None:
    """Refuse unknown fields.

    Raises:
        Refusal: naming the first of them.
    """
    for name in given:
        if name not in known:
            raise errors.UNKNOWN_FIELD.refusal(parser=parser, field=name)


def proceeds(given: Any) -> bool:
    """Whether `conflicts` says to proceed.

    Raises:
        Refusal: it is neither proceed nor abort.
    """
    if given not in (None, "proceed", "abort"):
        raise reindex_errors.BAD_CONFLICTS.refusal(value=given)
    return given == "proceed"


def shards(indices: Indices, expression: str) -> int:
    """The number of slices for `auto`: the smallest number of shards among the source indices."""
    found = indices.resolve(expression)
    return min((int(index.settings["number_of_shards"]) for index in found), default=1)
