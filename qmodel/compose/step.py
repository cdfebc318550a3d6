"""One step of one thread: the semantics of an arrow, executed on a copy of a state."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from ..spec.errors import AssertionViolation, LockDiscipline, ModelError, NullDereference, StepError
from ..spec.paths import Call, evaluate, getter
from ..spec.primitives import AnyOf, ConditionHandle
from ..spec.records import arrows_of
from ..spec.states import Arrow, State, otherwise
from ..spec.store import Store
from .memory import Memory

Cells = tuple[int, ...]


class Choice(NamedTuple):
    """What the scheduler and the environment decided: who moves, along which arrow, with which picks."""

    thread: int
    arrow: str
    picks: tuple[int, ...] = ()


@dataclass(slots=True)
class Step:
    """A choice and what came of it.

    Attributes:
        state: the state after it; None if `error` says why there is none.
        reliable: false for a spurious wake-up or a timeout: it may happen, but nothing can count on it.
        labels: what was picked, for a reader.
        reads, writes: shared slots that it touched; locks: slots of the mutexes that it held meanwhile.
        moves: lifecycle arrows that it took.
    """

    choice: Choice
    arrow: Arrow
    state: Cells | None
    error: StepError | None = None
    reliable: bool = True
    labels: tuple[str, ...] = ()
    reads: frozenset[int] = frozenset()
    writes: frozenset[int] = frozenset()
    locks: frozenset[int] = frozenset()
    moves: tuple[tuple[type, str, int], ...] = ()

    def leading_to(self, state: Cells) -> Step:
        """The same step out of another state, into `state`."""
        return Step(
            self.choice,
            self.arrow,
            state,
            None,
            self.reliable,
            self.labels,
            self.reads,
            self.writes,
            self.locks,
            self.moves,
        )


class Copies(Protocol):
    """How a step gets a state to work on, and what becomes of the result."""

    def thaw(self, state: Sequence[int]) -> list[int]:
        """A copy of `state` that the step may change."""

    def freeze(self, cells: list[int]) -> Cells:
        """The state after the step."""

    def changed(self, state: Sequence[int], cells: list[int]) -> Iterable[int]:
        """Slots that the step changed."""


class PlainCopies:
    """Lists and tuples."""

    def thaw(self, state: Sequence[int]) -> list[int]:
        return list(state)

    def freeze(self, cells: list[int]) -> Cells:
        return tuple(cells)

    def changed(self, state: Sequence[int], cells: list[int]) -> Iterable[int]:
        return (slot for slot, (old, new) in enumerate(zip(state, cells, strict=True)) if old != new)


@dataclass
class Picker:
    """Answers `choose` from a given prefix, then with the first option; remembers how many there were."""

    prefix: tuple[int, ...]
    taken: list[int] = field(default_factory=list)
    widths: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def __call__(self, options: Sequence[Any], what: str) -> Any:
        if not options:
            raise ModelError(f"`choose` ({what or 'unnamed'}) has no options; guard the step instead", "choice")
        place = len(self.taken)
        index = self.prefix[place] if place < len(self.prefix) else 0
        if index >= len(options):
            raise ModelError(f"pick {index} of {len(options)} options", "choice")
        self.taken.append(index)
        self.widths.append(len(options))
        self.labels.append(_label(options[index]))
        return options[index]

    def alternatives(self) -> list[tuple[int, ...]]:
        """Prefixes of the other branches, those that this run decided by default."""
        return [
            (*self.taken[:place], other)
            for place in range(len(self.prefix), len(self.taken))
            for other in range(1, self.widths[place])
        ]


def _label(option: Any) -> str:
    return option.__name__ if isinstance(option, type) else str(option)


class ArrowCode:
    """An arrow of a process, prepared: where its mutexes and primitives are, which guards exclude it."""

    def __init__(self, arrow: Arrow, siblings: Sequence[Arrow]) -> None:
        self.arrow = arrow
        self.name = arrow.name
        self.holding = _getters(arrow.holding)
        self.acquires = _getters(arrow.acquires)
        self.releases = _getters(arrow.releases)
        self.sleeps = getter(arrow.sleeps) if arrow.sleeps is not None else None
        watched = arrow.waits if arrow.waits is not None else arrow.polls
        self.watches: Any = watched.notifiers if isinstance(watched, AnyOf) else None
        self.waits = getter(arrow.waits) if arrow.waits is not None and not self.watches else None
        self.blocks = arrow.waits is not None
        self.guard = _guard(arrow.when)
        self.is_otherwise = arrow.when is otherwise
        self.excluded_by = [_guard(s.when) for s in siblings if s.when not in (None, otherwise)]
        self.reliable = not (arrow.after and any(s.waits is not None for s in siblings))


def _getters(places: Any) -> list[Any]:
    if places is None:
        return []
    return [getter(place) for place in (places if isinstance(places, tuple) else (places,))]


def _guard(when: Any) -> Any:
    if when is None or when is otherwise:
        return None
    return when if callable(when) and not hasattr(when, "offset") else getter(when)


class Blocked(Exception):
    """The step cannot be taken now: a primitive blocks it, or its guard is false."""

    def __init__(self, by_guard: bool) -> None:
        self.by_guard = by_guard


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a thread stands: the function on top of its stack."""

    store: Store
    thread: int
    base: int
    kind: type
    frame: Any


class StepRunner:
    """Runs single steps on a store.  Everything that executes a model goes through `run`."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.layout = memory.layout
        self._results = {
            (kind, arrow.target): arrow.result
            for kind in memory.layout.processes
            for arrow in arrows_of(kind)
            if arrow.calls is not None and arrow.result is not None
        }

    def standing(self, store: Store, thread: int) -> Standing:
        """Where `thread`, which is running, stands."""
        places = self.layout.stacks[thread]
        base = places[store.cells[places[0]]]
        kind, _ = self.layout.pcs[store.cells[base] - 1]
        return Standing(store, thread, base, kind, self.memory.frame(store, base, kind))

    def run(self, store: Store, thread: int, code: ArrowCode, picker: Picker) -> frozenset[int]:
        """Take one step on `store.cells`, in place.

        Returns: slots of the mutexes held during the step.

        Raises:
            Blocked: the step is not enabled.
            StepError: the step breaks a rule.
        """
        at = self.standing(store, thread)
        store.begin(thread)
        store.choose = picker
        try:
            return self._run(at, code, picker)
        except AssertionError as failed:
            raise AssertionViolation(str(failed) or f"an assertion of {code.arrow.full_name} fails") from None
        finally:
            store.end()

    def _run(self, at: Standing, code: ArrowCode, picker: Picker) -> frozenset[int]:
        store, frame = at.store, at.frame
        held = [get(frame) for get in code.holding]
        taken = held + [get(frame) for get in code.acquires]
        released = held + [get(frame) for get in code.releases]
        for mutex in taken:
            if mutex.owner and mutex.owner != at.thread + 1:
                raise Blocked(by_guard=False)
            store.acquire(mutex.slot, mutex.name)
        waited = self._wait(at, code)
        arguments = [*self._check_guards(at, code, picker), *waited]
        if code.arrow.external is not None:
            arguments.append(picker(code.arrow.external.outcomes, code.arrow.external.what))
        if code.arrow.effect is not None:
            code.arrow.effect(frame, *arguments)
        if code.sleeps is not None:
            released.append(self._sleep(at, code.sleeps(frame)))
        self._continue(at, code.arrow)
        self._check_granularity(store)
        for mutex in released:
            store.release(mutex.slot, mutex.name)
        if not store.cells[self.layout.stacks[at.thread][0]]:
            self._check_ended(at)
        return frozenset(mutex.slot for mutex in taken + released)

    # -- blocking ----------------------------------------------------------------------------------

    def _wait(self, at: Standing, code: ArrowCode) -> list[Any]:
        """Take what the step waits for; what its effect is told of it."""
        if code.watches is not None:
            return [self._watch(at, code)]
        if code.waits is None:
            return []
        handle = code.waits(at.frame)
        if isinstance(handle, ConditionHandle):
            self._wake(at, handle)
        elif at.store.take(handle.slot, handle.name):
            at.store.act(f"wait {handle.name}")
        else:
            raise Blocked(by_guard=False)
        return []

    def _watch(self, at: Standing, code: ArrowCode) -> list[Any]:
        at.store.readonly = True
        ready = [notifier for notifier in code.watches(at.frame) if notifier.is_up]
        at.store.readonly = False
        if code.blocks and not ready:
            raise Blocked(by_guard=False)
        at.store.act("ppoll")
        return ready

    def _wake(self, at: Standing, condition: ConditionHandle) -> None:
        cells, bit = at.store.cells, 1 << at.thread
        if cells[condition.lock_slot]:
            raise Blocked(by_guard=False)
        if not (condition.waiting | condition.signalled) & bit:
            raise LockDiscipline(f"{condition.name} is waited for without having gone to sleep on it (`sleeps=`)")
        cells[condition.slot] &= ~bit
        cells[condition.slot + 1] &= ~bit
        at.store.acquire(condition.lock_slot, condition.name)

    def _sleep(self, at: Standing, condition: ConditionHandle) -> Any:
        at.store.cells[condition.slot] |= 1 << at.thread
        return _Released(condition.lock_slot, f"the mutex of {condition.name}")

    # -- guards ------------------------------------------------------------------------------------

    def _check_guards(self, at: Standing, code: ArrowCode, picker: Picker) -> list[Any]:
        """Whether the guard lets the step pass; the candidate of a quantified step."""
        frame = at.frame
        at.store.readonly = True
        try:
            if code.arrow.over is not None:
                options = [o for o in code.arrow.over(frame) if code.guard is None or code.guard(frame, o)]
                if not options:
                    raise Blocked(by_guard=True)
                return [picker(options, code.name)]
            if code.guard is not None and not code.guard(frame):
                raise Blocked(by_guard=True)
            if code.is_otherwise and any(guard(frame) for guard in code.excluded_by):
                raise Blocked(by_guard=True)
            return []
        finally:
            at.store.readonly = False

    def _check_granularity(self, store: Store) -> None:
        if len(store.visible) > 1:
            both = "` and `".join(name for name, _ in store.visible)
            raise ModelError(
                f"one step does `{both}`, each visible to other threads; split it, with a named state between",
                "step granularity",
            )

    # -- where it goes -----------------------------------------------------------------------------

    def _continue(self, at: Standing, arrow: Arrow) -> None:
        if arrow.calls is None:
            self.memory.goto(at.store, at.base, at.kind, arrow.target)
            self._return(at, arrow.target)
            return
        target, arguments = self._call(at.frame, arrow.calls)
        self.memory.goto(at.store, at.base, at.kind, arrow.target)
        self.memory.push(at.store, at.thread, target, arguments)

    def _call(self, frame: Any, call: Call) -> tuple[type, dict[str, Any]]:
        target = call.target if isinstance(call.target, type) else evaluate(frame, call.target)
        if not target:
            raise NullDereference(f"call through the null pointer `{call}`", "null function pointer")
        arguments = {name: evaluate(frame, value) for name, value in call.arguments.items()}
        return self.layout.resolve(target), arguments

    def _return(self, at: Standing, state: State) -> None:
        """Leave every function that stands in a final state, handing its value to its caller."""
        store, places = at.store, self.layout.stacks[at.thread]
        while state.final:
            value = self.memory.pop(store, at.thread)
            depth = store.cells[places[0]]
            if not depth:
                return
            kind, state = self.layout.pcs[store.cells[places[depth]] - 1]
            result = self._results.get((kind, state))
            if result is not None:
                setattr(self.memory.frame(store, places[depth], kind), result.name, value)

    def _check_ended(self, at: Standing) -> None:
        held = self.memory.held_mutexes(at.store, at.thread)
        if held:
            raise LockDiscipline(f"{self.layout.thread_names[at.thread]} ends while it holds {held[0]}")


class _Released(NamedTuple):
    slot: int
    name: str
