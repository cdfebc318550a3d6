"""Typed, bounded fields.  What a field means (lock, lifetime, range) is enforced here and nowhere else.

In a class body a field is a declaration.  A system binds it: the bound copy knows its offset and its sizes, and
reads and writes the state vector of the record's store.
"""

from __future__ import annotations

import copy
from enum import Enum as PyEnum
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from .bounds import Bound, as_bound
from .errors import ModelError, NullDereference, SpecError, UseAfterFree
from .paths import Call, Path
from .source import here

if TYPE_CHECKING:
    from .primitives import Mutex
    from .records import Record
    from .store import Store

T = TypeVar("T")


class Order(PyEnum):
    """Memory order of a field that threads touch without a lock (the names of C11)."""

    PLAIN = "plain"
    RELAXED = "relaxed"
    ACQ_REL = "acquire/release"
    SEQ_CST = "seq_cst"


PLAIN = Order.PLAIN


class Sizes(Protocol):
    """What a field needs of the system that it becomes part of."""

    scope: dict[str, int]

    thread_count: int
    thread_names: list[str]

    def capacity(self, record: Any) -> int:
        """How many objects of the class `record` there can be."""

    def functions(self, field: Field[Any]) -> list[Any]:
        """The processes that a function pointer may name."""

    def resolve(self, record: Any) -> Any:
        """The class that stands for `record` in this version."""


class Field(Generic[T]):
    """One location of a record.

    Args:
        guarded_by: the `Mutex` of the same record that protects it.  With `order` as well, only writes need it.
        order: declares that threads touch it without a lock, with this memory order.
        ghost: checked but not in the C code: never a visible access, never a race.
    """

    width = 1
    domain = 0

    def __init__(
        self, *, guarded_by: Mutex | None = None, order: Order | None = None, ghost: bool = False, doc: str = ""
    ) -> None:
        self.guarded_by = guarded_by
        self.order = order
        self.ghost = ghost
        self.doc = doc
        self.where = here()
        self.name = ""
        self.owner_name = ""
        self.offset = -1
        self.lock_offset = -1
        self.in_object = False
        self.tracked = False
        self.lock_name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        if not self.name:
            self.name, self.owner_name = name, owner.__name__

    @property
    def full_name(self) -> str:
        return f"{self.owner_name}.{self.name}"

    def __getattr__(self, name: str) -> Path:
        # Only reached for names that a field does not have: `pool.lock` in a class body.
        if name.startswith("_") or self.__dict__.get("offset", -1) >= 0:
            raise AttributeError(name)
        return Path(self, (name,))

    # -- binding -----------------------------------------------------------------------------------

    def bind(self, offset: int, sizes: Sizes, *, in_object: bool) -> Field[T]:
        """This field as part of a system, at `offset` from the start of its record."""
        bound = copy.copy(self)
        bound.offset = offset
        bound.in_object = in_object
        bound.tracked = in_object and not self.ghost
        bound.size(sizes)
        return bound

    def size(self, sizes: Sizes) -> None:
        """Fix `width` (slots) and `domain` (largest value of a slot)."""

    # -- access ------------------------------------------------------------------------------------

    @overload
    def __get__(self, view: None, owner: type) -> Any: ...
    @overload
    def __get__(self, view: Record, owner: type) -> T: ...
    def __get__(self, view: Record | None, owner: type) -> Any:
        if view is None:
            return self
        store, slot = view._store, view._base + self.offset
        if self.tracked:
            store.on_read(self, view._base, slot)
        return self.decode(store, store.cells[slot])

    def __set__(self, view: Record, value: T) -> None:
        store, slot = view._store, view._base + self.offset
        if self.tracked or store.readonly:
            store.on_write(self, view._base, slot)
        store.cells[slot] = self.encode(value)

    def decode(self, store: Store, value: int) -> T:
        raise NotImplementedError

    def encode(self, value: T) -> int:
        raise NotImplementedError

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        """The value at `slot`, for a trace."""
        return str(self.decode(store, cells[slot]))

    @property
    def default(self) -> int:
        return 0


class Flag(Field[bool]):
    """A Boolean, initially false."""

    domain = 1

    def decode(self, store: Store, value: int) -> bool:
        return value == 1

    def encode(self, value: bool) -> int:
        return 1 if value else 0

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        return str(cells[slot])


class Count(Field[int]):
    """A counter 0..`upto`.  Leaving the range is an error of the model, never a wrap."""

    def __init__(self, upto: Bound | int | None = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        if upto is None:
            raise SpecError(self.where, "`Count()` has no bound", "write `Count(8)` or `Count(bound('workers'))`")
        self.upto = as_bound(upto)

    def size(self, sizes: Sizes) -> None:
        self.domain = self.upto.value(sizes.scope, self.where)

    def decode(self, store: Store, value: int) -> int:
        return value

    def encode(self, value: int) -> int:
        if not 0 <= value <= self.domain:
            raise ModelError(f"{self.full_name} becomes {value}, outside 0..{self.domain}", "bounds")
        return value


class Int(Field[int]):
    """One of a few integers (a result, an errno); the first one is the initial value."""

    def __init__(self, *values: int, **keywords: Any) -> None:
        super().__init__(**keywords)
        if not values:
            raise SpecError(self.where, "`Int()` lists no values", "write `Int(0, -EIO)`, or `Count(n)` for a range")
        self.values = tuple(dict.fromkeys(values))
        self.domain = len(self.values) - 1

    def decode(self, store: Store, value: int) -> int:
        return self.values[value]

    def encode(self, value: int) -> int:
        try:
            return self.values.index(value)
        except ValueError:
            raise ModelError(f"{self.full_name} becomes {value}, not one of {self.values}", "bounds") from None


class Enum(Field[str]):
    """One of a few names; the first one is the initial value."""

    def __init__(self, *names: str, **keywords: Any) -> None:
        super().__init__(**keywords)
        if not names:
            raise SpecError(self.where, "`Enum()` lists no names", "write `Enum('report', 'stop')`")
        self.names = names
        self.domain = len(names) - 1

    def decode(self, store: Store, value: int) -> str:
        return self.names[value]

    def encode(self, value: str) -> int:
        if value not in self.names:
            raise ModelError(f"{self.full_name} becomes {value!r}, not one of {self.names}", "bounds")
        return self.names.index(value)


class Const(Field[int]):
    """A number that the scope fixes and nobody writes; it takes no room in the state."""

    width = 0

    def __init__(self, value: Bound | int) -> None:
        super().__init__()
        self.upto = as_bound(value)
        self.value = 0

    def size(self, sizes: Sizes) -> None:
        self.value = self.upto.value(sizes.scope, self.where)

    @overload
    def __get__(self, view: None, owner: type) -> Any: ...
    @overload
    def __get__(self, view: Record, owner: type) -> int: ...
    def __get__(self, view: Record | None, owner: type) -> Any:
        return self if view is None else self.value

    def __set__(self, view: Record, value: int) -> None:
        raise ModelError(f"{self.full_name} is a constant", "bounds")


class _Null:
    """The null pointer: false, and a violation to look through."""

    def __bool__(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        raise NullDereference(f"null pointer dereferenced to reach `{name}`")

    def __setattr__(self, name: str, value: object) -> None:
        raise NullDereference(f"null pointer dereferenced to write `{name}`")

    def __repr__(self) -> str:
        return "null"


class Dangling:
    """A pointer whose object was freed: it may be copied and compared, not followed."""

    def __init__(self, kind: str) -> None:
        object.__setattr__(self, "_kind", kind)

    def __getattr__(self, name: str) -> Any:
        raise UseAfterFree(f"pointer to a freed {self._kind} followed to reach `{name}`")

    def __setattr__(self, name: str, value: object) -> None:
        raise UseAfterFree(f"pointer to a freed {self._kind} followed to write `{name}`")

    def __repr__(self) -> str:
        return f"freed {self._kind}"


NULL: Any = _Null()


def is_dangling(pointer: object) -> bool:
    """Whether `pointer` names an object that was freed."""
    return isinstance(pointer, Dangling)


class Pointers(Field[T]):
    """Shared by everything that holds pointers: 0 is null, 1..n an object, n+1 one that was freed."""

    def __init__(self, target: type[T] | str, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.target: Any = target

    def size(self, sizes: Sizes) -> None:
        self.target = sizes.resolve(self.target)
        self.domain = sizes.capacity(self.target) + 1

    def decode(self, store: Store, value: int) -> T:
        return store.tables[self.target][value]  # type: ignore[no-any-return]

    def encode(self, value: Any) -> int:
        if value is None or value is NULL:
            return 0
        if isinstance(value, Dangling):
            return self.domain
        return value._index + 1  # type: ignore[no-any-return]

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        return repr(self.decode(store, cells[slot]))


class Ref(Pointers[T]):
    """A C pointer to a record; null unless set.  A class that is defined later is named by a string."""


class Void(Pointers[Any]):
    """A `void *`: a pointer to any object of the system."""

    def __init__(self, **keywords: Any) -> None:
        super().__init__(object, **keywords)

    def encode(self, value: Any) -> int:
        if value is None or value is NULL or isinstance(value, Dangling):
            return super().encode(value)
        return value._number + 1  # type: ignore[no-any-return]


class Code(Field[Any]):
    """A C function pointer: null, or one of the processes that the system installs there (`System.installs`).

    Args:
        like: another pointer of the same signature, whose functions it may hold.
    """

    def __init__(self, like: Code | None = None, **keywords: Any) -> None:
        super().__init__(**keywords)
        self.like: Code = like or self
        self.bound: list[Any] = []

    def size(self, sizes: Sizes) -> None:
        self.bound = sizes.functions(self)
        self.domain = len(self.bound)

    def __call__(self, **arguments: object) -> Call:
        """A call through this pointer."""
        return Call(self, arguments)

    def decode(self, store: Store, value: int) -> Any:
        return self.bound[value - 1] if value else NULL

    def encode(self, value: Any) -> int:
        if value is None or value is NULL:
            return 0
        for index, target in enumerate(self.bound):
            if issubclass(target, value):
                return index + 1
        raise ModelError(f"{self.full_name} is set to {value.__name__}, which it does not list", "bounds")

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        return self.bound[cells[slot] - 1].__name__ if cells[slot] else "null"
