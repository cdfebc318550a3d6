"""What a system consists of, as plain records: its machines, fields, scope, properties and versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..compose.model import Model
from ..compose.system import System
from ..spec.fields import Field
from ..spec.primitives import Condition
from ..spec.records import Lifecycle, Process, fields_of, not_modelled, origin_of
from .graph import MachineGraph
from .machine import graph_of, is_machine, named, summary_of


@dataclass(frozen=True)
class FieldRow:
    """One field: what it may hold, and what protects it."""

    name: str
    kind: str
    holds: str
    protected: str


@dataclass(frozen=True)
class MachineSheet:
    """A process, lifecycle or struct; `graph` is None for a struct."""

    name: str
    kind: str
    says: str
    origin: str
    fields: tuple[FieldRow, ...]
    not_modelled: tuple[str, ...]
    graph: MachineGraph | None


@dataclass(frozen=True)
class ScopeRow:
    name: str
    value: int
    at_least: int
    at_most: int | None
    says: str


@dataclass(frozen=True)
class PropertyRow:
    name: str
    kind: str
    says: str


@dataclass(frozen=True)
class VersionRow:
    address: str
    says: str
    replaces: tuple[str, ...]


@dataclass(frozen=True)
class SystemSheet:
    """A system; `pointers` lists the functions that each function pointer may hold."""

    address: str
    says: str
    scope: tuple[ScopeRow, ...]
    properties: tuple[PropertyRow, ...]
    versions: tuple[VersionRow, ...]
    pointers: tuple[tuple[str, tuple[str, ...]], ...]
    machines: tuple[MachineSheet, ...]


def sheet_of(model: Model, versions: Sequence[type[System]] = (), only: str = "") -> SystemSheet:
    """The sheet of a system, with all its machines or the one that is called `only`."""
    system, layout = model.system, model.layout
    scopes = system.scopes().items()
    pointers = system.installed().items()
    return SystemSheet(
        address=model.address,
        says=summary_of(type(system)),
        scope=tuple(ScopeRow(name, s.default, s.at_least, s.at_most, s.doc) for name, s in scopes),
        properties=tuple(PropertyRow(p.name, p.kind, p.says) for p in system.properties),
        versions=tuple(_version(version) for version in versions),
        pointers=tuple((p.full_name, tuple(layout.resolve(f).__name__ for f in found)) for p, found in pointers),
        machines=tuple(machine_sheet(kind) for kind in parts_of(model) if only in ("", kind.__name__)),
    )


def parts_of(model: Model) -> list[type]:
    """Processes, lifecycles, structs."""
    objects = sorted(model.layout.objects, key=lambda kind: not is_machine(kind))
    return [*model.layout.processes, *objects]


def machine_sheet(kind: type) -> MachineSheet:
    graph = graph_of(kind) if is_machine(kind) else None
    sort = "process" if issubclass(kind, Process) else "lifecycle" if issubclass(kind, Lifecycle) else "struct"
    origin = origin_of(kind)
    return MachineSheet(
        kind.__name__,
        sort,
        summary_of(kind),
        str(origin) if origin else "",
        field_rows(kind),
        not_modelled(kind),
        graph,
    )


def _version(system: type[System]) -> VersionRow:
    replaced = vars(system).get("replaces", {})
    texts = tuple(f"{old.__name__} by {new.__name__}" for old, new in replaced.items())
    return VersionRow(system.address(), summary_of(system), texts)


# -- fields ----------------------------------------------------------------------------------------


def field_rows(kind: type) -> tuple[FieldRow, ...]:
    return tuple(FieldRow(f.name, type(f).__name__, _holds(f), _protection(f)) for f in fields_of(kind))


def _holds(field: Field[Any]) -> str:
    """Its range or what it points at, from whichever of these the type of field has."""
    declared = vars(field)
    if "upto" in declared:
        return str(field.upto) if type(field).__name__ == "Const" else f"0..{field.upto}"
    if "values" in declared:
        return ", ".join(map(str, declared["values"]))
    if "names" in declared:
        return ", ".join(declared["names"])
    if "target" in declared:
        target = declared["target"]
        return "any object" if target is object else target if isinstance(target, str) else target.__name__
    if isinstance(field, Condition):
        return f"with {named(field.lock)}"
    return f"like {like.full_name}" if (like := declared.get("like")) not in (None, field) else ""


def _protection(field: Field[Any]) -> str:
    found = [f"lock {named(field.guarded_by)}"] if field.guarded_by is not None else []
    found += [f"no lock, order {field.order.value}"] if field.order is not None and not found else []
    found += [f"reads without it, order {field.order.value}"] if field.order is not None and field.guarded_by else []
    found += ["ghost"] if field.ghost else []
    return ", ".join(found)
