"""Where the seconds of a native search went, measured from outside: methods of one engine are wrapped, none changed."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from qmodel.explore.limits import NEVER
from qmodel.explore.native.engine import Engine
from qmodel.explore.native.workers import Team

LOOPS = ("expand", "insert", "rebuild", "repack")
"""Compiled loops; of `expand` and `insert`, the mean of all workers."""

PYTHON = ("wait", "lessons", "tables", "rest")
"""Python, and waiting for the worker that is last."""

PHASES = (*LOOPS, *PYTHON)

_LESSONS = ("teach_steps", "teach_image", "teach_claim", "teach_race", "link_claim")
_TABLES = ("program", "repack")


class _TimedTeam(Team):
    """A team that notes how long the rounds of `expand` and `insert` take, its slowest worker included."""

    def __init__(self, size: int, watch: Stopwatch) -> None:
        super().__init__(size)
        self._watch = watch

    def __call__(self, task: Callable[[int], Any]) -> list[Any]:
        if self._watch.busy:  # a part of what is measured already
            return super().__call__(task)
        with self._watch.measured("rounds"):
            return super().__call__(task)


class Stopwatch:
    """Measures the searches of `engine`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: list[float] = []
        self._seconds: dict[str, float] = defaultdict(float)
        self._of_worker: list[dict[str, float]] = []
        self._wrap(engine.states, {"fill_tables": "rebuild", "repack": "repack"})
        self._wrap(engine.tables, dict.fromkeys(_LESSONS, "lessons") | dict.fromkeys(_TABLES, "tables"))
        for number, worker in enumerate(engine.workers):
            for name in ("expand", "insert"):
                setattr(worker, name, self._worked(number, name, getattr(worker, name)))

    @property
    def busy(self) -> bool:
        """Whether the thread of the search is in something that is being measured."""
        return bool(self._open)

    def search(self) -> dict[str, float]:
        """Search with a new team; the seconds of each phase, whose sum is how long the search took."""
        engine = self._engine
        engine.team = _TimedTeam(engine.team.size, self)
        self._seconds.clear()
        self._of_worker = [defaultdict(float) for _ in engine.workers]
        started = time.monotonic()
        stopped = engine.search(limits=NEVER, progress=None, started=started)
        whole = time.monotonic() - started
        assert not stopped, stopped
        return self._phases(whole)

    def _phases(self, whole: float) -> dict[str, float]:
        found = dict.fromkeys(PHASES, 0.0) | self._seconds
        for name in ("expand", "insert"):
            found[name] = sum(own[name] for own in self._of_worker) / len(self._of_worker)
        found["wait"] = found.pop("rounds", 0.0) - found["expand"] - found["insert"]
        found["rest"] = whole - sum(found[name] for name in PHASES if name != "rest")
        return {name: found[name] for name in PHASES}

    @contextmanager
    def measured(self, phase: str) -> Iterator[None]:
        """Count what is done inside to `phase`, but for what is counted to others."""
        started = time.monotonic()
        self._open.append(0.0)
        try:
            yield
        finally:
            took = time.monotonic() - started
            self._seconds[phase] += took - self._open.pop()
            if self._open:
                self._open[-1] += took

    def _wrap(self, owner: Any, phases: dict[str, str]) -> None:
        for name, phase in phases.items():
            setattr(owner, name, self._counted(phase, getattr(owner, name)))

    def _counted(self, phase: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any) -> Any:
            with self.measured(phase):
                return method(*given)

        return call

    def _worked(self, number: int, phase: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method of a worker, in whatever thread it runs; outside of a round it only gets the loops ready."""

        def call(*given: Any) -> Any:
            if not self.busy:
                return method(*given)
            started = time.monotonic()
            result = method(*given)
            self._of_worker[number][phase] += time.monotonic() - started
            return result

        return call
