"""From declarations to slots: which field of which object stands where in the state vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..spec.containers import Sequence, Set
from ..spec.errors import SpecError
from ..spec.fields import Code, Field, Order, Pointers
from ..spec.paths import Call, Path
from ..spec.primitives import Condition
from ..spec.records import Lifecycle, RecordMeta, arrows_of, fields_of, is_view, states_of, where_of
from ..spec.states import State
from .properties import Property
from .system import System, ThreadSlot


class StateField(Field[State]):
    """Where a moved lifecycle is; behaves as a field named `state`."""

    def __init__(self, states: tuple[State, ...], order: Order | None, owner: str) -> None:
        super().__init__(order=order)
        self.states = states
        self.domain = len(states) - 1
        self.name, self.owner_name = "state", owner

    def decode(self, store: Any, value: int) -> State:
        return self.states[value]

    def encode(self, value: State) -> int:
        return self.states.index(value)


@dataclass(frozen=True)
class Slot:
    """One slot of the state vector: its name, largest value, and the bound field that reads it."""

    name: str
    domain: int
    field: Field[Any] | None
    kind: str
    """"alive", "field", "stack", "pc", "local" or "count"."""

    @property
    def plain(self) -> bool:
        """Shared memory that nothing declared to protect: where two threads meeting is a data race."""
        f = self.field
        return self.kind == "field" and f is not None and f.tracked and f.order is None and f.lock_offset < 0


@dataclass(frozen=True)
class ObjectClass:
    """A record class as part of a system: bound class, size, where its objects start."""

    bound: Any
    width: int
    bases: tuple[int, ...]
    names: tuple[str, ...]
    preallocated: int
    state_field: StateField | None
    pointers: tuple[Field[Any], ...]
    claims: tuple[tuple[Property, int], ...]
    """ "Exactly once" properties of the class, each with the offset of the slot that remembers the move."""


@dataclass(frozen=True)
class ProcessClass:
    """A process class as part of a system: bound class and the slots that its locals take."""

    bound: Any
    width: int
    first_pc: int
    states: tuple[State, ...]
    pointers: tuple[Field[Any], ...]


class Layout:
    """All slots of a system, and the bound classes whose views read them."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.scope = system.sizes
        self.thread_count = len(system.parts.threads)
        self.thread_names = [slot.name for slot in system.parts.threads]
        self._replaced = system.replacements()
        self._sizes = self._count_objects()
        self.slots: list[Slot] = []
        self.objects: dict[type, ObjectClass] = {}
        for kind in self._sizes:
            self._lay_out_objects(kind)
        self.pcs: list[tuple[type, State]] = []
        self.processes: dict[type, ProcessClass] = {}
        for slot in system.parts.threads:
            self._bind_processes(self.resolve(slot.kind))
        self.reach = [self._reachable(self.resolve(slot.kind)) for slot in system.parts.threads]
        self.stacks = [self._lay_out_thread(slot) for slot in system.parts.threads]

    # -- what fields ask when they are bound (`Sizes`) ---------------------------------------------

    def resolve(self, kind: Any) -> Any:
        """The class that stands for `kind` here: a version's replacement, or what a name means in this system."""
        if isinstance(kind, str):
            known = [*self._sizes, *self._replaced]
            kind = next((c for c in known if any(b.__name__ == kind for b in c.__mro__)), kind)
        while kind in self._replaced:
            kind = self._replaced[kind]
        if isinstance(kind, type) and kind is not object and kind not in self._sizes:
            kind = next((c for c in self._sizes if issubclass(c, kind)), kind)
        return kind

    def capacity(self, kind: Any) -> int:
        if kind is object:
            return sum(there + room for there, room in self._sizes.values())
        return sum(self._sizes[kind]) if kind in self._sizes else 0

    def functions(self, field: Field[Any]) -> list[Any]:
        assert isinstance(field, Code)
        return [self.resolve(target) for target in self.system.installed().get(field.like, ())]

    # -- objects -----------------------------------------------------------------------------------

    def _count_objects(self) -> dict[type, tuple[int, int]]:
        sizes: dict[type, tuple[int, int]] = {}
        for instance in self.system.parts.instances:
            kind = self._substitute(instance.kind)
            there, room = sizes.get(kind, (0, 0))
            sizes[kind] = (there + 1, room)
        for kind, (size, _) in self.system.parts.pools.items():
            there, room = sizes.get(self._substitute(kind), (0, 0))
            sizes[self._substitute(kind)] = (there, room + size)
        return sizes

    def _substitute(self, kind: type) -> type:
        while kind in self._replaced:
            kind = self._replaced[kind]
        return kind

    def _lay_out_objects(self, kind: type) -> None:
        moved = issubclass(kind, Lifecycle) and not is_view(kind)
        state_field = StateField(states_of(kind), kind._order, kind.__name__) if moved else None  # type: ignore[attr-defined]
        members = ([state_field] if state_field else []) + list(fields_of(kind))
        bound, width = self._bind(kind, members, start=1, in_object=True)
        once = [p for p in self.system.properties if p.of is not None and self.resolve(p.of) is kind]
        names = self._object_names(kind)
        bases = []
        for name in names:
            bases.append(len(self.slots))
            self.slots.append(Slot(f"{name}.alive", 1, None, "alive"))
            self._add_field_slots(bound, members, name, "field")
            self.slots += [Slot(f"{name}.{claim.name}", 1, None, "count") for claim in once]
        self.objects[kind] = ObjectClass(
            bound, width + len(once), tuple(bases), tuple(names), self._sizes[kind][0],
            getattr(bound, "_state_field", None), self._pointers(bound, members),
            tuple((claim, width + i) for i, claim in enumerate(once)),
        )  # fmt: skip

    def _object_names(self, kind: type) -> list[str]:
        names = [i.name for i in self.system.parts.instances if self._substitute(i.kind) is kind]
        for pooled, (size, name) in self.system.parts.pools.items():
            if self._substitute(pooled) is kind:
                names += [f"{name}{i + 1}" for i in range(size)]
        return names

    def _bind(self, kind: type, members: list[Field[Any]], start: int, *, in_object: bool) -> tuple[Any, int]:
        namespace: dict[str, Any] = {}
        offset = start
        for member in members:
            bound = member.bind(offset, self, in_object=in_object)
            namespace["_state_field" if isinstance(member, StateField) else member.name] = bound
            offset += bound.width
        for bound in list(namespace.values()):
            if bound.guarded_by is not None:
                bound.lock_offset = namespace[bound.guarded_by.name].offset
                bound.lock_name = bound.guarded_by.full_name
            if isinstance(bound, Condition):
                bound.mutex_offset = namespace[bound.lock.name].offset
        return RecordMeta(kind.__name__, (kind,), {**namespace, "_declared": kind}, bound=True), offset

    def _add_field_slots(self, bound: Any, members: list[Field[Any]], name: str, kind: str) -> None:
        for member in members:
            f = vars(bound)["_state_field" if isinstance(member, StateField) else member.name]
            for i in range(f.width):
                self.slots.append(Slot(f"{name}.{f.name}" + (f"[{i}]" if f.width > 1 else ""), f.domain, f, kind))

    def _pointers(self, bound: Any, members: list[Field[Any]]) -> tuple[Field[Any], ...]:
        return tuple(vars(bound)[m.name] for m in members if isinstance(m, Pointers))

    # -- processes and stacks ----------------------------------------------------------------------

    def callees(self, kind: type) -> list[type]:
        """The processes that `kind` may call, in order of its arrows."""
        found: list[type] = []
        for arrow in arrows_of(kind):
            if arrow.calls is not None:
                found += [t for t in self._targets(kind, arrow.calls) if t not in found]
        return found

    def _targets(self, kind: type, call: Call) -> list[type]:
        if isinstance(call.target, type):
            return [self.resolve(call.target)]
        field = self._field_at(kind, call.target)
        return self.functions(field)

    def _field_at(self, kind: type, place: Any) -> Field[Any]:
        if not isinstance(place, Path):
            return place  # type: ignore[no-any-return]
        here: Any = place._root
        for attribute in place._attributes:
            here = next(f for f in fields_of(self.resolve(here.target)) if f.name == attribute)
        return here  # type: ignore[no-any-return]

    def _bind_processes(self, kind: type) -> None:
        if kind in self.processes:
            return
        members = list(fields_of(kind))
        bound, width = self._bind(kind, members, start=1, in_object=False)
        states = states_of(kind)
        first = len(self.pcs) + 1
        self.pcs += [(kind, state) for state in states]
        self.processes[kind] = ProcessClass(bound, width, first, states, self._pointers(bound, members))
        for callee in self.callees(kind):
            self._bind_processes(callee)

    def _lay_out_thread(self, slot: ThreadSlot) -> tuple[int, ...]:
        root = self.resolve(slot.kind)
        depth = slot.stack or self._depth(root, ())
        reach = self.reach[slot.index]
        width = max(self.processes[kind].width for kind in reach)
        self.slots.append(Slot(f"{slot.name}.depth", depth, None, "stack"))
        places = [len(self.slots) - 1]
        for level in range(depth):
            places.append(len(self.slots))
            self.slots.append(Slot(f"{slot.name}.pc[{level}]", len(self.pcs), None, "pc"))
            for i in range(width - 1):
                largest = self._local_domain(reach, i + 1)
                self.slots.append(Slot(f"{slot.name}[{level}].{i}", largest, None, "local"))
        return tuple(places)

    def _local_domain(self, reach: list[type], offset: int) -> int:
        fields = [f for k in reach for f in vars(self.processes[k].bound).values() if isinstance(f, Field)]
        return max([f.domain for f in fields if f.offset <= offset < f.offset + f.width], default=0)

    def _reachable(self, root: type) -> list[type]:
        found = [root]
        for kind in found:
            found += [callee for callee in self.callees(kind) if callee not in found]
        return found

    def _depth(self, kind: type, above: tuple[type, ...]) -> int:
        if kind in above:
            cycle = " -> ".join(k.__name__ for k in (*above[above.index(kind) :], kind))
            raise SpecError(where_of(kind), f"calls recurse: {cycle}", "bound the stack: `self.thread(..., stack=8)`")
        return 1 + max((self._depth(callee, (*above, kind)) for callee in self.callees(kind)), default=0)


def poison_places(pointer: Field[Any]) -> range:
    """Offsets of the slots of a pointer field that may hold a pointer value."""
    if isinstance(pointer, Set):
        return range(0)
    return range(pointer.offset, pointer.offset + (pointer.width if isinstance(pointer, Sequence) else 1))
