"""The reference explorer: breadth first, in plain Python, short enough to be obviously right.

Every other way to search is tested against its counts and its traces.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ..compose.model import Model
from ..compose.result import INTERRUPTED, Coverage, Result, Verdict
from ..compose.step import Cells, Choice, Step
from .judge import Judge
from .learn import LearnedSteps
from .limits import NEVER, Limits, Progress
from .simplest import Found, simplest


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
    found: list[Found[Cells]] = field(default_factory=list)

    def expand(self, state: Cells, depth: int) -> Iterator[Cells]:
        """Visit the steps out of `state`; yield the states that are new."""
        steps = self.steps(state)
        problem = self.judge.expansion(state, steps)
        if problem is not None:
            self.found.append(Found(problem, state, None, depth))
        elif self.judge.is_rest(steps):
            self.coverage.at_rest += 1
        for step in steps:
            self.transitions += 1
            self._cover(state, step)
            if step.state is None:
                wrong = self.judge.step(step)
                assert wrong is not None
                self.found.append(Found(wrong, state, step.choice, depth))
                continue
            seen = self.depths.get(step.state)
            if seen is None:
                self.depths[step.state] = depth + 1
                self.parents[step.state] = [(state, step.choice)]
                wrong = self.judge.state(step.state)
                if wrong is not None:
                    self.found.append(Found(wrong, step.state, None, depth + 1))
                yield step.state
            elif seen == depth + 1:
                self.parents[step.state].append((state, step.choice))

    def _cover(self, state: Cells, step: Step) -> None:
        kind, _ = self.model.layout.pcs[self.model.pc(state, step.choice.thread) - 1]
        key = (kind, step.choice.arrow)
        self.coverage.steps[key] += 1
        for moved, arrow, _ in step.moves:
            self.coverage.movers.setdefault((moved, arrow), set()).add(key)


def explore(
    model: Model,
    limits: Limits = NEVER,
    progress: Callable[[Progress], None] | None = None,
    steps: Callable[[Cells], list[Step]] | None = None,
    judge: Judge | None = None,
) -> Result:
    """Search every interleaving of `model`, breadth first.

    Args:
        steps: where the steps out of a state come from; `model.steps` runs the Python of every step in every state,
            by default that is done once for each situation (`LearnedSteps`).
        judge: who judges states, by the system's properties by default.

    Returns: HOLDS if all states were visited and nothing is wrong; VIOLATED with the simplest trace, as soon as a
    layer shows a problem; INCONCLUSIVE if a limit or Ctrl-C came first.
    """
    started = time.monotonic()
    search = _Search(model, judge or Judge(model), steps or LearnedSteps(model))
    start = model.initial()
    search.depths[start] = 0
    depth, layer, stopped = 0, [start], ""
    wrong = search.judge.state(start)
    if wrong is not None:
        search.found.append(Found(wrong, start, None, 0))
    try:
        while layer and not search.found and not stopped:
            following: list[Cells] = []
            for count, state in enumerate(layer):
                if not count % 256:
                    stopped = limits.reached(len(search.depths), depth, started)
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


def _result(search: _Search, depth: int, stopped: str, seconds: float) -> Result:
    problem, trace, verdict = None, None, Verdict.HOLDS
    if search.found:
        problem, trace = simplest(search.found, lambda state: search.parents.get(state, []))
        verdict = Verdict.VIOLATED
    elif stopped:
        verdict = Verdict.INCONCLUSIVE
    return Result(
        search.model, verdict, len(search.depths), search.transitions, depth, seconds, problem, trace, stopped,
        search.coverage,
    )  # fmt: skip
