"""Hunting one mutant: search it at one scope after another until a rule is broken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache

from ...compose.library import find
from ...compose.model import Model
from ...compose.properties import Property
from ...compose.result import Result, Verdict
from ...compose.step import Cells, Step
from ...compose.system import System
from ...spec.errors import SpecError, StepError, UsageError
from ..learn import LearnedSteps
from ..limits import Limits
from ..reference import explore
from .mutants import Mutant, changed_system, machines, mutants_of, patient
from .rewrite import Reached


class Fate(Enum):
    """What became of a mutant.

    Only SURVIVED and UNREACHED need an excuse: SAME_GRAPH is no other machine as far as the scopes can tell, UNBORN
    is not even Python that runs, and NOT_JUDGED changes nothing that a sequentially consistent search could see.
    """

    KILLED = "killed"
    SURVIVED = "survived"
    UNREACHED = "never exercised"
    SAME_GRAPH = "same graph"
    UNBORN = "stillborn"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Rung:
    """One search.

    Attributes:
        address, scope: of what.
        without: properties that are known not to hold there.
        large: it takes long, so a swap within one step that had the same graph at a smaller scope is not searched.
    """

    address: str
    scope: tuple[tuple[str, int], ...] = ()
    without: tuple[str, ...] = ()
    large: bool = False

    def __str__(self) -> str:
        sizes = " ".join(f"{name}={value}" for name, value in self.scope)
        without = f" without {', '.join(self.without)}" if self.without else ""
        return f"{self.address} {sizes or 'default'}{without}"


@dataclass(frozen=True)
class Outcome:
    """The fate of `mutant`; if it was killed: by which rule, where, in how many steps and states."""

    mutant: Mutant
    fate: Fate
    rule: str = ""
    message: str = ""
    rung: Rung | None = None
    steps: int = 0
    states: int = 0


class _Graph:
    """The steps of a model, kept while they are searched, in any order."""

    def __init__(self, model: Model) -> None:
        self._steps = LearnedSteps(model)
        self.before: dict[Cells, list[Cells]] = {}
        self.expanded: set[Cells] = set()
        self.rests: list[Cells] = []
        self.edges = 0

    def __call__(self, state: Cells) -> list[Step]:
        found = self._steps(state)
        self.expanded.add(state)
        if not any(step.reliable for step in found):
            self.rests.append(state)
        for step in found:
            self.edges += hash((state, step.choice, step.state))
            if step.state is not None:
                self.before.setdefault(step.state, []).append(state)
        return found

    def fingerprint(self) -> int:
        """A number that two complete searches share if they saw the same states and labelled edges."""
        return (self.edges + sum(map(hash, self.expanded))) % (1 << 64)

    def restless(self) -> int:
        """How many states there are from which nothing can come to rest any more."""
        pending, able = list(self.rests), set(self.rests)
        while pending:
            more = [state for state in self.before.get(pending.pop(), ()) if state not in able]
            able.update(more)
            pending += more
        return len(self.expanded) - len(able)


@dataclass(frozen=True)
class Baseline:
    """The original at one rung: the system that mutants are made of, its complete graph, and its mutants."""

    rung: Rung
    system: type[System]
    result: Result
    fingerprint: int
    restless: int
    promises: tuple[Property, ...]
    """What its runs promise, and keep."""
    mutants: dict[str, Mutant]
    """By their ids, which are the same in every system that has the machine."""


@cache
def original(rung: Rung) -> tuple[type[System], dict[str, type]]:
    """The system that mutants are made of at `rung`, and its machines by name."""
    system = patient(find(rung.address), dict(rung.scope), rung.without)
    return system, {kind.__name__: kind for kind in machines(system(**dict(rung.scope)))}


@cache
def baseline(rung: Rung) -> Baseline:
    """Search the original.

    Raises:
        UsageError: it does not hold there, so that mutants could not be told from it.
    """
    system, kinds = original(rung)
    model = Model(system(**dict(rung.scope)))
    graph = _Graph(model)
    result = explore(model, steps=graph)
    if result.verdict is not Verdict.HOLDS:
        rule = result.problem.rule if result.problem else result.stopped
        raise UsageError(f"{rung} does not hold ({rule}); mutants are compared with what holds")
    mutants = {mutant.id: mutant for kind in kinds.values() for mutant in mutants_of(kind)}
    return Baseline(rung, system, result, graph.fingerprint(), graph.restless(), _kept(model), mutants)


def _kept(model: Model) -> tuple[Property, ...]:
    """The claims about runs that hold."""
    from ..graph import reach
    from ..liveness import look

    graph = reach(model)
    return tuple(p for p in model.properties if p.about_runs and look(model, graph, [p]).lasso is None)


def hunt(mutant: Mutant, ladder: tuple[Rung, ...]) -> Outcome:
    """Search `mutant` at each rung of `ladder` whose system has its machine, until a rule is broken."""
    if mutant.operator == "drop fence":
        return Outcome(mutant, Fate.NOT_JUDGED)
    same, exercised = True, False
    for rung in ladder:
        base = baseline(rung)
        if mutant.id not in base.mutants or (rung.large and mutant.operator == "swap" and same and exercised):
            continue
        here, reached = base.mutants[mutant.id], Reached()
        outcome = _search(base, here, reached)
        if outcome.fate in (Fate.KILLED, Fate.UNBORN):
            return outcome
        same = same and outcome.fate is Fate.SAME_GRAPH
        exercised = exercised or reached.yes or _takes(base, here)
    if not exercised:
        return Outcome(mutant, Fate.UNREACHED)
    return Outcome(mutant, Fate.SAME_GRAPH if same else Fate.SURVIVED)


def _takes(base: Baseline, mutant: Mutant) -> bool:
    coverage = base.result.coverage
    return any(
        coverage.steps[mutant.machine, name] or coverage.movers.get((mutant.machine, name)) for name in mutant.arrows
    )


def _search(base: Baseline, mutant: Mutant, reached: Reached) -> Outcome:
    """What one rung says of `mutant`."""
    try:
        model = Model(changed_system(base.system, mutant, reached)(**dict(base.rung.scope)))
        graph = _Graph(model)
        result = explore(model, Limits(states=4 * base.result.states + 1000), steps=graph)
    except SpecError as error:
        return Outcome(mutant, Fate.KILLED, "specification", error.problem, base.rung)
    except StepError as error:
        return Outcome(mutant, Fate.KILLED, error.kind, error.message, base.rung)
    except (TypeError, NameError, AttributeError, ValueError) as error:
        return Outcome(mutant, Fate.UNBORN, type(error).__name__, str(error), base.rung)
    if result.problem is not None and result.trace is not None:
        rule, message, steps = result.problem.rule, result.problem.message, len(result.trace)
        return Outcome(mutant, Fate.KILLED, rule, message, base.rung, steps, result.states)
    if result.verdict is not Verdict.HOLDS:
        return Outcome(mutant, Fate.SURVIVED, "", result.stopped, base.rung, 0, result.states)
    if graph.fingerprint() == base.fingerprint:
        return Outcome(mutant, Fate.SAME_GRAPH)
    if not base.restless and graph.restless():
        message = f"{graph.restless()} of {result.states} states can never come to rest, all states of the original can"
        return Outcome(mutant, Fate.KILLED, "livelock", message, base.rung, 0, result.states)
    return _look_at_runs(base, mutant, result)


def _look_at_runs(base: Baseline, mutant: Mutant, safe: Result) -> Outcome:
    """What the runs of `mutant` say of it, all of whose states and steps are right."""
    from ..liveness import decide

    result = decide(safe, base.promises) if base.promises else safe
    if result.problem is None or result.trace is None:
        return Outcome(mutant, Fate.SURVIVED)
    rule, message, steps = result.problem.rule, result.problem.message, len(result.trace)
    return Outcome(mutant, Fate.KILLED, rule, message, base.rung, steps, result.states)
