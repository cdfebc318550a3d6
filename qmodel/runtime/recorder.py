"""What a run remembers of itself: windows of consecutive steps, a bounded number of them however long it runs.

The first window holds whole small runs.  The last one is a ring of the latest steps.  Those between start at random
commits: when there are too many, every other one is dropped and the mean gap doubles, so that they stay spread evenly.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from ..compose.step import Choice
from ..compose.trace import Trace

Change = tuple[int, int]
"""A slot, and its new value."""


@dataclass
class Window:
    """Consecutive steps: the cells before the first, then each choice with the slots that it changed.

    Attributes:
        first: number of the first step in the run, from 0.
    """

    first: int
    before: list[int]
    choices: list[Choice] = field(default_factory=list)
    changes: list[list[Change]] = field(default_factory=list)

    def add(self, choice: Choice, before: list[int], after: list[int]) -> None:
        self.choices.append(choice)
        self.changes.append(
            [(slot, new) for slot, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        )

    def __len__(self) -> int:
        return len(self.choices)


@dataclass(frozen=True)
class Recording:
    """The windows of one run, with what it takes to replay them."""

    address: str
    scope: dict[str, int]
    digest: str
    seed: int
    commits: int
    windows: tuple[Window, ...]

    @property
    def is_complete(self) -> bool:
        """Whether no step of the run is missing."""
        return len(self.windows[0]) == self.commits if self.windows else self.commits == 0


class Recorder:
    """Collects windows while a run commits; all calls come under the commit lock.

    Args:
        whole: up to so many steps, everything is recorded.
        length: steps of a window.
        windows: how many are kept between the first and the last.
        gap: mean number of steps between the starts of two windows, at first.
    """

    def __init__(self, seed: int, whole: int = 2000, length: int = 100, windows: int = 48, gap: int = 4000) -> None:
        self._rng = random.Random(f"{seed}:recorder")
        self._whole, self._length, self._windows, self._gap = whole, length, windows, gap
        self.commits = 0
        self._first: Window | None = None
        self._kept: list[Window] = []
        self._open: Window | None = None
        self._next = whole + self._rng.randrange(1, 2 * gap)
        self._latest: deque[tuple[Choice, list[int], list[int]]] = deque(maxlen=length)

    def add(self, choice: Choice, before: list[int], after: list[int]) -> None:
        """Note a committed step; `before` and `after` are never changed any more."""
        number = self.commits
        self.commits = number + 1
        self._latest.append((choice, before, after))
        if number < self._whole:
            self._first = self._first or Window(0, before)
            self._first.add(choice, before, after)
        elif number == self._next:
            self._open = Window(number, before)
            self._kept.append(self._open)
        if self._open is not None:
            self._open.add(choice, before, after)
            if len(self._open) == self._length:
                self._close()

    def _close(self) -> None:
        self._open = None
        if len(self._kept) > self._windows:
            del self._kept[1::2]
            self._gap *= 2
        self._next = self.commits + self._rng.randrange(1, 2 * self._gap)

    def excerpt(self, count: int, last: Choice | None = None) -> Trace | None:
        """The last `count` steps, and `last`, which did not commit; None if there are none."""
        steps = list(self._latest)[-count:]
        if not steps:
            return None
        choices = [choice for choice, _, _ in steps] + ([last] if last is not None else [])
        return Trace(tuple(choices), start=tuple(steps[0][1]))

    def windows(self) -> tuple[Window, ...]:
        """First, sampled and last windows, in the order of the run."""
        found = ([self._first] if self._first else []) + self._kept
        if self.commits > self._whole and self._latest:
            last = Window(self.commits - len(self._latest), self._latest[0][1])
            for choice, before, after in self._latest:
                last.add(choice, before, after)
            found.append(last)
        return tuple(found)
