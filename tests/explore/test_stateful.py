"""`qmodel.stateful` in somebody's pytest file."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine

from qmodel import (
    PLAIN,
    Count,
    EventNotifier,
    Process,
    Ref,
    State,
    Struct,
    System,
    UsageError,
    any_of,
    at_rest,
    never,
    stateful,
)
from qmodel.compose.library import build
from qmodel.compose.trace import read_token
from qmodel.explore.judge import Judge
from qmodel.explore.stateful import Broken


def walk(machine: Any, examples: int, shrink: bool = False) -> None:
    """Run the test case of `machine` as pytest does, without Hypothesis' database and with a fixed seed."""
    phases = [Phase.generate, *([Phase.shrink] if shrink else [])]
    case = machine.TestCase
    case.settings = settings(case.settings, max_examples=examples, database=None, derandomize=True, phases=phases)
    case().runTest()


def broken(machine: Any, examples: int = 100, shrink: bool = False) -> Broken:
    with pytest.raises(Broken) as caught:
        walk(machine, examples, shrink)
    return caught.value


class Tally(Struct):
    """What two clerks count on."""

    done = Count(4, order=PLAIN)
    bell = Ref(EventNotifier)


class Clerk(Process):
    """Adds one, in two steps."""

    tally = Ref(Tally)
    seen = Count(4)

    start = State(initial=True)
    loaded = State()
    ended = State(final=True)

    @start.to(loaded)
    def load(self) -> None:
        self.seen = self.tally.done

    @loaded.to(ended)
    def store(self) -> None:
        self.tally.done = self.seen + 1


class WaitingClerk(Process):
    """Waits for a bell that nobody rings."""

    tally = Ref(Tally)

    start = State(initial=True)
    asleep = State("waits for the bell")
    ended = State(final=True)

    def bells(self) -> list[EventNotifier]:
        return [self.tally.bell]

    sleep = start.to(asleep)
    wake = asleep.to(ended, waits=any_of(bells))


@at_rest("none lost")
def none_is_lost(s: Any) -> bool:
    """Both clerks are counted."""
    return bool(s.tally.done == 2)


@never("two")
def two_are_counted(s: Any) -> bool:
    """Both clerks are counted already."""
    return bool(s.tally.done == 2)


class Office(System):
    name, version = "office", "test"
    clerk: ClassVar[type] = Clerk

    def compose(self) -> None:
        self.tally = self.one(Tally, "tally", bell=self.one(EventNotifier, "bell"))
        for name in "AB":
            self.thread(name, self.clerk, tally=self.tally)


class OfficeThatLoses(Office):
    properties = (none_is_lost,)


class OfficeThatCounts(Office):
    properties = (two_are_counted,)


class OfficeThatWaits(Office):
    clerk = WaitingClerk


def test_one_rule_for_each_kind_of_step() -> None:
    machine = stateful(Office())
    assert issubclass(machine, RuleBasedStateMachine)
    assert {r.function.__name__ for r in machine.setup_state().rules} == {"Clerk_load", "Clerk_store", "rest"}


def test_system_that_holds() -> None:
    walk(stateful(Office(), steps=10), examples=30)


def test_property_of_every_state() -> None:
    error = broken(stateful(OfficeThatCounts(), steps=10), shrink=True)
    assert (error.problem.rule, len(error.trace)) == ("two", 4)


def test_property_at_rest_finds_the_lost_update() -> None:
    error = broken(stateful(OfficeThatLoses(), steps=10), shrink=True)
    assert (error.problem.rule, len(error.trace)) == ("none lost", 4)


def test_deadlock() -> None:
    error = broken(stateful(OfficeThatWaits(), steps=10))
    assert error.problem.rule == "deadlock"
    assert "A stays in WaitingClerk.asleep (waits for the bell)" in str(error)


def test_historical_bug_fails_with_a_token_that_replays() -> None:
    error = broken(stateful("bottom-half@before-7887f6201f", steps=60, foreign=0, nested=1), examples=1000)
    assert str(error).startswith("use after free: pointer to a freed QEMUBH")
    assert str(error).endswith(f"qmodel replay '{error.token}'")
    model, trace = read_token(error.token, build)
    assert Judge(model).end_of(trace) == error.problem


def test_fixed_version_passes() -> None:
    walk(stateful("bottom-half@924fe1293c", steps=60), examples=10)


@pytest.mark.slow
def test_finds_the_race_with_a_foreign_thread() -> None:
    error = broken(stateful("bottom-half@v2.0.0", steps=60), examples=3000)
    assert error.problem.rule == "use after free"
    model, trace = read_token(error.token, build)
    assert Judge(model).end_of(trace) == error.problem


def test_scope_is_given_once() -> None:
    with pytest.raises(UsageError):
        stateful(build("bottom-half@v2.0.0"), bhs=2)
