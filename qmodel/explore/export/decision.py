"""Decisions: predicates of a state as reduced trees over components, in the form in which a formula can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..native.forest import Forest
from ..native.situations import Path

Branches = tuple[tuple[tuple[int, ...], "Decision | bool"], ...]


@dataclass(frozen=True, eq=False)
class Decision:
    """Look at a component: each branch has the numbers that lead there; it is false for all others."""

    part: int
    branches: Branches

    @property
    def parts(self) -> frozenset[int]:
        """The components that are looked at."""
        below = [branch.parts for _, branch in self.branches if isinstance(branch, Decision)]
        return frozenset([self.part]).union(*below)


Formula = Decision | bool


class Reducer:
    """Reads trees of a forest as decisions; equal ones are one object, and what decides nothing is left out.

    Args:
        kinds: component -> how many numbers it has.
        value: leaf -> whether the predicate holds there; it is false where nothing was taught.
    """

    def __init__(self, forest: Forest, kinds: list[int], value: Callable[[int], bool]) -> None:
        self._forest, self._kinds, self._value = forest, kinds, value
        self._known: dict[int, Formula] = {}
        self._shared: dict[object, Decision] = {}

    def entry(self, entry: int) -> Formula:
        """The tree that starts at `entry`."""
        return self._at(int(self._forest.entries[entry]))

    def _at(self, at: int) -> Formula:
        if at <= 0:
            return bool(at) and self._value(-at)
        if at not in self._known:
            part = self._forest.part(at)
            targets: dict[Formula, list[int]] = {}
            for code in range(self._kinds[part]):
                target = self._at(self._forest.follow(at, code))
                if target is not False:
                    targets.setdefault(target, []).append(code)
            self._known[at] = self._node(part, targets)
        return self._known[at]

    def _node(self, part: int, targets: dict[Formula, list[int]]) -> Formula:
        branches = tuple((tuple(codes), target) for target, codes in targets.items())
        if not branches:
            return False
        if len(branches) == 1 and len(branches[0][0]) == self._kinds[part]:
            return branches[0][1]
        key = part, tuple((codes, target if isinstance(target, bool) else id(target)) for codes, target in branches)
        return self._shared.setdefault(key, Decision(part, branches))


def any_of(paths: Iterable[Path], kinds: list[int]) -> Formula:
    """Whether a state is on one of `paths`, which look at the same component after the same beginning."""
    forest = Forest(1, lambda part: kinds[part])
    for path in paths:
        forest.teach(0, tuple((path[:place], *at) for place, at in enumerate(path)), 1)
    return Reducer(forest, kinds, bool).entry(0)
