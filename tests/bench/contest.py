"""Who takes part: the reference explorer, the native engine, SPIN; and what one run of each tells."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import Any

from qmodel.compose.library import build
from qmodel.compose.model import Model
from qmodel.compose.properties import Property
from qmodel.explore.export import spin
from qmodel.explore.export.crosscheck import explored
from qmodel.explore.export.promela import promela
from qmodel.explore.judge import Judge
from qmodel.explore.learn import LearnedSteps
from qmodel.explore.limits import Limits
from qmodel.explore.native.engine import Engine
from qmodel.explore.options import Options
from qmodel.explore.reference import explore
from tests.bench.stopwatch import Stopwatch

SYSTEM = "thread-pool@271c0f68b4"
QMODEL = str(Path(sys.executable).with_name("qmodel"))

REFERENCE = Limits(seconds=120.0)
"""When the reference explorer gives up a run."""

REFERENCE_STATES = 2_000_000
"""Larger scopes it does not try: a state costs it a kilobyte or two."""

LONG = 10.0
"""Seconds of a search of which one run is enough."""

SPIN_SECONDS = 1800.0
"""When a phase of SPIN is given up: gcc takes ten minutes for the `pan` of the large size."""

PAN_DEPTH = 10_000
"""Steps that `pan` may go deep, so that its stack hardly counts; it says when that was too few."""

PAN_RESOLUTION = 0.5
"""Seconds that `pan` itself reports are used from here on; below, its 0.01 s are too coarse, and the process counts."""


@dataclass(frozen=True)
class Size:
    """A scope of the system, how many states it has, and how often it is measured unless somebody says."""

    name: str
    scope: dict[str, int]
    states: int
    repeat: int

    @property
    def model(self) -> Model:
        return build(SYSTEM, self.scope)

    @property
    def words(self) -> list[str]:
        """The arguments of `qmodel check`."""
        return [SYSTEM, *(word for name, value in self.scope.items() for word in ("-p", f"{name}={value}"))]


SIZES = {
    size.name: size
    for size in (
        Size("small", {}, 71_534, 3),
        Size("medium", {"requests": 3}, 976_977, 3),
        Size("large", {"requests": 4}, 9_153_369, 1),
    )
}


@dataclass(frozen=True)
class Sample:
    """What one run told; None where there is nothing to tell.

    Attributes:
        seconds: of the search, learning included; again: of the same search with everything learned.
        wall: seconds of a process, from nothing to a verdict.
        memory: bytes of packed states and tables; all that SPIN uses.
        table: bytes of the tables alone.
        phases, phases_again: where `seconds` and `again` went.
        text, generating, compiling, running: seconds of SPIN's phases, `text` being our search and export before.
        form: how SPIN's model writes a step: `d_step`, or `atomic`, which is slower, if it has too many for that.
    """

    states: int
    transitions: int
    seconds: float
    again: float | None = None
    wall: float | None = None
    memory: int | None = None
    table: int | None = None
    phases: dict[str, float] | None = None
    phases_again: dict[str, float] | None = None
    text: float | None = None
    generating: float | None = None
    compiling: float | None = None
    running: float | None = None
    form: str | None = None


Measure = Callable[[], Sample | None]


@dataclass(frozen=True)
class Contestant:
    """Somebody who searches; `measure` does it once, or returns None if it takes too long.

    Attributes:
        workers: threads that search.
        properties: whether the system's properties are judged.
    """

    who: str
    workers: int
    properties: bool
    measure: Measure

    @property
    def key(self) -> tuple[str, int, bool]:
        return self.who, self.workers, self.properties

    @property
    def title(self) -> str:
        workers = f", {self.workers} worker{'s' * (self.workers > 1)}" if self.who == "native" else ""
        return f"{self.who}{workers}{', properties' if self.properties else ''}"


def middle(samples: Sequence[Sample]) -> Sample:
    """The median of each figure, on its own."""

    def of(values: list[Any]) -> Any:
        if isinstance(values[0], dict):
            return {name: median(value[name] for value in values) for name in values[0]}
        return values[0] if None in values or isinstance(values[0], str) else median(values)

    each = {field.name: of([getattr(sample, field.name) for sample in samples]) for field in fields(Sample)}
    return replace(samples[0], **each)


def seconds_of(command: list[str], ends: int = 0, env: dict[str, str] | None = None) -> float:
    """How long a process takes that must end with the exit code `ends`; `env` is added to its environment."""
    started = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | (env or {}))
    took = time.monotonic() - started
    if done.returncode != ends:
        raise SystemExit(f"`{' '.join(command)}`: exit {done.returncode}: {done.stderr}")
    return took


# -- those who take part ---------------------------------------------------------------------------


def contestants(size: Size, stack: ExitStack, processes: bool = True) -> Iterator[Contestant]:
    """Everybody who takes part at `size`; SPIN's files stay until `stack` is closed.

    Args:
        processes: whether whole processes are measured, too.
    """
    for properties in (False, True):
        if size.states <= REFERENCE_STATES:
            yield Contestant("reference", 1, properties, _reference(size, properties, processes))
        for workers in (1, 2):
            yield Contestant("native", workers, properties, _native(size, workers, properties, processes))
    if not spin.missing():
        yield Contestant("SPIN", 1, False, _spin(size, stack))


def _claims(properties: bool) -> Sequence[Property] | None:
    """What `Judge` takes for the system's properties, and for none."""
    return None if properties else ()


def _reference(size: Size, properties: bool, processes: bool) -> Measure:
    slow = False

    def measure() -> Sample | None:
        nonlocal slow
        if slow:
            return None
        model = size.model
        learned, judge = LearnedSteps(model), Judge(model, _claims(properties))
        first = explore(model, REFERENCE, steps=learned, judge=judge)
        slow = bool(first.stopped)
        if slow:
            return None
        again = explore(model, steps=learned, judge=judge).seconds
        wall = seconds_of(_script(size, properties)) if processes else None
        return Sample(first.states, first.transitions, first.seconds, again, wall)

    return measure


def _native(size: Size, workers: int, properties: bool, processes: bool) -> Measure:
    def measure() -> Sample:
        model = size.model
        engine = Engine(model, LearnedSteps(model), Judge(model, _claims(properties)), Options(workers))
        watch = Stopwatch(engine)
        first = watch.search()
        counts = engine.states.total, engine.transitions
        engine._begin()
        again = watch.search()
        assert not engine.found
        assert counts == (engine.states.total, engine.transitions)
        memory, table = engine.states.size, engine.states.tables.nbytes
        del engine, watch
        gc.collect()
        command = _check(size, workers) if properties else _script(size, properties, workers)
        wall = seconds_of(command) if processes else None
        seconds = sum(first.values()), sum(again.values())
        return Sample(*counts, *seconds, wall, memory, table, first, again)

    return measure


def _spin(size: Size, stack: ExitStack) -> Measure:
    """SPIN compiles once, whatever the number of runs."""
    ready: list[tuple[spin.Verifier, float, str]] = []

    def prepare() -> None:
        started = time.monotonic()
        text = promela(explored(size.model, properties=()), properties=False)
        took = time.monotonic() - started
        pan = stack.enter_context(spin.verifier(text, spin.FAST, SPIN_SECONDS))
        ready.append((pan, took, "d_step" if "d_step" in text else "atomic"))

    def measure() -> Sample | None:
        try:
            if not ready:
                prepare()
        except TimeoutError:
            return None
        pan, text_took, form = ready[0]
        started = time.monotonic()
        found = pan.search([f"-w{slots_for(size.states)}", f"-m{PAN_DEPTH}"])
        running = time.monotonic() - started
        if not found.complete:
            raise SystemExit("SPIN did not complete its search")
        seconds = found.searching if found.searching >= PAN_RESOLUTION else running
        return Sample(
            found.states, found.transitions, seconds,
            wall=found.generating + found.compiling + running, memory=found.memory,
            text=text_took, generating=found.generating, compiling=found.compiling, running=running, form=form,
        )  # fmt: skip

    return measure


def slots_for(states: int) -> int:
    """The `-w` of `pan` that was measured as best: three to six slots a state, as a power of two."""
    return (3 * states).bit_length()


# -- processes -------------------------------------------------------------------------------------


def _check(size: Size, workers: int) -> list[str]:
    return [QMODEL, "check", *size.words, "--workers", str(workers)]


def _script(size: Size, properties: bool, workers: int | None = None) -> list[str]:
    """What `qmodel check` does, with a choice that its command line has not: no properties, the reference explorer."""
    claims = f"properties={_claims(properties)}, options=Options({workers})"
    search = f"search(model, {claims})" if workers else f"explore(model, judge=Judge(model, {_claims(properties)}))"
    lines = [
        "from qmodel.compose.library import build",
        "from qmodel.explore.judge import Judge",
        "from qmodel.explore.options import Options",
        "from qmodel.explore.reference import explore",
        "from qmodel.explore.search import search",
        "from qmodel.show.verdict import summary",
        f"model = build({SYSTEM!r}, {size.scope!r})",
        f"print(summary({search}))",
    ]
    return [sys.executable, "-c", "\n".join(lines)]


# -- all of them -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contest:
    """The medians of everybody at one size, None for who was too slow, in the order of the table."""

    size: Size
    repeat: int
    found: dict[Contestant, Sample | None]

    def of(self, who: str, workers: int = 1, properties: bool = False) -> Sample | None:
        """The figures of a contestant, if there are any."""
        return next((s for c, s in self.found.items() if c.key == (who, workers, properties)), None)

    @property
    def counts(self) -> set[tuple[int, int]]:
        """States and transitions that were found: one pair, if all is well."""
        return {(sample.states, sample.transitions) for sample in self.found.values() if sample}


def contest(size: Size, repeat: int, say: Callable[[str], None] = lambda text: None, processes: bool = True) -> Contest:
    """Measure everybody `repeat` times, in turns: what disturbs the machine for a while disturbs all.

    Who takes `LONG` is measured once.

    Args:
        say: is told who is being measured.
    """
    with ExitStack() as stack:
        everybody = list(contestants(size, stack, processes))
        samples: dict[Contestant, list[Sample]] = {contestant: [] for contestant in everybody}
        for turn in range(repeat):
            for contestant in everybody:
                if any(sample.seconds > LONG for sample in samples[contestant]):
                    continue
                say(f"{size.name} {turn + 1}/{repeat}: {contestant.title}")
                sample = contestant.measure()
                samples[contestant] += [sample] if sample else []
    return Contest(size, repeat, {who: middle(each) if each else None for who, each in samples.items()})
