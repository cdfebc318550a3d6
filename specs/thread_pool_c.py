"""The worker thread pool: `thread-pool.c` of QEMU v2.0.0, and what three later commits made of it."""

from __future__ import annotations

from qmodel import (
    NULL,
    PLAIN,
    Code,
    Condition,
    Const,
    Count,
    EventNotifier,
    External,
    Fence,
    Fifo,
    Flag,
    Int,
    Lifecycle,
    Lifo,
    Mutex,
    Process,
    Ref,
    Semaphore,
    State,
    Struct,
    Void,
    bound,
    otherwise,
    removed,
)

from .aio_posix_c import AioHandler
from .async_c import QEMUBH, AioContext, QemuBhSchedule

ELEMENTS, WORKERS = bound("elements"), bound("workers")
EIO = 5

aio_worker = External("req->func(req->arg), a pread or pwrite", outcomes=(0, -EIO))


class ThreadPoolElement(Lifecycle, order=PLAIN):
    """`struct ThreadPoolElement` (thread-pool.c, v2.0.0).  `ret` and `state` are ordered by barriers, not by a lock.

    Not modelled: store buffers; under sequential consistency no fence makes a difference.
    """

    pool: Ref[ThreadPool] = Ref("ThreadPool")
    cb = Code()
    opaque = Void()
    ret = Int(0, -EIO, order=PLAIN)

    queued = State("in head; on request_list once appended", initial=True)
    active = State("owned by one worker")
    done = State("ret is valid")
    canceled = State("stolen before a worker saw it")

    take = queued.to(active, guarded_by=pool.lock)
    steal = queued.to(canceled, guarded_by=pool.lock)
    finish = active.to(done)


class ThreadPool(Struct):
    """`struct ThreadPool` (thread-pool.c, v2.0.0).  `head` is private to the loop's thread; `lock` guards the rest.

    Not modelled: thread_pool_new() and thread_pool_init_one(): the pool is there before the first step.  More tokens than elements and workers together.  thread_pool_free() posts another one after each
    spurious wake-up, and no worker takes a second token once the pool is stopping.
    """

    ctx = Ref(AioContext)
    notifier = Ref(EventNotifier)
    handler = Ref(AioHandler)
    lock = Mutex()
    check_cancel = Condition(lock)
    worker_stopped = Condition(lock)
    sem = Semaphore(ELEMENTS + WORKERS, saturates=True)
    max_threads = Const(WORKERS)
    new_thread_bh = Ref(QEMUBH)
    head = Lifo(ThreadPoolElement)
    request_list = Fifo(ThreadPoolElement, guarded_by=lock)
    cur_threads = Count(WORKERS, guarded_by=lock)
    idle_threads = Count(WORKERS, guarded_by=lock)
    new_threads = Count(WORKERS, guarded_by=lock)
    pending_threads = Count(WORKERS, guarded_by=lock)
    pending_cancellations = Count(ELEMENTS, guarded_by=lock)
    stopping = Flag(guarded_by=lock)

    def is_announced(self) -> bool:
        """Whether the loop will be told to reap."""
        return self.notifier.is_up

    def do_spawn_thread(self) -> None:
        """`do_spawn_thread()`: runs with the lock taken."""
        if self.new_threads:
            self.new_threads -= 1
            self.pending_threads += 1
            self.spawn(Worker, pool=self)


class Worker(Process):
    """`worker_thread()` (thread-pool.c, v2.0.0).  The wait may time out although a token is there: others ran first."""

    pool = Ref(ThreadPool)
    req = Ref(ThreadPoolElement)
    ret = Int(0, -EIO)

    created = State("pthread_create() was called, no line of it ran", initial=True)
    idle = State("in qemu_sem_timedwait(&pool->sem, 10000)", quiescent=True)
    woken = State("owns a token, wants pool->lock")
    timed_out = State("the wait timed out, wants pool->lock")
    running = State("in req->func(req->arg), no lock held")
    returned = State("func returned, ret is still private")
    ret_out = State("ret is written, state is not: the smp_wmb() window")
    published = State("state is DONE, wants pool->lock")
    exited = State("off the books, worker_stopped signalled", final=True)

    def is_stopping(self) -> bool:
        return self.pool.stopping

    def has_work(self) -> bool:
        return bool(self.pool.request_list)

    def leave_pool(self) -> None:
        self.pool.cur_threads -= 1
        self.pool.worker_stopped.signal()

    @created.to(idle, holding=pool.lock, when=otherwise)
    def start(self) -> None:
        self.pool.pending_threads -= 1
        self.pool.do_spawn_thread()
        self.pool.idle_threads += 1

    @created.to(exited, holding=pool.lock, when=is_stopping)
    def start_stopping(self) -> None:
        self.pool.pending_threads -= 1
        self.pool.do_spawn_thread()
        self.leave_pool()

    sem_down = idle.to(woken, waits=pool.sem)
    sem_timeout = idle.to(timed_out, after="10s")

    @timed_out.to(idle, holding=pool.lock, when=has_work)
    def wait_again(self) -> None:
        self.pool.idle_threads -= 1
        self.pool.idle_threads += 1

    @timed_out.to(exited, holding=pool.lock, when=otherwise)
    def give_up(self) -> None:
        self.pool.idle_threads -= 1
        self.leave_pool()

    @woken.to(exited, holding=pool.lock, when=is_stopping)
    def wake_stopping(self) -> None:
        self.pool.idle_threads -= 1
        self.leave_pool()

    @woken.to(running, holding=pool.lock, when=otherwise)
    def take(self) -> None:
        self.pool.idle_threads -= 1
        self.req = self.pool.request_list.popleft()
        self.req.take()

    @running.to(returned, external=aio_worker)
    def call(self, ret: int) -> None:
        self.ret = ret

    @returned.to(ret_out)
    def write_ret(self) -> None:
        self.req.ret = self.ret

    @ret_out.to(published, fence=Fence.WMB)
    def write_state(self) -> None:
        self.req.finish()
        self.req = NULL
        self.ret = 0

    def tell(self) -> None:
        if self.pool.pending_cancellations:
            self.pool.check_cancel.broadcast()
        self.pool.notifier.set()

    @published.to(idle, holding=pool.lock, when=otherwise)
    def report(self) -> None:
        self.tell()
        self.pool.idle_threads += 1

    @published.to(exited, holding=pool.lock, when=is_stopping)
    def report_stopping(self) -> None:
        self.tell()
        self.leave_pool()


class SpawnThreadBhFn(Process):
    """`spawn_thread_bh_fn()` (thread-pool.c, v2.0.0)."""

    opaque = Ref(ThreadPool)

    entered = State("wants pool->lock", initial=True)
    returned = State("one thread was created, if there was a backlog", final=True)

    @entered.to(returned, holding=opaque.lock)
    def spawn_one(self) -> None:
        self.opaque.do_spawn_thread()


class ThreadPoolSubmitAio(Process):
    """`thread_pool_submit_aio()` (thread-pool.c, v2.0.0); `spawn_thread()` is the branch that spawns.

    Not modelled: thread_pool_submit_co() (a callback that enters a coroutine).
    """

    pool = Ref(ThreadPool)
    cb = Code(like=ThreadPoolElement.cb)
    opaque = Void()
    req = Ref(ThreadPoolElement)

    entered = State("nothing is allocated", initial=True)
    spawning = State("holds pool->lock; new_thread_bh is scheduled")
    appended = State("in request_list, its token not posted yet")
    returned = State("submitted", final=True, returns=req)

    def create(self) -> None:
        self.req = self.new(ThreadPoolElement, pool=self.pool, cb=self.cb, opaque=self.opaque)
        self.pool.head.push(self.req)

    def append(self) -> None:
        self.pool.request_list.append(self.req)

    def needs_thread(self) -> bool:
        return self.pool.idle_threads == 0 and self.pool.cur_threads < self.pool.max_threads

    def needs_bh(self) -> bool:
        return self.needs_thread() and self.pool.pending_threads == 0

    def spawn_is_pending(self) -> bool:
        return self.needs_thread() and self.pool.pending_threads > 0

    @entered.to(appended, holding=pool.lock, when=otherwise, trace="thread_pool_submit")
    def enqueue(self) -> None:
        self.create()
        self.append()

    @entered.to(appended, holding=pool.lock, when=spawn_is_pending, trace="thread_pool_submit")
    def enqueue_and_count(self) -> None:
        self.create()
        self.pool.cur_threads += 1
        self.pool.new_threads += 1
        self.append()

    @entered.to(
        spawning, acquires=pool.lock, when=needs_bh, calls=QemuBhSchedule(bh=pool.new_thread_bh),
        trace="thread_pool_submit",
    )  # fmt: skip
    def ask_for_thread(self) -> None:
        self.create()
        self.pool.cur_threads += 1
        self.pool.new_threads += 1

    @spawning.to(appended, releases=pool.lock)
    def enqueue_after_spawn(self) -> None:
        self.append()

    @appended.to(returned)
    def post(self) -> None:
        self.pool.sem.post()


class EventNotifierReady(Process):
    """`event_notifier_ready()` (thread-pool.c, v2.0.0): the reaper; it starts again after every callback."""

    opaque = Ref(ThreadPool)
    elem = Ref(ThreadPoolElement)
    next = Ref(ThreadPoolElement)
    ret = Int(0, -EIO)

    entered = State("the notifier is not cleared yet", initial=True)
    scanning = State("elem is the one to look at, or null at the end of head")
    finished = State("elem was seen DONE and has a callback")
    called = State("elem->common.cb() was called")
    disposable = State("elem was seen CANCELED, or DONE without a callback")
    returned = State("head holds nothing that was finished", final=True)

    @entered.to(scanning)
    def clear(self) -> None:
        self.opaque.notifier.test_and_clear()
        self.elem = self.opaque.head.first

    def is_end(self) -> bool:
        return not self.elem

    def is_finished(self) -> bool:
        return bool(self.elem) and bool(self.elem.cb) and self.elem.state is ThreadPoolElement.done

    def is_canceled(self) -> bool:
        return bool(self.elem) and self.elem.state is ThreadPoolElement.canceled

    def is_detached(self) -> bool:
        return bool(self.elem) and not self.elem.cb and self.elem.state is ThreadPoolElement.done

    find_done = scanning.to(finished, when=is_finished)

    @scanning.to(disposable, when=is_canceled)
    def find_canceled(self) -> None:
        self.next = self.opaque.head.after(self.elem)

    @scanning.to(disposable, when=is_detached, trace="thread_pool_complete")
    def find_detached(self) -> None:
        self.next = self.opaque.head.after(self.elem)

    @scanning.to(scanning, when=otherwise)
    def skip(self) -> None:
        self.elem = self.opaque.head.after(self.elem)

    @finished.to(called, fence=Fence.RMB, calls=elem.cb(opaque=elem.opaque, ret=ret), trace="thread_pool_complete")
    def complete(self) -> None:
        self.opaque.head.remove(self.elem)
        self.ret = self.elem.ret

    @called.to(scanning)
    def restart(self) -> None:
        self.free(self.elem)
        self.ret = 0
        self.elem = self.opaque.head.first

    @disposable.to(scanning)
    def dispose(self) -> None:
        self.opaque.head.remove(self.elem)
        self.free(self.elem)
        self.elem, self.next = self.next, NULL

    finish = scanning.to(returned, when=is_end)


class ThreadPoolCancel(Process):
    """`thread_pool_cancel()` (thread-pool.c, v2.0.0): steals a queued element, waits for a running one."""

    pool = Ref(ThreadPool)
    elem = Ref(ThreadPoolElement)
    stolen = Flag()

    entered = State("wants pool->lock", initial=True)
    queued = State("holds pool->lock; elem was QUEUED")
    tried = State("holds pool->lock; tried to take the token")
    robbed = State("holds pool->lock; elem is CANCELED, the notifier not set")
    counted = State("holds pool->lock; counted in pending_cancellations")
    asleep = State("in qemu_cond_wait(&pool->check_cancel)")
    returned = State("done", final=True)

    def is_queued(self) -> bool:
        return self.elem.state is ThreadPoolElement.queued

    def is_finished(self) -> bool:
        return self.elem.state in (ThreadPoolElement.canceled, ThreadPoolElement.done)

    find_queued = entered.to(queued, acquires=pool.lock, when=is_queued, trace="thread_pool_cancel")

    @entered.to(counted, acquires=pool.lock, when=otherwise, trace="thread_pool_cancel")
    def find_taken(self) -> None:
        self.pool.pending_cancellations += 1

    @queued.to(tried)
    def try_wait(self) -> None:
        self.stolen = self.pool.sem.try_wait()

    @tried.to(robbed, when=stolen)
    def steal(self) -> None:
        self.pool.request_list.remove(self.elem)
        self.elem.steal()

    @tried.to(counted, when=otherwise)
    def find_no_token(self) -> None:
        self.pool.pending_cancellations += 1

    @robbed.to(returned, releases=pool.lock)
    def notify(self) -> None:
        self.pool.notifier.set()

    sleep = counted.to(asleep, sleeps=pool.check_cancel, when=otherwise)
    wake = asleep.to(counted, waits=pool.check_cancel)

    @counted.to(returned, releases=pool.lock, when=is_finished)
    def leave(self) -> None:
        self.pool.pending_cancellations -= 1


class ThreadPoolFree(Process):
    """`thread_pool_free()` (thread-pool.c, v2.0.0).

    Not modelled: a null pool; a mutex that is destroyed while the last worker is inside its unlock.
    """

    pool = Ref(ThreadPool)

    entered = State("wants pool->lock", initial=True)
    stopping = State("holds pool->lock; the workers are told to stop")
    posted = State("holds pool->lock; one token was posted")
    asleep = State("in qemu_cond_wait(&pool->worker_stopped)")
    stopped = State("no worker is left")
    returned = State("the pool is gone", final=True)

    def has_threads(self) -> bool:
        return self.pool.cur_threads > 0

    @entered.to(stopping, acquires=pool.lock)
    def stop(self) -> None:
        assert not self.pool.head, "thread_pool_free: head is not empty"
        self.pool.new_thread_bh.delete()
        self.pool.cur_threads -= self.pool.new_threads
        self.pool.new_threads = 0
        self.pool.stopping = True

    @stopping.to(posted, when=has_threads)
    def post(self) -> None:
        self.pool.sem.post()

    sleep = posted.to(asleep, sleeps=pool.worker_stopped)
    wake = asleep.to(stopping, waits=pool.worker_stopped)
    unlock = stopping.to(stopped, when=otherwise, releases=pool.lock)

    @stopped.to(returned)
    def destroy(self) -> None:
        self.unregister()
        self.free(self.pool)

    def unregister(self) -> None:
        """`aio_set_event_notifier(pool->ctx, &pool->notifier, NULL)`, which ends in aio_notify(), and the clean-up."""
        self.pool.ctx.aio_handlers.remove(self.pool.handler)
        self.pool.ctx.notifier.set()
        self.free(self.pool.handler)
        self.free(self.pool.notifier)


# -- versions --------------------------------------------------------------------------------------


class ThreadPoolCancel_271c0f68b4(ThreadPoolCancel):
    """`thread_pool_cancel()` (thread-pool.c, 271c0f68b4): runs the reaper before it returns."""

    notify = ThreadPoolCancel.notify.but(calls=EventNotifierReady(opaque=ThreadPoolCancel.pool))
    leave = ThreadPoolCancel.leave.but(calls=EventNotifierReady(opaque=ThreadPoolCancel.pool))


class ThreadPool_c2e50e3d11(ThreadPool):
    """`struct ThreadPool` (thread-pool.c, c2e50e3d11): a BH instead of a notifier; the inherited one stays null."""

    completion_bh = Ref(QEMUBH)

    def is_announced(self) -> bool:
        return self.completion_bh.scheduled or self.completion_bh.running > 0


class Worker_c2e50e3d11(Worker):
    """`worker_thread()` (thread-pool.c, c2e50e3d11): schedules completion_bh, with the lock held."""

    reporting = State("holds pool->lock; completion_bh is scheduled")

    pool = Ref(ThreadPool_c2e50e3d11)
    report_stopping = removed

    @Worker.published.to(reporting, acquires=pool.lock, calls=QemuBhSchedule(bh=pool.completion_bh))
    def report(self) -> None:
        if self.pool.pending_cancellations:
            self.pool.check_cancel.broadcast()

    @reporting.to(Worker.idle, releases=pool.lock, when=otherwise)
    def loop(self) -> None:
        self.pool.idle_threads += 1

    @reporting.to(Worker.exited, releases=pool.lock, when=Worker.is_stopping)
    def stop(self) -> None:
        self.leave_pool()


class ThreadPoolCompletionBh_c2e50e3d11(EventNotifierReady):
    """`thread_pool_completion_bh()` (thread-pool.c, c2e50e3d11): the reaper as a BH; nothing to clear.

    Not modelled: ctx->dispatching, which this commit's tree has (0ceb849bd3) and which lets aio_notify() skip the
    notifier; the loop is the one of v2.0.0.
    """

    opaque = Ref(ThreadPool_c2e50e3d11)

    @EventNotifierReady.clear.but
    def clear(self) -> None:
        self.elem = self.opaque.head.first


class ThreadPoolCompletionBh_3c80ca158c(ThreadPoolCompletionBh_c2e50e3d11):
    """`thread_pool_completion_bh()` (thread-pool.c, 3c80ca158c): schedules itself before each callback."""

    opaque = Ref(ThreadPool_c2e50e3d11)

    rearmed = State("completion_bh is scheduled again, for a nested poll")

    @EventNotifierReady.finished.to(
        rearmed, fence=Fence.RMB, calls=QemuBhSchedule(bh=opaque.completion_bh), trace="thread_pool_complete"
    )
    def rearm(self) -> None:
        self.opaque.head.remove(self.elem)

    @EventNotifierReady.complete.but(sources=(rearmed,), fence=None, trace=None)
    def complete(self) -> None:
        self.ret = self.elem.ret


class ThreadPoolCancel_c2e50e3d11(ThreadPoolCancel):
    """`thread_pool_cancel()` (thread-pool.c, c2e50e3d11): schedules completion_bh, with the lock held."""

    pool = Ref(ThreadPool_c2e50e3d11)
    notified = State("holds pool->lock; completion_bh is scheduled")

    notify = ThreadPoolCancel.robbed.to(notified, calls=QemuBhSchedule(bh=pool.completion_bh))
    unlock = notified.to(
        ThreadPoolCancel.returned, releases=pool.lock, calls=ThreadPoolCompletionBh_c2e50e3d11(opaque=pool)
    )
    leave = ThreadPoolCancel.leave.but(calls=ThreadPoolCompletionBh_c2e50e3d11(opaque=pool))


class ThreadPoolFree_c2e50e3d11(ThreadPoolFree):
    """`thread_pool_free()` (thread-pool.c, c2e50e3d11)."""

    pool = Ref(ThreadPool_c2e50e3d11)

    def unregister(self) -> None:
        self.pool.completion_bh.delete()
