"""What a property sees: the objects and threads of a state, by the names that `compose` gave them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..spec.fields import NULL
from ..spec.states import State
from .system import Instance, ThreadSlot

if TYPE_CHECKING:
    from .model import Model


class ThreadView:
    """One thread of a state."""

    def __init__(self, model: Model, index: int) -> None:
        self._model, self.index = model, index

    @property
    def frames(self) -> list[Any]:
        """The calls on its stack, outermost first; none if it is not running."""
        model, cells = self._model, self._model.store.cells
        places = model.layout.stacks[self.index]
        bases = places[1 : 1 + cells[places[0]]]
        return [model.memory.frame(model.store, base, model.layout.pcs[cells[base] - 1][0]) for base in bases]

    @property
    def locations(self) -> list[State]:
        """The state of each of `frames`."""
        model, cells = self._model, self._model.store.cells
        places = model.layout.stacks[self.index]
        return [model.layout.pcs[cells[base] - 1][1] for base in places[1 : 1 + cells[places[0]]]]

    @property
    def running(self) -> bool:
        return bool(self._model.store.cells[self._model.layout.stacks[self.index][0]])

    def at(self, *states: State) -> bool:
        """Whether some call on its stack is in one of `states`."""
        return bool(self.standing(*states))

    def standing(self, *states: State) -> list[Any]:
        """The calls on its stack that are in one of `states`."""
        return [frame for frame, location in zip(self.frames, self.locations, strict=True) if location in states]

    def calls(self, kind: type) -> list[Any]:
        """The calls of `kind` (or a version of it) on its stack."""
        return [frame for frame in self.frames if isinstance(frame, kind)]


class Overview:
    """Read-only access to one state.  A freed object reads as null."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self.threads = [ThreadView(model, i) for i in range(model.layout.thread_count)]

    def __getattr__(self, name: str) -> Any:
        return self._present(getattr(self._model.system, name))

    def _present(self, value: Any) -> Any:
        if isinstance(value, Instance):
            view = self._model.memory.view_of(self._model.store, value)
            return view if self._model.store.cells[view._base] else NULL
        if isinstance(value, ThreadSlot):
            return self.threads[value.index]
        if isinstance(value, list):
            return [self._present(item) for item in value]
        return value

    def live(self, kind: type) -> list[Any]:
        """The objects of `kind` that are allocated."""
        views = self._model.store.tables[self._model.layout.resolve(kind)][1:-1]
        return [view for view in views if self._model.store.cells[view._base]]
