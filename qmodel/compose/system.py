"""A system: instances of machines, a scope, and properties.  What a specification file declares last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, overload

from ..spec.errors import UsageError
from ..spec.fields import Code
from ..spec.states import Arrow
from .fairness import Fairness
from .properties import Property


@dataclass(frozen=True)
class Scope:
    """A size or switch of a system that its user may change with `-p NAME=VALUE`."""

    default: int
    doc: str = ""
    at_least: int = 1
    at_most: int | None = None

    @overload
    def __get__(self, system: None, owner: type) -> Scope: ...
    @overload
    def __get__(self, system: System, owner: type) -> int: ...
    def __get__(self, system: System | None, owner: type) -> Scope | int:
        return self if system is None else self.default


@dataclass(frozen=True, eq=False)
class Instance:
    """One object that is there from the start."""

    kind: type
    index: int
    values: dict[str, Any]
    name: str


@dataclass(frozen=True, eq=False)
class ThreadSlot:
    """A thread: running from the start, or free until something spawns it."""

    name: str
    kind: type
    index: int
    values: Mapping[str, Any]
    live: bool
    stack: int | None


@dataclass
class Parts:
    """What `compose` put together."""

    instances: list[Instance] = field(default_factory=list)
    pools: dict[type, tuple[int, str]] = field(default_factory=dict)
    threads: list[ThreadSlot] = field(default_factory=list)


class System:
    """Base of every system.  A version is a subclass with another `version` and what it `replaces`.

    Class attributes:
        name, version: how users address it: `thread-pool@v2.0.0`.
        replaces: machines of the base system that this version exchanges for others.
        installs: which processes each function pointer may hold.
        properties: what must hold, beyond what the fields check by themselves.
        fairness: what properties of whole runs may assume: of a thread, by the process it starts in (WEAK by default),
            and of single arrows of its environment, in each of their picks.
    """

    name: ClassVar[str] = ""
    version: ClassVar[str] = ""
    replaces: ClassVar[Mapping[type, type]] = {}
    installs: ClassVar[Mapping[Code, tuple[type, ...]]] = {}
    properties: ClassVar[tuple[Property, ...]] = ()
    fairness: ClassVar[Mapping[type | Arrow, Fairness]] = {}

    def __init__(self, **scope: int) -> None:
        declared = self.scopes()
        for name, value in scope.items():
            if name not in declared:
                raise UsageError(f"{self.name} has no parameter `{name}`; it has {', '.join(declared) or 'none'}")
            _check_range(name, value, declared[name])
        self.scope = {name: scope.get(name, item.default) for name, item in declared.items()}
        for name, value in self.scope.items():
            setattr(self, name, value)
        self.sizes = {**self.scope, **self.derived()}
        self.parts = Parts()
        self.compose()

    @classmethod
    def scopes(cls) -> dict[str, Scope]:
        """The parameters, in the order of declaration."""
        found: dict[str, Scope] = {}
        for base in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(base).items() if isinstance(value, Scope)})
        return found

    @classmethod
    def replacements(cls) -> dict[type, type]:
        """All exchanges of this version, its bases' included."""
        found: dict[type, type] = {}
        for base in reversed(cls.__mro__):
            found.update(vars(base).get("replaces", {}))
        return found

    @classmethod
    def installed(cls) -> dict[Code, tuple[type, ...]]:
        """The functions behind each pointer, those that versions add included."""
        found: dict[Code, tuple[type, ...]] = {}
        for base in reversed(cls.__mro__):
            for pointer, targets in vars(base).get("installs", {}).items():
                found[pointer] = (*found.get(pointer, ()), *targets)
        return found

    @classmethod
    def fairness_declared(cls) -> dict[type | Arrow, Fairness]:
        """All that is assumed of threads and arrows, by this version and its bases."""
        found: dict[type | Arrow, Fairness] = {}
        for base in reversed(cls.__mro__):
            found.update(vars(base).get("fairness", {}))
        return found

    @classmethod
    def address(cls) -> str:
        return f"{cls.name}@{cls.version}"

    def derived(self) -> dict[str, int]:
        """Bounds that follow from the scope and that nobody sets."""
        return {}

    def compose(self) -> None:
        """Put the system together with `one`, `room`, `thread` and `threads`."""
        raise NotImplementedError

    # -- used by `compose` -------------------------------------------------------------------------

    def one(self, kind: type, name: str = "", **values: Any) -> Any:
        """An object that exists from the start; `values` set its fields."""
        index = sum(1 for other in self.parts.instances if other.kind is kind)
        instance = Instance(kind, index, values, name or kind.__name__)
        self.parts.instances.append(instance)
        return instance

    def set(self, instance: Any, **values: Any) -> None:
        """More initial values of `instance`, for objects that point at each other; a list fills a container."""
        instance.values.update(values)

    def room(self, kind: type, size: int, name: str = "") -> None:
        """Room for `size` objects of `kind` that steps allocate and free."""
        self.parts.pools[kind] = (size, name or kind.__name__)

    def thread(self, name: str, kind: type, stack: int | None = None, **values: Any) -> Any:
        """A thread that runs `kind` from the start; `stack` bounds its nested calls if they recurse."""
        return self._add_thread(ThreadSlot(name, kind, len(self.parts.threads), values, True, stack))

    def threads(self, name: str, kind: type, count: int, stack: int | None = None) -> Any:
        """Room for `count` threads of `kind` that steps spawn."""
        return [
            self._add_thread(ThreadSlot(f"{name}{i + 1}", kind, len(self.parts.threads), {}, False, stack))
            for i in range(count)
        ]

    def _add_thread(self, slot: ThreadSlot) -> ThreadSlot:
        self.parts.threads.append(slot)
        return slot


def _check_range(name: str, value: int, scope: Scope) -> None:
    if value < scope.at_least:
        raise UsageError(f"{name}={value} is too small; it must be at least {scope.at_least}")
    if scope.at_most is not None and value > scope.at_most:
        raise UsageError(f"{name}={value} is too large; it must be at most {scope.at_most}")
