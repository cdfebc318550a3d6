"""The reference explorer: breadth first, in plain Python, short enough to be obviously right.

Every other way to search is tested against its counts and its traces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..compose.model import Model
from ..compose.properties import Property
from ..compose.result import INTERRUPTED, Coverage, Problem, Result, Verdict
from ..compose.step import Cells, Choice, Step
from ..compose.trace import Trace, Way, extend
from .judge import Judge
from .learn import LearnedSteps


@dataclass(frozen=True)
class Limits:
    """When to give up; None is never."""

    states: int | None = None
    depth: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Progress:
    """How far a search is."""

    states: int
    transitions: int
    depth: int
    frontier: int
    seconds: float


@dataclass
class _Found:
    """A problem, where it shows: in the state `at`, or in the last step out of it."""

    problem: Problem
    at: Cells
    last: Choice | None


@dataclass
class _Search:
    """The reached part of the graph: for each state its depth and its edges from the layer before."""

    model: Model
    judge: Judge
    steps: Callable[[Cells], list[Step]]
    depths: dict[Cells, int] = field(default_factory=dict)
    parents: dict[Cells, list[tuple[Cells, Choice]]] = field(default_factory=dict)
    transitions: int = 0
    coverage: Coverage = field(default_factory=Coverage)
    found: list[_Found] = field(default_factory=list)

    def expand(self, state: Cells, depth: int) -> Iterator[Cells]:
        """Visit the steps out of `state`; yield the states that are new."""
        steps = self.steps(state)
        problem = self.judge.expansion(state, steps)
        if problem is not None:
            self.found.append(_Found(problem, state, None))
        elif self.judge.is_rest(steps):
            self.coverage.at_rest += 1
        for step in steps:
            self.transitions += 1
            self._cover(state, step)
            if step.state is None:
                wrong = self.judge.step(step)
                assert wrong is not None
                self.found.append(_Found(wrong, state, step.choice))
                continue
            seen = self.depths.get(step.state)
            if seen is None:
                self.depths[step.state] = depth + 1
                self.parents[step.state] = [(state, step.choice)]
                wrong = self.judge.state(step.state)
                if wrong is not None:
                    self.found.append(_Found(wrong, state, step.choice))
                yield step.state
            elif seen == depth + 1:
                self.parents[step.state].append((state, step.choice))

    def _cover(self, state: Cells, step: Step) -> None:
        kind, _ = self.model.layout.pcs[self.model.pc(state, step.choice.thread) - 1]
        key = (kind, step.choice.arrow)
        self.coverage.steps[key] += 1
        for moved, arrow, _ in step.moves:
            self.coverage.movers.setdefault((moved, arrow), set()).add(key)

    def simplest(self) -> tuple[Problem, Trace]:
        """Of all shortest ways to all problems found, the simplest."""
        best: tuple[Problem, Trace] | None = None
        shortest = min(self.depths[f.at] + (f.last is not None) for f in self.found)
        for found in self.found:
            if self.depths[found.at] + (found.last is not None) > shortest:
                continue
            trace = self._simplest_to(found.at, found.last)
            if best is None or trace.simplicity < best[1].simplicity:
                best = (found.problem, trace)
        assert best is not None
        return best

    def _simplest_to(self, state: Cells, last: Choice | None) -> Trace:
        """Fewest switches among the shortest paths to `state` and then along `last`.

        Walks the layers between the initial state and `state` forwards, keeping for each state and each last thread
        the best prefix.
        """
        layers = [{state}]
        while any(self.depths[s] for s in layers[-1]):
            layers.append({parent for s in layers[-1] for parent, _ in self.parents[s]})
        best: dict[Cells, dict[int, Way]] = {s: {-1: (0, ())} for s in layers[-1]}
        for layer in reversed(layers[:-1]):
            best = {s: self._best_prefixes(s, best) for s in layer}
        prefixes = best[state].values()
        if last is not None:
            prefixes_with_last = [extend(prefix, last) for prefix in prefixes]
            return Trace(min(prefixes_with_last)[1])
        return Trace(min(prefixes)[1])

    def _best_prefixes(self, state: Cells, best: dict[Cells, dict[int, Way]]) -> dict[int, Way]:
        found: dict[int, Way] = {}
        for parent, choice in self.parents[state]:
            for prefix in best.get(parent, {}).values():
                longer = extend(prefix, choice)
                if choice.thread not in found or longer < found[choice.thread]:
                    found[choice.thread] = longer
        return found


def explore(
    model: Model,
    limits: Limits = Limits(),
    progress: Callable[[Progress], None] | None = None,
    steps: Callable[[Cells], list[Step]] | None = None,
    properties: Sequence[Property] | None = None,
) -> Result:
    """Search every interleaving of `model`, breadth first.

    Args:
        steps: where the steps out of a state come from; `model.steps` runs the Python of every step in every state,
            by default that is done once for each situation (`LearnedSteps`).
        properties: those to judge states by; the system's by default.

    Returns: HOLDS if all states were visited and nothing is wrong; VIOLATED with the simplest trace, as soon as a
    layer shows a problem; INCONCLUSIVE if a limit or Ctrl-C came first.
    """
    started = time.monotonic()
    search = _Search(model, Judge(model, properties), steps or LearnedSteps(model))
    start = model.initial()
    search.depths[start] = 0
    depth, layer, stopped = 0, [start], ""
    wrong = search.judge.state(start)
    if wrong is not None:
        search.found.append(_Found(wrong, start, None))
    try:
        while layer and not search.found and not stopped:
            following: list[Cells] = []
            for count, state in enumerate(layer):
                if not count % 256:
                    stopped = _reached(limits, search, depth, started)
                    if stopped:
                        break
                    if progress:
                        progress(Progress(len(search.depths), search.transitions, depth, len(layer), _since(started)))
                following += search.expand(state, depth)
            layer, depth = following, depth + bool(following)
    except KeyboardInterrupt:
        stopped = INTERRUPTED
    return _result(search, depth, stopped, _since(started))


def _since(started: float) -> float:
    return time.monotonic() - started


def _reached(limits: Limits, search: _Search, depth: int, started: float) -> str:
    if limits.states is not None and len(search.depths) >= limits.states:
        return f"the limit of {limits.states} states was reached"
    if limits.depth is not None and depth >= limits.depth:
        return f"the limit of depth {limits.depth} was reached"
    if limits.seconds is not None and _since(started) >= limits.seconds:
        return f"the limit of {limits.seconds:g} seconds was reached"
    return ""


def _result(search: _Search, depth: int, stopped: str, seconds: float) -> Result:
    problem, trace, verdict = None, None, Verdict.HOLDS
    if search.found:
        problem, trace = search.simplest()
        verdict = Verdict.VIOLATED
    elif stopped:
        verdict = Verdict.INCONCLUSIVE
    return Result(
        search.model, verdict, len(search.depths), search.transitions, depth, seconds, problem, trace, stopped,
        search.coverage,
    )  # fmt: skip
