"""From a system to its mutants: which machines, which changes, and the system in which one of them is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from ...compose.layout import Layout
from ...compose.system import System
from ...spec.errors import Location
from ...spec.primitives import AnyOf
from ...spec.records import RecordMeta, arrows_of, origin_of
from ...spec.source import short
from ...spec.states import Arrow
from .operators import rewirings_of
from .rewrite import Edit, Reached, edits_of, has_loop, rewritten

Overrides = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Mutant:
    """One small change of one machine.

    Attributes:
        id: stable and readable: `Worker.tell: drop notify "self.pool.notifier.set()"`.
        machine: the class that the system uses.
        text: name of the class whose body holds what is changed: `machine` or one that it inherits from.
        operator: the kind of change.
        where: file and line of what is changed.
        arrows: the steps of which one must be taken for the change to matter; empty if `overrides` tells itself.
        overrides: what the changed machine declares; its argument is told when control reaches the change.
    """

    id: str
    machine: type
    text: str
    operator: str
    where: Location
    arrows: tuple[str, ...]
    overrides: Callable[[Reached], Overrides]


def machines(system: System) -> list[type]:
    """The machines of `system` that model C, in the order of its layout."""
    layout = Layout(system)
    kinds = dict.fromkeys([*layout.processes, *layout.objects])
    return [kind for kind in kinds if origin_of(kind) and not _is_vocabulary(kind)]


def _is_vocabulary(kind: type) -> bool:
    return kind.__module__.startswith("qmodel.")


def mutants_of(kind: type) -> list[Mutant]:
    """Every mutant of the machine `kind`: its steps in order, then its helpers."""
    found: list[Mutant] = []
    for arrow in arrows_of(kind):
        found += _of_arrow(kind, arrow)
        if isinstance(arrow.effect, FunctionType) and arrow.effect.__name__ != "<lambda>":
            found += _of_function(kind, arrow.name, arrow.effect, _effect_installer(arrow))
    for name, function in helpers(kind).items():
        found += _of_function(kind, name, function, _helper_installer(kind, name, function))
    return _numbered(found)


def helpers(kind: type) -> dict[str, FunctionType]:
    """The methods of `kind` that are no steps, inherited ones first."""
    found: dict[str, FunctionType] = {}
    for base in reversed(kind.__mro__):
        if not _is_vocabulary(base):
            found.update({n: f for n, f in vars(base).items() if isinstance(f, FunctionType) and f.__name__ == n})
    return found


def _of_arrow(kind: type, arrow: Arrow) -> Iterator[Mutant]:
    text = next(b for b in kind.__mro__ if arrow.name in vars(b) and not vars(b).get("_qmodel_patient"))
    for change in rewirings_of(kind, arrow):
        label = f"{kind.__name__}.{arrow.name}: {change.label}"
        yield Mutant(
            label, kind, text.__name__, change.operator, arrow.where, tuple(change.overrides),
            lambda reached, change=change: dict(change.overrides),  # type: ignore[misc]
        )  # fmt: skip


def _of_function(
    kind: type, name: str, function: FunctionType, install: Callable[[FunctionType], Overrides]
) -> Iterator[Mutant]:
    text, file = function.__qualname__.rpartition(".")[0], short(function.__code__.co_filename)
    guards = {a.when for a in arrows_of(kind) if isinstance(a.when, FunctionType)}
    decides = function.__annotations__.get("return") in ("bool", bool) or name.startswith(("is_", "has_", "may_"))

    def overrides(edit: Edit) -> Callable[[Reached], Overrides]:
        return lambda reached: install(rewritten(function, edit, reached))

    for edit in edits_of(function, negate_result=decides and function not in guards):
        where = Location(file, edit.line)
        yield Mutant(f"{kind.__name__}.{name}: {edit.label}", kind, text, edit.operator, where, (), overrides(edit))


def _effect_installer(arrow: Arrow) -> Callable[[FunctionType], Overrides]:
    return lambda function: {arrow.name: replace(arrow, effect=function)}


def _helper_installer(kind: type, name: str, old: FunctionType) -> Callable[[FunctionType], Overrides]:
    def install(function: FunctionType) -> Overrides:
        changed = {a.name: _guarded_by(a, old, function) for a in arrows_of(kind) if _uses(a, old)}
        return {name: function, **changed}

    return install


def _uses(arrow: Arrow, function: FunctionType) -> bool:
    watched = [w.notifiers for w in (arrow.waits, arrow.polls) if isinstance(w, AnyOf)]
    return function in [arrow.when, arrow.over, *watched]


def _guarded_by(arrow: Arrow, old: FunctionType, new: FunctionType) -> Arrow:
    changes: dict[str, Any] = {name: new for name in ("when", "over") if getattr(arrow, name) is old}
    for name in ("waits", "polls"):
        if isinstance(getattr(arrow, name), AnyOf):
            changes[name] = AnyOf(new)
    return replace(arrow, **changes)


def _numbered(found: list[Mutant]) -> list[Mutant]:
    """Tell equal changes of one method apart by a number."""
    seen: Counter[str] = Counter()
    numbered = []
    for mutant in found:
        seen[mutant.id] += 1
        count = seen[mutant.id]
        numbered.append(mutant if count == 1 else replace(mutant, id=f"{mutant.id} #{count}"))
    return numbered


# -- changed systems -------------------------------------------------------------------------------


def subclass(kind: Any, overrides: Overrides, **marks: Any) -> Any:
    """A version of the machine `kind` that differs in `overrides`."""
    return RecordMeta(kind.__name__, (kind,), {"__module__": kind.__module__, **marks, **overrides})


def patient(system: type[System], scope: dict[str, int], without: tuple[str, ...] = ()) -> type[System]:
    """`system` with loops that end even when a mutant ties a list into a ring, less some of its properties."""
    exchanged = {}
    for kind in machines(system(**scope)):
        overrides: Overrides = {}
        for name, function in helpers(kind).items():
            if has_loop(function):
                overrides |= _helper_installer(kind, name, function)(rewritten(function))
        if overrides:
            exchanged[kind] = subclass(kind, overrides, _qmodel_patient=True)
    kept = tuple(claim for claim in system.properties if claim.name not in without)
    return type(system.__name__, (system,), {"replaces": exchanged, "properties": kept})


def changed_system(system: type[System], mutant: Mutant, reached: Reached) -> type[System]:
    """`system` with `mutant` in place of its machine."""
    machine = subclass(mutant.machine, mutant.overrides(reached))
    return type(system.__name__, (system,), {"replaces": {mutant.machine: machine}})
