"""Properties: plain Python over a read-only overview of a state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..spec.states import Arrow

Predicate = Callable[[Any], object]


@dataclass(frozen=True, eq=False)
class Property:
    """A named claim.

    Attributes:
        kind: "always" (every state), "never" (no state), "at rest" (every quiescent state) or "exactly once".
        name: what a verdict calls it, e.g. "INV-TP1".
        says: the claim in a sentence.
        holds: the predicate, for all kinds but "exactly once".
        moves: for "exactly once": the lifecycle arrows of which an object takes exactly one in its life.
    """

    kind: str
    name: str
    says: str
    holds: Predicate | None = None
    moves: tuple[Arrow, ...] = ()
    of: type | None = None


def _stated(kind: str, name: str) -> Callable[[Predicate], Property]:
    def decorate(predicate: Predicate) -> Property:
        return Property(kind, name, " ".join((predicate.__doc__ or "").split()), predicate)

    return decorate


def always(name: str) -> Callable[[Predicate], Property]:
    """`predicate(overview)` is true in every reachable state; the docstring is the claim."""
    return _stated("always", name)


def never(name: str) -> Callable[[Predicate], Property]:
    """`predicate(overview)` is true in no reachable state."""
    return _stated("never", name)


def at_rest(name: str) -> Callable[[Predicate], Property]:
    """`predicate(overview)` is true whenever nothing can move any more."""
    return _stated("at rest", name)


def exactly_once(name: str, kind: type, *moves: Arrow, says: str = "") -> Property:
    """Every object of `kind` takes exactly one of `moves`, once, between allocation and release."""
    return Property("exactly once", name, says, moves=moves, of=kind)
