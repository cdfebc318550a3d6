"""The states that a depth-first search still has to expand, newest first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

CHUNK = 256
"""States that each worker takes at a time: the fewer, the deeper a search goes before it is broad; with 64, it takes
twice as long."""


class Stack:
    """Blocks of states that were new at the same time, as ranges of positions in each segment.

    A chunk is taken from one block, so that all of it is as far from the initial state along the paths that were
    followed: one step further than the chunk that led there.

    Attributes:
        level: how long these paths are for the chunk that was taken last; deepest: the most of that so far.
        waiting: how many states are still to be taken.
    """

    def __init__(self, segments: int) -> None:
        self.level, self.deepest, self.waiting = -1, 0, 0
        self._seen = np.zeros(segments, dtype=np.int64)
        self._blocks: list[tuple[Rows, Rows, int]] = []

    def next(self, counts: Rows) -> tuple[Rows, Rows]:
        """Push the states that are new since the last call; take the newest ones.

        Args:
            counts: int64[segments], how many states each segment has now.

        Returns: for each segment the range of positions that is taken; nothing is left if all are empty.
        """
        self._push(counts)
        if not self._blocks:
            return counts.copy(), counts
        first, last, self.level = self._blocks.pop()
        self.deepest = max(self.deepest, self.level)
        taken = np.maximum(last - CHUNK, first)
        if (taken > first).any():
            self._blocks.append((first, taken, self.level))
        self.waiting -= int((last - taken).sum())
        return taken.copy(), last

    def _push(self, counts: Rows) -> None:
        if (counts > self._seen).any():
            self._blocks.append((self._seen, counts.copy(), self.level + 1))
            self.waiting += int((counts - self._seen).sum())
            self._seen = counts.copy()
