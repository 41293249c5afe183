"""Repeated ids, found with eight bytes per id: equal hashes are candidates, which a second look at the ids confirms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def repeated(hashes: NDArray[np.int64]) -> NDArray[np.intp]:
    """The positions, ascending, of those hashes that occur before."""
    order = np.argsort(hashes, kind="stable")
    is_again = hashes[order[1:]] == hashes[order[:-1]]
    return np.sort(order[1:][is_again])
