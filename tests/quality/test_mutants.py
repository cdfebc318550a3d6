"""Every machine proves that it can fail: its mutants are killed, or excused in `specs/mutation.toml`."""

from __future__ import annotations

import pytest

from qmodel.explore.mutate import Fate, Report, Suite, analyse, suites

SUITES = {suite.address: suite for suite in suites()}


def hunt_all(suite: Suite, machine: str | None = None) -> Report:
    """Hunt the mutants of `suite`, and assert that just those survive that are excused."""
    report = analyse(suite, [m for m in suite.mutants() if machine in (None, m.machine.__name__)])
    assert [outcome.mutant.id for outcome in report.unexcused] == []
    assert [excuse.id for excuse in report.stale] == []
    return report


@pytest.mark.slow
@pytest.mark.parametrize("address", SUITES)
def test_survivors_are_exactly_those_excused(address: str) -> None:
    assert hunt_all(SUITES[address]).score >= 0.9


def test_the_mutants_of_one_machine_are_all_killed() -> None:
    assert hunt_all(SUITES["bottom-half@924fe1293c"], "AioBhNew").score == 1.0


def test_dropping_the_notification_of_a_worker_is_killed() -> None:
    suite = SUITES["thread-pool@271c0f68b4"]
    mutant = next(m for m in suite.mutants() if m.id == 'Worker.tell: drop notify "self.pool.notifier.set()"')
    (outcome,) = analyse(suite, [mutant]).outcomes
    assert (outcome.fate, outcome.rule) == (Fate.KILLED, "INV-TP5")


def test_calling_back_without_a_second_schedule_hangs_a_nested_poll() -> None:
    suite = SUITES["thread-pool@3c80ca158c"]
    name = "ThreadPoolCompletionBh_3c80ca158c.rearm: drop the call of QemuBhSchedule"
    (outcome,) = analyse(suite, [m for m in suite.mutants() if m.id == name]).outcomes
    assert (outcome.fate, outcome.rule) == (Fate.KILLED, "deadlock")


def test_a_walk_that_starves_the_next_bottom_half_is_killed_by_its_runs() -> None:
    """No state and no step is wrong; only a run without an end is."""
    mutants = SUITES["bottom-half@924fe1293c"].mutants()
    mutant = next(m for m in mutants if m.id == 'AioBhPoll.advance: drop "self.bh = self.next"')
    (outcome,) = analyse(SUITES["bottom-half@924fe1293c"], [mutant]).outcomes
    assert (outcome.fate, outcome.rule, outcome.steps) == (Fate.KILLED, "P2", 34)


@pytest.mark.parametrize("address", SUITES)
def test_ids_tell_mutants_apart_and_excuses_name_them(address: str) -> None:
    ids = [mutant.id for mutant in SUITES[address].mutants()]
    assert len(ids) == len(set(ids))
    assert [excuse.id for excuse in SUITES[address].excuses if excuse.id not in ids] == []
