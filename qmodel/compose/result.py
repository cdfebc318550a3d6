"""What a search found: one of three verdicts, with its scope and what it did not look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from ..spec.records import arrows_of
from .model import Model
from .properties import Property
from .trace import Trace

INTERRUPTED = "interrupted"
BUSY_LOOP = "busy loop"
"""The rule that no notifier stays up for ever, polled again and again, without anything setting it."""


class Verdict(Enum):
    """HOLDS is only said of a complete search."""

    HOLDS = "HOLDS"
    VIOLATED = "VIOLATED"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True)
class Problem:
    """What is wrong: the rule or property, the sentence, and whether the model itself is at fault."""

    rule: str
    message: str
    in_model: bool = False

    def document(self) -> dict[str, object]:
        """The problem as JSON-ready data."""
        return {"rule": self.rule, "says": self.message, "in_model": self.in_model}


@dataclass
class Coverage:
    """What a search exercised, to tell what it did not.

    Attributes:
        steps: how often each step of each process was taken.
        movers: which steps performed each arrow of each lifecycle.
        at_rest: how many quiescent states there were.
    """

    steps: Counter[tuple[type, str]] = field(default_factory=Counter)
    movers: dict[tuple[type, str], set[tuple[type, str]]] = field(default_factory=dict)
    at_rest: int = 0


@dataclass(frozen=True)
class Walks:
    """What walks were made, if a search made walks.

    Attributes:
        policy: "walk" for random ones, "pct" for those by random priorities.
        number: how many came to an end; up to the one that found something, if one did.
        steps: of all that were begun.
        finder: the number of the walk that found the problem; with the seed it names that walk.
        found: how many steps that walk took to it, before its trace was shortened.
        shortest: whether there is no shorter trace at all, which only a small scope can show.
    """

    policy: str
    seed: int
    number: int
    steps: int
    finder: int | None = None
    found: int = 0
    shortest: bool = False


@dataclass(frozen=True)
class Result:
    """The outcome of one search.

    Attributes:
        states, transitions, depth: what was visited; depth is the longest of the shortest paths.
        stopped: why the search did not finish, or "".
        trace: the simplest one that shows `problem`; of another order than breadth first, not of all.
        symmetric: what is interchangeable, e.g. "W1 W2, E1 E2"; then one state of each orbit is counted, or a few.
        decided: names of the claims about whole runs that were looked at; vacuous: those that no run has to settle.
        order: in which states were visited: "breadth" or "depth" first, or by walks ("walk", "pct").  Depth first,
            `depth` is the length of the longest path that was followed; of walks it is that of the longest, and
            nobody counts their states.
        unused: steps that were never taken, as `Process.step`.
    """

    model: Model
    verdict: Verdict
    states: int
    transitions: int
    depth: int
    seconds: float
    problem: Problem | None = None
    trace: Trace | None = None
    stopped: str = ""
    coverage: Coverage = field(default_factory=Coverage)
    order: str = "breadth"
    walks: Walks | None = None
    symmetric: str = ""
    decided: tuple[str, ...] = ()
    vacuous: tuple[str, ...] = ()

    @property
    def undecided(self) -> list[str]:
        """Names of the model's claims about whole runs that were not looked at."""
        return [name for name in about_runs(self.model, self.model.properties) if name not in self.decided]

    @property
    def unused(self) -> list[str]:
        taken = self.coverage.steps
        kinds = self.model.layout.processes
        return [
            f"{kind.__name__}.{arrow.name}"
            for kind in kinds
            for arrow in arrows_of(kind)
            if not taken[kind, arrow.name]
        ]

    @property
    def exit_code(self) -> int:
        """0 holds, 1 violated, 2 interrupted, 4 the model is wrong, 5 there was nothing to check, 7 inconclusive."""
        if self.problem is not None and self.problem.in_model:
            return 4
        if self.stopped == INTERRUPTED:
            return 2
        if self.verdict is Verdict.HOLDS and not self.transitions:
            return 5
        return {Verdict.HOLDS: 0, Verdict.VIOLATED: 1, Verdict.INCONCLUSIVE: 7}[self.verdict]


def about_runs(model: Model, claims: Sequence[Property]) -> list[str]:
    """Names of those of `claims` that are about whole runs, and of the rule about notifiers if there are any."""
    return [claim.name for claim in claims if claim.about_runs] + [BUSY_LOOP] * bool(model.levels)
