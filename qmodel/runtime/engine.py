"""The commit lock and the committed state: steps of real threads happen one after the other, and nothing else does.

A step runs on a copy of the cells.  It either commits (copy swapped in, real operations performed, choice recorded)
or leaves nothing behind.  `cells` is replaced, never changed in place: whoever reads it has a consistent snapshot.
"""

from __future__ import annotations

import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..compose.model import Model
from ..compose.result import Problem
from ..compose.step import ArrowCode, Blocked, Choice, Picker, StepRunner
from ..spec.errors import ModelError, StepError, UsageError
from .copies import FewCopies
from .faults import Faults
from .mechanisms import Disagreement, Mechanisms, RealMutex, Stop
from .plan import Location, plan
from .recorder import Recorder
from .store import LiveMemory, LiveStore, Observer


class Stopped(Exception):
    """The run ends: unwinds a thread from wherever it waits."""


class Device(Observer, Protocol):
    """What is outside the model."""

    def job(self, frame: Any) -> object:
        """What the external step of `frame` is about; called under the commit lock."""

    def perform(self, job: Any, rng: random.Random, forced: int | None) -> int:
        """Do it, without any lock, and return the outcome; `forced` is an outcome to bring about."""


class Policy(Protocol):
    """Decides what the environment decides."""

    def order(self, location: Location) -> Sequence[ArrowCode]:
        """The arrows out of a `choice=True` location, most wanted first."""

    def pick(self, options: Sequence[Any], what: str) -> int:
        """Which of `options` a `choose` takes."""


class LivePicker(Picker):
    """Answers `choose` as the run demands: a forced prefix, a result from outside, else the policy."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(())
        self._policy = policy
        self.code: ArrowCode | None = None
        self.outcome: int | None = None

    def start(self, code: ArrowCode, prefix: tuple[int, ...] = (), outcome: int | None = None) -> None:
        """Get ready for a step along `code`."""
        self.code, self.prefix, self.outcome = code, prefix, outcome
        self.taken = []

    def __call__(self, options: Sequence[Any], what: str) -> Any:
        index = self._index(options, what)
        if not 0 <= index < len(options):
            raise ModelError(f"pick {index} of {len(options)} options", "choice")
        self.taken.append(index)
        return options[index]

    def _index(self, options: Sequence[Any], what: str) -> int:
        external = self.code.arrow.external if self.code else None
        if external is not None and options is external.outcomes and self.outcome is not None:
            return options.index(self.outcome)
        if len(self.taken) < len(self.prefix):
            return self.prefix[len(self.taken)]
        return 0 if len(options) == 1 else self._policy.pick(options, what)


@dataclass(frozen=True)
class Failure:
    """Why a run ended before its time: a problem of model or machine, with the choice that showed it.

    Attributes:
        internal: a traceback, if the runtime itself is at fault.
    """

    problem: Problem
    choice: Choice | None = None
    internal: str = ""


class Engine:
    """One run: the model, its live state, and who may commit."""

    def __init__(
        self, model: Model, policy: Policy, device: Device, recorder: Recorder, faults: Faults | None = None,
        time_scale: float = 1.0,
    ) -> None:  # fmt: skip
        self.model, self.policy, self.device, self.recorder = model, policy, device, recorder
        self.faults = faults or Faults({})
        self.time_scale = time_scale
        self.locations = plan(model)
        self.cells = list(model.initial())
        self.mechanisms = Mechanisms(model.layout)
        self.store = LiveStore(self.cells, self.mechanisms)
        self.memory = LiveMemory(model.layout, device, self.start_thread)
        self.memory.attach(self.store)
        self.runner = StepRunner(self.memory)
        self._copies = FewCopies(model.viewed)
        self.commit_lock = threading.Lock()
        self.stop = Stop()
        self.finished = threading.Event()
        self.failure: Failure | None = None
        self.commits = 0
        self.events: Counter[str] = Counter()
        self.spawned = 0
        self.threads: list[threading.Thread] = []
        self.make_body: Callable[[int], Callable[[], None]] | None = None
        self.after_commit: Callable[[Choice], None] | None = None
        self._depths = [places[0] for places in model.layout.stacks]
        for slot, mechanism in self.mechanisms.by_slot.items():
            if self.cells[slot] and not isinstance(mechanism, RealMutex):
                raise Disagreement(f"{mechanism.name} is up at the start, which real threads do not support")

    # -- threads -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads that run from the beginning."""
        with self.commit_lock:
            for thread, depth in enumerate(self._depths):
                if self.cells[depth]:
                    self.start_thread(thread)

    def start_thread(self, thread: int) -> None:
        """Start the real thread of slot `thread`; the commit lock is held.

        Raises:
            UsageError: the machine has no room for another thread.
        """
        assert self.make_body is not None
        name = self.model.layout.thread_names[thread]
        real = threading.Thread(target=self.make_body(thread), name=name, daemon=True)
        try:
            real.start()
        except RuntimeError as error:
            raise UsageError(f"thread {name} cannot be started: {error}; use fewer --workers") from None
        self.threads = [t for t in self.threads if t.is_alive()] + [real]
        self.spawned += 1

    def is_alive(self, thread: int) -> bool:
        return bool(self.cells[self._depths[thread]])

    def location(self, thread: int) -> Location:
        """Where `thread`, which is alive, stands; only it moves itself, so no lock is needed."""
        return self.locations[self.model.pc(self.cells, thread) - 1]

    def check_finished(self) -> None:
        """Note that a thread has left; the run is over when none is alive."""
        if not any(self.cells[depth] for depth in self._depths):
            self.finished.set()

    def join(self, seconds: float) -> bool:
        """Wait for all threads, `seconds` together; whether all have ended."""
        end = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))
        return not any(thread.is_alive() for thread in self.threads)

    def shut_down(self) -> None:
        """Make every thread leave."""
        self.stop.ask()
        self.finished.set()

    # -- what only the holder of the commit lock does ----------------------------------------------

    def frame(self, thread: int) -> Any:
        """The call frame on top of `thread`, over the committed state."""
        self.store.cells = self.cells
        return self.runner.standing(self.store, thread).frame

    def attempt(self, thread: int, code: ArrowCode, picker: LivePicker) -> bool:
        """Try to commit a step; False if a guard, or what it waits for, says no.

        Raises:
            Stopped: the step breaks a rule, and the run is over.
            Disagreement: a mutex that is really held is not free in the model.
        """
        if self.stop.asked:
            raise Stopped
        before, store = self.cells, self.store
        store.todo.clear()
        try:
            store.kept = self._kept(thread, code) if code.sleeps is not None else -1
            store.cells = before.copy()
            self.runner.run(store, thread, code, picker)
            self.model.check_views(before, store, self._copies)
        except Blocked as blocked:
            if not blocked.by_guard and not code.blocks:
                raise Disagreement(
                    f"{code.arrow.full_name} holds its real mutex, in the model another thread does"
                ) from None
            return False
        except StepError as error:
            choice = Choice(thread, code.name, tuple(picker.taken))
            in_model = isinstance(error, ModelError)
            self.fail(Failure(Problem(error.kind, f"{self.model.describe(choice)}: {error.message}", in_model), choice))
            raise Stopped from None
        if code.arrow.trace is not None:
            self.events[code.arrow.trace] += 1
        self._commit(Choice(thread, code.name, tuple(picker.taken)), before)
        return True

    def _kept(self, thread: int, code: ArrowCode) -> int:
        assert code.sleeps is not None
        return int(code.sleeps(self.frame(thread)).lock_slot)

    def _commit(self, choice: Choice, before: list[int]) -> None:
        store = self.store
        self.cells = store.cells
        self.commits += 1
        self.recorder.add(choice, before, self.cells)
        store.perform()
        for kind, arrow, index in store.moves:
            self.device.moved(kind.__name__, arrow, index)
        if self.after_commit is not None:
            self.after_commit(choice)

    # -- endings -----------------------------------------------------------------------------------

    def fail(self, failure: Failure) -> None:
        """End the run with `failure`, unless it has already failed."""
        if self.failure is None:
            self.failure = failure
        self.shut_down()

    def fail_by(self, error: BaseException) -> None:
        """End the run because `error` was raised in one of its threads."""
        if isinstance(error, UsageError):
            self.fail(Failure(Problem("usage", str(error), in_model=True)))
            return
        text = "".join(traceback.format_exception(error))
        self.fail(Failure(Problem("internal", f"{type(error).__name__}: {error}"), internal=text))
