"""The states that were reached: packed rows, and the hash tables that find them."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels

_NORESERVE = 0x4000 if os.uname().sysname == "Linux" else 0
_FULLEST = 0.75
"""A table doubles when it is fuller than this; behind it, runs of occupied places grow fast."""


class States:
    """Rows of 64-bit words in one segment a worker, and one table an owner.

    A table entry is 32 bits: a row and as many bits of the hash as the row leaves free.  Rows are room in the address
    space that the operating system fills with memory as it is touched, in a file if `spill` names a folder: nothing is
    copied as they grow.

    Attributes:
        words: int64[room, words]; counts: int64[segments], the states of each segment.
        tables: uint32[owners, places]; row_bits: how many bits of an entry are a row.
    """

    def __init__(self, width: int, segments: int, spill: Path | None = None) -> None:
        self.segments, self._spill = segments, spill
        self.counts = np.zeros(segments, dtype=np.int64)
        self.words = self._room(width)
        self._size_tables(16)

    @property
    def total(self) -> int:
        """How many states there are."""
        return int(self.counts.sum())

    @property
    def size(self) -> int:
        """Bytes of memory in use, the tables included; states in a file do not count."""
        return (0 if self._spill else self.total * 8 * int(self.words.shape[1])) + self.tables.nbytes

    def _room(self, width: int) -> NDArray[np.int64]:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        rows = max(4 * memory // (8 * width), 1 << 20) >> kernels.BLOCK << kernels.BLOCK
        return _reserve(min(rows, (1 << 31) - 1 >> kernels.BLOCK << kernels.BLOCK), width, self._spill)

    def rows(self, segment: int, first: int, last: int) -> NDArray[np.int64]:
        """int64[last - first]: the rows of positions of a segment."""
        positions = np.arange(first, last, dtype=np.int64)
        block = ((positions >> kernels.BLOCK) * self.segments + segment) << kernels.BLOCK
        return block | (positions & ((1 << kernels.BLOCK) - 1))

    def place(self, row: int) -> tuple[int, int]:
        """The segment that `row` is in, and its position there."""
        block, rest = row >> kernels.BLOCK, row & ((1 << kernels.BLOCK) - 1)
        return block % self.segments, (block // self.segments << kernels.BLOCK) | rest

    def all_rows(self) -> NDArray[np.int64]:
        """int64[total]: the rows of all states, segment by segment."""
        return np.concatenate([self.rows(s, 0, int(count)) for s, count in enumerate(self.counts)])

    def add(self, packed: NDArray[np.int64]) -> int:
        """Add a state that is not there; its row."""
        hashed = kernels.hash_of(packed)
        owner = int(kernels.owner_of(hashed, self.segments))
        row = int(kernels.row_of(int(self.counts[owner]), owner, self.segments))
        self.words[row] = packed
        self.counts[owner] += 1
        kernels.put(self.tables[owner], self.row_bits, hashed, row)
        return row

    def clear(self) -> None:
        """Forget every state."""
        self.counts[:] = 0
        self.tables[:] = 0

    def load(self, segment: int, packed: NDArray[np.int64]) -> None:
        """Put states (int64[n, words]) into an empty segment; `fill_tables` comes after."""
        self.words[self.rows(segment, 0, len(packed))] = packed
        self.counts[segment] = len(packed)

    # -- tables ------------------------------------------------------------------------------------

    def _size_tables(self, bits: int) -> None:
        """Empty tables of 2**bits places an owner.  A row and its 1 fit, since all tables are never full."""
        self.row_bits = bits + (self.segments - 1).bit_length() + 1
        self.tables: NDArray[np.uint32] = np.zeros((self.segments, 1 << bits), dtype=np.uint32)

    def make_room(self, coming: int, run: Any) -> None:
        """See to it that `coming` more states of one owner fit; `run` runs a function for each owner at once."""
        if int(self.counts.max()) + coming > _FULLEST * self.tables.shape[1]:
            self.fill_tables(coming, run)

    def fill_tables(self, coming: int, run: Any) -> None:
        """Enter every state into new tables, which have room for `coming` more."""
        bits = self.tables.shape[1].bit_length() - 1
        while int(self.counts.max()) + coming > _FULLEST * (1 << bits):
            bits += 1
        self._size_tables(bits)
        run(lambda owner: kernels.rebuild(self.tables[owner], self.row_bits, self.words, self.counts, owner))

    def idle(self, program: Any, fields: NDArray[np.int64]) -> None:
        """Do nothing, by the same loops as when the states are packed again or looked through."""
        nothing = np.zeros(self.segments, dtype=np.int64)
        kernels.rebuild(self.tables[0], self.row_bits, self.words, nothing, 0)
        kernels.repack(self.words, self.words, 0, 0, self.segments, fields, fields)
        kernels.edges_into(
            program,
            self.words,
            self.tables,
            self.row_bits,
            nothing[:0],
            np.zeros(1, dtype=np.bool_),
            np.zeros((1, 4), dtype=np.int64),
        )

    def repack(self, before: NDArray[np.int64], after: NDArray[np.int64], width: int, run: Any) -> None:
        """Pack every state again, from the fields `before` to those `after` (int64[components, 3])."""
        packed = self.words if width == self.words.shape[1] else self._room(width)
        run(lambda s: kernels.repack(self.words, packed, int(self.counts[s]), s, self.segments, before, after))
        self.words = packed
        self.fill_tables(0, run)


def _reserve(rows: int, width: int, spill: Path | None) -> NDArray[np.int64]:
    """int64[rows, width] of address space; memory, or disk, is used as rows are written."""
    size = rows * width * 8
    if spill is None:
        room = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _NORESERVE)
        if hasattr(mmap, "MADV_HUGEPAGE"):
            room.madvise(mmap.MADV_HUGEPAGE)
    else:
        with tempfile.TemporaryFile(dir=spill) as file:
            file.truncate(size)
            room = mmap.mmap(file.fileno(), size)
    return np.frombuffer(room, dtype=np.int64).reshape(rows, width)
