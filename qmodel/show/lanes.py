"""A trace for a reader: a lane per thread, one step a line, only what changed, the C function beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..compose.model import Model
from ..compose.step import Cells, Step
from ..compose.trace import Trace
from ..spec.records import fields_of, origin_of


@dataclass(frozen=True)
class Line:
    """One step: its number, thread, what it did, in which C function, and what it changed."""

    number: int
    thread: int
    step: str
    function: str
    changes: tuple[str, ...]
    error: str = ""


def lines(model: Model, trace: Trace) -> Iterator[Line]:
    """The steps of `trace`, replayed."""
    for number, (before, step) in enumerate(trace.replay(model), 1):
        kind, _ = model.layout.pcs[model.pc(before, step.choice.thread) - 1]
        origin = origin_of(kind)
        labels = f"({', '.join(step.labels)})" if step.labels else ""
        spurious = "" if step.reliable else " [spurious]" if step.arrow.waits is not None else " [timeout]"
        yield Line(
            number,
            step.choice.thread,
            step.choice.arrow + labels + spurious,
            origin.symbol if origin else f"{kind.__name__} *",
            tuple(changes(model, before, step)),
            f"{step.error.kind}: {step.error.message}" if step.error else "",
        )


def changes(model: Model, before: Cells, step: Step) -> Iterator[str]:
    """What `step` changed in the objects of the model, as "pool.cur_threads 0 -> 1"."""
    after = step.state
    if after is None:
        return
    for kind, objects in model.layout.objects.items():
        for name, base in zip(objects.names, objects.bases, strict=True):
            if before[base] != after[base]:
                yield f"{name} allocated" if after[base] else f"{name} freed"
            if not after[base]:
                continue
            places = [objects.state_field] if objects.state_field else []
            for field in [*places, *(vars(objects.bound)[f.name] for f in fields_of(kind))]:
                slot = base + field.offset
                if field.width and before[slot : slot + field.width] != after[slot : slot + field.width]:
                    old = field.text(model.store, list(before), slot)
                    new = field.text(model.store, list(after), slot)
                    yield f"{name}.{field.name} {old} -> {new}" if before[base] else f"{name}.{field.name} = {new}"


def text(model: Model, trace: Trace) -> str:
    """The lanes of `trace` as plain text."""
    rows = list(lines(model, trace))
    names = model.layout.thread_names
    widths = [max([len(name), *(len(r.step) for r in rows if r.thread == t)]) for t, name in enumerate(names)]
    function = max([len("function"), *(len(row.function) for row in rows)])
    gutter = len(str(len(rows)))
    head = "  ".join(name.ljust(width) for name, width in zip(names, widths, strict=True))
    shown = [f"{'#':>{gutter}}  {head}  {'function'.ljust(function)}  what changed"]
    for index, row in enumerate(rows):
        if index == trace.loop:
            shown.append(f"-- loop: {_span(trace.loop + 1, len(rows))} for ever --")
        cells = [(row.step if t == row.thread else "").ljust(width) for t, width in enumerate(widths)]
        said = row.error or ", ".join(row.changes)
        shown.append(f"{row.number:>{gutter}}  {'  '.join(cells)}  {row.function.ljust(function)}  {said}".rstrip())
    if trace.loop is not None:
        looping = trace.loop < len(rows)
        shown.append(f"-- back to step {trace.loop + 1} --" if looping else "-- and there it stays for ever --")
    return "\n".join(shown)


def _span(first: int, last: int) -> str:
    return f"steps {first}-{last} repeat" if last > first else f"step {first} repeats"
