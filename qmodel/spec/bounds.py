"""Sizes that only the scope of a system decides: `Count(WORKERS)`, `Semaphore(REQUESTS + WORKERS)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import Location, SpecError


@dataclass(frozen=True)
class Bound:
    """A sum of scope parameters and a constant."""

    names: tuple[str, ...] = ()
    constant: int = 0

    def __add__(self, other: Bound | int) -> Bound:
        other = as_bound(other)
        return Bound(self.names + other.names, self.constant + other.constant)

    __radd__ = __add__

    def value(self, scope: Mapping[str, int], where: Location | None = None) -> int:
        """The size under `scope`, for the field that stands at `where`.

        Raises:
            SpecError: `scope` lacks one of the parameters.
        """
        missing = [name for name in self.names if name not in scope]
        if missing:
            raise SpecError(
                where,
                f"a field is bounded by `{missing[0]}`, which this system does not declare",
                f"declare `{missing[0]} = Scope(...)` in the system, or bound the field by a number",
            )
        return self.constant + sum(scope[name] for name in self.names)

    def __str__(self) -> str:
        terms = [*self.names, *([str(self.constant)] if self.constant or not self.names else [])]
        return " + ".join(terms)


def bound(name: str) -> Bound:
    """The scope parameter `name`, as a size."""
    return Bound((name,))


def as_bound(size: Bound | int) -> Bound:
    return size if isinstance(size, Bound) else Bound((), size)
