"""Where each component stands in a packed state: a field of bits in one of its 64-bit words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .components import Codes

WORD = 64


@dataclass(frozen=True)
class Packing:
    """Fields of bits, as wide as the numbers that were met so far need.

    Attributes:
        bits: int64[components], the width of each field; 0 for a component that has one value.
        word, shift: int64[components], where it stands.
        words: 64-bit words a state.
    """

    bits: NDArray[np.int64]
    word: NDArray[np.int64]
    shift: NDArray[np.int64]
    words: int

    @property
    def mask(self) -> NDArray[np.int64]:
        """int64[components]: a field's largest number."""
        return (np.int64(1) << self.bits) - 1

    @property
    def fields(self) -> NDArray[np.int64]:
        """int64[components, 3]: word, shift and mask, as the kernels read them."""
        return np.ascontiguousarray(np.stack([self.word, self.shift, self.mask], axis=1))

    def pack(self, codes: Sequence[int]) -> NDArray[np.int64]:
        """int64[words] of one state."""
        packed = [0] * self.words
        for code, word, shift in zip(codes, self.word.tolist(), self.shift.tolist(), strict=True):
            packed[word] |= code << shift
        return np.array(packed, dtype=np.uint64).view(np.int64)

    def unpack(self, packed: NDArray[np.int64]) -> Codes:
        """The numbers of one state."""
        fields = packed.view(np.uint64)[self.word] >> self.shift.astype(np.uint64)
        return tuple((fields & self.mask.astype(np.uint64)).tolist())


def packed_into_words(bits: Sequence[int]) -> Packing:
    """A packing of fields of `bits`, none across two words, in as few words as first fit decreasing finds.

    A component needs less than 63 bits: it is a number that a Python dict has counted.
    """
    room: list[int] = []
    word, shift = [0] * len(bits), [0] * len(bits)
    for part in sorted(range(len(bits)), key=lambda part: (-bits[part], part)):
        if not bits[part]:
            break
        fits = next((w for w, used in enumerate(room) if used + bits[part] <= WORD), len(room))
        if fits == len(room):
            room.append(0)
        word[part], shift[part] = fits, room[fits]
        room[fits] += bits[part]
    as_array = [np.array(column, dtype=np.int64) for column in (bits, word, shift)]
    return Packing(*as_array, words=max(len(room), 1))
