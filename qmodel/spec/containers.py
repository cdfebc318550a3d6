"""Bounded containers of pointers: the list heads of the C code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

from .errors import ModelError, NullDereference, Violation
from .fields import Pointers

if TYPE_CHECKING:
    from .records import Record
    from .store import Store

T = TypeVar("T")


class Sequence(Pointers[Any], Generic[T]):
    """A queue with room for every object of its class; entries stand packed at the front, zero-terminated."""

    def __init__(self, target: type[T] | str, **keywords: Any) -> None:
        super().__init__(target, **keywords)

    def size(self, sizes: Any) -> None:
        super().size(sizes)
        self.width = sizes.capacity(self.target)

    @overload
    def __get__(self, view: None, owner: type) -> Any: ...
    @overload
    def __get__(self, view: Record, owner: type) -> Items[T]: ...
    def __get__(self, view: Record | None, owner: type) -> Any:
        return self if view is None else Items(self, view._store, view._base)

    def __set__(self, view: Any, value: Any) -> None:
        raise ModelError(f"{self.full_name} is assigned; use its methods", "bounds")

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        entries = [value for value in cells[slot : slot + self.width] if value]
        return "[" + " ".join(repr(self.decode(store, value)) for value in entries) + "]"


class Fifo(Sequence[T]):
    """A tail queue (`QTAILQ`): `append` at the tail, `popleft` at the head."""


class Lifo(Sequence[T]):
    """A list (`QLIST`): `push` at the head, newest first."""


class Items(Generic[T]):
    """The contents of one `Fifo` or `Lifo`, as a step sees them."""

    def __init__(self, field: Sequence[T], store: Store, base: int) -> None:
        self._field, self._store, self._base = field, store, base
        self._slot = base + field.offset

    def _load(self) -> list[int]:
        if self._field.tracked:
            self._store.on_read(self._field, self._base, self._slot)
        width = self._field.width
        return [value for value in self._store.cells[self._slot : self._slot + width] if value]

    def _save(self, values: list[int]) -> None:
        field, store = self._field, self._store
        if field.tracked or store.readonly:
            store.on_write(field, self._base, self._slot)
        if len(values) > field.width:
            raise ModelError(f"{field.full_name} holds more than {field.width} entries", "bounds")
        store.cells[self._slot : self._slot + field.width] = values + [0] * (field.width - len(values))

    def _view(self, value: int) -> T:
        return cast(T, self._field.decode(self._store, value))

    def __iter__(self) -> Iterator[T]:
        return iter([self._view(value) for value in self._load()])

    def __len__(self) -> int:
        return len(self._load())

    def __bool__(self) -> bool:
        return bool(self._load())

    def __contains__(self, item: object) -> bool:
        return self._field.encode(item) in self._load()

    @property
    def first(self) -> T:
        """The entry at the head, or null."""
        values = self._load()
        return self._view(values[0]) if values else self._view(0)

    def after(self, item: T) -> T:
        """The entry behind `item`, or null: the link that the entry itself holds in C."""
        values, value = self._load(), self._find(item)
        place = values.index(value) + 1
        return self._view(values[place]) if place < len(values) else self._view(0)

    def append(self, item: T) -> None:
        values = self._load()
        self._save([*values, self._new(values, item)])

    def push(self, item: T) -> None:
        values = self._load()
        self._save([self._new(values, item), *values])

    def popleft(self) -> T:
        values = self._load()
        if not values:
            raise NullDereference(f"{self._field.full_name} is empty: its first entry is a null pointer")
        self._save(values[1:])
        return self._view(values[0])

    def remove(self, item: T) -> None:
        value = self._find(item)
        self._save([other for other in self._load() if other != value])

    def _new(self, values: list[int], item: Any) -> int:
        value = self._field.encode(item)
        if value in values:
            raise Violation(f"{item!r} is inserted into {self._field.full_name} twice", "list corruption")
        return value

    def _find(self, item: Any) -> int:
        value = self._field.encode(item)
        if value not in self._load():
            raise Violation(f"{item!r} is not in {self._field.full_name}", "list corruption")
        return value


class Set(Pointers[Any], Generic[T]):
    """A set of pointers: one bit an object."""

    def __init__(self, target: type[T] | str, **keywords: Any) -> None:
        super().__init__(target, **keywords)

    def size(self, sizes: Any) -> None:
        super().size(sizes)
        self.members = sizes.capacity(self.target)
        self.domain = (1 << self.members) - 1

    @overload
    def __get__(self, view: None, owner: type) -> Any: ...
    @overload
    def __get__(self, view: Record, owner: type) -> Members[T]: ...
    def __get__(self, view: Record | None, owner: type) -> Any:
        return self if view is None else Members(self, view._store, view._base)

    def __set__(self, view: Any, value: Any) -> None:
        raise ModelError(f"{self.full_name} is assigned; use its methods", "bounds")

    def text(self, store: Store, cells: list[int], slot: int) -> str:
        bits = cells[slot]
        chosen = [repr(self.decode(store, i + 1)) for i in range(self.members) if bits >> i & 1]
        return "{" + " ".join(chosen) + "}"


class Members(Generic[T]):
    """The contents of one `Set`, as a step sees them."""

    def __init__(self, field: Set[T], store: Store, base: int) -> None:
        self._field, self._store, self._base = field, store, base
        self._slot = base + field.offset

    def _load(self) -> int:
        if self._field.tracked:
            self._store.on_read(self._field, self._base, self._slot)
        return self._store.cells[self._slot]

    def _save(self, bits: int) -> None:
        if self._field.tracked or self._store.readonly:
            self._store.on_write(self._field, self._base, self._slot)
        self._store.cells[self._slot] = bits

    def __iter__(self) -> Iterator[T]:
        bits, field = self._load(), self._field
        return iter([field.decode(self._store, i + 1) for i in range(field.members) if bits >> i & 1])

    def __len__(self) -> int:
        return self._load().bit_count()

    def __contains__(self, item: Any) -> bool:
        return bool(self._load() >> item._index & 1)

    def add(self, item: Any) -> None:
        self._save(self._load() | 1 << item._index)

    def discard(self, item: Any) -> None:
        self._save(self._load() & ~(1 << item._index))
