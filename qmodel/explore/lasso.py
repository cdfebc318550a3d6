"""The shortest run without an end that breaks a property: a way there, and a closed walk.

The way is a shortest one, and of these the simplest.  The closed walk is found by breadth-first search over states and
kept promises, from every state on a fair cycle, nearest first: the lasso is the shortest there is, unless `BUDGET` is
used up before all are tried.  Then it is the shortest found; and if none was found, a greedy walk from the nearest
state to the nearest response to each promise in turn and back, which is fair, and as short as it happens to be.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compose.trace import Trace, Way, extend
from .assume import Promise
from .graph import Graph, Indices, Mask

BUDGET = 300_000
"""States, each with a set of kept promises, that the search for closed walks may visit."""

_MOST_PROMISES = 62
"""Bits of an int64 that a set of promises is kept in."""


@dataclass(frozen=True, eq=False)
class Region:
    """Where a run that breaks a property can go after it begins to.

    Attributes:
        start: bool[n], where it may begin to.
        allowed: bool[m], the edges that it may take from then on.
        far: int32[n], the length of the shortest run that is there and has begun to; -1 where none is.
    """

    graph: Graph
    start: Mask
    allowed: Mask
    far: Indices

    @classmethod
    def explore(cls, graph: Graph, start: Mask, allowed: Mask) -> Region:
        """Breadth first, a layer at a time; a state of `start` joins the layer of its depth."""
        far = np.full(graph.states, -1, np.int32)
        begins = np.flatnonzero(start)
        begins = begins[np.argsort(graph.depth[begins], kind="stable")]
        depths = graph.depth[begins]
        last = int(depths[-1]) if len(depths) else -1
        layer, level = begins[:0], 0
        while len(layer) or level <= last:
            begun = begins[np.searchsorted(depths, level) : np.searchsorted(depths, level, "right")]
            begun = begun[far[begun] < 0]
            far[begun] = level
            edges = graph.out_of(np.concatenate([layer, begun]))
            layer = np.unique(graph.target[edges[allowed[edges]]])
            layer = layer[far[layer] < 0]
            level += 1
            far[layer] = level
        return cls(graph, start, allowed, far)

    def edges(self) -> NDArray[np.int64]:
        """Indices of the edges that a run may take once it has begun to break the property."""
        return np.flatnonzero(self.allowed & (self.far[self.graph.source] >= 0))


def simplest_way(region: Region, ends: NDArray[np.int64]) -> Way:
    """Of all shortest ways to `ends`, which are equally far, the simplest."""
    return _Ways(region).to(ends)


_Place = tuple[int, bool]
"""A state, and whether the run has begun to break the property there."""


class _Ways:
    """Shortest ways, backwards."""

    def __init__(self, region: Region) -> None:
        self._region, graph = region, region.graph
        self._by_target = np.argsort(graph.target, kind="stable")
        self._first = np.searchsorted(graph.target[self._by_target], np.arange(graph.states + 1))

    def to(self, ends: NDArray[np.int64]) -> Way:
        places = {(int(end), True) for end in ends}
        behind: list[dict[_Place, list[tuple[_Place, int]]]] = []
        for _ in range(int(self._region.far[ends[0]])):
            behind.append({place: self._before(*place) for place in sorted(places)})
            places = {before for found in behind[-1].values() for before, _ in found}
        best: dict[_Place, dict[int, Way]] = {place: {-1: (0, ())} for place in places}
        for layer in reversed(behind):
            best = {place: self._best(found, best) for place, found in layer.items()}
        return min(way for ways in best.values() for way in ways.values())

    def _before(self, state: int, begun: bool) -> list[tuple[_Place, int]]:
        """The places one step nearer from which a shortest way leads here, each with the edge."""
        graph, far, depth = self._region.graph, self._region.far, self._region.graph.depth
        edges = self._by_target[self._first[state] : self._first[state + 1]]
        found: list[tuple[_Place, int]] = []
        if begun:
            inside = edges[self._region.allowed[edges]]
            found += [((int(graph.source[e]), True), int(e)) for e in inside if far[graph.source[e]] == far[state] - 1]
        if not begun or (self._region.start[state] and far[state] == depth[state]):
            found += [
                ((int(graph.source[e]), False), int(e)) for e in edges if depth[graph.source[e]] == depth[state] - 1
            ]
        return found

    def _best(self, found: list[tuple[_Place, int]], best: dict[_Place, dict[int, Way]]) -> dict[int, Way]:
        """For each last thread the simplest way along one of `found`."""
        graph = self._region.graph
        ways: dict[int, Way] = {}
        for before, edge in found:
            choice = graph.actions[graph.action[edge]].choice
            for way in best.get(before, {}).values():
                longer = extend(way, choice)
                ways[choice.thread] = min(longer, ways.get(choice.thread, longer))
        return ways


def trace_of(region: Region, ends: NDArray[np.int64], loop: list[int]) -> Trace:
    """The lasso along the simplest way to one of `ends`, and from there along the edges `loop`."""
    graph = region.graph
    _, way = simplest_way(region, ends)
    return Trace(way + tuple(graph.actions[graph.action[edge]].choice for edge in loop), loop=len(way))


# -- the closed walk -------------------------------------------------------------------------------


_Node = tuple[int, int, int]
"""A state, the promises with a request and no response so far, and those with a response; both as bit sets."""


class ClosedWalks:
    """Closed walks along `edges` (indices), all of which lie on fair cycles, that keep every one of `promises`."""

    def __init__(self, region: Region, edges: NDArray[np.int64], promises: list[Promise]) -> None:
        self._region, self._edges, self._budget = region, edges, BUDGET
        self._promises = [p for p in promises if p.request.any() and not p.response.all()]
        graph = region.graph
        self._inside = np.zeros(len(graph.source), np.bool_)
        self._inside[edges] = True
        self._place = np.cumsum(self._inside) - 1
        self._requests = _bits([p.request for p in self._promises], len(edges))
        self._responses = _bits([p.response for p in self._promises], len(edges))

    def shortest(self) -> tuple[int, list[int]]:
        """The state where the shortest lasso enters its loop, and the edges of that."""
        far = self._region.far
        states = np.unique(self._region.graph.source[self._edges])
        best: tuple[int, list[int]] | None = None
        for state in states[np.argsort(far[states], kind="stable")]:
            most = None if best is None else int(far[best[0]]) + len(best[1]) - int(far[state]) - 1
            if self._budget <= 0 or len(self._promises) > _MOST_PROMISES or (most is not None and most < 1):
                break
            loop = self._from(int(state), most)
            if loop is not None:
                best = int(state), loop
        return best or self._greedy(int(states[np.argmin(far[states])]))

    def _from(self, start: int, most: int | None) -> list[int] | None:
        """The shortest closed walk from `start`, if it has at most `most` edges and the budget suffices."""
        first = (start, 0, 0)
        came: dict[_Node, tuple[_Node, int]] = {}
        layer, length = deque([first]), 0
        while layer and (most is None or length < most):
            length += 1
            for _ in range(len(layer)):
                here = layer.popleft()
                for there, edge in self._next(here):
                    if there[0] == start and not there[1]:
                        return [*self._back(came, here), edge]
                    if there not in came:
                        came[there] = here, edge
                        layer.append(there)
                        self._budget -= 1
            if self._budget <= 0:
                return None
        return None

    def _next(self, here: _Node) -> list[tuple[_Node, int]]:
        """One edge further, each with the edge."""
        state, owed, kept = here
        found = []
        for edge in self._out(state):
            place = self._place[edge]
            now = kept | int(self._responses[place])
            found.append(
                ((int(self._region.graph.target[edge]), (owed | int(self._requests[place])) & ~now, now), edge)
            )
        return found

    def _out(self, state: int) -> list[int]:
        graph = self._region.graph
        return [e for e in range(int(graph.first[state]), int(graph.first[state + 1])) if self._inside[e]]

    @staticmethod
    def _back(came: dict[_Node, tuple[_Node, int]], here: _Node) -> list[int]:
        edges: list[int] = []
        while here in came:
            here, edge = came[here]
            edges.append(edge)
        return edges[::-1]

    def _greedy(self, start: int) -> tuple[int, list[int]]:
        """From `start` to the nearest response to each promise in turn, and back."""
        graph = self._region.graph
        component = self._component(start)
        walk: list[int] = []
        for promise in self._promises:
            answers = self._edges[promise.response]
            answers = answers[component[graph.source[answers]]]
            if not len(answers) or any(promise.response[self._place[edge]] for edge in walk):
                continue
            goal = np.zeros(graph.states, np.bool_)
            goal[graph.source[answers]] = True
            walk += self._path(int(graph.target[walk[-1]]) if walk else start, goal)
            at = int(graph.target[walk[-1]]) if walk else start
            walk.append(int(answers[graph.source[answers] == at][0]))
        if not walk:
            walk.append(self._out(start)[0])
        home = np.zeros(graph.states, np.bool_)
        home[start] = True
        return start, walk + self._path(int(graph.target[walk[-1]]), home)

    def _component(self, start: int) -> Mask:
        """bool[n]: what `start` reaches; all edges lie in strongly connected components without edges between."""
        reached = np.zeros(self._region.graph.states, np.bool_)
        layer = np.array([start])
        while len(layer):
            reached[layer] = True
            edges = self._region.graph.out_of(layer)
            layer = np.unique(self._region.graph.target[edges[self._inside[edges]]])
            layer = layer[~reached[layer]]
        return reached

    def _path(self, start: int, goal: Mask) -> list[int]:
        """Edges of a shortest path from `start` to a state of `goal`."""
        graph = self._region.graph
        into = np.full(graph.states, -1, np.int64)
        seen = np.zeros(graph.states, np.bool_)
        seen[start] = True
        layer = np.array([start])
        while not goal[layer].any():
            edges = graph.out_of(layer)
            edges = edges[self._inside[edges]]
            edges = edges[~seen[graph.target[edges]]]
            layer, place = np.unique(graph.target[edges], return_index=True)
            into[layer] = edges[place]
            seen[layer] = True
        at, found = int(layer[goal[layer]][0]), list[int]()
        while at != start:
            found.append(int(into[at]))
            at = int(graph.source[found[-1]])
        return found[::-1]


def _bits(masks: list[Mask], count: int) -> NDArray[np.int64]:
    """int64[count]: bit i is set where `masks[i]` is."""
    bits = np.zeros(count, np.int64)
    for i, mask in enumerate(masks[:_MOST_PROMISES]):
        bits |= mask.astype(np.int64) << i
    return bits
