"""The thread pool on real threads and a real file."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from qmodel.runtime import conformance, report
from qmodel.runtime.disk import HEADER
from qmodel.runtime.report import RunReport, Settings
from qmodel.runtime.run import Run
from qmodel.spec.errors import UsageError

Runner = Callable[..., RunReport]
Maker = Callable[..., Settings]


def ended(done: RunReport) -> int:
    return sum(done.counts.get(name, 0) for name in ("completed", "failed", "cancelled", "without a callback"))


@pytest.mark.parametrize("version", ["271c0f68b4", "c2e50e3d11", "3c80ca158c"])
def test_small_run_completes_exactly_once_and_replays(run: Runner, version: str) -> None:
    done = run(address=f"thread-pool@{version}", requests=40, workers=3, depth=6, cancel=0.3)
    assert done.problem is None, done.internal
    assert (done.verdict, done.exit_code) == ("ACCEPTED", 0)
    assert ended(done) == done.counts["submitted"] == 40
    assert done.conformance is not None
    assert done.conformance.steps == done.commits
    assert done.recording.is_complete
    assert done.verification is not None
    assert (done.verification.verified, done.verification.wrong) == (128, ())


def test_every_fault_that_the_model_lists(run: Runner) -> None:
    rates = {"EIO": 0.2, "short": 0.3, "EINTR": 0.3, "spurious": 0.5, "slow": 0.02}
    done = run(requests=200, workers=4, depth=8, cancel=0.3, faults=rates)
    assert done.problem is None, done.internal
    assert done.counts["failed"] == done.faults["EIO"] - done.counts.get("cancelled after a worker had begun", 0)
    assert {"EIO", "short", "EINTR"} <= set(done.faults)


def test_requests_without_a_callback_and_nested_polls(run: Runner) -> None:
    scope = {"nested": 1, "detached": 1, "resubmit": 1}
    done = run(address="thread-pool@3c80ca158c", requests=60, workers=3, depth=3, scope=scope)
    assert done.problem is None, done.internal
    assert ended(done) == 60


def test_timeouts_of_idle_workers(settings: Maker) -> None:
    done = Run(settings(requests=60, workers=4, depth=1, time_scale=0.0)).go()
    assert done.problem is None, done.internal
    assert any(choice.arrow == "sem_timeout" for choice in done.recording.windows[0].choices)
    assert done.spawned > 5


def test_long_runs_keep_a_bounded_number_of_windows(run: Runner) -> None:
    done = run(requests=400, workers=4, depth=8)
    windows = done.recording.windows
    assert done.commits > 2000
    assert windows[0].first == 0
    assert windows[-1].first + len(windows[-1]) == done.commits
    assert done.conformance is not None
    assert done.conformance.windows == len(windows) <= 52


def test_a_race_of_v2_0_0_happens(run: Runner) -> None:
    """B01 on free threads: a cancelled request's callback runs after all."""
    done = run(address="thread-pool@v2.0.0", requests=2000, workers=4, depth=16, cancel=0.5)
    assert done.problem is not None
    assert (done.problem.rule, done.exit_code) == ("use after free", 1)
    assert done.latest is not None
    assert done.latest.choices[-1].arrow == "complete"
    assert "INCOMPLETE" in report.text(done)


def test_threads_and_descriptors_are_gone_afterwards(run: Runner) -> None:
    before = set(os.listdir("/proc/self/fd")), threading.active_count()
    assert run(requests=20).complete
    assert (set(os.listdir("/proc/self/fd")), threading.active_count()) == before


def test_interrupted_run_leaves_cleanly(settings: Maker) -> None:
    prepared = Run(settings(requests=100000))

    def interrupt(_: Run) -> None:
        raise KeyboardInterrupt

    done = prepared.go(interrupt)
    assert (done.exit_code, done.verdict, done.problem) == (2, "INCONCLUSIVE", None)
    assert not any(thread.is_alive() for thread in prepared.engine.threads)


def test_a_thread_that_cannot_be_started_ends_the_run(settings: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared = Run(settings(requests=20))
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "W2":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done = prepared.go()
    assert done.problem is not None
    assert "W2 cannot be started" in done.problem.message
    assert done.exit_code == 4


# -- planted defects -------------------------------------------------------------------------------


def corrupt(done: RunReport, place: int, **changes: Any) -> conformance.Report:
    window = done.recording.windows[0]
    choices = list(window.choices)
    choices[place] = choices[place]._replace(**changes)
    broken = replace(done.recording, windows=(replace(window, choices=choices),))
    return conformance.check(broken)


def test_a_changed_choice_is_rejected(run: Runner) -> None:
    done = run(requests=5, workers=1)
    found = corrupt(done, 3, arrow="write_scheduled")
    assert found.exit_code == 1
    assert "step 4, M.write_scheduled, is not possible in the model; expected M.find_unscheduled" in str(found)


def test_a_choice_of_a_thread_that_does_not_exist_is_rejected(run: Runner) -> None:
    assert "thread 9, which does not exist" in str(corrupt(run(requests=5, workers=1), 0, thread=9))


def test_a_changed_result_is_rejected_with_the_slot(run: Runner) -> None:
    done = run(requests=5, workers=1)
    window = done.recording.windows[0]
    slot = next(i for i, s in enumerate(done.model.layout.slots) if s.name == "pool.cur_threads")
    place = next(i for i, changes in enumerate(window.changes) if (slot, 1) in changes)
    window.changes[place] = [(s, 0 if s == slot else value) for s, value in window.changes[place]]
    assert f"step {place + 1}, M.ask_for_thread: pool.cur_threads is 0, expected 1" in str(
        conformance.check(done.recording)
    )


def test_a_recording_of_another_version_is_refused(run: Runner) -> None:
    with pytest.raises(UsageError, match="another version"):
        conformance.check(replace(run(requests=2).recording, digest="00000000"))


def test_recording_goes_through_a_file(run: Runner, tmp_path: Path) -> None:
    done = run(requests=5)
    path = tmp_path / "recording"
    conformance.save(done.recording, path)
    assert conformance.is_recording(path)
    assert conformance.load(path) == done.recording
    assert conformance.replay_recording(path).steps == done.commits


@pytest.mark.parametrize("content", ["", "{}", "no json", '{"format": "qmodel recording 1", "windows": 3}'])
def test_what_is_not_a_recording(tmp_path: Path, content: str) -> None:
    path = tmp_path / "recording"
    path.write_text(content)
    assert not conformance.is_recording(path) or content.startswith("{")
    with pytest.raises(UsageError, match="not a recording"):
        conformance.load(path)


def test_wrong_data_in_the_file_is_found(settings: Maker) -> None:
    prepared = Run(settings(requests=200))
    verify = prepared.workload.contents.verify

    def damage_and_verify() -> Any:
        os.pwrite(prepared.image.fd, b"X", prepared.image.offset(3) + 100)
        return verify()

    prepared.workload.contents.verify = damage_and_verify  # type: ignore[method-assign]
    done = prepared.go()
    assert done.problem is not None
    assert (done.problem.rule, done.exit_code) == ("data", 1)
    assert f"block 3 at offset {HEADER + 3 * 4096}" in done.problem.message


def test_wrong_data_in_a_read_is_found(settings: Maker) -> None:
    prepared = Run(settings(requests=400))
    for block in range(prepared.image.blocks):
        os.pwrite(prepared.image.fd, b"damaged", prepared.image.offset(block))
    done = prepared.go()
    assert done.problem is not None
    assert done.problem.rule == "data"
    assert "read wrong data" in done.problem.message


# -- what a user may get wrong ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"requests": 0}, "--requests 0 is too small"),
        ({"workers": 0}, "--workers 0 is too small"),
        ({"cancel": 2.0}, "percentage"),
        ({"size": 1000}, "multiple of 512"),
        ({"blocks": 2}, "too few"),
        ({"faults": {"ENOSPC": 0.1}}, "does not list ENOSPC"),
        ({"address": "bottom-half"}, "cannot be run"),
        ({"scope": {"colour": 1}}, "no parameter `colour`"),
        ({"file": Path("/nonexistent/image")}, "cannot open"),
        ({"file": Path("/dev/full")}, "not a regular file"),
        ({"size": 1 << 50}, "nothing was left behind"),
    ],
)
def test_bad_settings(settings: Maker, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Run(settings(**options))
    assert not settings().file.exists()


def test_a_foreign_file_is_not_overwritten(settings: Maker) -> None:
    asked = settings(requests=3)
    asked.file.write_text("precious")
    with pytest.raises(UsageError, match="--force"):
        Run(asked)
    assert asked.file.read_text() == "precious"
    assert Run(replace(asked, force=True)).go().exit_code == 0
    assert Run(asked).go().exit_code == 0, "by now it is ours"


def test_documents(run: Runner) -> None:
    done = run(requests=10)
    data = json.loads(json.dumps(report.document(done)))
    assert data["requests"]["wanted"] == data["requests"]["completed"] == 10
    assert data["seed"] == 7
    assert "10 completed, 0 failed, 0 cancelled, of 10" in report.text(done)
    assert report.bars(done.latency)


@pytest.mark.slow
def test_many_requests_in_flat_memory(run: Runner) -> None:
    done = run(requests=20000, workers=16, depth=64, cancel=0.05, blocks=0)
    assert done.problem is None, done.internal
    assert ended(done) == 20000
    assert done.memory_growth < 64 << 20
