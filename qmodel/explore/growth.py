"""How a model grows with its scope: the same search at smaller values of each parameter, and a guess for the next."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import dropwhile, takewhile

from ..compose.model import Model
from ..compose.profile import Budget, Estimate, Growth, Point
from ..compose.result import INTERRUPTED, Result
from ..spec.errors import QModelError
from .limits import Limits

Search = Callable[[Model, Limits], Result]


class Scopes:
    """Searches of one system at other scopes, each done once.

    Args:
        model, found: the scope to start from, and the result there.
        search: how models are searched.
        budget: what all these searches may use.
    """

    def __init__(self, model: Model, found: Result, search: Search, budget: Budget) -> None:
        self.system = model.system
        self.parameters = model.system.scopes()
        self._search, self._budget = search, budget
        self._end = time.monotonic() + budget.seconds
        self._found: dict[tuple[int, ...], Result | str] = {tuple(self.system.scope.values()): found}

    def at(self, changes: dict[str, int], seconds: float = math.inf) -> Result | str:
        """What a search finds with some parameters changed, in at most `seconds`, or why there is none."""
        scope = {**self.system.scope, **changes}
        key = tuple(scope.values())
        if key not in self._found:
            self._found[key] = self._searched(scope, seconds)
        return self._found[key]

    def complete(self, changes: dict[str, int], seconds: float = math.inf) -> Result | None:
        """What a search finds there that is over in `seconds`; None if it is not, or is cut short."""
        found = self.at(changes, seconds)
        return None if isinstance(found, str) or _stopped(found) or found.seconds >= seconds else found

    def _searched(self, scope: dict[str, int], seconds: float) -> Result | str:
        left = min(self._end - time.monotonic(), seconds)
        if left <= 0:
            return "no time left"
        try:
            model = Model(type(self.system)(**scope))
        except QModelError as error:
            return str(error)
        found = self._search(model, Limits(states=self._budget.states, seconds=left))
        if found.stopped == INTERRUPTED:
            self._end = 0.0
        return found

    @property
    def short(self) -> float:
        """Seconds that one of many searches may take."""
        return self._budget.seconds / 10

    @property
    def seconds_a_state(self) -> float:
        """Of the largest search: the one in which learning and starting up weigh least."""
        largest = max((r for r in self._found.values() if not isinstance(r, str)), key=lambda result: result.states)
        return largest.seconds / largest.states


def growth(scopes: Scopes, memory: int) -> tuple[Growth, ...]:
    """The growth over each parameter that could be smaller than it is; `memory` is bytes a state."""
    grown = [_grown(scopes, name) for name in list(_with_room(scopes))]
    return tuple(
        Growth(parameter, points, missing, estimate(scopes, parameter, points, memory))
        for parameter, points, missing in grown
    )


def _with_room(scopes: Scopes) -> Iterator[str]:
    """The parameters that could be smaller."""
    return (name for name, scope in scopes.parameters.items() if scopes.system.scope[name] > scope.at_least)


def _grown(scopes: Scopes, parameter: str) -> tuple[str, tuple[Point, ...], str]:
    """The parameter, its points with the smallest value first, and why there are no more."""
    points: list[Point] = []
    for value in range(scopes.system.scope[parameter], scopes.parameters[parameter].at_least - 1, -1):
        found = scopes.at({parameter: value})
        if isinstance(found, str):
            return parameter, tuple(points), f"{parameter}={value} was not searched: {found}"
        points.insert(0, Point(value, found.states, found.seconds, _stopped(found)))
    return parameter, tuple(points), ""


def _stopped(found: Result) -> str:
    """Why a search is not complete: one that a problem cut short is not, either."""
    return found.problem.rule if found.problem else found.stopped


# -- the guess -------------------------------------------------------------------------------------


def estimate(scopes: Scopes, parameter: str, points: Sequence[Point], memory: int) -> Estimate | None:
    """A guess for the value after the last complete search.

    Args:
        points: smallest value first; memory: bytes a state.

    Returns: None if that value is not allowed, or if nothing is known to guess from.
    """
    complete = _last_complete(points)
    at_most = scopes.parameters[parameter].at_most
    if not complete or (at_most is not None and complete[-1].value >= at_most):
        return None
    last = complete[-1]
    guess = by_neighbour(scopes, parameter, last.value) or by_ratio([point.states for point in complete])
    if guess is None:
        return None
    states = round(last.states * guess[0])
    seconds = last.seconds + (states - last.states) * scopes.seconds_a_state
    return Estimate(last.value + 1, states, seconds, states * memory, guess[1])


def _last_complete(points: Sequence[Point]) -> list[Point]:
    """The complete searches right up to the last complete one, smallest value first."""
    latest = dropwhile(lambda point: point.stopped, reversed(points))
    return list(takewhile(lambda point: not point.stopped, latest))[::-1]


def by_neighbour(scopes: Scopes, parameter: str, value: int) -> tuple[Fraction, str] | None:
    """The ratio from `value` to the next in a system that is smaller in another parameter, and how it was found.

    Of several the largest: what makes each other grow is more in the system itself than in any of these.
    """
    others = (other for other in _with_room(scopes) if other != parameter)
    return max(filter(None, (_beside(scopes, parameter, value, other) for other in others)), default=None)


def _beside(scopes: Scopes, parameter: str, value: int, other: str) -> tuple[Fraction, str] | None:
    """That ratio at the largest value of `other` below its own where it takes short searches to know."""
    for less in range(scopes.system.scope[other] - 1, scopes.parameters[other].at_least - 1, -1):
        before = scopes.complete({other: less, parameter: value}, scopes.short)
        after = scopes.complete({other: less, parameter: value + 1}, scopes.short) if before else None
        if before and after:
            return Fraction(
                after.states, before.states
            ), f"x {after.states / before.states:.2f}, as with {other}={less}"
    return None


def by_ratio(counts: Sequence[int]) -> tuple[Fraction, str] | None:
    """The ratio of what follows `counts` to the last of them, from their last ratio and how that changed.

    The change is 1 where growth is exponential, and below 1 where it is a polynomial.  Growth that ends is not taken
    to shrink.
    """
    if len(counts) < 2:
        return None
    *earlier, before, last = counts
    ratio, method = Fraction(last, before), f"x {last / before:.2f}, the last ratio"
    if earlier:
        change = ratio / Fraction(before, earlier[-1])
        ratio *= change
        method = f"x {float(ratio):.2f}, the last ratio times its change of {float(change):.2f}"
    return (ratio, method) if ratio >= 1 else (Fraction(1), f"{method}, but not fewer than before")
