"""Systems `bottom-half`: the loop that owns an AioContext, a driver's BHs on it, and foreign threads with one-shot BHs."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from qmodel import (
    Const,
    EventNotifier,
    Fairness,
    Flag,
    Process,
    Property,
    Ref,
    Scope,
    Set,
    State,
    Struct,
    System,
    always,
    at_rest,
    bound,
    is_dangling,
    leads_to,
    never,
    otherwise,
)

from .aio_posix_c import AioHandler, AioPoll, EventNotifierTestAndClear
from .async_c import (
    QEMUBH,
    AioBhNew,
    AioBhPoll,
    AioBhPoll_before_648fb0ea5e,
    AioBhPoll_before_7887f6201f,
    AioContext,
    QemuBhSchedule,
    QemuBhSchedule_924fe1293c,
    QemuBhScheduleIdle,
)

__all__ = ["BottomHalf", "BottomHalf_924fe1293c", "BottomHalf_before_648fb0ea5e", "BottomHalf_before_7887f6201f"]


class Driver(Struct):
    """A device model with bottom halves of its own; only the loop's thread touches it (environment)."""

    ctx = Ref(AioContext)
    known = Set(QEMUBH)
    ran = Flag(ghost=True, doc="a callback has run since the drain loop last called aio_poll()")
    nested = Const(bound("nested"))
    idle = Const(bound("idle"))
    drain = Const(bound("drain"))


class DriverCallback(Process):
    """A driver's bottom half: schedules, cancels or deletes any BH of the driver, and may poll (environment)."""

    opaque = Ref(Driver)
    bh = Ref(QEMUBH)

    running = State("in bh->cb(opaque)", initial=True, choice=True)
    returned = State("done", final=True)

    def known(self) -> list[Any]:
        return list(self.opaque.known)

    def may_poll(self) -> bool:
        return self.opaque.ctx.walking_bh <= self.opaque.nested

    def may_idle(self, bh: QEMUBH) -> bool:
        return self.opaque.idle > 0

    @running.to(returned)
    def leave(self) -> None:
        if self.opaque.drain:
            self.opaque.ran = True

    poll = running.to(running, when=may_poll, calls=AioPoll(ctx=opaque.ctx, blocking=False))

    @running.to(running, over=known, calls=QemuBhSchedule(bh=bh))
    def schedule(self, bh: QEMUBH) -> None:
        self.bh = bh

    @running.to(running, over=known, when=may_idle, calls=QemuBhScheduleIdle(bh=bh))
    def schedule_idle(self, bh: QEMUBH) -> None:
        self.bh = bh

    @running.to(running, over=known)
    def cancel(self, bh: QEMUBH) -> None:
        bh.cancel()

    @running.to(running, over=known)
    def delete(self, bh: QEMUBH) -> None:
        self.opaque.known.discard(bh)
        bh.delete()


class OneShotCallback(Process):
    """The completion of a foreign request: it deletes its BH, as librbd's does (environment)."""

    opaque = Ref(QEMUBH)

    running = State("in bh->cb(bh)", initial=True)
    returned = State("done", final=True)

    @running.to(returned)
    def delete(self) -> None:
        self.opaque.delete()


class Loop(Process):
    """The thread that owns the AioContext: schedules the driver's BHs and polls, for ever (environment)."""

    driver = Ref(Driver)
    bh = Ref(QEMUBH)
    progress = Flag()

    deciding = State("between two aio_poll()", initial=True, choice=True, quiescent=True)
    draining = State("in a loop on aio_poll() that ends when it makes no progress, as drain loops do")

    def known(self) -> list[Any]:
        return list(self.driver.known)

    def may_idle(self, bh: QEMUBH) -> bool:
        return self.driver.idle > 0

    def may_drain(self) -> bool:
        return self.driver.drain > 0

    poll = deciding.to(deciding, calls=AioPoll(ctx=driver.ctx, blocking=True))

    @deciding.to(draining, when=may_drain, calls=AioPoll(ctx=driver.ctx, blocking=False), result=progress)
    def drain(self) -> None:
        self.driver.ran = False

    @draining.to(draining, when=progress, calls=AioPoll(ctx=driver.ctx, blocking=False), result=progress)
    def drain_more(self) -> None:
        self.driver.ran = False

    end_drain = draining.to(deciding, when=otherwise)

    @deciding.to(deciding, over=known, calls=QemuBhSchedule(bh=bh))
    def schedule(self, bh: QEMUBH) -> None:
        self.bh = bh

    @deciding.to(deciding, over=known, when=may_idle, calls=QemuBhScheduleIdle(bh=bh))
    def schedule_idle(self, bh: QEMUBH) -> None:
        self.bh = bh


class ForeignThread(Process):
    """A thread that is not QEMU's, such as librbd's: creates a one-shot BH and schedules it (environment)."""

    ctx = Ref(AioContext)
    bh = Ref(QEMUBH)

    started = State("a foreign request has finished", initial=True)
    created = State("the BH is in the list")
    ended = State("done", final=True)

    create = started.to(created, calls=AioBhNew(ctx=ctx, cb=OneShotCallback), result=bh)

    @created.to(ended, calls=QemuBhSchedule(bh=bh))
    def schedule(self) -> None:
        self.bh.opaque = self.bh


# -- properties ------------------------------------------------------------------------------------


@never("INV-BH1")
def freed_during_walk(s: Any) -> object:
    """A BH is freed while another walk of its AioContext is active."""
    return s.M.at(AioBhPoll.sweeping) and s.ctx.walking_bh and any(bh.deleted for bh in s.live(QEMUBH))


@at_rest("INV-BH2")
def scheduled_is_polled(s: Any) -> bool:
    """A scheduled BH that is not idle is followed by an aio_bh_poll()."""
    return not any(bh.scheduled and not bh.idle and not bh.deleted for bh in s.live(QEMUBH))


@never("INV-BH3")
def runs_after_delete(s: Any) -> bool:
    """A callback is about to run although its BH was deleted (v2.0.0 sees to it by having one deleting thread)."""
    return any(walk.bh.deleted for walk in s.M.standing(AioBhPoll.chosen, AioBhPoll.cleared, AioBhPoll.idle_known))


@at_rest("INV-BH4")
def requested_runs(s: Any) -> bool:
    """After qemu_bh_schedule() the callback runs at least once, unless the BH is cancelled or deleted."""
    return not any(bh.requested for bh in s.live(QEMUBH))


@never("INV-BH5")
def runs_unasked(s: Any) -> bool:
    """A callback is about to run a second time for one schedule, or although its BH was cancelled."""
    return any(not walk.bh.requested and not walk.bh.idle for walk in s.M.standing(AioBhPoll.chosen))


@never("BH-urgency")
def published_otherwise(s: Any) -> bool:
    """A BH is about to be published as idle by qemu_bh_schedule(), or as not idle by qemu_bh_schedule_idle()."""
    prompt = [call for thread in (s.M, *s.X) for call in thread.standing(QemuBhSchedule.prompt)]
    patient = s.M.standing(QemuBhScheduleIdle.patient)
    return any(call.bh.idle for call in prompt) or any(not call.bh.idle for call in patient)


@at_rest("BH-freed")
def deleted_is_freed(s: Any) -> bool:
    """Every BH that was deleted is freed by the walk that follows."""
    return all(bh in s.driver.known for bh in s.live(QEMUBH))


@always("BH-list")
def listed_is_linked(s: Any) -> bool:
    """The BHs of the list are exactly those that count as linked, so that their legal moves are checked."""
    listed, bh = [], s.ctx.first_bh
    while bh and not is_dangling(bh) and bh not in listed:
        listed.append(bh)
        bh = bh.next
    return all(bh.linked == (bh in listed) for bh in s.live(QEMUBH))


@never("BH-drain")
def drained_too_early(s: Any) -> bool:
    """Without foreign threads, a drain loop ends although a BH that is not idle is pending, or the notifier is up."""
    ended = [loop for loop in s.M.standing(Loop.draining) if not loop.progress and s.M.frames == [loop]]
    if not ended or s.X:
        return False
    pending = any(bh.scheduled and not bh.idle and not bh.deleted for bh in s.live(QEMUBH))
    return bool(pending or s.ctx.notifier.is_up)


@never("BH-progress")
def progress_untold(s: Any) -> bool:
    """Without foreign threads and idle BHs, aio_poll() tells the drain loop otherwise than whether a callback ran."""
    if s.X or s.idle:
        return False
    return any(s.M.frames == [loop] and loop.progress != s.driver.ran for loop in s.M.standing(Loop.draining))


def is_pending(s: Any, bh: Any) -> bool:
    return bh.scheduled and not bh.idle and not bh.deleted


@leads_to("P2", premise=is_pending, each=QEMUBH)
def pending_runs(s: Any, bh: Any) -> bool:
    """A BH that is scheduled and not idle runs, or is cancelled or deleted."""
    return not bh.scheduled or bh.deleted


class BottomHalf(System):
    """One event loop, its driver's BHs, and foreign threads that each create and schedule a one-shot BH.

    INV-BH5 (one run for one schedule) is the legal moves of `QEMUBH` too: its callback starts only from pending.

    P2 assumes what every event loop assumes: it polls again and again, and callbacks return.  P6 is the rule
    "busy loop", and of `scheduled` it is P2.
    """

    name, version = "bottom-half", "v2.0.0"
    installs = {QEMUBH.cb: (DriverCallback, OneShotCallback), AioHandler.io_read: (EventNotifierTestAndClear,)}
    properties: ClassVar[tuple[Property, ...]] = (
        freed_during_walk, scheduled_is_polled, runs_after_delete, requested_runs, runs_unasked, published_otherwise,
        deleted_is_freed, listed_is_linked, drained_too_early, progress_untold, pending_runs,
    )  # fmt: skip

    fairness = {Loop.poll: Fairness.STRONG, DriverCallback.leave: Fairness.STRONG}

    bhs = Scope(1, "BHs of the driver", at_least=0)
    foreign = Scope(1, "foreign threads", at_least=0)
    nested = Scope(0, "how deep callbacks may poll", at_least=0, at_most=2)
    idle = Scope(0, "whether the loop also schedules idle BHs", at_least=0, at_most=1)
    drain = Scope(0, "whether the loop drains: polls until nothing makes progress", at_least=0, at_most=1)

    def derived(self) -> dict[str, int]:
        return {"nesting": 1 + self.nested}

    def compose(self) -> None:
        notifier = self.one(EventNotifier, "ctx.notifier")
        self.ctx = self.one(AioContext, "ctx", notifier=notifier)
        handler = self.one(AioHandler, "handler", notifier=notifier, io_read=EventNotifierTestAndClear, opaque=notifier)
        self.driver = self.one(Driver, "driver", ctx=self.ctx)
        bhs = [
            self.one(QEMUBH, f"bh{i + 1}", ctx=self.ctx, cb=DriverCallback, opaque=self.driver, linked=True)
            for i in range(self.bhs)
        ]
        for bh, following in itertools.pairwise(bhs):
            self.set(bh, next=following)
        self.set(self.ctx, first_bh=bhs[0] if bhs else None, aio_handlers=[handler])
        self.set(self.driver, known=bhs)
        self.room(QEMUBH, self.foreign, "oneshot")
        self.M = self.thread("M", Loop, stack=5 + 3 * self.nested, driver=self.driver)
        self.X = [self.thread(f"X{i + 1}", ForeignThread, ctx=self.ctx) for i in range(self.foreign)]


class BottomHalf_924fe1293c(BottomHalf):
    """With the fix of the bh->ctx race."""

    version = "924fe1293c"
    replaces = {QemuBhSchedule: QemuBhSchedule_924fe1293c}


class BottomHalf_before_648fb0ea5e(BottomHalf):
    """Without walking_bh: nested polls free what is deleted, and nobody promises INV-BH1 yet.

    v2.0.0 with this one change undone.  Not modelled: what else was different in 2011 (no bh_lock, no barriers,
    `scheduled` written before `idle`, the name qemu_bh_poll()).
    """

    version = "before-648fb0ea5e"
    properties = tuple(claim for claim in BottomHalf.properties if claim is not freed_during_walk)
    replaces = {AioBhPoll: AioBhPoll_before_648fb0ea5e}


class BottomHalf_before_7887f6201f(BottomHalf_before_648fb0ea5e):
    """Without saving `next` before the callback as well."""

    version = "before-7887f6201f"
    replaces = {AioBhPoll: AioBhPoll_before_7887f6201f}
