"""The small parts of a run: faults, latencies, windows, durations."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmodel.compose.step import Choice
from qmodel.runtime.disk import identify
from qmodel.runtime.faults import Faults, parse_faults
from qmodel.runtime.histogram import Histogram
from qmodel.runtime.plan import seconds_of
from qmodel.runtime.recorder import Recorder
from qmodel.spec.errors import UsageError


def test_rates() -> None:
    assert parse_faults(["EIO=1%", "short=0.25", "slow=0"]) == {"EIO": 0.01, "short": 0.25, "slow": 0.0}


@pytest.mark.parametrize("text", ["bang=1%", "EIO=x", "EIO=101%", "EIO=-1", "EIO=", "=1%", "EIO=nan"])
def test_bad_rates(text: str) -> None:
    with pytest.raises(UsageError):
        parse_faults([text])


def test_faults_strike_at_their_rate_and_are_counted() -> None:
    faults, rng = Faults({"EIO": 1.0, "slow": 0.0}), random.Random(1)
    assert faults.strikes("EIO", rng)
    assert not faults.strikes("slow", rng)
    assert not faults.strikes("short", rng)
    assert faults.struck == {"EIO": 1}


@given(values=st.lists(st.integers(1, 10**7), min_size=1), percent=st.sampled_from([50, 95, 99, 100]))
def test_percentiles_are_at_most_a_sixteenth_too_high(values: list[int], percent: int) -> None:
    histogram = Histogram()
    for value in values:
        histogram.add(value)
    exact = sorted(values)[max(0, -(-len(values) * percent // 100) - 1)]
    assert exact <= histogram.percentile(percent) <= exact * 17 / 16
    assert histogram.largest == max(values)
    assert sum(count for _, count in histogram.by_power()) == len(values)


def test_an_empty_histogram() -> None:
    assert Histogram().percentile(99) == 0
    assert Histogram().by_power() == []


@given(commits=st.integers(1, 600), seed=st.integers(0, 5))
def test_windows_stay_few_and_fit(commits: int, seed: int) -> None:
    recorder = Recorder(seed, whole=20, length=5, windows=4, gap=3)
    states = [[number, number % 3] for number in range(commits + 1)]
    for number in range(commits):
        recorder.add(Choice(0, "step"), states[number], states[number + 1])
    windows = recorder.windows()
    assert len(windows) <= 4 + 3
    assert windows[0].first == 0
    assert windows[-1].first + len(windows[-1]) == commits
    for window in windows:
        cells = list(window.before)
        assert cells == states[window.first]
        for changes in window.changes:
            for slot, value in changes:
                cells[slot] = value
        assert cells == states[window.first + len(window)]


@pytest.mark.parametrize(("text", "seconds"), [("10s", 10.0), ("250ms", 0.25), ("1.5 min", 90.0)])
def test_durations(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "s", "10 h"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(UsageError):
        seconds_of(text)


def test_contents_are_named() -> None:
    assert identify(bytes(64)) == "zeros"
    assert identify(b"hello, world").startswith("foreign bytes")
