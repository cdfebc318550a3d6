"""Random walks and walks by random priorities, at the speed of the native search, from the same tables.

Many walkers take turns; what one meets for the first time is learned from Python, as in a search.  They keep no set of
visited states, so a walk costs no memory and finding nothing proves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compose.model import Model
from ...compose.result import INTERRUPTED, Coverage, Problem, Result, Verdict, Walks
from ...compose.step import Cells, Choice
from ...compose.trace import Trace
from ..judge import Judge
from ..learn import LearnedSteps
from ..limits import NEVER, Limits, Strolled
from ..options import Options
from . import kernels, strolls
from .compiling import compiling
from .growing import Growing
from .situations import Situations
from .states import States
from .strolls import Hints, Party, Rules
from .tables import Program, Tables
from .workers import Team

Rows = NDArray[np.int64]

PARTY = 128
"""Walkers of a worker: enough to make the Python of a turn not matter, few enough for its cache."""

TURN = 256
"""Steps of a turn."""

LONGEST = 10_000
"""Steps of the longest walk, unless a limit says otherwise: most come to rest long before."""

PCT_DEPTH = 3
"""Most bugs need no more than two or three ordering constraints (Burckhardt et al., section 1)."""

_MANY = 1 << 62

_UNRECORDED = np.empty((0, 2), dtype=np.int64)


def _alone(task: Callable[[int], object]) -> None:
    """Run a task of each owner, of whom there is one."""
    task(0)


@dataclass(frozen=True)
class _Finding:
    """Where a walk meets what is wrong: after `steps` steps, in the state, or in the step (leaf, outcome) out of it."""

    steps: int
    last: tuple[int, int] | None = None


class _Walkers:
    """The walkers of one worker, and their buffers.

    Attributes:
        misses, events: what `strolls.stroll` wrote.
    """

    def __init__(self, start: Rows, threads: int, rules: Rules, claims: int, first: int, count: int) -> None:
        at = np.zeros((count, 3), dtype=np.int64)
        at[:, 0] = first + np.arange(count)
        states = np.repeat(start[None], count, axis=0)
        self.party = Party(
            start, states, states.copy(), at, np.zeros((count, threads), dtype=np.int64),
            np.zeros((count, max(rules.depth - 1, 0)), dtype=np.int64),
        )  # fmt: skip
        self.done = np.zeros(3, dtype=np.int64)
        self.taken = np.zeros(1024, dtype=np.int64)
        self._misses = np.empty((count * threads, 3), dtype=np.int64)
        self._events = np.empty((count * (claims + 2), 5), dtype=np.int64)
        self.misses, self.events = self._misses[:0], self._events[:0]

    def stroll(self, program: Program, hints: Hints, rules: Rules, record: Rows) -> None:
        """Let each walker take a turn."""
        outcomes = len(hints.unreliable)
        if len(self.taken) < outcomes:
            self.taken = np.pad(self.taken, (0, 2 * outcomes - len(self.taken)))
        missed, noted = strolls.stroll(
            (0,) * self.party.states.shape[1], program, hints, rules, self.party, self.done, self.taken, record,
            self._misses, self._events,
        )  # fmt: skip
        self.misses, self.events = self._misses[:missed], self._events[:noted]

    def repack(self, start: Rows, before: Rows, after: Rows) -> None:
        """Pack the states again, from the fields `before` to those `after` (int64[components, 3])."""
        packed = [np.zeros((len(self.party.at), len(start)), dtype=np.int64) for _ in range(2)]
        kernels.repack(self.party.states, packed[0], len(packed[0]), 0, 1, before, after)
        self.party = self.party._replace(start=start, states=packed[0], coming=packed[1])


class Walker:
    """One lot of walks over one model."""

    def __init__(
        self,
        model: Model,
        learned: LearnedSteps,
        judge: Judge,
        options: Options,
        length: int = LONGEST,
        notice: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.model, self.judge, self.options = model, judge, options
        self.learned = learned
        self.situations = Situations(model, learned, judge)
        self._start = self.situations.components.encode(model.initial())
        self.tables = Tables(self.situations)
        self.team = Team(options.workers)
        self.rests = States(self.tables.packing.words, 1)
        """States at rest that nothing is wrong with."""
        until = _MANY if options.walks is None else options.walks
        depth = (options.pct_depth or PCT_DEPTH) if options.order == "pct" else 0
        self.rules = Rules(options.seed or 0, length, depth, until, options.workers * PARTY, TURN)
        self.walkers = [self._walkers(number * PARTY) for number in range(options.workers)]
        self.found: dict[int, _Finding] = {}
        """By the number of the walk."""
        self._faults, self._unreliable = Growing(np.int32), Growing(np.int8)
        self._faults.append(0)
        for claim in range(len(judge.claims)):
            if self.tables.teach_claim(self._start, claim):
                self.found[0] = _Finding(0)
        self._notice = notice
        self._refresh()
        self._compile()

    def _walkers(self, first: int, count: int = PARTY) -> _Walkers:
        start = self.tables.packing.pack(self._start)
        return _Walkers(start, self.model.layout.thread_count, self.rules, len(self.judge.claims), first, count)

    # -- the loop ----------------------------------------------------------------------------------

    def run(
        self,
        limits: Limits = NEVER,
        progress: Callable[[Strolled], None] | None = None,
        started: float | None = None,
    ) -> Result:
        """Walk, and say what was found: by the walk of the lowest number, whoever was first."""
        started = time.monotonic() if started is None else started
        stopped = self._walk(limits, progress, started)
        return self._result(stopped, started)

    def _walk(self, limits: Limits, progress: Callable[[Strolled], None] | None, started: float) -> str:
        """Walk until no walk is left below the first that found something; why it stopped, or ""."""
        stopped = ""
        try:
            while not stopped and self._is_busy():
                stopped = limits.reached(0, 0, started, self.rests.size)
                if progress:
                    walks, steps, _ = self._done
                    progress(Strolled(walks, steps, time.monotonic() - started))
                if not stopped:
                    self.team(lambda w: self.walkers[w].stroll(self.program, self.hints, self.rules, _UNRECORDED))
                    for walkers in self.walkers:
                        self._take_events(walkers)
                    self._learn(self.walkers)
        except KeyboardInterrupt:
            stopped = INTERRUPTED
        finally:
            self.team.close()
        return stopped or f"{self.rules.until:,} walks were made"

    def _is_busy(self) -> bool:
        self.rules = self.rules._replace(until=min(self.rules.until, *self.found, _MANY))
        return any((walkers.party.at[:, 0] < self.rules.until).any() for walkers in self.walkers)

    @property
    def _done(self) -> list[int]:
        """Walks that ended, steps, the most steps of a walk."""
        each = np.array([walkers.done for walkers in self.walkers])
        return [*each[:, :2].sum(axis=0).tolist(), int(each[:, 2].max())]

    # -- what the loops noted ----------------------------------------------------------------------

    def _take_events(self, walkers: _Walkers) -> None:
        for kind, walker, one, two, place in _different(walkers.events).tolist():
            if kind == strolls.FAULT:
                self._find(walkers, walker, (one, two))
            elif kind == kernels.REST:
                self._come_to_rest(walkers, walker)
            elif kind == strolls.CLAIM and two:
                self._find(walkers, walker, None, further=1)
            elif kind == strolls.CLAIM:
                codes = self._codes(walkers.party.coming[walker])
                if not self.tables.link_claim(one, place >> 32, codes):
                    self.tables.teach_claim(codes, one)
            else:
                self.tables.teach_race(one, two)
                if self.judge.race(self.learned(self._state(walkers.party.states[walker]))):
                    self._find(walkers, walker)

    def _find(self, walkers: _Walkers, walker: int, last: tuple[int, int] | None = None, further: int = 0) -> None:
        """Remember what is wrong where a walker stands, or one step further."""
        number, steps, _ = walkers.party.at[walker].tolist()
        self.found.setdefault(number, _Finding(steps + further, last))

    def _come_to_rest(self, walkers: _Walkers, walker: int) -> None:
        packed, rests = walkers.party.states[walker], self.rests
        if self.judge.rest(self._state(packed)):
            self._find(walkers, walker)
            return
        rests.make_room(1, _alone)
        rests.counts += strolls.remember(rests.tables[0], rests.row_bits, rests.words, packed, rests.total)

    def _learn(self, parties: list[_Walkers]) -> None:
        """Learn what was met for the first time."""
        for walkers in parties:
            for walker, thread, place in walkers.misses.tolist():
                if thread == kernels.IMAGE:
                    self.tables.teach_image(*divmod(place, 1 << 32))
                else:
                    self.tables.teach_steps(self._codes(walkers.party.states[walker]), thread)
        if self.tables.outgrown:
            self._repack(parties)
        self._refresh()

    def _repack(self, parties: list[_Walkers]) -> None:
        before = self.tables.packing
        self.tables.repack()
        after = self.tables.packing
        self.rests.repack(before.fields, after.fields, after.words, _alone)
        for walkers in parties:
            walkers.repack(after.pack(self._start), before.fields, after.fields)
        if after.words != before.words:
            self._refresh()
            self._compile()

    def _refresh(self) -> None:
        """Let the loops know what was learned."""
        for situation in self.tables.leaves[self._faults.count - 1 :]:
            steps = [outcome.step for outcome in situation.outcomes]
            self._faults.append(next((n for n, step in enumerate(steps, 1) if step.error is not None), 0))
            for step in steps:
                self._unreliable.append(not step.reliable)
        self.program = self.tables.program()
        rests = self.rests
        self.hints = Hints(self._faults.room, self._unreliable.room, rests.words, rests.row_bits, rests.tables[0])

    def _compile(self) -> None:
        """Call the loop with nothing to do, for states of this width: the first time on a machine takes seconds."""
        with compiling(self._notice, self.tables.packing.words):
            self._walkers(0, 1).stroll(self.program, self.hints, self.rules._replace(until=0), _UNRECORDED)
            rests = States(self.tables.packing.words, 1)
            rests.idle(self.program, self.tables.packing.fields)
            strolls.remember(rests.tables[0], rests.row_bits, rests.words, self.walkers[0].party.start, 0)

    def _codes(self, packed: Rows) -> tuple[int, ...]:
        return self.tables.packing.unpack(packed)

    def _state(self, packed: Rows) -> Cells:
        return self.situations.components.decode(self._codes(packed))

    # -- the result --------------------------------------------------------------------------------

    def _result(self, stopped: str, started: float) -> Result:
        problem, trace, verdict = None, None, Verdict.INCONCLUSIVE
        walks, steps, longest = self._done
        finder = min(self.found, default=None)
        found = 0
        if finder is not None:
            problem, trace = self.judged(finder)
            verdict, stopped, walks, found = Verdict.VIOLATED, "", finder + 1, len(trace)
        order, seed = self.options.order, self.rules.seed
        return Result(
            self.model, verdict, 0, steps, longest, time.monotonic() - started, problem, trace, stopped,
            self._coverage(), order, Walks(order, seed, walks, steps, finder, found),
        )  # fmt: skip

    def judged(self, number: int) -> tuple[Problem, Trace]:
        """What the walk `number` found, as the model itself sees it."""
        finding = self.found[number]
        trace = self.retrace(number, finding.steps)
        if finding.last:
            trace = Trace((*trace.choices, self._choice(*finding.last)))
        problem = self.judge.end_of(trace)
        if problem is None:
            raise RuntimeError(f"walk {number} does not lead where it led; this is a mistake in the native loops")
        return problem, trace

    def retrace(self, number: int, steps: int) -> Trace:
        """The first steps of the walk `number`, once it was walked so far."""
        record = np.zeros((steps, 2), dtype=np.int64)
        rules = self.rules._replace(until=number + 1, turn=steps)
        # Nothing is judged: claims may have learned since to ask about what they did not ask on the way.
        unjudged = self.program._replace(outcomes=self.program.outcomes * (1, 1, 1, 0))
        self._walkers(number, 1).stroll(unjudged, self.hints, rules, record)
        return Trace(tuple(self._choice(leaf, outcome) for leaf, outcome in record.tolist()))

    def _choice(self, leaf: int, outcome: int) -> Choice:
        return self.tables.leaves[leaf - 1].outcomes[outcome].step.choice

    def _coverage(self) -> Coverage:
        found = Coverage(at_rest=self.rests.total)
        for walkers in self.walkers:
            first = 0
            for situation in self.tables.leaves:
                times = walkers.taken[first : first + len(situation.outcomes)].tolist()
                times += [0] * (len(situation.outcomes) - len(times))
                self.tables.count(found, situation, times)
                first += len(situation.outcomes)
        return found


def _different(events: Rows) -> Rows:
    """The events, of those that ask the same about a claim only the first.

    What is wrong stays with every walker that came upon it.
    """
    said = events.copy()
    said[(events[:, 0] == strolls.CLAIM) & (events[:, 3] == 0), 1] = -1
    _, first = np.unique(said, axis=0, return_index=True)
    return events[np.sort(first)]
