"""The edges that lead to some states, layer by layer backwards: nothing but the states is kept while searching."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...compose.step import Choice
from . import kernels

if TYPE_CHECKING:
    from .engine import Engine


class Cone:
    """Finds the parents of states by expanding the layer before them again, once for all states of a layer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._parents: dict[int, list[tuple[int, Choice]]] = {}
        self._depths = {row: engine.depth_of(row) for row, _ in engine.found}
        self._trace_back()

    def parents(self, row: int) -> list[tuple[int, Choice]]:
        """The edges into `row` from the layer before."""
        return self._parents.get(row, [])

    def _trace_back(self) -> None:
        wanted: set[int] = set()
        for depth in range(max(self._depths.values()), 0, -1):
            wanted |= {row for row, at in self._depths.items() if at == depth}
            wanted = self._edges_into(wanted, depth)

    def _edges_into(self, wanted: set[int], depth: int) -> set[int]:
        """Note the edges from layer `depth` - 1 into `wanted`; where they start."""
        engine, sources = self._engine, set()
        marked = np.zeros(int(max(wanted)) + 1, dtype=np.bool_)
        marked[list(wanted)] = True
        for rows in engine.rows_at(depth - 1):
            for row, leaf, outcome, target in (edge for some in edges(engine, rows, marked) for edge in some.tolist()):
                choice = engine.tables.leaves[leaf - 1].outcomes[outcome].step.choice
                self._parents.setdefault(target, []).append((row, choice))
                sources.add(row)
        return sources


def edges(engine: Engine, rows: NDArray[np.int64], marked: NDArray[np.bool_]) -> Iterator[NDArray[np.int64]]:
    """The edges from `rows` into marked states, some at a time: int64[n, 4], see `kernels.edges_into`."""
    states = engine.states
    while len(rows):
        some = np.empty((1 << 16, 4), dtype=np.int64)
        done, count = kernels.edges_into(
            engine.program, states.words, states.tables, states.row_bits, rows, marked, some
        )
        yield some[:count]
        rows = rows[done:]
