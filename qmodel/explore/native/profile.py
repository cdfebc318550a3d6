"""What a finished search knows about its own cost: figures of steps, variables and claims, read off its tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compose.layout import Layout
from ...compose.profile import (
    SITUATION,
    Budget,
    ClaimCost,
    FieldValues,
    Growth,
    Profile,
    StepCost,
    VariableCost,
)
from ...compose.properties import Property
from ...compose.result import Result
from ...compose.step import Cells
from ...compose.variables import bound_fields, frames
from ...spec.records import origin_of
from .components import Component
from .engine import Engine
from .projection import savings

StepKey = tuple[type, str]
"""A process and the name of one of its arrows; without a name, its threads where they cannot move."""


# -- steps -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Learned:
    """A situation: where its thread stands, how often it was passed, and the steps that are possible in it."""

    pc: int
    passed: int
    steps: tuple[StepKey, ...]

    @property
    def cost(self) -> float:
        """In transitions; the steps of a situation share what learning it cost."""
        return SITUATION / max(len(set(self.steps)), 1)


def passed(engine: Engine) -> NDArray[np.int64]:
    """int64[leaves]: how often the search passed each leaf, since it was resumed; leaf 0 is "unknown"."""
    found = np.zeros(len(engine.tables.leaves) + 1, dtype=np.int64)
    for worker in engine.workers:
        counted = worker.taken[: len(found), 0]
        found[: len(counted)] += counted
    return found


def _learned(engine: Engine) -> Iterator[_Learned]:
    """Every situation, of threads that are running and of others."""
    pcs = engine.model.layout.pcs
    for situation, count in zip(engine.tables.leaves, passed(engine)[1:].tolist(), strict=True):
        pc = engine.situations.pc(situation.thread, situation.path)
        steps = tuple((pcs[pc - 1][0], outcome.step.choice.arrow) for outcome in situation.outcomes)
        yield _Learned(pc, count, steps)


def _by_step(engine: Engine) -> dict[StepKey, list[_Learned]]:
    """The situations in which each step is possible, and those in which a running thread cannot move."""
    found: dict[StepKey, list[_Learned]] = {}
    for learned in _learned(engine):
        if learned.pc:
            process, _ = engine.model.layout.pcs[learned.pc - 1]
            for step in dict.fromkeys(learned.steps or [(process, "")]):
                found.setdefault(step, []).append(learned)
    return found


def step_costs(engine: Engine, taken: Counter[StepKey]) -> tuple[StepCost, ...]:
    """Every step that is possible somewhere, dearest first; `taken` is how often each was."""
    lessons, nodes = engine.learned.lessons_at, nodes_at(engine)
    by_step = {step: list[_Learned]() for step in taken} | _by_step(engine)
    costs = {step: taken[step] + sum(learned.cost for learned in found) for step, found in by_step.items()}
    rows = []
    for step, found in by_step.items():
        (process, arrow), places = step, {learned.pc for learned in found}
        origin = origin_of(process)
        rows.append(
            StepCost(
                f"{process.__name__}.{arrow}" if arrow else f"{process.__name__} (blocked)",
                origin.symbol if origin else "",
                taken[step],
                len(found),
                sum(lessons[pc] for pc in places),
                sum(nodes[pc] for pc in places),
                costs[step] / sum(costs.values()),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.share, row.step)))


def nodes_at(engine: Engine) -> Counter[int]:
    """How many tree nodes there are behind each location (index + 1 into `Layout.pcs`), of all threads."""
    steps, found = engine.tables.steps, Counter[int]()
    for node in range(1, len(steps.parts)):
        (thread, path), _ = steps.named(node)
        if path:  # else it looks at the stack, to tell the locations apart
            found[engine.situations.pc(thread, path)] += 1
    return found


# -- variables -------------------------------------------------------------------------------------


def variable_costs(engine: Engine) -> tuple[VariableCost, ...]:
    """Every component of the packed state, the one with most values first."""
    components, layout = engine.situations.components, engine.model.layout
    steps, claims = (Counter(forest.parts.tolist()) for forest in (engine.tables.steps, engine.tables.claims))
    threads = {part: thread for thread, part in enumerate(components.of_thread)}
    rows = []
    for number, part in enumerate(components.parts):
        thread = threads.get(number)
        fields = _values_in_object(layout, part) if thread is None else _values_on_stack(layout, part, thread)
        rows.append(
            VariableCost(part.name, len(part.values), part.bits, steps[number], claims[number], _most_first(fields))
        )
    return tuple(sorted(rows, key=lambda row: -row.values))


Values = dict[str, set[Cells]]


def _most_first(fields: Values) -> tuple[FieldValues, ...]:
    found = [FieldValues(name, len(values)) for name, values in fields.items()]
    return tuple(sorted(found, key=lambda field: -field.values)) if len(found) > 1 else ()


def _values_in_object(layout: Layout, part: Component) -> Values:
    """By the name of a field within the object, the different values of its slots."""
    places: dict[str, list[int]] = {}
    for place, slot in enumerate(part.slots):
        places.setdefault(layout.slots[slot].name.partition("[")[0], []).append(place)
    return {
        name.removeprefix(f"{part.name}."): {tuple([value[place] for place in where]) for value in part.values}
        for name, where in places.items()
    }


def _values_on_stack(layout: Layout, part: Component, thread: int) -> Values:
    """The same for the locals of each process, whatever the depth; first, where the whole stack stands."""
    found: Values = {"locations": set()}
    for value in part.values:
        calls = list(frames(layout, thread, value))
        found["locations"].add(tuple(value[base] for base, _ in calls))
        for base, process in calls:
            for field in bound_fields(layout.processes[process].bound):
                start = base + field.offset
                name = f"{process.__name__}.{field.name}"
                found.setdefault(name, set()).add(value[start : start + field.width])
    return found


# -- claims ----------------------------------------------------------------------------------------


def claim_costs(engine: Engine) -> tuple[ClaimCost, ...]:
    """Every property that was learned, the one with most lessons first."""
    judge, changing = engine.judge, _changing(engine)
    about_states = [claim for claim in judge.properties if claim.kind in ("always", "never")]
    about_rest = [claim for claim in judge.properties if claim.kind == "at rest"]
    rows = [
        _claim_cost(engine, number, claim, learned.lessons, changing)
        for number, (claim, learned) in enumerate(zip(about_states, judge.claims, strict=True))
    ]
    rows += [
        ClaimCost(claim.name, claim.kind, learned.lessons, 0, 0, 0)
        for claim, learned in zip(about_rest, judge.at_rest, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.lessons, -row.nodes)))


def _claim_cost(engine: Engine, number: int, claim: Property, lessons: int, changing: Changing) -> ClaimCost:
    concerned = [(step, count) for step, count, claims in changing if claims >> number & 1]
    return ClaimCost(
        claim.name,
        claim.kind,
        lessons,
        len(engine.tables.claims.below(number)),
        len({step for step, _ in concerned}),
        sum(count for _, count in concerned),
    )


Changing = list[tuple[StepKey, int, int]]
"""For each outcome that happened: its step, how often, and the claims (bits) by which its result is judged."""


def _changing(engine: Engine) -> Changing:
    claims = engine.tables.program().outcomes[:, 3].tolist()
    steps = ((step, learned.passed) for learned in _learned(engine) for step in learned.steps)
    return [(*found, bits) for found, bits in zip(steps, claims, strict=False) if found[1]]


# -- all of it -------------------------------------------------------------------------------------


def profile_of(engine: Engine, found: Result, every_field: bool, grown: tuple[Growth, ...], budget: Budget) -> Profile:
    """The profile of a search that is over, `found` being its result."""
    parts = engine.situations.components.parts
    return Profile(
        states=found.states,
        transitions=found.transitions,
        seconds=found.seconds,
        lessons=engine.learned.lessons,
        situations=len(engine.tables.leaves),
        bits=sum(part.bits for part in parts),
        words=engine.tables.packing.words,
        steps=step_costs(engine, found.coverage.steps),
        variables=variable_costs(engine),
        claims=claim_costs(engine),
        savings=savings(engine, every_field),
        growth=grown,
        budget=budget,
    )


def bytes_a_state(engine: Engine) -> int:
    """Of memory: its words, and an entry of 4 bytes in a table that is half full."""
    return 8 * engine.tables.packing.words + 8
