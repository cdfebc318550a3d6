"""Sheets and graphs as tables for a terminal, 100 columns wide or more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from .dot import SIGNS
from .graph import Change, Edge, Kind, MachineGraph, Node
from .sheet import MachineSheet, SystemSheet
from .wrap import wrapped

_COLUMNS = {
    "guard": (Kind.OVER, Kind.GUARD),
    "lock": (Kind.LOCK,),
    "primitive, call, trace event": (Kind.BLOCKS, Kind.EXTERNAL, Kind.FENCE, Kind.CALLS, Kind.TRACE),
}
_CELL_WIDTH = 32


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], fixed: Sequence[str] = ()) -> Table:
    """A plain table without the columns that are empty in every row; `fixed` columns do not wrap."""
    rows = list(rows)
    kept = [i for i in range(len(columns)) if any(row[i] for row in rows)]
    found = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for i in kept:
        found.add_column(columns[i], overflow="fold", no_wrap=columns[i] in fixed)
    for row in rows:
        found.add_row(*(Text(row[i]) for i in kept))
    return found


def system_text(sheet: SystemSheet, *, brief: bool = False) -> Iterator[RenderableType]:
    """A system: everything, or only the named machine's part of it."""
    yield _heading(sheet.address, sheet.says)
    if not brief:
        yield from _section("Scope", ("parameter", "default", "range", "meaning"), (
            (row.name, str(row.value), _range(row.at_least, row.at_most), row.says) for row in sheet.scope
        ))  # fmt: skip
        yield from _section(
            "Properties", ("name", "kind", "claim"), ((row.name, row.kind, row.says) for row in sheet.properties)
        )
        yield from _section("Versions", ("address", "what it is", "replaces"), (
            (row.address, row.says, ", ".join(row.replaces)) for row in sheet.versions
        ))  # fmt: skip
        yield from _section(
            "Function pointers", ("pointer", "may hold"), ((name, ", ".join(held)) for name, held in sheet.pointers)
        )
    for machine in sheet.machines:
        yield from machine_text(machine)


def _range(at_least: int, at_most: int | None) -> str:
    return f"{at_least}.." + ("" if at_most is None else str(at_most))


def _heading(name: str, says: str) -> Text:
    return Text.assemble((name, "bold underline"), f"  {says}" if says else "")


def _section(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[RenderableType]:
    rows = list(rows)
    if rows:
        yield Text(f"\n{title}", style="bold cyan")
        yield table(columns, rows, fixed=columns[:1])


# -- one machine -----------------------------------------------------------------------------------


def machine_text(machine: MachineSheet) -> Iterator[RenderableType]:
    """States, arrows, guards and fields of one machine."""
    yield Text("")
    yield _heading(machine.name, f"{machine.kind}: {machine.says}")
    for note in machine.not_modelled:
        yield Text(f"Not modelled: {note}", style="yellow")
    if machine.graph is not None:
        yield from _section("States", ("state", "marks", "what is true"), map(_state_row, machine.graph.nodes))
        yield from _section("Arrows", ("arrow", "from -> to", *_COLUMNS), arrow_rows(machine.graph.edges))
        yield from _section("Guards", ("guard", "in Python"), guard_rows(machine.graph.edges))
    yield from _section("Fields", ("field", "type", "holds", "protected by"), (
        (row.name, row.kind, row.holds, row.protected) for row in machine.fields
    ))  # fmt: skip


def _state_row(node: Node) -> tuple[str, str, str]:
    marks = {"initial": node.initial, "final": node.final, "may rest": node.quiescent, "any arrow": node.choice}
    return node.name, ", ".join(mark for mark, marked in marks.items() if marked), node.doc


def arrow_rows(edges: Iterable[Edge]) -> list[tuple[str, ...]]:
    """One row an arrow; its sources together."""
    joined: dict[tuple[str, str], list[Edge]] = {}
    for edge in edges:
        joined.setdefault((edge.name, edge.target), []).append(edge)
    return [
        (
            name,
            f"{' | '.join(e.source for e in same)} -> {target}",
            *(_cell(same[0], kinds) for kinds in _COLUMNS.values()),
        )
        for (name, target), same in joined.items()
    ]


def guard_rows(edges: Iterable[Edge]) -> list[tuple[str, str]]:
    """What each guard, and each function that lists candidates, says."""
    found: dict[str, str] = {}
    for edge in edges:
        for text in edge.texts(Kind.GUARD, Kind.OVER):
            name = text.split()[-1]
            lines = [line.removeprefix(f"{name}: ") for line in edge.code if line.startswith(f"{name}: ")]
            found[name] = "\n".join(line.removeprefix("return ") for line in lines)
    return [(name, says) for name, says in found.items() if says]


def _cell(edge: Edge, kinds: tuple[Kind, ...]) -> str:
    return "\n".join(line for text in edge.texts(*kinds) for line in wrapped(text, _CELL_WIDTH))


# -- two versions ----------------------------------------------------------------------------------


def difference_text(graph: MachineGraph) -> Iterator[RenderableType]:
    """What differs between two versions of a machine, all lines of it."""
    yield Text("")
    yield _heading(graph.name, graph.origin)
    rows = [(SIGNS[node.change].strip(), node.name, "state", node.doc) for node in graph.nodes if node.change in SIGNS]
    rows += [
        (
            SIGNS[edge.change].strip(),
            edge.name,
            f"{edge.source} -> {edge.target}",
            "\n".join(f.text for f in edge.facts),
        )
        for edge in graph.edges
        if edge.change in SIGNS
    ]
    yield table(("", "name", "from -> to", "what"), rows, fixed=("", "name"))
    kept = sum(edge.change is Change.KEPT for edge in graph.edges)
    yield Text(f"{kept} arrows kept", style="dim")


def field_difference(old: MachineSheet, new: MachineSheet) -> Iterator[RenderableType]:
    """The fields that only one of two versions of a record has, or that they declare differently."""
    rows = [("-", *_field(row)) for row in old.fields if row not in new.fields]
    rows += [("+", *_field(row)) for row in new.fields if row not in old.fields]
    if rows:
        yield Text("")
        yield _heading(f"{old.name} -> {new.name}", "fields")
        yield table(("", "field", "type", "holds", "protected by"), rows, fixed=("", "field"))


def _field(row: object) -> tuple[str, ...]:
    return tuple(vars(row).values())
