"""How to search: what changes no verdict and no count, and the order, which of a violation may change both."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..spec.errors import UsageError


ORDERS = ("breadth", "depth", "walk", "pct")


@dataclass(frozen=True)
class Options:
    """How a large search goes about its work.

    Attributes:
        workers: threads that expand states, a power of two.
        spill: a file that takes the states instead of memory.
        order: which state comes next, one of `ORDERS`.
        seed, walks: of random walks: what they are drawn from, and how many are made (None: until a limit).
        pct_depth: of walks by priorities: how many ordering constraints a bug may need, d in the paper.
    """

    workers: int = 1
    spill: Path | None = None
    order: str = "breadth"
    seed: int = 0
    walks: int | None = None
    pct_depth: int = 3

    def __post_init__(self) -> None:
        if self.workers < 1 or self.workers & (self.workers - 1):
            raise UsageError(f"{self.workers} workers: each owns an equal part of the states, so write 1, 2, 4, ...")
        if self.order not in ORDERS:
            raise UsageError(f"there is no order `{self.order}`; there are {', '.join(ORDERS)}")
        if self.walks is not None and not self.by_walks:
            raise UsageError(f"--order {self.order} makes no walks, so `--walks` means nothing; write `--order walk`")
        if self.by_walks and self.spill:
            raise UsageError(f"--order {self.order} keeps no states, so there is nothing to spill")

    @property
    def by_walks(self) -> bool:
        """Whether walks are made, which show a violation or nothing."""
        return self.order in ("walk", "pct")


ALONE = Options()


def all_cores() -> int:
    """The largest power of two of workers that each have a core."""
    return 1 << (len(os.sched_getaffinity(0)).bit_length() - 1)
