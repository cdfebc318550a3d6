"""A search that was stopped, at any moment and in any way, goes on to the same numbers."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from qmodel.compose.library import build
from qmodel.compose.result import Result, Verdict
from qmodel.explore.limits import NEVER, Limits
from qmodel.explore.options import Options
from qmodel.explore.search import search
from qmodel.spec.errors import UsageError
from tests.bench.kill import finish, killed

ADDRESS, SCOPE = "thread-pool@271c0f68b4", {"requests": 2, "workers": 1}


def checkpointed(folder: Path, limits: Limits = NEVER, resume: bool = True, workers: int = 1) -> Result:
    options = Options(workers=workers, checkpoint=folder, every=0.0, resume=resume)
    return search(build(ADDRESS, SCOPE), limits, options=options)


def outcome(result: Result) -> tuple[object, ...]:
    return result.verdict, result.states, result.transitions, result.depth, result.coverage


@pytest.mark.parametrize("workers", [1, 2])
def test_stopped_again_and_again(tmp_path: Path, workers: int) -> None:
    wanted = outcome(search(build(ADDRESS, SCOPE)))
    stops = 0
    for limit in range(500, 20_000, 2500):
        found = checkpointed(tmp_path, Limits(states=limit), workers=workers)
        stops += found.verdict is Verdict.INCONCLUSIVE
    assert stops >= 5
    assert outcome(checkpointed(tmp_path, workers=workers)) == wanted


def test_a_violation_behind_the_checkpoint_is_found(tmp_path: Path) -> None:
    """Also one whose claim looked at the state before the stop: what it asked for is saved."""
    model = build("thread-pool@v2.0.0", {"requests": 1, "workers": 1})
    wanted = search(model)
    options = Options(checkpoint=tmp_path, every=0.0, resume=True)
    assert search(model, Limits(states=600), options=options).verdict is Verdict.INCONCLUSIVE
    found = search(model, options=options)
    assert (found.verdict, found.problem, found.trace) == (wanted.verdict, wanted.problem, wanted.trace)


def test_what_a_killed_save_left_behind_is_not_read(tmp_path: Path) -> None:
    wanted = outcome(search(build(ADDRESS, SCOPE)))
    checkpointed(tmp_path, Limits(states=3000))
    for file in list(tmp_path.glob("states-*")):
        _, generation, segment = file.stem.split("-")
        file.with_name(f"states-{int(generation) + 1}-{segment}.bin").write_bytes(b"garbage" * 800)
        with open(file, "ab") as more:
            more.write(b"half a stat")
    (tmp_path / "manifest.json.new").write_text("{")
    assert outcome(checkpointed(tmp_path)) == wanted


def test_a_folder_without_a_manifest_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "states-1-0.bin").write_bytes(b"garbage" * 800)
    assert outcome(checkpointed(tmp_path)) == outcome(search(build(ADDRESS, SCOPE)))


def test_another_search_is_refused(tmp_path: Path) -> None:
    checkpointed(tmp_path, Limits(states=3000))
    with pytest.raises(UsageError, match="holds a checkpoint; go on from it with `--resume`"):
        checkpointed(tmp_path, resume=False)
    with pytest.raises(UsageError, match="its workers is 1, not 2"):
        checkpointed(tmp_path, workers=2)
    with pytest.raises(UsageError, match="its scope is"):
        search(build(ADDRESS), options=Options(checkpoint=tmp_path, resume=True))


@pytest.mark.slow
def test_kill_9(tmp_path: Path) -> None:
    """Killed at random moments of its life, start and compilation included."""
    words = [ADDRESS, "-p", "requests=2"]
    wanted, moments = finish(words, tmp_path / "whole", False), random.Random(1)
    for number in range(4):
        place = tmp_path / str(number)
        killed(words, place, False, moments.uniform(0.2, 1.5))
        assert finish(words, place, True) == wanted
