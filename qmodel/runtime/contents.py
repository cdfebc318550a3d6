"""The model of the file's content: for each block, the requests whose data it may hold."""

from __future__ import annotations

import random
from dataclasses import dataclass

from .disk import ZEROS, Image, identify

UNKNOWN = -1
"""In place of a serial: a real error interrupted a write, so that the block may hold anything."""


@dataclass(frozen=True)
class Mismatch:
    """A block that does not hold what it must."""

    block: int
    offset: int
    expected: str
    found: str

    def __str__(self) -> str:
        return f"block {self.block} at offset {self.offset} holds {self.found}, expected {self.expected}"


@dataclass(frozen=True)
class Verification:
    """What reading the whole file showed.

    Attributes:
        verified: blocks that hold what they must; ambiguous: those of them that could have held one of several
            contents; unknown: blocks of which nothing can be said, because a write to them really failed.
        wrong: blocks that do not.
    """

    verified: int
    ambiguous: int
    unknown: int
    wrong: tuple[Mismatch, ...]


class Contents:
    """Which blocks are free, and what each holds.  Changed by one thread at a time (under the commit lock)."""

    def __init__(self, image: Image, rng: random.Random) -> None:
        self.image = image
        self._rng = rng
        self._serials: list[tuple[int, ...]] = [(ZEROS,)] * image.blocks
        self._free = list(range(image.blocks))

    def borrow(self) -> tuple[int, tuple[int, ...]]:
        """A random block that no request in flight uses, and what it may hold."""
        place = self._rng.randrange(len(self._free))
        self._free[place], self._free[-1] = self._free[-1], self._free[place]
        block = self._free.pop()
        return block, self._serials[block]

    def give_back(self, block: int, *serials: int) -> None:
        """The request on `block` has ended, and left one of `serials` there; none: it changed nothing."""
        if serials:
            self._serials[block] = tuple(dict.fromkeys(serials))
        self._free.append(block)

    def verify(self) -> Verification:
        """Read every block and compare; the run is over, so that nothing is in flight."""
        verified = ambiguous = unknown = 0
        wrong: list[Mismatch] = []
        for block, serials in enumerate(self._serials):
            if UNKNOWN in serials:
                unknown += 1
                continue
            mismatch = compare(self.image, block, serials, self.image.read(block))
            if mismatch is not None:
                wrong.append(mismatch)
            else:
                verified += 1
                ambiguous += len(serials) > 1
        return Verification(verified, ambiguous, unknown, tuple(wrong))


def compare(image: Image, block: int, serials: tuple[int, ...], found: bytes) -> Mismatch | None:
    """How `found` differs from everything that one of `serials` may have left in `block`."""
    if UNKNOWN in serials or any(found == image.content(block, serial) for serial in serials):
        return None
    expected = " or ".join("zeros" if serial == ZEROS else f"request {serial}" for serial in serials)
    return Mismatch(block, image.offset(block), expected, identify(found))
