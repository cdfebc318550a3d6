"""The graph that an engine has explored, as the arrays that cycles are looked for on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...compose.step import Cells
from ..graph import Action, Graph, Mask, action_of
from ..learn import LearnedFunction, Node
from . import kernels
from .engine import Engine
from .forest import Forest

_FALSE, _TRUE = 1, 2
_AT_ONCE = 1 << 16
"""States whose edges are worked out at once."""


def graph_of(engine: Engine) -> Graph:
    """Every state and every step that `engine` found, n states and m edges, after a search that HOLDS."""
    rows = _in_order(engine)
    index = np.zeros(int(rows.max()) + 1, dtype=np.int32)
    index[rows] = np.arange(len(rows), dtype=np.int32)
    source, leaf, outcome, target = _edges(engine, rows).T
    number, actions = _actions(engine, leaf, outcome)

    def state(at: int) -> Cells:
        return engine.state(int(rows[at]))

    def holds(predicate: Callable[[list[int]], bool]) -> Mask:
        return _Everywhere(engine, LearnedFunction(predicate))(rows)

    return Graph(_depths(engine, rows), index[source], index[target], number, actions, state, holds)


def _in_order(engine: Engine) -> NDArray[np.int64]:
    """int64[n]: all rows, layer by layer."""
    found = []
    for first, last in zip(engine.layers, engine.layers[1:], strict=False):
        found += [engine.states.rows(s, int(a), int(b)) for s, (a, b) in enumerate(zip(first, last, strict=True))]
    return np.concatenate(found)


def _depths(engine: Engine, rows: NDArray[np.int64]) -> NDArray[np.int32]:
    sizes = [int((last - first).sum()) for first, last in zip(engine.layers, engine.layers[1:], strict=False)]
    return np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)


def _edges(engine: Engine, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64[m, 4]: row, leaf, outcome and row of the target of every step."""
    states, found = engine.states, []
    everything = np.ones(int(rows.max()) + 1, dtype=np.bool_)
    room = np.empty((64 * _AT_ONCE, 4), dtype=np.int64)
    while len(rows):
        done, count = kernels.edges_into(
            engine.program, states.words, states.tables, states.row_bits, rows[:_AT_ONCE], everything, room
        )
        found.append(room[:count].copy())
        rows = rows[done:]
    return np.concatenate(found)


def _actions(
    engine: Engine, leaf: NDArray[np.int64], outcome: NDArray[np.int64]
) -> tuple[NDArray[np.int32], tuple[Action, ...]]:
    """int32[m]: the action of each step, as an index into the actions."""
    kinds, place = np.unique(leaf << 32 | outcome, return_inverse=True)
    numbers: dict[Action, int] = {}
    of_kind = []
    for kind in kinds.tolist():
        situation = engine.tables.leaves[(kind >> 32) - 1]
        state, taught = engine.situations.example(situation), situation.outcomes[kind & 0xFFFFFFFF].taught
        of_kind.append(numbers.setdefault(action_of(engine.model, state, taught), len(numbers)))
    return np.array(of_kind, dtype=np.int32)[place], tuple(numbers)


class _Everywhere:
    """A predicate in every state, its Python run once for each situation."""

    def __init__(self, engine: Engine, learned: LearnedFunction[bool]) -> None:
        self._engine, self._learned = engine, learned
        self._trees = Forest(1, engine.tables.packing)

    def __call__(self, rows: NDArray[np.int64]) -> Mask:
        """bool[n]: whether it is true in each of `rows`."""
        found = np.zeros((len(rows), 2), dtype=np.int64)
        unknown = np.arange(len(rows))
        while len(unknown):
            trees, words = self._trees, self._engine.states.words
            fresh = found[unknown]
            kernels.leaves_of(trees.entries[0], trees.nodes.rows, trees.branches.room, words, rows[unknown], fresh)
            found[unknown] = fresh
            unknown = unknown[fresh[:, 0] == 0]
            _, first = np.unique(found[unknown, 1], return_index=True)
            for number in unknown[first].tolist():
                self._teach(int(rows[number]), int(found[number, 1]))
        return np.equal(found[:, 0], _TRUE)

    def _teach(self, row: int, place: int) -> None:
        node, code = divmod(place, 1 << 32)
        following = self._engine.situations.follow(*self._trees.named(node), code)[0] if node else None
        if isinstance(following, Node):
            self._trees.link(node, code, self._trees.node(following, self._engine.situations.part_of(following)))
        elif following is not None:
            self._trees.link(node, code, -self._leaf(following.value[0]))
        else:
            track, value, _ = self._engine.situations.of_function(self._engine.codes(row), self._learned)
            self._trees.teach(0, track, self._leaf(value))

    def _leaf(self, value: bool) -> int:
        return _TRUE if value else _FALSE
