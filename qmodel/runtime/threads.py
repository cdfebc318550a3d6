"""A real thread: stands in a location, waits there for real, and commits the step that leads out."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

from ..compose.result import Problem
from ..compose.step import ArrowCode, Choice
from ..spec.errors import StepError
from ..spec.primitives import ConditionHandle
from .engine import Engine, Failure, LivePicker, Stopped
from .gates import Gate
from .mechanisms import SLICE, Disagreement, RealCondition, RealMutex
from .plan import Location

Picks = tuple[int, ...]


class LiveThread:
    """The body of one thread of the system."""

    def __init__(self, engine: Engine, index: int, seed: int, gate: Gate | None = None) -> None:
        self.engine, self.index, self.gate = engine, index, gate
        self.holder = index + 1
        self.rng = random.Random(f"{seed}:{engine.model.layout.thread_names[index]}")
        self.picker = LivePicker(engine.policy)
        self.granted: list[RealMutex] = []

    def __call__(self) -> None:
        """Run until the process ends or the run is stopped."""
        engine = self.engine
        try:
            while engine.is_alive(self.index):
                self._check_running()
                forced = self.gate is not None and not self.gate.is_open
                (self._advance_forced if forced else self._advance)(engine.location(self.index))
        except Stopped:
            pass
        except BaseException as error:
            engine.fail_by(error)
        finally:
            engine.check_finished()

    def _check_running(self) -> None:
        if self.engine.stop.asked:
            raise Stopped

    # -- free run ----------------------------------------------------------------------------------

    def _advance(self, here: Location) -> None:
        if here.wait is not None:
            self._wait(here, here.wait)
        elif here.external is not None:
            self._leave_model(here.external, None)
        elif here.timeout is not None:
            self.engine.stop.wait(self._seconds(here) or 0)
            self._take([here.timeout])
        elif here.choice:
            self._take(self.engine.policy.order(here))
        else:
            taken = self._take(here.codes)
            if here.codes[0] is not taken:
                here.codes = [taken, *(code for code in here.codes if code is not taken)]

    def _seconds(self, here: Location) -> float | None:
        return None if here.seconds is None else here.seconds * self.engine.time_scale

    def _wait(self, here: Location, code: ArrowCode) -> None:
        condition = self._condition(code)
        if condition is not None:
            self._sleep(condition, lambda: self._was_signalled(code))
            self._take([code])
            return
        seconds = self._seconds(here)
        end = None if seconds is None else time.monotonic() + seconds
        while True:
            with self.engine.commit_lock:
                if self._attempt(code):
                    return
                fds = self._fds(code)
            ready = self.engine.stop.poll(fds, None if end is None else end - time.monotonic())
            self._check_running()
            if not ready and here.timeout is not None:
                self._take([here.timeout])
                return

    def _leave_model(self, code: ArrowCode, forced: int | None, picks: Picks = ()) -> None:
        with self.engine.commit_lock:
            self._check_running()
            job = self.engine.device.job(self.engine.frame(self.index))
        outcome = self.engine.device.perform(job, self.rng, forced)
        self._take([code], picks, outcome)

    # -- conditions --------------------------------------------------------------------------------

    def _condition(self, code: ArrowCode) -> RealCondition | None:
        if code.waits is None:
            return None
        with self.engine.commit_lock:
            handle = code.waits(self.engine.frame(self.index))
        return self.engine.mechanisms.condition(handle.slot) if isinstance(handle, ConditionHandle) else None

    def _was_signalled(self, code: ArrowCode) -> bool:
        assert code.waits is not None
        with self.engine.commit_lock:
            handle = code.waits(self.engine.frame(self.index))
            return bool(handle.signalled >> self.index & 1)

    def _sleep(self, condition: RealCondition, may_leave: Callable[[], bool]) -> None:
        """Really wait; the mutex is held before and after."""
        if condition.mutex.holder != self.holder:
            raise Disagreement(f"{condition.name} is waited on by a thread that does not hold its mutex")
        if self.engine.faults.strikes("spurious", self.rng):
            condition.sleep(self.holder, SLICE / 100)
            return
        while not may_leave():
            condition.sleep(self.holder, SLICE)
            self._check_running()

    # -- committing --------------------------------------------------------------------------------

    def _take(self, codes: Sequence[ArrowCode], picks: Picks = (), outcome: int | None = None) -> ArrowCode:
        """Take the first of `codes` that is enabled, waiting for real mutexes outside the commit lock."""
        while True:
            with self.engine.commit_lock:
                taken = self._try(codes, picks, outcome)
            if isinstance(taken, ArrowCode):
                return taken
            while not taken.acquire(self.holder, SLICE):
                self._check_running()
            self.granted.append(taken)

    def _try(self, codes: Sequence[ArrowCode], picks: Picks, outcome: int | None) -> ArrowCode | RealMutex:
        """The arrow that was taken, or the mutex that has to be free first."""
        busy: RealMutex | None = None
        for code in codes:
            mutexes = self._mutexes(code)
            refused = self._grab(mutexes)
            if refused is not None:
                busy = busy or refused
            elif self._attempt(code, picks, outcome):
                self._drop(mutexes)
                return code
        self._drop(())
        return busy if busy is not None else self._spin(codes)

    def _attempt(self, code: ArrowCode, picks: Picks = (), outcome: int | None = None) -> bool:
        if code.watches is not None:
            self._fds(code)
        self.picker.start(code, picks, outcome)
        return self.engine.attempt(self.index, code, self.picker)

    def _mutexes(self, code: ArrowCode) -> Sequence[RealMutex]:
        """The real mutexes that `code` takes; none if their pointers are bad, which the step itself will report."""
        if not code.holding and not code.acquires:
            return ()
        frame, mutex = self.engine.frame(self.index), self.engine.mechanisms.mutex
        try:
            return [mutex(get(frame).slot) for get in (*code.holding, *code.acquires)]
        except StepError:
            return ()

    def _grab(self, mutexes: Sequence[RealMutex]) -> RealMutex | None:
        """Take `mutexes` without waiting; the first that another thread holds."""
        for mutex in mutexes:
            if mutex.holder != self.holder:
                if not mutex.try_acquire(self.holder):
                    return mutex
                self.granted.append(mutex)
        return None

    def _drop(self, used: Sequence[RealMutex]) -> None:
        """Release what was taken for steps that were not; `used` is what the committed step took."""
        for mutex in self.granted:
            if mutex not in used:
                mutex.release()
        self.granted.clear()

    def _spin(self, codes: Sequence[ArrowCode]) -> ArrowCode:
        here = self.engine.location(self.index)
        if self.gate is not None and not self.gate.is_open:
            raise Disagreement(f"{codes[0].arrow.full_name} is possible in the model and not on real threads")
        message = f"{here}: no guard of {', '.join(code.name for code in codes)} holds, and nothing blocks"
        self.engine.fail(Failure(Problem("guard that would have to spin", message, in_model=True)))
        raise Stopped

    # -- what can be polled ------------------------------------------------------------------------

    def _fds(self, code: ArrowCode) -> list[int]:
        """What `code` waits for, as descriptors; the commit lock is held.

        Raises:
            Disagreement: one is up in the model and down for real, or the other way round.
        """
        engine = self.engine
        frame = engine.frame(self.index)
        if code.watches is not None:
            slots = [notifier.level.slot for notifier in code.watches(frame)]
            fds = [engine.mechanisms.level(slot).fd for slot in slots]
        else:
            assert code.waits is not None
            slots = [code.waits(frame).slot]
            fds = [engine.mechanisms.semaphore(slot).fd for slot in slots]
        up = engine.stop.poll(fds, 0)
        for slot, fd in zip(slots, fds, strict=True):
            if (fd in up) != (engine.cells[slot] > 0):
                name = engine.mechanisms.by_slot[slot].name
                raise Disagreement(f"{name} is {engine.cells[slot]} in the model and {fd in up} for real")
        return fds

    # -- forced run --------------------------------------------------------------------------------

    def _advance_forced(self, here: Location) -> None:
        assert self.gate is not None
        choice = self._await_turn(here, self.gate)
        if choice is None:
            return
        code = next(c for c in self.engine.model.codes[self._pc() - 1] if c.name == choice.arrow)
        if code.arrow.external is not None:
            self._leave_model(code, code.arrow.external.outcomes[choice.picks[-1]], choice.picks)
        elif code.blocks and self._condition(code) is None:
            self._wait_forced(code, choice.picks)
        else:
            self._take([code], choice.picks)

    def _pc(self) -> int:
        return self.engine.model.pc(self.engine.cells, self.index)

    def _await_turn(self, here: Location, gate: Gate) -> Choice | None:
        """The choice that this thread is to make now; None if the gate has opened for everyone."""
        condition = self._condition(here.wait) if here.wait is not None else None
        if condition is not None:
            self._sleep(condition, lambda: gate.is_open or gate.turn(self.index) is not None)
        while not gate.is_open and gate.turn(self.index) is None:
            gate.wait(SLICE)
            self._check_running()
        return gate.turn(self.index)

    def _wait_forced(self, code: ArrowCode, picks: Picks) -> None:
        while True:
            with self.engine.commit_lock:
                if self._attempt(code, picks):
                    return
                fds = self._fds(code)
            self.engine.stop.poll(fds, SLICE)
            self._check_running()
