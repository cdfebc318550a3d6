"""Whole runs: what must happen eventually, and a loop that is busy for nothing.

A run that breaks such a claim is a lasso: a way to where the claim is open, and a cycle, or an end where nothing has to
move, that never settles it.  Fair cycles lie in strongly connected components (scipy's: Pearce's variant of Tarjan's
algorithm) of what is left of the graph when the settled states are taken away; what cannot be on a fair cycle of a
component is taken out of it, and the rest is looked at again (Emerson and Lei, "Modalities for model checking", 1987).

Everything is decided on a complete graph, after safety holds: a graph with a bound lacks edges, and its cycles and its
ends say nothing about runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from ..compose.model import Model
from ..compose.properties import Predicate, Property
from ..compose.result import BUSY_LOOP, INTERRUPTED, Problem, Result, Verdict, about_runs
from ..compose.step import Choice
from ..compose.trace import Trace
from ..spec.errors import StepError, UsageError
from .assume import Assumptions, Promise
from .graph import Graph, Mask, around, reach
from .lasso import ClosedWalks, Region, trace_of


@dataclass(frozen=True, eq=False)
class Question:
    """Is there a fair run that goes wrong in this way?

    Attributes:
        problem: what is wrong with it.
        start: bool[n], where it may begin to go wrong.
        inside: bool[n], the states that it must not leave from then on.
        without: bool[m], the edges that it must not take from then on.
        busy: bool[m], edges of which it must take some again and again, so that staying is no answer; None if any do.
    """

    problem: Problem
    start: Mask
    inside: Mask
    without: Mask
    busy: Mask | None = None

    def promises(self, edges: NDArray[np.int64]) -> list[Promise]:
        if self.busy is None:
            return []
        return [Promise("busy", np.ones(len(edges), np.bool_), self.busy[edges])]


def decide(
    safe: Result,
    properties: Sequence[Property] | None = None,
    told: Callable[[int], None] | None = None,
    explored: Callable[[], Graph] | None = None,
) -> Result:
    """`safe`, a result that HOLDS, after its model's claims about runs were looked at as well.

    Args:
        properties: those to decide; the system's by default.  That no loop is busy is always one of them.
        told: called now and then with the number of states so far.
        explored: where the complete graph comes from; explored again by the reference steps, by default.

    Raises:
        ValueError: the result does not hold.
    """
    if safe.verdict is not Verdict.HOLDS:
        raise ValueError("runs are looked at when every state and step is right")
    started = time.monotonic()
    claims = safe.model.properties if properties is None else properties
    try:
        found = look(safe.model, explored() if explored else reach(safe.model, told), claims)
    except KeyboardInterrupt:
        return replace(safe, verdict=Verdict.INCONCLUSIVE, stopped=INTERRUPTED)
    decided = about_runs(safe.model, claims)
    result = replace(
        safe,
        seconds=safe.seconds + time.monotonic() - started,
        decided=tuple(decided),
        vacuous=tuple(name for name in decided if name not in found.begun),
    )
    if found.lasso is None:
        return result
    problem, trace = found.lasso
    return replace(result, verdict=Verdict.VIOLATED, problem=problem, trace=trace)


@dataclass(frozen=True)
class Runs:
    """What the fair runs of a graph show.

    Attributes:
        lasso: the simplest of the shortest lassos of all claims that do not hold, with its problem; None if all hold.
        begun: names of the claims that some run has to settle; the others hold because nothing ever asks for them.
    """

    lasso: tuple[Problem, Trace] | None
    begun: frozenset[str]


def look(model: Model, graph: Graph, claims: Sequence[Property]) -> Runs:
    """Decide those of `claims` that are about runs, and that no loop is busy."""
    assumed = Assumptions(model, graph)
    found: list[tuple[Problem, Trace]] = []
    begun: set[str] = set()
    for question in questions(model, graph, claims):
        if question.start.any():
            begun.add(question.problem.rule)
            trace = answer(graph, assumed, question)
            found += [(question.problem, trace)] if trace is not None else []
    return Runs(min(found, key=lambda pair: pair[1].simplicity, default=None), frozenset(begun))


def answer(graph: Graph, assumed: Assumptions, question: Question) -> Trace | None:
    """The shortest lasso that goes wrong as `question` asks, if there is one."""
    inside = question.inside
    allowed = inside[graph.source] & inside[graph.target] & ~question.without
    region = Region.explore(graph, question.start & inside, allowed)
    edges = region.edges()
    promises = [*assumed.promises(edges), *question.promises(edges)]
    fair = fair_edges(graph.source[edges], graph.target[edges], graph.states, promises)
    found: list[Trace] = []
    if fair.any():
        kept = [Promise(p.of, p.request[fair], p.response[fair]) for p in promises]
        state, loop = ClosedWalks(region, edges[fair], kept).shortest()
        found.append(trace_of(region, np.array([state]), loop))
    if question.busy is None:
        ends = np.flatnonzero((region.far >= 0) & assumed.may_stay())
        if len(ends):
            far = region.far[ends]
            found.append(trace_of(region, ends[far == far.min()], []))
    return min(found, key=lambda trace: trace.simplicity, default=None)


def fair_edges(source: NDArray[Any], target: NDArray[Any], states: int, promises: list[Promise]) -> Mask:
    """bool[k]: of k edges, those that lie on a cycle which keeps every promise.

    Each strongly connected component of what is returned keeps all promises as a whole, and no such cycle is lost: a
    request whose component has no response is on none of them.
    """
    kept = np.ones(len(source), np.bool_)
    while kept.any():
        ones = np.ones(int(kept.sum()), np.int32)
        graph = csr_matrix((ones, (source[kept], target[kept])), shape=(states, states))
        count, component = connected_components(graph, directed=True, connection="strong")
        of = component[source]
        kept &= of == component[target]
        broken = np.zeros(len(source), np.bool_)
        for promise in promises:
            asked = _components_with(kept & promise.request, of, count)
            answered = _components_with(kept & promise.response, of, count)
            broken |= promise.request & (asked & ~answered)[of]
        if not (kept & broken).any():
            break
        kept &= ~broken
    return kept


def _components_with(edges: Mask, of: NDArray[Any], count: int) -> Mask:
    found = np.zeros(count, np.bool_)
    found[of[edges]] = True
    return found


# -- what is asked ---------------------------------------------------------------------------------


def questions(model: Model, graph: Graph, claims: Sequence[Property]) -> Iterator[Question]:
    """One for each claim about runs, for each object if it is made for each of a class; and for each notifier."""
    for claim in claims:
        if claim.about_runs:
            yield from _asked_by(model, graph, claim)
    yield from _busy_loops(model, graph)


def _asked_by(model: Model, graph: Graph, claim: Property) -> Iterator[Question]:
    nothing = np.zeros(len(graph.source), np.bool_)
    assert claim.holds is not None
    for name, index in _objects(model, claim):
        problem = Problem(claim.name, f"{name}: {claim.says}" if name else claim.says)
        is_open = graph.holds(_open(model, claim, index))
        if claim.premise is None:
            start = np.zeros(graph.states, np.bool_)
            start[0] = True
        else:
            start = graph.holds(_true(model, claim, claim.premise, index))
        yield Question(problem, start & is_open, is_open, nothing)


def _objects(model: Model, claim: Property) -> list[tuple[str, int]]:
    """The name and index of each object that the claim is made for; of none, if it is about the state as a whole."""
    if claim.each is None:
        return [("", -1)]
    objects = model.layout.objects[model.layout.resolve(claim.each)]
    return [(name, index) for index, name in enumerate(objects.names)]


def _true(model: Model, claim: Property, predicate: Predicate, index: int) -> Callable[[list[int]], bool]:
    """Whether the predicate is true of a state's cells; of an object that is not allocated, nothing is."""

    def evaluate(cells: list[int]) -> bool:
        overview = model.overview([])
        model.store.cells = cells
        try:
            if claim.each is None:
                return bool(predicate(overview))
            kind = model.layout.resolve(claim.each)
            alive = cells[model.layout.objects[kind].bases[index]]
            return bool(alive and predicate(overview, model.store.tables[kind][index + 1]))
        except StepError as error:
            raise UsageError(f"{claim.name} cannot be evaluated: {error.message}") from None

    return evaluate


def _open(model: Model, claim: Property, index: int) -> Callable[[list[int]], bool]:
    """Whether the claim is still to be settled: its predicate is not true, and its object was not freed."""
    assert claim.holds is not None
    settles = claim.holds

    def unsettled(*seen: Any) -> bool:
        return not settles(*seen)

    return _true(model, claim, unsettled, index)


def _busy_loops(model: Model, graph: Graph) -> Iterator[Question]:
    """A notifier is up all the time, some thread polls it again and again, and nothing sets it: no work is new."""
    for slot in sorted(model.levels):
        busy = graph.edges(slot in action.polls for action in graph.actions)
        if not busy.any():
            continue
        up = graph.holds(lambda cells, slot=slot: bool(cells[slot]))  # type: ignore[misc]
        name = model.layout.slots[slot].name
        problem = Problem(BUSY_LOOP, f"{name} stays up for ever: it is polled again and again, and nothing sets it")
        raised = graph.edges(slot in action.raises for action in graph.actions)
        yield Question(problem, up, up, raised, busy)


# -- a given lasso ---------------------------------------------------------------------------------


def judge_lasso(model: Model, trace: Trace, claims: Sequence[Property]) -> Problem | None:
    """The first claim about runs that the run without an end `trace` breaks.

    Raises:
        UsageError: its loop does not close.
    """
    trace.check_loop(model)
    assert trace.loop is not None
    states = trace.states(model)
    graph = around(model, states)
    index = {graph.state(i): i for i in range(graph.states)}
    way = np.array([index[state] for state in states])
    edges = np.array([_edge(graph, int(way[i]), choice) for i, choice in enumerate(trace.choices)], np.int64)
    loop = edges[trace.loop :]
    assumed = Assumptions(model, graph)
    if not (all(p.keeps() for p in assumed.promises(loop)) if len(loop) else assumed.may_stay()[way[-1]]):
        return None
    for question in questions(model, graph, claims):
        if _goes_wrong(question, way, loop):
            return question.problem
    return None


def _edge(graph: Graph, state: int, choice: Choice) -> int:
    return next(
        edge
        for edge in range(int(graph.first[state]), int(graph.first[state + 1]))
        if graph.actions[graph.action[edge]].choice == choice
    )


def _goes_wrong(question: Question, way: NDArray[Any], loop: NDArray[np.int64]) -> bool:
    """Whether a lasso goes wrong as asked: the states on its way, and the edges of its loop."""
    left = np.flatnonzero(~question.inside[way])
    begins = int(left[-1]) + 1 if len(left) else 0
    started = question.start[way[begins:]].any()
    busy = question.busy is None or (len(loop) and question.busy[loop].any())
    return bool(started and busy and not question.without[loop].any())
