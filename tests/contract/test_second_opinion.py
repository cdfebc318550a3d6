"""SPIN and the native search agree on small systems that Hypothesis draws."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qmodel.explore.export import spin
from qmodel.explore.export.crosscheck import compare
from qmodel.explore.limits import Limits
from qmodel.spec.errors import SpecError
from tests.contract.test_random_systems import compose, processes
from tests.support import system


@pytest.mark.slow
@pytest.mark.skipif(bool(spin.missing()), reason=spin.missing())
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.integers(0, 2), min_size=1, max_size=3), processes("A"), processes("B"), processes("C"))
def test_spin_agrees(order: list[int], a: type, b: type, c: type) -> None:
    try:
        model = system(compose([(a, b, c)[i] for i in order]))
    except SpecError:  # a drawn machine may break a static rule; that has tests of its own
        return
    found = compare("drawn", model, Limits(states=20_000))
    assert found.agrees is not False, found.document()
