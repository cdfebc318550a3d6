"""Questions about a thread's stack: what a property asks of a thread, as one fact instead of many slots.

"Is W1 at `Worker.woken`?" has two answers; the slots that it is read from have hundreds of values.  Whoever learns a
property learns the answers.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

from ..spec.states import State
from .layout import Layout


class Call(NamedTuple):
    """A call on a stack: where its frame starts, which process it is, and where that stands."""

    base: int
    kind: type
    location: State


class Question:
    """Something that can be asked of the stack of one thread.

    Args:
        answer: from the calls on the stack, outermost first.
    """

    def __init__(self, layout: Layout, thread: int, answer: Callable[[list[Call]], Hashable]) -> None:
        self._layout, self._answer = layout, answer
        self._places = layout.stacks[thread]
        self.slot = self._places[0]
        end = layout.stacks[thread + 1][0] if thread + 1 < layout.thread_count else len(layout.slots)
        self._stack = slice(self.slot, end)
        self._known: dict[tuple[int, ...], Any] = {}

    def __call__(self, cells: Sequence[int]) -> Any:
        """The answer in the state `cells`."""
        return self.of(tuple(cells[self._stack]))

    def of(self, stack: tuple[int, ...]) -> Any:
        """The answer of a stack: its slots, of all levels."""
        if stack not in self._known:
            self._known[stack] = self._answer(self._calls(stack))
        return self._known[stack]

    def _calls(self, stack: tuple[int, ...]) -> list[Call]:
        bases = self._places[1 : 1 + stack[0]]
        return [Call(base, *self._layout.pcs[stack[base - self.slot] - 1]) for base in bases]


class LearningCells(list[int]):
    """Cells that are told what is asked of them, instead of being read slot by slot."""

    def ask(self, question: Question) -> Any:
        """The answer to `question`."""
        raise NotImplementedError

    def forget(self, freed: Any, thread: int) -> None:
        """A step of `thread` freed an object (see `pointers.Freed`)."""
        raise NotImplementedError
