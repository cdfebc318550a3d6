"""Orders of search: depth first sees the same graph; walks find what is wrong, repeatably, and never say HOLDS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qmodel import Process, State, always
from qmodel.compose.library import build
from qmodel.compose.model import Model
from qmodel.compose.result import Result, Verdict
from qmodel.compose.trace import Trace, context_switches, read_token
from qmodel.explore.expected import Run, race, runs
from qmodel.explore.judge import Judge
from qmodel.explore.learn import LearnedSteps
from qmodel.explore.limits import NEVER, Limits
from qmodel.explore.options import Options
from qmodel.explore.search import search
from qmodel.spec.errors import UsageError
from tests.compose.test_semantics import Box, SleeperWithoutLoop, Waker, threads
from tests.support import system

BY_WALKS = ["walk", "pct"]


def model_of(run: Run) -> tuple[Model, Any]:
    model = build(run.system, run.scope)
    return model, [model.property_named(run.only)] if run.only else None


def walker(model: Model, order: str, seed: int = 1, walks: int | None = None, **more: Any) -> Any:
    from qmodel.explore.native.walker import Walker

    options = Options(
        more.pop("workers", 1), order=order, seed=seed, walks=walks, pct_depth=more.pop("pct_depth", None)
    )
    return Walker(model, LearnedSteps(model), Judge(model), options, **more)


def walk(model: Model, order: str, seed: int = 1, walks: int = 2000, **more: Any) -> Result:
    return walker(model, order, seed, walks, **more).run()


def about_runs(run: Run) -> bool:
    """Whether the verdict of `run` is about its cycles, which this order does not look at."""
    return bool(run.only) and build(run.system, run.scope).property_named(run.only).about_runs


# -- depth first -------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", [run for run in runs() if run.quick], ids=lambda run: run.title)
def test_depth_first_sees_the_same_graph(run: Run) -> None:
    model, properties = model_of(run)
    for workers in (1, 2):
        result = search(model, properties=properties, options=Options(workers, order="depth"))
        if not about_runs(run):
            assert (result.verdict.value, result.problem.rule if result.problem else "") == (run.verdict, run.rule)
        if result.verdict is Verdict.HOLDS:
            assert (result.states, result.transitions) == (run.states, run.transitions)
            assert result.depth >= run.depth
        else:
            assert result.trace is not None
            assert Judge(model, properties).end_of(result.trace) == result.problem
            assert len(result.trace) >= run.steps


def test_depth_first_can_be_limited() -> None:
    model = build("thread-pool@271c0f68b4")
    result = search(model, Limits(states=5000), options=Options(order="depth"))
    assert (result.verdict, result.exit_code, result.trace) == (Verdict.INCONCLUSIVE, 7, None)
    assert result.states >= 5000


@always("P")
def is_ready(s: Any) -> bool:
    """The box is ready."""
    return bool(s.box.ready)


def test_a_wrong_initial_state_is_found_in_every_order() -> None:
    model = system(threads(Waker), is_ready)
    for order in ("breadth", "depth", *BY_WALKS):
        result = search(model, options=Options(order=order))
        assert (result.verdict, result.trace) == (Verdict.VIOLATED, Trace(())), order


# -- walks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("name", "order", "most"),
    [
        ("B01", "walk", 10),
        ("B01", "pct", 50),
        ("B02", "walk", 50),
        ("B02", "pct", 100),
        ("B03", "walk", 20_000),
        ("B03", "pct", 500),
    ],
)
def test_walks_find_races(name: str, order: str, most: int, seed: int) -> None:
    model, _ = model_of(race(name).before)
    result = walk(model, order, seed, most)
    assert result.problem is not None
    assert result.problem.rule == race(name).before.rule
    assert result.trace is not None
    assert Judge(model).end_of(result.trace) == result.problem
    assert read_token(result.trace.token(model), build)[1] == result.trace


@pytest.mark.parametrize("order", BY_WALKS)
def test_walks_that_find_nothing_prove_nothing(order: str) -> None:
    result = walk(build("thread-pool@271c0f68b4"), order, walks=1000)
    assert (result.verdict, result.exit_code, result.problem) == (Verdict.INCONCLUSIVE, 7, None)
    assert result.walks is not None
    assert result.walks.number == 1000
    assert result.walks.steps == result.transitions == result.coverage.steps.total()


@pytest.mark.parametrize("order", BY_WALKS)
def test_a_seed_is_a_trace(order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the machine: however many workers there are, and walkers, and whoever is first."""
    from qmodel.explore.native import walker as native

    def found(seed: int, workers: int) -> tuple[Any, ...]:
        result = walk(build("thread-pool@271c0f68b4", {"nested": 1, "workers": 1}), order, seed, workers=workers)
        assert result.walks is not None
        return result.walks.finder, result.walks.number, result.problem, result.trace

    once, other = found(3, 1), found(4, 1)
    assert once != other
    monkeypatch.setattr(native, "PARTY", 5)
    monkeypatch.setattr(native, "TURN", 3)
    assert found(3, 2) == once


def test_the_trace_of_a_walk_is_shortened() -> None:
    result = search(build("thread-pool@v2.0.0"), options=Options(order="walk", seed=1, walks=10))
    assert result.trace is not None
    assert result.walks is not None
    assert 49 <= len(result.trace) < result.walks.found
    assert Judge(result.model).end_of(result.trace) == result.problem


@pytest.mark.parametrize("order", BY_WALKS)
def test_a_walk_is_as_long_as_it_may_be(order: str) -> None:
    assert walk(build("thread-pool@v2.0.0"), order, walks=20, length=40).depth == 40


# -- what walks can reach ----------------------------------------------------------------------------


class Quitter(Process):
    """It sleeps for good; only a time-out goes on, to a mistake."""

    box = Box
    asleep = State(initial=True, quiescent=True)
    late = State()
    end = State(final=True)
    give_up = asleep.to(late, after="10s")

    @late.to(end)
    def fail(self) -> None:
        assert False, "too late"  # noqa: B011, PT015


class Steps(Process):
    """Four steps of its own."""

    one = State(initial=True)
    two, three, four = State(), State(), State()
    end = State(final=True)
    first = one.to(two)
    second = two.to(three)
    third = three.to(four)
    fourth = four.to(end)


def compose_steps(self: Any) -> None:
    for number in range(3):
        setattr(self, f"T{number}", self.thread(f"T{number}", Steps))


def compose_quitter(self: Any) -> None:
    self.quitter = self.thread("Q", Quitter)


@pytest.mark.parametrize("order", BY_WALKS)
@pytest.mark.parametrize("compose", [compose_quitter, threads(SleeperWithoutLoop, Waker)])
def test_a_defect_behind_an_unreliable_step_is_reached(order: str, compose: Any) -> None:
    """A time-out where nothing else moves; a spurious wake-up while something does."""
    result = walk(system(compose), order, walks=1000)
    assert result.problem is not None
    assert result.problem.rule == "assertion"


def test_a_thread_of_high_priority_runs_until_a_priority_changes() -> None:
    """With d ordering constraints priorities change d - 1 times: each change is a preemption at most."""
    model = system(compose_steps)
    for depth in (1, 2):
        lot = walker(model, "pct", walks=100, pct_depth=depth)
        lot.run()
        switches = [context_switches(lot.retrace(number, 12).choices) for number in range(100)]
        assert (min(switches), max(switches)) == (2, 2 + (depth - 1))
    lot = walker(model, "walk", walks=100)
    lot.run()
    orders = {lot.retrace(number, 12).choices for number in range(100)}
    assert len(orders) == 100


# -- what makes no sense -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "limits", "says"),
    [
        ({"order": "best"}, NEVER, "there is no order `best`"),
        ({"walks": 3}, NEVER, "order `breadth` makes no walks"),
        ({"order": "depth", "seed": 3}, NEVER, "order `depth` makes no walks"),
        ({"order": "walk", "pct_depth": 3}, NEVER, "`--pct-depth` needs `pct`"),
        ({"order": "pct", "pct_depth": 101}, NEVER, "a PCT depth is from 1 to 100"),
        ({"order": "walk"}, Limits(states=10), "keeps no set of states"),
        ({"order": "pct"}, Limits(memory=10), "keeps no set of states"),
        ({"order": "depth"}, Limits(depth=10), "`--max-depth` needs `breadth`"),
        ({"order": "depth", "checkpoint": Path("here")}, NEVER, "`--checkpoint` needs `breadth`"),
        ({"order": "walk", "checkpoint": Path("here")}, NEVER, "nothing to spill or to save"),
    ],
)
def test_refused(options: dict[str, Any], limits: Limits, says: str) -> None:
    with pytest.raises(UsageError) as error:
        search(build("bottom-half"), limits, options=Options(**options))
    assert says in str(error.value)


def test_whole_runs_need_layers() -> None:
    with pytest.raises(UsageError) as error:
        search(build("bottom-half"), options=Options(order="walk"), runs=True)
    assert "`--liveness` needs `breadth`" in str(error.value)
