"""What the native engine knows of symmetry: the tables of `normal`, taught by `compose.symmetry`.

Everything is about one component at a time.  For a number of a component: its key, the objects that it refers to, and
what it becomes, and where, under a permutation.  These are learned when a number is first met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compose.layout import Layout
from ...compose.step import Cells
from ...compose.symmetry import Permutation, Place, Symmetry
from . import normal
from .components import Components
from .growing import Growing
from .packing import Packing

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class _Watched:
    """A component whose key and references the normal form needs; `key` and `references` are of cells."""

    part: int
    key: Callable[[Sequence[int]], int]
    references: Callable[[Sequence[int]], Iterable[int]]


class _Way(NamedTuple):
    """One of the ways in which a component can change: where it goes, and a permutation that does this."""

    part: int
    target: int
    permutation: Permutation


class Orbits:
    """The tables of the normal form; they grow with each lesson.

    Attributes:
        symmetry: says what they are taught.
        components: the components of the search, whose numbers they are about.
        shadows: the same, with numbers for every permutation of what was met.
    """

    def __init__(self, layout: Layout, components: Components, packing: Packing) -> None:
        slots = [slot for part in components.parts for slot in part.slots]
        self.symmetry = Symmetry(layout, slots)
        self.shadows = Components(layout)
        self._layout, self.components, self._packing = layout, components, packing
        self._known_images: dict[tuple[int, int], int] = {}
        self._factors: dict[int, tuple[int, int]] = {}
        self._pooled = [thread for pool in self.symmetry.thread_pools for thread in pool]
        self._alive = [components.of_slot[one.base] for one in self.symmetry.objects]
        self._held = [components.of_slot[one.base + one.width - 1] for one in self.symmetry.objects]
        self._thread_of = {part: thread for thread, part in enumerate(components.of_thread)}
        self._static = [
            [(slot, self.symmetry.places[slot]) for slot in part.slots if slot in self.symmetry.places]
            for part in components.parts
        ]
        self._watched = self._to_watch()
        self._place_parts()
        self._place_variants()
        self._facts, self._places, self._images = Growing(np.int64, 2), Growing(np.int64), Growing(np.int32)
        self._images.append(0)
        self._places.extend(len(self._ways))
        self._fact_base = [self._facts.extend(packing.room(watched.part)) for watched in self._watched]

    # -- what takes part ---------------------------------------------------------------------------

    def _to_watch(self) -> list[_Watched]:
        symmetry, of_thread = self.symmetry, self.components.of_thread
        others = [t for t in range(self._layout.thread_count) if t not in self._pooled and self._names(of_thread[t])]
        single = [
            index
            for index in range(len(self.components.parts))
            if index not in {*of_thread, *self._alive, *self._held} and self._static[index]
        ]
        self._counts = (len(self._pooled), len(others), len(single), len(symmetry.objects))
        return [
            *(self._watch_stack(thread) for thread in (*self._pooled, *others)),
            *(self._watch_slots(part) for part in (*single, *self._alive)),
            *(self._watch_slots(part) for part in self._held),
        ]

    def _watch_stack(self, thread: int) -> _Watched:
        symmetry = self.symmetry
        return _Watched(
            self.components.of_thread[thread],
            lambda cells: symmetry.stack_key(cells, thread),
            lambda cells: symmetry.stack_references(cells, thread),
        )

    def _watch_slots(self, part: int) -> _Watched:
        symmetry, slots = self.symmetry, self.components.parts[part].slots
        return _Watched(part, lambda cells: symmetry.key(cells, slots), lambda cells: symmetry.references(cells, slots))

    def _names(self, part: int) -> set[bool]:
        """Whether a component can name threads (True), pooled objects (False), or both."""
        places = [place for _, place in self._static[part]]
        if part in self._thread_of:
            reach = self._layout.reach[self._thread_of[part]]
            places += [place for kind in reach for place in self.symmetry.frames[kind].values()]
        return {place.of_threads for place in places}

    # -- where components go, and as what ----------------------------------------------------------

    def _place_parts(self) -> None:
        symmetry, parts = self.symmetry, len(self.components.parts)
        self._to_thread = np.tile(np.arange(parts), (len(symmetry.thread_mappings), 1))
        self._to_object = np.tile(np.arange(parts), (len(symmetry.object_mappings), 1))
        for row, mapping in zip(self._to_thread, symmetry.thread_mappings, strict=True):
            for thread, to in enumerate(mapping):
                row[self.components.of_thread[thread]] = self.components.of_thread[to]
        for row, mapping in zip(self._to_object, symmetry.object_mappings, strict=True):
            for number, to in enumerate(mapping):
                row[self._alive[number]], row[self._held[number]] = self._alive[to], self._held[to]

    def _place_variants(self) -> None:
        """Number the ways in which each component can change: by what it names, and by where it can go."""
        symmetry, parts = self.symmetry, len(self.components.parts)
        pis = len(symmetry.object_mappings)
        self._variants = np.zeros((len(symmetry.thread_mappings), parts), dtype=np.int64)
        self._ways: list[_Way] = []
        self._active: dict[int, tuple[int, bool]] = {}
        for part in range(parts):
            names = self._names(part)
            by_objects = False in names or part in self._alive or part in self._held
            if not (names or by_objects or (part in self._thread_of and self._thread_of[part] in self._pooled)):
                continue
            self._active[part] = len(self._ways), by_objects
            for way, taus in enumerate(self._alike(part, True in names)):
                self._variants[taus, part] = way * (pis if by_objects else 1)
                for pi in range(pis if by_objects else 1):
                    target = int(self._to_object[pi, self._to_thread[taus[0], part]])
                    self._ways.append(_Way(part, target, self.permutation(taus[0], pi)))

    def _alike(self, part: int, names_threads: bool) -> list[list[int]]:
        """The permutations of the threads, those together that do the same to a component."""
        taus = range(len(self._to_thread))
        if names_threads:
            return [[tau] for tau in taus]
        targets = self._to_thread[:, part].tolist()
        return [[tau for tau in taus if targets[tau] == target] for target in dict.fromkeys(targets)]

    def orbit(self, part: int) -> set[int]:
        """The components that a permutation can lead `part` to."""
        return {int(to) for through in set(self._to_thread[:, part].tolist()) for to in self._to_object[:, through]}

    # -- lessons -----------------------------------------------------------------------------------

    def learn(self, misses: Rows) -> Rows:
        """Learn what the normal form missed; the other misses."""
        for kind, teach in (normal.FACTS, self._teach_facts), (normal.RENAMED, self._teach_image):
            for key in np.unique(misses[misses[:, 1] == kind, 2]).tolist():
                teach(*divmod(key, 1 << 32))
        others: Rows = misses[(misses[:, 1] != normal.FACTS) & (misses[:, 1] != normal.RENAMED)]
        return others

    def _teach_facts(self, part: int, code: int) -> None:
        for base, watched in zip(self._fact_base, self._watched, strict=True):
            if watched.part == part:
                cells = self.cells(self.components, part, code)
                references = 0
                for number in reversed(list(watched.references(cells))):
                    references = references << normal.REFERENCE | number + 1
                self._facts.rows[base + code] = watched.key(cells), references

    def _teach_image(self, way: int, code: int) -> None:
        part, target, _ = self._ways[way]
        if not self._places.rows[way]:
            self._places.rows[way] = self._images.extend(self._packing.room(part))
        image = self.shadows.parts[target].values[self.image(way, self.shadow(part, code))]
        self._images.rows[int(self._places.rows[way]) + code] = 1 + self.components.parts[target].code(image)

    # -- images ------------------------------------------------------------------------------------

    def shadow(self, part: int, code: int) -> int:
        """The number among the shadows for the number `code` of a component of the search."""
        return self.shadows.parts[part].code(self.components.parts[part].values[code])

    def image(self, way: int, code: int) -> int:
        """What the number `code` of a shadow becomes, in one of the ways in which it can change."""
        found = self._known_images.get((way, code))
        if found is None:
            before, exchange = self._factor(way)
            found = self._exchanged(way, code) if before < 0 else self.image(exchange, self.image(before, code))
            self._known_images[way, code] = found
        return found

    def _exchanged(self, way: int, code: int) -> int:
        part, target, permutation = self._ways[way]
        cells = self.cells(self.shadows, part, code)
        renamed = self.symmetry.renamed(cells, permutation, self._places_of(part, cells))
        return self.shadows.parts[target].code(tuple([renamed[slot] for slot in self.shadows.parts[part].slots]))

    def _factor(self, way: int) -> tuple[int, int]:
        """A way and an exchange of neighbours after it that are the same as `way`; -1 for exchanges themselves.

        Most numbers have few images: so most are found by looking up two, instead of renaming.
        """
        if way not in self._factors:
            self._factorise(self._ways[way].part)
        return self._factors[way]

    def _factorise(self, part: int) -> None:
        taus, pis = (
            {mapping: n for n, mapping in enumerate(m)}
            for m in (self.symmetry.thread_mappings, self.symmetry.object_mappings)
        )
        identity, _ = self.way(part, 0, 0)
        self._factors[identity] = -1, identity
        pending = [identity]
        for way in pending:
            _, target, permutation = self._ways[way]
            for exchange in self.symmetry.generators:
                together = permutation.then(self.permutation(*exchange))
                found, _ = self.way(part, taus[together.threads], pis[together.objects])
                if found not in self._factors:
                    before = -1 if way == identity else way
                    self._factors[found] = before, self.way(target, *exchange)[0]
                    pending.append(found)

    def _places_of(self, part: int, cells: Cells) -> Iterable[tuple[int, Place]]:
        if part in self._thread_of:
            return self.symmetry.stack_places(cells, self._thread_of[part])
        return self._static[part]

    def images(self, part: int, code: int) -> list[tuple[int, int]]:
        """Every component that the number `code` of a shadow can go to, and what it becomes there."""
        if part not in self._active:
            return [(part, code)]
        ways = range(self._active[part][0], self._last_way(part))
        return [(self._ways[way].target, self.image(way, code)) for way in ways]

    def _last_way(self, part: int) -> int:
        later = [first for first, _ in self._active.values() if first > self._active[part][0]]
        return min(later, default=len(self._ways))

    def way(self, part: int, tau: int, pi: int) -> tuple[int, int]:
        """In which way a permutation changes a component, -1 if it never changes, and where that goes."""
        if part not in self._active:
            return -1, part
        first, by_objects = self._active[part]
        found = first + int(self._variants[tau, part]) + by_objects * pi
        return found, self._ways[found].target

    def permutation(self, tau: int, pi: int) -> Permutation:
        """The one with these numbers."""
        return Permutation(self.symmetry.thread_mappings[tau], self.symmetry.object_mappings[pi])

    def cells(self, components: Components, part: int, code: int) -> Cells:
        """A state that holds the number `code` in a component, and is zero elsewhere."""
        component = components.parts[part]
        cells = [0] * components.width
        for slot, value in zip(component.slots, component.values[code], strict=True):
            cells[slot] = value
        return tuple(cells)

    # -- packing -----------------------------------------------------------------------------------

    def repack(self, packing: Packing) -> None:
        """Make room for all numbers that fields of `packing` have room for."""
        before, self._packing = self._packing, packing
        grown = set(np.flatnonzero(packing.bits > before.bits).tolist())
        for number, watched in enumerate(self._watched):
            if watched.part in grown:
                room = before.room(watched.part), packing.room(watched.part)
                self._fact_base[number] = self._facts.move(self._fact_base[number], *room)
        for place in np.flatnonzero(self._places.rows).tolist():
            part = self._ways[place].part
            if part in grown:
                room = before.room(part), packing.room(part)
                self._places.rows[place] = self._images.move(int(self._places.rows[place]), *room)

    def normal(self) -> normal.Normal:
        """What is known, for the present packing."""
        threads, stacks, singles, objects = self._counts
        fields = self._packing.fields
        watched = [
            (*fields[w.part], base, 0, 0, w.part) for w, base in zip(self._watched, self._fact_base, strict=True)
        ]
        active = [(*fields[part], 0, first, by_objects, part) for part, (first, by_objects) in self._active.items()]
        return normal.Normal(
            np.array([threads, stacks, singles, objects, objects]), _table(watched, 7), self._facts.room,
            _pools(self.symmetry.thread_pools), _pools(self.symmetry.object_pools), _table(active, 7), self._inert(),
            self._to_thread, self._to_object, self._variants, self._places.room, self._images.room, fields,
        )  # fmt: skip

    def _inert(self) -> Rows:
        kept = [(1 << 64) - 1] * self._packing.words
        for part in self._active:
            word, shift, mask = self._packing.fields[part].tolist()
            kept[word] &= ~(mask << shift)
        return np.array(kept, dtype=np.uint64).view(np.int64)


def _table(rows: Sequence[tuple[int, ...]], width: int) -> Rows:
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)


def _pools(pools: Sequence[Sequence[int]]) -> Rows:
    """int64[n, 2]: where each pool starts when all are counted through, and how many it has."""
    sizes = np.array([len(pool) for pool in pools], dtype=np.int64)
    return np.stack([np.cumsum(sizes) - sizes, sizes], axis=1)
