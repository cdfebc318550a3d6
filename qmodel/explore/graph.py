"""The explored graph as arrays: what cycles are looked for on, however it was explored.

A graph is complete: it has every state that can be reached and every step out of it.  One with a bound has neither,
and its cycles and its ends say nothing about runs; that is why `reach` takes no limits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..compose.model import Model
from ..compose.step import Cells, Choice
from .learn import LearnedFunction, LearnedSteps, Taught

Mask = NDArray[np.bool_]
Indices = NDArray[np.int32]

_TOLD = 4096
"""After how many states a caller is told how many there are."""


@dataclass(frozen=True)
class Action:
    """What an edge stands for; edges that are alike in all of this share one.

    Attributes:
        kind: the process that took the step; level: how many calls were on its thread's stack.
        reliable: false for a spurious wake-up or a timeout beside a wait.
        raises: slots of the levels of notifiers that it sets; polls: those that it looked at, by `any_of`.
    """

    choice: Choice
    kind: type
    level: int
    reliable: bool = True
    raises: frozenset[int] = frozenset()
    polls: frozenset[int] = frozenset()


@dataclass(frozen=True, eq=False)
class Graph:
    """Every reachable state and every step, n states and m edges; state 0 is the initial one.

    Attributes:
        depth: int32[n], length of the shortest path from the initial state.
        source, target: int32[m], states; edges are sorted by source, then as `Model.steps` orders them.
        action: int32[m], index into `actions`.
        state: the cells of a state, by its index.
        holds: bool[n], a predicate of a state's cells in each state.
    """

    depth: Indices
    source: Indices
    target: Indices
    action: Indices
    actions: tuple[Action, ...]
    state: Callable[[int], Cells]
    holds: Callable[[Callable[[list[int]], bool]], Mask]

    @property
    def states(self) -> int:
        return len(self.depth)

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """int64[n + 1]: the edges out of state i are `first[i]` to `first[i + 1] - 1`."""
        return np.searchsorted(self.source, np.arange(self.states + 1))

    def edges(self, chosen: Iterable[bool]) -> Mask:
        """bool[m]: the edges whose action is chosen; `chosen` says it for each of `actions`."""
        return np.fromiter(chosen, np.bool_, len(self.actions))[self.action]

    def sources(self, edges: Mask) -> Mask:
        """bool[n]: the states out of which one of `edges` (bool[m]) leads."""
        found = np.zeros(self.states, np.bool_)
        found[self.source[edges]] = True
        return found

    def out_of(self, states: NDArray[np.integer]) -> NDArray[np.int64]:
        """Indices of the edges out of `states` (indices), in order."""
        begin = self.first[states]
        count = self.first[np.asarray(states) + 1] - begin
        ends = np.cumsum(count)
        place = np.arange(int(ends[-1]) if len(ends) else 0)
        found: NDArray[np.int64] = place + np.repeat(begin - (ends - count), count)
        return found


def reach(model: Model, told: Callable[[int], None] | None = None) -> Graph:
    """The graph of a model in which no step breaks a rule, explored breadth first by the reference steps.

    Args:
        told: called now and then with the number of states so far.

    Raises:
        ValueError: a step breaks a rule; the graph ends there, and cycles mean nothing before safety holds.
    """
    found = _Growing(model)
    found.add(model.initial(), 0)
    for source, state in enumerate(found.states):
        if told and not source % _TOLD:
            told(len(found.states))
        found.expand(source, state, everything=True)
    return found.graph()


def around(model: Model, states: Iterable[Cells]) -> Graph:
    """Only `states` and every step out of them; an edge to any other state has target -1, and depths are 0."""
    found = _Growing(model)
    for state in states:
        found.add(state, 0)
    for source, state in enumerate(found.states):
        found.expand(source, state, everything=False)
    return found.graph()


@dataclass
class _Growing:
    """A graph while it is explored."""

    model: Model
    states: list[Cells] = field(default_factory=list)
    index: dict[Cells, int] = field(default_factory=dict)
    depths: list[int] = field(default_factory=list)
    source: list[int] = field(default_factory=list)
    target: list[int] = field(default_factory=list)
    action: list[int] = field(default_factory=list)
    actions: dict[Action, int] = field(default_factory=dict)
    taught: dict[int, int] = field(default_factory=dict)
    """The action of each step that was taught, by its identity: the trees keep it, so that is not used again."""

    def __post_init__(self) -> None:
        self.steps = LearnedSteps(self.model)

    def add(self, state: Cells, depth: int) -> int:
        """The index of `state`, new or known."""
        found = self.index.setdefault(state, len(self.states))
        if found == len(self.states):
            self.states.append(state)
            self.depths.append(depth)
        return found

    def expand(self, source: int, state: Cells, *, everything: bool) -> None:
        """Add the edges out of `state`, and with `everything` the states that they lead to."""
        for taught in self.steps.taught(state):
            step, effect = taught
            if effect is None:
                raise ValueError(f"{self.model.describe(step.choice)} breaks a rule: {step.error}")
            reached = effect(state)
            self.source.append(source)
            self.target.append(
                self.add(reached, self.depths[source] + 1) if everything else self.index.get(reached, -1)
            )
            self.action.append(self._action(state, taught))

    def _action(self, state: Cells, taught: Taught) -> int:
        known = self.taught.get(id(taught))
        if known is None:
            action = action_of(self.model, state, taught)
            known = self.taught[id(taught)] = self.actions.setdefault(action, len(self.actions))
        return known

    def graph(self) -> Graph:
        """What was found, as arrays."""
        states = self.states

        def holds(predicate: Callable[[list[int]], bool]) -> Mask:
            learned = LearnedFunction(predicate)
            return np.fromiter(map(learned, states), np.bool_, len(states))

        columns = self.depths, self.source, self.target, self.action
        depth, source, target, action = (np.array(column, np.int32) for column in columns)
        return Graph(depth, source, target, action, tuple(self.actions), states.__getitem__, holds)


def action_of(model: Model, state: Cells, taught: Taught) -> Action:
    """The action of a step that was taught in `state`."""
    step, effect = taught
    thread = step.choice.thread
    kind, _ = model.layout.pcs[model.pc(state, thread) - 1]
    raises = frozenset(slot for slot, value in (effect.writes if effect else ()) if value and slot in model.levels)
    level = state[model.layout.stacks[thread][0]]
    return Action(step.choice, kind, level, step.reliable, raises, model.watched(state, step.choice))
