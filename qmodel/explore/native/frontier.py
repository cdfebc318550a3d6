"""The states of a layer that are still to be expanded."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .states import States

Rows = NDArray[np.int64]


@dataclass
class Frontier:
    """For each segment a range of positions, and single rows that were taken and given back.

    Attributes:
        first, last: int64[segments], positions `first` to `last` - 1 are still to be taken.
        again: rows to take before those.
    """

    first: Rows
    last: Rows
    again: list[Rows] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.again = self.again or [np.empty(0, dtype=np.int64) for _ in self.first]

    def __len__(self) -> int:
        return int((self.last - self.first).sum()) + sum(map(len, self.again))

    def take(self, states: States, segment: int, most: int) -> Rows:
        """Up to `most` rows of a segment; what was given back comes first."""
        again, self.again[segment] = self.again[segment][:most], self.again[segment][most:]
        first = int(self.first[segment])
        self.first[segment] = min(first + most - len(again), self.last[segment])
        return np.concatenate([again, states.rows(segment, first, int(self.first[segment]))])

    def give_back(self, segment: int, *rows: Rows) -> None:
        """These rows are still to be expanded."""
        self.again[segment] = np.concatenate([*rows, self.again[segment]])
