"""What was learned, as the arrays that the kernels run on."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compose.result import Coverage, Problem
from ...compose.step import Step
from ..learn import Node
from .alike import Claim
from .components import Codes
from .forest import Forest
from .growing import Growing
from .normal import Normal
from .orbits import Orbits
from .packing import Packing, packed_into_words
from .situations import Outcome, Path, Situation, Situations, Track

UNKNOWN, NO_RACE, RACE = 0, 1, 2
HOLDS, BROKEN = 1, 2
"""Leaves of the trees of claims."""

_WORD = (1 << 64) - 1


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
        normal: what the normal form of a state is; None without symmetry.
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
    normal: Normal | None


class Tables:
    """Grows with each lesson; `program` is what is known at the moment.

    Attributes:
        packing: how states are packed now.
        leaves: leaf number - 1 -> the situation that it stands for.
        steps, claims: the trees.
        orbits: what is interchangeable; None without symmetry.
        news: whether something was learned since the last `program`.
    """

    def __init__(self, situations: Situations, packing: Packing | None = None) -> None:
        self.situations, self.news = situations, True
        self._parts = situations.components.parts
        self.packing = packing or packed_into_words([part.bits for part in self._parts])
        self.steps = Forest(situations.model.layout.thread_count, self.packing)
        self.claims = Forest(len(situations.judge.claims), self.packing)
        self.leaves: list[Situation] = []
        self._leaf = Growing(np.int32, 4)
        self._leaf.append(0)
        self._writes = Growing(np.int64, 3)
        self._outcomes = Growing(np.int64, 4)
        self._keep, self._put = self._codes()
        self._pointers = Growing(np.int64, 4)
        self._images = Growing(np.int32)
        self._image_of: list[tuple[int, int]] = []
        self._image_base: dict[tuple[int, int], int] = {}
        self._footprints: dict[Any, int] = {}
        self._footprint_steps: list[list[Step]] = [[]]
        self._races = np.zeros((64, 64), dtype=np.int8)
        self._support = _Support(len(self._parts), len(situations.judge.claims))
        self.orbits: Orbits | None = None
        self._alike: list[Claim] = []
        self._at_rest: list[Claim] = []

    # -- symmetry ----------------------------------------------------------------------------------

    def find_orbits(self) -> None:
        """From now on, bring states to their normal form, if anything is interchangeable."""
        orbits = Orbits(self.situations.model.layout, self.situations.components, self.packing)
        if not orbits.symmetry.trivial:
            judge, self.orbits = self.situations.judge, orbits
            named = zip(judge.claim_names, judge.claims, strict=True)
            self._alike = [Claim(orbits, name, claim) for name, claim in named]
            self._at_rest = [Claim(orbits, name, claim) for name, claim in judge.at_rest.items()]

    def learn_orbits(self, misses: NDArray[np.int64]) -> NDArray[np.int64]:
        """Learn what normal forms missed; the other misses."""
        if self.orbits is None:
            return misses
        others = self.orbits.learn(misses)
        self.news |= len(others) < len(misses)
        return others

    def check_rest(self, codes: Codes) -> None:
        """Whether what is claimed of states at rest is the same for the orbit of `codes`.

        Raises:
            UsageError: it is not.
        """
        for claim in self._at_rest:
            claim.value(codes)

    def _codes(self) -> tuple[Growing, Growing]:
        return Growing(np.int64, self.packing.words), Growing(np.int64, self.packing.words)

    # -- lessons -----------------------------------------------------------------------------------

    def teach_steps(self, codes: Codes, thread: int) -> None:
        """Learn the situation of `thread` in the state `codes`, unless it is known."""
        if self.steps.find(thread, codes):
            return
        self.news = True
        situation = self.situations.of_thread(codes, thread)
        self.leaves.append(situation)
        first = self._outcomes.count
        for outcome in situation.outcomes:
            self._add_outcome(outcome)
        reliable = any(outcome.step.reliable for outcome in situation.outcomes)
        row = (first, len(situation.outcomes), reliable, self._footprint(situation))
        self.steps.teach(thread, situation.track, self._leaf.append(row))

    def _add_outcome(self, outcome: Outcome) -> None:
        for part, code in outcome.writes:
            self._writes.append((self._outcomes.count, part, code))
        self._add_codes(outcome.writes)
        hit = [(free, part) for free in outcome.freed for part in self.situations.pointing(free)]
        hit = [(free, part) for free, part in hit if part not in outcome.touched]
        first = self._pointers.count
        for key in hit:
            self._add_pointer(*key)
        claims = self._support.add_outcome({part for part, _ in outcome.writes} | {part for _, part in hit})
        self._outcomes.append((outcome.step.error is not None, first, len(hit), claims))

    def _add_codes(self, writes: Path) -> None:
        keep, put, packing = [-1] * self.packing.words, [0] * self.packing.words, self.packing
        for part, code in writes:
            word, shift, mask = packing.fields[part].tolist()
            keep[word] &= ~(mask << shift)
            put[word] |= code << shift
        # A number that outgrows its field is cut here; `repack` comes before anyone uses it.
        for codes, words in (self._keep, keep), (self._put, put):
            codes.append(np.array([word & _WORD for word in words], dtype=np.uint64).view(np.int64))

    def _add_pointer(self, free: int, part: int) -> None:
        if (free, part) not in self._image_base:
            self._image_base[free, part] = self._images.extend(self.packing.room(part))
        self._image_of.append((free, part))
        self._pointers.append((*self.packing.fields[part], self._image_base[free, part]))

    def teach_image(self, pointer: int, code: int) -> None:
        """Learn what the number `code` becomes in row `pointer` of `Program.pointers`."""
        self.news = True
        key = self._image_of[pointer]
        self._images.rows[self._image_base[key] + code] = 1 + self.situations.image(*key, code)

    def teach_claim(self, codes: Codes, claim: int) -> Problem | None:
        """Learn whether `claim` holds in the state `codes`; the problem if not."""
        track, problem = self._walk(codes, claim)
        self.news = True
        self.claims.teach(claim, track, BROKEN if problem else HOLDS)
        self.look_at(claim, [part for _, part, _ in track])
        return problem

    def _walk(self, codes: Codes, claim: int) -> tuple[Track, Problem | None]:
        if not self.orbits:
            return self.situations.of_function(codes, self.situations.judge.claims[claim])
        alike = self._alike[claim]
        version, problem = alike.version, alike.value(codes)
        if alike.version != version:
            self.claims.forget(claim)
        return alike.track(codes), problem

    @property
    def looked_at(self) -> list[set[int]]:
        """For each claim, the components that some state was judged by."""
        return self._support.looked

    def look_at(self, claim: int, parts: Iterable[int]) -> None:
        """Let `claim` be judged again after steps that change one of `parts`."""
        for part in {alike for part in parts for alike in (self.orbits.orbit(part) if self.orbits else {part})}:
            self._outcomes.rows[:, 3] |= self._support.changing(claim, part)

    def link_claim(self, claim: int, node: int, code: int) -> bool:
        """Learn where the number `code` leads from a node of the tree of `claim`; False if Python has to say."""
        following = self._follow(claim, node, code)
        if following is None:
            return False
        self.news = True
        if isinstance(following, bool):
            target = -HOLDS if following else -BROKEN
        else:
            target = self.claims.node(*following)
            self.look_at(claim, [following[1]])
        self.claims.link(node, code, target)
        return True

    def _follow(self, claim: int, node: int, code: int) -> tuple[Hashable, int] | bool | None:
        """The name and the component of the next node, or whether the claim holds, or None if that is not known."""
        name, part = self.claims.named(node)
        if self.orbits:
            return self._alike[claim].follow(name, part, code)
        following = self.situations.follow(name, part, code)
        if isinstance(following, Node):
            return following, self.situations.part_of(following)
        return None if following is None else following.value[0] is None

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
        before, self.packing = self.packing, packed_into_words([part.bits for part in self._parts])
        packing = self.packing
        self.steps.repack(packing)
        self.claims.repack(packing)
        self._keep, self._put = self._codes()
        for codes in (self._keep, self._put):
            codes.extend(self._outcomes.count)
        outcome, part, code = self._writes.rows.T
        self._keep.rows[:] = -1
        np.bitwise_and.at(self._keep.rows, (outcome, packing.word[part]), ~(packing.mask[part] << packing.shift[part]))
        np.bitwise_or.at(self._put.rows, (outcome, packing.word[part]), code << packing.shift[part])
        for (free, part), base in self._image_base.items():
            if packing.bits[part] > before.bits[part]:
                self._image_base[free, part] = self._images.move(base, before.room(part), packing.room(part))
        for row, (free, part) in enumerate(self._image_of):
            self._pointers.rows[row] = (*packing.fields[part], self._image_base[free, part])
        if self.orbits:
            self.orbits.repack(packing)

    def program(self) -> Program:
        """What is known, for the present packing."""
        self.news = False
        return Program(
            self.steps.entries, self.steps.nodes.rows, self.steps.branches.room, self._leaf.rows,
            self._keep.room, self._put.room, self._outcomes.room, self._pointers.room, self._images.room, self._races,
            self.claims.entries, self.claims.nodes.rows, self.claims.branches.room,
            self.orbits.normal() if self.orbits else None,
        )  # fmt: skip

    # -- what was found ----------------------------------------------------------------------------

    def cover(self, found: Coverage, taken: NDArray[np.int64]) -> None:
        """Add to `found` what a search exercised that passed each leaf `taken[leaf]` times."""
        layout = self.situations.model.layout
        for number in np.flatnonzero(taken[1:]).tolist():
            for outcome in self.leaves[number].outcomes:
                stack = self._parts[self.leaves[number].path[0][0]].values[self.leaves[number].path[0][1]]
                kind, _ = layout.pcs[_pc(layout.stacks[self.leaves[number].thread], stack) - 1]
                key = kind, outcome.step.choice.arrow
                found.steps[key] += int(taken[number + 1])
                for moved, arrow, _ in outcome.step.moves:
                    found.movers.setdefault((moved, arrow), set()).add(key)


def _pc(places: Sequence[int], stack: Sequence[int]) -> int:
    """Where a thread stands whose component holds `stack`."""
    return stack[places[stack[0]] - places[0]]


class _Support:
    """Which claims a step can change: those that look at a component which it changes.

    A claim that looks at none of them has the same value as before: the walk through its tree is the same.
    """

    def __init__(self, parts: int, claims: int) -> None:
        self._changed = Growing(np.uint64, -(-parts // 64))
        self.looked: list[set[int]] = [set() for _ in range(claims)]

    def add_outcome(self, parts: set[int]) -> int:
        """The claims, as bits, that a step can change which changes `parts`."""
        words = [0] * self._changed.rows.shape[1]
        for part in parts:
            words[part // 64] |= 1 << part % 64
        self._changed.append(words)
        return sum(1 << claim for claim, looked in enumerate(self.looked) if looked & parts)

    def changing(self, claim: int, part: int) -> NDArray[np.int64]:
        """int64[outcomes]: the bit of `claim` for each outcome that changes `part`, which the claim looks at."""
        if part in self.looked[claim]:
            return np.zeros(1, dtype=np.int64)
        self.looked[claim].add(part)
        changes = self._changed.rows[:, part // 64] >> np.uint64(part % 64) & np.uint64(1)
        return changes.astype(np.int64) << np.int64(claim)
