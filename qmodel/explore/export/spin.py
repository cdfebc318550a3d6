"""Running SPIN: `spin -a`, a C compiler, the verifier `pan`, and the statistics that it prints.

`-DNOREDUCE` is what makes its counts comparable with ours.  Little is lost by it: partial-order reduction finds hardly
a step that touches nothing shared (12,788 of 12,888 states with requests=2 workers=1).

Measured on `thread-pool@271c0f68b4` without properties, `-DSAFETY -DNOREDUCE -march=native`, two shared cores of which
`pan` uses one, the best of three runs (a busy neighbour halves them):

    requests=3 workers=2: 976,977 states, vector 52 bytes (37 stored + 20 of overhead: 57 bytes a state, and the table)
        -O2 -w22                   1.71 M states/s      compiling takes 35 s of a core
        -O2 -w22 -DSFH             1.74                 no difference beyond noise
        -O1 -w22                   1.63
        -O3 -w22                   1.53                 on an earlier text: -O2 1.55; compiling takes minutes
        -O2 -w22, byte for bit     1.46                 vector 76 bytes
        -O2 -w22 -DBFS             1.42                 126 MiB instead of 86
        -O2 -w22 -DCOLLAPSE        1.03                 79 bytes a state: nothing to gain in vectors this small
        `atomic` for `d_step`      0.84                 on an earlier text: `d_step` 1.55
    requests=3 workers=3: 4,298,292 states, vector 60 bytes (44 stored + 20: 64 bytes a state, and the table)
        -O2 -w24                   1.10 M states/s      -w23 1.03, -w22 0.80; 392 MiB in all
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...spec.errors import UsageError

EXACT = ("-O0", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=4000")
"""Compiler flags for small systems: compiling takes longer than searching, optimised code takes longest."""

FAST = ("-O2", "-march=native", "-DSAFETY", "-DNOREDUCE", "-DNOFAIR", "-DNOBOUNDCHECK", "-DMEMLIM=16000")
"""Compiler flags for speed; give `pan` a hash table of two to four slots a state, as in "-w22" for a million."""

DEPTH = 1_000_000
"""Steps that `pan` may go deep; it says when that was too few."""


@dataclass(frozen=True)
class Verification:
    """What `pan` found.

    Attributes:
        states: stored; transitions: those of the system (SPIN counts the first state as one more).
        errors: how often something was wrong.
        complete: whether everything that can be reached was visited.
        state_bytes: size of its state vector; memory: bytes that it used, its hash table included.
        generating, compiling, searching: seconds of each phase; `searching` is the time that `pan` itself reports.
    """

    states: int
    transitions: int
    errors: int
    complete: bool
    state_bytes: int
    memory: int
    generating: float
    compiling: float
    searching: float

    @property
    def seconds(self) -> float:
        return self.generating + self.compiling + self.searching


def compiler() -> str | None:
    """The path of a C compiler, if there is one."""
    return shutil.which("gcc") or shutil.which("cc")


def missing() -> str:
    """What this machine lacks to run SPIN, or ""."""
    packages = [name for name, path in (("spin", shutil.which("spin")), ("gcc", compiler())) if path is None]
    return f"{' and '.join(packages)} missing: apt-get install {' '.join(packages)}" if packages else ""


def verify(
    model: str, flags: Sequence[str] = EXACT, options: Sequence[str] = (), seconds: float | None = None
) -> Verification:
    """Let SPIN search the Promela text `model`, going on behind errors.

    Args:
        flags: of the C compiler; options: more options of `pan`, such as "-w26" for a larger hash table.
        seconds: when to give up, for each of its three phases.

    Raises:
        UsageError: SPIN or a C compiler is missing, or one of them rejects the model.
        TimeoutError: a phase took longer than `seconds`.
    """
    lacking = missing()
    if lacking:
        raise UsageError(lacking)
    with tempfile.TemporaryDirectory(prefix="qmodel-spin-") as scratch:
        folder = Path(scratch)
        (folder / "model.pml").write_text(model, encoding="utf-8")
        _, generating = _run(["spin", "-a", "model.pml"], folder, seconds)
        _, compiling = _run([compiler() or "cc", "-w", *flags, "-o", "pan", "pan.c"], folder, seconds)
        said, took = _run(["./pan", f"-m{DEPTH}", "-n", "-c0", *options], folder, seconds)
    return parsed(said, generating, compiling, took)


def _run(command: list[str], folder: Path, seconds: float | None) -> tuple[str, float]:
    started = time.monotonic()
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"`{command[0]}` took longer than {seconds:g} seconds") from None
    said = done.stdout + done.stderr
    if done.returncode and "states, stored" not in said:
        raise UsageError(f"`{' '.join(command)}` fails: {said.strip()[-1000:]}")
    return said, time.monotonic() - started


def parsed(said: str, generating: float = 0.0, compiling: float = 0.0, took: float = 0.0) -> Verification:
    """What `pan` says at its end.

    Raises:
        UsageError: it does not say how many states there were.
    """
    numbers = {name: re.search(pattern, said) for name, pattern in _SAID.items()}
    absent = [name for name, found in numbers.items() if found is None and name != "searching"]
    if absent:
        raise UsageError(f"SPIN does not say its {absent[0]}: {said.strip()[-1000:]}")
    values = {name: float(found[1]) for name, found in numbers.items() if found is not None}
    return Verification(
        states=int(values["states"]),
        transitions=int(values["transitions"]) - 1,
        errors=int(values["errors"]),
        complete=not any(warning in said for warning in _INCOMPLETE),
        state_bytes=int(values["state_bytes"]),
        memory=int(values["memory"] * (1 << 20)),
        generating=generating,
        compiling=compiling,
        searching=values.get("searching") or took,
    )


_SAID = {
    "states": r"([\d.e+]+) states, stored",
    "transitions": r"([\d.e+]+) transitions \(= stored\+matched\)",
    "errors": r"errors: (\d+)",
    "state_bytes": r"State-vector (\d+) byte",
    "memory": r"([\d.]+)\s+total actual memory usage",
    "searching": r"pan: elapsed time ([\d.]+) seconds",
}
_INCOMPLETE = ("Search not completed", "max search depth too small", "out of memory", "reached -DMEMLIM")
