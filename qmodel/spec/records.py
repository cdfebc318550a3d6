"""Struct, Lifecycle, Process: what a specification file consists of.

A class body is read once: its fields, states and arrows become frozen tuples (`fields_of`, `states_of`,
`arrows_of`), inherited ones first and overridden by name.  After that nobody looks at the class body.  A system then
derives *bound* classes, whose instances are views of the state vector; that is what `self` is in an effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import Location, SpecError
from .fields import Field, Order
from .paths import Call
from .primitives import Eventfd, LevelHandle
from .source import here
from .states import Arrow, State

if TYPE_CHECKING:
    from .store import Store

R = TypeVar("R", bound="Record")
T = TypeVar("T")


class RecordMeta(type):
    """Collects what a class body declares; makes `AioPoll(ctx=ctx)` a call instead of an instance."""

    def __new__(
        mcs,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        order: Order | None = None,
        bound: bool = False,
    ) -> RecordMeta:
        cls = super().__new__(mcs, name, bases, namespace)
        if not bound:
            cls._where = here()  # type: ignore[attr-defined]
            if order is not None:
                cls._order = order  # type: ignore[attr-defined]
        return cls

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **_: Any) -> None:
        super().__init__(name, bases, namespace)

    def __call__(cls, **arguments: object) -> Call:
        if issubclass(cls, Process):
            return Call(cls, arguments)
        raise SpecError(
            here(),
            f"{cls.__name__} is instantiated",
            f"in a step write `self.new({cls.__name__}, ...)` to allocate one",
        )


class Record(metaclass=RecordMeta):
    """Base of everything with fields.  In a step, `self` is a view: a place in the store, and these methods."""

    _store: Store
    _base: int
    _index: int
    _number: int
    _order: Order | None = None

    def choose(self, options: Iterable[T], what: str = "") -> T:
        """One of `options`: every one when explored, the driver's when run.

        Raises:
            ModelError: there are no options.
        """
        return self._store.choose(list(options), what)  # type: ignore[no-any-return]

    def new(self, kind: type[R], **fields: Any) -> R:
        """Allocate an object from the pool of `kind`."""
        return self._store.system.allocate(self._store, kind, fields)  # type: ignore[no-any-return]

    def free(self, item: Record) -> None:
        """Free `item`: from here on, following any pointer to it is a use after free."""
        self._store.system.free(self._store, item)

    def spawn(self, kind: Any, **fields: Any) -> None:
        """Start a thread that runs `kind` (`qemu_thread_create`, detached)."""
        self._store.system.spawn(self._store, kind, fields)

    def _mover(self, arrow: Arrow) -> Callable[[], None]:
        raise SpecError(arrow.where, f"{arrow.full_name} is called", "only a lifecycle is moved by its arrows")

    def __repr__(self) -> str:
        name: str = self._store.system.names.get((type(self), self._index), f"{type(self).__name__}[{self._index}]")
        return name


class Struct(Record):
    """A plain shared record of typed, bounded fields."""


class Lifecycle(Record):
    """An object that gets moved; its arrows are the legal moves.

    Either its steps move it (`element.take()`), or, if its states say `when=`, the states are a view of its fields
    and every change of the fields must be an arrow.
    """

    @property
    def state(self) -> State:
        """The state that it is in."""
        return self._store.system.lifecycle_state(self)  # type: ignore[no-any-return]

    def _mover(self, arrow: Arrow) -> Callable[[], None]:
        return lambda: self._store.system.move(self, arrow)


class Process(Record):
    """A function or thread of control; its arrows are atomic steps with effects, its fields the C locals."""

    if TYPE_CHECKING:

        def __init__(self, **arguments: object) -> None:
            """In a class body, `AioPoll(ctx=ctx)` is a call (see `RecordMeta.__call__`)."""


class EventNotifier(Struct):
    """`struct EventNotifier` (include/qemu/event_notifier.h, v2.0.0).

    The counter of the eventfd is a level here: up or down.  Not modelled: the pipe fallback, init failing, EINTR and
    EAGAIN, which `event-notifier` shows to make no difference to its users.
    """

    level = Eventfd()

    def set(self) -> None:
        """`event_notifier_set()`."""
        handle: LevelHandle = self.level
        handle.set()

    @property
    def is_up(self) -> bool:
        """Whether polling would find it readable."""
        handle: LevelHandle = self.level
        return handle.raised

    def test_and_clear(self) -> bool:
        """`event_notifier_test_and_clear()`."""
        handle: LevelHandle = self.level
        return handle.test_and_clear()


removed: Any = None
"""`step = removed` in a version: it does not have this step any more."""

# -- what a class declares -------------------------------------------------------------------------


def _declared(cls: type, kind: type[T]) -> tuple[T, ...]:
    found: dict[str, T] = {}
    for base in reversed(cls.__mro__):
        for name, value in vars(base).items():
            if isinstance(value, kind):
                found[name] = value
            elif name in found:
                del found[name]  # `step = removed`
    return tuple(found.values())


def fields_of(cls: type) -> tuple[Field[Any], ...]:
    """The fields of a record class, inherited ones first."""
    return _declared(cls, Field)


def states_of(cls: type) -> tuple[State, ...]:
    """The states of a machine, inherited ones first."""
    return _declared(cls, State)


def arrows_of(cls: type) -> tuple[Arrow, ...]:
    """The arrows of a machine, in the order of the class body; a version's replace those of the same name."""
    return _declared(cls, Arrow)


def is_view(cls: type) -> bool:
    """Whether a lifecycle's states are a view of its fields."""
    return any(state.when is not None for state in states_of(cls))


def where_of(cls: Any) -> Location:
    """Where the class was defined."""
    return cls._where  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Origin:
    """The C function (or struct) that a machine models."""

    symbol: str
    file: str
    tag: str

    def __str__(self) -> str:
        return f"{self.symbol} ({self.file}, {self.tag})"


_ORIGIN = re.compile(r"`(?:struct )?(?P<symbol>[\w()]+)`\s+\((?P<file>[\w./-]+),\s*(?P<tag>[\w.~^]+)\)")


def origin_of(cls: type) -> Origin | None:
    """What the docstring says it models: "`worker_thread()` (thread-pool.c, v2.0.0)"; None for an environment."""
    for base in cls.__mro__:
        found = _ORIGIN.search(vars(base).get("__doc__") or "")
        if found:
            return Origin(found["symbol"], found["file"], found["tag"])
    return None


def not_modelled(cls: type) -> tuple[str, ...]:
    """The sentences after "Not modelled:" in the docstrings of `cls` and what it inherits."""
    notes = []
    for base in cls.__mro__:
        _, found, rest = (vars(base).get("__doc__") or "").partition("Not modelled:")
        if found:
            notes.append(" ".join(rest.split("\n\n")[0].split()))
    return tuple(notes)
