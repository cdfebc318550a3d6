"""Where a search went: what each step, variable, claim and scope parameter cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StepCost:
    """One step of one process, over all threads.

    Attributes:
        step: `Process.step`, or `Process (blocked)` for what was learned about its threads when they cannot move.
        function: the C function; empty for the environment.
        taken: transitions.
        situations: packed situations, each one walk down a tree, in which it is possible.
        lessons: how often the Python of the places where it starts was run; the steps of one place share them.
        nodes: tree nodes behind those places; shared likewise.
        share: of the cost of all steps, 0..1: transitions, and situations at `SITUATION` transitions each.
    """

    step: str
    function: str
    taken: int
    situations: int
    lessons: int
    nodes: int
    share: float


SITUATION = 2000
"""A situation costs as much as so many transitions: about 0.5 ms of Python, against 0.3 us of the compiled loops."""


@dataclass(frozen=True)
class FieldValues:
    """How many different values a field took."""

    name: str
    values: int


@dataclass(frozen=True)
class VariableCost:
    """One variable of the packed state: a field, an object of a pool, or the stack of a thread.

    Attributes:
        values: different ones that it took.
        bits: what it takes to tell them apart.
        step_nodes, claim_nodes: tree nodes that look at it, of steps and of claims.
        fields: what it consists of, largest first, if it is more than one field.
    """

    name: str
    values: int
    bits: int
    step_nodes: int
    claim_nodes: int
    fields: tuple[FieldValues, ...]


@dataclass(frozen=True)
class ClaimCost:
    """One property that was learned.

    Attributes:
        kind: "always", "never" or "at rest".
        lessons: how often its Python was run.
        nodes: of its tree; none for one that is judged at rest, which is not done by a tree of the native loops.
        steps: how many of the steps that were taken can change what it looks at; a new state is judged after those.
        transitions: how often these were taken.
    """

    name: str
    kind: str
    lessons: int
    nodes: int
    steps: int
    transitions: int


@dataclass(frozen=True)
class Saving:
    """What a variable costs that is not there: the states that differ in nothing but it become one.

    Attributes:
        kind: "ghost", "exactly once" (the memory of such a property), "field", or "all" (every ghost at once).
        objects: the objects or threads that have it.
        left: states without it.
        factor: states with it, for each of these.
    """

    name: str
    kind: str
    objects: tuple[str, ...]
    left: int
    factor: float


@dataclass(frozen=True)
class Point:
    """A search with another value of a scope parameter; `stopped` says why it is not complete, or ""."""

    value: int
    states: int
    seconds: float
    stopped: str


@dataclass(frozen=True)
class Estimate:
    """A guess, not a measurement; `method` says how.  `memory` is in bytes."""

    value: int
    states: int
    seconds: float
    memory: int
    method: str


@dataclass(frozen=True)
class Growth:
    """The states over one scope parameter, smallest value first, the others being as they are.

    Attributes:
        missing: why smaller values were not searched, or "".
        estimate: for the value after the last complete one; None if it is not allowed or there are too few points.
    """

    parameter: str
    points: tuple[Point, ...]
    missing: str
    estimate: Estimate | None


@dataclass(frozen=True)
class Budget:
    """What the searches for the growth may use: states each, seconds together."""

    states: int
    seconds: float


@dataclass(frozen=True)
class Profile:
    """All of it.

    Attributes:
        seconds: of the search; lessons, situations: how often Python was run for steps, and what that taught.
        bits: that tell the values of all variables apart; words: 64-bit words that a state takes.
    """

    states: int
    transitions: int
    seconds: float
    lessons: int
    situations: int
    bits: int
    words: int
    steps: tuple[StepCost, ...]
    variables: tuple[VariableCost, ...]
    claims: tuple[ClaimCost, ...]
    savings: tuple[Saving, ...]
    growth: tuple[Growth, ...]
    budget: Budget
