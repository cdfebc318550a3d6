"""Fuzzing: Hypothesis draws schedules, and shrinks the one that breaks a rule.

For scopes that are too large to exhaust.  It can only find: a fuzz that finds nothing says INCONCLUSIVE.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from hypothesis import HealthCheck, Phase, Verbosity, find, given, seed, settings
from hypothesis.database import ExampleDatabase, choices_to_bytes
from hypothesis.errors import NoSuchExample, Unsatisfiable

from ..compose.model import Model
from ..compose.result import Coverage, Problem, Verdict
from ..compose.trace import Trace
from ..spec.records import arrows_of
from .shorten import Shortened, shorten
from .walk import WALKS, Atlas, Walk, Wanted, several_walks, walks

EXAMPLES = 100
"""Hypothesis' default.  Of 17 seeds, all find the deadlock of `thread-pool@271c0f68b4` (nested=1 workers=1), and 14 the
race of `bottom-half@v2.0.0`, where a thread must stop for a dozen steps just before its last one."""

STEPS = 200
"""Walks are longer than Hypothesis' default of 50: the shortest traces of the historical bugs take 19 to 70 steps, and
one that was not chosen for its shortness takes up to three times as many.  A walk that comes to rest ends earlier."""

SHORTENING = 10_000
"""States that one search of the last stage of shrinking may visit: a few seconds."""


@dataclass(frozen=True)
class Effort:
    """How far a fuzz is."""

    examples: int
    steps: int
    states: int
    seconds: float
    shrinking: int | None
    """Length of the shortest failing trace so far, or None."""


@dataclass(frozen=True)
class FuzzReport:
    """The outcome of one fuzz.

    Attributes:
        examples: until the first failure (or in all), each of a few walks; attempts: examples that shrinking took.
        steps: of all walks; states: different ones that were looked at, the last stage of shrinking included.
        lengths: of the trace as found, as shrunk by Hypothesis, and as shortened.
        shortest: whether there is no shorter trace at all, which only a small scope can show.
        stopped: why it ended without a failure, or before shrinking was done; "" otherwise.
    """

    model: Model
    seed: int
    verdict: Verdict
    examples: int
    attempts: int
    steps: int
    states: int
    seconds: float
    problem: Problem | None = None
    trace: Trace | None = None
    lengths: tuple[int, ...] = ()
    shortest: bool = False
    stopped: str = ""
    coverage: Coverage = field(default_factory=Coverage)

    @property
    def unused(self) -> list[str]:
        """The kinds of steps that no walk took, as `Process.step`."""
        taken, kinds = self.coverage.steps, self.model.layout.processes
        return [f"{k.__name__}.{a.name}" for k in kinds for a in arrows_of(k) if not taken[k, a.name]]

    @property
    def exit_code(self) -> int:
        """1 violated, 4 the model is wrong, 7 inconclusive; never 0."""
        if self.problem is None:
            return 7
        return 4 if self.problem.in_model else 1


class _TimeIsUp(KeyboardInterrupt):
    """Not an `Exception`: Hypothesis must not take it for a failure of the model."""


class _Hunt:
    """What Hypothesis is asked about each walk, and what is remembered of the answers."""

    def __init__(self, atlas: Atlas, seconds: float | None, progress: Callable[[Effort], None] | None) -> None:
        self.atlas, self.progress = atlas, progress
        self.started = time.monotonic()
        self.deadline = None if seconds is None else self.started + seconds
        self.wanted = Wanted()
        self.examples = self.attempts = 0
        self.first: Walk | None = None
        self.best: Walk | None = None

    def __call__(self, walk: Walk) -> bool:
        """Whether `walk` fails as the first failing one did."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise _TimeIsUp
        if self.first is None:
            self.examples += 1
        else:
            self.attempts += 1
        fails = walk.problem is not None and self.wanted.rule in (None, walk.problem.rule)
        if fails:
            self._keep(walk)
        if self.progress is not None:
            self.progress(self.effort())
        return fails

    def _keep(self, walk: Walk) -> None:
        assert walk.problem is not None
        self.wanted.rule = walk.problem.rule
        self.first = self.first or walk
        if self.best is None or walk.trace.simplicity < self.best.trace.simplicity:
            self.best = walk

    @property
    def steps(self) -> int:
        return self.atlas.coverage.steps.total()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def effort(self) -> Effort:
        shrinking = len(self.best.trace) if self.best else None
        return Effort(self.examples, self.steps, self.atlas.states, self.elapsed, shrinking)


def fuzz(
    model: Model, *, seed: int, examples: int = EXAMPLES, steps: int = STEPS, seconds: float | None = None,
    progress: Callable[[Effort], None] | None = None,
) -> FuzzReport:  # fmt: skip
    """Walk through `model` at random, at most `examples` times `steps`; shrink the first failure.

    The same seed gives the same report, if `seconds` (which bound all but the last stage of shrinking) do not end it.

    Returns: VIOLATED with a small trace, or INCONCLUSIVE.
    """
    atlas = Atlas(model)
    hunt = _Hunt(atlas, seconds, progress)
    stopped = _search(atlas, hunt, seed, examples, steps)
    if hunt.best is None or hunt.first is None:
        return _report(hunt, seed, stopped)
    walk = hunt.best
    assert walk.problem is not None
    short = Shortened(walk.trace, walk.problem)
    if not stopped:
        try:
            short = shorten(atlas, walk.trace, walk.problem, SHORTENING)
        except KeyboardInterrupt:
            stopped = "interrupted"
    lengths = (len(hunt.first.trace), len(walk.trace), len(short.trace))
    return _report(hunt, seed, stopped, short.problem, short.trace, lengths, short.shortest)


def _search(atlas: Atlas, hunt: _Hunt, seed: int, examples: int, steps: int) -> str:
    """Let Hypothesis generate, then shrink; why it stopped without having finished both, or ""."""
    generate = settings(max_examples=examples, database=None, deadline=None, phases=[Phase.generate])
    try:
        find(several_walks(atlas, steps), hunt, settings=generate, random=Random(seed))
        _shrink(atlas, hunt, seed)
    except (NoSuchExample, Unsatisfiable):
        return f"{hunt.examples} examples of {WALKS} walks of at most {steps} steps"
    except _TimeIsUp:
        return "the time was up"
    except KeyboardInterrupt:
        return "interrupted"
    return ""


def _shrink(atlas: Atlas, hunt: _Hunt, number: int) -> None:
    """Let Hypothesis shrink the failing walk alone, without those before it in its example."""
    assert hunt.first is not None
    strategy = walks(atlas, len(hunt.first.trace) + 1, hunt.wanted)

    def attempt(walk: Walk) -> None:
        if hunt(walk):
            raise _Fails

    chosen = settings(
        database=_Start(hunt.first.numbers),
        phases=[Phase.reuse, Phase.shrink],
        deadline=None,
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    with contextlib.suppress(_Fails):
        chosen(seed(number)(given(strategy)(attempt)))()


class _Fails(Exception):
    """The walk fails as the first failing one did."""


class _Start(ExampleDatabase):
    """How Hypothesis is told where to start shrinking: a database that holds one example of everything.

    With one number too many, since Hypothesis takes what it finds unchanged for shrunk already.
    """

    def __init__(self, numbers: tuple[int, ...]) -> None:
        super().__init__()
        self._entry = choices_to_bytes((*numbers, 0))

    def fetch(self, key: bytes) -> Iterable[bytes]:
        yield self._entry

    def save(self, key: bytes, value: bytes) -> None:
        """Forget `value`: the hunt remembers it."""

    def delete(self, key: bytes, value: bytes) -> None:
        """Nothing is ever dropped."""


def _report(
    hunt: _Hunt, seed: int, stopped: str, problem: Problem | None = None, trace: Trace | None = None,
    lengths: tuple[int, ...] = (), shortest: bool = False,
) -> FuzzReport:  # fmt: skip
    verdict = Verdict.INCONCLUSIVE if problem is None else Verdict.VIOLATED
    return FuzzReport(
        hunt.atlas.model, seed, verdict, hunt.examples, hunt.attempts, hunt.steps, hunt.atlas.states, hunt.elapsed,
        problem, trace, lengths, shortest, stopped, hunt.atlas.coverage,
    )  # fmt: skip
