"""Small machines for tests: a system from a few processes, searched in one call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from qmodel import System
from qmodel.compose.model import Model
from qmodel.compose.properties import Property
from qmodel.compose.result import Result
from qmodel.explore.judge import Judge
from qmodel.explore.learn import LearnedSteps
from qmodel.explore.limits import NEVER, Limits
from qmodel.explore.options import Options
from qmodel.explore.reference import explore


def system(compose: Callable[[Any], None], *properties: Property, **members: Any) -> Model:
    """A model whose `compose` is the given function."""
    kind = type("Small", (System,), {"name": "small", "version": "test", "compose": compose, **members})
    kind.properties = properties
    return Model(kind())


def search(compose: Callable[[Any], None], *properties: Property, **members: Any) -> Result:
    return explore(system(compose, *properties, **members))


def search_natively(
    model: Model, properties: Sequence[Property] | None = None, limits: Limits = NEVER, workers: int = 1,
    options: Options | None = None,
) -> Result:  # fmt: skip
    """What the native engine finds, from the first state on."""
    from qmodel.explore.native.engine import Engine

    return Engine(model, LearnedSteps(model), Judge(model, properties), options or Options(workers)).run(limits)


def walk_natively(model: Model, options: Options, **more: Any) -> Result:
    """What walks find, as they were walked."""
    from qmodel.explore.native.walker import Walker

    return Walker(model, LearnedSteps(model), Judge(model), options, **more).run()


def rule(compose: Callable[[Any], None], *properties: Property, **members: Any) -> str:
    """The rule that a search finds broken, or "HOLDS"."""
    result = search(compose, *properties, **members)
    return result.problem.rule if result.problem else result.verdict.value
