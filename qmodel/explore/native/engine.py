"""The search loop of the native engine: breadth first, layer by layer, or depth first; in rounds.

In a round every worker expands some states, then every owner inserts what was found for it; what the tables did not
know is then learned from Python, and the states in which it was met are expanded again.  Nothing depends on who was
faster: the same search gives the same states in the same rows.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator

import numpy as np

from ...compose.model import Model
from ...compose.result import INTERRUPTED, Coverage, Problem, Result, Verdict
from ...compose.step import Cells
from ..judge import Judge
from ..learn import LearnedSteps
from ..limits import NEVER, Limits, Progress
from ..options import ALONE, Options
from ..simplest import Found, simplest
from . import kernels
from .checkpoint import Checkpoint, packing_of
from .compiling import compiling
from .cone import Cone
from .forest import BROKEN
from .frontier import Frontier, Rows
from .levels import Levels
from .lifted import lifted
from .situations import Situations
from .stack import Stack
from .states import States
from .tables import Program, Tables
from .workers import Team, Worker

_CHUNK = 1 << 15
"""States that a worker expands in a round: enough to make the round's Python not matter, few enough for its cache."""

_NOTHING = np.empty((0, 4), dtype=np.int64)


class Engine:
    """One search of one model."""

    def __init__(
        self,
        model: Model,
        learned: LearnedSteps,
        judge: Judge,
        options: Options = ALONE,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.model, self.judge = model, judge
        self.learned, self._notice = learned, notice
        self.situations = Situations(model, learned, judge)
        self._checkpoint: Checkpoint | None = None
        if options.checkpoint:
            self._checkpoint = Checkpoint(options, model, judge)
        saved = self._checkpoint.saved if self._checkpoint else None
        self._start = self.situations.components.encode(model.initial())
        if saved:
            self.situations.components.restore(saved["components"])
        self.tables = Tables(self.situations, packing_of(saved) if saved else None, options.por)
        if options.symmetry:
            self.tables.find_orbits()
        self.team = Team(options.workers)
        self.states = States(self.tables.packing.words, options.workers, options.spill)
        threads = model.layout.thread_count
        self.workers = [Worker(n, self.states, threads, _CHUNK) for n in range(options.workers)]
        self.layers: list[Rows] = [np.zeros(options.workers, dtype=np.int64)]
        """int64[segments] a layer: the position of its first state in each segment."""
        self._stack = Stack(options.workers) if options.order == "depth" else None
        self._levels: Levels | None = None
        self.transitions = self.at_rest = 0
        self.before = Coverage()
        """What a search exercised that this one resumes."""
        self.rests: list[int] = []
        """Rows where no thread moves."""
        self.found: list[tuple[int, tuple[int, int] | None]] = []
        """Rows with something wrong in them, or in one of their steps: leaf and outcome."""
        wrong = [claim for claim in range(len(judge.claims)) if self.tables.teach_claim(self._start, claim)]
        if self._checkpoint and saved:
            self._frontier = self._checkpoint.restore(self)
        else:
            self._begin()
            if wrong:
                self.found, self._frontier = [(self.first, None)], Frontier(self.layers[0], self.layers[0])
        self.program: Program = self.tables.program()
        self._compile()

    def _begin(self) -> None:
        """Forget all states but the initial one, and what was counted; keep what was learned."""
        self.states.clear()
        self.first = self.states.add(self.tables.packing.pack(self._start))
        self.layers = [np.zeros(self.team.size, dtype=np.int64)]
        self.transitions = self.at_rest = 0
        self.found, self.rests = [], []
        for worker in self.workers:
            worker.forget()
        self._frontier = self._next_layer()

    # -- the loop ----------------------------------------------------------------------------------

    def run(
        self,
        limits: Limits = NEVER,
        progress: Callable[[Progress], None] | None = None,
        started: float | None = None,
        go_on: bool = False,
    ) -> Result:
        """Search, and say what was found, with the simplest trace.

        Args:
            started: since when time counts, of `time.monotonic`; from now on, by default.
            go_on: explore everything that can be reached, whatever is wrong with it.
        """
        started = time.monotonic() if started is None else started
        if self._checkpoint and self._checkpoint.saved:
            started -= self._checkpoint.saved["seconds"]
        stopped = self.search(limits, progress, started, go_on)
        return self._result(stopped, time.monotonic() - started)

    def search(
        self, limits: Limits, progress: Callable[[Progress], None] | None, started: float, go_on: bool = False
    ) -> str:
        """Explore until nothing is left or something is wrong; why it stopped early, or ""."""
        stopped = ""
        try:
            while not stopped and self._frontier:
                stopped = limits.reached(self.states.total, self._level, started, self.size)
                if progress:
                    progress(self._progress(started))
                if not stopped:
                    self._round()
                if self.tables.ample and self.tables.ample.refuted(self._taken()[:, 1]):
                    self._begin()
                if not self._frontier and (go_on or not self.found):
                    self._frontier = self._next_layer()
                self._save(bool(stopped), started)
        except KeyboardInterrupt:
            stopped = INTERRUPTED
        finally:
            self.team.close()
        return stopped

    def _save(self, now: bool, started: float) -> None:
        """Save the search if it is time to; not one that has found something, and is about to say so."""
        if self._checkpoint and not self.found and (now or self._checkpoint.due):
            self._checkpoint.save(self, self._frontier, time.monotonic() - started)

    @property
    def _level(self) -> int:
        """How far from the initial state the states are that are being expanded."""
        return self._stack.level if self._stack is not None else len(self.layers) - 2

    @property
    def depth(self) -> int:
        """Of the last layer that has a state; depth first, the length of the longest path that was followed."""
        if self._stack is not None:
            return self._stack.deepest
        return len(self.layers) - 2 + bool((self.states.counts > self.layers[-1]).any())

    @property
    def size(self) -> int:
        """Bytes of states, tables and buffers."""
        return self.states.size + sum(worker.size for worker in self.workers)

    def _next_layer(self) -> Frontier:
        """The states that no layer before had; depth first, the newest ones."""
        first, last = self.layers[-1], self.states.counts.copy()
        if self._stack is not None:
            return Frontier(*self._stack.next(last))
        if (last > first).any():
            self.layers.append(last)
        return Frontier(first.copy(), last)

    def _round(self) -> None:
        """Let every worker expand a chunk of the frontier, and every owner insert what is new of it."""
        states, workers, program = self.states, self.workers, self.program
        chunks = [self._frontier.take(states, w, _CHUNK) for w in range(len(workers))]
        expanded = self.team(lambda w: workers[w].expand(program, chunks[w]))
        states.make_room(int(np.sum([worker.counts for worker in workers], axis=0).max()), self.team)
        judged = self.team(lambda w: workers[w].insert(program, workers))
        for segment, (undone, again, transitions) in enumerate(expanded):
            self.transitions += transitions
            self._frontier.give_back(segment, again, undone)
        self._take_judgements(np.concatenate([_NOTHING, *(events for found in judged for events in found)]))
        for worker in workers:
            self._take_events(worker.events)
        self._learn()

    # -- what the loops noted ----------------------------------------------------------------------

    def _take_events(self, events: Rows) -> None:
        for kind, row, one, two in events.tolist():
            if kind == kernels.ERROR:
                self.found.append((row, (one, two)))
            elif kind == kernels.REST:
                self.rests.append(row)
                if self.tables.alike:
                    self.tables.alike.check_rest(self.codes(row))
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
            if not len(unknown):
                break
            for row, claim, _, place in _first_of_each(unknown, unknown[:, 3]).tolist():
                codes = self.codes(row)
                if not self.tables.link_claim(claim, place >> 32, codes):
                    self.tables.teach_claim(codes, claim)
            self.program = self.tables.program()
            unknown = np.ascontiguousarray(unknown)
            events = unknown[: kernels.judge_again(self.program, self.states.words, unknown)]

    def _learn(self) -> None:
        """Learn what this round met for the first time; each situation from the first state that was in it."""
        misses = self.tables.learn_orbits(np.concatenate([worker.misses for worker in self.workers]))
        steps = misses[:, 1] != kernels.IMAGE
        for row, thread, _ in _first_of_each(misses[steps], misses[steps, 2]).tolist():
            self.tables.teach_steps(self.codes(row), thread)
        for _, _, place in _first_of_each(misses[~steps], misses[~steps, 2]).tolist():
            self.tables.teach_image(*divmod(place, 1 << 32))
        if not self.tables.news:
            return
        if self.tables.outgrown:
            before = self.tables.packing.fields
            self.tables.repack()
            after, moving = self.tables.packing, self.tables.moving
            self.states.repack(before[moving], after.fields[moving], after.words, self.team)
            if after.words != self.workers[0].words:
                for worker in self.workers:
                    worker.reshape()
                self._compile()
        self.program = self.tables.program()

    def _compile(self) -> None:
        """Call every loop with nothing to do, for states of this width: the first time on a machine takes seconds."""
        with compiling(self._notice, self.tables.packing.words):
            program = self.tables.program()
            self.workers[0].idle(program)
            self.states.idle(program, self.tables.packing.fields)

    # -- looking at states -------------------------------------------------------------------------

    def codes(self, row: int) -> tuple[int, ...]:
        """The numbers of the components of the state in `row`."""
        return self.tables.packing.unpack(self.states.words[row])

    def state(self, row: int) -> Cells:
        """The state in `row`."""
        return self.situations.components.decode(self.codes(row))

    def problem_at(self, row: int) -> Problem | None:
        """What is wrong with the state in `row`, by itself or with what can follow."""
        state = self.state(row)
        return self.judge.state(state) or self.judge.expansion(state, self.learned(state))

    def _progress(self, started: float) -> Progress:
        frontier = len(self._frontier) + (self._stack.waiting if self._stack is not None else 0)
        seconds = time.monotonic() - started
        return Progress(self.states.total, self.transitions, self._level, frontier, seconds, self.size)

    # -- the result --------------------------------------------------------------------------------

    def know(self, rows: Rows) -> None:
        """Learn the situations of states that were expanded before this search was resumed."""
        if self._checkpoint is None or self._checkpoint.saved is None:
            return
        while len(rows):
            undone, again, _ = self.workers[0].expand(self.program, rows[:_CHUNK])
            self._learn()
            rows = np.concatenate([again, undone, rows[_CHUNK:]])

    def _result(self, stopped: str, seconds: float) -> Result:
        coverage = self.coverage()
        problem, trace, verdict = None, None, Verdict.HOLDS
        if self.found:
            self._levels = Levels(self) if self._stack is not None else None
            orbits = self.tables.orbits
            if orbits:
                problem, trace = lifted(self, orbits.symmetry)
            else:
                problem, trace = simplest(self._problems(), Cone(self).parents)
            verdict = Verdict.VIOLATED
        elif stopped:
            verdict = Verdict.INCONCLUSIVE
        return Result(
            self.model, verdict, self.states.total, self.transitions, self.depth, seconds, problem, trace, stopped,
            coverage, "depth" if self._stack is not None else "breadth",
            symmetric=self.tables.orbits.symmetry.describe() if self.tables.orbits else "",
        )  # fmt: skip

    def coverage(self) -> Coverage:
        """What the search has exercised so far."""
        found = copy.deepcopy(self.before)
        self.tables.cover(found, self._taken()[:, 0])
        found.at_rest = self.at_rest
        return found

    def _taken(self) -> Rows:
        """int64[leaves, 2]: how often each leaf was passed, and how often its thread was expanded alone."""
        taken: Rows = np.sum([_padded(worker.taken, self.workers) for worker in self.workers], axis=0)
        return taken

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
        """The layer that `row` is in: how long the shortest path to it is, among the states that were visited."""
        if self._levels:
            return self._levels.of(row)
        segment, position = self.states.place(row)
        return int(np.searchsorted([layer[segment] for layer in self.layers], position, side="right")) - 1

    def rows_at(self, depth: int) -> Iterator[Rows]:
        """The rows of a layer."""
        if self._levels:
            yield self._levels.rows(depth)
            return
        for segment in range(self.states.segments):
            yield self.states.rows(segment, *(int(self.layers[at][segment]) for at in (depth, depth + 1)))


def _first_of_each(rows: Rows, key: Rows) -> Rows:
    """The first of the rows of each key, in their order."""
    _, first = np.unique(key, return_index=True)
    return rows[np.sort(first)]


def _padded(taken: Rows, workers: list[Worker]) -> Rows:
    return np.pad(taken, ((0, max(len(worker.taken) for worker in workers) - len(taken)), (0, 0)))
