"""What the machine itself can do: random reads of memory, the start of a process, compiling the loops."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from qmodel.explore.export import spin
from qmodel.explore.native.workers import Team
from tests.bench.contest import QMODEL, SYSTEM, seconds_of

PROBES = 20_000_000
"""Independent reads of one measurement; of dependent ones, a tenth."""

INCONCLUSIVE = 7
"""The exit code of a search that a limit stopped."""


# -- random reads ----------------------------------------------------------------------------------


@numba.njit(nogil=True)
def _independent(table: NDArray[np.uint64], count: int, seed: int) -> Any:
    """Read `count` random places, whose number is known before anything was read: many reads are under way at once."""
    last, total, number = np.uint64(table.shape[0] - 1), np.uint64(0), np.uint64(seed)
    for _ in range(count):
        number += np.uint64(0x9E3779B97F4A7C15)
        place = (number ^ (number >> np.uint64(32))) * np.uint64(0xBF58476D1CE4E5B9)
        total += table[(place >> np.uint64(29)) & last]
    return total


@numba.njit(nogil=True)
def _dependent(table: NDArray[np.uint64], count: int, seed: int) -> Any:
    """Read `count` random places of a table of random numbers, each of which depends on what the one before holds."""
    last, number = np.uint64(table.shape[0] - 1), np.uint64(seed)
    for _ in range(count):
        number = (number ^ table[number & last]) * np.uint64(0xBF58476D1CE4E5B9)
        number ^= number >> np.uint64(32)
    return number


@dataclass(frozen=True)
class Probes:
    """Random reads of 8 bytes a second in a table of `table` bytes: by one thread, by two, and one after the other."""

    table: int
    alone: float
    two: float
    dependent: float


def probes(table: int, repeat: int = 3, count: int = PROBES) -> Probes:
    """Measure a table of `table` bytes, a power of two; the median of `repeat` times."""
    places = np.random.default_rng(1).integers(0, 1 << 64, table // 8, dtype=np.uint64)

    def rate(loop: Any, count: int, threads: int = 1) -> float:
        return median(_rate(loop, places, count, threads) for _ in range(repeat))

    return Probes(table, rate(_independent, count), rate(_independent, count, 2), rate(_dependent, count // 10))


def _rate(loop: Any, places: NDArray[np.uint64], count: int, threads: int) -> float:
    team = Team(threads)
    loop(places, 1, 1)
    started = time.monotonic()
    team(lambda thread: loop(places, count, thread << 50))
    took = time.monotonic() - started
    team.close()
    return threads * count / took


# -- starts ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Start:
    """How long something takes from the start of a process, in seconds."""

    title: str
    seconds: float


def starts(repeat: int = 3) -> list[Start]:
    """Starts that a user waits for, and the interpreter's own to compare with; the files are in the system's cache."""
    python = sys.executable
    small = [QMODEL, "check", "thread-pool", "-p", "requests=1", "-p", "workers=1"]
    large = [QMODEL, "check", SYSTEM, "-p", "requests=3", "--max-states", "4100", "--workers", "1"]
    with tempfile.TemporaryDirectory() as empty:
        compiling = seconds_of(large, INCONCLUSIVE, {"NUMBA_CACHE_DIR": empty})
    wanted = [
        ("python -c pass", [python, "-c", "pass"], 0),
        ("python -c 'import numba'", [python, "-c", "import numba"], 0),
        ("a small check without numba, 917 states", small, 1),
        ("first states of a large search, loops compiled", large, INCONCLUSIVE),
    ]
    found = [Start(title, median(seconds_of(it, ends) for _ in range(repeat))) for title, it, ends in wanted]
    return [*found, Start("the same, loops compiled for the first time", compiling)]


# -- words -----------------------------------------------------------------------------------------


def described() -> dict[str, Any]:
    """What was measured on, as JSON-ready data; `load` is that of the last minute: a busy machine is a slow one."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "numba": numba.__version__,
        "spin": spin.missing() or _first_line(["spin", "-V"]),
        "compiler": _first_line([spin.compiler() or "cc", "--version"]) if spin.compiler() else "none",
    }


def _first_line(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip().partition("\n")[0]


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
