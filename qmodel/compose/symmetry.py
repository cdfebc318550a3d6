"""Symmetry: threads of one pool and objects of one pool are interchangeable, and so are states that differ in them.

`System.threads` makes slots that steps spawn into, `System.room` those that they allocate: whichever is free, so that
no slot has a meaning of its own.  A permutation of such slots acts on a state.  Whole stacks and objects change places,
and everything that names them follows: owners of mutexes, waiters of conditions, pointers in objects and in frames.

What can follow a permuted state is what can follow the state, permuted, up to which free slot is taken; so one state of
each orbit is enough (Ip and Dill, "Better verification through symmetry", 1996).  The heap is named by how it is
reached, as in Iosif, "Symmetry reductions for model checking of concurrent dynamic software", STTT 2004.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..spec.containers import Set
from ..spec.errors import UsageError
from ..spec.fields import Field, Pointers
from ..spec.primitives import Condition, Mutex
from .layout import Layout, poison_places
from .step import Cells

MOST = 5040
"""Permutations that are worth a table."""

NOTHING = 1 << 62
"""The key of what is all zero: an unused slot comes last."""

Mapping = tuple[int, ...]
"""Where each thread, or each pooled object, goes."""


@dataclass(frozen=True)
class Permutation:
    """Where each thread goes, and each pooled object, by its number in `Symmetry.objects`."""

    threads: Mapping
    objects: Mapping

    def then(self, other: Permutation) -> Permutation:
        """This one, and `other` after it."""
        return Permutation(
            tuple([other.threads[to] for to in self.threads]), tuple([other.objects[to] for to in self.objects])
        )


@dataclass(frozen=True)
class Pooled:
    """An object that has a likeness: a slot of a pool of two or more."""

    kind: type
    index: int
    base: int
    width: int
    name: str


@dataclass(frozen=True)
class Name:
    """A slot that names one item, or none.

    Attributes:
        items: value -> the item, or -1 for null, what is freed and what never moves.
        of_threads: whether the items are threads; else they are pooled objects.
    """

    items: tuple[int, ...]
    of_threads: bool

    def named(self, value: int) -> tuple[int, ...]:
        """The items that a value names, in an order that is kept when they are renamed."""
        return (self.items[value],) if self.items[value] >= 0 else ()

    def blank(self, value: int, pools: Sequence[int]) -> int:
        """A value that is the same whichever item of a pool is named."""
        return value if self.items[value] < 0 else -1 - pools[self.items[value]]

    def renamed(self, value: int, mapping: Mapping) -> int:
        item = self.items[value]
        return value if item < 0 else self.items.index(mapping[item])


@dataclass(frozen=True)
class Names:
    """A slot that is a set of items, a bit each; it has no order, so nothing is named by standing in it."""

    items: tuple[int, ...]
    of_threads: bool

    def named(self, value: int) -> tuple[int, ...]:
        return ()

    def blank(self, value: int, pools: Sequence[int]) -> int:
        """The bits of what never moves, below those that count the members of each pool."""
        fixed = sum(1 << bit for bit, item in enumerate(self.items) if item < 0) & value
        members = [pools[item] for bit, item in enumerate(self.items) if item >= 0 and value >> bit & 1]
        return fixed + sum(1 << len(self.items) + 5 * pool for pool in members)

    def renamed(self, value: int, mapping: Mapping) -> int:
        bits = (bit for bit in range(len(self.items)) if value >> bit & 1)
        return sum(1 << (bit if (item := self.items[bit]) < 0 else self.items.index(mapping[item])) for bit in bits)


Place = Name | Names


class Symmetry:
    """The permutations of a system, what they do to a state, and a normal form.

    Args:
        order: slots of single objects, in the order in which their pointers name objects; all of them by default.

    Attributes:
        thread_pools: the threads of each pool of two or more; objects: the pooled objects; object_pools: the numbers
            of those of each pool.
        thread_mappings, object_mappings: every permutation of the threads and of the objects, in the order of
            `itertools.permutations` of the pools, the first pool slowest.
        places: slot -> what it names, for objects; frames: process -> the same by offset, for locals.

    Raises:
        UsageError: there are more permutations than a table can hold.
    """

    def __init__(self, layout: Layout, order: Iterable[int] | None = None) -> None:
        self._layout = layout
        self.thread_pools = list(_thread_pools(layout))
        self.objects: list[Pooled] = []
        self.object_pools = [self._number(pool) for pool in _object_pools(layout)]
        self.thread_pool = _pool_of(layout.thread_count, self.thread_pools)
        self.object_pool = _pool_of(len(self.objects), self.object_pools)
        self._check_size()
        self.thread_mappings = list(_mappings(layout.thread_count, self.thread_pools))
        self.object_mappings = list(_mappings(len(self.objects), self.object_pools))
        self._number_of = {(one.kind, one.index): number for number, one in enumerate(self.objects)}
        self.places: dict[int, Place] = {}
        for objects in layout.objects.values():
            found = dict(self._places(vars(objects.bound).values()))
            self.places.update((base + offset, place) for base in objects.bases for offset, place in found.items())
        self.frames = {p: dict(self._places(vars(c.bound).values())) for p, c in layout.processes.items()}
        pooled = {slot for one in self.objects for slot in range(one.base, one.base + one.width)}
        singles = range(layout.stacks[0][0]) if order is None else order
        self._singles = [slot for slot in singles if slot in self.places and slot not in pooled]
        self._unmoved = [slot for slot in range(layout.stacks[0][0]) if slot not in pooled]
        self._actions: dict[Permutation, _Action] = {}
        self._keys: dict[Cells, int] = {}

    def _number(self, pool: list[Pooled]) -> tuple[int, ...]:
        first = len(self.objects)
        self.objects += pool
        return tuple(range(first, len(self.objects)))

    def _check_size(self) -> None:
        for pools in self.thread_pools, self.object_pools:
            size = math.prod(math.factorial(len(pool)) for pool in pools)
            if size > MOST or len(self.objects) > 12:
                raise UsageError(
                    f"{self.describe()} can be permuted in {size:,} ways or more; with --symmetry at most {MOST:,} of "
                    "threads and as many of objects can be told, of 12 objects; choose a smaller scope (`-p`)"
                )

    @property
    def trivial(self) -> bool:
        """Whether nothing is interchangeable."""
        return not self.thread_pools and not self.object_pools

    def describe(self) -> str:
        """What is interchangeable, e.g. "W1 W2, E1 E2, R1 R2"."""
        pools = [[self._layout.thread_names[thread] for thread in pool] for pool in self.thread_pools]
        pools += [[self.objects[number].name for number in pool] for pool in self.object_pools]
        return ", ".join(" ".join(pool) for pool in pools)

    # -- what names what ---------------------------------------------------------------------------

    def _places(self, fields: Iterable[Any]) -> Iterator[tuple[int, Place]]:
        """The offsets of `fields` that name something which moves."""
        for field in fields:
            if isinstance(field, Mutex) and self.thread_pools:
                yield field.offset, Name((-1, *self._thread_items()), True)
            elif isinstance(field, Condition) and self.thread_pools:
                yield from ((field.offset + bit, Names(self._thread_items(), True)) for bit in range(2))
            elif isinstance(field, Pointers):
                yield from self._pointer_places(field)

    def _thread_items(self) -> tuple[int, ...]:
        pooled = {thread for pool in self.thread_pools for thread in pool}
        return tuple(thread if thread in pooled else -1 for thread in range(self._layout.thread_count))

    def _pointer_places(self, field: Field[Any]) -> Iterator[tuple[int, Place]]:
        items = self._targets(field.target)
        if all(item < 0 for item in items):
            return
        if isinstance(field, Set):
            yield field.offset, Names(items, False)
        for offset in poison_places(field):
            yield offset, Name((-1, *items, -1), False)

    def _targets(self, kind: Any) -> tuple[int, ...]:
        """For each object that a pointer to `kind` may name, in the order of the pointer's values, its number."""
        kinds = self._layout.objects if kind is object else [kind] if kind in self._layout.objects else []
        return tuple(
            self._number_of.get((one, index), -1)
            for one in kinds
            for index in range(len(self._layout.objects[one].bases))
        )

    def stack_places(self, cells: Sequence[int], thread: int) -> Iterator[tuple[int, Place]]:
        """The slots of the stack of `thread` that name something, outermost call first."""
        places = self._layout.stacks[thread]
        for base in places[1 : 1 + cells[places[0]]]:
            process, _ = self._layout.pcs[cells[base] - 1]
            yield from ((base + offset, place) for offset, place in self.frames[process].items())

    def all_places(self, cells: Sequence[int]) -> Iterator[tuple[int, Place]]:
        """Every slot of a state that names something."""
        yield from self.places.items()
        for thread in range(self._layout.thread_count):
            yield from self.stack_places(cells, thread)

    def stack(self, thread: int) -> range:
        """The slots of the stack of `thread`."""
        stacks = self._layout.stacks
        end = stacks[thread + 1][0] if thread + 1 < len(stacks) else len(self._layout.slots)
        return range(stacks[thread][0], end)

    # -- permuting ---------------------------------------------------------------------------------

    def permute(self, cells: Sequence[int], permutation: Permutation) -> Cells:
        """The state in which everything has the place, and the name, that `permutation` gives it."""
        return self._action(permutation)(cells)

    def renamed(self, cells: Sequence[int], permutation: Permutation, places: Iterable[tuple[int, Place]]) -> list[int]:
        """The same for the names alone that stand in `places`, with nothing moved."""
        return self._action(permutation).rename(cells, places)

    def _action(self, permutation: Permutation) -> _Action:
        if permutation not in self._actions:
            self._actions[permutation] = _Action(self, permutation)
        return self._actions[permutation]

    def transpositions(self) -> Iterator[tuple[Permutation, str, str]]:
        """The exchanges of two items of one pool, with their names; every permutation is made of them."""
        identity = Permutation(self.thread_mappings[0], self.object_mappings[0])
        names = self._layout.thread_names
        for one, two in _pairs(self.thread_pools):
            yield Permutation(_exchanged(identity.threads, one, two), identity.objects), names[one], names[two]
        for one, two in _pairs(self.object_pools):
            mapping = _exchanged(identity.objects, one, two)
            yield Permutation(identity.threads, mapping), self.objects[one].name, self.objects[two].name

    @property
    def generators(self) -> list[tuple[int, int]]:
        """Numbers of mappings that exchange neighbours in a pool; every permutation is made of them."""
        threads = [_exchanged(self.thread_mappings[0], *pair) for pair in _neighbours(self.thread_pools)]
        objects = [_exchanged(self.object_mappings[0], *pair) for pair in _neighbours(self.object_pools)]
        found = [(self.thread_mappings.index(mapping), 0) for mapping in threads]
        return found + [(0, self.object_mappings.index(mapping)) for mapping in objects]

    def permutations(self) -> Iterator[Permutation]:
        """All of them, the identity first."""
        for threads, objects in itertools.product(self.thread_mappings, self.object_mappings):
            yield Permutation(threads, objects)

    def same_orbit(self, one: Cells, two: Cells) -> bool:
        """Whether some permutation leads from one state to the other."""
        return any(self.permute(one, permutation) == two for permutation in self.permutations())

    # -- the normal form ---------------------------------------------------------------------------

    def normal_form(self, cells: Cells) -> Cells:
        """One state of the orbit of `cells`: often, though not always, the same for the whole orbit."""
        return self.permute(cells, self.normalising(cells))

    def normalising(self, cells: Cells) -> Permutation:
        """The permutation that leads from `cells` to its normal form.

        Threads of a pool are ordered by the key of their stacks.  Objects are named in the order in which they are
        met: on the other stacks, on those of the pools in their new order, in single objects, and in the objects that
        were met, in turn; then come those that nobody points to, by their contents.
        """
        order = [sorted(pool, key=lambda thread: self.stack_key(cells, thread)) for pool in self.thread_pools]
        met = self._met(cells, [thread for pool in order for thread in pool])
        named = [sorted(pool, key=lambda one: self._rank(cells, one, met)) for pool in self.object_pools]
        return Permutation(
            _mapping(self._layout.thread_count, self.thread_pools, order),
            _mapping(len(self.objects), self.object_pools, named),
        )

    def shape(self, cells: Cells) -> tuple[object, ...]:
        """The same for all states of an orbit, and often for no other."""
        stacks = [sorted(self.stack_key(cells, thread) for thread in pool) for pool in self.thread_pools]
        objects = [sorted(self.object_key(cells, number) for number in pool) for pool in self.object_pools]
        return str(stacks), str(objects), self.key(cells, self._unmoved)

    def _met(self, cells: Cells, pooled: list[int]) -> dict[int, int]:
        """When each object was met first; `pooled` are the threads of the pools, in their new order."""
        order = [t for t in range(self._layout.thread_count) if t not in pooled] + pooled
        met: list[int] = []
        for thread in order:
            met += self.stack_references(cells, thread)
        met += self.references(cells, self._singles)
        met = list(dict.fromkeys(met))
        for number in met:
            met += [other for other in self.object_references(cells, number) if other not in met]
        return {number: place for place, number in enumerate(met)}

    def _rank(self, cells: Cells, number: int, met: dict[int, int]) -> tuple[int, ...]:
        if number in met:
            return (0, met[number])
        base = self.objects[number].base
        return (1, self.key(cells, [base]), self.object_key(cells, number))

    def references(self, cells: Sequence[int], slots: Iterable[int]) -> list[int]:
        """The objects that pointers in `slots`, of objects, name first, in order."""
        return _references(cells, ((slot, self.places[slot]) for slot in slots if slot in self.places))

    def stack_references(self, cells: Sequence[int], thread: int) -> list[int]:
        """The same for the stack of a thread."""
        return _references(cells, self.stack_places(cells, thread))

    def object_references(self, cells: Sequence[int], number: int) -> list[int]:
        """The same for the fields of a pooled object."""
        one = self.objects[number]
        return self.references(cells, range(one.base, one.base + one.width))

    def key(self, cells: Sequence[int], slots: Sequence[int]) -> int:
        """A number that says what `slots`, of objects, hold, but for the names of what is interchangeable."""
        return self._key(cells, slots, self.places)

    def stack_key(self, cells: Sequence[int], thread: int) -> int:
        """The same for the stack of a thread."""
        return self._key(cells, self.stack(thread), dict(self.stack_places(cells, thread)))

    def object_key(self, cells: Sequence[int], number: int) -> int:
        """The same for a pooled object, whether it is allocated left out."""
        one = self.objects[number]
        return self.key(cells, range(one.base + 1, one.base + one.width))

    def _key(self, cells: Sequence[int], slots: Sequence[int], places: dict[int, Place]) -> int:
        blank = tuple([self._blank(cells[slot], places.get(slot)) for slot in slots])
        if blank not in self._keys:
            # The same in every process, unlike `hash`: what a checkpoint holds stays in its normal form.
            digest = hashlib.blake2b(repr(blank).encode(), digest_size=8).digest()
            self._keys[blank] = 1 + (int.from_bytes(digest) >> 3) if any(blank) else NOTHING
        return self._keys[blank]

    def _blank(self, value: int, place: Place | None) -> int:
        if place is None:
            return value
        return place.blank(value, self.thread_pool if place.of_threads else self.object_pool)


class _Action:
    """What one permutation does to cells."""

    def __init__(self, symmetry: Symmetry, permutation: Permutation) -> None:
        self._symmetry, self._permutation = symmetry, permutation
        self._renamed: dict[tuple[int, int], int] = {}
        moves = [
            (symmetry.stack(thread), symmetry.stack(to).start)
            for thread, to in enumerate(permutation.threads)
            if thread != to
        ]
        moves += [
            (range(one.base, one.base + one.width), symmetry.objects[to].base)
            for one, to in zip(symmetry.objects, permutation.objects, strict=True)
            if one is not symmetry.objects[to]
        ]
        self._moves = [(slice(slots.start, slots.stop), slice(to, to + len(slots))) for slots, to in moves]

    def __call__(self, cells: Sequence[int]) -> Cells:
        renamed = self.rename(cells, self._symmetry.all_places(cells))
        moved = renamed.copy()
        for source, target in self._moves:
            moved[target] = renamed[source]
        return tuple(moved)

    def rename(self, cells: Sequence[int], places: Iterable[tuple[int, Place]]) -> list[int]:
        renamed = list(cells)
        for slot, place in places:
            if cells[slot]:
                renamed[slot] = self._rename(place, cells[slot])
        return renamed

    def _rename(self, place: Place, value: int) -> int:
        found = self._renamed.get((id(place), value))
        if found is None:
            mapping = self._permutation.threads if place.of_threads else self._permutation.objects
            found = self._renamed[id(place), value] = place.renamed(value, mapping)
        return found


# -- pools and their permutations ------------------------------------------------------------------


def _thread_pools(layout: Layout) -> Iterator[tuple[int, ...]]:
    """Slots of one process that nothing tells apart: spawned, and behind those that run from the start.

    Whoever spawns takes the first free slot of the process, so one that ran from the start and has ended comes first
    in a state and in all its permutations.
    """
    slots = layout.system.parts.threads
    for kind in dict.fromkeys(layout.resolve(slot.kind) for slot in slots):
        alike = [slot for slot in slots if layout.resolve(slot.kind) is kind]
        last = max((slot.index for slot in alike if slot.live), default=-1)
        pool = tuple(slot.index for slot in alike if slot.index > last and not slot.values)
        if len(pool) > 1 and len({len(layout.stacks[thread]) for thread in pool}) == 1:
            yield pool


def _object_pools(layout: Layout) -> Iterator[list[Pooled]]:
    for kind, objects in layout.objects.items():
        pool = [
            Pooled(kind, index, base, objects.width, name)
            for index, (base, name) in enumerate(zip(objects.bases, objects.names, strict=True))
            if index >= objects.preallocated
        ]
        if len(pool) > 1:
            yield pool


def _pool_of(count: int, pools: Sequence[tuple[int, ...]]) -> list[int]:
    """item -> its pool, -1 if it has none."""
    found = [-1] * count
    for number, pool in enumerate(pools):
        for item in pool:
            found[item] = number
    return found


def _mapping(count: int, pools: Sequence[tuple[int, ...]], order: Sequence[Sequence[int]]) -> Mapping:
    """Where each item goes if those of each pool stand in that order."""
    found = list(range(count))
    for pool, items in zip(pools, order, strict=True):
        for place, item in zip(pool, items, strict=True):
            found[item] = place
    return tuple(found)


def _mappings(count: int, pools: Sequence[tuple[int, ...]]) -> Iterator[Mapping]:
    for targets in itertools.product(*(itertools.permutations(pool) for pool in pools)):
        yield _mapping(count, targets, pools)


def _neighbours(pools: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    for pool in pools:
        yield from itertools.pairwise(pool)


def _pairs(pools: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, int]]:
    for pool in pools:
        yield from itertools.combinations(pool, 2)


def _exchanged(identity: Mapping, one: int, two: int) -> Mapping:
    found = list(identity)
    found[one], found[two] = two, one
    return tuple(found)


def _references(cells: Sequence[int], places: Iterable[tuple[int, Place]]) -> list[int]:
    found: dict[int, None] = {}
    for slot, place in places:
        if not place.of_threads:
            found.update(dict.fromkeys(place.named(cells[slot])))
    return list(found)
