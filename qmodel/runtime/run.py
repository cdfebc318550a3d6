"""One run from beginning to end: file, threads, supervision, verification, conformance."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable

from ..compose.digest import digest
from ..compose.library import build, find
from ..compose.result import Problem
from ..compose.step import Choice
from ..compose.trace import Trace
from ..spec.errors import UsageError
from . import conformance
from .contents import Verification
from .disk import Image, open_image
from .engine import Engine, Failure
from .faults import Faults
from .gates import Gate
from .policy import ThreadPoolPolicy
from .recorder import Recorder, Recording
from .report import SOUND_VERSION, SYSTEM, RunReport, Settings
from .threads import LiveThread
from .watchdog import supervise
from .workload import Workload

JOIN_SECONDS = 10.0
LATEST = 20
"""How many steps are shown before a problem."""


class Run:
    """A run that has been prepared: `go` does it.

    Raises:
        UsageError: the settings make no sense for this system, or the file cannot be made.
    """

    def __init__(self, settings: Settings, trace: Trace | None = None, then_free: bool = False) -> None:
        self.settings = settings
        self.model = build(address_of(settings), scope_of(settings))
        self.faults = Faults(settings.faults)
        self.image = self._open()
        self.recorder = Recorder(settings.seed)
        self.workload = Workload(
            self.image, self.faults, settings.seed, self.outcomes, lambda seconds: self.engine.stop.wait(seconds)
        )
        policy = ThreadPoolPolicy(settings.seed, settings.cancel)
        self.engine = Engine(
            self.model, policy, self.workload, self.recorder, self.faults, time_scale=settings.time_scale
        )
        self.gate = Gate(trace, None if then_free else self.engine.shut_down) if trace is not None else None
        self.engine.make_body = lambda thread: LiveThread(self.engine, thread, settings.seed, self.gate)
        self.engine.after_commit = self._after_commit
        self.on_commit: Callable[[Choice], None] | None = None

    def _open(self) -> Image:
        settings, system = self.settings, self.model.system
        external = next(c.arrow.external for codes in self.model.codes for c in codes if c.arrow.external is not None)
        Workload.check_faults(settings.faults, external)
        self.outcomes = external.outcomes
        least = system.sizes["elements"] + 1
        blocks = settings.blocks or max(1024, 4 * least)
        if blocks < least:
            raise UsageError(f"--blocks {blocks} is too few: up to {least - 1} requests are in flight at once")
        return open_image(settings.file, settings.size, blocks, settings.seed, settings.force)

    def _after_commit(self, choice: Choice) -> None:
        if self.workload.problems:
            self.engine.fail(Failure(Problem("data", self.workload.problems[0])))
        if self.on_commit is not None:
            self.on_commit(choice)
        if self.gate is not None:
            self.gate.committed(choice)

    # -- the run -----------------------------------------------------------------------------------

    def go(self, watch: Callable[[Run], None] | None = None) -> RunReport:
        """Start the threads, wait for their end, check everything."""
        before, started = _resident(), time.monotonic()
        interrupted = False
        try:
            self.engine.start()
            supervise(self.engine, self.settings.patience, (lambda: watch(self)) if watch else None)
        except KeyboardInterrupt:
            interrupted = True
        seconds = time.monotonic() - started
        self.engine.shut_down()
        ended = self.engine.join(JOIN_SECONDS)
        growth = max(0, _peak() - before)
        complete = ended and not any(self.engine.is_alive(t) for t in range(self.model.layout.thread_count))
        report = self._report(seconds, growth, interrupted, complete)
        self._close(ended, report)
        return report

    def _report(self, seconds: float, growth: int, interrupted: bool, complete: bool) -> RunReport:
        failure = self.engine.failure
        recording = Recording(
            self.model.address, dict(self.model.system.scope), digest(self.model), self.settings.seed,
            self.engine.commits, self.recorder.windows(),
        )  # fmt: skip
        report = RunReport(
            self.model, self.settings, dict(self.workload.counts), dict(self.engine.events), self.workload.latency,
            self.image.blocks, None, None, recording, self.engine.commits, self.engine.spawned, seconds, growth,
            dict(self.faults.struck), interrupted=interrupted, complete=complete,
        )  # fmt: skip
        if failure is not None:
            report.problem, report.internal = failure.problem, failure.internal
            report.latest = self.recorder.excerpt(LATEST, failure.choice)
        if not report.internal:
            report.conformance = conformance.check(recording)
            report.problem = report.problem or report.conformance.problem
        if complete and failure is None:
            report.verification = self.workload.contents.verify()
            report.problem = report.problem or self._final_problem(report.verification)
        return report

    def _final_problem(self, verification: Verification) -> Problem | None:
        """What is wrong at the end of a complete run."""
        counts, wanted = self.workload.counts, self.model.system.scope["requests"]
        if verification.wrong:
            return Problem("data", f"{len(verification.wrong)} blocks are wrong; the first: {verification.wrong[0]}")
        ended = sum(counts[name] for name in ("completed", "failed", "cancelled", "without a callback"))
        if ended != wanted or self.workload.unfinished():
            return Problem("exactly once", f"{wanted} requests were to end once each, {ended} did")
        left = self.model.unfinished(tuple(self.engine.cells))
        if left is not None:
            return Problem("exactly once", f"{left} was neither completed nor cancelled, and nothing moves")
        return conformance.judge(self.model, self.engine.cells, ("at rest",))

    def _close(self, ended: bool, report: RunReport) -> None:
        """Close what no thread can use any more; a thread that did not leave keeps its descriptors."""
        if not ended:
            return
        if report.complete and report.problem is None:
            self.image.mark("complete")
        self.image.close()
        self.engine.mechanisms.close()
        self.engine.stop.close()


def address_of(settings: Settings) -> str:
    """The version that is run: the one that is named, or the first sound one.

    Raises:
        UsageError: the system has no runtime, or no such version.
    """
    name, _, version = settings.address.partition("@")
    if find(settings.address).name != SYSTEM:
        raise UsageError(f"`{name}` cannot be run on real threads yet; `{SYSTEM}` can")
    return f"{name}@{version or SOUND_VERSION}"


def scope_of(settings: Settings) -> dict[str, int]:
    """The scope of the system: the sizes of the run, and what `-p` adds."""
    for name, value in (("requests", settings.requests), ("workers", settings.workers), ("depth", settings.depth)):
        if value < 1:
            raise UsageError(f"--{name} {value} is too small; it must be at least 1")
    if not 0 <= settings.cancel <= 1:
        raise UsageError("--cancel is a percentage from 0 to 100")
    sizes = {
        "requests": settings.requests, "workers": settings.workers, "depth": min(settings.depth, settings.requests),
        "cancel": int(settings.cancel > 0),
    }  # fmt: skip
    return {**sizes, **settings.scope}


def _resident() -> int:
    """Bytes of this process that are in memory now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
