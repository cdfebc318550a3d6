"""Where each component stands in a packed state: a field of bits in one of its 64-bit words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .components import Codes

WORD = 64

_WIDE = 3
"""Bits from which on a field is that of an object or a queue, and likely to grow."""


@dataclass(frozen=True, eq=False)
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

    @cached_property
    def mask(self) -> NDArray[np.int64]:
        """int64[components]: a field's largest number."""
        return (np.int64(1) << self.bits) - 1

    @cached_property
    def fields(self) -> NDArray[np.int64]:
        """int64[components, 3]: word, shift and mask, as the kernels read them."""
        return np.ascontiguousarray(np.stack([self.word, self.shift, self.mask], axis=1))

    def room(self, part: int) -> int:
        """How many numbers the field of a component has room for."""
        return 1 << int(self.bits[part])

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
    """A packing of fields of at least `bits`, none across two words, in as few words as first fit decreasing needs.

    Bits that would be left over are spread: a field with room for its next number saves packing every state again.
    Wide fields grow most, then those of what has not changed yet.
    """
    widest_first = sorted(range(len(bits)), key=lambda part: (-bits[part], part))
    word, room = _spread(bits, widest_first, len(_first_fit(bits, widest_first)))
    width = list(bits)
    wide = [part for part in widest_first if bits[part] >= _WIDE]
    constant = [part for part in widest_first if not bits[part]]
    for part in [*wide, *constant, *wide, *widest_first]:
        if not width[part]:
            word[part] = room.index(max(room))
        if room[word[part]]:
            width[part] += 1
            room[word[part]] -= 1
    return _placed(width, word, len(room))


def _first_fit(bits: Sequence[int], order: Sequence[int]) -> list[int]:
    """The room that is left in each word."""
    room = [WORD]
    for part in order:
        fits = next((word for word, free in enumerate(room) if free >= bits[part]), len(room))
        room += [WORD] * (fits == len(room))
        room[fits] -= bits[part]
    return room


def _spread(bits: Sequence[int], order: Sequence[int], words: int) -> tuple[list[int], list[int]]:
    """A word for each field, always the emptiest one, and the room that is left in each."""
    word, room = [0] * len(bits), [WORD] * words
    for part in order:
        word[part] = room.index(max(room))
        room[word[part]] -= bits[part]
    return (word, room) if min(room) >= 0 else _spread(bits, order, words + 1)


def _placed(width: list[int], word: list[int], words: int) -> Packing:
    used, shift = [0] * words, [0] * len(width)
    for part, bits in enumerate(width):
        shift[part] = used[word[part]] if bits else 0
        used[word[part]] += bits
    columns = [np.array(column, dtype=np.int64) for column in (width, word, shift)]
    return Packing(columns[0], columns[1], columns[2], words)
