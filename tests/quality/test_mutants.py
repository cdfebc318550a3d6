"""Every machine proves that it can fail: its mutants are killed, or excused in `specs/mutation.toml`."""

from __future__ import annotations

import pytest

from qmodel.explore.mutate import Fate, Report, Suite, analyse, suites

SUITES = {suite.address: suite for suite in suites()}
PARTS = [(address, machine) for address, suite in SUITES.items() for machine in suite.machines()]


def hunt_all(suite: Suite, machine: str) -> Report:
    return analyse(suite, [m for m in suite.mutants() if m.machine.__name__ == machine])


def check(report: Report) -> None:
    assert [outcome.mutant.id for outcome in report.unexcused] == []
    assert [excuse.id for excuse in report.stale] == []
    assert report.score >= 0.9


def test_mutants_of_one_machine_are_killed_or_excused() -> None:
    check(hunt_all(SUITES["bottom-half@924fe1293c"], "AioBhNew"))


@pytest.mark.parametrize("address", SUITES)
def test_ids_of_mutants_tell_them_apart(address: str) -> None:
    ids = [mutant.id for mutant in SUITES[address].mutants()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("address", SUITES)
def test_excuses_are_of_mutants_that_exist(address: str) -> None:
    ids = {mutant.id for mutant in SUITES[address].mutants()}
    assert [excuse.id for excuse in SUITES[address].excuses if excuse.id not in ids] == []


@pytest.mark.slow
@pytest.mark.parametrize(("address", "machine"), PARTS)
def test_survivors_are_exactly_those_excused(address: str, machine: str) -> None:
    report = hunt_all(SUITES[address], machine)
    assert [outcome.mutant.id for outcome in report.unexcused] == []
    assert [excuse.id for excuse in report.stale] == []


def test_dropping_the_notification_is_killed() -> None:
    suite = SUITES["thread-pool@271c0f68b4"]
    mutant = next(m for m in suite.mutants() if m.id == 'Worker.tell: drop notify "self.pool.notifier.set()"')
    (outcome,) = analyse(suite, [mutant]).outcomes
    assert (outcome.fate, outcome.rule) == (Fate.KILLED, "INV-TP5")
