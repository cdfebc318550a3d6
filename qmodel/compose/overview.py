"""What a property sees: the objects and threads of a state, by the names that `compose` gave them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TYPE_CHECKING, Any

from ..spec.fields import NULL
from ..spec.states import State
from .questions import Call, LearningCells
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
        return self._views(self._ask("frames", (), lambda calls: _places(calls)))

    @property
    def locations(self) -> list[State]:
        """The state of each of `frames`."""
        return list(self._ask("locations", (), lambda calls: _locations(calls)))

    @property
    def running(self) -> bool:
        return bool(self._ask("running", (), lambda calls: bool(calls)))

    def at(self, *states: State) -> bool:
        """Whether some call on its stack is in one of `states`."""
        return bool(self._ask("at", states, lambda calls: any(at in states for at in _locations(calls))))

    def standing(self, *states: State) -> list[Any]:
        """The calls on its stack that are in one of `states`."""
        return self._views(
            self._ask(
                "standing",
                states,
                lambda calls: _places(c for c, at in zip(calls, _locations(calls), strict=True) if at in states),
            )
        )

    def innermost(self, *states: State) -> list[Any]:
        """The call on top of its stack, if it is in one of `states`; else nothing."""
        return self._views(
            self._ask("innermost", states, lambda calls: _places(c for c in calls[-1:] if _locations([c])[0] in states))
        )

    def calls(self, kind: type) -> list[Any]:
        """The calls of `kind` (or a version of it) on its stack."""
        return self._views(
            self._ask("calls", (kind,), lambda calls: _places(call for call in calls if issubclass(call.kind, kind)))
        )

    def _ask(self, what: str, of: tuple[Any, ...], answer: Callable[[list[Call]], Hashable]) -> Any:
        """The answer to a question that is the same one whenever `what` and `of` are."""
        cells = self._model.store.cells
        question = self._model.question(self.index, what, of, answer)
        return cells.ask(question) if isinstance(cells, LearningCells) else question(cells)

    def _views(self, places: tuple[tuple[int, type], ...]) -> list[Any]:
        return [self._model.memory.frame(self._model.store, base, kind) for base, kind in places]


def _locations(calls: Iterable[Call]) -> tuple[State, ...]:
    return tuple(location for _, _, location in calls)


def _places(calls: Iterable[Call]) -> tuple[tuple[int, type], ...]:
    return tuple((call.base, call.kind) for call in calls)


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
