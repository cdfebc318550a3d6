"""The last stage of shrinking: a search near the trace that Hypothesis shrank.

Hypothesis deletes and lowers choices one place at a time; it cannot move a step past another one and drop a third at
once.  This stage can.  It searches, breadth first, the runs that take only steps which the trace takes (the same
thread, arrow and picks, in any order and number) or that lead where a walk has been; then the runs with one other
step, with two, and so on, until a number of states is used up.  (Limited discrepancy search: Harvey and Ginsberg,
IJCAI 1995.)  In a small scope it ends because no step is left to add, and the trace is the shortest there is; in a
large one it stays near the trace.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..compose.model import Model
from ..compose.result import Problem
from ..compose.step import Cells, Choice
from ..compose.trace import Trace, Way, extend
from .walk import Atlas

_Failure = tuple[tuple[Choice, ...], Problem]


@dataclass(frozen=True)
class Shortened:
    """A trace and its problem; `shortest` if there is no shorter one at all."""

    trace: Trace
    problem: Problem
    shortest: bool = False


def straightened(model: Model, trace: Trace) -> Trace:
    """`trace` without the steps between two visits to the same state."""
    states = [state for state, _ in trace.replay(model)]
    last = {state: place for place, state in enumerate(states)}
    kept, place = [], 0
    while place < len(states):
        place = last[states[place]]
        kept.append(trace.choices[place])
        place += 1
    return Trace(tuple(kept))


@dataclass
class _Place:
    """A state in a layer: how many other steps led there, and for each last thread the simplest way."""

    detours: int
    ways: dict[int, Way] = field(default_factory=dict)


def shorten(atlas: Atlas, trace: Trace, problem: Problem, budget: int) -> Shortened:
    """The simplest trace near `trace` that breaks the same rule; each search visits at most `budget` states."""
    best, walked = Shortened(trace, problem), atlas.remembered
    for detours in range(len(trace) + 1):
        search = _Search(atlas, frozenset(trace.choices), walked, detours, budget)
        found = search.run(best)
        if found is None:
            return best
        best = found
        if not search.refused:
            return replace(best, shortest=True)
    return best


@dataclass
class _Search:
    """One search with at most `detours` steps that are not in `alphabet` and do not lead into `walked`."""

    atlas: Atlas
    alphabet: frozenset[Choice]
    walked: frozenset[Cells]
    detours: int
    budget: int
    refused: bool = False

    def run(self, best: Shortened) -> Shortened | None:
        """The simplest failure that is no less simple than `best`; None if the budget does not suffice."""
        start = self.atlas.model.initial()
        layer = {start: _Place(0, {-1: (0, ())})}
        least = {start: 0}
        for _ in range(len(best.trace)):
            layer, failures = self._advance(layer, least)
            least.update((state, place.detours) for state, place in layer.items())
            failures += self._failing(layer)
            same = [(Trace(way), wrong) for way, wrong in failures if wrong.rule == best.problem.rule]
            if same:
                trace, problem = min([(best.trace, best.problem), *same], key=lambda found: found[0].simplicity)
                return Shortened(trace, problem)
            if len(least) > self.budget:
                return None
        return best

    def _advance(
        self, layer: dict[Cells, _Place], least: dict[Cells, int]
    ) -> tuple[dict[Cells, _Place], list[_Failure]]:
        """The places one step behind `layer` that are new, or nearer than before; and the steps that break a rule."""
        following: dict[Cells, _Place] = {}
        failures: list[_Failure] = []
        for state, place in layer.items():
            prospect = self.atlas.look(state)
            if prospect.problem is not None:
                continue
            for step, wrong in zip(prospect.steps, prospect.outcomes, strict=True):
                way = min(extend(way, step.choice) for way in place.ways.values())
                if wrong is not None:
                    failures.append((way[1], wrong))
                    continue
                assert step.state is not None
                detours = place.detours + self._is_detour(step.choice, step.state)
                self.refused |= detours > self.detours
                if detours <= self.detours and detours < least.get(step.state, self.detours + 1):
                    _arrive(following, step.state, detours, step.choice.thread, way)
        return following, failures

    def _is_detour(self, choice: Choice, target: Cells) -> bool:
        return choice not in self.alphabet and target not in self.walked

    def _failing(self, layer: dict[Cells, _Place]) -> list[_Failure]:
        """The ways into states of `layer` that show a problem by themselves."""
        found: list[_Failure] = []
        for state, place in layer.items():
            problem = self.atlas.look(state).problem
            if problem is not None:
                found += [(choices, problem) for _, choices in place.ways.values()]
        return found


def _arrive(layer: dict[Cells, _Place], state: Cells, detours: int, thread: int, way: Way) -> None:
    place = layer.get(state)
    if place is None or detours < place.detours:
        place = layer[state] = _Place(detours)
    if detours == place.detours:
        place.ways[thread] = min(way, place.ways.get(thread, way))
