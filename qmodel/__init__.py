"""qmodel: explicit state machines of QEMU's asynchronous I/O stack, explored, drawn, and run for real."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .compose.fairness import Fairness
from .compose.properties import Property, always, at_rest, eventually, exactly_once, leads_to, never
from .compose.system import Scope, System
from .spec.bounds import bound
from .spec.containers import Fifo, Lifo, Set
from .spec.errors import ModelError, QModelError, SpecError, UsageError, Violation
from .spec.fields import NULL, PLAIN, Code, Const, Count, Enum, Flag, Int, Order, Ref, Void, is_dangling
from .spec.primitives import Atomic, Condition, Eventfd, Mutex, Semaphore, any_of
from .spec.records import EventNotifier, Lifecycle, Process, Struct, removed
from .spec.states import External, Fence, State, otherwise

if TYPE_CHECKING:
    from .explore.stateful import stateful

__all__ = [
    "NULL",
    "PLAIN",
    "Atomic",
    "Code",
    "Condition",
    "Const",
    "Count",
    "Enum",
    "EventNotifier",
    "Eventfd",
    "External",
    "Fairness",
    "Fence",
    "Fifo",
    "Flag",
    "Int",
    "Lifecycle",
    "Lifo",
    "ModelError",
    "Mutex",
    "Order",
    "Process",
    "Property",
    "QModelError",
    "Ref",
    "Scope",
    "Semaphore",
    "Set",
    "SpecError",
    "State",
    "Struct",
    "System",
    "UsageError",
    "Violation",
    "Void",
    "always",
    "any_of",
    "at_rest",
    "bound",
    "eventually",
    "exactly_once",
    "is_dangling",
    "leads_to",
    "never",
    "otherwise",
    "removed",
    "stateful",
]


def __getattr__(name: str) -> Any:
    """`stateful` is imported when it is asked for: Hypothesis is heavy, and `import qmodel` does without."""
    if name == "stateful":
        from .explore.stateful import stateful

        return stateful
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
