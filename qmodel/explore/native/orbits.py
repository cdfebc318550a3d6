"""What the native engine knows of symmetry: the tables of `normal`, taught by `compose.symmetry`.

Everything is about one component at a time.  For a number of a component: its key, the objects that it refers to, and
what it becomes, and where, under a permutation.  These are learned when a number is first met.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...compose.layout import Layout
from ...compose.step import Cells
from ...compose.symmetry import Permutation, Symmetry
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


class Orbits:
    """The tables of the normal form; they grow with each lesson.

    Attributes:
        symmetry: says what they are taught.
        components: whose numbers they are about.
    """

    def __init__(self, layout: Layout, components: Components, packing: Packing) -> None:
        slots = [slot for part in components.parts for slot in part.slots]
        self.symmetry = Symmetry(layout, slots)
        self._layout, self.components, self._packing = layout, components, packing
        self._known_images: dict[tuple[int, int], tuple[int, int]] = {}
        self._threads = [components.of_thread[t] for pool in self.symmetry.thread_pools for t in pool]
        self._alive = [components.of_slot[one.base] for one in self.symmetry.objects]
        self._held = [components.of_slot[one.base + one.width - 1] for one in self.symmetry.objects]
        self._watched = self._to_watch()
        self._place_parts()
        self._place_variants()
        self._differing: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        self._facts, self._places, self._images = Growing(np.int64, 2), Growing(np.int64), Growing(np.int32)
        self._images.append(0)
        self._places.extend(self._variant_count)
        self._fact_base = [self._facts.extend(packing.room(watched.part)) for watched in self._watched]

    # -- what takes part ---------------------------------------------------------------------------

    def _to_watch(self) -> list[_Watched]:
        symmetry, of_thread = self.symmetry, self.components.of_thread
        pooled = [thread for pool in symmetry.thread_pools for thread in pool]
        others = [t for t in range(self._layout.thread_count) if t not in pooled and self._names(of_thread[t])]
        single = [
            index
            for index, part in enumerate(self.components.parts)
            if index not in {*of_thread, *self._alive, *self._held} and any(s in symmetry.places for s in part.slots)
        ]
        self._counts = (len(pooled), len(others), len(single), len(symmetry.objects))
        return [
            *(self._watch_stack(thread) for thread in (*pooled, *others)),
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
        return _Watched(
            part, lambda cells: symmetry.key(cells, slots), lambda cells: symmetry.references(cells, slots)
        )

    def _names(self, part: int) -> set[bool]:
        """Whether a component can name threads (True), pooled objects (False), or both."""
        places = [self.symmetry.places[slot] for slot in self.components.parts[part].slots if slot in self.symmetry.places]
        if part in self.components.of_thread:
            reach = self._layout.reach[self.components.of_thread.index(part)]
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
        taus, pis = len(symmetry.thread_mappings), len(symmetry.object_mappings)
        self._variants = np.zeros((taus, parts), dtype=np.int64)
        self._active: list[tuple[int, bool]] = []
        self._first: list[int] = []
        self._number: dict[int, int] = {}
        self._ways_of: list[list[int]] = []
        self._variant_count = 0
        for part in range(parts):
            names = self._names(part)
            by_objects = False in names or part in self._alive or part in self._held
            if not (names or by_objects or part in self._threads):
                continue
            ways = self._ways(part, True in names)
            self._variants[:, part] = np.array(ways) * (pis if by_objects else 1)
            self._number[part] = len(self._active)
            self._active.append((part, by_objects))
            self._ways_of.append(self._variants[:, part].tolist())
            self._first.append(self._variant_count)
            self._variant_count += (max(ways) + 1) * (pis if by_objects else 1)

    def _ways(self, part: int, names_threads: bool) -> list[int]:
        """For each permutation of the threads, which of the ways to change a component it is."""
        if names_threads:
            return list(range(len(self._to_thread)))
        targets = self._to_thread[:, part].tolist()
        numbers = {target: number for number, target in enumerate(dict.fromkeys(targets))}
        return [numbers[target] for target in targets]

    def orbit(self, part: int) -> set[int]:
        """The components that a permutation can lead `part` to."""
        return {int(to) for through in set(self._to_thread[:, part].tolist()) for to in self._to_object[:, through]}

    # -- lessons -----------------------------------------------------------------------------------

    def learn(self, misses: Rows) -> Rows:
        """Learn what the normal form missed; the other misses."""
        for kind, teach in (normal.FACTS, self._teach_facts), (normal.RENAMED, self._teach_image):
            for key in np.unique(misses[misses[:, 1] == kind, 2]).tolist():
                teach(*divmod(key, 1 << 32))
        return misses[(misses[:, 1] != normal.FACTS) & (misses[:, 1] != normal.RENAMED)]

    def _teach_facts(self, part: int, code: int) -> None:
        for base, watched in zip(self._fact_base, self._watched, strict=True):
            if watched.part == part:
                cells = self.cells(part, code)
                references = 0
                for number in reversed(list(watched.references(cells))):
                    references = references << normal.REFERENCE | number + 1
                self._facts.rows[base + code] = watched.key(cells), references

    def _teach_image(self, place: int, code: int) -> None:
        number = bisect.bisect_right(self._first, place) - 1
        part, by_objects = self._active[number]
        way, pi = divmod(place - self._first[number], len(self._to_object) if by_objects else 1)
        tau = int(np.argmax(self._variants[:, part] == way * (len(self._to_object) if by_objects else 1)))
        if not self._places.rows[place]:
            self._places.rows[place] = self._images.extend(self._packing.room(part))
        self._images.rows[int(self._places.rows[place]) + code] = 1 + self.image(part, code, tau, pi)[1]

    # -- images ------------------------------------------------------------------------------------

    def image(self, part: int, code: int, tau: int, pi: int) -> tuple[int, int]:
        """Where the number `code` of a component goes, and what it becomes there."""
        variant = self._variant(part, tau, pi)
        if variant < 0:
            return part, code
        found = self._known_images.get((variant, code))
        if found is None:
            target = int(self._to_object[pi, self._to_thread[tau, part]])
            image = self.permute(self.cells(part, code), tau, pi)
            found = self._known_images[variant, code] = target, self.components.parts[target].of(image)
        return found

    def images(self, part: int, code: int) -> list[tuple[int, int]]:
        """The same for each way in which a permutation can change the component."""
        return [self.image(part, code, tau, pi) for tau, pi in self.permutations([part])]

    def permutations(self, parts: Sequence[int]) -> list[tuple[int, int]]:
        """Numbers of mappings of threads and of objects that do to `parts` all that any do."""
        if tuple(parts) not in self._differing:
            everything = itertools.product(range(len(self._to_thread)), range(len(self._to_object)))
            found = {tuple([self._variant(part, *one) for part in parts]): one for one in everything}
            self._differing[tuple(parts)] = list(found.values())
        return self._differing[tuple(parts)]

    def _variant(self, part: int, tau: int, pi: int) -> int:
        """The place of the images of a component under a permutation; -1 if it never changes."""
        number = self._number.get(part)
        if number is None:
            return -1
        return self._first[number] + self._ways_of[number][tau] + pi * self._active[number][1]

    def permute(self, state: Cells, tau: int, pi: int) -> Cells:
        """A state, permuted."""
        mappings = self.symmetry.thread_mappings[tau], self.symmetry.object_mappings[pi]
        return self.symmetry.permute(state, Permutation(*mappings))

    def cells(self, part: int, code: int) -> Cells:
        """A state that holds the number `code` in a component, and is zero elsewhere."""
        component = self.components.parts[part]
        cells = [0] * self.components.width
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
            part, _ = self._active[bisect.bisect_right(self._first, place) - 1]
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
        active = [
            (*fields[part], 0, first, by_objects, part)
            for (part, by_objects), first in zip(self._active, self._first, strict=True)
        ]
        return normal.Normal(
            np.array([threads, stacks, singles, objects, objects]), _table(watched, 7), self._facts.room,
            _pools(self.symmetry.thread_pools), _pools(self.symmetry.object_pools), _table(active, 7), self._inert(),
            self._to_thread, self._to_object, self._variants, self._places.room, self._images.room, fields,
        )  # fmt: skip

    def _inert(self) -> Rows:
        kept = [(1 << 64) - 1] * self._packing.words
        for part, _ in self._active:
            word, shift, mask = self._packing.fields[part].tolist()
            kept[word] &= ~(mask << shift)
        return np.array(kept, dtype=np.uint64).view(np.int64)


def _table(rows: Sequence[tuple[int, ...]], width: int) -> Rows:
    return np.array(rows, dtype=np.int64).reshape(len(rows), width)


def _pools(pools: Sequence[Sequence[int]]) -> Rows:
    """int64[n, 2]: where each pool starts when all are counted through, and how many it has."""
    sizes = np.array([len(pool) for pool in pools], dtype=np.int64)
    return np.stack([np.cumsum(sizes) - sizes, sizes], axis=1)
