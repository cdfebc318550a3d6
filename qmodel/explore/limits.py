"""When a search gives up, and how far it is."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """When to give up; None is never.  `memory` is in bytes."""

    states: int | None = None
    depth: int | None = None
    seconds: float | None = None
    memory: int | None = None

    def reached(self, states: int, depth: int, started: float, memory: int = 0) -> str:
        """Which limit a search that started at `started` (of `time.monotonic`) has reached, or ""."""
        if self.states is not None and states >= self.states:
            return f"the limit of {self.states} states was reached"
        if self.depth is not None and depth >= self.depth:
            return f"the limit of depth {self.depth} was reached"
        if self.seconds is not None and time.monotonic() - started >= self.seconds:
            return f"the limit of {self.seconds:g} seconds was reached"
        if self.memory is not None and memory >= self.memory:
            return f"the limit of {self.memory / (1 << 20):,.0f} MiB was reached"
        return ""


NEVER = Limits()


@dataclass(frozen=True)
class Progress:
    """How far a search is; `memory` is in bytes, 0 if nobody counts it."""

    states: int
    transitions: int
    depth: int
    frontier: int
    seconds: float
    memory: int = 0


@dataclass(frozen=True)
class Strolled:
    """How far walks are."""

    walks: int
    steps: int
    seconds: float
