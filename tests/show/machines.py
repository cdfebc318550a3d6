"""Records to draw: hand-made graphs, and machines with awkward names."""

from __future__ import annotations

from dataclasses import replace

from qmodel import External, Flag, Mutex, Process, Ref, Semaphore, State, Struct, otherwise
from qmodel.show.graph import Edge, Fact, Kind, MachineGraph, Node
from qmodel.spec.states import Fence


class Shared(Struct):
    lock = Mutex()
    sem = Semaphore(1)
    full = Flag(guarded_by=lock)


class Helper(Process):
    """`helper()` (a.c, v2.0.0)."""

    shared = Ref(Shared)
    entered = State("here", initial=True)
    returned = State("there", final=True)
    go = entered.to(returned)


class Sample(Process):
    """`sample()` (dir/a-b.c, v2.0.0): one of everything.

    Not modelled: a & b.
    """

    shared = Ref(Shared)
    waiting = State("sleeps", initial=True, quiescent=True)
    chosen = State('"quoted" <b>&', choice=True)
    ended = State("done", final=True)

    def is_full(self) -> bool:
        return self.shared.full

    down = waiting.to(chosen, waits=shared.sem)
    late = waiting.to(ended, after="10s")

    @chosen.to(waiting, when=is_full, holding=shared.lock, fence=Fence.WMB, trace="an_event")
    def empty(self) -> None:
        """Not part of what it does."""
        self.tell()

    @chosen.to(waiting, external=External("pread", outcomes=(0, -5)), when=otherwise)
    def read(self, ret: int) -> None:
        pass

    leave = chosen.to(ended, calls=Helper(shared=shared))

    def tell(self) -> None:
        self.shared.full = False


class Sample_fixed(Sample):
    """`sample()` (dir/a-b.c, v2.1.0)."""

    late = None
    empty = Sample.empty.but(holding=None)
    rest = Sample.chosen.to(Sample.waiting)

    def tell(self) -> None:
        self.shared.sem.post()


def ring(arrows: int, states: int = 20) -> MachineGraph:
    """`arrows` arrows among `states` states that stand in a ring, each with chords to its neighbours."""
    nodes = tuple(Node(f"state_{chr(97 + i)}", initial=not i) for i in range(states))
    edges = tuple(
        Edge(f"arrow_{i}", nodes[i % states].name, nodes[(i % states + 1 + i // states) % states].name)
        for i in range(arrows)
    )
    return MachineGraph("Ring", "process", nodes, edges)


def awkward(text: str) -> MachineGraph:
    """A graph whose every text is `text`."""
    nodes = (Node(text, text, initial=True), Node("end", text, final=True))
    edge = Edge(text, text, "end", (Fact(Kind.GUARD, text),), code=(text,))
    return MachineGraph(text, "process", nodes, (edge,), origin=text, doc=text, not_modelled=(text,))


def without_arrow(graph: MachineGraph, name: str) -> MachineGraph:
    return replace(graph, edges=tuple(edge for edge in graph.edges if edge.name != name))
