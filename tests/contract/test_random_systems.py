"""Small systems that Hypothesis draws: learned steps, the Python of every step and the native engine search alike.

The hand-written systems exercise what their authors thought of; these combine locks, semaphores, conditions, lifetimes
and choices as nobody would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmodel import NULL, PLAIN, Condition, Count, Fifo, Flag, Lifecycle, Mutex, Process, Ref, Semaphore, State, Struct
from qmodel.compose.result import Result, Verdict
from qmodel.explore.judge import Judge
from qmodel.explore.limits import Limits
from qmodel.explore.options import Options
from qmodel.explore.reference import explore
from qmodel.spec.errors import SpecError
from qmodel.spec.records import RecordMeta
from tests.support import search_natively, system, walk_natively


class Thing(Lifecycle):
    raw = State(initial=True)
    cooked = State()
    cook = raw.to(cooked)
    weight = Count(2)


class Kitchen(Struct):
    lock = Mutex()
    cond = Condition(lock)
    sem = Semaphore(2, saturates=True)
    guarded = Count(2, guarded_by=lock)
    racy = Count(2, order=PLAIN)
    plain = Flag()
    thing = Ref(Thing)
    shelf = Fifo(Thing)


def _make(self: Any) -> None:
    if not self.kitchen.thing:
        self.kitchen.thing = self.new(Thing, weight=1)


def _drop(self: Any) -> None:
    self.free(self.kitchen.thing)
    self.kitchen.thing = NULL


EFFECTS: dict[str, Callable[[Any], None]] = {
    "count": lambda self: setattr(self.kitchen, "guarded", (self.kitchen.guarded + 1) % 3),
    "set racy": lambda self: setattr(self.kitchen, "racy", self.choose([0, 1])),
    "toggle": lambda self: setattr(self.kitchen, "plain", not self.kitchen.plain),
    "post": lambda self: self.kitchen.sem.post(),
    "broadcast": lambda self: self.kitchen.cond.broadcast(),
    "signal": lambda self: self.kitchen.cond.signal(),
    "make": _make,
    "drop": _drop,
    "cook": lambda self: self.kitchen.thing.cook(),
    "put away": lambda self: self.kitchen.shelf.append(self.kitchen.thing),
    "take": lambda self: setattr(self.kitchen, "thing", self.kitchen.shelf.popleft()),
    "remember": lambda self: setattr(self, "mine", self.kitchen.thing),
    "nothing": lambda self: None,
}
OPTIONS = ("", "holding", "acquires", "releases", "waits", "sleeps")


@st.composite
def processes(draw: st.DrawFn, name: str) -> type:
    """A process with a line of states, an effect and an option on each arrow, and perhaps a way back."""
    length = draw(st.integers(1, 4))
    kitchen = Ref(Kitchen)
    states = [State(initial=True), *(State() for _ in range(length - 1)), State(final=True, quiescent=True)]
    members: dict[str, Any] = {"kitchen": kitchen, "mine": Ref(Thing)}
    members |= {f"s{i}": state for i, state in enumerate(states)}
    for i in range(length):
        option = draw(st.sampled_from(OPTIONS))
        place: Any = {"waits": kitchen.sem, "sleeps": kitchen.cond}.get(option, kitchen.lock)
        arrow = states[i].to(states[i + 1], **({option: place} if option else {}))
        members[f"step{i}"] = arrow(EFFECTS[draw(st.sampled_from(sorted(EFFECTS)))])
    if draw(st.booleans()) and length > 1:
        members["timeout"] = states[length - 1].to(states[0], after="1s")
    return RecordMeta(name, (Process,), members)


def compose(kinds: list[type]) -> Callable[[Any], None]:
    def composed(self: Any) -> None:
        self.kitchen = self.one(Kitchen, "kitchen")
        self.room(Thing, 2, "thing")
        for number, kind in enumerate(kinds):
            self.thread(f"T{number}", kind, kitchen=self.kitchen)

    return composed


def outcome(found: Result) -> tuple[object, ...]:
    return found.verdict, found.problem, found.trace, found.states, found.transitions, found.depth, found.coverage


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 2), min_size=1, max_size=3), processes("A"), processes("B"), processes("C"))
def test_every_way_to_search_agrees(order: list[int], a: type, b: type, c: type) -> None:
    try:
        model = system(compose([(a, b, c)[i] for i in order]))
    except SpecError:  # a drawn machine may break a static rule; that has tests of its own
        return
    limits = Limits(states=3000)
    learned = explore(model, limits)
    assert outcome(learned) == outcome(explore(model, limits, steps=model.steps))
    if not learned.stopped:
        assert outcome(learned) == outcome(search_natively(model, workers=1 + len(order) % 2))


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 2), min_size=1, max_size=3), processes("A"), processes("B"), processes("C"))
def test_every_order_agrees(order: list[int], a: type, b: type, c: type) -> None:
    """Depth first gives the same graph, or a true trace; walks find what is there, and nothing else."""
    try:
        model = system(compose([(a, b, c)[i] for i in order]))
    except SpecError:
        return
    broad = explore(model, Limits(states=3000))
    if broad.stopped:
        return
    deep = search_natively(model, options=Options(1 + len(order) % 2, order="depth"))
    assert deep.verdict == broad.verdict
    if deep.trace is None or broad.trace is None:
        counts = [(found.states, found.transitions, found.coverage) for found in (deep, broad)]
        assert counts[0] == counts[1]
    else:
        assert Judge(model).end_of(deep.trace) == deep.problem
        assert len(deep.trace) >= len(broad.trace)
    for policy in ("walk", "pct"):
        walked = walk_natively(model, Options(order=policy, walks=50), length=100)
        if broad.verdict is Verdict.HOLDS or walked.trace is None:
            assert (walked.verdict, walked.trace) == (Verdict.INCONCLUSIVE, None)
        else:
            assert walked.verdict is broad.verdict
            assert Judge(model).end_of(walked.trace) == walked.problem
