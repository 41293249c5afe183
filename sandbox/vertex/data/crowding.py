"""Crowding: a limit on the neighbors that share a tag. Rows without a tag never crowd each other out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sandbox.vertex.data.vectors import Rows

UNTAGGED = -1
_FIRST_LOOK = 256


def cheapest_of_each(
    rows: Rows, costs: NDArray[np.floating], tags: NDArray[np.int32], count: int, per_tag: int
) -> Rows:
    """The `count` cheapest of `rows` with at most `per_tag` of each tag; `costs` is that of each of `rows`."""
    own = tags[rows]
    sizes = np.bincount(own - UNTAGGED)
    count = min(count, int(sizes[0]) + int(np.minimum(sizes[1:], per_tag).sum()))
    looked_at = max(_FIRST_LOOK, 4 * count)
    while True:
        nearest = (
            np.argpartition(costs, looked_at - 1)[:looked_at]
            if looked_at < len(rows)
            else np.arange(len(rows))
        )
        nearest = nearest[np.argsort(costs[nearest], kind="stable")]
        kept = first_of_each(own[nearest], count, per_tag)
        if len(kept) == count:
            return rows[nearest[kept]]
        looked_at *= 8


def first_of_each(tags: NDArray[np.int32], count: int, per_tag: int) -> list[int]:
    """The first `count` positions with at most `per_tag` of each tag."""
    taken: dict[int, int] = {}
    kept: list[int] = []
    for position, tag in enumerate(tags.tolist()):
        if len(kept) == count:
            break
        if tag == UNTAGGED:
            kept.append(position)
        elif taken.get(tag, 0) < per_tag:
            taken[tag] = taken.get(tag, 0) + 1
            kept.append(position)
    return kept
