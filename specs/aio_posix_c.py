"""The owning event loop, reduced to poll and dispatch: `aio-posix.c` of QEMU v2.0.0."""

from __future__ import annotations

from typing import Any

from qmodel import Code, EventNotifier, Flag, Process, Ref, State, Struct, Void, any_of, otherwise

from .async_c import AioBhPoll, AioContext


class AioHandler(Struct):
    """`struct AioHandler` (aio-posix.c, v2.0.0): one notifier that the loop watches.

    Not modelled: io_write, deferred removal (no handler is removed during a walk).
    """

    notifier = Ref(EventNotifier)
    io_read = Code()
    opaque = Void()
    revents = Flag()


class EventNotifierTestAndClear(Process):
    """`event_notifier_test_and_clear()` (util/event_notifier-posix.c, v2.0.0): what ctx->notifier's handler does."""

    opaque = Ref(EventNotifier)

    entered = State("the level may be up", initial=True)
    returned = State("the level is down", final=True)

    @entered.to(returned)
    def clear(self) -> None:
        self.opaque.test_and_clear()


class AioDispatch(Process):
    """`aio_dispatch()` (aio-posix.c, v2.0.0).

    Not modelled: walking_handlers, timers.
    """

    ctx = Ref(AioContext)
    node = Ref(AioHandler)
    progress = Flag()

    scanning = State("node is the next handler to look at", initial=True)
    called = State("node->io_read() was called")
    returned = State("all handlers were looked at", final=True, returns=progress)

    def readable(self) -> Any:
        node = self.node
        while node and not node.revents:
            node = self.ctx.aio_handlers.after(node)
        return node

    @scanning.to(called, when=readable, calls=node.io_read(opaque=node.opaque))
    def take_revents(self) -> None:
        self.node = self.readable()
        self.node.revents = False

    @called.to(scanning)
    def advance(self) -> None:
        if self.node.notifier is not self.ctx.notifier:
            self.progress = True
        self.node = self.ctx.aio_handlers.after(self.node)

    finish = scanning.to(returned, when=otherwise)


class AioPoll(Process):
    """`aio_poll()` (aio-posix.c, v2.0.0): BHs, left-over events, sleep, events; BHs are not polled after the sleep.

    Not modelled: timers and their deadline (a blocking call sleeps until a notifier is up); ppoll() failing with EINTR,
    which ends a blocking call early; that ppoll() looks at one descriptor after the other.
    """

    ctx = Ref(AioContext)
    blocking = Flag()
    progress = Flag()
    ran = Flag()

    entered = State("nothing was done", initial=True)
    bhs_polled = State("aio_bh_poll() was called")
    dispatched = State("left-over events were dispatched")
    sleeping = State("in ppoll() without a timeout", quiescent=True)
    looking = State("in ppoll() with timeout 0")
    awake = State("what ppoll() found was dispatched")
    returned = State("done", final=True, returns=progress)

    def pollfds(self) -> list[EventNotifier]:
        return [node.notifier for node in self.ctx.aio_handlers]

    def is_satisfied(self) -> bool:
        return (self.progress or self.ran) and not self.blocking

    poll_bhs = entered.to(bhs_polled, calls=AioBhPoll(ctx=ctx), result=ran)

    @bhs_polled.to(dispatched, calls=AioDispatch(ctx=ctx, node=ctx.aio_handlers.first), result=ran)
    def dispatch_left_over(self) -> None:
        if self.ran:
            self.blocking = False
            self.progress = True

    @dispatched.to(returned, when=is_satisfied)
    def return_early(self) -> None:
        self.progress = True

    def must_sleep(self) -> bool:
        return self.blocking

    def only_looks(self) -> bool:
        return not self.blocking and not self.is_satisfied()

    @dispatched.to(sleeping, when=must_sleep)
    def sleep(self) -> None:
        self.progress = self.progress or self.ran

    look = dispatched.to(looking, when=only_looks)

    @sleeping.to(awake, waits=any_of(pollfds), calls=AioDispatch(ctx=ctx, node=ctx.aio_handlers.first), result=ran)
    def wake(self, ready: list[EventNotifier]) -> None:
        self.fill_revents(ready)

    @looking.to(awake, polls=any_of(pollfds), calls=AioDispatch(ctx=ctx, node=ctx.aio_handlers.first), result=ran)
    def poll(self, ready: list[EventNotifier]) -> None:
        self.fill_revents(ready)

    def fill_revents(self, ready: list[EventNotifier]) -> None:
        if ready:
            for node in self.ctx.aio_handlers:
                node.revents = node.notifier in ready

    @awake.to(returned)
    def finish(self) -> None:
        self.progress = self.progress or self.ran
