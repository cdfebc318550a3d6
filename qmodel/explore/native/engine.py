"""The search loop of the native engine: breadth first, layer by layer, in rounds.

In a round every worker expands some states, then every owner inserts what was found for it; what the tables did not
know is then learned from Python, and the states in which it was met are expanded again.  Nothing depends on who was
faster: the same search gives the same states in the same rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...compose.model import Model
from ...compose.result import INTERRUPTED, Problem, Result, Verdict
from ...compose.step import Cells
from ..judge import Judge
from ..learn import LearnedSteps
from ..limits import Limits, Progress
from ..simplest import Found, simplest
from . import kernels
from .cone import Cone
from .situations import Situations
from .states import States
from .tables import BROKEN, Program, Tables
from .workers import Team, Worker

_CHUNK = 1 << 13
"""States that a worker expands in a round: enough to make the round's Python not matter, few enough for its cache."""

Rows = NDArray[np.int64]

_NOTHING = np.empty((0, 4), dtype=np.int64)


@dataclass(frozen=True)
class Options:
    """How to search; nothing here changes what is found."""

    workers: int = 1
    spill: Path | None = None


class Engine:
    """One search of one model."""

    def __init__(self, model: Model, learned: LearnedSteps, judge: Judge, options: Options = Options()) -> None:
        self.model, self.judge = model, judge
        self.learned = learned
        self.situations = Situations(model, learned, judge)
        start = self.situations.components.encode(model.initial())
        self.tables = Tables(self.situations)
        self.team = Team(options.workers)
        self.states = States(self.tables.packing.words, options.workers, options.spill)
        threads = model.layout.thread_count
        self.workers = [Worker(n, self.states, threads, _CHUNK) for n in range(options.workers)]
        self.layers: list[Rows] = [np.zeros(options.workers, dtype=np.int64)]
        """int64[segments] a layer: the position of its first state in each segment."""
        self.transitions = self.at_rest = 0
        self.rests: list[int] = []
        """Rows where no thread moves."""
        self.found: list[tuple[int, tuple[int, int] | None]] = []
        """Rows with something wrong in them, or in one of their steps: leaf and outcome."""
        self.states.add(self.tables.packing.pack(start))
        for claim in range(len(judge.claims)):
            self.tables.teach_claim(start, claim)
        self.program: Program = self.tables.program()

    # -- the loop ----------------------------------------------------------------------------------

    def search(self, limits: Limits, progress: Callable[[Progress], None] | None, go_on: bool = False) -> str:
        """Explore until nothing is left or something is wrong; why it stopped early, or "".

        Args:
            go_on: explore everything that can be reached, whatever is wrong with it.
        """
        started = time.monotonic()
        stopped = ""
        try:
            while not stopped and (go_on or not self.found) and (layer := self._next_layer()):
                work = layer
                while any(len(rows) for rows in work):
                    stopped = limits.reached(self.states.total, len(self.layers) - 2, started, self.size)
                    if stopped:
                        break
                    if progress:
                        progress(self._progress(layer, started))
                    work = self._round(work)
        except KeyboardInterrupt:
            stopped = INTERRUPTED
        finally:
            self.team.close()
        return stopped

    @property
    def depth(self) -> int:
        """Of the last layer that has a state."""
        return len(self.layers) - 2 + bool((self.states.counts > self.layers[-1]).any())

    @property
    def size(self) -> int:
        """Bytes of states, tables and buffers."""
        return self.states.size + sum(worker.size for worker in self.workers)

    def _next_layer(self) -> list[Rows]:
        """The rows that no layer before had, segment by segment; [] if there are none."""
        first, last = self.layers[-1], self.states.counts.copy()
        if not (last > first).any():
            return []
        self.layers.append(last)
        return [self.states.rows(s, int(a), int(b)) for s, (a, b) in enumerate(zip(first, last, strict=True))]

    def _round(self, work: list[Rows]) -> list[Rows]:
        """Expand a chunk of each worker's rows; the rows that are left."""
        states, workers, program = self.states, self.workers, self.program
        chunks = [(rows[:_CHUNK], rows[_CHUNK:]) for rows in work]
        expanded = self.team(lambda w: workers[w].expand(program, chunks[w][0]))
        states.make_room(int(sum(worker.counts for worker in workers).max()), self.team)
        judged = self.team(lambda w: workers[w].insert(program, workers))
        self.transitions += sum(transitions for _, _, transitions in expanded)
        self._take_judgements(np.concatenate([_NOTHING, *(events for found in judged for events in found)]))
        for worker in workers:
            self._take_events(worker.events)
        self._learn()
        return [
            np.concatenate([again, undone, rest])
            for (undone, again, _), (_, rest) in zip(expanded, chunks, strict=True)
        ]

    # -- what the loops noted ----------------------------------------------------------------------

    def _take_events(self, events: Rows) -> None:
        for kind, row, one, two in events.tolist():
            if kind == kernels.ERROR:
                self.found.append((row, (one, two)))
            elif kind == kernels.REST:
                self.rests.append(row)
                problem = self.judge.rest(self.state(row))
                self.at_rest += problem is None
                if problem:
                    self.found.append((row, None))
            else:
                self.tables.teach_race(one, two)
                if self.problem_at(row):
                    self.found.append((row, None))

    def _take_judgements(self, events: Rows) -> None:
        """Learn the claims that nobody knew, each from the first state that needs it, and judge the others again."""
        while len(events):
            broken, unknown = events[events[:, 2] == BROKEN], events[events[:, 2] != BROKEN]
            self.found += dict.fromkeys((row, None) for row in broken[:, 0].tolist())
            _, first = np.unique(unknown[:, [1, 3]], axis=0, return_index=True)
            for row, claim in unknown[np.sort(first), :2].tolist():
                self.tables.teach_claim(self._codes(row), claim)
            if not len(unknown):
                break
            self.program = self.tables.program()
            unknown = np.ascontiguousarray(unknown)
            events = unknown[: kernels.judge_again(self.program, self.states.words, unknown)]

    def _learn(self) -> None:
        """Learn what this round met for the first time; each situation from the first state that was in it."""
        misses = np.concatenate([worker.misses for worker in self.workers])
        seen: set[tuple[int, int, int]] = set()
        for kind, row, one, two in misses.tolist():
            if (kind, one, two) in seen:
                continue
            if kind == kernels.STEP:
                seen.add((kind, one, two))
                self.tables.teach_steps(self._codes(row), one)
            else:
                self.tables.teach_image(one, self._codes(row))
        if not self.tables.news:
            return
        if self.tables.outgrown:
            before = self.tables.packing.fields
            self.tables.repack()
            after = self.tables.packing
            self.states.repack(before, after.fields, after.words, self.team)
            for worker in self.workers:
                worker.reshape()
        self.program = self.tables.program()

    # -- looking at states -------------------------------------------------------------------------

    def _codes(self, row: int) -> tuple[int, ...]:
        return self.tables.packing.unpack(self.states.words[row])

    def state(self, row: int) -> Cells:
        """The state in `row`."""
        return self.situations.components.decode(self._codes(row))

    def problem_at(self, row: int) -> Problem | None:
        """What is wrong with the state in `row`, by itself or with what can follow."""
        state = self.state(row)
        return self.judge.state(state) or self.judge.expansion(state, self.learned(state))

    def _progress(self, layer: list[Rows], started: float) -> Progress:
        frontier = sum(map(len, layer))
        seconds = time.monotonic() - started
        return Progress(self.states.total, self.transitions, len(self.layers) - 2, frontier, seconds, self.size)

    # -- the result --------------------------------------------------------------------------------

    def result(self, stopped: str, seconds: float) -> Result:
        """What was found, with the simplest trace."""
        problem, trace, verdict = None, None, Verdict.HOLDS
        if self.found:
            problem, trace = simplest(self._problems(), Cone(self).parents)
            verdict = Verdict.VIOLATED
        elif stopped:
            verdict = Verdict.INCONCLUSIVE
        coverage = self.tables.coverage(np.sum([_padded(w.taken, self.workers) for w in self.workers], axis=0))
        coverage.at_rest = self.at_rest
        return Result(
            self.model, verdict, self.states.total, self.transitions, self.depth, seconds, problem, trace, stopped,
            coverage,
        )  # fmt: skip

    def _problems(self) -> list[Found[int]]:
        found = []
        for row, last in self.found:
            depth = self.depth_of(row)
            if last is None:
                problem, choice = self.problem_at(row), None
            else:
                step = self.tables.leaves[last[0] - 1].outcomes[last[1]].step
                problem, choice = self.judge.step(step), step.choice
            assert problem is not None
            found.append(Found(problem, row, choice, depth))
        return found

    def depth_of(self, row: int) -> int:
        """The layer that `row` is in."""
        segment, position = self.states.place(row)
        return int(np.searchsorted([layer[segment] for layer in self.layers], position, side="right")) - 1


def _padded(taken: Rows, workers: list[Worker]) -> Rows:
    return np.pad(taken, (0, max(len(worker.taken) for worker in workers) - len(taken)))
