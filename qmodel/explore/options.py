"""How to search: what changes no verdict, reductions that change counts, and the order of search."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from ..spec.errors import UsageError
from .limits import Limits

WALKS = ("walk", "pct")
ORDERS = ("breadth", "depth", *WALKS)


@dataclass(frozen=True)
class Options:
    """How a large search goes about its work.

    Attributes:
        workers: threads that expand states, a power of two.
        spill: a folder whose disk takes the states instead of memory.
        checkpoint: a folder that takes what is needed to go on after a crash; every: seconds between two savings.
        resume: go on from what `checkpoint` holds, if it holds anything.
        por: partial-order reduction: of steps that nobody else can notice, one order is as good as all.
        order: which state comes next, one of `ORDERS`.
        seed, walks: of walks: what they are drawn from (0 by default), and how many are made (None: until a limit).
        pct_depth: of walks by priorities: how many ordering constraints a bug may need, d in the paper; 3 by default.
        symmetry: visit one of all states that differ only in which threads and objects of a pool are which.
    """

    workers: int = 1
    spill: Path | None = None
    checkpoint: Path | None = None
    every: float = 30.0
    resume: bool = False
    por: bool = False
    order: str = "breadth"
    seed: int | None = None
    walks: int | None = None
    pct_depth: int | None = None
    symmetry: bool = False

    def __post_init__(self) -> None:
        if self.workers < 1 or self.workers & (self.workers - 1):
            raise UsageError(f"{self.workers} workers: each owns an equal part of the states, so write 1, 2, 4, ...")
        if self.resume and not self.checkpoint:
            raise UsageError("nothing says what to go on from; write `--checkpoint FOLDER --resume`")
        if self.por and self.checkpoint:
            raise UsageError("--por with --checkpoint: what the reduction assumes is learned on the way, and not saved")
        if self.spill and not self.spill.is_dir():
            raise UsageError(f"{self.spill} is not a folder; name one on the disk that shall take the states")
        if self.symmetry and self.by_walks:
            raise UsageError(f"order `{self.order}` keeps no set of states, so --symmetry has nothing to make smaller")
        if self.symmetry and self.por:
            raise UsageError(
                "--symmetry with --por: which steps nobody else notices is learned from the states that are visited, "
                "and not from their permutations; leave one of them out"
            )
        self._check_order()

    @property
    def reductions(self) -> tuple[str, ...]:
        """The options that leave states out without changing a verdict."""
        return tuple(name for name in ("symmetry", "por") if getattr(self, name))

    def check_audit(self) -> None:
        """Whether there is something to audit.

        Raises:
            UsageError: nothing is reduced.
        """
        if not self.reductions:
            raise UsageError("--audit compares a reduced search with a full one; add --symmetry or --por")

    @property
    def unreduced(self) -> Options:
        """The same without reductions, and without what would save or go on from a reduced search."""
        return replace(self, symmetry=False, por=False, checkpoint=None, resume=False)

    def _check_order(self) -> None:
        """Whether the order, and what belongs to one order only, go together.

        Raises:
            UsageError: they do not.
        """
        if self.order not in ORDERS:
            raise UsageError(f"there is no order `{self.order}`; there are {', '.join(ORDERS)}")
        if not self.by_walks and (self.walks is not None or self.seed is not None):
            raise UsageError(
                f"order `{self.order}` makes no walks and draws nothing; `--walks` and `--seed` need `walk`"
            )
        if self.order != "pct" and self.pct_depth is not None:
            raise UsageError(f"order `{self.order}` has no priorities that change; `--pct-depth` needs `pct`")
        if self.by_walks and (self.spill or self.checkpoint):
            raise UsageError(f"order `{self.order}` keeps no set of states, so there is nothing to spill or to save")
        if self.order != "breadth" and self.por:
            raise UsageError(f"the cycle proviso of --por is that of layers, and order `{self.order}` has none")
        if self.order == "depth" and self.checkpoint:
            raise UsageError("a checkpoint holds layers, and order `depth` has none; `--checkpoint` needs `breadth`")
        if not 0 <= (self.seed or 0) < 1 << 63 or not 1 <= (self.pct_depth or 3) <= 100:
            raise UsageError("a seed is at least 0 and has at most 63 bits; a PCT depth is from 1 to 100")

    def check(self, limits: Limits) -> None:
        """Whether a search in this order can keep to `limits`.

        Raises:
            UsageError: they count what it does not have.
        """
        if self.by_walks and (limits.states is not None or limits.memory is not None):
            raise UsageError(
                f"order `{self.order}` keeps no set of states, so it cannot count them nor fill memory with them; "
                "limit it with `--walks`, `--max-seconds` or, the length of a walk, `--max-depth`"
            )
        if self.order == "depth" and limits.depth is not None:
            raise UsageError(
                "order `depth` does not know how near a state is, so a limit of depth would leave out some states that "
                "are near; `--max-depth` needs `breadth`"
            )

    @property
    def by_walks(self) -> bool:
        """Whether walks are made, which show a violation or nothing."""
        return self.order in WALKS


ALONE = Options()


def all_cores() -> int:
    """The largest power of two of workers that each have a core."""
    return 1 << (len(os.sched_getaffinity(0)).bit_length() - 1)
