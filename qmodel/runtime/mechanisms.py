"""The primitives of `qmodel.spec.primitives` as real things, under the same names.

Each answers exactly what its model answers in the same place; the shared test in `tests/runtime` holds the two
together.  Nothing here waits without a limit: a wait ends after `seconds`, or when the run is stopped.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterable

from ..compose.layout import Layout
from ..spec.primitives import Condition, Eventfd, Mutex, Semaphore

SLICE = 0.1
"""Seconds after which a wait on something that cannot be polled looks whether the run was stopped."""


class Disagreement(Exception):
    """The model and the real primitive are in different states: a bug of the runtime, not of the machine."""


class RealMutex:
    """`threading.Lock`, and who holds it: 0 for nobody, else thread index + 1, as in the model."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lock = threading.Lock()
        self.holder = 0

    def try_acquire(self, holder: int) -> bool:
        return self.acquire(holder, 0)

    def acquire(self, holder: int, seconds: float) -> bool:
        """Take the lock, waiting at most `seconds`; whether it was taken."""
        taken = self.lock.acquire(timeout=seconds) if seconds else self.lock.acquire(blocking=False)
        if taken:
            self.holder = holder
        return taken

    def release(self) -> None:
        self.holder = 0
        self.lock.release()

    def reset(self) -> None:
        """Nothing: only a free mutex is destroyed."""


class RealSemaphore:
    """A semaphore of the kernel: an eventfd whose reads take one token."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fd = os.eventfd(0, os.EFD_SEMAPHORE | os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def post(self) -> None:
        os.eventfd_write(self.fd, 1)

    def try_take(self) -> bool:
        return _read(self.fd)

    def reset(self) -> None:
        while _read(self.fd):
            pass


class RealLevel:
    """An eventfd that is up while its counter is not zero."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def set(self) -> None:
        os.eventfd_write(self.fd, 1)

    def test_and_clear(self) -> bool:
        return _read(self.fd)

    def reset(self) -> None:
        _read(self.fd)


class RealCondition:
    """`threading.Condition` on the lock of a `RealMutex`.

    Which waiters were signalled is in the model; the real condition wakes all of them, and who was not meant sleeps on.
    """

    def __init__(self, name: str, mutex: RealMutex) -> None:
        self.name = name
        self.mutex = mutex
        self.condition = threading.Condition(mutex.lock)

    def sleep(self, holder: int, seconds: float) -> None:
        """Release the mutex, wait for a wake-up or for `seconds`, take the mutex again."""
        self.mutex.holder = 0
        self.condition.wait(seconds)
        self.mutex.holder = holder

    def wake(self) -> None:
        """Wake everyone who waits; the caller holds the mutex.

        Raises:
            Disagreement: nobody holds it, which `threading.Condition` does not allow.
        """
        if not self.mutex.holder:
            raise Disagreement(f"{self.name} is signalled without its mutex, which a real Condition refuses")
        self.condition.notify_all()

    def reset(self) -> None:
        """Nothing: only a condition without waiters is destroyed."""


Mechanism = RealMutex | RealSemaphore | RealLevel | RealCondition


def _read(fd: int) -> bool:
    try:
        os.eventfd_read(fd)
    except BlockingIOError:
        return False
    return True


class Stop:
    """Ends every wait of a run at once: an eventfd that is up for good."""

    def __init__(self) -> None:
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.asked = False

    def ask(self) -> None:
        if not self.asked:
            self.asked = True
            os.eventfd_write(self.fd, 1)

    def close(self) -> None:
        os.close(self.fd)

    def wait(self, seconds: float) -> bool:
        """Let `seconds` pass unless the run is stopped; whether it was."""
        self.poll([], seconds)
        return self.asked

    def poll(self, fds: Iterable[int], seconds: float | None) -> set[int]:
        """Those of `fds` that are up, as soon as one is, after `seconds`, or when the run is stopped."""
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        for fd in fds:
            poller.register(fd, select.POLLIN)
        limit = None if seconds is None else max(0.0, seconds * 1000)
        return {fd for fd, _ in poller.poll(limit)} - {self.fd}


class Mechanisms:
    """The real primitive behind every slot of a layout that holds one."""

    def __init__(self, layout: Layout) -> None:
        self.by_slot: dict[int, Mechanism] = {}
        for objects in layout.objects.values():
            fields = [f for f in vars(objects.bound).values() if isinstance(f, Mutex | Semaphore | Eventfd | Condition)]
            for base in objects.bases:
                for field in sorted(fields, key=lambda f: isinstance(f, Condition)):
                    self.by_slot[base + field.offset] = self._make(field, base)

    def _make(self, field: Mutex | Semaphore | Eventfd | Condition, base: int) -> Mechanism:
        if isinstance(field, Mutex):
            return RealMutex(field.full_name)
        if isinstance(field, Semaphore):
            return RealSemaphore(field.full_name)
        if isinstance(field, Eventfd):
            return RealLevel(field.full_name)
        return RealCondition(field.full_name, self.mutex(base + field.mutex_offset))

    def mutex(self, slot: int) -> RealMutex:
        found = self.by_slot[slot]
        assert isinstance(found, RealMutex)
        return found

    def semaphore(self, slot: int) -> RealSemaphore:
        found = self.by_slot[slot]
        assert isinstance(found, RealSemaphore)
        return found

    def level(self, slot: int) -> RealLevel:
        found = self.by_slot[slot]
        assert isinstance(found, RealLevel)
        return found

    def condition(self, slot: int) -> RealCondition:
        found = self.by_slot[slot]
        assert isinstance(found, RealCondition)
        return found

    def between(self, start: int, end: int) -> list[Mechanism]:
        """The primitives of the object that fills the slots `start` to `end`."""
        return [self.by_slot[slot] for slot in range(start, end) if slot in self.by_slot]

    def close(self) -> None:
        """Close every eventfd; no thread may use them any more."""
        for mechanism in self.by_slot.values():
            if isinstance(mechanism, RealSemaphore | RealLevel):
                os.close(mechanism.fd)
        self.by_slot.clear()
