"""Arrays that grow by rows and stay contiguous."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Growing:
    """A numpy array with room to append to; `rows` is what is in it."""

    def __init__(self, dtype: Any, *columns: int) -> None:
        self._room: NDArray[Any] = np.zeros((64, *columns), dtype=dtype)
        self.count = 0

    @property
    def rows(self) -> NDArray[Any]:
        """A view of the rows; appending may leave it behind."""
        return self._room[: self.count]

    @property
    def room(self) -> NDArray[Any]:
        """The rows, and at least one of zeros behind them."""
        return self._room

    def append(self, row: Any) -> int:
        """Add one row; its index."""
        index = self.extend(1)
        self._room[index] = row
        return index

    def extend(self, count: int) -> int:
        """Add `count` rows of zeros; the index of the first."""
        first, self.count = self.count, self.count + count
        if self.count >= len(self._room):
            larger = np.zeros((max(2 * len(self._room), self.count + 1), *self._room.shape[1:]), dtype=self._room.dtype)
            larger[:first] = self._room[:first]
            self._room = larger
        return first
