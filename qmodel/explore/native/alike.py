"""Claims that say the same of all states of an orbit, and how that is made sure.

A search that visits one state of each orbit judges that one.  So a claim must not tell its orbit apart, and since a
claim is any Python, this is found out while searching.  It would be slow to try every permutation on every state, and
too little to try those on which the claim is taught: what it looks at in one state says nothing of its permutations.

Hence a claim is taught by classes.  Two numbers of a component are in one class if all that the claim ever looked at
there, also under permutations, is alike.  Then two states whose components are all in the same classes are alike for
the claim, and so are their permutations: trying the permutations of one is enough for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...compose.questions import Question
from ...compose.result import Problem
from ...compose.step import Cells
from ...compose.symmetry import Permutation
from ...spec.errors import UsageError
from ..judge import Judge
from ..learn import LearnedFunction
from .components import Codes
from .forest import BROKEN, HOLDS, Forest
from .orbits import Orbits
from .situations import Track
from .support import Support

Classes = tuple[int, ...]


class Claim:
    """A claim, and for which classes of states every permutation was tried.

    Attributes:
        parts: the components that it looked at, and those that permutations lead them to.
        version: counts how often it looked at something new, so that classes mean something else.
    """

    def __init__(self, orbits: Orbits, name: str, function: LearnedFunction[Problem | None]) -> None:
        self.name, self._function, self._orbits = name, function, orbits
        self._keys: dict[int | Question, int] = {}
        self.version = 0
        self._forget()

    def _forget(self) -> None:
        """Start again, with what it was seen to look at."""
        self.version += 1
        components = self._orbits.components
        self._looks: dict[int, list[int | Question]] = {}
        for key, part in self._keys.items():
            self._looks.setdefault(part, []).append(key)
        self.parts = sorted({alike for part in self._looks for alike in self._orbits.orbit(part)})
        self._place = {part: place for place, part in enumerate(self.parts)}
        self._known: dict[Classes, Problem | None] = {}
        self._answers: list[dict[int, tuple[Any, ...]]] = [{} for _ in components.parts]
        self._class: dict[tuple[int, int], int] = {}
        self._numbers: dict[tuple[int, tuple[Any, ...]], int] = {}
        self._seen = len(self._keys)
        self._exchanges = list(self._relevant_exchanges())

    def _relevant_exchanges(self) -> Iterator[tuple[list[tuple[int, int, int]], Permutation]]:
        """The exchanges that change some of `parts`, with these.

        Each is (place in `parts`, place where it goes, way in which it changes).
        """
        for tau, pi in self._orbits.symmetry.generators:
            moves = []
            for place, part in enumerate(self.parts):
                way, target = self._orbits.way(part, tau, pi)
                if way != self._orbits.way(part, 0, 0)[0]:
                    moves.append((place, self._place[target], way))
            if moves:
                yield moves, self._orbits.permutation(tau, pi)

    # -- its value ---------------------------------------------------------------------------------

    def value(self, codes: Codes) -> Problem | None:
        """What is wrong by it with the state `codes`, and with all states of its orbit.

        Raises:
            UsageError: with some of them only.
        """
        state = self._orbits.components.decode(codes)
        shadows = self._orbits.shadows.encode(state)
        problem = self._evaluate(state)
        while self._looks_at_more or self._classes(shadows) not in self._known:
            if self._looks_at_more:
                self._forget()
            self._try_permutations(state, shadows, problem)
        return problem

    @property
    def _looks_at_more(self) -> bool:
        """Whether it has looked at something that the classes do not know of."""
        return len(self._keys) > self._seen

    def _evaluate(self, state: Cells) -> Problem | None:
        problem = self._function(state)
        of_slot = self._orbits.components.of_slot
        for node in self._function.path(state):
            self._keys.setdefault(node.key, of_slot[node.key if isinstance(node.key, int) else node.key.slot])
        return problem

    def _try_permutations(self, state: Cells, shadows: Codes, problem: Problem | None) -> None:
        """Try every permutation, unless the claim looks at something new.

        Exchanges of neighbours lead to all of them; those that lead to classes which were tried lead to nothing else.
        """
        held = tuple([shadows[part] for part in self.parts])
        tried: dict[Classes, Problem | None] = {self._classes(shadows): problem}
        pending = [(held, self._orbits.permutation(0, 0))]
        for held, permutation in pending:
            for moves, exchange in self._exchanges:
                exchanged = self._exchanged(held, moves)
                classes = tuple(map(self._class_of, self.parts, exchanged))
                if classes in tried:
                    continue
                together = permutation.then(exchange)
                tried[classes] = self._evaluate(self._orbits.symmetry.permute(state, together))
                if (tried[classes] is None) != (problem is None):
                    raise UsageError(self._complaint(state))
                if self._looks_at_more:
                    return
                pending.append((exchanged, together))
        self._known.update(tried)

    def _exchanged(self, held: Codes, moves: list[tuple[int, int, int]]) -> Codes:
        found = list(held)
        for place, target, way in moves:
            found[target] = self._orbits.image(way, held[place])
        return tuple(found)

    def _complaint(self, state: Cells) -> str:
        wanted = self._function(state) is None
        symmetry = self._orbits.symmetry
        what = symmetry.describe()
        for exchange, one, two in symmetry.transpositions():
            if (self._function(symmetry.permute(state, exchange)) is None) != wanted:
                what = f"{one} from {two}"
                break
        return f"property {self.name} tells {what} apart; it cannot be checked with --symmetry"

    # -- classes -----------------------------------------------------------------------------------

    def _classes(self, shadows: Codes) -> Classes:
        """The class of each of `parts`."""
        return tuple([self._class_of(part, shadows[part]) for part in self.parts])

    def _class_of(self, part: int, code: int) -> int:
        """The class of the number `code` of a shadow."""
        found = self._class.get((part, code))
        if found is None:
            images = self._orbits.images(part, code)
            what = part, tuple([self._answer(target, image) for target, image in images])
            found = self._class[part, code] = self._numbers.setdefault(what, len(self._numbers))
        return found

    def _answer(self, part: int, code: int) -> tuple[Any, ...]:
        """All that the claim looks at in a component."""
        if code not in self._answers[part]:
            cells = self._orbits.cells(self._orbits.shadows, part, code) if part in self._looks else ()
            looks = self._looks.get(part, ())
            self._answers[part][code] = tuple([cells[k] if isinstance(k, int) else k(cells) for k in looks])
        return self._answers[part][code]

    # -- as a tree ---------------------------------------------------------------------------------

    def track(self, codes: Codes) -> Track:
        """The walk that finds out the classes of `codes`, one component after the other."""
        shadows = tuple([self._orbits.shadow(part, code) for part, code in enumerate(codes)])
        classes = self._classes(shadows)
        return tuple(
            ((self.name, self.version, classes[:place]), part, codes[part]) for place, part in enumerate(self.parts)
        )

    def follow(self, name: Any, part: int, code: int) -> tuple[Any, int] | bool | None:
        """Where the walk goes on that comes to the node `name` and finds `code` there: a name and its component, or
        whether the claim holds; None if that is not known."""
        _, version, before = name
        if version != self.version:
            return None
        classes = (*before, self._class_of(part, self._orbits.shadow(part, code)))
        if len(classes) < len(self.parts):
            return (self.name, version, classes), self.parts[len(classes)]
        return self._known[classes] is None if classes in self._known else None


class Alike:
    """The claims of a search, in its trees and in what it judges again.

    Args:
        forest: a tree for each claim; support: which steps change a claim.
    """

    def __init__(self, orbits: Orbits, judge: Judge, forest: Forest, support: Support) -> None:
        named = zip(judge.claim_names, judge.claims, strict=True)
        self._claims = [Claim(orbits, name, function) for name, function in named]
        named = zip(judge.rest_names, judge.at_rest, strict=True)
        self._at_rest = [Claim(orbits, name, function) for name, function in named]
        self._forest, self._support = forest, support

    def teach(self, codes: Codes, number: int) -> Problem | None:
        """Learn whether a claim holds in the state `codes`; the problem if not.

        Raises:
            UsageError: it does not say the same of the whole orbit.
        """
        claim = self._claims[number]
        version, problem = claim.version, claim.value(codes)
        if claim.version != version:
            self._forest.forget(number)
            # A state and its permutations are judged as one: what changes the one changes the others.
            for part in claim.parts:
                self._support.ask_anything(number, part)
        self._forest.teach(number, claim.track(codes), BROKEN if problem else HOLDS)
        return problem

    def link(self, number: int, node: int, codes: Codes) -> bool:
        """Learn where a node of the tree of a claim leads for the state `codes`; False if Python has to say."""
        name, part = self._forest.named(node)
        following = self._claims[number].follow(name, part, codes[part])
        if following is None:
            return False
        self._forest.link(node, codes[part], self._target(following))
        return True

    def _target(self, following: tuple[Any, int] | bool) -> int:
        if isinstance(following, bool):
            return -HOLDS if following else -BROKEN
        return self._forest.node(*following)

    def check_rest(self, codes: Codes) -> None:
        """Whether what is claimed of states at rest is the same for the orbit of `codes`.

        Raises:
            UsageError: it is not.
        """
        for claim in self._at_rest:
            claim.value(codes)
