"""Learned steps: the Python of a step runs once for each situation, and is then a walk down a tree.

A thread's steps in a location are a function of the slots that they read.  The first time a situation is met, the
model runs over cells that note each first read, in order; those reads become a path of a decision tree, what the
steps wrote becomes the leaf.  Since every read on the path has one known value, every written value is a constant.
Nothing about a step is stated here: its semantics stay in the fields, and errors are leaves like any other outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from ..compose.model import Model
from ..compose.pointers import Freed
from ..compose.questions import LearningCells, Question
from ..compose.step import Cells, Step

T = TypeVar("T")

Reads = dict[int | Question, Any]
"""What was looked at, in order: slots with their values, questions with their answers."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a step does to any state in which it was learned to be possible.

    Attributes:
        freed: objects that it frees, in order: pointers to them dangle, wherever they stand.
        writes: slots with the constants that it leaves in them, after that.
    """

    freed: tuple[Freed, ...]
    writes: tuple[tuple[int, int], ...]

    def __call__(self, state: Cells) -> Cells:
        """The state after the step."""
        cells = list(state)
        for freed in self.freed:
            freed.poison(cells)
        for slot, value in self.writes:
            cells[slot] = value
        return tuple(cells)


class WatchedCells(LearningCells):
    """A copy of a state that notes in `reads` each slot that is read before it is written, and each question.

    Freeing an object reads nothing but the stack of the thread that does it: which other pointers were hit is worked
    out in each state, so that a step that frees is not a lesson of its own for every state of everything.
    """

    def __init__(self, state: Sequence[int], reads: Reads) -> None:
        super().__init__(state)
        self._reads = reads
        self._written: set[int] = set()
        self.freed: list[Freed] = []

    def effect(self) -> Effect:
        """What was done to these cells."""
        writes = ((slot, list.__getitem__(self, slot)) for slot in sorted(self._written))
        return Effect(tuple(self.freed), tuple(writes))

    def ask(self, question: Question) -> Any:
        """Steps do not ask, so what is asked of is the state as it was."""
        answer = question([list.__getitem__(self, slot) for slot in range(len(self))])
        return self._reads.setdefault(question, answer)

    def forget(self, freed: Freed, thread: int) -> None:
        """Poison what is written already and the thread's own stack; the rest when it is looked at, or later."""
        for slot in self._written & freed.in_objects.keys():
            pointer, dangling = freed.in_objects[slot]
            if list.__getitem__(self, slot) == pointer:
                list.__setitem__(self, slot, dangling)
        freed.poison_stack(self, thread)
        self.freed.append(freed)

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        if isinstance(key, slice):
            slots = range(*key.indices(len(self)))
            return [self._seen(slot, read) for slot, read in zip(slots, value, strict=True)]
        return self._seen(key, value)

    def _seen(self, slot: int, value: int) -> int:
        if slot in self._written:
            return value
        self._reads.setdefault(slot, value)
        for freed in self.freed:
            pointer, dangling = freed.in_objects.get(slot, (-1, -1))
            value = dangling if value == pointer else value
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._written.update(range(*key.indices(len(self))) if isinstance(key, slice) else (key,))


class WatchedCopies:
    """Copies that share one record of reads; a step "leads" to its effect.

    Args:
        viewed: slots of lifecycles that are views of their fields (`Model.viewed`).
    """

    def __init__(self, viewed: Container[int] = ()) -> None:
        self.reads: Reads = {}
        self._viewed = viewed

    def thaw(self, state: Sequence[int]) -> list[int]:
        return WatchedCells(state, self.reads)

    def freeze(self, cells: list[int]) -> Any:
        assert isinstance(cells, WatchedCells)
        return cells.effect()

    def changed(self, state: Sequence[int], cells: list[int]) -> list[int]:
        """Of the viewed slots; whether a write changes anything depends on what was there, so that is read."""
        assert isinstance(cells, WatchedCells)
        before, effect = self.thaw(state), cells.effect()
        hit = {slot for freed in effect.freed for slot in freed.in_objects if slot in self._viewed}
        written = [slot for slot, value in effect.writes if slot in self._viewed and before[slot] != value]
        return written + [slot for slot in sorted(hit) if before[slot] != cells[slot]]


@dataclass(slots=True, eq=False)
class Node:
    """Something to look at, and where each of its values leads."""

    key: int | Question
    branches: dict[Any, Any] = field(default_factory=dict)

    def follow(self, state: Sequence[int]) -> Any:
        """Where `state` leads: a node, a leaf, or None."""
        key = self.key
        return self.branches.get(state[key] if type(key) is int else key(state))  # type: ignore[operator]


class Tree(Generic[T]):
    """A function of states, known as far as it was taught: inner nodes are reads, leaves are what it returned."""

    def __init__(self) -> None:
        self._branches: dict[Any, Any] = {}
        self.lessons = 0

    def find(self, state: Cells) -> T | None:
        """What the function returns for `state`, or None if nothing like it was taught."""
        at = self._branches.get(0)
        while type(at) is Node:
            at = at.follow(state)
        return None if at is None else at.value

    def path(self, state: Cells) -> list[Node]:
        """The nodes that `find` passes, in order."""
        found, at = [], self._branches.get(0)
        while type(at) is Node:
            found.append(at)
            at = at.follow(state)
        return found

    def teach(self, reads: Reads, value: T) -> T:
        """Add a leaf; `reads` is what was looked at, in order.

        Raises:
            RuntimeError: the reads contradict what was taught: the function is not one of the state.
        """
        branches, here = self._branches, 0
        for key, read in reads.items():
            node = branches.setdefault(here, Node(key))
            if type(node) is not Node or node.key != key:
                raise RuntimeError("a step or a property depends on something that is not in the state")
            branches, here = node.branches, read
        branches[here] = _Leaf(value)
        self.lessons += 1
        return value


@dataclass(frozen=True, slots=True)
class _Leaf:
    value: Any


Taught = tuple[Step, Effect | None]
"""A step as it was taught (its `state` is no state), and what it does; an error does nothing."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """The steps of a thread in one situation."""

    steps: tuple[Taught, ...]


class LearnedFunction(Generic[T]):
    """A function of a state's cells whose Python runs once for each situation."""

    def __init__(self, function: Callable[[list[int]], T]) -> None:
        self._function = function
        self._known: Tree[tuple[T]] = Tree()

    def __call__(self, state: Cells) -> T:
        found = self._known.find(state)
        if found is None:
            reads: Reads = {}
            found = self._known.teach(reads, (self._function(WatchedCells(state, reads)),))
        return found[0]

    @property
    def lessons(self) -> int:
        """How often its Python was run."""
        return self._known.lessons

    def path(self, state: Cells) -> list[Node]:
        """What decides about `state`, which was asked about before."""
        return self._known.path(state)


class LearnedSteps:
    """`Model.steps`, learned: same steps, same order, from the trees where they are known."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._stacks = model.layout.stacks
        self._trees: dict[tuple[int, int, int], Tree[Lesson]] = {}

    def __call__(self, state: Cells) -> list[Step]:
        """Every step that is possible in `state`, in the order of `Model.steps`."""
        return [step.leading_to(effect(state)) if effect else step for step, effect in self.taught(state)]

    def taught(self, state: Cells) -> list[Taught]:
        """The same steps as they were taught: the same objects wherever they apply."""
        found: list[Taught] = []
        for thread, places in enumerate(self._stacks):
            if state[places[0]]:
                found += self.lesson(state, thread).steps
        return found

    @property
    def lessons(self) -> int:
        """How often the Python of a thread's steps was run."""
        return sum(tree.lessons for tree in self._trees.values())

    @property
    def lessons_at(self) -> Counter[int]:
        """How many of them each location taught (index + 1 into `Layout.pcs`), in whatever thread."""
        found: Counter[int] = Counter()
        for (_, _, pc), tree in self._trees.items():
            found[pc] += tree.lessons
        return found

    def tree(self, state: Cells, thread: int) -> Tree[Lesson]:
        """What is known of the place where `thread`, which is running, stands."""
        places = self._stacks[thread]
        depth = state[places[0]]
        return self._trees.setdefault((thread, depth, state[places[depth]]), Tree())

    def lesson(self, state: Cells, thread: int) -> Lesson:
        """The steps of `thread`, which is running, in `state`."""
        tree = self.tree(state, thread)
        return tree.find(state) or self._teach(tree, state, thread)

    def _teach(self, tree: Tree[Lesson], state: Cells, thread: int) -> Lesson:
        copies = WatchedCopies(self._model.viewed)
        steps = self._model.thread_steps(state, thread, copies)
        return tree.teach(copies.reads, Lesson(tuple((step, cast(Effect | None, step.state)) for step in steps)))
