"""Partial-order reduction leaves every verdict as it is, also where it would be wrong to leave something out."""

from __future__ import annotations

from typing import Any

import pytest

from qmodel import PLAIN, Count, Flag, Mutex, Process, Ref, State, Struct, never
from qmodel.compose.library import build
from qmodel.compose.result import Result
from qmodel.explore.expected import Run, runs
from qmodel.explore.options import Options
from qmodel.explore.search import search
from tests.support import system

REDUCED = Options(por=True)


def rule(result: Result) -> tuple[str, str]:
    return result.verdict.value, result.problem.rule if result.problem else ""


@pytest.mark.parametrize("run", [r for r in runs() if r.quick], ids=lambda run: run.title)
def test_same_verdict(run: Run) -> None:
    model = build(run.system, run.scope)
    claims = [model.property_named(run.only)] if run.only else None
    if claims and claims[0].about_runs:
        return
    full, reduced = search(model, properties=claims), search(model, properties=claims, options=REDUCED)
    assert rule(reduced) == rule(full)
    assert reduced.states <= full.states
    assert reduced.transitions <= full.transitions


def test_it_reduces() -> None:
    """Otherwise the tests above would say nothing."""
    full, reduced = search(build("event-notifier")), search(build("event-notifier"), options=REDUCED)
    assert reduced.transitions < 0.6 * full.transitions


class Board(Struct):
    lock = Mutex()
    first = Count(3)
    second = Count(3)
    flag = Flag(order=PLAIN)


class First(Process):
    """Counts on its own, and comes back to where it was."""

    board = Ref(Board)
    low = State(initial=True)
    high = State()

    @low.to(high)
    def up(self) -> None:
        self.board.first = 1

    @high.to(low)
    def down(self) -> None:
        self.board.first = 0


class Second(Process):
    """Has one step to take, while another thread loops for ever."""

    board = Ref(Board)
    before = State(initial=True, quiescent=True)
    after = State(final=True)

    @before.to(after)
    def step(self) -> None:
        self.board.second = 2


def compose(self: Any) -> None:
    self.board = self.one(Board, "board")
    self.A = self.thread("A", First, board=self.board)
    self.B = self.thread("B", Second, board=self.board)


def found(*properties: Any) -> str:
    return rule(search(system(compose, *properties), options=REDUCED))[1]


def test_a_loop_does_not_put_a_step_off_for_ever() -> None:
    """The cycle proviso: nothing sees or touches the loop, and still the other thread moves."""

    @never("reached")
    def stepped(s: Any) -> bool:
        """The second thread takes its step."""
        return bool(s.board.second == 2)

    assert found(stepped) == "reached"


def test_a_meeting_that_one_order_never_shows_is_found() -> None:
    """A claim over both: it sees each of them, so neither is put before the other."""

    @never("met")
    def met(s: Any) -> bool:
        """The first thread is high when the second has stepped, and low again is too late."""
        return bool(s.board.first == 1 and s.board.second == 2)

    assert found(met) == "met"


def test_a_claim_that_looks_late_is_seen_in_time() -> None:
    """Where the first thread stands is asked only after the second has stepped: known only when much is explored."""

    @never("late")
    def late(s: Any) -> bool:
        """The second has stepped while the first stood low."""
        return bool(s.board.second == 2 and s.A.at(First.low))

    assert found(late) == "late"
