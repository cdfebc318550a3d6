"""What a run is asked to do, and what it has to say afterwards: as records, as text, as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..compose.model import Model
from ..compose.result import Problem
from ..compose.trace import Trace
from .conformance import Report
from .contents import Verification
from .histogram import Histogram
from .recorder import Recording

SYSTEM, SOUND_VERSION = "thread-pool", "271c0f68b4"
"""The system that can be run, and the version that an address without one means: the first without a known race."""


@dataclass(frozen=True)
class Settings:
    """What a run is asked to do.

    Attributes:
        cancel: probability 0..1 of a cancellation after a submission.
        size: bytes of a transfer; blocks: how many of them the file has, 0 for a fitting number.
        scope: more scope parameters of the system; `requests`, `workers`, `depth` and `cancel` are set from here.
        faults: rates 0..1 by name (`faults.FAULTS`).
        patience: seconds without a commit after which the run is given up.
        time_scale: factor on the timeouts of the model ("10s").
    """

    file: Path
    address: str = SYSTEM
    requests: int = 1000
    workers: int = 4
    depth: int = 16
    cancel: float = 0.0
    seed: int = 0
    scope: dict[str, int] = field(default_factory=dict)
    faults: dict[str, float] = field(default_factory=dict)
    size: int = 4096
    blocks: int = 0
    force: bool = False
    patience: float = 60.0
    time_scale: float = 1.0


@dataclass
class RunReport:
    """What a run did, measured and checked.

    Attributes:
        problem: what is wrong; None if nothing is.
        interrupted: by Ctrl-C; complete: whether every thread ended by itself.
        seconds: from the first step to the last; memory_growth: peak minus start, of the resident set, in bytes.
        latest: the last steps before a problem, the one that shows it included.
    """

    model: Model
    settings: Settings
    counts: dict[str, int]
    events: dict[str, int]
    latency: Histogram
    blocks: int
    verification: Verification | None
    conformance: Report | None
    recording: Recording
    commits: int
    spawned: int
    seconds: float
    memory_growth: int
    faults: dict[str, int]
    problem: Problem | None = None
    internal: str = ""
    interrupted: bool = False
    complete: bool = False
    latest: Trace | None = None

    @property
    def verdict(self) -> str:
        """A run is one execution, so it never holds: it is accepted, rejected, or says nothing."""
        if self.problem is not None:
            return "VIOLATED"
        return "ACCEPTED" if self.complete else "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        """0 fine, 1 violated, 2 interrupted, 3 a bug of the runtime, 4 model or request are wrong, 7 it did not end."""
        if self.internal:
            return 3
        if self.problem is not None:
            return 4 if self.problem.in_model else 1
        if self.interrupted:
            return 2
        return 0 if self.complete else 7

    @property
    def wanted(self) -> int:
        """How many requests were to be submitted."""
        return self.model.system.scope["requests"]

    @property
    def iops(self) -> float:
        ended = self.counts.get("completed", 0) + self.counts.get("failed", 0)
        return ended / self.seconds if self.seconds else 0.0


# -- text ------------------------------------------------------------------------------------------


def text(report: RunReport) -> str:
    """A run in a few lines; the problem first, if there is one."""
    lines = [f"{report.verdict}  {report.model.address}  {_scope(report)}"]
    if report.problem is not None:
        lines.append(f"{report.problem.rule}: {report.problem.message}")
    rows = [*_requests(report), *_data(report), *_steps(report)]
    width = max(len(name) for name, _ in rows)
    return "\n".join([*lines, *(f"  {name.ljust(width)}  {value}" for name, value in rows)])


def _scope(report: RunReport) -> str:
    return " ".join(f"{name}={value}" for name, value in report.model.system.scope.items())


def _requests(report: RunReport) -> list[tuple[str, str]]:
    counts, latency = report.counts, report.latency
    done, failed, cancelled = (counts.get(name, 0) for name in ("completed", "failed", "cancelled"))
    rows = [
        ("requests", f"{done:,} completed, {failed:,} failed, {cancelled:,} cancelled, of {report.wanted:,}"),
        ("IOPS", f"{report.iops:,.0f} over {report.seconds:.2f} s"),
        ("events", ", ".join(f"{name} {count:,}" for name, count in sorted(report.events.items()))),
    ]
    if counts.get("without a callback"):
        rows.append(("detached", f"{counts['without a callback']:,} without a callback"))
    if latency.total:
        p50, p95, p99 = (latency.percentile(p) for p in (50, 95, 99))
        rows.append(("latency", f"p50 {p50:,} us, p95 {p95:,} us, p99 {p99:,} us, max {latency.largest:,} us"))
    return rows


def _data(report: RunReport) -> list[tuple[str, str]]:
    rows = [("read back", f"{report.counts.get('blocks read and verified', 0):,} reads had the right content")]
    found = report.verification
    if found is None:
        rows.append(("file", f"{report.settings.file} is INCOMPLETE: the run ended early, and it was not verified"))
        return rows
    said = f"{found.verified:,} of {report.blocks:,} blocks verified"
    if found.ambiguous:
        said += f", {found.ambiguous:,} of them after a failed or late-cancelled write that may or may not be there"
    if found.unknown:
        said += f", {found.unknown:,} unknown after a real error"
    rows.append(("file", said + (f", {len(found.wrong):,} WRONG" if found.wrong else "")))
    return rows


def _steps(report: RunReport) -> list[tuple[str, str]]:
    rate = report.commits / report.seconds if report.seconds else 0
    rows = [("steps", f"{report.commits:,} committed, {rate:,.0f}/s, by {report.spawned} threads")]
    if report.conformance is not None:
        rows.append(("conformance", str(report.conformance)))
    if report.faults:
        rows.append(("faults", ", ".join(f"{name} {count:,}" for name, count in sorted(report.faults.items()))))
    rows.append(("memory", f"grew by {report.memory_growth / 2**20:.1f} MiB at most"))
    return [*rows, ("seed", str(report.settings.seed))]


def bars(histogram: Histogram, width: int = 40) -> list[str]:
    """The latencies by powers of two, a line each."""
    rows = histogram.by_power()
    most = max((count for _, count in rows), default=1)
    return [f"{low:>10,} us  {count:>9,}  {'#' * -(-count * width // most)}" for low, count in rows]


# -- JSON ------------------------------------------------------------------------------------------


def document(report: RunReport) -> dict[str, Any]:
    """A run as JSON-ready data; times in microseconds and seconds, memory in bytes."""
    problem, found = report.problem, report.verification
    return {
        "system": report.model.address,
        "scope": report.model.system.scope,
        "digest": report.recording.digest,
        "verdict": report.verdict,
        "problem": problem.document() if problem else None,
        "interrupted": report.interrupted,
        "complete": report.complete,
        "seed": report.settings.seed,
        "file": str(report.settings.file),
        "requests": {"wanted": report.wanted, **report.counts},
        "events": report.events,
        "iops": round(report.iops, 1),
        "latency_us": _latency(report.latency),
        "file_blocks": None if found is None else {
            "verified": found.verified, "ambiguous": found.ambiguous, "unknown": found.unknown,
            "wrong": [str(mismatch) for mismatch in found.wrong],
        },
        "steps": report.commits,
        "seconds": round(report.seconds, 3),
        "threads_started": report.spawned,
        "windows_replayed": report.conformance.windows if report.conformance else 0,
        "steps_replayed": report.conformance.steps if report.conformance else 0,
        "faults": report.faults,
        "memory_growth": report.memory_growth,
    }  # fmt: skip


def _latency(histogram: Histogram) -> dict[str, Any]:
    percentiles = {f"p{p}": histogram.percentile(p) for p in (50, 95, 99)}
    return {**percentiles, "max": histogram.largest, "histogram": dict(histogram.by_power())}
