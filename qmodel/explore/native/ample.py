"""Partial-order reduction: which threads may be expanded alone.

A thread's steps in a situation are an ample set (Peled, "All from one, one for all", 1993) if nobody else ever touches
what they touch, and if no claim can see them.  Both are read off what was learned: the components that each situation
looked at and changed, and what the claims ever asked (`Support`).  That is knowledge of what was seen so far, so a
situation is taken to be ample until a lesson shows otherwise.  The search then starts again with the lessons that it
has: in the run that ends, no assumption was ever wrong.  (Every thread's situation is looked up in every state that is
visited, also of those that are put off.  The first step that touches what was thought private is possible after the
same private steps too, so it is seen.)

The cycle proviso is the kernel's: a set is only used if all that it leads to is new, so that the last state of a cycle
to be expanded is expanded fully.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .growing import Growing

if TYPE_CHECKING:
    from .situations import Situation, Situations


class Ample:
    """Knows which leaves are ample, as far as was learned.

    Attributes:
        flags: uint8[leaves]: 1 for an ample leaf; leaf 0 is none.
    """

    def __init__(self, situations: Situations) -> None:
        parts = len(situations.components.parts)
        self.flags = Growing(np.uint8)
        self.flags.append(0)
        self._situations = situations
        self._touching: list[set[int]] = [set() for _ in range(parts)]
        self._changing: list[set[int]] = [set() for _ in range(parts)]
        self._leaves_on: list[list[tuple[int, int, bool]]] = [[] for _ in range(parts)]

    def add_leaf(self, leaf: int, situation: Situation) -> None:
        """Take a new leaf to be ample, unless something speaks against it; it may speak against others."""
        steps = [outcome.step for outcome in situation.outcomes]
        alone = bool(steps) and all(step.error is None and step.reliable for step in steps)
        quiet = not any(outcome.freed for outcome in situation.outcomes) and not self._situations.ends(situation)
        self.flags.append(alone and quiet)
        for part in sorted(situation.touched):
            changes = part in situation.changed
            self._leaves_on[part].append((leaf, situation.thread, changes))
            self.touch(part, situation.thread, changes)

    def refuted(self, used: NDArray[np.int64]) -> bool:
        """Whether a leaf that was expanded alone `used[leaf]` times is not ample after all."""
        flags = self.flags.rows[: len(used)]
        return bool((used[: len(flags)][flags == 0] > 0).any())

    def touch(self, part: int, thread: int, changes: bool) -> None:
        """A step of `thread` looks at a component, or changes it.  Two threads may both look, and no more than that."""
        self._touching[part].add(thread)
        if changes:
            self._changing[part].add(thread)
        for leaf, owner, writes in self._leaves_on[part]:
            if (self._touching if writes else self._changing)[part] - {owner}:
                self.flags.rows[leaf] = 0
