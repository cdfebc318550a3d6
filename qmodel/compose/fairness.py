"""What a run must not put off for ever, so that "eventually" means something.

A scheduler that never lets a thread run, and a caller that never calls, make every promise of a program void.
`Fairness` says what is assumed of them.  A system declares it for each root process of a thread, and for single arrows
of its environment, where `choice=True` leaves it open what happens ("the loop polls again and again").

Only a *reliable* step obliges: a timeout beside a wait and a spurious wake-up may happen, and nothing can count on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

from ..spec.errors import SpecError
from ..spec.records import where_of
from ..spec.states import Arrow

if TYPE_CHECKING:
    from .layout import Layout


class Fairness(Enum):
    """When a thread must move, or an arrow must be taken (Lamport; Francez, "Fairness", 1986).

    NONE: never; it may stop for ever wherever it is.
    WEAK: if from some point on it always could.
    STRONG: if again and again it could, although not all the time: whoever wants a mutex that others take and release
        in turn gets it some time.
    """

    NONE = "none"
    WEAK = "weak"
    STRONG = "strong"


def of_threads(layout: Layout) -> list[Fairness]:
    """The fairness of each thread: what its root process, or the nearest base of it, is declared to have, or WEAK."""
    declared = layout.system.fairness_declared()
    kinds = {layout.resolve(kind): fairness for kind, fairness in declared.items() if isinstance(kind, type)}
    roots = [layout.resolve(slot.kind) for slot in layout.system.parts.threads]
    return [next((kinds[base] for base in root.__mro__ if base in kinds), Fairness.WEAK) for root in roots]


def of_arrows(layout: Layout) -> dict[tuple[type, str], Fairness]:
    """The fairness of single arrows, by process and name."""
    declared = layout.system.fairness_declared()
    return {
        (kind, arrow.name): fairness
        for arrow, fairness in declared.items()
        if isinstance(arrow, Arrow)
        for kind in _owners(layout, arrow)
    }


def check_fairness(layout: Layout) -> None:
    """Whether everything that is declared fair exists.

    Raises:
        SpecError: a process that is no thread's root, or an arrow that no process of the system has.
    """
    roots = [layout.resolve(slot.kind) for slot in layout.system.parts.threads]
    for item in layout.system.fairness_declared():
        if isinstance(item, Arrow):
            if not any(_owners(layout, item)):
                raise SpecError(
                    item.where, f"`fairness` names {item.full_name}, which no process of this system has",
                    "name an arrow of a process that some thread runs",
                )  # fmt: skip
        elif not any(issubclass(root, layout.resolve(item)) for root in roots):
            raise SpecError(
                where_of(item), f"`fairness` names {item.__name__}, which no thread of this system starts in",
                "name the process that `self.thread(...)` or `self.threads(...)` is given",
            )  # fmt: skip


def _owners(layout: Layout, arrow: Arrow) -> Iterator[type]:
    """The processes of the system that declare or inherit `arrow`; a version may have removed it since."""
    for kind in layout.processes:
        if any(arrow is value for base in kind.__mro__ for value in vars(base).values()):
            yield kind
