"""What was learned, as the arrays that the kernels run on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...compose.result import Coverage, Problem
from ...compose.step import Step
from ...spec.errors import UsageError
from ..learn import Node
from .alike import Alike
from .ample import Ample
from .components import Codes
from .forest import BROKEN, HOLDS, Forest
from .growing import Growing
from .normal import Normal
from .orbits import Orbits
from .packing import Packing, packed_into_words
from .situations import Outcome, Path, Situation, Situations
from .support import UNKNOWN as UNKNOWN_CODE
from .support import Chain, Change, Key, Support

UNKNOWN, NO_RACE, RACE = 0, 1, 2

_WORD = (1 << 64) - 1

MOST_CLAIMS = 62
"""How many claims have a bit each in a word with a sign."""

MOST_STEPS = 1 << 12
"""How many steps out of one state the loops have room for."""

_WIDEST = 2
"""How many fields states are sorted by before they are expanded."""


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
        ample: uint8[leaves], whether the thread's steps are an ample set; uint8[0] without reduction.
        widest: int64[n, 3]: word, shift and mask of the widest fields of a state, the widest last.
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
    ample: NDArray[np.uint8]
    widest: NDArray[np.int64]
    normal: Normal | None


class Tables:
    """Grows with each lesson; `program` is what is known at the moment.

    Attributes:
        packing: how states are packed now.
        leaves: leaf number - 1 -> the situation that it stands for.
        steps, claims: the trees.
        orbits, alike: what is interchangeable, and claims that do not tell it apart; None without symmetry.
        news: whether something was learned since the last `program`.
    """

    def __init__(self, situations: Situations, packing: Packing | None = None, por: bool = False) -> None:
        claims = len(situations.judge.claims)
        if claims > MOST_CLAIMS:
            raise UsageError(f"{claims} properties of states at once are too many; name {MOST_CLAIMS} by `--property`")
        self.situations, self.news = situations, True
        self._parts = situations.components.parts
        self.packing = packing or packed_into_words([part.bits for part in self._parts])
        self.steps = Forest(situations.model.layout.thread_count, self.packing)
        self.claims = Forest(claims, self.packing)
        self.leaves: list[Situation] = []
        self.ample = Ample(situations) if por else None
        self._leaf = Growing(np.int32, 4)
        self._leaf.append(0)
        self._writes = Growing(np.int64, 3)
        self._outcomes = Growing(np.int64, 4)
        self._keep, self._put = self._codes()
        self._pointers = Growing(np.int64, 4)
        self._images = Growing(np.int32)
        self._image_of: list[tuple[int, int, int]] = []
        self._image_base: dict[tuple[int, int], int] = {}
        self._footprints: dict[Any, int] = {}
        self._footprint_steps: list[list[Step]] = [[]]
        self._races = np.zeros((64, 64), dtype=np.int8)
        self.support = Support(situations, self._outcomes)
        self._chains: dict[Node, dict[int, Chain]] = {}
        """For each node of a claim, what was asked on the way there, by component."""
        self.orbits: Orbits | None = None
        self.alike: Alike | None = None

    # -- symmetry ----------------------------------------------------------------------------------

    def find_orbits(self) -> None:
        """From now on, bring states to their normal form, if anything is interchangeable."""
        orbits = Orbits(self.situations.model.layout, self.situations.components, self.packing)
        if not orbits.symmetry.trivial:
            self.orbits, self.alike = orbits, Alike(orbits, self.situations.judge, self.claims, self.support)

    def learn_orbits(self, misses: NDArray[np.int64]) -> NDArray[np.int64]:
        """Learn what normal forms missed; the other misses."""
        if self.orbits is None:
            return misses
        others = self.orbits.learn(misses)
        self.news |= len(others) < len(misses)
        return others

    def _codes(self) -> tuple[Growing, Growing]:
        return Growing(np.int64, self.packing.words), Growing(np.int64, self.packing.words)

    # -- lessons -----------------------------------------------------------------------------------

    def teach_steps(self, codes: Codes, thread: int) -> None:
        """Learn the situation of `thread` in the state `codes`, unless it is known."""
        if self.steps.find(thread, codes):
            return
        self.news = True
        situation = self.situations.of_thread(codes, thread)
        most = MOST_STEPS // self.situations.model.layout.thread_count
        if len(situation.outcomes) > most:
            raise UsageError(f"a thread has {len(situation.outcomes)} steps to choose from, and {most} are possible")
        self.leaves.append(situation)
        first = self._outcomes.count
        for outcome in situation.outcomes:
            self._add_outcome(outcome, thread, dict(situation.path))
        reliable = any(outcome.step.reliable for outcome in situation.outcomes)
        row = (first, len(situation.outcomes), reliable, self._footprint(situation))
        leaf = self._leaf.append(row)
        self.steps.teach(thread, situation.track, leaf)
        if self.ample:
            self.ample.add_leaf(leaf, situation)

    def _add_outcome(self, outcome: Outcome, thread: int, known: dict[int, int]) -> None:
        for part, code in outcome.writes:
            self._writes.append((self._outcomes.count, part, code))
        self._add_codes(outcome.writes)
        hit = [(free, part) for free in outcome.freed for part in self.situations.pointing(free)]
        hit = [(free, part) for free, part in hit if part not in outcome.touched]
        first = self._pointers.count
        for free, part in hit:
            self._add_pointer(free, part, thread)
        changes = [Change(part, known.get(part, UNKNOWN_CODE), code) for part, code in outcome.writes]
        changes += [Change(part, UNKNOWN_CODE, UNKNOWN_CODE) for _, part in hit]
        self._outcomes.append((outcome.step.error is not None, first, len(hit), self.support.add_outcome(changes)))

    def _add_codes(self, writes: Path) -> None:
        keep, put, packing = [-1] * self.packing.words, [0] * self.packing.words, self.packing
        for part, code in writes:
            word, shift, mask = packing.fields[part].tolist()
            keep[word] &= ~(mask << shift)
            put[word] |= code << shift
        # A number that outgrows its field is cut here; `repack` comes before anyone uses it.
        for codes, words in (self._keep, keep), (self._put, put):
            codes.append(np.array([word & _WORD for word in words], dtype=np.uint64).view(np.int64))

    def _add_pointer(self, free: int, part: int, thread: int) -> None:
        if (free, part) not in self._image_base:
            self._image_base[free, part] = self._images.extend(self.packing.room(part))
        self._image_of.append((free, part, thread))
        self._pointers.append((*self.packing.fields[part], self._image_base[free, part]))

    def teach_image(self, pointer: int, code: int) -> None:
        """Learn what the number `code` becomes in row `pointer` of `Program.pointers`."""
        self.news = True
        free, part, thread = self._image_of[pointer]
        image = self.situations.image(free, part, code)
        self._images.rows[self._image_base[free, part] + code] = 1 + image
        if self.ample and image != code:
            self.ample.touch(part, thread, changes=True)

    def changes(self, free: int, part: int) -> list[tuple[int, int]]:
        """The numbers of a component that are known to become others when `free` is freed, with these."""
        base = self._image_base.get((free, part))
        if base is None:
            return []
        images = self._images.rows[base : base + self.packing.room(part)].tolist()
        return [(code, image - 1) for code, image in enumerate(images) if image and image - 1 != code]

    def teach_claim(self, codes: Codes, claim: int) -> Problem | None:
        """Learn whether `claim` holds in the state `codes`; the problem if not."""
        if self.alike:
            self.news = True
            return self.alike.teach(codes, claim)
        track, problem, nodes = self.situations.of_function(codes, self.situations.judge.claims[claim])
        self.news = True
        self.claims.teach(claim, track, BROKEN if problem else HOLDS)
        chains: dict[int, Chain] = {}
        for node in nodes:
            part = self.situations.part_of(node)
            self._chains.setdefault(node, dict(chains))
            chains[part] = self._ask(claim, part, chains.get(part, ()), node.key, codes[part])
        return problem

    def _ask(self, claim: int, part: int, chain: Chain, key: Key, code: int) -> Chain:
        """Note that `claim` asks about a component, after `chain`; the chain with the answer."""
        self.support.ask(claim, part, chain, key)
        return (*chain, (key, self.situations.answer(key, part, code)))

    def link_claim(self, claim: int, node: int, codes: Codes) -> bool:
        """Learn where a node of the tree of `claim` leads for the state `codes`; False if Python has to say."""
        if self.alike:
            self.news = True
            return self.alike.link(claim, node, codes)
        name, part = self.claims.named(node)
        following, passed = self.situations.follow(name, part, codes[part])
        if following is None:
            return False
        self.news = True
        if isinstance(following, Node):
            target = self.claims.node(following, self.situations.part_of(following))
        else:
            target = -BROKEN if following.value[0] else -HOLDS
        chains = self._chains[name]
        chain = chains.get(part, ())
        for asked in passed:
            chain = self._ask(claim, part, chain, asked.key, codes[part])
        if isinstance(following, Node):
            self._chains.setdefault(following, {**chains, part: chain})
        self.claims.link(node, codes[part], target)
        return True

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

    @property
    def moving(self) -> NDArray[np.int64]:
        """int64[]: the components that have more than one number, which alone need to be packed."""
        return np.array([at for at, part in enumerate(self._parts) if part.bits], dtype=np.int64)

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
        for row, (free, part, _) in enumerate(self._image_of):
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
            self._ample(), self.packing.fields[np.argsort(self.packing.bits, kind="stable")[-_WIDEST:]],
            self.orbits.normal() if self.orbits else None,
        )  # fmt: skip

    def _ample(self) -> NDArray[np.uint8]:
        """uint8[leaves]: whether the thread's steps are an ample set; uint8[0] without reduction."""
        if self.ample is None:
            return np.empty(0, dtype=np.uint8)
        first, count = self._leaf.rows[:, 0], self._leaf.rows[:, 1]
        leaf = np.repeat(np.arange(len(count)), count)
        assert (first[leaf] <= np.arange(len(leaf))).all()  # outcomes stand in the order of their leaves
        self.ample.flags.rows[leaf[self._outcomes.rows[:, -1] != 0]] = 0
        return self.ample.flags.rows.copy()

    # -- what was found ----------------------------------------------------------------------------

    def cover(self, found: Coverage, taken: NDArray[np.int64]) -> None:
        """Add to `found` what a search exercised that passed each leaf `taken[leaf]` times."""
        for number in np.flatnonzero(taken[1:]).tolist():
            situation = self.leaves[number]
            self.count(found, situation, [int(taken[number + 1])] * len(situation.outcomes))

    def count(self, found: Coverage, situation: Situation, times: Sequence[int]) -> None:
        """Add to `found` that each outcome of `situation` was taken so many times."""
        kind, _ = self.situations.model.layout.pcs[self.situations.pc(situation.thread, situation.path) - 1]
        for outcome, taken in zip(situation.outcomes, times, strict=True):
            key = kind, outcome.step.choice.arrow
            if taken:
                found.steps[key] += taken
                for moved, arrow, _ in outcome.step.moves:
                    found.movers.setdefault((moved, arrow), set()).add(key)
