"""The live store: the state vector of the model, whose primitives also drive the real ones.

During a step the model decides and the real operations are noted; they are performed when the step commits, still
under the commit lock, and each must then do what the model said.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from ..compose.layout import Layout
from ..compose.memory import Memory
from ..spec.fields import NULL, Dangling
from ..spec.store import Store
from .mechanisms import Disagreement, Mechanisms


class Observer(Protocol):
    """Who is told what a committed step did to objects; names are those of the classes of the specification."""

    def allocated(self, kind: str, index: int, fields: dict[str, Any]) -> None: ...

    def moved(self, kind: str, arrow: str, index: int) -> None: ...

    def freed(self, kind: str, index: int) -> None: ...


class LiveStore(Store):
    """A store whose primitives exist twice.

    Attributes:
        kept: slot of a mutex that a `sleeps=` step leaves to the real condition to release; -1 for none.
    """

    def __init__(self, cells: list[int], mechanisms: Mechanisms) -> None:
        super().__init__(cells)
        self.mechanisms = mechanisms
        self.kept = -1
        self.todo: list[Callable[[], object]] = []

    def perform(self) -> None:
        """Do the real operations of the step that has just been decided.

        Raises:
            Disagreement: one of them does not do what the model said.
        """
        for operation in self.todo:
            operation()
        self.todo.clear()

    # -- the primitives ----------------------------------------------------------------------------

    def acquire(self, slot: int, name: str) -> None:
        super().acquire(slot, name)
        if self.mechanisms.mutex(slot).holder != self.thread + 1:
            raise Disagreement(f"{name} is taken in the model, and the thread does not hold the real lock")

    def release(self, slot: int, name: str) -> None:
        super().release(slot, name)
        if slot != self.kept:
            self.todo.append(self.mechanisms.mutex(slot).release)

    def post(self, slot: int, limit: int, saturates: bool, name: str) -> None:
        before = self.cells[slot]
        super().post(slot, limit, saturates, name)
        if self.cells[slot] != before:
            self.todo.append(self.mechanisms.semaphore(slot).post)

    def take(self, slot: int, name: str) -> bool:
        taken = super().take(slot, name)
        if taken:
            self.todo.append(lambda: _agree(self.mechanisms.semaphore(slot).try_take(), True, name))
        return taken

    def raise_level(self, slot: int) -> None:
        super().raise_level(slot)
        self.todo.append(self.mechanisms.level(slot).set)

    def lower_level(self, slot: int) -> bool:
        was = super().lower_level(slot)
        level = self.mechanisms.level(slot)
        self.todo.append(lambda: _agree(level.test_and_clear(), was, level.name))
        return was

    def wake(self, slot: int, threads: int) -> None:
        super().wake(slot, threads)
        if threads:
            self.todo.append(self.mechanisms.condition(slot).wake)


def _agree(real: bool, model: bool, name: str) -> None:
    if real != model:
        raise Disagreement(
            f"{name} is {'up' if model else 'down'} in the model and {'up' if real else 'down'} for real"
        )


class LiveMemory(Memory):
    """Heap and stacks of a running system: what is allocated, freed and spawned happens for real as well."""

    def __init__(self, layout: Layout, observer: Observer, start: Callable[[int], None]) -> None:
        super().__init__(layout)
        self._observer, self._start_thread = observer, start

    def allocate(self, store: Store, kind: Any, fields: dict[str, Any]) -> Any:
        view = super().allocate(store, kind, fields)
        assert isinstance(store, LiveStore)
        store.todo.append(lambda: self._observer.allocated(type(view)._declared.__name__, view._index, fields))
        return view

    def free(self, store: Store, item: Any) -> None:
        super().free(store, item)
        assert isinstance(store, LiveStore)
        if item is NULL or isinstance(item, Dangling):
            return
        kind, index = type(item)._declared, item._index
        end = item._base + self.layout.objects[kind].width
        for mechanism in store.mechanisms.between(item._base, end):
            store.todo.append(mechanism.reset)
        store.todo.append(lambda: self._observer.freed(kind.__name__, index))

    def spawn(self, store: Store, kind: Any, fields: dict[str, Any]) -> int:
        thread = super().spawn(store, kind, fields)
        assert isinstance(store, LiveStore)
        store.todo.append(lambda: self._start_thread(thread))
        return thread
