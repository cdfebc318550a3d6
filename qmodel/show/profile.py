"""Where a search went, for a reader: a few tables; and the same as a JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from ..compose.profile import (
    SITUATION,
    ClaimCost,
    Growth,
    Point,
    Profile,
    Saving,
    StepCost,
    VariableCost,
)

MOST, MOST_FIELDS = 15, 10
"""Rows of a table, and fields of a variable, that a reader is shown."""

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Section:
    """A table.

    Attributes:
        says: what the columns mean, in a sentence or two.
        columns: their names; one that ends in ">" holds numbers, and stands to the right.
        more: about rows that are left out, or "".
    """

    title: str
    says: str
    columns: Cells
    rows: tuple[Cells, ...]
    more: str = ""


def document(profile: Profile) -> dict[str, Any]:
    """The profile as JSON-ready data, by the names of its attributes."""
    return asdict(profile, dict_factory=lambda items: {k: round(v, 4) if type(v) is float else v for k, v in items})


def headline(profile: Profile) -> str:
    """The sums."""
    return (
        f"Where did it go?  {profile.states:,} states and {profile.transitions:,} transitions in "
        f"{profile.seconds:.1f} s; {profile.lessons:,} lessons in Python taught {profile.situations:,} situations; "
        f"a state has {profile.bits} bits in {profile.words} {'word' if profile.words == 1 else 'words'}"
    )


def sections(profile: Profile, most: int = MOST) -> list[Section]:
    """Its tables, each with the `most` dearest rows."""
    ghosts = [saving for saving in profile.savings if saving.kind != "field"]
    fields = [saving for saving in profile.savings if saving.kind == "field"]
    changing = [variable for variable in profile.variables if variable.values > 1]
    found = [
        _section(STEPS, map(_step, profile.steps), most),
        _section(VARIABLES, map(_variable, changing), most, len(profile.variables) - len(changing)),
        _section(CLAIMS, (_claim(cost, _taken(profile)) for cost in profile.claims), most),
        _section(GHOSTS, map(_saving, ghosts), most),
        _section(FIELDS, map(_saving, fields), most),
        _growth(profile),
    ]
    return [section for section in found if section.rows]


def _section(empty: Section, rows: Iterator[Cells], most: int, constant: int = 0) -> Section:
    """`empty` with the first rows; `constant` of those that are not there never change."""
    every = list(rows)
    more = [f"... and {len(every) - most} more"] if len(every) > most else []
    more += [f"{constant} never changed"] if constant else []
    return Section(empty.title, empty.says, empty.columns, tuple(every[:most]), "; ".join(more))


STEPS = Section(
    "Steps",
    "taken: transitions.  situations: different things that a thread can see when it takes the step.  "
    "lessons, nodes: runs of Python and tree nodes for the places where it starts; the steps of one place share them.  "
    f"cost: share of transitions and situations, one of which takes as long as {SITUATION:,} transitions.",
    ("step", "function", "taken>", "situations>", "lessons>", "nodes>", "cost>"),
    (),
)
VARIABLES = Section(
    "Variables",
    "values: different ones that it took.  steps, claims: nodes of their trees that look at it.  "
    "fields: what it consists of, with the values of each.",
    ("variable", "values>", "bits>", "steps>", "claims>", "fields"),
    (),
)
CLAIMS = Section(
    "Claims",
    "lessons: runs of its Python.  nodes: of its tree.  judged after: steps that can change what it looks at, and how "
    "often these were taken.",
    ("claim", "kind", "lessons>", "nodes>", "judged after>", "transitions>"),
    (),
)
GHOSTS = Section(
    "What ghosts cost",
    "states left: of those that were reached, if they did not have the variable.  factor: how many times fewer.",
    ("variable", "kind", "in", "states left>", "factor>"),
    (),
)
FIELDS = Section("What fields cost", "The same for fields, if the rest went on as it does.", GHOSTS.columns, ())


def _step(cost: StepCost) -> Cells:
    counts = (cost.taken, cost.situations, cost.lessons, cost.nodes)
    return cost.step, cost.function, *(f"{count:,}" for count in counts), f"{cost.share:.1%}"


def _variable(cost: VariableCost) -> Cells:
    fields = [f"{field.name} {field.values:,}" for field in cost.fields if field.values > 1]
    more = [f"and {len(fields) - MOST_FIELDS} more"] if len(fields) > MOST_FIELDS else []
    counts = (cost.values, cost.bits, cost.step_nodes, cost.claim_nodes)
    return cost.name, *(f"{count:,}" for count in counts), ", ".join(fields[:MOST_FIELDS] + more)


def _taken(profile: Profile) -> int:
    """How many different steps were taken."""
    return sum(step.taken > 0 for step in profile.steps)


def _claim(cost: ClaimCost, steps: int) -> Cells:
    if cost.kind == "at rest":
        return cost.name, cost.kind, f"{cost.lessons:,}", "", "", ""
    judged = f"{cost.steps} of {steps}"
    return cost.name, cost.kind, f"{cost.lessons:,}", f"{cost.nodes:,}", judged, f"{cost.transitions:,}"


def _saving(saving: Saving) -> Cells:
    kind = saving.kind if saving.kind != "all" else ""
    return saving.name, kind, " ".join(saving.objects), f"{saving.left:,}", f"x {saving.factor:.2f}"


# -- growth ----------------------------------------------------------------------------------------


def _growth(profile: Profile) -> Section:
    budget = profile.budget
    return Section(
        "Growth",
        "~ marks an estimate, by the method beside it; seconds and memory go with the states.  "
        f"Other scopes were searched up to {budget.states:,} states each, {budget.seconds:g} s together.",
        ("parameter", "value>", "states>", "ratio>", "seconds>", "memory>", ""),
        tuple(row for grown in profile.growth for row in _grown(grown)),
    )


def _grown(grown: Growth) -> Iterator[Cells]:
    names = iter([grown.parameter])
    for before, point in pairwise([None, *grown.points]):
        assert point is not None
        yield next(names, ""), *_point(before, point)
    guess = grown.estimate
    if guess is not None:
        memory = f"~ {guess.memory / (1 << 20):,.0f} MiB"
        yield "", str(guess.value), f"~ {guess.states:,}", "", f"~ {guess.seconds:,.1f}", memory, guess.method
    if grown.missing:
        yield "", "", "", "", "", "", grown.missing


def _point(before: Point | None, point: Point) -> Cells:
    ratio = f"x {point.states / before.states:.2f}" if before and not before.stopped and not point.stopped else ""
    stopped = f"not complete: {point.stopped}" if point.stopped else ""
    return str(point.value), f"{point.states:,}", ratio, f"{point.seconds:.1f}", "", stopped


def rendered(section: Section) -> Any:
    """A section for a rich console."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, expand=False)
    for column in section.columns:
        number = column.endswith(">")
        table.add_column(column.rstrip(">"), justify="right" if number else "left", overflow="fold", no_wrap=number)
    for row in section.rows:
        table.add_row(*map(Text, row))
    below = [Text(section.more, style="dim")] if section.more else []
    return Group(Text(f"\n{section.title}", style="bold"), Text(section.says, style="dim"), table, *below)
