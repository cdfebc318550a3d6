"""Decision trees over packed states, in arrays that a kernel walks.

An entry is where a walk starts.  A branch holds 0 (nothing was taught), a positive number (the node to look at next)
or a negative one (a leaf).
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .growing import Growing
from .packing import Packing
from .situations import Track

HOLDS, BROKEN = 1, 2
"""Leaves of the trees of claims."""


class Forest:
    """Trees whose inner nodes look at one component each and have a branch for every number that it may hold.

    Args:
        entries: how many trees.

    Attributes:
        entries: int32[entries], where each tree starts.
        nodes: int64[n, 4]: word, shift and mask of the component that a node looks at, where its branches start.
        branches: int32[]: where each number leads.
    """

    def __init__(self, entries: int, packing: Packing) -> None:
        self.entries = np.zeros(entries, dtype=np.int32)
        self.nodes = Growing(np.int64, 4)
        self.branches = Growing(np.int32)
        self._part = Growing(np.int32)
        self._packing = packing
        self._numbers: dict[Hashable, int] = {}
        self._names: list[Any] = [None]
        self._part.append(-1)  # node 0 is "nothing"
        self.nodes.append(0)

    @property
    def parts(self) -> NDArray[np.int32]:
        """int32[n]: the component that each node looks at; node 0 is "nothing", and looks at -1."""
        return self._part.rows

    def below(self, entry: int) -> set[int]:
        """The nodes that a walk from `entry` can pass."""
        pending, found = [int(self.entries[entry])], set[int]()
        while pending:
            node = pending.pop()
            if node > 0 and node not in found:
                found.add(node)
                first = int(self.nodes.rows[node, 3])
                pending += self.branches.rows[first : first + int(self.nodes.rows[node, 2]) + 1].tolist()
        return found

    def part(self, node: int) -> int:
        """The component that `node` looks at."""
        return int(self._part.rows[node])

    def follow(self, node: int, code: int) -> int:
        """Where the number `code` leads from `node`: a node, a leaf (negative) or 0."""
        return int(self.branches.rows[int(self.nodes.rows[node, 3]) + code])

    def find(self, entry: int, codes: tuple[int, ...]) -> int:
        """The leaf for the state `codes`, or 0."""
        at = int(self.entries[entry])
        while at > 0:
            at = self.follow(at, codes[self.part(at)])
        return -at

    def teach(self, entry: int, track: Track, leaf: int) -> None:
        """Make the walk along `track` end in `leaf` (a positive number).

        Raises:
            RuntimeError: the track contradicts what was taught.
        """
        following = self.node(*track[0][:2]) if track else -leaf
        self._set(self.entries, entry, following)
        for number, (_, _, code) in enumerate(track):
            node, following = following, self.node(*track[number + 1][:2]) if number + 1 < len(track) else -leaf
            self.link(node, code, following)

    def forget(self, entry: int) -> None:
        """Let a tree start anew; its nodes stay, and nothing leads to them."""
        self.entries[entry] = 0

    def link(self, node: int, code: int, following: int) -> None:
        """Let the number `code` lead from `node` to another node, or to a leaf if `following` is negative."""
        self._set(self.branches.rows, int(self.nodes.rows[node, 3]) + code, following)

    def _set(self, table: NDArray[np.int32], place: int, following: int) -> None:
        if table[place] not in (0, following):
            raise RuntimeError("a step or a property depends on something that is not in the state")
        table[place] = following

    def node(self, name: Hashable, part: int) -> int:
        """The node of that name."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = self._part.append(part)
            self.nodes.append((*self._packing.fields[part], self.branches.extend(self._packing.room(part))))
            self._names.append(name)
        return found

    def named(self, node: int) -> tuple[Any, int]:
        """The name of a node, and the component that it looks at."""
        return self._names[node], int(self._part.rows[node])

    def repack(self, packing: Packing) -> None:
        """Look at the components where another packing has them, with room for all the numbers it has room for."""
        part, before, self._packing = self._part.rows, self._packing, packing
        self.nodes.rows[1:, :3] = packing.fields[part[1:]]
        for node in np.flatnonzero(packing.bits[part] > before.bits[part]).tolist():
            if node:
                self.nodes.rows[node, 3] = self.branches.move(
                    int(self.nodes.rows[node, 3]), before.room(int(part[node])), packing.room(int(part[node]))
                )
