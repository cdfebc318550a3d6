"""Small machines for tests: a system from a few processes, searched in one call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmodel import System
from qmodel.compose.model import Model
from qmodel.compose.properties import Property
from qmodel.compose.result import Result
from qmodel.explore.reference import explore


def system(compose: Callable[[Any], None], *properties: Property, **members: Any) -> Model:
    """A model whose `compose` is the given function."""
    kind = type("Small", (System,), {"name": "small", "version": "test", "compose": compose, **members})
    kind.properties = properties
    return Model(kind())


def search(compose: Callable[[Any], None], *properties: Property, **members: Any) -> Result:
    return explore(system(compose, *properties, **members))


def rule(compose: Callable[[Any], None], *properties: Property, **members: Any) -> str:
    """The rule that a search finds broken, or "HOLDS"."""
    result = search(compose, *properties, **members)
    return result.problem.rule if result.problem else result.verdict.value
