"""Claims that say the same of all states of an orbit, and how that is made sure.

A search that visits one state of each orbit judges that one.  So a claim must not tell its orbit apart, and since a
claim is any Python, this is found out while searching.  It would be slow to try every permutation on every state, and
too little to try those on which the claim is taught: what it looks at in one state says nothing of its permutations.

Hence a claim is taught by classes.  Two numbers of a component are in one class if all that the claim ever looked at
there, also under permutations, is alike.  Then two states whose components are all in the same classes are alike for
the claim, and so are their permutations: trying the permutations of one is enough for both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...compose.questions import Question
from ...compose.result import Problem
from ...compose.step import Cells
from ...spec.errors import UsageError
from ..learn import LearnedFunction
from .components import Codes
from .orbits import Orbits
from .situations import Track

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
        self._permutations = self._orbits.permutations(self.parts)

    # -- its value ---------------------------------------------------------------------------------

    def value(self, codes: Codes) -> Problem | None:
        """What is wrong by it with the state `codes`, and with all states of its orbit.

        Raises:
            UsageError: with some of them only.
        """
        state = self._orbits.components.decode(codes)
        problem = self._evaluate(state)
        if self.classes(codes) not in self._known:
            while not self._try_permutations(state, codes, problem):
                self._forget()
        return problem

    def _evaluate(self, state: Cells) -> Problem | None:
        problem = self._function(state)
        of_slot = self._orbits.components.of_slot
        for node in self._function.path(state):
            self._keys.setdefault(node.key, of_slot[node.key if isinstance(node.key, int) else node.key.slot])
        return problem

    def _try_permutations(self, state: Cells, codes: Codes, problem: Problem | None) -> bool:
        """Whether every permutation was tried without the claim looking at anything new."""
        tried: dict[Classes, Problem | None] = {}
        for tau, pi in self._permutations:
            classes = self._permuted_classes(codes, tau, pi)
            if classes in tried:
                continue
            permuted = self._orbits.permute(state, tau, pi)
            tried[classes] = self._evaluate(permuted)
            if (tried[classes] is None) != (problem is None):
                raise UsageError(self._complaint(state, tau, pi))
            if len(self._keys) > sum(map(len, self._looks.values())):
                return False
        self._known.update(tried)
        return True

    def _complaint(self, state: Cells, tau: int, pi: int) -> str:
        wanted = self._function(state) is None
        symmetry = self._orbits.symmetry
        what = symmetry.describe()
        for exchange, one, two in symmetry.transpositions():
            if (self._function(symmetry.permute(state, exchange)) is None) != wanted:
                what = f"{one} from {two}"
                break
        return f"property {self.name} tells {what} apart; it cannot be checked with --symmetry"

    # -- classes -----------------------------------------------------------------------------------

    def classes(self, codes: Sequence[int]) -> Classes:
        """The class of each of `parts`."""
        return tuple([self.class_of(part, codes[part]) for part in self.parts])

    def _permuted_classes(self, codes: Codes, tau: int, pi: int) -> Classes:
        found = [0] * len(self.parts)
        for part in self.parts:
            target, code = self._orbits.image(part, codes[part], tau, pi)
            found[self._place[target]] = self.class_of(target, code)
        return tuple(found)

    def class_of(self, part: int, code: int) -> int:
        """The class of the number `code` of a component."""
        found = self._class.get((part, code))
        if found is None:
            images = self._orbits.images(part, code)
            what = part, tuple([self._answer(target, image) for target, image in images])
            found = self._class[part, code] = self._numbers.setdefault(what, len(self._numbers))
        return found

    def _answer(self, part: int, code: int) -> tuple[Any, ...]:
        """All that the claim looks at in a component."""
        if code not in self._answers[part]:
            cells = self._orbits.cells(part, code) if part in self._looks else ()
            looks = self._looks.get(part, ())
            self._answers[part][code] = tuple([cells[k] if isinstance(k, int) else k(cells) for k in looks])
        return self._answers[part][code]

    # -- as a tree ---------------------------------------------------------------------------------

    def track(self, codes: Codes) -> Track:
        """The walk that finds out the classes of `codes`, one component after the other."""
        classes = self.classes(codes)
        return tuple(
            ((self.name, self.version, classes[:place]), part, codes[part]) for place, part in enumerate(self.parts)
        )

    def follow(self, name: Any, part: int, code: int) -> tuple[Any, int] | bool | None:
        """Where the walk goes on that comes to the node `name` and finds `code` there: a name and its component, or
        whether the claim holds; None if that is not known."""
        _, version, before = name
        if version != self.version:
            return None
        classes = (*before, self.class_of(part, code))
        if len(classes) < len(self.parts):
            return (self.name, version, classes), self.parts[len(classes)]
        return self._known[classes] is None if classes in self._known else None
