"""Lessons over components: what a thread does, in terms of the numbers that a packed state holds.

`LearnedSteps` learns over slots, from Python.  Here each of its lessons is specialised to the components that it
looks at, the thread's own stack first.  What a step reads is then one number, and what it writes is one number.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from ...compose.model import Model
from ...compose.pointers import Freed
from ...compose.questions import Question
from ...compose.step import Cells, Step
from ..judge import Judge
from ..learn import Effect, LearnedFunction, LearnedSteps, Node, Taught
from .components import Codes, Components

T = TypeVar("T")

Path = tuple[tuple[int, int], ...]
"""Components that were looked at, in order, each with the number found there."""


Track = tuple[tuple[Hashable, int, int], ...]
"""The same, each with a name of the place in the walk: walks that meet in a place go on as one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One step of a situation.

    Attributes:
        writes: components that it changes, with their new numbers.
        freed: index of each object that it frees (into `Situations.frees`).
        touched: components whose new number is known from the situation: the pointers in all others are worked out.
    """

    taught: Taught
    writes: Path
    freed: tuple[int, ...]
    touched: frozenset[int]

    @property
    def step(self) -> Step:
        """The step as it was taught."""
        return self.taught[0]


@dataclass(frozen=True, slots=True)
class Situation:
    """What a thread sees that decides about its steps, and these steps.

    Attributes:
        touched, changed: components that it looks at or changes, but for the stacks of threads of which it only asks
            whether they run, or which it starts.
    """

    thread: int
    path: Path
    outcomes: tuple[Outcome, ...]
    touched: frozenset[int]
    changed: frozenset[int]

    @property
    def track(self) -> Track:
        """The path; no two of them meet, since what a step writes depends on all that it looked at."""
        return tuple(((self.thread, self.path[:place]), *at) for place, at in enumerate(self.path))


class Situations:
    """Teaches situations of threads, claims about states, and what a free does to other components."""

    def __init__(self, model: Model, learned: LearnedSteps, judge: Judge) -> None:
        self.model, self.judge = model, judge
        self.components = Components(model.layout)
        self.frees: list[Freed] = []
        self._learned = learned
        self._free_numbers: dict[Freed, int] = {}
        self._cells = [0] * self.components.width
        self._depths = {places[0] for places in model.layout.stacks}

    # -- steps -------------------------------------------------------------------------------------

    def of_thread(self, codes: Codes, thread: int) -> Situation:
        """The situation of `thread` in the state `codes`; without outcomes if it is not running."""
        state = self.components.decode(codes)
        stack = self.components.of_thread[thread]
        if not state[self.model.layout.stacks[thread][0]]:
            return Situation(thread, ((stack, codes[stack]),), (), frozenset(), frozenset())
        lesson = self._learned.lesson(state, thread)
        nodes = self._learned.tree(state, thread).path(state)
        touched = {stack} | {self.part_of(node) for node in nodes if node.key not in self._depths}
        looked = dict.fromkeys([stack, *map(self.part_of, nodes)])
        for _, effect in lesson.steps:
            self._look_at_rest(looked, effect)
        outcomes = tuple(self._outcome(state, codes, taught, looked) for taught in lesson.steps)
        path = tuple((part, codes[part]) for part in looked)
        written = {part for outcome in outcomes for part, _ in outcome.writes}
        changed = frozenset(written - {self.components.of_thread[other] for other in self._idle(state)})
        return Situation(thread, path, outcomes, changed | touched, changed)

    def _idle(self, state: Cells) -> list[int]:
        """The threads that do not run in `state`."""
        return [thread for thread, places in enumerate(self.model.layout.stacks) if not state[places[0]]]

    def ends(self, situation: Situation) -> bool:
        """Whether one of the steps ends the thread."""
        stack = self.components.of_thread[situation.thread]
        values = self.components.parts[stack].values
        return any(not values[code][0] for o in situation.outcomes for part, code in o.writes if part == stack)

    def pc(self, thread: int, path: Path) -> int:
        """Where a thread stands that has looked at `path`: index + 1 into `Layout.pcs`; 0 if it is not running."""
        (stack, code), places = path[0], self.model.layout.stacks[thread]
        value = self.components.parts[stack].values[code]
        return value[places[value[0]] - places[0]] if value[0] else 0

    def part_of(self, node: Node) -> int:
        """The component that a node of a learned tree looks at."""
        return self.components.of_slot[node.key if isinstance(node.key, int) else node.key.slot]

    def _look_at_rest(self, looked: dict[int, None], effect: Effect | None) -> None:
        """A component that is written in part keeps its other slots: these must be known."""
        for part, slots in self._written(effect).items():
            if part not in looked and len(slots) < len(self.components.parts[part].slots):
                looked[part] = None

    def _written(self, effect: Effect | None) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for slot, _ in effect.writes if effect else ():
            found.setdefault(self.components.of_slot[slot], []).append(slot)
        return found

    def _outcome(self, state: Cells, codes: Codes, taught: Taught, looked: dict[int, None]) -> Outcome:
        effect = taught[1]
        if effect is None:
            return Outcome(taught, (), (), frozenset())
        after = effect(state)
        touched = frozenset([*looked, *self._written(effect)])
        news = [(part, self.components.parts[part].of(after)) for part in sorted(touched)]
        writes = tuple((part, code) for part, code in news if part not in looked or code != codes[part])
        return Outcome(taught, writes, tuple(map(self._free_number, effect.freed)), touched)

    def example(self, situation: Situation) -> Cells:
        """A state in which `situation` is met; what it does not look at is zero."""
        cells = [0] * self.components.width
        for part, code in situation.path:
            component = self.components.parts[part]
            for slot, value in zip(component.slots, component.values[code], strict=True):
                cells[slot] = value
        return tuple(cells)

    # -- frees -------------------------------------------------------------------------------------

    def _free_number(self, freed: Freed) -> int:
        if freed not in self._free_numbers:
            self._free_numbers[freed] = len(self.frees)
            self.frees.append(freed)
        return self._free_numbers[freed]

    def pointing(self, free: int) -> list[int]:
        """The components that can hold a pointer to what `free` frees."""
        freed, components = self.frees[free], self.components
        found = {components.of_slot[slot] for slot in freed.in_objects}
        found |= {
            components.of_thread[thread]
            for thread, kinds in enumerate(self.model.layout.reach)
            if any(freed.in_frames[kind] for kind in kinds)
        }
        return sorted(found)

    def image(self, free: int, part: int, code: int) -> int:
        """What becomes of the number `code` of a component when its pointers to the freed object dangle."""
        component, freed = self.components.parts[part], self.frees[free]
        cells = [0] * self.components.width
        for slot, value in zip(component.slots, component.values[code], strict=True):
            cells[slot] = value
        freed.poison(cells)
        return component.of(cells)

    # -- claims ------------------------------------------------------------------------------------

    def of_function(self, codes: Codes, function: LearnedFunction[T]) -> tuple[Track, T, list[Node]]:
        """How `function` comes to its value in the state `codes`, the value, and all that it looks at.

        Two walks that pass the same node of the learned tree go on alike, whatever they passed before.  So that node,
        where a component is looked at after another one, is the place to meet.
        """
        state = self.components.decode(codes)
        value = function(state)
        track: list[tuple[Hashable, int, int]] = []
        nodes = function.path(state)
        for node in nodes:
            part = self.part_of(node)
            if not track or track[-1][1] != part:
                track.append((node, part, codes[part]))
        return tuple(track), value, nodes

    def follow(self, node: Node, part: int, code: int) -> tuple[Any, list[Node]]:
        """Where the walk goes on that comes to `node` and finds the number `code` in the component `part`.

        Returns: the first node of another component, a leaf, or None if nobody was there before; and the nodes that the
        walk passes on the way.
        """
        cells = self._holding(part, code)
        passed: list[Node] = []
        at: Any = node
        while isinstance(at, Node) and self.part_of(at) == part:
            passed.append(at)
            at = at.follow(cells)
        return at, passed

    def answer(self, key: int | Question, part: int, code: int) -> Any:
        """What a slot or a question says of a component that holds the number `code`."""
        cells = self._holding(part, code)
        return key(cells) if isinstance(key, Question) else cells[key]

    def _holding(self, part: int, code: int) -> list[int]:
        """Cells that hold the number `code` in a component; what is elsewhere means nothing."""
        component = self.components.parts[part]
        for slot, value in zip(component.slots, component.values[code], strict=True):
            self._cells[slot] = value
        return self._cells
