"""Systems `thread-pool`: one event loop that owns a pool, a client that submits and cancels, the workers."""

from __future__ import annotations

from typing import Any, ClassVar

from qmodel import (
    NULL,
    Code,
    Const,
    Count,
    EventNotifier,
    Fairness,
    Flag,
    Int,
    Lifecycle,
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
    exactly_once,
    is_dangling,
    leads_to,
    never,
    otherwise,
)

from .aio_posix_c import AioHandler, AioPoll, EventNotifierTestAndClear
from .async_c import QEMUBH, AioContext, QemuBhSchedule, QemuBhSchedule_924fe1293c
from .bottom_half import pending_runs
from .thread_pool_c import (
    EIO,
    EventNotifierReady,
    SpawnThreadBhFn,
    ThreadPool,
    ThreadPoolCancel,
    ThreadPoolCancel_271c0f68b4,
    ThreadPoolCancel_c2e50e3d11,
    ThreadPoolCompletionBh_3c80ca158c,
    ThreadPoolCompletionBh_c2e50e3d11,
    ThreadPoolElement,
    ThreadPoolFree,
    ThreadPoolFree_c2e50e3d11,
    ThreadPoolSubmitAio,
    Worker,
    Worker_c2e50e3d11,
)
from .thread_pool_c import ThreadPool_c2e50e3d11 as ThreadPoolStruct_c2e50e3d11

REQUESTS = bound("requests")


class Client(Struct):
    """What submits requests: a device model on the loop's thread (environment)."""

    ctx = Ref(AioContext)
    pool = Ref(ThreadPool)
    done = Code(like=ThreadPoolElement.cb)
    ran = Flag(ghost=True, doc="a callback has run since the owner last called aio_poll()")
    left = Count(REQUESTS)
    in_flight: Set[Request] = Set("Request")
    depth = Const(bound("at_once"))
    cancels = Const(bound("cancel"))
    resubmits = Const(bound("resubmit"))
    nested = Const(bound("nested"))
    detached = Const(bound("detached"))

    def may_submit(self) -> bool:
        return self.left > 0 and len(self.pool.head) < self.depth

    def cancellable(self) -> list[Any]:
        return [request for request in self.in_flight if not request.cancelling]

    def forget(self, request: Request) -> None:
        """Cancelling has returned: either the callback has run, or it never will."""
        if request.state is Request.submitted:
            self.in_flight.discard(request)
            request.give_up()
        self.free(request)


class Request(Lifecycle):
    """A request as its owner sees it: `opaque` of the callback (environment).

    The contract of cancelling at v2.0.0: when it returns, the callback has run, or never will.
    """

    client = Ref(Client)
    aiocb = Ref(ThreadPoolElement)
    cancelling = Flag()

    submitted = State("its callback has not run", initial=True)
    completed = State("its callback has run")
    cancelled = State("cancelled, its callback did not run")

    complete = submitted.to(completed)
    give_up = submitted.to(cancelled)


class ClientSubmit(Process):
    """Allocates a request and submits it (environment)."""

    client = Ref(Client)
    request = Ref(Request)
    aiocb = Ref(ThreadPoolElement)

    entered = State("nothing is allocated", initial=True)
    submitted = State("thread_pool_submit_aio() was called")
    returned = State("in flight", final=True)

    @entered.to(submitted, calls=ThreadPoolSubmitAio(pool=client.pool, cb=client.done, opaque=request), result=aiocb)
    def create(self) -> None:
        self.client.left -= 1
        self.request = self.new(Request, client=self.client)
        self.client.in_flight.add(self.request)

    @submitted.to(returned)
    def remember(self) -> None:
        self.request.aiocb = self.aiocb


class RequestDone(Process):
    """The completion callback `cb(opaque, ret)`: frees its request; may submit, cancel or await another (environment)."""

    opaque = Ref(Request)
    ret = Int(0, -EIO)
    client = Ref(Client)
    other = Ref(Request)

    entered = State("opaque not touched yet", initial=True)
    deciding = State("the request is complete", choice=True)
    waiting = State("loops on aio_poll() until the other request is complete")
    cancelled = State("thread_pool_cancel() of the other request was called")
    returned = State("done", final=True)

    def may_resubmit(self) -> bool:
        return self.client.may_submit() and self.client.resubmits > 0

    def awaitable(self) -> list[Any]:
        if self.client.nested > 1:
            return list(self.client.in_flight)
        return self.client.cancellable() if self.client.nested else []

    def cancellable(self) -> list[Any]:
        return self.client.cancellable() if self.client.cancels > 1 else []

    def is_waiting(self) -> bool:
        return not is_dangling(self.other) and self.other.state is Request.submitted

    @entered.to(deciding)
    def complete(self) -> None:
        self.client = self.opaque.client
        self.client.ran = True
        self.client.in_flight.discard(self.opaque)
        self.opaque.complete()
        if not self.opaque.cancelling:
            self.free(self.opaque)

    leave = deciding.to(returned)
    resubmit = deciding.to(returned, when=may_resubmit, calls=ClientSubmit(client=client))

    @deciding.to(waiting, over=awaitable)
    def wait_for(self, other: Request) -> None:
        self.other = other

    poll = waiting.to(waiting, when=is_waiting, calls=AioPoll(ctx=client.ctx, blocking=True))
    stop_waiting = waiting.to(returned, when=otherwise)

    @deciding.to(cancelled, over=cancellable, calls=ThreadPoolCancel(pool=client.pool, elem=other.aiocb))
    def cancel(self, other: Request) -> None:
        other.cancelling = True
        self.other = other

    @cancelled.to(returned)
    def forget(self) -> None:
        self.client.forget(self.other)


class Owner(Process):
    """The loop's thread: submits, cancels, polls, and frees the pool in the end (environment)."""

    client = Ref(Client)
    request = Ref(Request)
    progress = Flag()

    deciding = State("between two calls", initial=True, choice=True)
    polled = State("aio_poll() has returned", choice=True)
    cancelled = State("thread_pool_cancel() was called")
    ended = State("the pool was freed", final=True)

    def may_submit(self) -> bool:
        return self.client.may_submit()

    def may_detach(self) -> bool:
        return self.client.may_submit() and self.client.detached > 0

    def cancellable(self) -> list[Any]:
        return self.client.cancellable() if self.client.cancels else []

    def has_work(self) -> bool:
        return bool(self.client.pool.head)

    def is_done(self) -> bool:
        return not self.client.left and not self.client.pool.head

    def forget_poll(self) -> None:
        self.progress = self.client.ran = False

    @(deciding | polled).to(deciding, when=may_submit, calls=ClientSubmit(client=client))
    def submit(self) -> None:
        self.forget_poll()

    @(deciding | polled).to(
        deciding, when=may_detach, calls=ThreadPoolSubmitAio(pool=client.pool, cb=None, opaque=None)
    )
    def submit_detached(self) -> None:
        self.forget_poll()
        self.client.left -= 1

    @(deciding | polled).to(polled, when=has_work, calls=AioPoll(ctx=client.ctx, blocking=True), result=progress)
    def poll(self) -> None:
        self.forget_poll()

    @(deciding | polled).to(cancelled, over=cancellable, calls=ThreadPoolCancel(pool=client.pool, elem=request.aiocb))
    def cancel(self, request: Request) -> None:
        self.forget_poll()
        request.cancelling = True
        self.request = request

    @cancelled.to(deciding)
    def give_up(self) -> None:
        self.forget_poll()
        self.client.forget(self.request)
        self.request = NULL

    @(deciding | polled).to(ended, when=is_done, calls=ThreadPoolFree(pool=client.pool))
    def finish(self) -> None:
        self.forget_poll()


# -- properties ------------------------------------------------------------------------------------


@never("S3")
def called_after_cancel(s: Any) -> bool:
    """A callback is called although the cancel of its request has returned and its opaque is freed."""
    return any(is_dangling(done.opaque) for done in s.M.standing(RequestDone.entered))


@never("S4")
def called_before_submit_returned(s: Any) -> bool:
    """A callback runs while the submission of its request has not returned."""
    frames = s.M.frames
    return any(
        isinstance(done, RequestDone)
        and any(isinstance(f, ThreadPoolSubmitAio) and f.opaque is done.opaque for f in frames)
        for done in frames
    )


@always("INV-TP1")
def threads_add_up(s: Any) -> bool:
    """cur = new + pending + live <= max; idle counts the workers from before their wait until they hold the lock."""
    pool = s.pool
    if not pool:
        return True
    live = sum(w.running and not w.at(Worker.created) for w in s.W)
    born = sum(w.at(Worker.created) for w in s.W)
    idle = sum(w.at(Worker.idle, Worker.woken, Worker.timed_out) for w in s.W)
    return bool(
        pool.cur_threads == pool.new_threads + pool.pending_threads + live
        and pool.pending_threads == born
        and pool.idle_threads == idle
        and pool.cur_threads <= pool.max_threads
    )


@always("INV-TP2")
def backlog_will_spawn(s: Any) -> bool:
    """new > 0: a thread is pending, or new_thread_bh is, or a spawn is executing."""
    pool = s.pool
    if not pool or not pool.new_threads:
        return True
    spawning = s.M.calls(SpawnThreadBhFn) or s.M.at(ThreadPoolSubmitAio.spawning)
    bh = pool.new_thread_bh
    return bool(pool.pending_threads or bh.scheduled or bh.running or spawning)


@always("INV-TP3")
def tokens_match_queue(s: Any) -> bool:
    """Not stopping: tokens, also those held, are as many as queued elements, less those whose token is not posted."""
    pool = s.pool
    if not pool or pool.stopping:
        return True
    held = sum(w.at(Worker.woken) for w in s.W)
    stealing = sum(cancel.stolen for cancel in s.M.standing(ThreadPoolCancel.tried))
    unposted = len(s.M.standing(ThreadPoolSubmitAio.appended))
    return bool(pool.sem.count + held + stealing == len(pool.request_list) - unposted)


@always("INV-TP4")
def lists_match_states(s: Any) -> bool:
    """An element is in head until it is reaped, and in request_list exactly while it is QUEUED."""
    if not s.pool:
        return True
    reaped = [reaper.elem for reaper in s.M.calls(EventNotifierReady) if reaper.elem]
    spawning = [submit.req for submit in s.M.standing(ThreadPoolSubmitAio.spawning)]
    for elem in s.live(ThreadPoolElement):
        queued = elem.state is ThreadPoolElement.queued
        if queued != (elem in s.pool.request_list) and elem not in spawning:
            return False
        if elem not in s.pool.head and elem not in reaped:
            return False
    return True


@always("INV-TP5")
def finished_is_announced(s: Any) -> bool:
    """A DONE or CANCELED element in head: the reaper was told, is about to be, or is active and will look again."""
    finished = (ThreadPoolElement.done, ThreadPoolElement.canceled)
    if not s.pool or not any(elem.state in finished for elem in s.pool.head):
        return True
    threads = [s.M, *s.W]
    telling = any(t.at(Worker.published, ThreadPoolCancel.robbed) or t.calls(QemuBhSchedule) for t in threads)
    return bool(s.pool.is_announced() or telling or s.M.calls(EventNotifierReady))


@always("INV-TP8")
def work_is_not_stranded(s: Any) -> bool:
    """Queued work and no idle worker: all threads exist, one is coming, or a live worker will loop."""
    pool = s.pool
    if not pool or not pool.request_list or pool.idle_threads:
        return True
    looping = any(w.running for w in s.W)
    return bool(pool.cur_threads == pool.max_threads or pool.new_threads + pool.pending_threads or looping)


@always("INV-TP9")
def cancels_are_counted(s: Any) -> bool:
    """pending_cancellations is the number of thread_pool_cancel() that wait for a worker."""
    return not s.pool or s.pool.pending_cancellations == len(
        s.M.standing(ThreadPoolCancel.counted, ThreadPoolCancel.asleep)
    )


@always("INV-TP10")
def result_is_handed_on(s: Any) -> bool:
    """What a worker's function returned is in the element before its state is, and what the callback is given."""
    holders = [w for thread in s.W for w in thread.standing(Worker.ret_out)]
    pairs = [(w.ret, w.req) for w in holders] + [(r.ret, r.elem) for r in s.M.standing(EventNotifierReady.called)]
    return all(is_dangling(elem) or elem.ret == ret for ret, elem in pairs)


@never("S1")
def registered_but_freed(s: Any) -> bool:
    """The loop still watches, or may still call back, something of a pool that was freed."""
    handlers = list(s.ctx.aio_handlers)
    if any(is_dangling(node) or is_dangling(node.opaque) or is_dangling(node.notifier) for node in handlers):
        return True
    return any(is_dangling(bh.opaque) and not bh.deleted for bh in s.live(QEMUBH))


@never("INV-TP6")
def done_but_not_called(s: Any) -> bool:
    """An element that is DONE and has a callback is disposed of without calling it."""
    done = ThreadPoolElement.done
    return any(r.elem.cb and r.elem.state is done for r in s.M.standing(EventNotifierReady.disposable))


@never("INV-TP7")
def cancelled_in_head(s: Any) -> bool:
    """thread_pool_cancel() has returned, and the element was not reaped."""
    owners, callbacks = s.M.innermost(Owner.cancelled), s.M.innermost(RequestDone.cancelled)
    requests = [owner.request for owner in owners] + [callback.other for callback in callbacks]
    return any(not is_dangling(request.aiocb) for request in requests)


@never("AIO-progress")
def progress_untold(s: Any) -> bool:
    """aio_poll() returns false although a callback ran in it."""
    return any(s.client.ran and not owner.progress for owner in s.M.standing(Owner.polled) if s.M.frames == [owner])


@at_rest("P4")
def pool_is_gone(s: Any) -> bool:
    """When nothing moves, thread_pool_free() has returned, and the pool, its handler and its notifier are freed."""
    return not s.pool and len(s.live(AioHandler)) == 1 and len(s.live(EventNotifier)) == 1


@at_rest("P1")
def all_requests_ended(s: Any) -> bool:
    """When nothing moves, every request was completed or cancelled, and freed."""
    return not s.client.left and not s.live(Request)


def is_submitted(s: Any, request: Any) -> bool:
    return request.state is Request.submitted


@leads_to("P1-live", premise=is_submitted, each=Request)
def request_ends(s: Any, request: Any) -> bool:
    """A submitted request is completed or cancelled."""
    return request.state is not Request.submitted


def is_done(s: Any, elem: Any) -> bool:
    return elem.state is ThreadPoolElement.done


@leads_to("P3", premise=is_done, each=ThreadPoolElement)
def done_is_reaped(s: Any, elem: Any) -> bool:
    """A DONE element is reaped."""
    return not s.pool or elem not in s.pool.head


def is_cancelling(s: Any) -> bool:
    return bool(s.M.calls(ThreadPoolCancel))


@leads_to("P4-cancel", premise=is_cancelling)
def cancel_returns(s: Any) -> bool:
    """thread_pool_cancel() returns."""
    return not s.M.calls(ThreadPoolCancel)


def is_freeing(s: Any) -> bool:
    return bool(s.M.calls(ThreadPoolFree))


@leads_to("P4-free", premise=is_freeing)
def free_returns(s: Any) -> bool:
    """thread_pool_free() returns."""
    return not s.M.calls(ThreadPoolFree)


class ThreadPoolSystem(System):
    """One AioContext with its pool, a client on the loop's thread M, and workers W1..Wn.

    S1 and S7 are checked by the fields.  INV-TP7 is S3, and from 271c0f68b4 on a property by itself.

    What runs promise (P1-live, P2, P3, P4-cancel, P4-free) is assumed under strong fairness of the workers: one that
    wants pool->lock gets it some time, although others take and release it again and again.  Weak fairness is not
    enough: qemu_cond_wait() may wake spuriously for ever, and the lock is free only while its caller sleeps.
    P6 is the rule "busy loop".
    """

    name, version = "thread-pool", "v2.0.0"
    installs = {
        QEMUBH.cb: (SpawnThreadBhFn,),
        AioHandler.io_read: (EventNotifierReady, EventNotifierTestAndClear),
        ThreadPoolElement.cb: (RequestDone,),
    }
    properties: ClassVar[tuple[Property, ...]] = (
        exactly_once("S2", Request, Request.complete, Request.give_up, says="Every request is completed or given up, once."),
        called_after_cancel, called_before_submit_returned, threads_add_up, backlog_will_spawn, tokens_match_queue,
        lists_match_states, finished_is_announced, work_is_not_stranded, cancels_are_counted, result_is_handed_on,
        done_but_not_called, registered_but_freed, progress_untold, all_requests_ended, pool_is_gone,
        request_ends, pending_runs, done_is_reaped, cancel_returns, free_returns,
    )  # fmt: skip

    fairness = {Worker: Fairness.STRONG}

    requests = Scope(2, "requests submitted in all")
    workers = Scope(2, "max_threads")
    depth = Scope(0, "requests in flight at once; 0 is all of them", at_least=0)
    cancel = Scope(1, "who cancels: 0 nobody, 1 the owner, 2 callbacks too", at_least=0, at_most=2)
    resubmit = Scope(1, "whether callbacks submit", at_least=0, at_most=1)
    nested = Scope(0, "callbacks poll for another request: 1 if nobody cancels it, 2 for any", at_least=0, at_most=2)
    detached = Scope(0, "whether requests without a callback are submitted", at_least=0, at_most=1)

    def derived(self) -> dict[str, int]:
        at_once = min(self.depth or self.requests, self.requests)
        nesting = 1 + (self.nested > 0 or self.cancel > 1) * (at_once - 1)
        # An element outlives its place in head while its callback runs, once for each reaper on the stack.
        return {"at_once": at_once, "nesting": nesting, "elements": min(self.requests, at_once + nesting)}

    def compose(self) -> None:
        notifier = self.one(EventNotifier, "ctx.notifier")
        self.ctx = self.one(AioContext, "ctx", notifier=notifier)
        self.ctx_handler = self.one(
            AioHandler, "ctx.handler", notifier=notifier, io_read=EventNotifierTestAndClear, opaque=notifier
        )
        self.pool = self.one(ThreadPool, "pool", ctx=self.ctx)
        self.spawn_bh = self.bh("new_thread_bh", SpawnThreadBhFn)
        self.set(self.pool, new_thread_bh=self.spawn_bh)
        self.watch_pool()
        self.room(ThreadPoolElement, self.sizes["elements"], "E")
        self.room(Request, self.sizes["elements"], "R")
        self.client = self.one(Client, "client", ctx=self.ctx, pool=self.pool, left=self.requests, done=RequestDone)
        self.M = self.thread("M", Owner, stack=8 + 4 * (self.sizes["nesting"] - 1), client=self.client)
        self.W = self.threads("W", Worker, self.workers)

    def bh(self, name: str, cb: type) -> Any:
        return self.one(QEMUBH, name, ctx=self.ctx, cb=cb, opaque=self.pool, linked=True)

    def watch_pool(self) -> None:
        """`aio_set_event_notifier(ctx, &pool->notifier, event_notifier_ready)`: the newest handler comes first."""
        notifier = self.one(EventNotifier, "pool.notifier")
        handler = self.one(AioHandler, "pool.handler", notifier=notifier, io_read=EventNotifierReady, opaque=self.pool)
        self.set(self.pool, notifier=notifier, handler=handler)
        self.set(self.ctx, first_bh=self.spawn_bh, aio_handlers=[handler, self.ctx_handler])


class ThreadPool_271c0f68b4(ThreadPoolSystem):
    """With the fix of the use after free in the cancellation path."""

    version = "271c0f68b4"
    properties = (*ThreadPoolSystem.properties, cancelled_in_head)
    replaces = {ThreadPoolCancel: ThreadPoolCancel_271c0f68b4}


class ThreadPool_c2e50e3d11(ThreadPool_271c0f68b4):
    """With a BH for completions instead of a notifier, and qemu_bh_schedule() as of 924fe1293c."""

    version = "c2e50e3d11"
    replaces = {
        ThreadPool: ThreadPoolStruct_c2e50e3d11,
        Worker: Worker_c2e50e3d11,
        ThreadPoolCancel_271c0f68b4: ThreadPoolCancel_c2e50e3d11,
        ThreadPoolFree: ThreadPoolFree_c2e50e3d11,
        EventNotifierReady: ThreadPoolCompletionBh_c2e50e3d11,
        QemuBhSchedule: QemuBhSchedule_924fe1293c,
    }
    installs = {QEMUBH.cb: (ThreadPoolCompletionBh_c2e50e3d11,)}

    def watch_pool(self) -> None:
        """`aio_bh_new(ctx, thread_pool_completion_bh, pool)`: made before new_thread_bh, so it is walked after it."""
        completion_bh = self.bh("completion_bh", ThreadPoolCompletionBh_c2e50e3d11)
        self.set(self.pool, completion_bh=completion_bh)
        self.set(self.spawn_bh, next=completion_bh)
        self.set(self.ctx, first_bh=self.spawn_bh, aio_handlers=[self.ctx_handler])


class ThreadPool_3c80ca158c(ThreadPool_c2e50e3d11):
    """With the completion BH scheduled again before each callback, for nested polls."""

    version = "3c80ca158c"
    replaces = {ThreadPoolCompletionBh_c2e50e3d11: ThreadPoolCompletionBh_3c80ca158c}
