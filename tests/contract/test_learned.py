"""Learned steps are the steps: same graph, same order, same errors, everywhere, and far fewer lessons than states."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qmodel.compose.library import build
from qmodel.compose.model import Model
from qmodel.compose.step import Cells, Step
from qmodel.explore.expected import Run, runs
from qmodel.explore.learn import LearnedSteps
from qmodel.explore.reference import explore


def graph(model: Model, limit: int) -> dict[Cells, list[Step]]:
    """The reached graph of `model`, compared state by state while it grows."""
    learned = LearnedSteps(model)
    found: dict[Cells, list[Step]] = {}
    pending = [model.initial()]
    while pending and len(found) < limit:
        state = pending.pop()
        if state in found:
            continue
        steps = model.steps(state)
        for one, two in zip(steps, learned(state), strict=True):
            assert replace(one, error=None) == replace(two, error=None)
            assert str(one.error) == str(two.error)
        found[state] = steps
        pending += [step.state for step in steps if step.state is not None]
    assert learned.lessons < max(200, len(found) // 2)
    return found


@pytest.mark.parametrize("run", [run for run in runs() if run.quick], ids=lambda run: run.title)
def test_same_steps_everywhere(run: Run) -> None:
    assert graph(build(run.system, run.scope), limit=3000)


@pytest.mark.parametrize("address", ["bottom-half@v2.0.0", "bottom-half@924fe1293c", "event-notifier@v2.0.0"])
def test_same_result(address: str) -> None:
    model = build(address)
    plain, learned = explore(model, steps=model.steps), explore(model)
    assert (plain.verdict, plain.problem, plain.trace) == (learned.verdict, learned.problem, learned.trace)
    assert (plain.states, plain.transitions, plain.depth) == (learned.states, learned.transitions, learned.depth)
    assert plain.coverage == learned.coverage


def test_a_step_that_depends_on_something_else_is_noticed() -> None:
    """A hidden counter is not part of the state: what was taught and what is read next contradict each other."""
    from typing import Any

    from qmodel import Flag, Process, Ref, State, Struct
    from tests.support import system

    class Two(Struct):
        one = Flag()
        two = Flag()

    calls: list[int] = []

    class Fickle(Process):
        shared = Ref(Two)
        here = State(initial=True, quiescent=True)

        @here.to(here)
        def look(self) -> None:
            calls.append(1)
            if len(calls) % 2:
                self.shared.one = not self.shared.one
            else:
                self.shared.two = not self.shared.two

    def compose(self: Any) -> None:
        self.T = self.thread("T", Fickle, shared=self.one(Two, "two"))

    with pytest.raises(RuntimeError, match="depends on something that is not in the state"):
        explore(system(compose))
