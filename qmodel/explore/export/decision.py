"""Decisions: predicates of a state as reduced trees over components, in the form in which a formula can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

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


class Walks(Protocol):
    """Trees to walk down: a positive number is a node, a negative one a leaf, 0 is nothing."""

    @property
    def entries(self) -> Any:
        """int[entries]: where each tree starts."""

    def part(self, node: int) -> int:
        """The component that `node` looks at."""

    def follow(self, node: int, code: int) -> int:
        """Where the number `code` leads from `node`."""


class Reducer:
    """Reads trees of a forest as decisions; equal ones are one object, and what decides nothing is left out.

    Args:
        kinds: component -> how many numbers it has.
        value: leaf -> whether the predicate holds there; it is false where nothing was taught.
    """

    def __init__(self, forest: Walks, kinds: list[int], value: Callable[[int], bool]) -> None:
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


class _Paths:
    """The tree that some paths make, read like a forest of one entry; 1 is the leaf at the end of each path."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._nodes: list[tuple[int, dict[int, int]]] = [(-1, {})]
        root = {0: 0}
        for path in paths:
            branches, key = root, 0
            for part, code in path:
                if not branches.get(key):
                    branches[key] = len(self._nodes)
                    self._nodes.append((part, {}))
                branches, key = self._nodes[branches[key]][1], code
            branches[key] = -1
        self.entries = [root[0]]

    def part(self, node: int) -> int:
        return self._nodes[node][0]

    def follow(self, node: int, code: int) -> int:
        return self._nodes[node][1].get(code, 0)


def any_of(paths: Iterable[Path], kinds: list[int]) -> Formula:
    """Whether a state is on one of `paths`, which look at the same component after the same beginning."""
    return Reducer(_Paths(paths), kinds, bool).entry(0)
