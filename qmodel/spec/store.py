"""The memory that steps run on: a vector of small integers, and what a step did to it.

Explorer, replay and runtime all execute steps on this one class; the runtime's subclass adds the real primitives
behind the same methods.  A step sees it only through fields.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import LockDiscipline, ModelError, UseAfterFree

if TYPE_CHECKING:
    from .fields import Field

T = TypeVar("T")


class Store:
    """State vector and bookkeeping of the step in progress.

    Attributes:
        cells: the state, one small integer a slot.
        thread: index of the thread whose step is running.
        checking: whether discipline is enforced; off while properties and pictures read the state.
        readonly: on while a guard is evaluated.
        reads, writes: slots of shared fields that the step touched, in order.
        visible: the accesses that another thread may observe without a lock, in order: name and slot.
        moves: lifecycle arrows that the step took: class, arrow, object.
        tables: for each record class, what a pointer value stands for: null, the views, a freed one.
    """

    def __init__(self, cells: list[int]) -> None:
        self.cells = cells
        self.thread = 0
        self.checking = False
        self.readonly = False
        self.reads: list[int] = []
        self.writes: list[int] = []
        self.visible: list[tuple[str, int]] = []
        self.choose: Callable[[Sequence[Any], str], Any] = _no_choice
        self.system: Any = None
        self.tables: dict[Any, list[Any]] = {}
        self.moves: list[tuple[type, str, int]] = []

    def begin(self, thread: int) -> None:
        """Start a step of `thread` with a clean record."""
        self.thread = thread
        self.checking = True
        self.readonly = False
        self.reads = []
        self.writes = []
        self.visible = []
        self.moves = []

    def end(self) -> None:
        self.checking = False

    # -- what fields report ------------------------------------------------------------------------

    def on_read(self, field: Field[Any], base: int, slot: int) -> None:
        if not self.checking:
            return
        self._check_alive(field, base)
        self.reads.append(slot)
        held = field.lock_offset >= 0 and self.cells[base + field.lock_offset] == self.thread + 1
        if field.order is not None:
            load = f"load {field.full_name}", slot
            # The guards of a state look at one snapshot: what they load twice counts once.
            if not held and not (self.readonly and load in self.visible):
                self.visible.append(load)
        elif field.lock_offset >= 0 and not held:
            raise LockDiscipline(f"{field.full_name} is read without holding {field.lock_name}")

    def on_write(self, field: Field[Any], base: int, slot: int) -> None:
        if self.readonly:
            raise ModelError(
                f"a guard changes {field.full_name}; a guard only looks, move the change into the step",
                "mutation in a guard",
            )
        if not self.checking:
            return
        self._check_alive(field, base)
        self.writes.append(slot)
        if field.lock_offset >= 0 and self.cells[base + field.lock_offset] != self.thread + 1:
            raise LockDiscipline(f"{field.full_name} is written without holding {field.lock_name}")
        if field.order is not None:
            self.visible.append((f"store {field.full_name}", slot))

    def _check_alive(self, field: Field[Any], base: int) -> None:
        if field.in_object and self.cells[base] != 1:
            raise UseAfterFree(f"{field.full_name} is touched after its object was freed")

    def act(self, what: str) -> None:
        """A visible action on a primitive (post, set, exchange, ...)."""
        if self.readonly:
            raise ModelError(f"a guard does `{what}`; a guard only looks", "mutation in a guard")
        if self.checking:
            self.visible.append((what, -1))

    # -- primitives: the model side; the runtime overrides these to drive the real ones ------------

    def acquire(self, slot: int, name: str) -> None:
        owner = self.cells[slot]
        if owner == self.thread + 1:
            raise LockDiscipline(f"{name} is taken twice by the same thread")
        if owner:
            raise LockDiscipline(f"{name} is taken although another thread holds it")
        self.cells[slot] = self.thread + 1

    def release(self, slot: int, name: str) -> None:
        if self.cells[slot] != self.thread + 1:
            raise LockDiscipline(f"{name} is released by a thread that does not hold it")
        self.cells[slot] = 0

    def add(self, slot: int, amount: int, limit: int, name: str) -> None:
        value = self.cells[slot] + amount
        if not 0 <= value <= limit:
            raise ModelError(f"{name} becomes {value}, outside 0..{limit}; widen its bound", "bounds")
        self.cells[slot] = value

    def post(self, slot: int, limit: int, saturates: bool, name: str) -> None:
        if not saturates or self.cells[slot] < limit:
            self.add(slot, 1, limit, name)

    def take(self, slot: int, name: str) -> bool:
        """Take a token if there is one."""
        if not self.cells[slot]:
            return False
        self.cells[slot] -= 1
        return True

    def raise_level(self, slot: int) -> None:
        self.cells[slot] = 1

    def lower_level(self, slot: int) -> bool:
        was = self.cells[slot]
        self.cells[slot] = 0
        return bool(was)

    def wake(self, slot: int, threads: int) -> None:
        """Signal the waiters whose bits are set in `threads`: waiting bits move to signalled bits."""
        self.cells[slot] &= ~threads
        self.cells[slot + 1] |= threads


def _no_choice(options: Sequence[Any], what: str) -> Any:
    raise ModelError(f"`choose` ({what}) outside a step", "choice")
