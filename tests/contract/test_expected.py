"""Every pinned number is found again, and every race is one: found before its fix, gone after, minimal in between."""

from __future__ import annotations

import pytest

from qmodel.compose.trace import context_switches
from qmodel.explore.expected import Race, Run, races, runs


def _param(run: Run) -> object:
    return pytest.param(run, id=run.title, marks=[] if run.quick else [pytest.mark.slow])


@pytest.mark.parametrize("run", [_param(run) for run in runs()])
def test_run(run: Run) -> None:
    """Exact counts: a lost or an invented transition changes one of them."""
    assert run.measured(run.search()) == run


@pytest.mark.parametrize("race", races(), ids=lambda race: race.id)
def test_race_is_found_before_and_gone_after(race: Race) -> None:
    assert race.before.verdict == "VIOLATED"
    assert race.after.verdict == "HOLDS"
    assert race.before.system != race.after.system, "the fix is a version of its own"
    assert race.before.scope == race.after.scope, "before and after are compared at one scope"


@pytest.mark.parametrize(
    ("race", "steps", "rule", "switches"),
    [
        ("B01", 49, "S3", 2),
        ("B02", 70, "deadlock", 2),
        ("B03", 19, "use after free", 2),
        ("B08", 31, "use after free", 0),
        ("B09", 33, "use after free", 0),
    ],
)
def test_minimal_trace(race: str, steps: int, rule: str, switches: int) -> None:
    """The trace is the known minimum, in steps and then in context switches."""
    before = next(found for found in races() if found.id == race).before
    result = before.search()
    assert result.problem is not None
    assert result.trace is not None
    assert (len(result.trace), result.problem.rule) == (steps, rule)
    assert context_switches(result.trace.choices) == switches
