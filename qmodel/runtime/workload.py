"""What the requests of the thread pool really do: blocks written and read, checked, timed, and counted once each.

`ThreadPoolElement` and `Request` are the classes of `specs/thread_pool.py`; a job belongs to an element from its
allocation, and to the request that is the element's `opaque`.
"""

from __future__ import annotations

import errno
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..spec.errors import UsageError
from ..spec.states import External
from .contents import UNKNOWN, Contents, Mismatch, compare
from .disk import Image
from .faults import ERRNOS, Faults
from .histogram import Histogram

ELEMENT, REQUEST = "ThreadPoolElement", "Request"
COMPLETE, GIVE_UP = "complete", "give_up"
FLUSH_EVERY = 512
"""One write in so many is followed by fdatasync()."""


@dataclass
class Job:
    """One transfer.

    Attributes:
        may_hold: serials that the block may hold when the job starts.
        submitted: time.monotonic_ns() of the submission.
        started: a worker has begun it; result: 0 or a negative errno, once it is done.
        torn: a real error interrupted it.
        has_owner: a request waits for its callback.
    """

    serial: int
    block: int
    writes: bool
    may_hold: tuple[int, ...]
    submitted: int
    started: bool = False
    result: int | None = None
    torn: bool = False
    has_owner: bool = False


class Workload:
    """The device behind the model.

    Args:
        outcomes: what the model says that a transfer returns.
        delay: waits for seconds, unless the run ends.

    Attributes:
        problems: sentences about wrong data, or callbacks that belong to no request.
    """

    def __init__(
        self, image: Image, faults: Faults, seed: int, outcomes: tuple[int, ...], delay: Callable[[float], object]
    ) -> None:
        self._allowed = outcomes
        self.image, self.faults, self._delay = image, faults, delay
        self._rng = random.Random(f"{seed}:workload")
        self.contents = Contents(image, self._rng)
        self.latency = Histogram()
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._serial = 0
        self._of_element: dict[int, Job] = {}
        self._of_request: dict[int, Job] = {}

    @staticmethod
    def check_faults(rates: Mapping[str, float], external: External) -> None:
        """Refuse a fault that the model does not list among the outcomes of the transfer.

        Raises:
            UsageError: there is one.
        """
        for name in ERRNOS:
            if rates.get(name) and -getattr(errno, name) not in external.outcomes:
                known = ", ".join("0" if not o else f"-{errno.errorcode[-o]}" for o in external.outcomes)
                raise UsageError(f"this model does not list {name}: {external.what} returns one of {known}")

    # -- what committed steps did (`Observer`) -----------------------------------------------------

    def allocated(self, kind: str, index: int, fields: dict[str, Any]) -> None:
        if kind != ELEMENT:
            return
        self._serial += 1
        block, may_hold = self.contents.borrow()
        writes = self._rng.random() < 0.5
        job = Job(self._serial, block, writes, may_hold, time.monotonic_ns())
        self._of_element[index] = job
        self.counts["submitted"] += 1
        job.has_owner = bool(fields.get("opaque"))
        if job.has_owner:
            self._of_request[fields["opaque"]._index] = job

    def moved(self, kind: str, arrow: str, index: int) -> None:
        if kind != REQUEST or arrow not in (COMPLETE, GIVE_UP):
            return
        job = self._of_request.pop(index, None)
        if job is None:
            self.problems.append(f"`{arrow}` of a request that is not in flight")
        elif arrow == COMPLETE:
            self._complete(job)
        else:
            self._cancel(job)

    def freed(self, kind: str, index: int) -> None:
        job = self._of_element.pop(index, None) if kind == ELEMENT else None
        if job is not None and not job.has_owner:
            self.counts["without a callback"] += 1
            self._release(job)

    def _complete(self, job: Job) -> None:
        self.latency.add((time.monotonic_ns() - job.submitted) // 1000)
        if job.result is None:
            self.problems.append(f"the callback of request {job.serial} ran before its transfer was over")
        self.counts["completed" if job.result == 0 else "failed"] += 1
        self.counts["writes" if job.writes else "reads"] += 1
        self._release(job)

    def _cancel(self, job: Job) -> None:
        self.counts["cancelled"] += 1
        self.counts["cancelled after a worker had begun"] += job.started
        self._release(job)

    def _release(self, job: Job) -> None:
        """Say what the block holds now: a write that did not succeed, or was cancelled late, may have been made."""
        if not job.writes or not job.started:
            self.contents.give_back(job.block)
        elif job.torn:
            self.contents.give_back(job.block, UNKNOWN)
        elif job.result == 0:
            self.contents.give_back(job.block, job.serial)
        else:
            self.contents.give_back(job.block, *job.may_hold, job.serial)

    # -- the transfer (`Device`) -------------------------------------------------------------------

    def job(self, frame: Any) -> Job:
        """The job of the worker whose call frame this is."""
        job = self._of_element[frame.req._index]
        job.started = True
        return job

    def perform(self, job: Job, rng: random.Random, forced: int | None) -> int:
        """Read or write, with faults; 0 or a negative errno that the model lists."""
        if self.faults.strikes("slow", rng):
            self._delay(0.01)
        injected = self._injected(job, rng) if forced is None else -forced
        if injected:
            job.result = -injected
            return job.result
        try:
            self._transfer(job, rng)
            job.result = 0
        except OSError as error:
            job.torn = True
            job.result = self._listed(-(error.errno or errno.EIO))
        return job.result

    def _injected(self, job: Job, rng: random.Random) -> int:
        for name in ERRNOS:
            if (job.writes or name == "EIO") and self.faults.strikes(name, rng):
                return int(getattr(errno, name))
        return 0

    def _listed(self, result: int) -> int:
        if result not in self._allowed:
            raise UsageError(
                f"the transfer failed with {errno.errorcode.get(-result, result)} ({os.strerror(-result)}), which "
                "this model does not list"
            )
        return result

    def _transfer(self, job: Job, rng: random.Random) -> None:
        buffer = bytearray(self.image.content(job.block, job.serial)) if job.writes else bytearray(self.image.size)
        call = os.pwritev if job.writes else os.preadv
        rest, place = memoryview(buffer), self.image.offset(job.block)
        if self.faults.strikes("short", rng):
            moved = call(self.image.fd, [rest[: len(rest) // 2]], place)
            rest, place = rest[moved:], place + moved
        interrupted = self.faults.strikes("EINTR", rng)
        while rest:
            if interrupted:
                interrupted = False
                continue
            moved = call(self.image.fd, [rest], place)
            if not moved:
                break
            rest, place = rest[moved:], place + moved
        if job.writes and not job.serial % FLUSH_EVERY:
            os.fdatasync(self.image.fd)
        if not job.writes:
            self._check(compare(self.image, job.block, job.may_hold, bytes(buffer)), job)

    def _check(self, mismatch: Mismatch | None, job: Job) -> None:
        if mismatch is not None:
            self.problems.append(f"request {job.serial} read wrong data: {mismatch}")
        self.counts["blocks read and verified"] += mismatch is None

    # -- at the end --------------------------------------------------------------------------------

    def unfinished(self) -> list[int]:
        """Serials of the requests that neither completed nor were cancelled."""
        return sorted(job.serial for job in self._of_request.values())
