"""Decision trees over packed states, in arrays that a kernel walks.

An entry is where a walk starts.  A branch holds 0 (nothing was taught), a positive number (the node to look at next)
or a negative one (a leaf).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from .growing import Growing
from .packing import Packing
from .situations import Track


class Forest:
    """Trees whose inner nodes look at one component each and have a branch for every number that it may hold.

    Args:
        entries: how many trees.
        room: how many numbers a component may hold in the present packing.
    """

    def __init__(self, entries: int, room: Callable[[int], int]) -> None:
        self.entries = np.zeros(entries, dtype=np.int32)
        self.branches = Growing(np.int32)
        self._part = Growing(np.int32)
        self._base = Growing(np.int32)
        self._room = room
        self._named: dict[Hashable, int] = {}
        self._part.append(-1)  # node 0 is "nothing"
        self._base.append(0)

    @property
    def nodes(self) -> int:
        """How many nodes there are."""
        return self._part.count - 1

    def parts(self) -> NDArray[np.int32]:
        """int32[nodes]: the component that each node looks at."""
        return self._part.rows[1:]

    def part(self, node: int) -> int:
        """The component that `node` looks at."""
        return int(self._part.rows[node])

    def follow(self, node: int, code: int) -> int:
        """Where the number `code` leads from `node`: a node, a leaf (negative) or 0."""
        return int(self.branches.rows[self._base.rows[node] + code])

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
        self._link(None, entry, self._node(*track[0][:2]) if track else -leaf)
        for number, (name, part, code) in enumerate(track):
            following = self._node(*track[number + 1][:2]) if number + 1 < len(track) else -leaf
            self._link(self._node(name, part), code, following)

    def _link(self, node: int | None, code: int, following: int) -> None:
        table, place = (self.entries, code) if node is None else (self.branches.rows, self._base.rows[node] + code)
        if table[place] not in (0, following):
            raise RuntimeError("a step or a property depends on something that is not in the state")
        table[place] = following

    def _node(self, name: Hashable, part: int) -> int:
        """The node of that name."""
        if name not in self._named:
            self._base.append(self.branches.extend(self._room(part)))
            self._named[name] = self._part.append(part)
        return self._named[name]

    def widen(self, part: int, before: int) -> None:
        """Give every node of `part` room for more numbers; it had `before`."""
        for node in np.flatnonzero(self._part.rows == part).tolist():
            old = int(self._base.rows[node])
            new = self.branches.extend(self._room(part))
            self.branches.rows[new : new + before] = self.branches.rows[old : old + before]
            self._base.rows[node] = new

    def for_kernels(self, packing: Packing) -> NDArray[np.int64]:
        """int64[nodes + 1, 4]: word, shift and mask of what a node looks at, and where its branches start."""
        fields = packing.fields[np.maximum(self._part.rows, 0)]
        return np.ascontiguousarray(np.concatenate([fields, self._base.rows[:, None]], axis=1, dtype=np.int64))
