"""Pages of listings. A token is the position of the last item, so that a change in between skips nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sandbox.vertex import errors

T = TypeVar("T")
_DEFAULT_SIZE = 100
_LARGEST_SIZE = 1000


def page(items: Sequence[T], position: Callable[[T], int], size: int, token: str) -> tuple[Sequence[T], str]:
    """The next page of `items`, which run from the highest position to the lowest, and the token after it.

    Raises:
        Refusal: an invalid token, or a negative size.
    """
    if token and not token.isdecimal():
        raise errors.INVALID_PAGE_TOKEN.refusal(token=token)
    if size < 0:
        raise errors.INVALID_FILTER.refusal(
            filter=f"page_size={size}", problem="a page size must be positive"
        )
    if token:
        items = [item for item in items if position(item) < int(token)]
    limit = min(size or _DEFAULT_SIZE, _LARGEST_SIZE)
    shown = items[:limit]
    return shown, str(position(shown[-1])) if len(items) > limit else ""
