"""Real traces of a search that visits one state of each orbit.

Its edges lead from a normal form to the normal form of a successor, so the choices along them do not replay.  What they
say is which orbits the shortest ways to a problem pass.  The real states of those orbits are explored here, layer by
layer from the initial state, and the simplest trace is taken from their edges.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...compose.result import Problem
from ...compose.step import Cells, Choice
from ...compose.symmetry import Symmetry
from ...compose.trace import Trace
from ..simplest import Found, simplest
from .cone import Cone

if TYPE_CHECKING:
    from .engine import Engine

_MANY = 5000
"""Normal forms from which on only one way to a problem is made real: it is a shortest one, if not the simplest."""


def lifted(engine: Engine, symmetry: Symmetry) -> tuple[Problem, Trace]:
    """The simplest of the shortest real ways to what `engine` found wrong, and the problem that it shows.

    Raises:
        RuntimeError: there is none, because permutations do not do to states what they should.
    """
    found = [(row, engine.depth_of(row), last is not None) for row, last in engine.found]
    shortest = min(depth + in_step for _, depth, in_step in found)
    nearest = [one for one in found if one[1] + one[2] == shortest]
    layers = _layers(Cone(engine), {row: depth for row, depth, _ in nearest})
    ways = _Ways(engine, [_Orbits(symmetry, [engine.state(row) for row in rows]) for rows in layers])
    ends = dict.fromkeys((depth, in_step) for _, depth, in_step in nearest)
    wrong = [one for end in ends for one in ways.problems(*end)]
    if not wrong:
        raise RuntimeError("a violation of normal forms is none of real states: the reduction by symmetry is wrong")
    return simplest(wrong, ways.parents)


def _layers(cone: Cone, found: dict[int, int]) -> list[set[int]]:
    """The rows on the ways to those of `found` (row -> depth), by depth; those of one way if there are very many."""
    layers = _trace_back(cone, found, thin=False)
    if sum(map(len, layers)) <= _MANY:
        return layers
    row = min(found)
    return _trace_back(cone, {row: found[row]}, thin=True)


def _trace_back(cone: Cone, found: dict[int, int], thin: bool) -> list[set[int]]:
    layers: list[set[int]] = [set() for _ in range(max(found.values()) + 1)]
    for row, depth in found.items():
        layers[depth].add(row)
    for depth in range(len(layers) - 1, 0, -1):
        for row in layers[depth]:
            parents = [parent for parent, _ in cone.parents(row)]
            layers[depth - 1].update(parents[:1] if thin else parents)
    return layers


class _Orbits:
    """Whether a state is in the orbit of one of some normal forms."""

    def __init__(self, symmetry: Symmetry, forms: list[Cells]) -> None:
        self._symmetry, self._forms = symmetry, set(forms)
        self._alike: dict[object, list[Cells]] = {}
        for form in forms:
            self._alike.setdefault(symmetry.shape(form), []).append(form)

    def __contains__(self, state: Cells) -> bool:
        if self._symmetry.normal_form(state) in self._forms:
            return True
        return any(self._symmetry.same_orbit(state, form) for form in self._alike.get(self._symmetry.shape(state), []))


class _Ways:
    """The real states of a list of orbits, one set of orbits a step, and the edges between them."""

    def __init__(self, engine: Engine, layers: list[_Orbits]) -> None:
        self._engine = engine
        self._parents: dict[tuple[int, Cells], list[tuple[tuple[int, Cells], Choice]]] = {}
        self._layers: list[list[Cells]] = [[engine.model.initial()]]
        for orbits in layers[1:]:
            self._layers.append(self._next(orbits))

    def _next(self, orbits: _Orbits) -> list[Cells]:
        depth = len(self._layers)
        reached: dict[Cells, bool] = {}
        for state in self._layers[-1]:
            for step in self._engine.learned(state):
                if step.state is None:
                    continue
                if step.state not in reached:
                    reached[step.state] = step.state in orbits
                if reached[step.state]:
                    edge = (depth - 1, state), step.choice
                    self._parents.setdefault((depth, step.state), []).append(edge)
        return [state for state, kept in reached.items() if kept]

    def parents(self, at: tuple[int, Cells]) -> list[tuple[tuple[int, Cells], Choice]]:
        """The edges into a state from the layer before."""
        return self._parents.get(at, [])

    def problems(self, depth: int, in_step: bool) -> Iterator[Found[tuple[int, Cells]]]:
        """What is wrong with the states of a layer, or with steps out of them."""
        judge = self._engine.judge
        for state in self._layers[depth]:
            steps = self._engine.learned(state)
            if in_step:
                wrong = [(judge.step(step), step.choice) for step in steps]
                yield from (Found(problem, (depth, state), choice, depth) for problem, choice in wrong if problem)
            elif problem := judge.state(state) or judge.expansion(state, steps):
                yield Found(problem, (depth, state), None, depth)
