"""What each construct of a specification means, on machines of a few lines.

Every construct has a system in which it is right and one in which it is wrong, so that no check can pass by not
looking.
"""

from __future__ import annotations

from typing import Any

import pytest

from qmodel import (
    NULL,
    PLAIN,
    Atomic,
    Code,
    Condition,
    Count,
    EventNotifier,
    External,
    Fifo,
    Flag,
    Int,
    Lifecycle,
    Lifo,
    Mutex,
    Process,
    Ref,
    Semaphore,
    Set,
    State,
    Struct,
    always,
    any_of,
    at_rest,
    exactly_once,
    never,
    otherwise,
)
from tests.support import rule, search


class Item(Lifecycle):
    fresh = State(initial=True)
    used = State()
    use = fresh.to(used)
    value = Count(2)


class Box(Struct):
    lock = Mutex()
    other = Mutex()
    cond = Condition(lock)
    sem = Semaphore(2)
    bell = Ref(EventNotifier)
    atomic = Atomic(3)
    count = Count(3, guarded_by=lock)
    racy = Count(3, order=PLAIN)
    plain = Count(3)
    ready = Flag(guarded_by=lock)
    item = Ref(Item)
    queue = Fifo(Item)
    stack = Lifo(Item)
    members = Set(Item)


def threads(*kinds: type, items: int = 1, **values: Any) -> Any:
    """A composition of one `Box` and a thread of each kind."""

    def compose(self: Any) -> None:
        bell = self.one(EventNotifier, "bell")
        self.box = self.one(Box, "box", bell=bell)
        self.room(Item, items, "I")
        for number, kind in enumerate(kinds):
            setattr(self, f"T{number}", self.thread(f"T{number}", kind, box=self.box, **values))

    return compose


# -- mutexes -----------------------------------------------------------------------------------------


class Increment(Process):
    box = Ref(Box)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end, holding=box.lock)
    def go(self) -> None:
        self.box.count += 1


class IncrementUnlocked(Increment):
    go = Increment.go.but(holding=None)


class IncrementOtherLock(Increment):
    go = Increment.go.but(holding=Increment.box.other)


def test_holding_a_lock_makes_an_increment_safe() -> None:
    assert rule(threads(Increment, Increment)) == "HOLDS"
    assert rule(threads(Increment, IncrementUnlocked)) == "lock discipline"
    assert rule(threads(IncrementOtherLock)) == "lock discipline"


class Span(Process):
    box = Ref(Box)
    start = State(initial=True)
    inside = State()
    end = State(final=True)
    lock = start.to(inside, acquires=box.lock)
    unlock = inside.to(end, releases=box.lock)


class SpanNeverReleased(Span):
    unlock = Span.unlock.but(releases=None)


class SpanTakenTwice(Span):
    unlock = Span.unlock.but(acquires=Span.box.lock)


class SpanNotTaken(Span):
    lock = Span.lock.but(acquires=None)


def test_spans_of_a_lock() -> None:
    assert rule(threads(Span, Span)) == "HOLDS"
    for wrong in (SpanNeverReleased, SpanTakenTwice, SpanNotTaken):
        assert rule(threads(wrong)) == "lock discipline", wrong


class Philosopher(Process):
    box = Ref(Box)
    start = State(initial=True)
    one = State()
    both = State()
    end = State(final=True)
    first = start.to(one, acquires=box.lock)
    second = one.to(both, acquires=box.other)
    leave = both.to(end, releases=(box.lock, box.other))


class LeftHanded(Philosopher):
    first = Philosopher.first.but(acquires=Philosopher.box.other)
    second = Philosopher.second.but(acquires=Philosopher.box.lock)


def test_lock_order_cycle_is_a_deadlock() -> None:
    assert rule(threads(Philosopher, Philosopher)) == "HOLDS"
    assert rule(threads(Philosopher, LeftHanded)) == "deadlock"


# -- semaphores, conditions, notifiers ----------------------------------------------------------------


class Taker(Process):
    box = Ref(Box)
    start = State(initial=True)
    end = State(final=True)
    take = start.to(end, waits=box.sem)


class Poster(Process):
    box = Ref(Box)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end)
    def post(self) -> None:
        self.box.sem.post()


class TimedTaker(Taker):
    gone = State(final=True)
    give_up = Taker.start.to(gone, after="10s")


class TryTaker(Process):
    box = Ref(Box)
    got = Flag()
    start = State(initial=True)
    end = State(final=True, returns=got)

    @start.to(end)
    def go(self) -> None:
        self.got = self.box.sem.try_wait()


def test_semaphore() -> None:
    assert rule(threads(Taker, Poster)) == "HOLDS"
    assert rule(threads(Taker, Taker, Poster)) == "deadlock"
    assert rule(threads(TryTaker, Poster)) == "HOLDS"


def test_a_timeout_may_fire_but_nothing_can_count_on_it() -> None:
    """A hang that only a timeout ends is a lost wake-up all the same."""
    assert rule(threads(TimedTaker, Poster)) == "HOLDS"
    assert rule(threads(TimedTaker)) == "deadlock"
    taken = search(threads(TimedTaker, Poster)).coverage.steps
    assert {name for _, name in taken} == {"take", "give_up", "post"}


class Sleeper(Process):
    """`while (!ready) wait(cond, lock)`."""

    box = Ref(Box)
    start = State(initial=True)
    holding_lock = State()
    asleep = State()
    end = State(final=True)

    def is_ready(self) -> bool:
        return self.box.ready

    lock = start.to(holding_lock, acquires=box.lock)
    sleep = holding_lock.to(asleep, sleeps=box.cond, when=otherwise)
    wake = asleep.to(holding_lock, waits=box.cond)
    leave = holding_lock.to(end, releases=box.lock, when=is_ready)


class SleeperWithoutLoop(Sleeper):
    """Believes that waking up means ready."""

    woken = State()
    wake = Sleeper.wake.but(target=woken)

    @woken.to(Sleeper.end, releases=Sleeper.box.lock)
    def leave_woken(self) -> None:
        assert self.box.ready, "woken although not ready"


class Waker(Process):
    box = Ref(Box)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end, holding=box.lock)
    def tell(self) -> None:
        self.box.ready = True
        self.box.cond.broadcast()


class WakerOfOne(Waker):
    @Waker.tell.but
    def tell(self) -> None:
        self.box.ready = True
        self.box.cond.signal()


class WakerThatForgets(Waker):
    @Waker.tell.but
    def tell(self) -> None:
        self.box.ready = True


def test_condition() -> None:
    assert rule(threads(Sleeper, Sleeper, Waker)) == "HOLDS"
    assert rule(threads(Sleeper, WakerOfOne)) == "HOLDS"
    assert rule(threads(Sleeper, Sleeper, WakerOfOne)) == "deadlock"
    assert rule(threads(Sleeper, WakerThatForgets)) == "deadlock"


def test_spurious_wake_up() -> None:
    """It happens, so a waiter must look again; nothing can count on it, so it does not hide a lost wake-up."""
    result = search(threads(SleeperWithoutLoop, Waker))
    assert result.problem is not None
    assert result.problem.rule == "assertion"
    assert result.trace is not None
    assert [step.reliable for _, step in result.trace.replay(result.model)].count(False) == 1


class Listener(Process):
    box = Ref(Box)
    heard = Count(2)
    start = State(initial=True)
    woken = State()
    end = State(final=True)

    def bells(self) -> list[Any]:
        return [self.box.bell]

    @start.to(woken, waits=any_of(bells))
    def wake(self, ready: list[Any]) -> None:
        self.heard = len(ready)

    @woken.to(end)
    def clear(self) -> None:
        self.box.bell.test_and_clear()


class ListenerThatKeepsIt(Listener):
    @Listener.clear.but
    def clear(self) -> None:
        pass


class Looker(Process):
    box = Ref(Box)
    heard = Count(2)
    start = State(initial=True)
    end = State(final=True)

    def bells(self) -> list[Any]:
        return [self.box.bell]

    @start.to(end, polls=any_of(bells))
    def look(self, ready: list[Any]) -> None:
        self.heard = len(ready)


class Ringer(Process):
    box = Ref(Box)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end)
    def ring(self) -> None:
        self.box.bell.set()


def test_notifier_is_level_triggered() -> None:
    assert rule(threads(Listener, Ringer)) == "HOLDS"
    assert rule(threads(Listener)) == "deadlock"
    assert rule(threads(Listener, Listener, Ringer)) == "deadlock"
    assert rule(threads(ListenerThatKeepsIt, ListenerThatKeepsIt, Ringer)) == "HOLDS"
    assert rule(threads(Looker)) == "HOLDS"


class Exchanger(Process):
    box = Ref(Box)
    old = Count(3)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end)
    def go(self) -> None:
        self.old = self.box.atomic.exchange(1)


class LoadThenStore(Process):
    """What an exchange is not: another thread may come between."""

    box = Ref(Box)
    old = Count(3)
    start = State(initial=True)
    loaded = State()
    end = State(final=True)

    @start.to(loaded)
    def load(self) -> None:
        self.old = self.box.atomic.load()

    @loaded.to(end)
    def store(self) -> None:
        assert self.old == 0, "somebody was here before"
        self.box.atomic.store_value(self.old + 1)


class Bits(Process):
    """Each operation is one access, and returns what was there."""

    box = Ref(Box)
    start = State(initial=True)
    ored = State()
    added = State()
    end = State(final=True)

    @start.to(ored)
    def set_bit(self) -> None:
        assert self.box.atomic.fetch_or(2) == 0

    @ored.to(added)
    def add(self) -> None:
        assert self.box.atomic.fetch_add(1) == 2

    @added.to(end)
    def look(self) -> None:
        assert self.box.atomic.load() == 3


class BitsTooMany(Bits):
    @Bits.look.but
    def look(self) -> None:
        self.box.atomic.fetch_add(1)


def test_atomic() -> None:
    assert rule(threads(Bits)) == "HOLDS"
    assert rule(threads(Bits, Exchanger)) == "assertion"
    assert rule(threads(BitsTooMany)) == "bounds"
    assert rule(threads(Exchanger, Exchanger)) == "HOLDS"
    lost_update = at_rest("both counted")(
        lambda s: s.box.atomic.slot >= 0 and s._model.store.cells[s.box.atomic.slot] == 2
    )
    assert rule(threads(LoadThenStore, Exchanger), lost_update) in ("assertion", "both counted")


# -- races and granularity -----------------------------------------------------------------------------


class PlainWriter(Process):
    box = Ref(Box)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end)
    def write(self) -> None:
        self.box.plain = 1


class RacyWriter(PlainWriter):
    @PlainWriter.write.but
    def write(self) -> None:
        self.box.racy = 1


class ReadModifyWrite(PlainWriter):
    @PlainWriter.write.but
    def write(self) -> None:
        self.box.racy += 1


class LockedPlainWriter(PlainWriter):
    write = PlainWriter.write.but(holding=PlainWriter.box.lock)


def test_data_race_is_two_threads_that_meet() -> None:
    assert rule(threads(PlainWriter)) == "HOLDS"
    assert rule(threads(PlainWriter, PlainWriter)) == "data race"
    assert rule(threads(LockedPlainWriter, LockedPlainWriter)) == "HOLDS"
    assert rule(threads(RacyWriter, RacyWriter)) == "HOLDS"


def test_plain_read_modify_write_is_two_accesses() -> None:
    assert rule(threads(ReadModifyWrite)) == "step granularity"


# -- objects ---------------------------------------------------------------------------------------------


class Maker(Process):
    """Allocates an item, uses it, frees it; the versions below each break one rule of lifetime."""

    box = Ref(Box)
    item = Ref(Item)
    start = State(initial=True)
    made = State()
    used = State()
    end = State(final=True)

    @start.to(made)
    def make(self) -> None:
        self.item = self.new(Item, value=1)
        self.box.item = self.item

    @made.to(used)
    def use(self) -> None:
        self.item.use()

    @used.to(end)
    def drop(self) -> None:
        self.free(self.item)


class FreesEarly(Maker):
    @Maker.make.but
    def make(self) -> None:
        self.item = self.new(Item)
        self.free(self.item)


class FreesTwice(Maker):
    @Maker.use.but
    def use(self) -> None:
        self.item.use()
        self.free(self.item)


class UsesTwice(Maker):
    @Maker.use.but
    def use(self) -> None:
        self.item.use()
        self.item.use()


class UsesNull(Maker):
    @Maker.make.but
    def make(self) -> None:
        self.item = NULL


class Leaks(Maker):
    @Maker.drop.but
    def drop(self) -> None:
        self.box.item = NULL


class KeepsReachable(Maker):
    @Maker.drop.but
    def drop(self) -> None:
        pass


class MakesTooMany(Maker):
    @Maker.use.but
    def use(self) -> None:
        self.new(Item)


class FollowsAStalePointer(Maker):
    """The room of the freed item is taken by a new one; the old pointer must not become valid again."""

    @Maker.use.but
    def use(self) -> None:
        self.free(self.item)
        self.new(Item)


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (Maker, "HOLDS"),
        (FreesEarly, "use after free"),
        (FreesTwice, "double free"),
        (UsesTwice, "illegal move"),
        (UsesNull, "null dereference"),
        (Leaks, "leak"),
        (KeepsReachable, "HOLDS"),
        (MakesTooMany, "bounds"),
        (FollowsAStalePointer, "double free"),
    ],
)
def test_lifetime(kind: type, broken: str) -> None:
    assert rule(threads(kind)) == broken


def test_exactly_once() -> None:
    once = exactly_once("once", Item, Item.use, says="Every item is used once.")
    assert rule(threads(Maker), once) == "HOLDS"

    class DropsUnused(Maker):
        use = Maker.made.to(Maker.used)

    assert rule(threads(DropsUnused), once) == "once"
    assert rule(threads(KeepsReachable), once) == "HOLDS"


class Container(Process):
    box = Ref(Box)
    start = State(initial=True)
    end = State(final=True)

    @start.to(end)
    def go(self) -> None:
        box = self.box
        one, two = self.new(Item), self.new(Item)
        box.queue.append(one)
        box.queue.append(two)
        box.stack.push(one)
        box.stack.push(two)
        assert [item is one for item in box.queue] == [True, False]
        assert [item is one for item in box.stack] == [False, True]
        assert box.stack.first is two
        assert box.stack.after(two) is one
        assert not box.stack.after(one)
        box.stack.remove(two)
        assert box.queue.popleft() is one
        box.members.add(two)
        assert two in box.members
        assert one not in box.members
        assert len(box.members) == 1


class PopsEmpty(Container):
    @Container.go.but
    def go(self) -> None:
        self.box.queue.popleft()


class InsertsTwice(Container):
    @Container.go.but
    def go(self) -> None:
        item = self.new(Item)
        self.box.queue.append(item)
        self.box.queue.append(item)


class RemovesAbsent(Container):
    @Container.go.but
    def go(self) -> None:
        self.box.stack.remove(self.new(Item))


class FreesMember(Container):
    @Container.go.but
    def go(self) -> None:
        item = self.new(Item)
        self.box.members.add(item)
        self.free(item)


def test_containers() -> None:
    assert rule(threads(Container, items=2)) == "HOLDS"
    assert rule(threads(PopsEmpty)) == "null dereference"
    assert rule(threads(InsertsTwice)) == "list corruption"
    assert rule(threads(RemovesAbsent)) == "list corruption"
    assert rule(threads(FreesMember)) == "list corruption"


# -- calls, threads, choices ------------------------------------------------------------------------------


class Callee(Process):
    box = Ref(Box)
    argument = Count(3)
    start = State(initial=True)
    end = State(final=True, returns=argument)

    @start.to(end)
    def double(self) -> None:
        self.argument += 1


class OtherCallee(Callee):
    @Callee.double.but
    def double(self) -> None:
        self.argument += 2


class Caller(Process):
    box = Ref(Box)
    answer = Count(3)
    start = State(initial=True)
    called = State()
    end = State(final=True)
    call = start.to(called, calls=Callee(box=box, argument=1), result=answer)

    @called.to(end)
    def check(self) -> None:
        assert self.answer == 2, f"got {self.answer}"


def test_call_and_return() -> None:
    assert rule(threads(Caller)) == "HOLDS"
    assert rule(threads(Caller), replaces={Callee: OtherCallee}) == "assertion"


class Pointer(Struct):
    function = Code()


class PointerCaller(Process):
    box = Ref(Box)
    pointer = Ref(Pointer)
    answer = Count(3)
    start = State(initial=True)
    called = State()
    end = State(final=True)
    call = start.to(called, calls=pointer.function(box=box, argument=1), result=answer)

    @called.to(end)
    def check(self) -> None:
        assert self.answer == 3, f"got {self.answer}"


@pytest.mark.parametrize(
    ("target", "broken"), [(OtherCallee, "HOLDS"), (Callee, "assertion"), (None, "null function pointer")]
)
def test_call_through_a_function_pointer(target: type | None, broken: str) -> None:
    def compose(self: Any) -> None:
        self.box = self.one(Box, "box")
        pointer = self.one(Pointer, "pointer", function=target)
        self.T = self.thread("T", PointerCaller, box=self.box, pointer=pointer)

    assert rule(compose, installs={Pointer.function: (Callee, OtherCallee)}) == broken


class Parent(Process):
    box = Ref(Box)
    left = Count(3)
    start = State(initial=True)
    end = State(final=True)

    def has_more(self) -> bool:
        return self.left > 0

    @start.to(start, when=has_more)
    def again(self) -> None:
        self.left -= 1
        self.spawn(Increment, box=self.box)

    stop = start.to(end, when=otherwise)


def test_spawn() -> None:
    def compose(room: int) -> Any:
        def composed(self: Any) -> None:
            self.box = self.one(Box, "box")
            self.M = self.thread("M", Parent, box=self.box, left=2)
            self.threads("W", Increment, room)

        return composed

    all_ran = at_rest("all ran")(lambda s: s.box.count == 2)
    assert rule(compose(2), all_ran) == "HOLDS"
    assert rule(compose(1), all_ran) == "bounds"


disk = External("a system call", outcomes=(0, -5))


class Chooser(Process):
    box = Ref(Box)
    number = Count(3)
    result = Int(0, -5)
    start = State(initial=True)
    chosen = State()
    end = State(final=True)

    @start.to(chosen)
    def choose_one(self) -> None:
        self.number = self.choose([1, 2]) + self.choose([0, 1])

    @chosen.to(end, external=disk)
    def call(self, outcome: int) -> None:
        self.result = outcome


def test_every_choice_and_every_outcome_is_explored() -> None:
    seen = never("3 and EIO")(lambda s: any(f.number == 3 for f in s.T0.standing(Chooser.chosen)))
    assert rule(threads(Chooser), seen) == "3 and EIO"
    result = search(threads(Chooser))
    assert (result.states, result.transitions) == (5, 10)


class Quantified(Process):
    box = Ref(Box)
    picked = Count(3)
    start = State(initial=True, choice=True)
    end = State(final=True)

    def numbers(self) -> list[int]:
        return [1, 2, 3]

    def is_odd(self, number: int) -> bool:
        return number % 2 == 1

    def is_four(self, number: int) -> bool:
        return number == 4

    @start.to(end, over=numbers, when=is_odd)
    def pick(self, number: int) -> None:
        self.picked = number

    never_possible = start.to(end, over=numbers, when=is_four)


def test_quantified_step() -> None:
    result = search(threads(Quantified))
    assert result.transitions == 2
    assert result.unused == ["Quantified.never_possible"]


def test_always_sees_every_state_and_reports_the_shortest_way() -> None:
    small = always("small")(lambda s: s.box.count < 2)
    result = search(threads(Increment, Increment, Increment), small)
    assert result.problem is not None
    assert result.problem.rule == "small"
    assert result.trace is not None
    assert len(result.trace) == 2


def test_nothing_to_check_is_no_pass() -> None:
    def nobody(self: Any) -> None:
        self.box = self.one(Box, "box")

    assert search(nobody).exit_code == 5
