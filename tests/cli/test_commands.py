"""The commands as a user types them: exit codes, one clear line for a mistake, JSON that parses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


def qmodel(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from qmodel.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False, timeout=120)


def test_violated_is_exit_1_with_a_trace_that_replays() -> None:
    done = qmodel("check", "bottom-half")
    assert done.returncode == 1
    assert "VIOLATED  use after free" in done.stdout
    token = next(line for line in done.stdout.splitlines() if line.startswith("qmodel replay")).split("'")[1]
    again = qmodel("replay", token)
    assert again.returncode == 1
    assert "use after free" in again.stdout


def test_holds_is_exit_0_and_says_what_it_did_not_look_at() -> None:
    done = qmodel("check", "bottom-half@924fe1293c")
    assert done.returncode == 0
    assert "HOLDS  every interleaving within this scope" in done.stdout
    assert "never taken within this scope: " in done.stdout
    assert "not modelled:" in done.stdout


def test_limit_is_exit_7() -> None:
    done = qmodel("check", "bottom-half@924fe1293c", "--max-states", "100")
    assert done.returncode == 7
    assert "INCONCLUSIVE" in done.stdout


def test_liveness_is_looked_at_when_it_is_asked_for() -> None:
    """Not looking never passes as holding."""
    silent = qmodel("check", "event-notifier", "-p", "sets=1")
    assert silent.returncode == 0
    assert "not looked at, since it is about whole runs (`--liveness`): P5, busy loop" in silent.stdout
    asked = qmodel("check", "event-notifier", "-p", "sets=1", "--liveness")
    assert asked.returncode == 0
    assert "on every fair run: P5, busy loop" in asked.stdout


def test_a_lasso_is_exit_1_with_a_token_that_replays() -> None:
    scope = ["-p", "foreign=0", "-p", "idle=1", "-p", "nested=1"]
    done = qmodel("check", "bottom-half@924fe1293c", *scope, "--property", "P2", "--liveness")
    assert done.returncode == 1
    assert "VIOLATED  P2: bh1: A BH that is scheduled and not idle runs" in done.stdout
    assert "-- and there it stays for ever --" in done.stdout
    token = next(line for line in done.stdout.splitlines() if line.startswith("qmodel replay")).split("'")[1]
    again = qmodel("replay", token)
    assert again.returncode == 1
    assert "P2: bh1" in again.stdout
    shorter = qmodel("replay", token.rpartition(":")[0] + ":3")
    assert shorter.returncode == 4
    assert "the loop of this trace does not close" in shorter.stderr


BOUNDED = (
    "error: --liveness needs the complete graph: with --max-states, --max-depth, --max-seconds or --max-memory edges "
    "are missing, so its cycles and its ends say nothing about runs; use a smaller scope instead (`-p`)\n"
)


@pytest.mark.parametrize("limit", [["--max-states", "9"], ["--max-depth", "9"], ["--max-seconds", "9"]])
def test_liveness_of_a_part_of_the_graph_is_refused(limit: list[str]) -> None:
    done = qmodel("check", "bottom-half@924fe1293c", "--liveness", *limit)
    assert (done.returncode, done.stderr) == (4, BOUNDED)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["check", "event-notifier", "--property", "P5"], "P5 is about whole runs; add --liveness"),
        (["check", "nope"], "there is no system `nope`"),
        (["check", "thread-pool@nope"], "thread-pool has no version `nope`"),
        (["check", "thread-pool", "-p", "requests=0"], "requests=0 is too small; it must be at least 1"),
        (["check", "thread-pool", "-p", "requests"], "`-p requests` is not of the form NAME=NUMBER"),
        (["check", "thread-pool", "-p", "wheels=4"], "thread-pool has no parameter `wheels`"),
        (["check"], "Missing argument"),
        (["check", "thread-pool", "--max-states", "0"], "Invalid value"),
        (["check", "thread-pool", "--order", "best"], "there is no order `best`; there are breadth, depth, walk, pct"),
        (["check", "thread-pool", "--order", "walk", "--max-states", "9"], "order `walk` keeps no set of states"),
        (["frobnicate"], "No such command"),
        (["replay", "hello"], "this is not a trace token"),
        (["races", "B99"], "there is no race `B99`"),
    ],
)
def test_a_mistake_is_one_message_and_exit_4(words: list[str], says: str) -> None:
    done = qmodel(*words)
    assert done.returncode == 4, done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stdout


@pytest.mark.parametrize("words", [["list"], ["doctor"], ["check", "bottom-half"], ["races", "B03"]])
def test_json(words: list[str]) -> None:
    assert json.loads(qmodel(*words, "--json").stdout)


def test_check_json_carries_the_verdict_and_the_trace() -> None:
    found = json.loads(qmodel("check", "bottom-half", "--json").stdout)
    assert (found["verdict"], found["problem"]["rule"], found["trace"]["length"]) == ("VIOLATED", "use after free", 19)
    assert found["trace"]["steps"][-1]["error"].startswith("use after free")


def test_check_profile_says_where_it_went() -> None:
    done = qmodel("check", "bottom-half@924fe1293c", "--profile")
    assert done.returncode == 0
    titles = ["Steps", "Variables", "Claims", "What ghosts cost", "Growth"]
    assert [line for line in done.stdout.splitlines() if line in titles] == titles


def test_check_profile_json_is_beside_the_verdict() -> None:
    done = qmodel("check", "bottom-half", "--profile-fields", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"]) == (1, "VIOLATED")
    assert sum(step["taken"] for step in found["profile"]["steps"]) == found["transitions"]
    assert {saving["kind"] for saving in found["profile"]["savings"]} >= {"ghost", "field"}


def test_walks_say_what_repeats_them() -> None:
    words = ["check", "bottom-half@924fe1293c", "--order", "pct", "--walks", "50"]
    done = qmodel(*words, "--seed", "7")
    assert done.returncode == 7
    assert "50 walks were made; nothing wrong so far, which proves nothing" in done.stdout
    assert "seed 7" in done.stdout
    found = json.loads(qmodel(*words, "--json").stdout)
    assert (found["order"], found["walks"], found["complete"]) == ("pct", 50, False)
    assert found["seed"] >= 0


def test_the_trace_of_a_walk_replays() -> None:
    words = ["check", "bottom-half", "--order", "pct", "--seed", "2"]
    done = qmodel(*words)
    assert done.returncode == 1
    assert "The trace of walk " in done.stdout
    token = next(line for line in done.stdout.splitlines() if line.startswith("qmodel replay")).split("'")[1]
    assert qmodel("replay", token).returncode == 1
    assert json.loads(qmodel(*words, "--json").stdout)["trace"]["token"] == token


def test_a_missed_race_is_exit_1(tmp_path: Path) -> None:
    """`qmodel races` must be able to fail: with the expectation of another rule it does."""
    code = (
        "from qmodel.explore import expected; from dataclasses import replace; import qmodel.cli.races as cli\n"
        "race = expected.race('B03')\n"
        "wrong = replace(race, before=replace(race.before, rule='S3'))\n"
        "cli.races = lambda: [wrong]\n"
        "import sys; sys.argv = ['qmodel', 'races']; from qmodel.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert "1 of 1 races were missed" in done.stderr


def test_a_version_answers_to_the_name_of_what_it_replaces() -> None:
    done = qmodel("show", "thread-pool@271c0f68b4", "ThreadPoolCancel")
    assert done.returncode == 0
    assert "ThreadPoolCancel_271c0f68b4" in done.stdout


def test_symmetry_says_what_is_interchangeable_and_is_audited() -> None:
    scope = ["-p", "workers=1"]
    done = qmodel("check", "thread-pool@271c0f68b4", *scope, "--symmetry", "--audit")
    assert done.returncode == 0
    assert "s, up to symmetry of E1 E2, R1 R2\n" in done.stdout
    assert "audit of --symmetry at requests=2 workers=1" in done.stdout
    document = json.loads(qmodel("check", "thread-pool@271c0f68b4", *scope, "--symmetry", "--audit", "--json").stdout)
    assert document["up_to_symmetry_of"] == "E1 E2, R1 R2"
    assert document["audit"]["agrees"] is True
    assert document["states"] < document["audit"]["full"]["states"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--symmetry", "--liveness"], "a lasso of normal forms need not close"),
        (["--symmetry", "--order", "walk"], "keeps no set of states, so --symmetry has nothing to make smaller"),
        (["--symmetry", "--por"], "--symmetry with --por"),
        (["--audit"], "add --symmetry or --por"),
    ],
)
def test_what_does_not_go_with_symmetry_is_refused(words: list[str], says: str) -> None:
    done = qmodel("check", "thread-pool", *words)
    assert done.returncode == 4
    assert says in done.stderr
