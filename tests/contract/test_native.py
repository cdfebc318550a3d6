"""The native engine and the reference explorer give the same graph: counts, verdict, problem, trace, coverage."""

from __future__ import annotations

import pytest

from qmodel.compose.library import build
from qmodel.compose.result import Result
from qmodel.explore.expected import Run, runs
from qmodel.explore.judge import Judge
from qmodel.explore.reference import explore
from tests.support import search_natively


def outcome(found: Result) -> dict[str, object]:
    names = ("verdict", "states", "transitions", "depth", "problem", "trace", "coverage")
    return {name: getattr(found, name) for name in names}


def same_graph(run: Run) -> None:
    model = build(run.system, run.scope)
    properties = [model.property_named(run.only)] if run.only else None
    wanted = outcome(explore(model, judge=Judge(model, properties)))
    for workers in (1, 2):
        assert outcome(search_natively(model, properties, workers=workers)) == wanted


@pytest.mark.parametrize("run", [run for run in runs() if run.quick], ids=lambda run: run.title)
def test_same_graph(run: Run) -> None:
    same_graph(run)


@pytest.mark.slow
@pytest.mark.parametrize("run", [run for run in runs() if not run.quick], ids=lambda run: run.title)
def test_same_graph_of_larger_systems(run: Run) -> None:
    same_graph(run)
