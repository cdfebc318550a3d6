"""Which scopes a system's mutants are hunted in, and the reasons why some of them survive (`specs/mutation.toml`)."""

from __future__ import annotations

import importlib.resources
import time
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ...compose.library import find
from ...spec.errors import UsageError
from .hunt import Fate, Outcome, Rung, hunt, original
from .mutants import Mutant, mutants_of


@dataclass(frozen=True)
class Excuse:
    """Why a mutant of `system` may survive; an equivalent one does not count in the score."""

    system: str
    id: str
    equivalent: bool
    reason: str


@dataclass(frozen=True)
class Suite:
    """The ladder of searches for the mutants of one system, cheapest first.

    Attributes:
        beyond: systems in whose suites the machines that both have are hunted.
    """

    address: str
    ladder: tuple[Rung, ...]
    beyond: tuple[str, ...] = ()
    excuses: tuple[Excuse, ...] = ()

    def mutants(self, machine: str | None = None) -> list[Mutant]:
        """The mutants, those of one machine only if it is named.

        Raises:
            UsageError: there is no such machine.
        """
        kinds = self._kinds()
        if machine is not None and machine not in kinds:
            raise UsageError(f"{self.address} has no machine `{machine}` that models C; it has {', '.join(kinds)}")
        elsewhere = self._texts_elsewhere() if machine is None else set()
        chosen = [kind for name, kind in kinds.items() if machine in (None, name)]
        return [m for kind in chosen for m in mutants_of(kind) if m.text not in elsewhere]

    def machines(self) -> list[str]:
        """The machines that have mutants in this suite."""
        return list(dict.fromkeys(mutant.machine.__name__ for mutant in self.mutants()))

    def _texts_elsewhere(self) -> set[str]:
        kinds = [kind for address in self.beyond for kind in suite_for(address)._kinds().values()]
        return {base.__name__ for kind in kinds for base in kind.__mro__}

    def _kinds(self) -> dict[str, type]:
        """The machines of the system by name, at whatever scope it has them."""
        found: dict[str, type] = {}
        for rung in self.ladder:
            if rung.address == self.address:
                found = {**original(rung)[1], **found}
        return found


def suite_for(address: str) -> Suite:
    """The suite that `specs/mutation.toml` gives for `address`; without one, its default scope and no excuses."""
    found = find(address).address()
    document = _document()
    excuses = tuple(Excuse(**entry) for entry in document.get("survivor", []) if entry["system"] == found)
    for entry in document.get("suite", []):
        if entry["system"] == found:
            ladder = tuple(_rung(found, rung) for rung in entry["scopes"])
            return Suite(found, ladder, tuple(entry.get("beyond", ())), excuses)
    return Suite(found, (Rung(found),), (), excuses)


def suites() -> list[Suite]:
    """Every suite of `specs/mutation.toml`."""
    return [suite_for(entry["system"]) for entry in _document().get("suite", [])]


def _document() -> dict[str, Any]:
    return tomllib.loads((importlib.resources.files("qmodel_specs") / "mutation.toml").read_text())


def _rung(address: str, entry: dict[str, Any]) -> Rung:
    rest = {name: value for name, value in entry.items() if name not in ("system", "without", "large")}
    without = tuple(entry.get("without", ()))
    return Rung(entry.get("system", address), tuple(rest.items()), without, entry.get("large", False))


@dataclass
class Report:
    """The outcomes of a suite, or of a part of it."""

    suite: Suite
    outcomes: list[Outcome] = field(default_factory=list)
    unfinished: int = 0

    def of(self, *fates: Fate) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.fate in fates]

    @property
    def survivors(self) -> list[Outcome]:
        """Those that need an excuse."""
        return self.of(Fate.SURVIVED, Fate.UNREACHED)

    def excuse(self, outcome: Outcome) -> Excuse | None:
        return next((e for e in self.suite.excuses if e.id == outcome.mutant.id), None)

    @property
    def unexcused(self) -> list[Outcome]:
        return [outcome for outcome in self.survivors if self.excuse(outcome) is None]

    @property
    def stale(self) -> list[Excuse]:
        """Excuses of mutants that were hunted and did not survive, or do not exist."""
        alive = {outcome.mutant.id for outcome in self.survivors}
        hunted = {outcome.mutant.machine.__name__ for outcome in self.outcomes}
        return [e for e in self.suite.excuses if e.id not in alive and e.id.partition(".")[0] in hunted]

    @property
    def score(self) -> float:
        """Killed mutants among those that are not equivalent."""
        excuses = [self.excuse(outcome) for outcome in self.survivors]
        killed = len(self.of(Fate.KILLED))
        real = sum(1 for excuse in excuses if excuse is None or not excuse.equivalent)
        return killed / (killed + real) if killed + real else 1.0


def analyse(
    suite: Suite,
    mutants: Iterable[Mutant],
    seconds: float | None = None,
    progress: Callable[[int, int, Mutant], None] | None = None,
) -> Report:
    """Hunt `mutants` at the scopes of `suite`, until `seconds` have passed."""
    report, everything, started = Report(suite), list(mutants), time.monotonic()
    for number, mutant in enumerate(everything):
        if seconds is not None and time.monotonic() - started >= seconds:
            report.unfinished = len(everything) - number
            break
        if progress:
            progress(number, len(everything), mutant)
        report.outcomes.append(hunt(mutant, suite.ladder))
    return report
