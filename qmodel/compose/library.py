"""The systems that ship with qmodel, by address: `thread-pool`, `thread-pool@271c0f68b4`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence

from ..spec.errors import UsageError
from .model import Model
from .system import System


def systems() -> list[type[System]]:
    """Every version of every system, in the order of the files and of definition."""
    package = importlib.import_module("qmodel_specs")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{module}")
    found = _descendants(System)
    return sorted((s for s in found if s.name), key=lambda s: (s.name, found.index(s)))


def _descendants(kind: type[System]) -> list[type[System]]:
    found: list[type[System]] = []
    for child in kind.__subclasses__():
        if child.__module__.startswith("qmodel_specs"):
            found += [child, *_descendants(child)]
    return found


def find(address: str) -> type[System]:
    """The system at `address`; without a version, the one that was defined first (QEMU v2.0.0).

    Raises:
        UsageError: there is none; the message lists what there is.
    """
    name, _, version = address.partition("@")
    named = [s for s in systems() if s.name == name]
    if not named:
        known = ", ".join(dict.fromkeys(s.name for s in systems()))
        raise UsageError(f"there is no system `{name}`; there are {known}")
    for system in named:
        if not version or system.version == version:
            return system
    raise UsageError(f"{name} has no version `{version}`; it has {', '.join(s.version for s in named)}")


def machine_name(address: str, kinds: Sequence[type], wanted: str) -> str:
    """The name, among `kinds`, of the machine that is called `wanted` or that replaces it in this version.

    Raises:
        UsageError: there is none; the message lists what there is.
    """
    for kind in kinds:
        if any(base.__name__ == wanted for base in kind.__mro__):
            return kind.__name__
    raise UsageError(f"{address} has no machine `{wanted}`; it has {', '.join(kind.__name__ for kind in kinds)}")


def build(address: str, scope: dict[str, int] | None = None) -> Model:
    """The model of the system at `address`, with some of its scope changed."""
    return Model(find(address)(**(scope or {})))
