"""Nothing may hang: who supervises a run notices that no thread commits any more, and says where each one stands."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..compose.model import Model
from ..compose.result import Problem
from .engine import Engine, Failure

TICK = 0.25
"""Seconds between two looks."""


def where(model: Model, cells: list[int], locations: list[object]) -> list[str]:
    """For each thread that is alive, its calls, outermost first."""
    lines = []
    for name, places in zip(model.layout.thread_names, model.layout.stacks, strict=True):
        bases = places[1 : 1 + cells[places[0]]]
        if bases:
            lines.append(f"{name}: " + " > ".join(str(locations[cells[base] - 1]) for base in bases[-3:]))
    return lines


def supervise(engine: Engine, patience: float, watch: Callable[[], None] | None = None) -> None:
    """Wait for the end of a run; end it if it is stuck.

    Args:
        patience: seconds without a commit after which a run is given up, whatever the model says.
        watch: called on every look.
    """
    seen, since = -1, time.monotonic()
    while not engine.finished.wait(TICK):
        if watch is not None:
            watch()
        now = time.monotonic()
        if engine.commits != seen:
            seen, since = engine.commits, now
        elif now - since > patience or (now - since > 4 * TICK and is_deadlocked(engine)):
            engine.fail(Failure(_stuck(engine, now - since)))


def is_deadlocked(engine: Engine) -> bool:
    """Whether the model says that nothing but timeouts and spurious wake-ups can happen any more."""
    return not any(step.reliable for step in engine.model.steps(tuple(engine.cells)))


def _stuck(engine: Engine, seconds: float) -> Problem:
    sure = is_deadlocked(engine)
    lines = where(engine.model, engine.cells, list(engine.locations))
    why = "nothing in the model can wake any of them" if sure else f"no thread committed for {seconds:.0f} s"
    return Problem("deadlock" if sure else "stall", "\n  ".join([f"the threads are stuck, {why}:", *lines]))
