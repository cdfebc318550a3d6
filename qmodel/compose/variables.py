"""The variables of a layout by their declarations: where all the copies of one field stand in the state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..spec.fields import Field
from .layout import Layout


@dataclass(frozen=True)
class Variable:
    """A declared field, in all objects or stack frames that have it.

    Attributes:
        kind: "ghost", "exactly once" or "field".
        objects: names of the objects or threads.
        slots: where it stands in objects.
        process, offsets: where it stands in the frames of a process, if it is a local one.
    """

    name: str
    kind: str
    objects: tuple[str, ...]
    slots: frozenset[int] = frozenset()
    process: type | None = None
    offsets: range = range(0)


def variables(layout: Layout) -> list[Variable]:
    """Everything in a state but who is alive and where threads stand."""
    return [*_of_objects(layout), *_of_frames(layout)]


def _of_objects(layout: Layout) -> Iterator[Variable]:
    for kind, objects in layout.objects.items():
        for field in bound_fields(objects.bound):
            slots = frozenset(base + field.offset + i for base in objects.bases for i in range(field.width))
            yield Variable(f"{kind.__name__}.{field.name}", _kind(field), objects.names, slots)
        for claim, offset in objects.claims:
            slots = frozenset(base + offset for base in objects.bases)
            yield Variable(f"{kind.__name__}.{claim.name}", "exactly once", objects.names, slots)


def _of_frames(layout: Layout) -> Iterator[Variable]:
    for process, code in layout.processes.items():
        threads = zip(layout.thread_names, layout.reach, strict=True)
        names = tuple(name for name, reach in threads if process in reach)
        for field in bound_fields(code.bound):
            offsets = range(field.offset, field.offset + field.width)
            yield Variable(f"{process.__name__}.{field.name}", _kind(field), names, process=process, offsets=offsets)


def bound_fields(bound: Any) -> list[Field[Any]]:
    """The fields of a bound class that take room in the state."""
    return [field for field in vars(bound).values() if isinstance(field, Field) and field.width]


def _kind(field: Field[Any]) -> str:
    return "ghost" if field.ghost else "field"


def frames(layout: Layout, thread: int, stack: Sequence[int]) -> Iterator[tuple[int, type]]:
    """Where each call of a thread starts in `stack`, the values of its slots, and which process it is."""
    first, *places = layout.stacks[thread]
    for place in places[: stack[0]]:
        yield place - first, layout.pcs[stack[place - first] - 1][0]
