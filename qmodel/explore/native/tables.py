"""What was learned, as the arrays that the kernels run on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compose.result import Coverage, Problem
from ...compose.step import Step
from .components import Codes
from .forest import Forest
from .growing import Growing
from .packing import packed_into_words
from .situations import Outcome, Situation, Situations

UNKNOWN, NO_RACE, RACE = 0, 1, 2
HOLDS, BROKEN = 1, 2
"""Leaves of the trees of claims."""


class Program(NamedTuple):
    """The tables in one packing.

    Attributes:
        entries: int32[threads], nodes: int64[n, 4], branches: int32[]: the trees of the threads (see `Forest`).
        leaves: int32[n, 4]: first outcome, their number, whether one of them is reliable, its footprint.
        keep, put: int64[outcomes, words]: a successor is `state & keep | put`.
        outcomes: int64[n, 4]: whether it is an error, first row of `hits`, their number, claims to judge (bits).
        pointers: int64[n, 4]: component field (word, shift, mask) whose pointers may dangle, where its images start.
        images: int32[]: 0 if unknown, else the number that another one becomes, plus 1.
        races: int8[n, n]: whether two footprints race.
        claim_entries, claim_nodes, claim_branches: the trees of the claims.
    """

    entries: NDArray[np.int32]
    nodes: NDArray[np.int64]
    branches: NDArray[np.int32]
    leaves: NDArray[np.int32]
    keep: NDArray[np.int64]
    put: NDArray[np.int64]
    outcomes: NDArray[np.int64]
    pointers: NDArray[np.int64]
    images: NDArray[np.int32]
    races: NDArray[np.int8]
    claim_entries: NDArray[np.int32]
    claim_nodes: NDArray[np.int64]
    claim_branches: NDArray[np.int32]


class Tables:
    """Grows with each lesson; `program` compiles what is known for a packing.

    Attributes:
        packing: how states are packed now.
        leaves: leaf number -> the situation that it stands for.
        steps, claims: the trees.
    """

    def __init__(self, situations: Situations) -> None:
        self.situations = situations
        self._parts = situations.components.parts
        self.packing = packed_into_words([part.bits for part in self._parts])
        threads = situations.model.layout.thread_count
        self.steps = Forest(threads, self._room)
        self.claims = Forest(len(situations.judge.claims), self._room)
        self.leaves: list[Situation] = []
        self._leaf = Growing(np.int32, 4)
        self._leaf.append((0, 0, 0, 0))
        self._writes = Growing(np.int64, 3)
        self._outcome = Growing(np.int64, 3)
        self._pointers = Growing(np.int64, 2)
        self._images = Growing(np.int32)
        self._image_base: dict[tuple[int, int], int] = {}
        self._image_keys: list[tuple[int, int]] = []
        self._footprints: dict[Any, int] = {}
        self._footprint_steps: list[list[Step]] = [[]]
        self._races = np.zeros((64, 64), dtype=np.int8)
        self._support = _Support(len(self._parts), len(situations.judge.claims))
        self.news = True
        """Whether something was learned since the last `program`."""

    def _room(self, part: int) -> int:
        return 1 << int(self.packing.bits[part])

    # -- lessons -----------------------------------------------------------------------------------

    def teach_steps(self, codes: Codes, thread: int) -> None:
        """Learn the situation of `thread` in the state `codes`, unless it is known."""
        if self.steps.find(thread, codes):
            return
        self.news = True
        situation = self.situations.of_thread(codes, thread)
        self.leaves.append(situation)
        first = self._outcome.count
        for outcome in situation.outcomes:
            self._add_outcome(outcome)
        reliable = any(outcome.step.reliable for outcome in situation.outcomes)
        row = (first, len(situation.outcomes), reliable, self._footprint(situation))
        self.steps.teach(thread, situation.track, self._leaf.append(row))

    def _add_outcome(self, outcome: Outcome) -> None:
        index, first = self._outcome.count, self._pointers.count
        for part, code in outcome.writes:
            self._writes.append((index, part, code))
        hit = [(free, part) for free in outcome.freed for part in self.situations.pointing(free)]
        hit = [(free, part) for free, part in hit if part not in outcome.touched]
        for key in hit:
            self._pointers.append((self._image_number(key), key[1]))
        self._outcome.append((outcome.step.error is not None, first, len(hit)))
        self._support.add_outcome({part for part, _ in outcome.writes} | {part for _, part in hit})

    def _image_number(self, key: tuple[int, int]) -> int:
        if key not in self._image_base:
            self._image_base[key] = self._images.extend(self._room(key[1]))
            self._image_keys.append(key)
        return self._image_keys.index(key)

    def teach_image(self, pointer: int, codes: Codes) -> None:
        """Learn what the number in the state `codes` that row `pointer` of `Program.pointers` names becomes."""
        free, part = self._image_keys[int(self._pointers.rows[pointer, 0])]
        place = self._image_base[free, part] + codes[part]
        if not self._images.rows[place]:
            self.news = True
            self._images.rows[place] = 1 + self.situations.image(free, part, codes[part])

    def changes(self, free: int, part: int) -> list[tuple[int, int]]:
        """The numbers of a component that are known to become others when `free` is freed, with these."""
        base = self._image_base.get((free, part))
        if base is None:
            return []
        images = self._images.rows[base : base + self._room(part)].tolist()
        return [(code, image - 1) for code, image in enumerate(images) if image and image - 1 != code]

    def teach_claim(self, codes: Codes, claim: int) -> Problem | None:
        """Learn whether `claim` holds in the state `codes`; the problem if not."""
        track, problem = self.situations.of_claim(codes, self.situations.judge.claims[claim])
        self.news = True
        self.claims.teach(claim, track, BROKEN if problem else HOLDS)
        self._support.add_claim(claim, [part for _, part, _ in track])
        return problem

    # -- races -------------------------------------------------------------------------------------

    def _footprint(self, situation: Situation) -> int:
        plain = self.situations.model.plain
        steps = [outcome.step for outcome in situation.outcomes]
        touching = [step for step in steps if (step.reads | step.writes) & plain]
        if not touching:
            return 0
        key = situation.thread, frozenset((s.reads & plain, s.writes & plain, s.locks) for s in touching)
        if key not in self._footprints:
            self._footprints[key] = len(self._footprint_steps)
            self._footprint_steps.append(touching)
            if len(self._footprint_steps) > len(self._races):
                self._races = np.pad(self._races, (0, len(self._races)))
        return self._footprints[key]

    def teach_race(self, one: int, two: int) -> None:
        """Learn whether two footprints race."""
        self.news = True
        steps = self._footprint_steps[one] + self._footprint_steps[two]
        self._races[one, two] = RACE if self.situations.judge.race(steps) else NO_RACE

    # -- packing -----------------------------------------------------------------------------------

    @property
    def outgrown(self) -> bool:
        """Whether some component has more numbers than its field can hold."""
        return any(part.bits > bits for part, bits in zip(self._parts, self.packing.bits.tolist(), strict=True))

    def repack(self) -> None:
        """Choose a packing with room for every number; states packed before must be packed again."""
        before = self.packing
        self.packing = packed_into_words([part.bits for part in self._parts])
        for part in np.flatnonzero(self.packing.bits > before.bits).tolist():
            old = 1 << int(before.bits[part])
            self.steps.widen(part, old)
            self.claims.widen(part, old)
            for key, base in self._image_base.items():
                if key[1] == part:
                    self._image_base[key] = self._images.extend(self._room(part))
                    place = self._image_base[key]
                    self._images.rows[place : place + old] = self._images.rows[base : base + old]

    def program(self) -> Program:
        """What is known, for the present packing."""
        self.news, packing = False, self.packing
        keep = np.full((self._outcome.count + 1, packing.words), -1, dtype=np.int64)
        put = np.zeros_like(keep)
        outcome, part, code = self._writes.rows.T
        place = outcome, packing.word[part]
        np.bitwise_and.at(keep, place, ~(packing.mask[part] << packing.shift[part]))
        np.bitwise_or.at(put, place, code << packing.shift[part])
        number, pointing = self._pointers.room[: self._pointers.count + 1].T
        bases = np.array([self._image_base[key] for key in self._image_keys] or [0], dtype=np.int64)
        return Program(
            self.steps.entries, self.steps.for_kernels(packing), self.steps.branches.room, self._leaf.rows, keep, put,
            np.column_stack([self._outcome.room[: len(keep)], self._support.to_judge(len(keep))]),
            np.column_stack([packing.fields[pointing], bases[number]]), self._images.room, self._races,
            self.claims.entries, self.claims.for_kernels(packing), self.claims.branches.room,
        )  # fmt: skip

    # -- what was found ----------------------------------------------------------------------------

    def coverage(self, taken: NDArray[np.int64]) -> Coverage:
        """What a search exercised that passed each leaf `taken[leaf]` times."""
        found = Coverage()
        layout = self.situations.model.layout
        for number in np.flatnonzero(taken[1:]).tolist():
            for outcome in self.leaves[number].outcomes:
                stack = self._parts[self.leaves[number].path[0][0]].values[self.leaves[number].path[0][1]]
                kind, _ = layout.pcs[_pc(layout.stacks[self.leaves[number].thread], stack) - 1]
                key = kind, outcome.step.choice.arrow
                found.steps[key] += int(taken[number + 1])
                for moved, arrow, _ in outcome.step.moves:
                    found.movers.setdefault((moved, arrow), set()).add(key)
        return found


def _pc(places: Sequence[int], stack: Sequence[int]) -> int:
    """Where a thread stands whose component holds `stack`."""
    return stack[places[stack[0]] - places[0]]


class _Support:
    """Which claims a step can change: those that look at a component which it changes."""

    def __init__(self, parts: int, claims: int) -> None:
        words = -(-parts // 64)
        self._changed = Growing(np.uint64, words)
        self._looked = np.zeros((claims, words), dtype=np.uint64)

    def add_outcome(self, parts: set[int]) -> None:
        self._changed.append(self._set(parts))

    def add_claim(self, claim: int, parts: Sequence[int]) -> None:
        self._looked[claim] |= self._set(parts)

    def _set(self, parts: Sequence[int] | set[int]) -> NDArray[np.uint64]:
        found = np.zeros(self._changed.room.shape[1], dtype=np.uint64)
        for part in parts:
            found[part // 64] |= np.uint64(1 << part % 64)
        return found

    def to_judge(self, count: int) -> NDArray[np.int64]:
        """int64[count]: for each outcome the claims that must be judged again, as bits.

        A claim that no component of a step's changes was looked at for has the same value as before: the walk through
        its tree is the same.
        """
        found = np.zeros(count, dtype=np.int64)
        changed = self._changed.room[:count]
        for claim, looked in enumerate(self._looked):
            found |= np.where((changed & looked).any(axis=1), np.int64(1) << np.int64(claim), np.int64(0))
        return found
