"""The numbers that are known: verdict and exact counts of each system and scope, and the races among them.

`specs/expected.toml` holds them; tests compare, `qmodel manifest --update` rewrites.  A changed number is a reviewed
change.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..compose.library import build
from ..compose.result import Result
from ..spec.errors import UsageError
from .search import search


@dataclass(frozen=True)
class Run:
    """What a search of one system at one scope finds.

    Attributes:
        only: the one property that is checked; all if empty.
        steps: length of the simplest trace; 0 if there is none.
        quick: small enough for every test run.
    """

    system: str
    scope: dict[str, int]
    only: str
    verdict: str
    rule: str
    steps: int
    states: int
    transitions: int
    depth: int
    quick: bool

    @property
    def key(self) -> tuple[str, tuple[tuple[str, int], ...]]:
        return self.system, tuple(sorted(self.scope.items()))

    @property
    def title(self) -> str:
        return " ".join([self.system, *(f"{name}={value}" for name, value in self.scope.items()), self.only]).strip()

    def search(self) -> Result:
        """Search it again; its cycles too, if the one property is about runs."""
        model = build(self.system, self.scope)
        claims = [model.property_named(self.only)] if self.only else None
        return search(model, properties=claims, runs=bool(claims and claims[0].about_runs))

    def measured(self, result: Result) -> Run:
        """This entry with the numbers of `result`."""
        return Run(
            self.system,
            self.scope,
            self.only,
            result.verdict.value,
            result.problem.rule if result.problem else "",
            len(result.trace) if result.trace else 0,
            result.states,
            result.transitions,
            result.depth,
            self.quick,
        )


@dataclass(frozen=True)
class Race:
    """A historical race: the run that shows it, and the run that shows its fix."""

    id: str
    title: str
    commit: str
    before: Run
    after: Run


def expected_file() -> Path:
    return Path(str(files("qmodel_specs").joinpath("expected.toml")))


def _document() -> dict[str, Any]:
    return tomllib.loads(expected_file().read_text(encoding="utf-8"))


def runs() -> list[Run]:
    """Every known run, in the order of the file."""
    return [Run(**entry) for entry in _document()["run"]]


def races() -> list[Race]:
    """Every race of the catalogue, with its two runs."""
    known = {run.key: run for run in runs()}

    def find(side: dict[str, Any]) -> Run:
        return known[side["system"], tuple(sorted(side["scope"].items()))]

    return [
        Race(entry["id"], entry["title"], entry["commit"], find(entry["before"]), find(entry["after"]))
        for entry in _document()["race"]
    ]


def race(name: str) -> Race:
    """The race with the id `name`.

    Raises:
        UsageError: there is none.
    """
    for found in races():
        if found.id == name:
            return found
    raise UsageError(f"there is no race `{name}`; there are {', '.join(found.id for found in races())}")


def rewrite(measured: list[Run]) -> None:
    """Write the numbers of `measured` into the file, leaving its other lines alone."""
    text = expected_file().read_text(encoding="utf-8")
    head, *rest = text.split("[[run]]\n")
    tail = "[[race]]" + rest[-1].partition("[[race]]")[2]
    entries = [
        "[[run]]\n" + "\n".join(f"{f.name} = {_toml(getattr(run, f.name))}" for f in fields(run)) for run in measured
    ]
    expected_file().write_text(head + "\n\n".join([*entries, tail]), encoding="utf-8")


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {number}" for name, number in value.items()) + " }" if value else "{}"
    return f'"{value}"' if isinstance(value, str) else str(value)
