"""A gate lets the real threads through one at a time, in the order of a trace."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..compose.step import Choice
from ..compose.trace import Trace
from .mechanisms import Disagreement


class Gate:
    """Whose turn it is.

    Args:
        trace: the choices, in order; they must be a path of the model.
        at_end: called, with the commit lock held, once the last one is committed; before the gate opens.
    """

    def __init__(self, trace: Trace, at_end: Callable[[], None] | None = None) -> None:
        self._choices = trace.choices
        self._at_end = at_end
        self._changed = threading.Condition()
        self.passed = 0

    @property
    def is_open(self) -> bool:
        """Whether the trace is over and threads run freely."""
        return self.passed >= len(self._choices)

    def turn(self, thread: int) -> Choice | None:
        """What `thread` is to do now, if it is its turn."""
        place = self.passed
        if place < len(self._choices) and self._choices[place].thread == thread:
            return self._choices[place]
        return None

    def wait(self, seconds: float) -> None:
        """Wait until the turn changes, at most `seconds`; the caller looks again at whose it is."""
        with self._changed:
            self._changed.wait(seconds)

    def committed(self, choice: Choice) -> None:
        """A step was committed; the next thread may go.

        Raises:
            Disagreement: it is not the one that was to be forced.
        """
        if self.is_open:
            return
        if choice != self._choices[self.passed]:
            raise Disagreement(f"step {self.passed + 1} was to be {self._choices[self.passed]}, and {choice} came")
        if self.passed + 1 == len(self._choices) and self._at_end is not None:
            self._at_end()
        with self._changed:
            self.passed += 1
            self._changed.notify_all()
