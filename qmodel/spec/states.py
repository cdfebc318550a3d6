"""States and arrows.  The arrow is a value: `a.to(b)` names both ends when the class is defined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, overload

from .errors import Location, SpecError
from .paths import Call
from .source import here

if TYPE_CHECKING:
    from .records import Record


class _Otherwise:
    """`when=otherwise`: the branch that is taken if no other guard of the state holds."""

    __name__ = "otherwise"


otherwise = _Otherwise()


class Fence(Enum):
    """A memory barrier before the access of a step; it changes nothing under sequential consistency."""

    WMB = "smp_wmb"
    RMB = "smp_rmb"
    MB = "smp_mb"
    DEPENDS = "smp_read_barrier_depends"


class External:
    """Something outside the model that a step does: a system call, a device.

    Explored, it is a choice among `outcomes`; run, it is the real thing, and what it returns must be listed.
    """

    def __init__(self, what: str, outcomes: tuple[int, ...]) -> None:
        if not outcomes:
            raise SpecError(here(), f"external `{what}` lists no outcomes", "list each result that it can return")
        self.what = what
        self.outcomes = outcomes


class State:
    """A location of a process, or a state of a lifecycle.

    Args:
        doc: what is true here, in a few words.
        initial: where an instance starts.
        final: the function returns here; `returns` is the field that holds its value.
        quiescent: a thread may stay here for ever without this being a deadlock.
        choice: the environment decides which arrow is taken; guards may overlap.
        when: for a lifecycle that is a view of its fields: whether an object is in this state.
    """

    def __init__(
        self,
        doc: str = "",
        *,
        initial: bool = False,
        final: bool = False,
        quiescent: bool = False,
        choice: bool = False,
        returns: Any = None,
        when: Callable[[Any], bool] | None = None,
    ) -> None:
        self.doc = doc
        self.initial, self.final, self.quiescent, self.choice = initial, final, quiescent, choice
        self.returns = returns
        self.when = when
        self.name = ""
        self.owner_name = ""
        self.where = here()

    def __set_name__(self, owner: type, name: str) -> None:
        if not self.name:
            self.name, self.owner_name = name, owner.__name__

    def __get__(self, view: Record | None, owner: type) -> State:
        return self

    def __or__(self, other: State | States) -> States:
        return States((self,)) | other

    def __repr__(self) -> str:
        return self.name

    def to(self, target: State, **options: Any) -> Arrow:
        """An arrow from here to `target`; see `Arrow` for the options."""
        return Arrow(sources=(self,), target=_state(target), where=here(), **_checked(options))


@dataclass(frozen=True)
class States:
    """Several source states of one arrow: `(a | b).to(c)`."""

    members: tuple[State, ...]

    def __or__(self, other: State | States) -> States:
        return States(self.members + (other.members if isinstance(other, States) else (other,)))

    def to(self, target: State, **options: Any) -> Arrow:
        return Arrow(sources=self.members, target=_state(target), where=here(), **_checked(options))


@dataclass(frozen=True, eq=False)
class Arrow:
    """A legal move of a lifecycle, or an atomic step of a process.

    Attributes:
        when: guard: a field, a path, a function of the record, or `otherwise`.
        over: a function that lists candidates; the step exists once for each (a quantified step).
        holding: mutex that the whole step holds; acquires, releases: one end of a longer span.
        waits: semaphore, condition or `any_of(...)` that the step blocks on; polls: `any_of` without blocking.
        sleeps: condition that the step goes to sleep on, releasing its mutex.
        after: a timeout such as "10s": may always fire when explored, timed when run.
        external: what the step does outside the model; its outcome is the argument of the effect.
        calls: the process that runs next on this thread; result: field that takes what it returns.
        fence: barrier before the access.
        guarded_by: on a lifecycle: the mutex that whoever makes this move must hold.
        trace: QEMU's trace event for this step, if it has one; without, the step is silent.
        effect: what the step does.
    """

    sources: tuple[State, ...]
    target: State
    when: Any = None
    over: Any = None
    holding: Any = None
    acquires: Any = None
    releases: Any = None
    waits: Any = None
    polls: Any = None
    sleeps: Any = None
    after: str | None = None
    external: External | None = None
    calls: Call | None = None
    result: Any = None
    fence: Fence | None = None
    guarded_by: Any = None
    trace: str | None = None
    effect: Callable[..., Any] | None = None
    doc: str = ""
    name: str = ""
    owner_name: str = ""
    where: Location = field(default_factory=here)

    def __call__(self, effect: Callable[..., Any]) -> Arrow:
        """Decorate the effect; it gives the arrow its name."""
        return replace(self, effect=effect, doc=(effect.__doc__ or "").strip())

    def __set_name__(self, owner: type, name: str) -> None:
        if not self.name:
            object.__setattr__(self, "name", name)
            object.__setattr__(self, "owner_name", owner.__name__)

    @overload
    def __get__(self, view: None, owner: type) -> Arrow: ...
    @overload
    def __get__(self, view: Record, owner: type) -> Callable[[], None]: ...
    def __get__(self, view: Record | None, owner: type) -> Any:
        return self if view is None else view._mover(self)

    def but(self, effect: Callable[..., Any] | None = None, **changes: Any) -> Arrow:
        """This arrow with some options changed: how a version states the one step in which it differs."""
        checked = _checked(changes, extra={"target", "sources"})
        return replace(self, effect=effect or self.effect, name="", owner_name="", where=here(), **checked)

    @property
    def full_name(self) -> str:
        return f"{self.owner_name}.{self.name}"


_OPTIONS = {
    "when", "over", "holding", "acquires", "releases", "waits", "polls", "sleeps", "after", "external", "calls",
    "result", "fence", "guarded_by", "trace",
}  # fmt: skip


def _state(target: object) -> State:
    if isinstance(target, State):
        return target
    raise SpecError(
        here(), f"an arrow leads to {target!r}, which is not a state", "write `a.to(b)` with two `State(...)`s"
    )


def _checked(options: dict[str, Any], extra: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    unknown = sorted(set(options) - _OPTIONS - extra)
    if unknown:
        raise SpecError(
            here(), f"an arrow has no option `{unknown[0]}`", f"the options are {', '.join(sorted(_OPTIONS))}"
        )
    return options
