"""Our search and SPIN's, side by side: the same verdict, and exactly the same number of states and transitions."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...compose.model import Model
from ...compose.properties import Property
from ...compose.result import Verdict
from ..judge import Judge
from ..learn import LearnedSteps
from ..limits import Limits
from ..native.engine import Engine
from . import spin
from .promela import promela
from .system import ClosedSystem, closed

UNLIMITED = Limits()


def explored(model: Model, limits: Limits = UNLIMITED, properties: Sequence[Property] | None = None) -> ClosedSystem:
    """`model` as a closed system, after a search that goes on behind everything that is wrong."""
    engine = Engine(model, LearnedSteps(model), Judge(model, properties))
    stopped = engine.search(limits, None, time.monotonic(), go_on=True)
    return closed(engine, stopped)


@dataclass(frozen=True)
class Comparison:
    """What both say of one system; `theirs` is None if one of them was `stopped` first.

    A violated system is compared by its verdict and its states.  Its transitions are not: SPIN takes one more from
    each state in which a claim is broken, the failed assertion.
    """

    title: str
    ours: ClosedSystem
    theirs: spin.Verification | None
    seconds: float
    stopped: str = ""

    @property
    def verdicts(self) -> tuple[Verdict, Verdict]:
        """Ours and theirs."""
        if self.theirs is None or not self.theirs.complete:
            return _verdict(self.ours.violated, not self.ours.stopped), Verdict.INCONCLUSIVE
        return _verdict(self.ours.violated, not self.ours.stopped), _verdict(self.theirs.errors > 0, True)

    @property
    def agrees(self) -> bool | None:
        """Whether they do; None if a limit came first."""
        ours, theirs = self.verdicts
        if self.theirs is None or Verdict.INCONCLUSIVE in (ours, theirs):
            return None
        same_steps = self.ours.violated or self.ours.transitions == self.theirs.transitions
        return ours is theirs and self.ours.states == self.theirs.states and same_steps

    def document(self) -> dict[str, object]:
        """The comparison as JSON-ready data."""
        ours, theirs = self.verdicts
        found = self.theirs
        return {
            "system": self.title,
            "agrees": self.agrees,
            "stopped": self.stopped,
            "ours": _counts(ours, self.ours.states, self.ours.transitions, self.seconds),
            "spin": _counts(theirs, found.states, found.transitions, found.seconds) if found else None,
        }


def _counts(verdict: Verdict, states: int, transitions: int, seconds: float) -> dict[str, object]:
    return {"verdict": verdict.value, "states": states, "transitions": transitions, "seconds": round(seconds, 3)}


def _verdict(violated: bool, complete: bool) -> Verdict:
    return Verdict.VIOLATED if violated else Verdict.HOLDS if complete else Verdict.INCONCLUSIVE


def compare(
    title: str,
    model: Model,
    limits: Limits = UNLIMITED,
    properties: Sequence[Property] | None = None,
    verify: Callable[[str], spin.Verification] | None = None,
) -> Comparison:
    """Search `model` here, and what was learned there.

    Args:
        limits: of our search; its seconds also limit each phase of SPIN.
        verify: who searches the Promela text; SPIN with flags for small systems by default.
    """
    started = time.monotonic()
    system = explored(model, limits, properties)
    seconds = time.monotonic() - started
    if system.stopped:
        return Comparison(title, system, None, seconds, system.stopped)
    try:
        found = verify(promela(system)) if verify else spin.verify(promela(system), seconds=limits.seconds)
    except TimeoutError as late:
        return Comparison(title, system, None, seconds, str(late))
    return Comparison(title, system, found, seconds, "" if found.complete else "SPIN did not complete its search")
