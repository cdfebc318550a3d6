"""`qmodel.stateful`: a system as a Hypothesis state machine, for anyone's pytest file.

    TestPool = qmodel.stateful("thread-pool@271c0f68b4", requests=1, workers=1).TestCase

One rule for each kind of step (process and arrow); its precondition is that some thread can take it, its argument is
which thread, with which picks.  `qmodel fuzz` draws better schedules and shrinks further; this class is for those who
want Hypothesis' own reports, profiles and example database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ..compose.library import build
from ..compose.model import Model
from ..compose.result import Problem
from ..compose.step import Step
from ..compose.system import System
from ..compose.trace import Trace
from ..spec.errors import UsageError
from ..spec.records import arrows_of
from .walk import Atlas, Prospect

STEPS = 100
"""Rules of one run.  Hypothesis' default of 50 is less than the shortest trace of some historical bugs (70)."""


class Broken(AssertionError):
    """A rule or property is broken; the message ends with the line that replays it."""

    def __init__(self, model: Model, problem: Problem, trace: Trace) -> None:
        self.problem, self.trace, self.token = problem, trace, trace.token(model)
        steps = f"{model.address}, {len(trace)} steps"
        super().__init__(f"{problem.rule}: {problem.message}\n{steps}\nqmodel replay '{self.token}'")


class _Option:
    """A step that a rule may take; shown as `W1.call(0)`."""

    def __init__(self, model: Model, step: Step, problem: Problem | None) -> None:
        self.step, self.problem, self._text = step, problem, model.describe(step.choice)

    def __repr__(self) -> str:
        return self._text


def _is_at_rest(machine: ModelMachine) -> bool:
    return machine.prospect.at_rest


class ModelMachine(RuleBasedStateMachine):
    """Base of the classes that `stateful` makes: one run of a model."""

    atlas: Atlas

    def __init__(self) -> None:
        super().__init__()
        self.state = self.atlas.model.initial()
        self.taken: list[Step] = []
        self._options: dict[tuple[type, str], list[_Option]] | None = None

    @property
    def prospect(self) -> Prospect:
        return self.atlas.look(self.state)

    def options(self, kind: type, arrow: str) -> list[_Option]:
        """The steps along `arrow` of `kind` that are possible now."""
        if self._options is None:
            self._options = self._sort_options()
        return self._options.get((kind, arrow), [])

    def _sort_options(self) -> dict[tuple[type, str], list[_Option]]:
        model, prospect = self.atlas.model, self.prospect
        found: dict[tuple[type, str], list[_Option]] = {}
        for step, problem in zip(prospect.steps, prospect.outcomes, strict=True):
            kind, _ = model.layout.pcs[model.pc(self.state, step.choice.thread) - 1]
            found.setdefault((kind, step.choice.arrow), []).append(_Option(model, step, problem))
        return found

    def take(self, option: _Option) -> None:
        """Take a step.

        Raises:
            Broken: the step, or the state behind it, breaks a rule.
        """
        self.taken.append(option.step)
        self.state = option.step.state or self.state
        self._options = None
        self._demand(option.problem)

    def _demand(self, problem: Problem | None) -> None:
        if problem is not None:
            raise Broken(self.atlas.model, problem, Trace(tuple(step.choice for step in self.taken)))

    @precondition(_is_at_rest)
    @rule()
    def rest(self) -> None:
        """Nothing that can be counted on moves any more: deadlock, leaks, what must hold at rest."""
        self._demand(self.prospect.problem)

    @invariant()
    def holds(self) -> None:
        """The properties of every state, and that no two threads race for it."""
        self._demand(self.atlas.judge.state(self.state))
        if not self.prospect.at_rest:
            self._demand(self.prospect.problem)


def stateful(system: str | System | Model, *, steps: int = STEPS, **scope: int) -> type[ModelMachine]:
    """A `RuleBasedStateMachine` of `system`: its address, with a scope, or a composed system or model.

    Its `TestCase` runs walks of at most `steps` rules under the settings of the active Hypothesis profile.

    Raises:
        UsageError: there is no such system, or a scope is given for a system that has one already.
    """
    model = _model(system, scope)
    rules = {
        _rule_name(kind, arrow.name): (kind, arrow.name) for kind in model.layout.processes for arrow in arrows_of(kind)
    }
    namespace: dict[str, Any] = {name: _step_rule(name, *step) for name, step in rules.items()}
    namespace |= {"atlas": Atlas(model), "__doc__": f"Walks through {model.address}.", "__module__": __name__}
    machine: Any = type(f"Walk_{model.system.name.replace('-', '_')}", (ModelMachine,), namespace)
    machine.TestCase.settings = settings(
        machine.TestCase.settings,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[phase for phase in Phase if phase is not Phase.explain],
    )
    return machine  # type: ignore[no-any-return]


def _model(system: str | System | Model, scope: dict[str, int]) -> Model:
    if isinstance(system, str):
        return build(system, scope)
    if scope:
        raise UsageError("a scope is given twice: to the system, and to `stateful`; give it to the system")
    return system if isinstance(system, Model) else Model(system)


def _rule_name(kind: type, arrow: str) -> str:
    return f"{kind.__name__}_{arrow}"


def _step_rule(name: str, kind: type, arrow: str) -> Callable[..., None]:
    """The rule that takes the steps along `arrow` of `kind`."""

    def take_step(self: ModelMachine, step: _Option) -> None:
        self.take(step)

    take_step.__name__ = take_step.__qualname__ = name

    def is_possible(self: ModelMachine) -> bool:
        return bool(self.options(kind, arrow))

    possible = st.runner().flatmap(lambda machine: st.sampled_from(machine.options(kind, arrow)))
    return precondition(is_possible)(rule(step=possible)(take_step))
