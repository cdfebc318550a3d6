"""A composed system behind the one protocol that every client uses: `initial`, `steps` (`enabled`), `apply`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from ..spec.errors import ModelError, StepError, UsageError, Violation
from ..spec.primitives import ConditionHandle, Eventfd
from ..spec.records import arrows_of
from ..spec.states import State
from ..spec.store import Store
from .layout import Layout
from .memory import Memory
from .overview import Overview
from .properties import Property
from .questions import Call, Question
from .step import ArrowCode, Blocked, Cells, Choice, Copies, Picker, PlainCopies, Step, StepRunner
from .system import Instance, System
from .validate import validate

PLAIN_COPIES = PlainCopies()


class Model:
    """The transition system of a `System`.

    A state is a tuple of small integers.  Nothing here knows how states are searched, drawn or run.
    """

    def __init__(self, system: System) -> None:
        self.system = system
        self.layout = Layout(system)
        validate(self.layout)
        self.memory = Memory(self.layout)
        self.runner = StepRunner(self.memory)
        self.store = self.memory.attach(Store([]))
        self.codes = [self._codes(kind, state) for kind, state in self.layout.pcs]
        self.properties = self.system.properties
        self.viewed = self._viewed_slots()
        self.plain = frozenset(i for i, slot in enumerate(self.layout.slots) if slot.plain)
        self.levels = frozenset(i for i, slot in enumerate(self.layout.slots) if isinstance(slot.field, Eventfd))
        self.width = len(self.layout.slots)
        self._questions: dict[Any, Question] = {}

    @property
    def address(self) -> str:
        return self.system.address()

    # -- preparation -------------------------------------------------------------------------------

    def _codes(self, kind: type, state: State) -> list[ArrowCode]:
        arrows = [a for a in arrows_of(kind) if any(s is state for s in a.sources)]
        return [ArrowCode(a, [other for other in arrows if other is not a]) for a in arrows]

    def _viewed_slots(self) -> dict[int, tuple[type, int]]:
        """Slots whose change may change the state of a lifecycle that is a view of its fields."""
        found = {}
        for kind in self.memory.viewed_kinds():
            objects = self.layout.objects[kind]
            for index, base in enumerate(objects.bases):
                found.update(dict.fromkeys(range(base, base + objects.width), (kind, index)))
        return found

    # -- the protocol ------------------------------------------------------------------------------

    def initial(self) -> Cells:
        """The initial state."""
        store = self.store
        store.cells = [0] * self.width
        views = [(self._begin(instance), instance) for instance in self.system.parts.instances]
        for view, instance in views:
            for name, value in instance.values.items():
                self._set(view, name, value)
        for thread, slot in enumerate(self.system.parts.threads):
            if slot.live:
                values = {name: self._value(value) for name, value in slot.values.items()}
                self.memory.push(store, thread, self.layout.resolve(slot.kind), values)
        return tuple(store.cells)

    def _begin(self, instance: Instance) -> Any:
        view = self.memory.view_of(self.store, instance)
        self.store.cells[view._base] = 1
        self.memory._start(self.store, self.layout.objects[type(view)._declared], view._base)
        return view

    def _set(self, view: Any, name: str, value: Any) -> None:
        if not isinstance(value, list):
            setattr(view, name, self._value(value))
            return
        items = getattr(view, name)
        for item in value:
            (items.add if hasattr(items, "add") else items.append)(self._value(item))

    def _value(self, value: Any) -> Any:
        return self.memory.view_of(self.store, value) if isinstance(value, Instance) else value

    def steps(self, state: Cells, threads: Iterable[int] | None = None) -> list[Step]:
        """Every step that is possible in `state`, in a fixed order: thread, arrow, picks."""
        found: list[Step] = []
        for thread in threads if threads is not None else range(self.layout.thread_count):
            found += self.thread_steps(state, thread)
        return found

    def enabled(self, state: Cells) -> list[Choice]:
        """The choices of `steps`."""
        return [step.choice for step in self.steps(state)]

    def apply(self, state: Cells, choice: Choice) -> Step:
        """The step that `choice` names.

        Raises:
            UsageError: it is not enabled in `state`.
        """
        code = self.code(state, choice)
        try:
            step = self._attempt(state, choice.thread, code, Picker(choice.picks), PLAIN_COPIES) if code else None
        except Blocked:
            step = None
        if step is None or step.choice.picks != choice.picks:
            raise UsageError(f"{self.describe(choice)} is not possible here")
        return step

    def code(self, state: Cells, choice: Choice) -> ArrowCode | None:
        """The prepared arrow that `choice` names, if its thread stands before it."""
        pc = self.pc(state, choice.thread)
        return next((code for code in self.codes[pc - 1] if code.name == choice.arrow), None) if pc else None

    def watched(self, state: Cells, choice: Choice) -> frozenset[int]:
        """Slots of the levels that a step with `waits=any_of(...)` or `polls=any_of(...)` looks at; else none."""
        code = self.code(state, choice)
        if code is None or code.watches is None:
            return frozenset()
        self.store.cells = list(state)
        notifiers = code.watches(self.runner.standing(self.store, choice.thread).frame)
        return frozenset(notifier.level.slot for notifier in notifiers)

    def pc(self, state: Cells | list[int], thread: int) -> int:
        """Where `thread` stands: index + 1 into the locations of all processes; 0 if it is not running."""
        places = self.layout.stacks[thread]
        depth = state[places[0]]
        return state[places[depth]] if depth else 0

    # -- one thread --------------------------------------------------------------------------------

    def thread_steps(self, state: Cells, thread: int, copies: Copies = PLAIN_COPIES) -> list[Step]:
        """Every step of one thread, in the order of its arrows and their picks."""
        pc = self.pc(state, thread)
        if not pc:
            return []
        found: list[Step] = []
        taken: list[ArrowCode] = []
        refusals: list[Blocked] = []
        for code in self.codes[pc - 1]:
            try:
                found += self._branches(state, thread, code, copies)
                taken.append(code)
            except Blocked as refusal:
                refusals.append(refusal)
        kind, location = self.layout.pcs[pc - 1]
        if not location.choice:
            if not taken and refusals and all(refusal.by_guard for refusal in refusals):
                found.append(self._open_case(thread, kind, location, pc))
            found += self._overlaps(thread, taken)
        return found

    def _branches(self, state: Cells, thread: int, code: ArrowCode, copies: Copies) -> list[Step]:
        """The step along one arrow, once for each way to answer its choices.

        Raises:
            Blocked: it is not enabled.
        """
        pending: list[tuple[int, ...]] = [()]
        found: list[Step] = []
        while pending:
            picker = Picker(pending.pop())
            found.append(self._attempt(state, thread, code, picker, copies))
            pending += picker.alternatives()
        return sorted(found, key=lambda step: step.choice.picks)

    def _attempt(self, state: Cells, thread: int, code: ArrowCode, picker: Picker, copies: Copies) -> Step:
        """Take one step on a copy of `state`."""
        store = self.store
        store.cells = cells = copies.thaw(state)
        error: StepError | None = None
        locks: frozenset[int] = frozenset()
        try:
            locks = self.runner.run(store, thread, code, picker)
            if self.viewed:
                self.check_views(state, store, copies)
        except StepError as caught:
            error = caught
        return Step(
            choice=Choice(thread, code.name, tuple(picker.taken)),
            arrow=code.arrow,
            state=None if error else copies.freeze(cells),
            error=error,
            labels=tuple(picker.labels),
            reads=frozenset(store.reads),
            writes=frozenset(store.writes),
            locks=locks,
            moves=tuple(store.moves),
            reliable=self._is_reliable(state, thread, code, copies),
        )

    def _is_reliable(self, state: Cells, thread: int, code: ArrowCode, copies: Copies) -> bool:
        if code.waits is None:
            return code.reliable
        self.store.cells = copies.thaw(state)
        handle = code.waits(self.runner.standing(self.store, thread).frame)
        return not isinstance(handle, ConditionHandle) or bool(handle.signalled >> thread & 1)

    def _open_case(self, thread: int, kind: type, location: State, pc: int) -> Step:
        names = ", ".join(f"`{code.name}`" for code in self.codes[pc - 1])
        error = ModelError(
            f"{kind.__name__} would have to spin in `{location.name}`: no guard of {names} holds, and no primitive "
            "blocks it; close the branch with `when=otherwise`, or wait on a primitive",
            "guard that would have to spin",
        )
        return Step(Choice(thread, location.name), self.codes[pc - 1][0].arrow, None, error)

    def _overlaps(self, thread: int, taken: list[ArrowCode]) -> list[Step]:
        certain = [code for code in taken if not code.blocks and code.arrow.after is None]
        if len(certain) < 2:
            return []
        names = " and ".join(f"`{code.name}`" for code in certain)
        error = ModelError(
            f"{certain[0].arrow.owner_name}: the guards of {names} hold at the same time; make them exclude each "
            "other, or mark the state `choice=True` if the environment decides",
            "overlapping guards",
        )
        return [Step(Choice(thread, certain[1].name), certain[1].arrow, None, error)]

    # -- checks that belong to a step --------------------------------------------------------------

    def check_views(self, before: Sequence[int], store: Store, copies: Copies = PLAIN_COPIES) -> None:
        """A lifecycle that is a view of its fields may only change along its arrows."""
        after = store.cells
        touched = {self.viewed[slot] for slot in copies.changed(before, after) if slot in self.viewed}
        for kind, index in sorted(touched, key=lambda t: t[1]):
            view, base = store.tables[kind][index + 1], self.layout.objects[kind].bases[index]
            store.cells = copies.thaw(before)
            if not (store.cells[base] and after[base]):
                store.cells = after
                continue
            old = self.memory.classify(view)
            store.cells = after
            new = self.memory.classify(view)
            if old is new:
                continue
            arrow = next((a for a in arrows_of(kind) if a.target is new and old in a.sources), None)
            if arrow is None:
                raise Violation(f"{view!r} goes from {old.name} to {new.name}, which no arrow allows", "illegal move")
            store.moves.append((kind, arrow.name, index))

    def unfinished(self, state: Cells) -> str | None:
        """At rest: an object of an "exactly once" property that took none of its moves, if there is one."""
        for objects in self.layout.objects.values():
            for _, offset in objects.claims:
                for index, base in enumerate(objects.bases):
                    if state[base] and not state[base + offset]:
                        return objects.names[index]
        return None

    def property_named(self, name: str) -> Property:
        """The property called `name`.

        Raises:
            UsageError: the system has none of that name, or it is one that the fields check by themselves.
        """
        named = [claim for claim in self.properties if claim.holds is not None]
        for claim in named:
            if claim.name == name:
                return claim
        raise UsageError(f"{self.address} has no property `{name}`; it has {', '.join(c.name for c in named)}")

    # -- looking at a state ------------------------------------------------------------------------

    def overview(self, state: Cells | list[int]) -> Overview:
        """A read-only view of `state`, by the names that `compose` gave."""
        self.store.cells = list(state)
        return Overview(self)

    def question(
        self, thread: int, what: str, of: tuple[Any, ...], answer: Callable[[list[Call]], Hashable]
    ) -> Question:
        """The question `what`, about `of`, to the stack of `thread`."""
        key = thread, what, of
        if key not in self._questions:
            self._questions[key] = Question(self.layout, thread, answer)
        return self._questions[key]

    def resting(self, state: Cells, thread: int) -> bool:
        """Whether `thread` may stay where it is for ever: ended, or every call of its stack in a quiescent state."""
        places = self.layout.stacks[thread]
        frames = (state[places[1 + level]] for level in range(state[places[0]]))
        return all(self.layout.pcs[pc - 1][1].quiescent for pc in frames)

    def describe(self, choice: Choice) -> str:
        picks = "(" + ",".join(map(str, choice.picks)) + ")" if choice.picks else ""
        return f"{self.layout.thread_names[choice.thread]}.{choice.arrow}{picks}"
