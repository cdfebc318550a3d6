"""How to search; nothing here changes a verdict, and only reductions change a count."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..spec.errors import UsageError


@dataclass(frozen=True)
class Options:
    """How a large search goes about its work.

    Attributes:
        workers: threads that expand states, a power of two.
        spill: a folder whose disk takes the states instead of memory.
        checkpoint: a folder that takes what is needed to go on after a crash; every: seconds between two savings.
        resume: go on from what `checkpoint` holds, if it holds anything.
        symmetry: visit one of all states that differ only in which threads and objects of a pool are which.
    """

    workers: int = 1
    spill: Path | None = None
    checkpoint: Path | None = None
    every: float = 30.0
    resume: bool = False
    symmetry: bool = False

    def __post_init__(self) -> None:
        if self.workers < 1 or self.workers & (self.workers - 1):
            raise UsageError(f"{self.workers} workers: each owns an equal part of the states, so write 1, 2, 4, ...")
        if self.resume and not self.checkpoint:
            raise UsageError("nothing says what to go on from; write `--checkpoint FOLDER --resume`")
        if self.spill and not self.spill.is_dir():
            raise UsageError(f"{self.spill} is not a folder; name one on the disk that shall take the states")


ALONE = Options()


def all_cores() -> int:
    """The largest power of two of workers that each have a core."""
    return 1 << (len(os.sched_getaffinity(0)).bit_length() - 1)
