"""Which claims a step can change: only those are judged again after it.

What a claim has asked about a component, ever, is remembered: slots, and questions to a stack, each after what it had
asked about that component before.  A step that changes no answer that is asked for leaves the claim's walk through its
tree as it was before the step, node by node, and with it the claim's value.  (The walk before the step is known: that
state was judged, or its walk is that of the state before it.)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...compose.questions import Question
from .growing import Growing
from .situations import Situations

Key = int | Question
"""What is asked of a component: a slot, or a question to a stack."""

Chain = tuple[tuple[Key, Any], ...]
"""What a walk has asked of one component so far, with the answers."""

UNKNOWN = -1
"""Instead of a number: what a component holds before, or after, depends on the state."""


class Change(NamedTuple):
    """The numbers of a component before and after a step."""

    part: int
    before: int
    after: int


class Support:
    """Keeps, for each outcome of a situation, the claims that it can change, as bits.

    Args:
        seen: int64[outcomes, ...]: its last column takes the bits.
    """

    def __init__(self, situations: Situations, seen: Growing) -> None:
        parts = len(situations.components.parts)
        self._situations, self._seen = situations, seen
        self._asked: list[dict[tuple[Chain, Key], int]] = [{} for _ in range(parts)]
        self._anything = [0] * parts
        self._changes: list[list[tuple[int, int, int]]] = [[] for _ in range(parts)]
        self._answers: dict[tuple[Key, int], Any] = {}

    def add_outcome(self, changes: Iterable[Change]) -> int:
        """The claims that can see `changes`, those of the next outcome."""
        bits = 0
        for part, before, after in changes:
            self._changes[part].append((self._seen.count, before, after))
            bits |= self._anything[part]
            for asked, claims in self._asked[part].items():
                if bits | claims != bits and self._differs(asked, part, before, after):
                    bits |= claims
        return bits

    def ask(self, claim: int, part: int, chain: Chain, key: Key) -> None:
        """A claim looks at something; steps that change it change the claim."""
        asked, bit = (chain, key), 1 << claim
        claims = self._asked[part].get(asked, 0)
        if claims & bit:
            return
        self._asked[part][asked] = claims | bit
        for outcome, before, after in self._changes[part]:
            if self._differs(asked, part, before, after):
                self._seen.rows[outcome, -1] |= bit

    def ask_anything(self, claim: int, part: int) -> None:
        """A claim may have looked at anything in a component."""
        self._anything[part] |= 1 << claim
        for outcome, _, _ in self._changes[part]:
            self._seen.rows[outcome, -1] |= 1 << claim

    def parts(self, claim: int) -> list[int]:
        """The components that a claim has looked at."""
        asked = zip(self._anything, self._asked, strict=True)
        return [
            part
            for part, (anything, keys) in enumerate(asked)
            if any(claims >> claim & 1 for claims in (anything, *keys.values()))
        ]

    def _differs(self, asked: tuple[Chain, Key], part: int, before: int, after: int) -> bool:
        """Whether a walk that asks, after `chain`, finds another answer after the change than before it."""
        if UNKNOWN in (before, after):
            return True
        chain, key = asked
        if any(self.answer(earlier, part, before) != found for earlier, found in chain):
            return False
        return bool(self.answer(key, part, before) != self.answer(key, part, after))

    def answer(self, key: Key, part: int, code: int) -> Any:
        """What a component that holds the number `code` answers."""
        if (key, code) not in self._answers:
            self._answers[key, code] = self._situations.answer(key, part, code)
        return self._answers[key, code]
