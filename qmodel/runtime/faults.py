"""Faults by the names that they have in the models; each strikes at its own rate."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping

from ..spec.errors import UsageError

FAULTS = {
    "EIO": "a transfer fails with EIO",
    "ENOSPC": "a write fails with ENOSPC",
    "EINTR": "a transfer is interrupted before it moved a byte, and repeated",
    "short": "a transfer moves half of the bytes, and the rest in a second call",
    "slow": "a worker is delayed by 10 ms before its transfer",
    "spurious": "a condition wakes up without having been signalled",
}
ERRNOS = ("EIO", "ENOSPC")


class Faults:
    """Which faults strike, and how often they did.

    Args:
        rates: probability 0..1 by name.
    """

    def __init__(self, rates: Mapping[str, float]) -> None:
        self.rates = dict(rates)
        self.struck: Counter[str] = Counter()

    def strikes(self, name: str, rng: random.Random) -> bool:
        """Whether the fault `name` happens now, as `rng` (the one of the asking thread) decides."""
        rate = self.rates.get(name, 0.0)
        if not rate or rng.random() >= rate:
            return False
        self.struck[name] += 1
        return True


def parse_faults(texts: Iterable[str]) -> dict[str, float]:
    """Rates by name, of "EIO=1%" or "short=0.25".

    Raises:
        UsageError: a text is not of that form, or names no fault.
    """
    rates: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if name not in FAULTS:
            raise UsageError(f"there is no fault `{name}`; there are {', '.join(FAULTS)}")
        rates[name] = _rate(text, value) if equals else 0.01
    return rates


def _rate(text: str, value: str) -> float:
    try:
        rate = float(value.removesuffix("%")) / (100 if value.endswith("%") else 1)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1:
        raise UsageError(f"`--fault {text}` is not of the form NAME=RATE, with a rate such as 1% or 0.01")
    return rate
