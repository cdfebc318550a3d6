"""Walks: one run of a model, its schedule drawn by Hypothesis.

The encoding decides what is found and what shrinks well:

* One draw a step, forced steps included, so that Hypothesis' "fewer choices" is our "fewer steps".
* The smallest number is the simplest option: the thread that ran goes on, along its first arrow.
  Hypothesis' "smaller choices" is then our "fewer context switches, then lexicographic".
* A thread keeps running until it blocks; it is preempted rarely, and how rarely is drawn once a walk (few preemptions
  find most races: Burckhardt et al., "A randomized scheduler with probabilistic guarantees", ASPLOS 2010).
* A spurious wake-up and a timeout count as preemptions: possible, never what happens if nobody insists.
* A step that breaks a rule is taken as soon as it is possible.  It ends the walk, so nothing is lost by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from ..compose.model import Model
from ..compose.result import Coverage, Problem
from ..compose.step import Cells, Step
from ..compose.trace import Trace
from .judge import Judge

Draw = Callable[[st.SearchStrategy[Any]], Any]

_RANGE = 64
_PREEMPTIONS = (1, 2, 4, 8)
"""How many preemptions a walk may have; which of these it is is drawn first."""
_PATIENCE = (60, 56, 48, 32)
"""Of `_RANGE` values, how many let the running thread go on; drawn once as well."""

_FAR = 40_000
"""Added to each number that is drawn.  Hypothesis mixes in integers from the source of whatever is imported; a range
without any keeps a seed's result from depending on that."""


def _below(count: int) -> st.SearchStrategy[int]:
    return st.integers(_FAR, _FAR + count - 1)


_DRAW = _below(_RANGE)
_DRAW_FORCED = _below(1)
_DRAW_PREEMPTIONS = _below(len(_PREEMPTIONS))
_DRAW_PATIENCE = _below(len(_PATIENCE))

WALKS = 5
"""How many walks an example makes."""

_REMEMBERED = 100_000
"""States whose steps are kept; at about 2 kB each."""


@dataclass(frozen=True)
class Prospect:
    """A state as a walk sees it: its steps, what is wrong with it, and what is wrong with each of its steps."""

    steps: tuple[Step, ...]
    problem: Problem | None
    at_rest: bool
    outcomes: tuple[Problem | None, ...]

    def failing(self, rule: str | None) -> tuple[Step, Problem] | None:
        """The first step that breaks `rule` (any, if None)."""
        for step, problem in zip(self.steps, self.outcomes, strict=True):
            if problem is not None and rule in (None, problem.rule):
                return step, problem
        return None

    def options(self, running: int) -> tuple[list[Step], list[Step]]:
        """The steps that are taken without a preemption of the thread `running`, and the others."""
        sure = [s for s in self.steps if s.reliable]
        first = [s for s in sure if s.choice.thread == running] or sure or list(self.steps)
        return first, [s for s in self.steps if s not in first]


class Atlas:
    """What all walks over a model have seen of it; each state is judged once."""

    def __init__(self, model: Model, judge: Judge | None = None) -> None:
        self.model = model
        self.judge = judge or Judge(model)
        self.coverage = Coverage()
        self._known: dict[Cells, Prospect] = {}
        self._seen: set[int] = set()

    @property
    def states(self) -> int:
        """How many different states were looked at."""
        return len(self._seen)

    @property
    def remembered(self) -> frozenset[Cells]:
        """The states that were looked at; only the last ones, if there are very many."""
        return frozenset(self._known)

    def look(self, state: Cells) -> Prospect:
        """The prospect from `state`, judged together with every state that is one step away."""
        known = self._known.get(state)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[state] = self._judge(state)
            self._seen.add(hash(state))
        return known

    def _judge(self, state: Cells) -> Prospect:
        steps = self.model.steps(state)
        outcomes = (self.judge.step(s) if s.state is None else self.judge.state(s.state) for s in steps)
        return Prospect(tuple(steps), self.judge.expansion(state, steps), self.judge.is_rest(steps), tuple(outcomes))

    def cover(self, state: Cells, step: Step) -> None:
        """Remember that `step` was taken out of `state`."""
        kind, _ = self.model.layout.pcs[self.model.pc(state, step.choice.thread) - 1]
        self.coverage.steps[kind, step.choice.arrow] += 1


@dataclass(frozen=True)
class Walk:
    """A run from the initial state, what was wrong where it ended, if anything, and the numbers it was drawn from."""

    trace: Trace
    problem: Problem | None
    numbers: tuple[int, ...] = ()


@dataclass
class Wanted:
    """The rule whose violation is being shrunk; None while any will do."""

    rule: str | None = None


class _Scheduler:
    """Turns numbers that Hypothesis draws into steps."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self.numbers: list[int] = []
        self._preemptions = _PREEMPTIONS[self._number(_DRAW_PREEMPTIONS)]
        self._patience = _PATIENCE[self._number(_DRAW_PATIENCE)]
        self._running = -1

    def _number(self, strategy: st.SearchStrategy[int]) -> int:
        self.numbers.append(self._draw(strategy))
        return self.numbers[-1] - _FAR

    def pick(self, prospect: Prospect) -> Step:
        step = self._drawn(prospect)
        self._running = step.choice.thread
        return step

    def _drawn(self, prospect: Prospect) -> Step:
        if len(prospect.steps) == 1:
            self._number(_DRAW_FORCED)
            return prospect.steps[0]
        value = self._number(_DRAW)
        first, others = prospect.options(self._running)
        if not (others and self._preemptions and value >= self._patience):
            return first[value % len(first)]
        self._preemptions -= 1
        return others[(value - self._patience) % len(others)]


@st.composite
def walks(draw: Draw, atlas: Atlas, limit: int, wanted: Wanted) -> Walk:
    """Walks of at most `limit` steps; each ends at its first problem, of the wanted rule if there is a choice."""
    taken: list[Step] = []
    scheduler = _Scheduler(draw)
    state = atlas.model.initial()
    problem = atlas.judge.state(state)
    while problem is None and len(taken) < limit:
        prospect = atlas.look(state)
        problem = prospect.problem
        if problem is not None or not prospect.steps:
            break
        failing = prospect.failing(wanted.rule)
        step = failing[0] if failing else scheduler.pick(prospect)
        problem = prospect.outcomes[prospect.steps.index(step)]
        atlas.cover(state, step)
        taken.append(step)
        state = step.state or state
    return Walk(Trace(tuple(step.choice for step in taken)), problem, tuple(scheduler.numbers))


@st.composite
def several_walks(draw: Draw, atlas: Atlas, limit: int) -> Walk:
    """The last of up to `WALKS` walks; a problem ends them.

    One example makes several because most walks come to rest long before an example is too large for Hypothesis, and
    because Hypothesis spends five of six examples on variations of the one before.
    """
    walk = Walk(Trace(()), None)
    for _ in range(WALKS):
        walk = draw(walks(atlas, limit, Wanted()))
        if walk.problem is not None:
            break
    return walk
