"""Claims about whole runs, on machines of a few lines: each is seen to fail, with the shortest lasso, and to hold."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmodel import (
    EventNotifier,
    External,
    Fairness,
    Flag,
    Lifecycle,
    Mutex,
    Process,
    Property,
    Ref,
    Semaphore,
    SpecError,
    State,
    Struct,
    UsageError,
    any_of,
    eventually,
    leads_to,
    otherwise,
    removed,
)
from qmodel.compose.library import build, find
from qmodel.compose.model import Model
from qmodel.compose.result import Result, Verdict
from qmodel.compose.step import Choice
from qmodel.compose.trace import Trace, read_token
from qmodel.explore import lasso
from qmodel.explore.assume import Promise
from qmodel.explore.graph import Action, Graph
from qmodel.explore.judge import Judge
from qmodel.explore.lasso import ClosedWalks, Region, simplest_way
from qmodel.explore.liveness import decide, fair_edges
from qmodel.explore.reference import explore
from qmodel.show import lanes, verdict
from tests.support import system


class Item(Lifecycle):
    raw = State(initial=True)
    cooked = State()
    cook = raw.to(cooked)


class Room(Struct):
    lock = Mutex()
    sem = Semaphore(1)
    bell = Ref(EventNotifier)
    item = Ref(Item)
    lit = Flag()


class Waiter(Process):
    """Wants the lock once."""

    room = Ref(Room)
    waiting = State(initial=True)
    done = State(final=True)
    enter = waiting.to(done, holding=room.lock)


class Hog(Process):
    """Takes and releases the lock for ever."""

    room = Ref(Room)
    outside = State(initial=True)
    inside = State()
    take = outside.to(inside, acquires=room.lock)
    drop = inside.to(outside, releases=room.lock)


@eventually("served")
def served(s: Any) -> bool:
    """The first thread ends."""
    return not s.T0.running


def threads(*kinds: type, **values: Any) -> Callable[[Any], None]:
    """One room, and a thread of each kind."""

    def compose(self: Any) -> None:
        bell = self.one(EventNotifier, "bell")
        self.room_ = self.one(Room, "room", bell=bell)
        for number, kind in enumerate(kinds):
            setattr(self, f"T{number}", self.thread(f"T{number}", kind, room=self.room_, **values))

    return compose


def found(compose: Callable[[Any], None], *claims: Property, **members: Any) -> Result:
    """Safety first, which must hold, then runs; a lasso that is found is one, by the judgement of a replay."""
    model = system(compose, *claims, **members)
    safe = explore(model)
    assert safe.verdict is Verdict.HOLDS, safe.problem
    result = decide(safe)
    if result.trace is not None:
        assert Judge(model).end_of(result.trace) == result.problem
    return result


def shape(result: Result) -> tuple[str, int, int] | str:
    """The rule, the steps before the loop, and those of the loop; or "HOLDS"."""
    if result.problem is None:
        return result.verdict.value
    assert result.trace is not None
    assert result.trace.loop is not None
    return result.problem.rule, result.trace.loop, len(result.trace) - result.trace.loop


# -- fairness ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fairness", "shown"),
    [
        ({}, ("served", 0, 2)),
        ({Waiter: Fairness.WEAK}, ("served", 0, 2)),
        ({Waiter: Fairness.STRONG}, "HOLDS"),
        ({Hog: Fairness.NONE}, ("served", 1, 0)),
        ({Waiter: Fairness.NONE}, ("served", 0, 2)),
        ({Waiter: Fairness.NONE, Hog: Fairness.NONE}, ("served", 0, 0)),
    ],
)
def test_only_strong_fairness_gets_a_lock_that_others_take_again_and_again(fairness: Any, shown: object) -> None:
    assert shape(found(threads(Waiter, Hog), served, fairness=fairness)) == shown


def test_weak_fairness_is_enough_where_nobody_competes() -> None:
    assert shape(found(threads(Waiter), served)) == "HOLDS"
    assert shape(found(threads(Waiter), served, fairness={Waiter: Fairness.NONE})) == ("served", 0, 0)


def test_fairness_of_a_base_is_that_of_its_versions() -> None:
    class Later(Waiter):
        pass

    members = {"replaces": {Waiter: Later}, "fairness": {Waiter: Fairness.STRONG}}
    assert shape(found(threads(Waiter, Hog), served, **members)) == "HOLDS"


class Chooser(Process):
    """The environment: works, or idles."""

    room = Ref(Room)
    deciding = State(initial=True, choice=True)
    done = State(final=True)
    idle = deciding.to(deciding)
    work = deciding.to(done)


@pytest.mark.parametrize(
    ("fairness", "shown"),
    [
        ({}, ("served", 0, 1)),
        ({Chooser.work: Fairness.STRONG}, "HOLDS"),
        ({Chooser.work: Fairness.WEAK}, "HOLDS"),
        ({Chooser.idle: Fairness.STRONG}, ("served", 0, 1)),
    ],
)
def test_the_environment_is_only_fair_where_that_is_declared(fairness: Any, shown: object) -> None:
    assert shape(found(threads(Chooser), served, fairness=fairness)) == shown


class Caller(Process):
    """Retries a system call until no signal interrupts it."""

    room = Ref(Room)
    interrupted = Flag()
    calling = State(initial=True)
    called = State()
    done = State(final=True)

    @calling.to(called, external=External("write", outcomes=(0, -4)))
    def call(self, error: int) -> None:
        self.interrupted = error != 0

    retry = called.to(calling, when=interrupted)
    leave = called.to(done, when=otherwise)


def test_an_arrow_that_is_fair_is_so_in_each_of_its_picks() -> None:
    assert shape(found(threads(Caller), served)) == ("served", 1, 2)
    assert shape(found(threads(Caller), served, fairness={Caller.call: Fairness.STRONG})) == "HOLDS"


def test_a_version_may_remove_an_arrow_that_was_fair() -> None:
    class Lazy(Chooser):
        work = done = removed

    members = {"replaces": {Chooser: Lazy}, "fairness": {Chooser.work: Fairness.STRONG}}
    assert shape(found(threads(Chooser), served, **members)) == ("served", 0, 1)


@pytest.mark.parametrize(
    ("item", "says"),
    [
        (Hog, "`fairness` names Hog, which no thread of this system starts in\n    name the process that"),
        (Hog.take, "`fairness` names Hog.take, which no process of this system has\n    name an arrow of a process"),
    ],
)
def test_fairness_of_what_is_not_there(item: Any, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        system(threads(Waiter), fairness={item: Fairness.STRONG})
    assert says in str(caught.value)


# -- ends, timeouts, spurious wake-ups ---------------------------------------------------------------


class Sleeper(Process):
    """Waits for a token; gives up after a time."""

    room = Ref(Room)
    asleep = State(initial=True, quiescent=True)
    done = State(final=True)
    wake = asleep.to(done, waits=room.sem)
    time_out = asleep.to(done, after="10s")


class Poster(Process):
    room = Ref(Room)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end)
    def post(self) -> None:
        self.room.sem.post()


class Insomniac(Sleeper):
    """Goes to sleep again after a timeout."""

    time_out = Sleeper.time_out.but(target=Sleeper.asleep)


class Juggler(Process):
    """Takes a token and puts it back, for ever."""

    room = Ref(Room)
    empty = State(initial=True, quiescent=True)
    full = State()
    take = empty.to(full, waits=room.sem)

    @full.to(empty)
    def put(self) -> None:
        self.room.sem.post()


def test_an_end_where_nothing_moves_is_a_run() -> None:
    assert shape(found(threads(Sleeper), served)) == ("served", 0, 0)
    assert shape(found(threads(Sleeper, Poster), served)) == "HOLDS"


def test_a_timeout_is_nothing_to_count_on() -> None:
    """One token and two who want it: whoever comes second is only ended by its timeout."""

    @eventually("all")
    def all_end(s: Any) -> bool:
        """Both end."""
        return not s.T0.running and not s.T1.running

    assert shape(found(threads(Sleeper, Sleeper, Poster), all_end)) == ("all", 2, 0)


def test_a_wait_that_could_succeed_does_not_time_out_for_ever() -> None:
    assert shape(found(threads(Insomniac, Poster), served)) == "HOLDS"
    assert shape(found(threads(Insomniac, Poster), served, fairness={Insomniac: Fairness.NONE})) == ("served", 1, 0)


def test_a_wait_that_is_robbed_again_and_again_times_out_for_ever() -> None:
    compose = threads(Insomniac, Juggler, Poster)
    assert shape(found(compose, served)) == ("served", 1, 2)
    assert shape(found(compose, served, fairness={Insomniac: Fairness.STRONG})) == "HOLDS"


# -- leads_to ----------------------------------------------------------------------------------------


class Switch(Process):
    """Turns the light on, and off again after an even number of looks, or never."""

    room = Ref(Room)
    dark = State(initial=True, quiescent=True)
    bright = State(choice=True)
    look = bright.to(bright)

    @dark.to(bright)
    def on(self) -> None:
        self.room.lit = True

    @bright.to(dark)
    def off(self) -> None:
        self.room.lit = False


def test_leads_to_is_asked_wherever_the_premise_holds() -> None:
    @leads_to("off", premise=lambda s: s.room_.lit)
    def goes_off(s: Any) -> bool:
        """The light goes off."""
        return not s.room_.lit

    assert shape(found(threads(Switch), goes_off)) == ("off", 1, 1)
    assert shape(found(threads(Switch), goes_off, fairness={Switch.off: Fairness.STRONG})) == "HOLDS"
    assert found(threads(Waiter), goes_off).vacuous == ("off", "busy loop")


class Cook(Process):
    """Cooks a thing, or frees it raw."""

    room = Ref(Room)
    mine = Ref(Item)
    start = State(initial=True)
    ready = State(choice=True)
    end = State(final=True)

    @start.to(ready)
    def make(self) -> None:
        self.mine = self.room.item = self.new(Item)

    wait = ready.to(ready)

    @ready.to(end)
    def cook(self) -> None:
        self.mine.cook()

    @ready.to(end)
    def drop(self) -> None:
        self.free(self.mine)


@leads_to("cooked", premise=lambda s, item: item.state is Item.raw, each=Item)
def is_cooked(s: Any, item: Any) -> bool:
    """A raw thing is cooked, as long as it is there."""
    return item.state is Item.cooked


def test_a_claim_for_each_object_names_the_one_that_is_left_out() -> None:
    def compose(self: Any) -> None:
        threads(Cook, Hog)(self)
        self.room(Item, 1, "thing")

    result = found(compose, is_cooked)
    assert shape(result) == ("cooked", 1, 3)
    assert result.problem is not None
    assert result.problem.message == "thing1: A raw thing is cooked, as long as it is there."
    assert shape(found(compose, is_cooked, fairness={Cook.cook: Fairness.STRONG})) == "HOLDS"
    assert shape(found(compose, is_cooked, fairness={Cook.drop: Fairness.STRONG})) == "HOLDS"


def test_a_predicate_that_cannot_be_evaluated_is_the_users_mistake() -> None:
    @eventually("wrong")
    def follows_null(s: Any) -> bool:
        """It reads what is not there."""
        return bool(s.room_.item.state)

    with pytest.raises(UsageError, match="wrong cannot be evaluated"):
        decide(explore(system(threads(Waiter), follows_null)))


# -- busy loops --------------------------------------------------------------------------------------


class Listener(Process):
    """A loop that forgets to clear what it was woken by."""

    room = Ref(Room)
    polling = State(initial=True, quiescent=True)
    awake = State()

    def watched(self) -> list[Any]:
        return [self.room.bell]

    wake = polling.to(awake, waits=any_of(watched))
    handle = awake.to(polling)


class CarefulListener(Listener):
    @Listener.handle.but
    def handle(self) -> None:
        self.room.bell.test_and_clear()


class Ringer(Process):
    room = Ref(Room)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end)
    def ring(self) -> None:
        self.room.bell.set()


def test_a_notifier_that_nobody_clears_keeps_its_loop_busy() -> None:
    result = found(threads(Listener, Ringer))
    assert shape(result) == ("busy loop", 1, 2)
    assert result.problem is not None
    assert result.problem.message == ("bell.level stays up for ever: it is polled again and again, and nothing sets it")
    assert shape(found(threads(CarefulListener, Ringer))) == "HOLDS"


def test_new_work_again_and_again_is_no_busy_loop() -> None:
    class Sexton(Process):
        room = Ref(Room)
        ringing = State(initial=True)

        @ringing.to(ringing)
        def ring(self) -> None:
            self.room.bell.set()

    assert shape(found(threads(Listener, Sexton))) == "HOLDS"
    assert shape(found(threads(Listener, Sexton), fairness={Sexton: Fairness.NONE})) == ("busy loop", 1, 2)


# -- the shortest lasso ------------------------------------------------------------------------------


@st.composite
def graphs(draw: st.DrawFn) -> tuple[Graph, list[Promise]]:
    """Up to 4 states and 7 edges, all states reached from the first, and up to 3 promises."""
    n = draw(st.integers(1, 4))
    tree = [(draw(st.integers(0, i - 1)), i) for i in range(1, n)]
    more = draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), min_size=1, max_size=7 - len(tree)))
    edges = sorted(tree + more)
    masks = st.lists(st.booleans(), min_size=len(edges), max_size=len(edges)).map(np.array)
    promises = [Promise(str(i), draw(masks), draw(masks)) for i in range(draw(st.integers(0, 3)))]
    plain = nx.DiGraph(edges)
    plain.add_nodes_from(range(n))
    depths = nx.single_source_shortest_path_length(plain, 0)
    source, target = (np.array(column, np.int32) for column in zip(*edges, strict=True))
    actions = tuple(Action(Choice(0, f"e{i}"), object, 1) for i in range(len(edges)))
    return (
        Graph(
            np.array([depths[i] for i in range(n)], np.int32), source, target, np.arange(len(edges), dtype=np.int32),
            actions, lambda i: (i,), lambda predicate: np.array([predicate([i]) for i in range(n)]),
        ),
        promises,
    )  # fmt: skip


def keeps(promises: list[Promise], edges: list[int]) -> bool:
    return all(p.response[edges].any() or not p.request[edges].any() for p in promises)


def closed_walk_sets(graph: Graph, promises: list[Promise]) -> list[tuple[int, ...]]:
    """Every set of edges that some closed walk which keeps the promises takes exactly."""
    pairs = list(zip(graph.source.tolist(), graph.target.tolist(), strict=True))
    return [
        chosen
        for size in range(1, len(pairs) + 1)
        for chosen in itertools.combinations(range(len(pairs)), size)
        if keeps(promises, list(chosen)) and nx.is_strongly_connected(nx.DiGraph([pairs[e] for e in chosen]))
    ]


def shortest_by_trying(graph: Graph, promises: list[Promise], most: int) -> int | None:
    """Length of the shortest lasso, by walking every closed walk."""
    best = None
    for start in range(graph.states):
        walks = [[e] for e in range(len(graph.source)) if graph.source[e] == start]
        for _ in range(most - int(graph.depth[start])):
            for walk in walks:
                if graph.target[walk[-1]] == start and keeps(promises, walk):
                    length = int(graph.depth[start]) + len(walk)
                    best = length if best is None else min(best, length)
            walks = [[*w, e] for w in walks for e in range(len(graph.source)) if graph.source[e] == graph.target[w[-1]]]
    return best


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graphs())
def test_fair_edges_are_those_of_all_fair_closed_walks(drawn: tuple[Graph, list[Promise]]) -> None:
    graph, promises = drawn
    expected = sorted({e for chosen in closed_walk_sets(graph, promises) for e in chosen})
    assert np.flatnonzero(fair_edges(graph.source, graph.target, graph.states, promises)).tolist() == expected


@pytest.mark.parametrize("budget", [lasso.BUDGET, 0], ids=["exact", "greedy"])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(drawn=graphs())
def test_the_closed_walk_is_closed_and_fair_and_the_shortest(budget: int, drawn: tuple[Graph, list[Promise]]) -> None:
    graph, promises = drawn
    fair = np.flatnonzero(fair_edges(graph.source, graph.target, graph.states, promises))
    if not len(fair):
        return
    everywhere = np.ones(graph.states, np.bool_)
    region = Region.explore(graph, everywhere, np.ones(len(graph.source), np.bool_))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lasso, "BUDGET", budget)
        walks = ClosedWalks(region, fair, [Promise(p.of, p.request[fair], p.response[fair]) for p in promises])
        start, loop = walks.shortest()
    assert graph.source[loop[0]] == graph.target[loop[-1]] == start
    assert all(graph.target[one] == graph.source[two] for one, two in itertools.pairwise(loop))
    assert keeps(promises, loop)
    if budget and len(loop) + graph.depth[start] <= 6:
        assert shortest_by_trying(graph, promises, 6) == len(loop) + graph.depth[start]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(graphs(), st.data())
def test_the_way_into_the_loop_is_a_shortest_one(drawn: tuple[Graph, list[Promise]], data: st.DataObject) -> None:
    """Anywhere until the claim opens, which it may wherever `start` is, then only along what is allowed."""
    graph, _ = drawn
    bits = [data.draw(st.lists(st.booleans(), min_size=k, max_size=k)) for k in (graph.states, len(graph.source))]
    start, allowed = (np.array(chosen, np.bool_) for chosen in bits)
    region = Region.explore(graph, start, allowed)
    places = nx.DiGraph()
    places.add_edges_from(((s, False), (s, True), {"weight": 0}) for s in np.flatnonzero(start).tolist())
    for edge, (s, t) in enumerate(zip(graph.source.tolist(), graph.target.tolist(), strict=True)):
        places.add_edge((s, False), (t, False), weight=1)
        if allowed[edge]:
            places.add_edge((s, True), (t, True), weight=1)
    places.add_node((0, False))
    distances = nx.single_source_dijkstra_path_length(places, (0, False))
    assert region.far.tolist() == [distances.get((i, True), -1) for i in range(graph.states)]
    for end in np.flatnonzero(region.far >= 0):
        _, choices = simplest_way(region, np.array([end]))
        edges = [int(choice.arrow[1:]) for choice in choices]
        assert len(edges) == region.far[end]
        assert [0, *graph.target[edges].tolist()] == [*graph.source[edges].tolist(), end]


# -- a lasso as a trace ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sleeps_for_ever() -> Result:
    """F4: what stays pending for ever is the end of a run."""
    model = build("bottom-half@924fe1293c", {"foreign": 0, "idle": 1, "nested": 1})
    claims = [model.property_named("P2")]
    return decide(explore(model, judge=Judge(model, claims)), claims)


@pytest.fixture(scope="module")
def spins_for_ever() -> Result:
    return found(threads(Listener, Ringer))


def make(model: Model) -> Callable[[str, dict[str, int]], Model]:
    return lambda address, scope: model


def test_token_round_trip(spins_for_ever: Result, sleeps_for_ever: Result) -> None:
    for result in (spins_for_ever, sleeps_for_ever):
        assert result.trace is not None
        token = result.trace.token(result.model)
        model, again = read_token(token, make(result.model))
        assert again == result.trace
        assert again.token(model) == token
        assert Judge(model, result.model.properties).end_of(again) == result.problem


def test_a_loop_that_does_not_close_is_refused(spins_for_ever: Result) -> None:
    assert spins_for_ever.trace is not None
    token = spins_for_ever.trace.token(spins_for_ever.model)
    for wrong in (":0", ":2", ":4"):
        with pytest.raises(UsageError, match="the loop of this trace does not close: its end is not the state before"):
            read_token(token.removesuffix(":1") + wrong, make(spins_for_ever.model))


def test_a_run_that_is_not_fair_breaks_nothing(spins_for_ever: Result) -> None:
    """Nothing happens for ever, although the ringer could ring."""
    assert Judge(spins_for_ever.model).end_of(Trace((), loop=0)) is None


def test_the_loop_shows_in_the_lanes(spins_for_ever: Result) -> None:
    assert spins_for_ever.trace is not None
    assert lanes.text(spins_for_ever.model, spins_for_ever.trace).splitlines() == [
        "#  T0      T1    function    what changed",
        "1          ring  Ringer *    bell.level 0 -> 1",
        "-- loop: steps 2-3 repeat for ever --",
        "2  wake          Listener *",
        "3  handle        Listener *",
        "-- back to step 2 --",
    ]


def test_an_end_shows_in_the_lanes(sleeps_for_ever: Result) -> None:
    assert sleeps_for_ever.trace is not None
    assert lanes.text(sleeps_for_ever.model, sleeps_for_ever.trace).endswith("\n-- and there it stays for ever --")


def test_the_loop_is_in_the_document(spins_for_ever: Result) -> None:
    document = json.loads(json.dumps(verdict.document(spins_for_ever)))
    assert (document["trace"]["loop"], document["trace"]["length"]) == (1, 3)
    assert document["decided_on_runs"] == ["busy loop"]


def test_a_verdict_says_what_it_did_not_decide() -> None:
    result = explore(system(threads(Waiter), served))
    assert "not looked at, since it is about whole runs (`--liveness`): served, busy loop" in verdict.caveats(result)
    decided = decide(result)
    assert "on every fair run: served, busy loop" in verdict.summary(decided)
    assert "not looked at" not in verdict.caveats(decided)
    assert "holds because nothing within this scope asks for it: busy loop" in verdict.caveats(decided)


def test_runs_are_only_looked_at_when_safety_holds() -> None:
    with pytest.raises(ValueError, match="runs are looked at when every state and step is right"):
        decide(explore(build("bottom-half")))


# -- QEMU --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("thread-pool@v2.0.0", {"cancel": 0, "workers": 1}),
        ("thread-pool@271c0f68b4", {"requests": 1, "workers": 1}),
        ("thread-pool@271c0f68b4", {"requests": 2, "workers": 1}),
        ("thread-pool@271c0f68b4", {"requests": 2, "workers": 1, "cancel": 2}),
        ("thread-pool@3c80ca158c", {"requests": 2, "workers": 1, "nested": 1}),
        ("thread-pool@c2e50e3d11", {"requests": 2, "workers": 1}),
        ("bottom-half@924fe1293c", {}),
        ("bottom-half@924fe1293c", {"bhs": 2, "foreign": 0}),
        ("bottom-half@924fe1293c", {"drain": 1}),
        ("bottom-half@924fe1293c", {"foreign": 0, "nested": 1}),
        ("event-notifier@v2.0.0", {}),
        pytest.param("thread-pool@271c0f68b4", {}, marks=pytest.mark.slow),
    ],
)
def test_what_runs_promise_is_kept(address: str, scope: dict[str, int]) -> None:
    result = decide(explore(build(address, scope)))
    assert shape(result) == "HOLDS"
    assert result.decided == tuple([p.name for p in result.model.properties if p.about_runs] + ["busy loop"])


@pytest.mark.parametrize(
    ("address", "scope", "claim", "assumed", "shown"),
    [
        # qemu_cond_wait() wakes spuriously for ever, and the lock is free only in between.
        ("thread-pool@271c0f68b4", {"requests": 1, "workers": 1}, "P1-live", {}, ("P1-live", 30, 2)),
        ("thread-pool@271c0f68b4", {"requests": 1, "workers": 1}, "P4-cancel", {}, ("P4-cancel", 30, 2)),
        ("thread-pool@271c0f68b4", {"requests": 1, "workers": 1}, "P4-free", {}, ("P4-free", 40, 3)),
        # The loop never polls.
        ("bottom-half@924fe1293c", {"foreign": 0}, "P2", {}, ("P2", 5, 2)),
        # Every system call is interrupted.
        ("event-notifier@v2.0.0", {"setters": 1, "sets": 1}, "P5", {}, ("P5", 2, 2)),
    ],
)
def test_what_runs_promise_needs_what_is_assumed(
    address: str, scope: dict[str, int], claim: str, assumed: Any, shown: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = build(address, scope)
    monkeypatch.setattr(type(model.system), "fairness_declared", classmethod(lambda cls: assumed))
    claims = [model.property_named(claim)]
    assert shape(decide(explore(model), claims)) == shown


def test_a_handler_that_does_not_clear_its_notifier_is_a_busy_loop() -> None:
    """Planted in `aio-posix.c`: ctx->notifier stays up, every aio_poll() returns at once, and nothing is new."""
    fixed = find("bottom-half@924fe1293c")
    machine = next(kind for kind in Model(fixed()).layout.processes if kind.__name__ == "EventNotifierTestAndClear")

    class Forgetful(machine):  # type: ignore[misc, valid-type]
        @machine.clear.but  # type: ignore[attr-defined]
        def clear(self) -> None:
            pass

    planted = type("Planted", (fixed,), {"replaces": {machine: Forgetful}})
    result = decide(explore(Model(planted(foreign=0))))
    assert shape(result) == ("busy loop", 19, 15)
    assert result.problem is not None
    assert result.problem.message.startswith("ctx.notifier.level stays up for ever")


def test_a_prompt_bottom_half_that_a_nested_poll_robbed_stays_pending(sleeps_for_ever: Result) -> None:
    assert shape(sleeps_for_ever) == ("P2", 46, 0)
