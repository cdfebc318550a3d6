"""Fuzzing finds the historical bugs within Hypothesis' default number of examples, and shrinks them to the minimum."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import Phase, find, settings
from typer.testing import CliRunner

from qmodel.cli import app
from qmodel.compose.library import build
from qmodel.compose.result import Verdict
from qmodel.compose.trace import read_token
from qmodel.explore.fuzz import EXAMPLES, STEPS, Effort, FuzzReport, fuzz
from qmodel.explore.judge import Judge
from qmodel.explore.reference import explore
from qmodel.explore.shorten import shorten
from qmodel.explore.walk import Atlas, Wanted, walks

BUGS = {
    "B01": ("thread-pool@v2.0.0", {}, "S3"),
    "B01 in the smallest scope": ("thread-pool@v2.0.0", {"requests": 1, "workers": 1}, "S3"),
    "B02": ("thread-pool@271c0f68b4", {"nested": 1, "workers": 1}, "deadlock"),
    "B03": ("bottom-half@v2.0.0", {}, "use after free"),
    "B08": ("bottom-half@before-7887f6201f", {"foreign": 0, "nested": 1}, "use after free"),
    "B09": ("bottom-half@before-648fb0ea5e", {"foreign": 0, "nested": 1, "bhs": 2}, "use after free"),
}


def fuzz_bug(bug: str, seed: int = 1) -> FuzzReport:
    address, scope, _ = BUGS[bug]
    return fuzz(build(address, scope), seed=seed)


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS)
def test_finds_the_bug_and_its_shortest_trace(bug: str) -> None:
    address, scope, rule = BUGS[bug]
    report = fuzz_bug(bug)
    assert report.verdict is Verdict.VIOLATED
    assert report.problem is not None
    assert report.trace is not None
    assert report.problem.rule == rule
    exhaustive = explore(build(address, scope)).trace
    assert exhaustive is not None
    assert report.trace.simplicity[:2] == exhaustive.simplicity[:2]


def test_shortens_as_far_as_the_explorer_in_the_smallest_scope() -> None:
    address, scope, rule = BUGS["B01 in the smallest scope"]
    report = fuzz(build(address, scope), seed=1)
    exhaustive = explore(build(address, scope)).trace
    assert report.trace is not None
    assert exhaustive is not None
    assert len(report.trace) == len(exhaustive) == 49
    assert report.shortest
    assert report.lengths[0] >= report.lengths[1] >= report.lengths[2] == 49
    assert report.problem is not None
    assert report.problem.rule == rule


def test_trace_replays_to_the_rule_that_was_found() -> None:
    report = fuzz_bug("B08")
    assert report.trace is not None
    model, trace = read_token(report.trace.token(report.model), build)
    assert Judge(model).end_of(trace) == report.problem


def test_a_seed_repeats_a_fuzz() -> None:
    one, two = fuzz_bug("B08"), fuzz_bug("B08")
    assert one.trace == two.trace
    assert (one.examples, one.attempts, one.steps, one.states) == (two.examples, two.attempts, two.steps, two.states)


def test_finding_nothing_is_inconclusive() -> None:
    efforts: list[Effort] = []
    report = fuzz(build("bottom-half@924fe1293c"), seed=0, examples=10, progress=efforts.append)
    assert report.verdict is Verdict.INCONCLUSIVE
    assert report.exit_code == 7
    assert report.stopped == "10 examples of 5 walks of at most 200 steps"
    assert report.states > 100
    assert report.steps > 100
    assert "DriverCallback.poll" in report.unused
    assert efforts[-1].examples == 10


def test_time_limit_is_inconclusive() -> None:
    report = fuzz(build("bottom-half@924fe1293c"), seed=0, seconds=0)
    assert (report.verdict, report.stopped) == (Verdict.INCONCLUSIVE, "the time was up")


def test_shortening_gives_up_within_its_budget() -> None:
    model = build("bottom-half@v2.0.0")
    result = explore(model)
    assert result.trace is not None
    assert result.problem is not None
    kept = shorten(Atlas(model), result.trace, result.problem, budget=0)
    assert (kept.trace, kept.shortest) == (result.trace, False)


def test_shortening_finds_what_deletions_do_not() -> None:
    """From a failing walk as Hypothesis generated it, with no shrinking before."""
    model = build("bottom-half@before-7887f6201f", {"foreign": 0, "nested": 1})
    shortest = explore(model)
    assert shortest.trace is not None
    atlas = Atlas(model)
    generate = settings(max_examples=EXAMPLES, database=None, phases=[Phase.generate])
    walk = find(walks(atlas, STEPS, Wanted()), lambda w: w.problem is not None, settings=generate, random=Random(1))
    assert walk.problem is not None
    assert len(walk.trace) > len(shortest.trace)
    short = shorten(atlas, walk.trace, walk.problem, budget=10_000)
    assert short.shortest
    assert short.problem.rule == walk.problem.rule
    assert short.trace.simplicity[:2] == shortest.trace.simplicity[:2]


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["fuzz", *arguments])
    return done.exit_code, done.output


def test_command_prints_the_seed_and_the_line_that_replays() -> None:
    code, said = run("bottom-half@before-7887f6201f", "-p", "foreign=0", "-p", "nested=1", "--seed", "1")
    assert code == 1
    assert "VIOLATED  use after free" in said
    assert "seed 1" in said
    assert "qmodel replay 'qm1:" in said


def test_command_that_finds_nothing_exits_7() -> None:
    code, said = run("bottom-half@924fe1293c", "--seed", "1", "--examples", "5", "--steps", "20")
    assert code == 7
    assert "INCONCLUSIVE  5 examples of 5 walks of at most 20 steps" in said
    assert "never taken: " in said


def test_command_as_json() -> None:
    code, said = run("bottom-half@before-7887f6201f", "-p", "foreign=0", "-p", "nested=1", "--seed", "1", "--json")
    document = json.loads(said)
    assert code == 1
    assert document["verdict"] == "VIOLATED"
    assert document["complete"] is False
    assert document["seed"] == 1
    assert document["trace"]["length"] == document["lengths"]["shortened"]
    assert document["problem"]["rule"] == "use after free"
