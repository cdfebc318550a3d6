"""Bottom halves: `async.c` of QEMU v2.0.0, and the two shapes that it had before.

`first_bh` and `next` are the C pointers, not a container: three of the historical bugs are about who reads which of
them after whom.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qmodel import (
    PLAIN,
    Code,
    Count,
    EventNotifier,
    Fence,
    Fifo,
    Flag,
    Lifecycle,
    Mutex,
    Process,
    Ref,
    State,
    Struct,
    Void,
    bound,
    is_dangling,
    otherwise,
    removed,
)

if TYPE_CHECKING:
    from .aio_posix_c import AioHandler

NESTING = bound("nesting")


class AioContext(Struct):
    """`struct AioContext` (include/block/aio.h, v2.0.0).

    Not modelled: the GSource, ctx->lock, timers, walking_handlers (no handler is removed while others run);
    aio_context_new(), which leaves the notifier up: it is there, and cleared, before the first step.
    """

    bh_lock = Mutex()
    first_bh: Ref[QEMUBH] = Ref("QEMUBH", guarded_by=bh_lock, order=PLAIN)
    walking_bh = Count(NESTING)
    notifier = Ref(EventNotifier)
    aio_handlers: Fifo[AioHandler] = Fifo("AioHandler")

    def unlink_bh(self, bh: QEMUBH) -> None:
        """`*bhp = bh->next`."""
        if self.first_bh is bh:
            self.first_bh = bh.next
            return
        before = self.first_bh
        while before.next is not bh:
            before = before.next
        before.next = bh.next


class QEMUBH(Lifecycle):
    """`struct QEMUBH` (async.c, v2.0.0): the states are a view of its flags.

    Ghosts: `linked` and `running` tell states apart that C tells by where control is; `requested` is set by a call of
    qemu_bh_schedule() and cleared when the callback starts.
    """

    ctx = Ref(AioContext)
    cb = Code()
    opaque = Void()
    next: Ref[QEMUBH] = Ref("QEMUBH")
    scheduled = Flag(order=PLAIN)
    idle = Flag(order=PLAIN)
    deleted = Flag()
    linked = Flag(ghost=True)
    running = Count(NESTING, ghost=True)
    requested = Flag(ghost=True)

    unlinked = State("allocated, not in the list yet", when=lambda bh: not bh.linked)
    zombie = State("deleted, still in the list", when=lambda bh: bh.linked and bh.deleted)
    inactive = State("nothing to do", when=lambda bh: bh.is_ready() and not bh.running and not bh.scheduled)
    pending = State("will run", when=lambda bh: bh.is_ready() and not bh.running and bh.scheduled and not bh.idle)
    pending_idle = State(
        "will run when there is time", when=lambda bh: bh.is_ready() and not bh.running and bh.scheduled and bh.idle
    )
    executing = State("its callback runs", when=lambda bh: bh.is_ready() and bh.running and not bh.scheduled)
    executing_pending = State(
        "its callback runs, and will run again", when=lambda bh: bh.is_ready() and bh.running and bh.scheduled
    )

    link = unlinked.to(inactive)
    schedule = inactive.to(pending)
    schedule_idle = inactive.to(pending_idle)
    hasten = pending_idle.to(pending)
    unschedule = (pending | pending_idle).to(inactive)
    start = (pending | pending_idle).to(executing)
    reschedule = executing.to(executing_pending)
    unreschedule = executing_pending.to(executing)
    finish = executing.to(inactive)
    finish_pending = executing_pending.to(pending)
    finish_pending_idle = executing_pending.to(pending_idle)
    mark_deleted = (inactive | pending | pending_idle | executing | executing_pending).to(zombie)

    def is_ready(self) -> bool:
        return self.linked and not self.deleted

    def cancel(self) -> None:
        """`qemu_bh_cancel()`."""
        self.scheduled = False
        self.requested = False

    def delete(self) -> None:
        """`qemu_bh_delete()`: freed later, by the outermost aio_bh_poll()."""
        self.scheduled = False
        self.requested = False
        self.deleted = True


class AioBhNew(Process):
    """`aio_bh_new()` (async.c, v2.0.0): allocating and filling in, private to the caller, are part of the one step."""

    ctx = Ref(AioContext)
    cb = Code(like=QEMUBH.cb)
    opaque = Void()
    bh = Ref(QEMUBH)

    entered = State("nothing is allocated yet", initial=True)
    returned = State("the BH is in the list", final=True, returns=bh)

    @entered.to(returned, holding=ctx.bh_lock, fence=Fence.WMB)
    def link(self) -> None:
        self.bh = self.new(QEMUBH, ctx=self.ctx, cb=self.cb, opaque=self.opaque, next=self.ctx.first_bh)
        self.bh.linked = True
        self.ctx.first_bh = self.bh


class QemuBhSchedule(Process):
    """`qemu_bh_schedule()` (async.c, v2.0.0).

    Not modelled: store buffers; under sequential consistency no fence makes a difference.
    """

    bh = Ref(QEMUBH)

    entered = State("scheduled not looked at yet", initial=True)
    unscheduled = State("scheduled was 0")
    prompt = State("idle is 0")
    published = State("scheduled is 1: the BH may run and be freed from here on")
    returned = State("done", final=True)

    def is_scheduled(self) -> bool:
        return self.bh.scheduled

    @entered.to(returned, when=is_scheduled)
    def find_scheduled(self) -> None:
        self.bh.requested = True

    @entered.to(unscheduled, when=otherwise)
    def find_unscheduled(self) -> None:
        self.bh.requested = True

    @unscheduled.to(prompt)
    def write_idle(self) -> None:
        self.bh.idle = False

    @prompt.to(published, fence=Fence.WMB)
    def write_scheduled(self) -> None:
        self.bh.requested = True
        self.bh.scheduled = True

    @published.to(returned)
    def notify(self) -> None:
        self.bh.ctx.notifier.set()


class QemuBhScheduleIdle(Process):
    """`qemu_bh_schedule_idle()` (async.c, v2.0.0): it notifies nobody."""

    bh = Ref(QEMUBH)

    entered = State("scheduled not looked at yet", initial=True)
    unscheduled = State("scheduled was 0")
    patient = State("idle is 1")
    returned = State("done", final=True)

    def is_scheduled(self) -> bool:
        return self.bh.scheduled

    find_scheduled = entered.to(returned, when=is_scheduled)
    find_unscheduled = entered.to(unscheduled, when=otherwise)

    @unscheduled.to(patient)
    def write_idle(self) -> None:
        self.bh.idle = True

    @patient.to(returned, fence=Fence.WMB)
    def write_scheduled(self) -> None:
        self.bh.scheduled = True


class AioBhPoll(Process):
    """`aio_bh_poll()` (async.c, v2.0.0): one walk over the list, newest BH first; `ret` is whether it made progress."""

    ctx = Ref(AioContext)
    bh = Ref(QEMUBH)
    next = Ref(QEMUBH)
    ret = Flag()

    entered = State("first_bh not read yet", initial=True)
    walking = State("bh is the one to look at, or null at the end of the list")
    chosen = State("bh was seen scheduled and not deleted")
    cleared = State("scheduled is 0, idle not read yet")
    idle_known = State("ret is up to date")
    called = State("bh->cb() was called")
    sweeping = State("holds bh_lock, frees what is deleted")
    returned = State("done", final=True, returns=ret)

    @entered.to(walking)
    def begin(self) -> None:
        self.ctx.walking_bh += 1
        self.bh = self.ctx.first_bh

    def is_due(self) -> bool:
        return bool(self.bh) and not self.bh.deleted and self.bh.scheduled

    def ends_nested(self) -> bool:
        return not self.bh and self.ctx.walking_bh > 1

    def ends_outermost(self) -> bool:
        return not self.bh and self.ctx.walking_bh == 1

    @walking.to(chosen, when=is_due, fence=Fence.DEPENDS)
    def save_next(self) -> None:
        self.next = self.bh.next

    @walking.to(walking, when=otherwise, fence=Fence.DEPENDS)
    def skip(self) -> None:
        self.bh = self.bh.next

    @chosen.to(cleared)
    def clear_scheduled(self) -> None:
        self.bh.scheduled = False
        self.bh.running += 1

    @cleared.to(idle_known, fence=Fence.RMB)
    def read_idle(self) -> None:
        if not self.bh.idle:
            self.ret = True

    @idle_known.to(called, calls=bh.cb(opaque=bh.opaque))
    def call(self) -> None:
        self.bh.idle = False
        self.bh.requested = False

    @called.to(walking)
    def advance(self) -> None:
        if not is_dangling(self.bh):
            self.bh.running -= 1
        self.bh = self.next

    @walking.to(returned, when=ends_nested)
    def leave_nested(self) -> None:
        self.ctx.walking_bh -= 1

    @walking.to(sweeping, when=ends_outermost, acquires=ctx.bh_lock)
    def start_sweep(self) -> None:
        self.ctx.walking_bh -= 1

    def first_deleted(self) -> QEMUBH:
        bh = self.ctx.first_bh
        while bh and not bh.deleted:
            bh = bh.next
        return bh

    @sweeping.to(sweeping, when=first_deleted)
    def free_one(self) -> None:
        bh = self.first_deleted()
        self.ctx.unlink_bh(bh)
        self.free(bh)

    finish_sweep = sweeping.to(returned, when=otherwise, releases=ctx.bh_lock)


# -- versions --------------------------------------------------------------------------------------


class QemuBhSchedule_924fe1293c(QemuBhSchedule):
    """`qemu_bh_schedule()` (async.c, 924fe1293c): ctx is loaded before the BH is published."""

    ctx = Ref(AioContext)

    @QemuBhSchedule.find_unscheduled.but
    def find_unscheduled(self) -> None:
        self.bh.requested = True
        self.ctx = self.bh.ctx

    write_scheduled = QemuBhSchedule.write_scheduled.but(fence=Fence.MB)

    @QemuBhSchedule.notify.but
    def notify(self) -> None:
        self.ctx.notifier.set()


class AioBhPoll_before_648fb0ea5e(AioBhPoll):
    """`aio_bh_poll()` (async.c, v2.0.0) without 648fb0ea5e: every walk frees what is deleted, nested ones too."""

    leave_nested = removed

    def ends(self) -> bool:
        return not self.bh

    start_sweep = AioBhPoll.start_sweep.but(when=ends)


class AioBhPoll_before_7887f6201f(AioBhPoll_before_648fb0ea5e):
    """`aio_bh_poll()` (async.c, v2.0.0) without 648fb0ea5e and 7887f6201f: `bh->next` is read after the callback."""

    @AioBhPoll.save_next.but
    def save_next(self) -> None:
        pass

    @AioBhPoll.advance.but
    def advance(self) -> None:
        following = self.bh.next
        self.bh.running -= 1
        self.bh = following
