"""What steps do to objects and threads: allocate, free, spawn, move.  Bound to one layout, works on any store."""

from __future__ import annotations

from typing import Any

from ..spec.errors import DoubleFree, IllegalMove, LockDiscipline, ModelError, Violation
from ..spec.fields import NULL, Dangling
from ..spec.paths import evaluate, is_place
from ..spec.primitives import Condition, Mutex
from ..spec.records import is_view, states_of
from ..spec.states import Arrow, State
from ..spec.store import Store
from .layout import Layout, ObjectClass
from .pointers import Freed, sets_of
from .properties import Property
from .questions import LearningCells
from .system import Instance


class Memory:
    """The heap and the stacks of a system."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.names = {(o.bound, i): n for o in layout.objects.values() for i, n in enumerate(o.names)}
        self._frames: dict[int, dict[tuple[int, type], Any]] = {}
        self._freed: dict[tuple[type, int], Freed] = {}
        self._initial_state = {k: next(s for s in p.states if s.initial) for k, p in layout.processes.items()}

    # -- views -------------------------------------------------------------------------------------

    def attach(self, store: Store) -> Store:
        """Give `store` the views of every object of this system."""
        store.system = self
        for kind, objects in self.layout.objects.items():
            views = [self._view(objects.bound, store, base, i) for i, base in enumerate(objects.bases)]
            store.tables[kind] = [NULL, *views, Dangling(kind.__name__)]
        everything = [view for table in store.tables.values() for view in table[1:-1]]
        for number, view in enumerate(everything):
            view._number = number
        store.tables[object] = [NULL, *everything, Dangling("object")]
        store.tables = _WithAbsent(store.tables)
        self._frames[id(store)] = {}
        return store

    def _view(self, bound: Any, store: Store, base: int, index: int) -> Any:
        view = object.__new__(bound)
        view.__dict__.update(_store=store, _base=base, _index=index, _number=-1)
        return view

    def frame(self, store: Store, base: int, kind: type) -> Any:
        """The view of the call frame of `kind` at `base`."""
        frames = self._frames[id(store)]
        view = frames.get((base, kind))
        if view is None:
            view = frames[base, kind] = self._view(self.layout.processes[kind].bound, store, base, base)
        return view

    def view_of(self, store: Store, instance: Instance) -> Any:
        kind = self.layout._substitute(instance.kind)
        return store.tables[kind][instance.index + 1]

    # -- objects -----------------------------------------------------------------------------------

    def allocate(self, store: Store, kind: Any, fields: dict[str, Any]) -> Any:
        resolved = self.layout.resolve(kind)
        objects = self.layout.objects.get(resolved)
        free = [i for i, base in enumerate(objects.bases) if not store.cells[base]] if objects else []
        if not objects or not free:
            raise ModelError(f"no room for another {kind.__name__}; give the system a larger pool of them", "bounds")
        index, base = free[0], objects.bases[free[0]]
        store.cells[base] = 1
        view = store.tables[resolved][index + 1]
        self._start(store, objects, base)
        with _Unchecked(store):
            for name, value in fields.items():
                setattr(view, name, value)
        return view

    def _start(self, store: Store, objects: ObjectClass | None, base: int) -> None:
        if objects and objects.state_field:
            initial = next(s for s in objects.state_field.states if s.initial)
            store.cells[base + objects.state_field.offset] = objects.state_field.encode(initial)

    def free(self, store: Store, item: Any) -> None:
        """Release `item`; every pointer to it dangles from now on, so that reuse of the room cannot hide a bug."""
        if isinstance(item, Dangling):
            raise DoubleFree(f"{item!r} is freed again")
        if item is NULL:
            return
        kind = type(item)._declared
        objects = self.layout.objects[kind]
        self._check_unused(store, item, objects)
        for claim, offset in objects.claims:
            if not store.cells[item._base + offset]:
                raise Violation(f"{item!r} is freed before it took any of {_moves(claim)}", claim.name)
        store.cells[item._base : item._base + objects.width] = [0] * objects.width
        self._poison(store, kind, item)

    def _check_unused(self, store: Store, item: Any, objects: ObjectClass) -> None:
        for field in vars(objects.bound).values():
            slot = item._base + getattr(field, "offset", 0)
            if isinstance(field, Mutex) and store.cells[slot]:
                raise LockDiscipline(f"{field.full_name} is destroyed while a thread holds it")
            if isinstance(field, Condition) and (store.cells[slot] or store.cells[slot + 1]):
                raise LockDiscipline(f"{field.full_name} is destroyed while a thread waits on it")

    def _poison(self, store: Store, kind: type, item: Any) -> None:
        cells = store.cells
        for slot, field in sets_of(self.layout, kind, cells):
            if cells[slot] >> item._index & 1:
                raise Violation(f"{field.full_name} still holds the freed {kind.__name__}", "list corruption")
        freed = self.freed(kind, item._index, item._number)
        if isinstance(cells, LearningCells):
            cells.forget(freed, store.thread)
        else:
            freed.poison(cells)

    def freed(self, kind: type, index: int, number: int) -> Freed:
        """What becomes of the pointers to an object when it is freed."""
        known = self._freed.get((kind, index))
        if known is None:
            known = self._freed[kind, index] = Freed(self.layout, kind, index, number)
        return known

    # -- lifecycles --------------------------------------------------------------------------------

    def lifecycle_state(self, view: Any) -> State:
        field = self.layout.objects[type(view)._declared].state_field
        if field is not None:
            return field.__get__(view, type(view))  # type: ignore[no-any-return]
        return self.classify(view)

    def classify(self, view: Any) -> State:
        """The state whose `when` holds, for a lifecycle that is a view of its fields."""
        kind = type(view)._declared
        found = [s for s in states_of(kind) if s.when is not None and s.when(view)]
        if len(found) != 1:
            names = ", ".join(s.name for s in found) or "none"
            raise ModelError(
                f"{view!r} is in {len(found)} states of {kind.__name__} at once: {names}", "lifecycle view"
            )
        return found[0]

    def viewed_kinds(self) -> list[type]:
        return [kind for kind in self.layout.objects if is_view(kind) and states_of(kind)]

    def move(self, view: Any, arrow: Arrow) -> None:
        store, field = view._store, self.layout.objects[type(view)._declared].state_field
        assert field is not None
        if arrow.guarded_by is not None and store.checking and not evaluate(view, arrow.guarded_by).held:
            raise LockDiscipline(f"{arrow.full_name} moves {view!r} without holding {arrow.guarded_by}")
        now = field.decode(store, store.cells[view._base + field.offset])
        if not any(now.name == source.name for source in arrow.sources):
            wanted = " or ".join(s.name for s in arrow.sources)
            raise IllegalMove(f"{view!r} is {now.name}; `{arrow.name}` moves {wanted} to {arrow.target.name}")
        field.__set__(view, arrow.target)
        self._count(store, view, arrow)
        store.moves.append((type(view)._declared, arrow.name, view._index))

    def _count(self, store: Store, view: Any, arrow: Arrow) -> None:
        for claim, offset in self.layout.objects[type(view)._declared].claims:
            if not any(move.name == arrow.name for move in claim.moves):
                continue
            if store.cells[view._base + offset]:
                raise Violation(f"{view!r} takes `{arrow.name}` after another of {_moves(claim)}", claim.name)
            store.cells[view._base + offset] = 1

    # -- threads -----------------------------------------------------------------------------------

    def spawn(self, store: Store, kind: Any, fields: dict[str, Any]) -> int:
        """Start a free thread slot of `kind`; its index."""
        resolved = self.layout.resolve(kind)
        for thread, slot in enumerate(self.layout.system.parts.threads):
            if self.layout.resolve(slot.kind) is resolved and not store.cells[self.layout.stacks[thread][0]]:
                self.push(store, thread, resolved, fields)
                return thread
        raise ModelError(f"no room for another {kind.__name__} thread; declare more", "bounds")

    def push(self, store: Store, thread: int, kind: type, fields: dict[str, Any]) -> None:
        """Enter `kind` on the stack of `thread`."""
        places = self.layout.stacks[thread]
        depth = store.cells[places[0]]
        if depth + 1 >= len(places):
            name = self.layout.thread_names[thread]
            raise ModelError(f"{name} nests more than {depth} calls; give the thread a larger `stack=`", "bounds")
        base = places[1 + depth]
        store.cells[places[0]] = depth + 1
        self.goto(store, base, kind, self._initial_state[kind])
        frame = self.frame(store, base, kind)
        for name, value in fields.items():
            setattr(frame, name, value)

    def pop(self, store: Store, thread: int) -> Any:
        """Leave the function on top of `thread`; what it returns."""
        places = self.layout.stacks[thread]
        depth = store.cells[places[0]]
        base = places[depth]
        kind, state = self.layout.pcs[store.cells[base] - 1]
        value = evaluate(self.frame(store, base, kind), state.returns) if is_place(state.returns) else state.returns
        width = self.layout.processes[kind].width
        store.cells[base : base + width] = [0] * width
        store.cells[places[0]] = depth - 1
        return value

    def goto(self, store: Store, base: int, kind: type, state: State) -> None:
        process = self.layout.processes[kind]
        store.cells[base] = process.first_pc + process.states.index(state)

    def held_mutexes(self, store: Store, thread: int) -> list[str]:
        """Names of the mutexes that `thread` holds."""
        return [
            slot.field.full_name
            for index, slot in enumerate(self.layout.slots)
            if isinstance(slot.field, Mutex) and store.cells[index] == thread + 1
        ]


def _moves(claim: Property) -> str:
    return ", ".join(f"`{move.name}`" for move in claim.moves)


class _Unchecked:
    """Initialising an object that nobody else can see yet is no shared access."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __enter__(self) -> None:
        self.was, self.store.checking = self.store.checking, False

    def __exit__(self, *_: object) -> None:
        self.store.checking = self.was


class _WithAbsent(dict[Any, list[Any]]):
    """Pointer tables; a class that this system leaves out has only null and freed pointers."""

    def __missing__(self, kind: Any) -> list[Any]:
        name = kind if isinstance(kind, str) else kind.__name__
        self[kind] = [NULL, Dangling(name)]
        return self[kind]
