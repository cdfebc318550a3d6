"""What the environment of the thread pool decides: when to submit, to cancel, to poll; from one seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from ..compose.step import ArrowCode
from .plan import Location

RESUBMITS, NESTS, CANCELS = 0.05, 0.25, 0.05
"""How often a callback submits, polls for another request, or cancels it, where the scope lets it."""


class ThreadPoolPolicy:
    """Keeps as many requests in flight as the scope allows; may cancel one after each submission.

    Args:
        cancel: probability 0..1 that a submission is followed by the cancellation of a random request in flight.
    """

    def __init__(self, seed: int, cancel: float) -> None:
        self._rng = random.Random(f"{seed}:policy")
        self._cancel = cancel
        self._has_submitted = False
        self._orders: dict[tuple[int, tuple[str, ...]], list[ArrowCode]] = {}

    def order(self, location: Location) -> Sequence[ArrowCode]:
        wanted = self._owner() if any(c.name == "poll" for c in location.codes) else self._callback()
        key = id(location), wanted
        if key not in self._orders:
            rank = {name: place for place, name in enumerate(wanted)}
            self._orders[key] = sorted(location.codes, key=lambda code: rank.get(code.name, len(rank)))
        return self._orders[key]

    def _owner(self) -> tuple[str, ...]:
        cancels = self._has_submitted and self._rng.random() < self._cancel
        self._has_submitted = not cancels
        return ("cancel", "submit", "poll", "finish") if cancels else ("submit", "poll", "finish")

    def _callback(self) -> tuple[str, ...]:
        names = ("resubmit", "wait_for", "cancel", "leave")
        rates = (RESUBMITS, NESTS, CANCELS, 1 - RESUBMITS - NESTS - CANCELS)
        return (self._rng.choices(names, rates)[0], "leave")

    def pick(self, options: Sequence[Any], what: str) -> int:
        return self._rng.randrange(len(options))
