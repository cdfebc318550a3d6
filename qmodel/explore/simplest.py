"""The simplest of all shortest ways to what is wrong, from the edges that lead there."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..compose.result import Problem
from ..compose.step import Choice
from ..compose.trace import Trace, Way, extend

S = TypeVar("S", bound=Hashable)


@dataclass(frozen=True)
class Found(Generic[S]):
    """Something wrong in the state `at`, or in the step `last` out of it; `depth` is that of `at`."""

    problem: Problem
    at: S
    last: Choice | None
    depth: int

    @property
    def steps(self) -> int:
        """How long the shortest way to it is."""
        return self.depth + (self.last is not None)


def simplest(found: Sequence[Found[S]], parents: Callable[[S], Sequence[tuple[S, Choice]]]) -> tuple[Problem, Trace]:
    """Of all shortest ways to all problems found, the simplest, and the problem that it shows.

    Args:
        parents: the edges into a state from the layer before.
    """
    shortest = min(one.steps for one in found)
    ways = [(_simplest_to(one, parents), one.problem) for one in found if one.steps == shortest]
    trace, problem = min(ways, key=lambda way: way[0].simplicity)
    return problem, trace


def _simplest_to(found: Found[S], parents: Callable[[S], Sequence[tuple[S, Choice]]]) -> Trace:
    """Walks the layers between the initial state and `found` forwards, keeping for each state and each last thread
    the best prefix."""
    layers = [{found.at}]
    for _ in range(found.depth):
        layers.append({parent for state in layers[-1] for parent, _ in parents(state)})
    best: dict[S, dict[int, Way]] = {state: {-1: (0, ())} for state in layers[-1]}
    for layer in reversed(layers[:-1]):
        best = {state: _best_prefixes(parents(state), best) for state in layer}
    prefixes = best[found.at].values()
    if found.last is not None:
        return Trace(min(extend(prefix, found.last) for prefix in prefixes)[1])
    return Trace(min(prefixes)[1])


def _best_prefixes(edges: Sequence[tuple[S, Choice]], best: dict[S, dict[int, Way]]) -> dict[int, Way]:
    found: dict[int, Way] = {}
    for parent, choice in edges:
        for prefix in best.get(parent, {}).values():
            longer = extend(prefix, choice)
            if choice.thread not in found or longer < found[choice.thread]:
                found[choice.thread] = longer
    return found
