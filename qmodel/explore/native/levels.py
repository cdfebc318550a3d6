"""How far visited states are from the initial one, for a search that has not kept it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .cone import edges

if TYPE_CHECKING:
    from .engine import Engine


class Levels:
    """The layers of a breadth-first pass over the states that were visited, up to the last in which one is wrong.

    A depth-first search spends no memory on this; the pass needs 5 bytes a state.
    """

    def __init__(self, engine: Engine) -> None:
        found = [row for row, _ in engine.found]
        visited = int(engine.states.all_rows().max()) + 1
        self._levels = np.full(visited, -1, dtype=np.int32)
        unreached = np.ones(visited, dtype=np.bool_)
        layer, level = np.array([engine.first]), 0
        while len(layer):
            unreached[layer] = False
            self._levels[layer] = level
            if not unreached[found].any():
                break
            layer = np.unique(np.concatenate([some[:, 3] for some in edges(engine, layer, unreached)]))
            level += 1

    def of(self, row: int) -> int:
        """How far a row is; no row is asked about that is further than all that are wrong."""
        return int(self._levels[row])

    def rows(self, level: int) -> NDArray[np.int64]:
        """The rows that are so far."""
        return np.flatnonzero(self._levels == level)
