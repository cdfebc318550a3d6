"""`util/event_notifier-posix.c` of QEMU v2.0.0 over the eventfd of the kernel.

Everything else uses `EventNotifier`, a level.  Here stand the counter, EINTR and EAGAIN that the level hides; the
system `event-notifier` checks that they do not show.
"""

from __future__ import annotations

from qmodel import Const, Count, EventNotifier, External, Flag, Mutex, Process, Ref, State, Struct, bound, otherwise

EINTR = 4
MOST = bound("most")

signals = External("whether a signal interrupts the system call", outcomes=(0, -EINTR))


class KernelEventfd(Struct):
    """`struct eventfd_ctx` (fs/eventfd.c, v2.6.32): write() adds to `count`, read() empties it.

    Not modelled: the real maximum of the counter; `most` stands for it, and there write() returns EAGAIN.
    """

    wqh_lock = Mutex()
    count = Count(MOST, guarded_by=wqh_lock)
    most = Const(MOST)
    readable = Ref(EventNotifier)


class EventNotifierSet(Process):
    """`event_notifier_set()` (util/event_notifier-posix.c, v2.0.0).

    Not modelled: the pipe fallback; errors other than EINTR and EAGAIN, which no caller handles.
    """

    fd = Ref(KernelEventfd)
    interrupted = Flag()

    entered = State("about to write(wfd, &value, 8)", initial=True)
    attempted = State("a signal came first, or none did")
    returned = State("the level is up", final=True)

    @entered.to(attempted, external=signals)
    def enter(self, error: int) -> None:
        self.interrupted = error == -EINTR

    def is_full(self) -> bool:
        return not self.interrupted and self.fd.count == self.fd.most

    def has_room(self) -> bool:
        return not self.interrupted and self.fd.count < self.fd.most

    retry = attempted.to(entered, when=interrupted)

    @attempted.to(returned, holding=fd.wqh_lock, when=has_room)
    def write(self) -> None:
        self.fd.count += 1
        self.fd.readable.set()

    ignore_eagain = attempted.to(returned, holding=fd.wqh_lock, when=is_full)


class EventNotifierTestAndClear(Process):
    """`event_notifier_test_and_clear()` (util/event_notifier-posix.c, v2.0.0).

    Not modelled: reads of exactly 512 bytes, which only the pipe fallback returns.
    """

    fd = Ref(KernelEventfd)
    interrupted = Flag()
    value = Flag()

    entered = State("about to read(rfd, buffer, 512)", initial=True)
    attempted = State("a signal came first, or none did")
    returned = State("the level is down", final=True, returns=value)

    @entered.to(attempted, external=signals)
    def enter(self, error: int) -> None:
        self.interrupted = error == -EINTR

    retry = attempted.to(entered, when=interrupted)

    @attempted.to(returned, holding=fd.wqh_lock, when=otherwise)
    def read(self) -> None:
        self.value = self.fd.count > 0
        self.fd.count = 0
        self.fd.readable.test_and_clear()
