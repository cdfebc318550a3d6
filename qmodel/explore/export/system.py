"""The closed system that a finished native search has learned: components with numbers, threads with places.

Nothing but numbers is left: a state is one number a component, a step is some numbers that must be there and some that
it leaves.  A thread's own stack is where it stands, a *place*, so that another checker looks only at the steps of that
place.  Mostly a place is one number of the stack; where other threads change that number (a spawn, a pointer in a
local that a `free` leaves dangling), the numbers that become each other share a place, and a variable tells them apart:
places and variables together are then in bijection with our states, whatever the threads do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

from ...compose.model import Model
from ...compose.properties import Property
from ...compose.step import Cells, Step
from ...spec.fields import Field
from ..learn import Reads, WatchedCells
from ..native.components import Component, Components
from ..native.engine import Engine
from ..native.forest import HOLDS
from ..native.situations import Outcome, Path, Situation
from .decision import Decision, Formula, Reducer, any_of


@dataclass(frozen=True)
class Image:
    """What a `free` does to a component: `changes` are pairs of a number and what it becomes."""

    part: int
    changes: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Option:
    """One step out of a place.

    Attributes:
        before, after: the number of the thread's stack.
        needs: other components and the numbers that they must have.
        images: changes that depend on what is there, in order; `writes`: those that do not, with the own stack.
        says: the step, as a trace shows it; error: what it breaks, "" for most.
    """

    before: int
    after: int
    needs: Path
    images: tuple[Image, ...]
    writes: Path
    says: str
    error: str


@dataclass(frozen=True)
class Thread:
    """A thread: its stack component, the place of each number, and the options of each place."""

    name: str
    part: int
    places: dict[int, int]
    options: dict[int, tuple[Option, ...]]

    def codes(self, place: int) -> list[int]:
        """The numbers of the stack that share `place`."""
        return [code for code, at in self.places.items() if at == place]


@dataclass(frozen=True)
class Claim:
    """A property that every state must have; `holds` is false in states that were never met."""

    name: str
    says: str
    holds: Formula


@dataclass(frozen=True)
class ClosedSystem:
    """Everything that another checker must know.

    Attributes:
        parts: the components; start: their numbers at first.
        told: the components that someone other than the thread itself (if it is a stack) looks at or changes.
        stays: per thread, whether it has no reliable step.
        rests_well: whether a state in which every thread `stays` may be one: no deadlock, no leak, no claim broken.
        states, transitions, violated: what our search found, going on behind everything that is wrong; data races,
            which are judged by what two threads touch, do not count: nothing of that is in the numbers.
        stopped: why our search stopped early, or "".
    """

    model: Model
    parts: tuple[Component, ...]
    start: tuple[int, ...]
    threads: tuple[Thread, ...]
    told: frozenset[int]
    claims: tuple[Claim, ...]
    stays: tuple[Formula, ...]
    rests_well: Formula
    states: int
    transitions: int
    violated: bool
    stopped: str

    @property
    def judged(self) -> frozenset[int]:
        """The components that claims and the rule of rest look at."""
        formulas = [claim.holds for claim in self.claims] + [*self.stays, self.rests_well]
        return frozenset().union(*(f.parts for f in formulas if isinstance(f, Decision)))

    @property
    def kinds(self) -> list[int]:
        """component -> how many numbers it has."""
        return [len(part.values) for part in self.parts]

    def resting(self, thread: Thread) -> set[int]:
        """The numbers of the stack of `thread` in which it may stay for ever."""
        places = self.model.layout.stacks
        number = next(n for n, other in enumerate(self.threads) if other is thread)
        found = set()
        for code, value in enumerate(self.parts[thread.part].values):
            cells = [0] * self.model.width
            cells[places[number][0] : places[number][0] + len(value)] = value
            if self.model.resting(tuple(cells), number):
                found.add(code)
        return found

    def legend(self, part: int) -> list[str]:
        """What each number of a component means."""
        return [_meaning(self.model, self.parts[part], value) for value in self.parts[part].values]


def closed(engine: Engine, stopped: str) -> ClosedSystem:
    """The system that `engine` has searched, going on behind violations; `stopped` is what its search returned."""
    situations, tables = engine.situations, engine.tables
    components, model = situations.components, engine.model
    kinds = [len(part.values) for part in components.parts]
    foreign = _ForeignChanges(engine)
    threads = tuple(_thread(engine, foreign, thread) for thread in range(model.layout.thread_count))
    holds = Reducer(tables.claims, kinds, lambda leaf: leaf == HOLDS)
    stays = Reducer(
        tables.steps, kinds, lambda leaf: not any(o.step.reliable for o in tables.leaves[leaf - 1].outcomes)
    )
    return ClosedSystem(
        model=model,
        parts=tuple(components.parts),
        start=components.encode(model.initial()),
        threads=threads,
        told=frozenset(components.of_slot) - frozenset(components.of_thread) | foreign.told,
        claims=tuple(Claim(c.name, c.says, holds.entry(n)) for n, c in enumerate(_judged_always(engine))),
        stays=tuple(stays.entry(thread) for thread in range(len(threads))),
        rests_well=_rests_well(engine, kinds),
        states=engine.states.total,
        transitions=engine.transitions,
        violated=_violated(engine),
        stopped=stopped,
    )


def _violated(engine: Engine) -> bool:
    """Whether something is wrong that the closed system can tell: everything but data races."""
    if any(last is not None for _, last in engine.found):
        return True
    problems = map(engine.problem_at, dict.fromkeys(row for row, _ in engine.found))
    return any(problem is not None and problem.rule != "data race" for problem in problems)


def _judged_always(engine: Engine) -> list[Property]:
    return [claim for claim in engine.judge.properties if claim.kind in ("always", "never")]


# -- threads ---------------------------------------------------------------------------------------


class _ForeignChanges:
    """Which stacks are looked at or changed by others, and which of their numbers become which."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._stacks = frozenset(engine.situations.components.of_thread)
        self.told: frozenset[int] = frozenset()
        self.pairs: set[tuple[int, int, int]] = set()
        for situation in engine.tables.leaves:
            for outcome in situation.outcomes:
                self._note(situation, outcome)
            self._tell(part for part, _ in situation.path[1:])

    def _note(self, situation: Situation, outcome: Outcome) -> None:
        own, looked = situation.path[0][0], dict(situation.path)
        for part, code in outcome.writes:
            if part in self._stacks and part != own:
                before = [looked[part]] if part in looked else range(len(self._parts[part].values))
                self.pairs |= {(part, old, code) for old in before}
                self._tell([part])
        for image in images(self._engine, outcome):
            if image.part in self._stacks:
                self.pairs |= {(image.part, *change) for change in image.changes}
                self._tell([image.part])

    def _tell(self, parts: Iterable[int]) -> None:
        self.told |= self._stacks.intersection(parts)

    @property
    def _parts(self) -> list[Component]:
        return self._engine.situations.components.parts

    def places(self, part: int) -> dict[int, int]:
        """The place of each number of a stack: the least of those that become each other."""
        place = {code: code for code in range(len(self._parts[part].values))}
        for _, one, two in (pair for pair in sorted(self.pairs) if pair[0] == part):
            low, high = sorted((place[one], place[two]))
            place = {code: low if at == high else at for code, at in place.items()}
        return place


def images(engine: Engine, outcome: Outcome) -> tuple[Image, ...]:
    """What the frees of `outcome` change in the components that it does not look at."""
    found = []
    for free in outcome.freed:
        for part in engine.situations.pointing(free):
            changes = engine.tables.changes(free, part)
            if part not in outcome.touched and changes:
                found.append(Image(part, tuple(changes)))
    return tuple(found)


def _thread(engine: Engine, foreign: _ForeignChanges, thread: int) -> Thread:
    components = engine.situations.components
    part = components.of_thread[thread]
    places = foreign.places(part)
    options: dict[int, list[Option]] = {place: [] for place in places.values()}
    for situation in engine.tables.leaves:
        if situation.thread == thread:
            options[places[situation.path[0][1]]] += _options(engine, components, situation)
    name = engine.model.layout.thread_names[thread]
    return Thread(name, part, places, {place: tuple(found) for place, found in options.items()})


def _options(engine: Engine, components: Components, situation: Situation) -> Iterator[Option]:
    own, before = situation.path[0]
    needs = tuple((part, code) for part, code in situation.path[1:] if len(components.parts[part].values) > 1)
    for outcome in situation.outcomes:
        after = dict(outcome.writes).get(own, before)
        yield Option(
            before, after, needs, images(engine, outcome), outcome.writes,
            _said(engine.model, outcome.step), outcome.step.error.message if outcome.step.error else "",
        )  # fmt: skip


def _said(model: Model, step: Step) -> str:
    labels = f" ({', '.join(step.labels)})" if step.labels else ""
    return model.describe(step.choice) + labels + ("" if step.reliable else " [unreliable]")


# -- rest ------------------------------------------------------------------------------------------


def _rests_well(engine: Engine, kinds: list[int]) -> Formula:
    """What `Judge.rest` says of the states in which nothing moves, as a function of what it looked at there."""
    good = []
    for row in engine.rests:
        state, reads = engine.state(row), cast(Reads, {})
        if engine.judge.rest(cast(Cells, WatchedCells(state, reads))) is None:
            codes = engine.situations.components.encode(state)
            looked = dict.fromkeys(map(engine.situations.components.of_slot.__getitem__, cast(dict[int, int], reads)))
            good.append(tuple((part, codes[part]) for part in looked))
    return any_of(good, kinds)


# -- words -----------------------------------------------------------------------------------------


def _meaning(model: Model, part: Component, value: Cells) -> str:
    """The value of a component as a trace would show it."""
    cells = [0] * model.width
    for slot, cell in zip(part.slots, value, strict=True):
        cells[slot] = cell
    for thread, places in enumerate(model.layout.stacks):
        if places[0] == part.slots[0]:
            return _stack(model, thread, cells)
    fields = {id(f): (slot, f) for slot in reversed(part.slots) if (f := model.layout.slots[slot].field) is not None}
    shown = [(f.name, f.text(model.store, cells, slot)) for slot, f in reversed(fields.values())]
    if len(shown) == 1:
        return shown[0][1]
    return " ".join(f"{name}={text}" for name, text in shown) if shown else " ".join(map(str, value))


def _stack(model: Model, thread: int, cells: list[int]) -> str:
    places = model.layout.stacks[thread]
    calls = []
    for base in places[1 : 1 + cells[places[0]]]:
        kind, location = model.layout.pcs[cells[base] - 1]
        fields = [f for f in vars(model.layout.processes[kind].bound).values() if isinstance(f, Field) and f.width]
        local = [f"{f.name}={f.text(model.store, cells, base + f.offset)}" for f in fields]
        calls.append(f"{kind.__name__}.{location.name}" + (f"({', '.join(local)})" if local else ""))
    return " > ".join(calls) or "not running"
