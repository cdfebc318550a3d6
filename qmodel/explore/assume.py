"""What a fair run may not put off for ever, as promises over the edges of a graph.

Every assumption becomes a Streett pair: a cycle with a request has a response.

* A weakly fair thread or arrow: every cycle requests; it responds by a step of it, or where none is possible.
* A strongly fair one: a cycle requests where a step of it is possible; it responds by a step of it.
* A timed wait that could succeed does not time out for ever: a cycle requests by a timeout where the wait was possible;
  it responds by taking such a wait, or (unless the thread is strongly fair) by a timeout where it was not possible.
  `sem_timedwait()` promises more: it does not time out at all where the token is there when it is called.

Staying where one is for ever is fair where nothing that is assumed to move can.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..compose.fairness import Fairness, of_arrows, of_threads
from ..compose.model import Model
from .graph import Action, Graph, Mask


@dataclass(frozen=True, eq=False)
class Promise:
    """A cycle with a `request` has a `response`; both bool[k], over k given edges."""

    of: str
    request: Mask
    response: Mask

    def keeps(self) -> bool:
        """Whether the cycle that consists of all these edges is one that the promise allows."""
        return bool(self.response.any() or not self.request.any())


@dataclass(frozen=True, eq=False)
class _Mover:
    """A thread, or an arrow of one in one of its picks; `steps` (bool[m]) are its reliable steps."""

    of: str
    fairness: Fairness
    steps: Mask
    possible: Mask

    def promise(self, edges: NDArray[np.int64], source: NDArray[np.int32]) -> Promise:
        able, taken = self.possible[source], self.steps[edges]
        if self.fairness is Fairness.STRONG:
            return Promise(self.of, able, taken)
        return Promise(self.of, np.ones(len(edges), np.bool_), taken | ~able)


@dataclass(frozen=True, eq=False)
class _TimedWait:
    """A thread's timeouts, its reliable steps (bool[m] each), and where each of the two is possible (bool[n])."""

    of: str
    fairness: Fairness
    timeouts: Mask
    steps: Mask
    may_time_out: Mask
    may_move: Mask

    def promise(self, edges: NDArray[np.int64], source: NDArray[np.int32]) -> Promise:
        timeout, able = self.timeouts[edges], self.may_move[source]
        response = self.steps[edges] & self.may_time_out[source]
        if self.fairness is not Fairness.STRONG:
            response |= timeout & ~able
        return Promise(self.of, timeout & able, response)


class Assumptions:
    """What is assumed of the runs of `model`, on `graph`."""

    def __init__(self, model: Model, graph: Graph) -> None:
        self._model, self._graph = model, graph
        self._movers = [*self._threads(), *self._arrows()]
        self._waits = list(self._timed_waits())

    def may_stay(self) -> Mask:
        """bool[n]: the states that a fair run may end in, staying there for ever."""
        must_move = np.zeros(self._graph.states, np.bool_)
        for mover in self._movers:
            must_move |= mover.possible
        return ~must_move

    def promises(self, edges: NDArray[np.int64]) -> list[Promise]:
        """What a cycle within `edges` (indices) must keep."""
        source = self._graph.source[edges]
        return [mover.promise(edges, source) for mover in self._movers] + [
            wait.promise(edges, source) for wait in self._waits
        ]

    def _threads(self) -> Iterator[_Mover]:
        for thread, fairness in enumerate(of_threads(self._model.layout)):
            if fairness is not Fairness.NONE:
                yield self._mover(self._model.layout.thread_names[thread], fairness, self._steps(thread))

    def _arrows(self) -> Iterator[_Mover]:
        """An arrow that is fair is so on each thread, at each depth of the stack, in each of its picks."""
        fair = of_arrows(self._model.layout)
        described = {(a.choice, a.kind, a.level): fair.get((a.kind, a.choice.arrow)) for a in self._graph.actions}
        for (choice, kind, level), fairness in described.items():
            if fairness in (Fairness.WEAK, Fairness.STRONG):
                wanted = (choice, kind, level)
                steps = self._graph.edges(
                    a.reliable and (a.choice, a.kind, a.level) == wanted for a in self._graph.actions
                )
                yield self._mover(self._model.describe(choice), fairness, steps)

    def _timed_waits(self) -> Iterator[_TimedWait]:
        graph, names = self._graph, self._model.layout.thread_names
        for thread, fairness in enumerate(of_threads(self._model.layout)):
            steps = self._steps(thread)
            unreliable = sorted({a.choice.arrow for a in graph.actions if _is_timeout(a, thread)})
            for arrow in unreliable if fairness is not Fairness.NONE else ():
                timeouts = graph.edges(_is_timeout(a, thread) and a.choice.arrow == arrow for a in graph.actions)
                may_move, may_time_out = graph.sources(steps), graph.sources(timeouts)
                if (may_move & may_time_out).any():
                    yield _TimedWait(f"{names[thread]}.{arrow}", fairness, timeouts, steps, may_time_out, may_move)

    def _steps(self, thread: int) -> Mask:
        return self._graph.edges(a.choice.thread == thread and a.reliable for a in self._graph.actions)

    def _mover(self, of: str, fairness: Fairness, steps: Mask) -> _Mover:
        return _Mover(of, fairness, steps, self._graph.sources(steps))


def _is_timeout(action: Action, thread: int) -> bool:
    return action.choice.thread == thread and not action.reliable
