"""Learned steps: the Python of a step runs once for each situation, and is then a walk down a tree.

A thread's steps in a location are a function of the slots that they read.  The first time a situation is met, the
model runs over cells that note each first read, in order; those reads become a path of a decision tree, what the
steps wrote becomes the leaf.  Since every read on the path has one known value, every written value is a constant.
Nothing about a step is stated here: its semantics stay in the fields, and errors are leaves like any other outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from ..compose.model import Model
from ..compose.step import Cells, Step

T = TypeVar("T")
Writes = tuple[tuple[int, int], ...]
Lesson = tuple[Step, Writes]
"""A step as it was taught (its `state` is no state) and the slots that it writes."""


class WatchedCells(list[int]):
    """A copy of a state that notes in `reads` each slot that is read before it is written."""

    def __init__(self, state: Sequence[int], reads: dict[int, int]) -> None:
        super().__init__(state)
        self._reads = reads
        self._written: set[int] = set()

    def writes(self) -> Writes:
        """Every slot that was written, with its last value."""
        return tuple((slot, list.__getitem__(self, slot)) for slot in sorted(self._written))

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        if isinstance(key, slice):
            for slot, read in zip(range(*key.indices(len(self))), value, strict=True):
                self._note(slot, read)
        else:
            self._note(key, value)
        return value

    def _note(self, slot: int, value: int) -> None:
        if slot not in self._written:
            self._reads.setdefault(slot, value)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._written.update(range(*key.indices(len(self))) if isinstance(key, slice) else (key,))


class WatchedCopies:
    """Copies that share one record of reads; a step "leads" to what it wrote."""

    def __init__(self) -> None:
        self.reads: dict[int, int] = {}

    def thaw(self, state: Sequence[int]) -> list[int]:
        return WatchedCells(state, self.reads)

    def freeze(self, cells: list[int]) -> Any:
        assert isinstance(cells, WatchedCells)
        return cells.writes()

    def changed(self, state: Sequence[int], cells: list[int]) -> list[int]:
        """Whether a write changes anything depends on what was there, so that is read."""
        assert isinstance(cells, WatchedCells)
        before = self.thaw(state)
        return [slot for slot, value in cells.writes() if before[slot] != value]


@dataclass(slots=True)
class _Node:
    """A slot to look at, and where each of its values leads."""

    slot: int
    branches: dict[int, Any] = field(default_factory=dict)


class Tree(Generic[T]):
    """A function of states, known as far as it was taught: inner nodes are reads, leaves are what it returned."""

    def __init__(self) -> None:
        self._branches: dict[int, Any] = {}
        self.lessons = 0

    def find(self, state: Cells) -> T | None:
        """What the function returns for `state`, or None if nothing like it was taught."""
        at = self._branches.get(0)
        while type(at) is _Node:
            at = at.branches.get(state[at.slot])
        return None if at is None else at.value

    def teach(self, reads: dict[int, int], value: T) -> T:
        """Add a leaf; `reads` are the slots that were read, in order, with what they held.

        Raises:
            RuntimeError: the reads contradict what was taught: the function is not one of the state.
        """
        branches, here = self._branches, 0
        for slot, read in reads.items():
            node = branches.setdefault(here, _Node(slot))
            if type(node) is not _Node or node.slot != slot:
                raise RuntimeError("a step or a property depends on something that is not in the state")
            branches, here = node.branches, read
        branches[here] = _Leaf(value)
        self.lessons += 1
        return value


@dataclass(frozen=True, slots=True)
class _Leaf:
    value: Any


class LearnedFunction(Generic[T]):
    """A function of a state's cells whose Python runs once for each situation."""

    def __init__(self, function: Callable[[list[int]], T]) -> None:
        self._function = function
        self._known: Tree[tuple[T]] = Tree()

    def __call__(self, state: Cells) -> T:
        found = self._known.find(state)
        if found is None:
            reads: dict[int, int] = {}
            found = self._known.teach(reads, (self._function(WatchedCells(state, reads)),))
        return found[0]


class LearnedSteps:
    """`Model.steps`, learned: same steps, same order, from the trees where they are known."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._threads = list(enumerate(model.layout.stacks))
        self._trees: dict[tuple[int, int, int], Tree[list[Lesson]]] = {}

    def __call__(self, state: Cells) -> list[Step]:
        """Every step that is possible in `state`, in the order of `Model.steps`."""
        return [step if step.error else step.leading_to(after(state, writes)) for step, writes in self.taught(state)]

    def taught(self, state: Cells) -> list[Lesson]:
        """The same steps as they were taught, with what each writes: the same objects wherever they apply."""
        found: list[Lesson] = []
        for thread, places in self._threads:
            depth = state[places[0]]
            if depth:
                found += self._of_thread(state, thread, (thread, depth, state[places[depth]]))
        return found

    @property
    def lessons(self) -> int:
        """How often the Python of a thread's steps was run."""
        return sum(tree.lessons for tree in self._trees.values())

    def _of_thread(self, state: Cells, thread: int, location: tuple[int, int, int]) -> list[Lesson]:
        tree = self._trees.get(location)
        if tree is None:
            tree = self._trees[location] = Tree()
        known = tree.find(state)
        if known is None:
            copies = WatchedCopies()
            steps = self._model.thread_steps(state, thread, copies)
            known = tree.teach(copies.reads, [(step, cast(Writes, step.state)) for step in steps])
        return known


def after(state: Cells, writes: Writes) -> Cells:
    """`state` with some slots written."""
    cells = list(state)
    for slot, value in writes:
        cells[slot] = value
    return tuple(cells)
