"""Pointers to what was freed: they dangle from then on, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..spec.containers import Set
from ..spec.fields import Field
from .layout import Layout, poison_places


def sets_of(layout: Layout, kind: type, cells: list[int]) -> Iterator[tuple[int, Field[Any]]]:
    """Slots of the sets of pointers to objects of `kind`, and their fields; stacks are read if one can be there."""
    for objects in layout.objects.values():
        for field in _sets(objects.pointers, kind):
            yield from ((base + field.offset, field) for base in objects.bases)
    local = {process: _sets(code.pointers, kind) for process, code in layout.processes.items()}
    for places in layout.stacks if any(local.values()) else ():
        for base in places[1 : 1 + cells[places[0]]]:
            process, _ = layout.pcs[cells[base] - 1]
            yield from ((base + field.offset, field) for field in local[process])


def _sets(pointers: tuple[Field[Any], ...], kind: type) -> list[Field[Any]]:
    return [field for field in pointers if isinstance(field, Set) and field.target is kind]


class Freed:
    """An object that a step frees, and the places where a pointer to it may stand.

    Attributes:
        kind, index: the object.
        in_objects: slot -> (the pointer to the object, the dangling pointer), for fields of objects.
        in_frames: process -> the same by offset in its frame, for locals.
    """

    def __init__(self, layout: Layout, kind: type, index: int, number: int) -> None:
        self.kind, self.index = kind, index
        self._layout = layout
        self.in_objects: dict[int, tuple[int, int]] = {}
        for objects in layout.objects.values():
            found = _pointing(objects.pointers, kind, index, number)
            self.in_objects.update((base + place, change) for base in objects.bases for place, change in found.items())
        self.in_frames = {p: _pointing(c.pointers, kind, index, number) for p, c in layout.processes.items()}

    def poison(self, cells: list[int]) -> None:
        """Let every pointer to the object dangle.  Dead objects and frames are all zero, and hold none."""
        for slot, (pointer, dangling) in self.in_objects.items():
            if cells[slot] == pointer:
                cells[slot] = dangling
        for thread in range(self._layout.thread_count):
            self.poison_stack(cells, thread)

    def poison_stack(self, cells: list[int], thread: int) -> None:
        """The same for the locals of one thread."""
        places = self._layout.stacks[thread]
        for base in places[1 : 1 + cells[places[0]]]:
            kind, _ = self._layout.pcs[cells[base] - 1]
            for offset, (pointer, dangling) in self.in_frames[kind].items():
                if cells[base + offset] == pointer:
                    cells[base + offset] = dangling


def _target(field: Field[Any]) -> Any:
    return field.target


def _pointing(fields: tuple[Field[Any], ...], kind: type, index: int, number: int) -> dict[int, tuple[int, int]]:
    return {
        place: (1 + (index if _target(field) is kind else number), field.domain)
        for field in fields
        if _target(field) is kind or _target(field) is object
        for place in poison_places(field)
    }
