"""Traces of the model, forced onto real threads."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from qmodel.compose.library import build
from qmodel.compose.model import Model
from qmodel.compose.step import Choice
from qmodel.compose.trace import Trace
from qmodel.explore.reference import explore
from qmodel.runtime.forced import force
from qmodel.runtime.report import Settings
from qmodel.spec.errors import UsageError

Maker = Callable[..., Settings]
SMALL = {"requests": 1, "workers": 1}


@pytest.fixture(scope="module")
def counterexample() -> tuple[Model, Trace]:
    """B01: the shortest way to a callback on an opaque that was freed."""
    result = explore(build("thread-pool@v2.0.0", SMALL))
    assert result.trace is not None
    return result.model, result.trace


def walk(model: Model, seed: int, wanted: str) -> Trace:
    """A random path of `model` to its end that takes the arrow `wanted` as soon as it can; no timeouts."""
    rng, state, choices = random.Random(seed), model.initial(), []
    while True:
        steps = [step for step in model.steps(state) if step.reliable]
        if not steps:
            return Trace(tuple(choices))
        step = next((s for s in steps if s.choice.arrow == wanted), None) or rng.choice(steps)
        choices.append(step.choice)
        assert step.state is not None
        state = step.state


def test_the_callback_after_cancel_happens_for_real(settings: Maker, counterexample: tuple[Model, Trace]) -> None:
    model, trace = counterexample
    done = force(model, trace, settings())
    assert done.problem is not None
    assert (done.problem.rule, done.exit_code) == ("S3", 1)
    assert done.commits == len(trace)
    assert done.recording.windows[0].choices == list(trace.choices)


def test_the_callback_touches_freed_memory_for_real(settings: Maker, counterexample: tuple[Model, Trace]) -> None:
    model, trace = counterexample
    done = force(model, Trace((*trace.choices, Choice(0, "complete"))), settings(), judged=False)
    assert done.problem is not None
    assert (done.problem.rule, done.exit_code) == ("use after free", 1)
    assert done.latest is not None
    assert done.latest.choices[-1] == Choice(0, "complete")


@pytest.mark.parametrize("wanted", ["find_taken", "find_queued", "sleep"])
def test_with_the_fix_nothing_happens(settings: Maker, wanted: str) -> None:
    model = build("thread-pool@271c0f68b4", SMALL)
    trace = walk(model, 5, wanted)
    done = force(model, trace, settings())
    assert done.problem is None, done.internal
    assert done.complete
    assert done.recording.windows[0].choices == list(trace.choices)


def test_threads_run_on_after_the_trace(settings: Maker) -> None:
    model = build("thread-pool@271c0f68b4", {"requests": 2, "workers": 2})
    done = force(model, Trace(walk(model, 3, "cancel").choices[:30]), settings())
    assert done.problem is None, done.internal
    assert done.complete
    assert done.commits > 30


def test_a_real_deadlock_is_reported(settings: Maker) -> None:
    """B02: a callback polls for a request whose notification was consumed already."""
    result = explore(build("thread-pool@271c0f68b4", {"workers": 1, "nested": 1, "cancel": 0, "resubmit": 0}))
    assert result.trace is not None
    done = force(result.model, result.trace, settings())
    assert done.problem is not None
    assert (done.problem.rule, done.exit_code) == ("deadlock", 1)
    assert "M: EventNotifierReady.called" in done.problem.message
    assert "RequestDone.waiting" in done.problem.message


def test_a_trace_that_is_no_path_is_refused(settings: Maker, counterexample: tuple[Model, Trace]) -> None:
    model, trace = counterexample
    with pytest.raises(UsageError, match="not possible"):
        force(model, Trace(trace.choices[1:]), settings())
    with pytest.raises(UsageError, match="no steps"):
        force(model, Trace(()), settings())
