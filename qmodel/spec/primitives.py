"""Primitives: what can block a thread, and what threads signal through.

Each is a field with a handle.  The handle calls the store, which is the model here and the real thing (`Lock`,
`eventfd`, `Condition`) in the runtime, under the same names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .bounds import Bound, as_bound
from .errors import LockDiscipline, SpecError
from .fields import Field, Order

if TYPE_CHECKING:
    from .records import Record
    from .store import Store


class Handle:
    """A primitive of one object in one store."""

    __slots__ = ("base", "field", "slot", "store")

    def __init__(self, field: Any, store: Store, base: int) -> None:
        self.field, self.store, self.base = field, store, base
        self.slot: int = base + field.offset

    @property
    def name(self) -> str:
        return str(self.field.full_name)


class Primitive(Field[Any]):
    """Base of the primitives: reading the attribute gives the handle."""

    handle: type[Handle] = Handle

    def __get__(self, view: Record | None, owner: type) -> Any:
        if view is None:
            return self
        if view._store.checking and self.in_object:
            view._store._check_alive(self, view._base)
        return self.handle(self, view._store, view._base)

    def __set__(self, view: Record, value: Any) -> None:
        raise LockDiscipline(f"{self.full_name} is assigned; primitives are used by their methods")

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        return str(cells[slot])


class MutexHandle(Handle):
    __slots__ = ()

    @property
    def owner(self) -> int:
        """0 when free, else thread index + 1."""
        return self.store.cells[self.slot]

    @property
    def held(self) -> bool:
        """Whether the running thread holds it."""
        return self.owner == self.store.thread + 1


class Mutex(Primitive):
    """`QemuMutex`: error-checking, not recursive.  Steps take it by `holding=`, `acquires=`, `releases=`."""

    handle = MutexHandle

    def size(self, sizes: Any) -> None:
        self.domain = sizes.thread_count
        self.owners = ["", *sizes.thread_names]

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        return self.owners[cells[slot]] or "free"


class SemaphoreHandle(Handle):
    __slots__ = ()

    @property
    def count(self) -> int:
        return self.store.cells[self.slot]

    def post(self) -> None:
        """Add a token (`qemu_sem_post`)."""
        self.store.act(f"post {self.name}")
        self.store.post(self.slot, self.field.domain, self.field.saturates, self.name)

    def try_wait(self) -> bool:
        """Take a token if there is one (`qemu_sem_timedwait` with 0 ms)."""
        self.store.act(f"try-wait {self.name}")
        return self.store.take(self.slot, self.name)


class Semaphore(Primitive):
    """`QemuSemaphore`: a counter 0..`upto`; `waits=` takes a token, `after=` beside it makes the wait a timed one.

    Args:
        saturates: drop a post at the bound instead of rejecting the model; exact only where nobody could ever take
            the dropped token, which is for the specification to say.
    """

    handle = SemaphoreHandle

    def __init__(self, upto: Bound | int, *, saturates: bool = False, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.upto = as_bound(upto)
        self.saturates = saturates

    def size(self, sizes: Any) -> None:
        self.domain = self.upto.value(sizes.scope, self.where)


class ConditionHandle(Handle):
    __slots__ = ()

    @property
    def waiting(self) -> int:
        """Bit set of the threads that wait and were not signalled."""
        return self.store.cells[self.slot]

    @property
    def signalled(self) -> int:
        """Bit set of the threads that were signalled and have not run yet."""
        return self.store.cells[self.slot + 1]

    @property
    def lock_slot(self) -> int:
        return int(self.base + self.field.mutex_offset)

    def broadcast(self) -> None:
        """Wake every waiter (`qemu_cond_broadcast`)."""
        self._signal(self.waiting)

    def signal(self) -> None:
        """Wake one waiter, any of them (`qemu_cond_signal`)."""
        waiters = [1 << i for i in range(self.field.members) if self.waiting >> i & 1]
        if waiters:
            self._signal(waiters[0] if len(waiters) == 1 else self.store.choose(waiters, f"who {self.name} wakes"))

    def _signal(self, threads: int) -> None:
        if self.store.cells[self.lock_slot] != self.store.thread + 1:
            self.store.act(f"signal {self.name}")
        self.store.wake(self.slot, threads)


class Condition(Primitive):
    """`QemuCond` used with `lock`; waiters may wake spuriously."""

    handle = ConditionHandle
    width = 2

    def __init__(self, lock: Mutex, **keywords: Any) -> None:
        super().__init__(**keywords)
        if not isinstance(lock, Mutex):
            raise SpecError(self.where, "`Condition` is not given its mutex", "write `Condition(lock)`")
        self.lock = lock
        self.mutex_offset = -1

    def size(self, sizes: Any) -> None:
        self.members = sizes.thread_count
        self.domain = (1 << self.members) - 1
        self.names = list(sizes.thread_names)

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        waiting = [name for i, name in enumerate(self.names) if cells[slot] >> i & 1]
        woken = [f"{name}!" for i, name in enumerate(self.names) if cells[slot + 1] >> i & 1]
        return "{" + " ".join(waiting + woken) + "}"


class AtomicHandle(Handle):
    __slots__ = ()

    def load(self) -> int:
        self.store.act(f"load {self.name}")
        return self.store.cells[self.slot]

    def store_value(self, value: int) -> None:
        self.store.act(f"store {self.name}")
        self._put(value)

    def exchange(self, value: int) -> int:
        """Put `value`, return what was there, in one access."""
        self.store.act(f"exchange {self.name}")
        old = self.store.cells[self.slot]
        self._put(value)
        return old

    def fetch_or(self, bits: int) -> int:
        self.store.act(f"fetch-or {self.name}")
        old = self.store.cells[self.slot]
        self._put(old | bits)
        return old

    def fetch_add(self, amount: int) -> int:
        self.store.act(f"fetch-add {self.name}")
        old = self.store.cells[self.slot]
        self._put(old + amount)
        return old

    def _put(self, value: int) -> None:
        self.store.cells[self.slot] = 0
        self.store.add(self.slot, value, self.field.domain, self.name)


class Atomic(Primitive):
    """A small integer with atomic read-modify-write operations."""

    handle = AtomicHandle

    def __init__(self, upto: Bound | int, *, order: Order = Order.SEQ_CST, **keywords: Any) -> None:
        super().__init__(order=order, **keywords)
        self.upto = as_bound(upto)

    def size(self, sizes: Any) -> None:
        self.domain = self.upto.value(sizes.scope, self.where)


class LevelHandle(Handle):
    __slots__ = ()

    @property
    def raised(self) -> bool:
        return self.store.cells[self.slot] == 1

    def set(self) -> None:
        """Raise the level (`event_notifier_set`)."""
        self.store.act(f"set {self.name}")
        self.store.raise_level(self.slot)

    def test_and_clear(self) -> bool:
        """Lower the level; whether it was up (`event_notifier_test_and_clear`)."""
        self.store.act(f"test-and-clear {self.name}")
        return self.store.lower_level(self.slot)


class Eventfd(Primitive):
    """The kernel side of an `EventNotifier`: a level that polling does not consume."""

    handle = LevelHandle
    domain = 1


class AnyOf:
    """`waits=any_of(pollfds)`: sleep until one of the notifiers is up; the step is given those that are.

    `polls=any_of(pollfds)` looks without sleeping.
    """

    def __init__(self, notifiers: Callable[[Any], list[Any]]) -> None:
        self.notifiers = notifiers

    def __str__(self) -> str:
        return f"any of {self.notifiers.__name__}"


def any_of(notifiers: Callable[[Any], list[Any]]) -> AnyOf:
    """The set of notifiers that `notifiers(self)` lists, watched together by one `ppoll`."""
    return AnyOf(notifiers)
