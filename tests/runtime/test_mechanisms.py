"""Each primitive exists as a model and as a mechanism; the same operations must give the same answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmodel import Condition, EventNotifier, Mutex, Process, Ref, Semaphore, State, Struct, System
from qmodel.compose.model import Model
from qmodel.runtime.mechanisms import Disagreement, Mechanisms, RealLevel, RealMutex, RealSemaphore, Stop
from qmodel.runtime.store import LiveStore
from qmodel.spec.store import Store


class Shared(Struct):
    """One primitive of each kind."""

    notifier = Ref(EventNotifier)
    lock = Mutex()
    sem = Semaphore(8)
    cond = Condition(lock)


class Nobody(Process):
    """A thread that ends."""

    shared = Ref(Shared)
    started = State("", initial=True)
    ended = State("", final=True)
    end = started.to(ended)


class Primitives(System):
    name = ""

    def compose(self) -> None:
        self.shared = self.one(Shared, "shared", notifier=self.one(EventNotifier, "notifier"))
        self.M = self.thread("M", Nobody, shared=self.shared)


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(Primitives())


@pytest.fixture
def pair(model: Model) -> Iterator[Callable[[], tuple[Any, Any, LiveStore]]]:
    """Makes the shared object twice: on a plain store, and on a live one."""
    made: list[Mechanisms] = []

    def make() -> tuple[Any, Any, LiveStore]:
        mechanisms = Mechanisms(model.layout)
        made.append(mechanisms)
        live = LiveStore(list(model.initial()), mechanisms)
        plain = Store(list(model.initial()))
        views = [model.memory.attach(store).tables[Shared][1] for store in (plain, live)]
        return views[0], views[1], live

    yield make
    for mechanisms in made:
        mechanisms.close()


OPERATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "post": (lambda s: s.sem.post(), lambda m: m.sem.post()),
    "try_wait": (lambda s: s.sem.try_wait(), lambda m: m.sem.try_take()),
    "set": (lambda s: s.notifier.set(), lambda m: m.level.set()),
    "test_and_clear": (lambda s: s.notifier.test_and_clear(), lambda m: m.level.test_and_clear()),
}


class Real:
    """The mechanisms alone, without a store."""

    def __init__(self) -> None:
        self.sem, self.level = RealSemaphore("sem"), RealLevel("level")


@given(names=st.lists(st.sampled_from(sorted(OPERATIONS)), max_size=20))
def test_model_and_mechanism_answer_alike(names: list[str]) -> None:
    built = Model(Primitives())
    plain = built.memory.attach(Store(list(built.initial()))).tables[Shared][1]
    real = Real()
    try:
        for name in names:
            if name == "post" and plain.sem.count == 8:
                continue
            ask_model, ask_real = OPERATIONS[name]
            assert ask_model(plain) == ask_real(real)
    finally:
        os.close(real.sem.fd)
        os.close(real.level.fd)


@pytest.mark.parametrize(
    "names", [["post", "try_wait", "try_wait"], ["set", "set", "test_and_clear", "test_and_clear"]]
)
def test_live_store_drives_the_mechanism(pair: Any, names: list[str]) -> None:
    plain, live_view, live = pair()
    for name in names:
        expected = OPERATIONS[name][0](plain)
        assert OPERATIONS[name][0](live_view) == expected
        live.perform()
        assert live.cells == plain._store.cells


def test_mutex_is_released_for_real_when_the_step_commits(pair: Any) -> None:
    _, view, live = pair()
    slot = view.lock.slot
    mutex = live.mechanisms.mutex(slot)
    assert mutex.try_acquire(1)
    live.acquire(slot, "lock")
    live.release(slot, "lock")
    assert mutex.lock.locked()
    live.perform()
    assert not mutex.lock.locked()
    assert mutex.holder == 0


def test_taking_a_mutex_that_is_not_really_held_is_noticed(pair: Any) -> None:
    _, view, live = pair()
    with pytest.raises(Disagreement, match="does not hold the real lock"):
        live.acquire(view.lock.slot, "lock")


def test_a_lost_token_is_noticed(pair: Any) -> None:
    _, view, live = pair()
    view.sem.post()
    live.perform()
    assert live.mechanisms.semaphore(view.sem.slot).try_take()
    assert view.sem.try_wait()
    with pytest.raises(Disagreement, match="is up in the model and down for real"):
        live.perform()


def test_a_level_raised_behind_the_back_is_noticed(pair: Any) -> None:
    _, view, live = pair()
    live.mechanisms.level(view.notifier.level.slot).set()
    assert not view.notifier.test_and_clear()
    with pytest.raises(Disagreement, match="is down in the model and up for real"):
        live.perform()


def test_a_condition_needs_its_mutex(pair: Any) -> None:
    _, view, live = pair()
    with pytest.raises(Disagreement, match="without its mutex"):
        live.mechanisms.condition(view.cond.slot).wake()


def test_condition_wakes_who_sleeps(pair: Any) -> None:
    _, view, live = pair()
    condition = live.mechanisms.condition(view.cond.slot)
    asleep = threading.Event()

    def sleeper() -> None:
        condition.mutex.acquire(2, 5)
        asleep.set()
        condition.sleep(2, 5)
        condition.mutex.release()

    thread = threading.Thread(target=sleeper)
    thread.start()
    assert asleep.wait(5)
    assert condition.mutex.acquire(1, 5)
    condition.wake()
    condition.mutex.release()
    thread.join(5)
    assert not thread.is_alive()


def test_mutex_excludes() -> None:
    mutex = RealMutex("lock")
    assert mutex.try_acquire(1)
    assert not mutex.try_acquire(2)
    assert not mutex.acquire(2, 0.001)
    mutex.release()
    assert mutex.acquire(2, 0.001)


def test_stop_ends_a_wait_without_limit() -> None:
    stop = Stop()
    stop.ask()
    assert stop.poll([], None) == set()
    assert stop.wait(1000)
    stop.close()
