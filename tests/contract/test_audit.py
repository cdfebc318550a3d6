"""Reduced searches are audited: every known run, and a reduction that is wrong is noticed."""

from __future__ import annotations

from typing import Any

import pytest

from qmodel import never
from qmodel.compose.library import build
from qmodel.compose.result import Problem
from qmodel.compose.step import Cells
from qmodel.compose.symmetry import Name
from qmodel.explore.audit import audit, smaller_scope
from qmodel.explore.expected import Run, runs
from qmodel.explore.native.alike import Claim
from qmodel.explore.options import Options
from qmodel.explore.search import search
from qmodel.show.verdict import audit_document, audit_text
from qmodel.spec.errors import UsageError
from tests.explore.test_symmetry import Cook, kitchen, reducible


def audited(run: Run, options: Options) -> None:
    model = build(run.system, run.scope)
    claims = [model.property_named(run.only)] if run.only else None
    found = audit(search(model, properties=claims, options=options), options, claims)
    assert found.compared
    assert found.agrees, audit_text(found)


@pytest.mark.parametrize("run", list(reducible()))
def test_symmetry(run: Run) -> None:
    audited(run, Options(symmetry=True))


@pytest.mark.slow
@pytest.mark.parametrize("run", [run for run in runs() if run.quick], ids=lambda run: run.title)
def test_partial_order(run: Run) -> None:
    model = build(run.system, run.scope)
    if not (run.only and model.property_named(run.only).about_runs):
        audited(run, Options(por=True))


def test_a_wrong_permutation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Owners of mutexes do not follow their threads: what then goes wrong goes wrong in no real state."""
    renamed = Name.renamed

    def forgetful(name: Name, value: int, mapping: tuple[int, ...]) -> int:
        return value if name.of_threads else renamed(name, value, mapping)

    monkeypatch.setattr(Name, "renamed", forgetful)
    with pytest.raises(RuntimeError, match="the reduction by symmetry is wrong"):
        search(kitchen(3), options=Options(symmetry=True))


def test_a_reduction_that_hides_a_violation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims about orbits are never broken."""

    @never("all asleep")
    def all_asleep(s: Any) -> bool:
        """All cooks sleep."""
        return all(cook.at(Cook.asleep) for cook in s.cooks)

    def hidden(claim: Claim, state: Cells) -> Problem | None:
        return None if claim.parts else evaluate(claim, state)

    evaluate = Claim._evaluate
    monkeypatch.setattr(Claim, "_evaluate", hidden)
    model, options = kitchen(2, all_asleep), Options(symmetry=True)
    found = audit(search(model, options=options), options, model.properties)
    assert found.compared
    assert not found.agrees
    assert "THE REDUCTION IS WRONG: HOLDS with it, VIOLATED all asleep in" in audit_text(found)
    assert audit_document(found)["agrees"] is False


def test_a_smaller_scope_is_audited_if_there_are_too_many_states() -> None:
    model, options = build("thread-pool@271c0f68b4"), Options(symmetry=True)
    found = audit(search(model, options=options), options, largest=20_000)
    assert found.full is not None
    assert found.full.model.system.scope["workers"] == 1
    assert found.reduced.model.system.scope == found.full.model.system.scope
    assert found.agrees


def test_scopes_shrink_to_the_smallest() -> None:
    kind: Any = type(build("thread-pool").system)
    scope, seen = kind().scope, []
    while scope is not None:
        seen.append(scope)
        scope = smaller_scope(kind, scope)
    assert [(one["requests"], one["workers"]) for one in seen] == [(2, 2), (2, 1), (1, 1)]


def test_nothing_to_audit_is_refused() -> None:
    with pytest.raises(UsageError, match="--audit compares a reduced search with a full one"):
        Options().check_audit()
