"""Components: the parts of a state that are stored as one small number each.

A thread's whole stack, the contents of a queue, the fields of one request take few different values in a search, far
fewer than their slots could.  Each component numbers its values in the order in which they are met; a state is then a
tuple of numbers (Blom, Lisser, van de Pol, Weber, "A database approach to distributed state-space generation", 2007,
calls it collapse), and the stack of the running thread is the first thing that a step looks at.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ...compose.layout import Layout, ObjectClass
from ...compose.step import Cells
from ...spec.fields import Code, Ref, Void

Codes = tuple[int, ...]


@dataclass(eq=False)
class Component:
    """Some slots, and the numbers of their values.

    Attributes:
        codes: value -> number; values: the reverse.
    """

    name: str
    slots: tuple[int, ...]
    codes: dict[Cells, int] = field(default_factory=dict)
    values: list[Cells] = field(default_factory=list)

    def code(self, value: Cells) -> int:
        """The number of `value`, a new one if it was not met before."""
        found = self.codes.get(value)
        if found is None:
            found = self.codes[value] = len(self.values)
            self.values.append(value)
        return found

    def of(self, state: Sequence[int]) -> int:
        """The number of what `state` holds here."""
        return self.code(tuple([state[slot] for slot in self.slots]))

    @property
    def bits(self) -> int:
        """How many bits tell its values apart; none while it has one value."""
        return max(len(self.values) - 1, 0).bit_length()


class Components:
    """The components of a layout: every slot is in one of them.

    Attributes:
        parts: the components.
        of_slot: slot -> index of its component.
        place_of: slot -> its place in the values of its component.
        of_thread: thread -> index of the component that is its stack.
    """

    def __init__(self, layout: Layout) -> None:
        self.parts = [Component(name, slots) for name, slots in _split(layout)]
        self.width = len(layout.slots)
        self.of_slot, self.place_of = [0] * self.width, [0] * self.width
        for index, part in enumerate(self.parts):
            for place, slot in enumerate(part.slots):
                self.of_slot[slot], self.place_of[slot] = index, place
        order = {slot: place for place, slot in enumerate(slot for part in self.parts for slot in part.slots)}
        self._in_order = operator.itemgetter(*(order[slot] for slot in range(self.width)))
        self.of_thread = [self.of_slot[places[0]] for places in layout.stacks]

    def restore(self, values: Sequence[Sequence[Sequence[int]]]) -> None:
        """Number the values of each component as another search did."""
        for part, numbered in zip(self.parts, values, strict=True):
            part.values = [tuple(value) for value in numbered]
            part.codes = {value: code for code, value in enumerate(part.values)}

    def encode(self, state: Cells) -> Codes:
        """`state` as one number a component."""
        return tuple([part.of(state) for part in self.parts])

    def decode(self, codes: Sequence[int]) -> Cells:
        """The state that `encode` made `codes` of."""
        values = [part.values[code] for part, code in zip(self.parts, codes, strict=True)]
        return self._in_order(tuple(itertools.chain.from_iterable(values)))  # type: ignore[no-any-return]


def _split(layout: Layout) -> Iterator[tuple[str, tuple[int, ...]]]:
    for objects in layout.objects.values():
        for name, base in zip(objects.names, objects.bases, strict=True):
            yield from _split_object(layout, objects, name, base)
    for thread, places in enumerate(layout.stacks):
        end = layout.stacks[thread + 1][0] if thread + 1 < layout.thread_count else len(layout.slots)
        yield layout.thread_names[thread], tuple(range(places[0], end))


def _split_object(layout: Layout, objects: ObjectClass, name: str, base: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """An object of a pool is one component beside whether it is allocated; of others each field that changes is one."""
    end = base + objects.width
    if len(objects.bases) > objects.preallocated:
        yield f"{name}.alive", (base,)
        if end > base + 1:
            yield name, tuple(range(base + 1, end))
        return
    whole, slot = [base], base + 1
    while slot < end:
        declared = layout.slots[slot].field
        width = declared.width if declared is not None else 1
        if isinstance(declared, Ref | Void | Code) and declared.order is None and declared.guarded_by is None:
            whole += range(slot, slot + width)
        else:
            yield layout.slots[slot].name.partition("[")[0], tuple(range(slot, slot + width))
        slot += width
    yield name, tuple(whole)
