"""The last stage of shrinking: no shorter trace consists of the same steps.

Hypothesis deletes and lowers choices one place at a time; it cannot move a step past another one and drop a third at
once.  This stage can: it searches, breadth first, all runs that take only steps which the found trace takes (the same
thread, arrow and picks, in any order and number), and keeps the simplest that breaks the same rule.  That is a small
part of the state space, since what the trace did not need (other threads, outcomes, timeouts, calls) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..compose.result import Problem
from ..compose.step import Cells, Choice
from ..compose.trace import Trace
from .walk import Atlas

_Ranked = tuple[int, tuple[Choice, ...]]
"""Context switches, and the choices: of two ways of one length, the smaller one is the simpler."""

_Layer = dict[Cells, dict[int, _Ranked]]
"""For each state of one depth, and each thread that may have run last, the simplest way there."""


@dataclass(frozen=True)
class Shortened:
    """A trace and its problem; `minimal` if no trace of the same steps is simpler."""

    trace: Trace
    problem: Problem
    minimal: bool


def shorten(atlas: Atlas, trace: Trace, problem: Problem, budget: int) -> Shortened:
    """The simplest trace of the steps of `trace` that breaks the same rule; gives up after `budget` states."""
    layer: _Layer = {atlas.model.initial(): {-1: (0, ())}}
    alphabet, seen = frozenset(trace.choices), set(layer)
    for _ in range(len(trace)):
        layer, failures = _advance(atlas, layer, seen, alphabet)
        seen.update(layer)
        failures += [
            (way, wrong) for state in layer if (wrong := atlas.look(state).problem) for way in _ways(layer, state)
        ]
        same = [(Trace(way), wrong) for way, wrong in failures if wrong.rule == problem.rule]
        if same:
            shortest = min([(trace, problem), *same], key=lambda found: found[0].simplicity)
            return Shortened(*shortest, minimal=True)
        if len(seen) > budget:
            break
    return Shortened(trace, problem, minimal=False)


def _advance(
    atlas: Atlas, layer: _Layer, seen: set[Cells], alphabet: frozenset[Choice]
) -> tuple[_Layer, list[tuple[tuple[Choice, ...], Problem]]]:
    """The states one step behind `layer` that are new, and the steps there that break a rule."""
    following: _Layer = {}
    failures: list[tuple[tuple[Choice, ...], Problem]] = []
    for state, ways in layer.items():
        prospect = atlas.look(state)
        if prospect.problem is not None:
            continue
        for step, wrong in zip(prospect.steps, prospect.outcomes, strict=True):
            if wrong is None and step.choice not in alphabet and not atlas.knows(step.state):
                continue
            way = min(_extend(way, step.choice) for way in ways.values())
            if wrong is not None:
                failures.append((way[1], wrong))
            elif step.state is not None and step.state not in seen:
                known = following.setdefault(step.state, {})
                known[step.choice.thread] = min(way, known.get(step.choice.thread, way))
    return following, failures


def _ways(layer: _Layer, state: Cells) -> list[tuple[Choice, ...]]:
    return [choices for _, choices in layer[state].values()]


def _extend(way: _Ranked, choice: Choice) -> _Ranked:
    switches, choices = way
    return switches + bool(choices and choices[-1].thread != choice.thread), (*choices, choice)
