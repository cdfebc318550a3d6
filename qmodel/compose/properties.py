"""Properties: plain Python over a read-only overview of a state.

`always`, `never`, `at_rest` and `exactly_once` are about states and steps; every search judges them.  `eventually` and
`leads_to` are about whole runs; they are decided on the cycles of the complete graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..spec.states import Arrow

Predicate = Callable[..., object]
"""Of the overview; of the overview and an object, if the property is stated for `each` object of a class."""


@dataclass(frozen=True, eq=False)
class Property:
    """A named claim.

    Attributes:
        kind: "always" (every state), "never" (no state), "at rest" (every quiescent state), "exactly once";
            "eventually" or "leads to" (every fair run).
        name: what a verdict calls it, e.g. "INV-TP1".
        says: the claim in a sentence.
        holds: the predicate, for all kinds but "exactly once"; for "leads to" the consequence.
        moves: for "exactly once": the lifecycle arrows of which an object takes exactly one in its life.
        premise: for "leads to": from where the consequence must follow.
        each: the class of objects for each of which the claim is made; None if it is about the state as a whole.
    """

    kind: str
    name: str
    says: str
    holds: Predicate | None = None
    moves: tuple[Arrow, ...] = ()
    of: type | None = None
    premise: Predicate | None = None
    each: type | None = None

    @property
    def about_runs(self) -> bool:
        """Whether it takes a whole run to break it, so that no search of states alone can."""
        return self.kind in ("eventually", "leads to")


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


def eventually(name: str) -> Callable[[Predicate], Property]:
    """On every fair run, `predicate(overview)` is true at some point."""
    return _stated("eventually", name)


def leads_to(name: str, premise: Predicate, each: type | None = None) -> Callable[[Predicate], Property]:
    """From every state where `premise(overview)` is true, every fair run reaches one where the predicate is.

    Args:
        each: make the claim for each object of this class, which premise and predicate are given as their second
            argument, from where it is allocated until it is freed.
    """

    def decorate(predicate: Predicate) -> Property:
        return replace(_stated("leads to", name)(predicate), premise=premise, each=each)

    return decorate


def exactly_once(name: str, kind: type, *moves: Arrow, says: str = "") -> Property:
    """Every object of `kind` takes exactly one of `moves`, once, between allocation and release."""
    return Property("exactly once", name, says, moves=moves, of=kind)
