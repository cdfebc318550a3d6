"""Typed paths: `pool.lock` in a class body is a value, not a string."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .records import Record


class Path:
    """A chain of fields that starts at a field of the record being defined."""

    def __init__(self, root: Any, attributes: tuple[str, ...] = ()) -> None:
        self._root = root
        self._attributes = attributes

    def __getattr__(self, name: str) -> Path:
        if name.startswith("__"):
            raise AttributeError(name)
        return Path(self._root, (*self._attributes, name))

    def __call__(self, **arguments: object) -> Call:
        """A call through the function pointer that stands at this path."""
        return Call(self, arguments)

    def __str__(self) -> str:
        return ".".join((self._root.name or "?", *self._attributes))


class Call:
    """A call of one process by another on the same thread: `AioPoll(ctx=ctx, blocking=True)`.

    `target` is a process class, or the path of a function pointer; the arguments are constants, fields and paths
    of the caller.
    """

    def __init__(self, target: object, arguments: dict[str, object]) -> None:
        self.target = target
        self.arguments = arguments

    def __str__(self) -> str:
        if isinstance(self.target, type):
            return self.target.__name__
        return str(self.target) if isinstance(self.target, Path) else str(self.target.name)  # type: ignore[attr-defined]


def getter(place: object) -> Any:
    """A function from a record to what stands at `place` (a field or a path of it)."""
    if isinstance(place, Path):
        return attrgetter(str(place))
    return attrgetter(place.name)  # type: ignore[attr-defined]


def is_place(value: object) -> bool:
    """Whether `value` is a field or a path, as opposed to a constant."""
    return isinstance(value, Path) or (hasattr(value, "name") and hasattr(value, "offset"))


def evaluate(record: Record, value: object) -> Any:
    """`value` itself if it is a constant, else what it names in `record`."""
    return getter(value)(record) if is_place(value) else value
