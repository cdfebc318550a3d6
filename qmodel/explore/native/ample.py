"""Partial-order reduction: which threads may be expanded alone.

A thread's steps in a situation are an ample set (Peled, "All from one, one for all", 1993) if nobody else ever touches
what they touch, and if no claim can see them.  Both are read off what was learned: the components that each situation
looked at and changed, and the nodes of the claims' trees.  That is knowledge of what was seen so far, so a situation is
taken to be ample until a lesson shows otherwise.  The search then starts again with the lessons that it has: in the run
that ends, no assumption was ever wrong.  (Every thread's situation is looked up in every state that is visited, also
of those that are put off.  The first step that touches what was thought private is possible after the same private
steps too, so it is seen.)

The cycle proviso is the kernel's: a set is only used if all that it leads to is new, so that the last state of a cycle
to be expanded is expanded fully.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compose.result import Problem
from ..learn import LearnedFunction
from .components import Codes
from .growing import Growing

if TYPE_CHECKING:
    from .situations import Situation, Situations


class Asked(NamedTuple):
    """How a claim came to look at a component.

    Attributes:
        above: the node before, at which the walk looked at another component; None at the root.
        codes: a state whose walk passes the node.
    """

    claim: LearnedFunction[Problem | None]
    above: Any
    codes: Codes


Change = tuple[int, int, int]
"""A leaf, and the numbers of a component before and after one of its steps."""


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
        self._changes: list[list[Change]] = [[] for _ in range(parts)]
        self._nodes: list[list[Any]] = [[] for _ in range(parts)]
        self._asked: dict[Any, Asked] = {}
        self._followed: dict[tuple[Any, int], Any] = {}

    def add_leaf(self, leaf: int, situation: Situation) -> None:
        """Take a new leaf to be ample, unless something speaks against it; it may speak against others."""
        steps = [outcome.step for outcome in situation.outcomes]
        alone = bool(steps) and all(step.error is None and step.reliable for step in steps)
        quiet = not any(outcome.freed for outcome in situation.outcomes) and not self._situations.ends(situation)
        self.flags.append(alone and quiet)
        changed = {(part, code) for outcome in situation.outcomes for part, code in outcome.writes}
        for part in sorted(situation.touched):
            changes = part in situation.changed
            self._leaves_on[part].append((leaf, situation.thread, changes))
            self.touch(part, situation.thread, changes)
        known = dict(situation.path)
        for part, code in sorted(changed):
            self._changes[part].append((leaf, known.get(part, -1), code))
            self._hide(part, self._nodes[part], self._changes[part][-1:])

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

    def add_node(self, node: Any, part: int, asked: Asked) -> None:
        """A claim looks at a component, at `node` of its tree: whatever it tells apart is visible there."""
        self._asked[node] = asked
        self._nodes[part].append(node)
        self._hide(part, [node], self._changes[part])

    def _hide(self, part: int, nodes: Iterable[Any], changes: Iterable[Change]) -> None:
        """Leaves whose change of a component some node can see are not ample."""
        for node in nodes:
            for leaf, before, after in changes:
                if self.flags.rows[leaf] and self._sees(node, part, before, after):
                    self.flags.rows[leaf] = 0

    def _sees(self, node: Any, part: int, before: int, after: int) -> bool:
        """Whether a walk that comes to `node` goes on differently after the change than before."""
        if before < 0:
            return True
        if not any(self._comes_to(node, part, code) for code in (before, after)):
            return False
        ways = [self._follow(node, part, code) for code in (before, after)]
        return ways[0] is None or ways[0] is not ways[1]

    def _comes_to(self, node: Any, part: int, code: int) -> bool:
        """Whether a walk that finds `code` in a component can come to `node`: it was asked about it before."""
        above = self._asked[node].above
        while above is not None:
            if self._situations.part_of(above) == part and self._follow(above, part, code) is not node:
                return False
            node, above = above, self._asked[above].above
        return True

    def _follow(self, node: Any, part: int, code: int) -> Any:
        """Where a walk goes on from `node`; if none found `code` there yet, the claim is asked about one that does."""
        key = node, code
        if key not in self._followed:
            found = self._situations.follow(node, part, code)
            if found is None:
                self._ask(node, part, code)
                found = self._situations.follow(node, part, code)
            self._followed[key] = found
        return self._followed[key]

    def _ask(self, node: Any, part: int, code: int) -> None:
        """Ask the claim about a state that comes to `node` with `code`, whether it can be reached or not."""
        asked = self._asked[node]
        codes = (*asked.codes[:part], code, *asked.codes[part + 1 :])
        with contextlib.suppress(
            Exception
        ):  # A claim may fail on a state that is not reachable; nothing is learned then.
            self._situations.of_function(codes, asked.claim)
