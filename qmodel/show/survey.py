"""Which process steps perform the arrows of a lifecycle: what searches saw, gathered for the pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..compose.result import Result, Verdict
from ..spec.records import arrows_of
from .machine import family_of

Steps = set[tuple[type, str]]


@dataclass
class Survey:
    """The steps seen for each arrow of each lifecycle, and where each lifecycle was looked at."""

    movers: dict[tuple[type, str], Steps] = field(default_factory=dict)
    _explored: dict[type, dict[str, list[str]]] = field(default_factory=dict)

    def add(self, result: Result) -> None:
        """Add what one search saw."""
        for moved, steps in result.coverage.movers.items():
            self.movers.setdefault(moved, set()).update(_first_version(*step) for step in steps)
        for kind in result.model.layout.objects:
            self._explored.setdefault(kind, {}).setdefault(_scope(result), []).append(_version(result))

    def explored(self, kind: type) -> tuple[str, ...]:
        """Where the movers of `kind` were looked for: system and scope, and the versions."""
        return tuple(f"{scope} ({', '.join(versions)})" for scope, versions in self._explored.get(kind, {}).items())


def survey_of(results: Iterable[Result]) -> Survey:
    survey = Survey()
    for result in results:
        survey.add(result)
    return survey


def _first_version(process: type, step: str) -> tuple[type, str]:
    """The step as the machine has it that others are versions of, if it has it."""
    family = family_of(process)
    return (family, step) if any(arrow.name == step for arrow in arrows_of(family)) else (process, step)


def _scope(result: Result) -> str:
    """The system, and the parameters that were not left as they are declared."""
    system = result.model.system
    declared = system.scopes()
    changed = [f"{name}={value}" for name, value in system.scope.items() if value != declared[name].default]
    return " ".join([system.name, *changed])


def _version(result: Result) -> str:
    whole = result.verdict is Verdict.HOLDS
    return result.model.system.version + ("" if whole else " in part")
