"""A trace survives every round trip, and a token of anything else is refused in one line."""

from __future__ import annotations

import pytest

from qmodel.compose.library import build
from qmodel.compose.step import Choice
from qmodel.compose.trace import Trace, read_token
from qmodel.explore.judge import Judge
from qmodel.explore.limits import Limits
from qmodel.explore.reference import explore
from qmodel.spec.errors import UsageError


@pytest.fixture(scope="module")
def found() -> tuple[str, Trace]:
    result = explore(build("bottom-half"))
    assert result.trace is not None
    return result.trace.token(result.model), result.trace


def test_token_round_trip(found: tuple[str, Trace]) -> None:
    token, trace = found
    model, again = read_token(token, build)
    assert again == trace
    assert again.token(model) == token
    problem = Judge(model).end_of(again)
    assert problem is not None
    assert problem.rule == "use after free"


def test_search_is_deterministic(found: tuple[str, Trace]) -> None:
    result = explore(build("bottom-half"))
    assert result.trace is not None
    assert result.trace.token(result.model) == found[0]


def test_a_prefix_is_not_wrong_yet(found: tuple[str, Trace]) -> None:
    model, trace = read_token(found[0], build)
    assert Judge(model).end_of(Trace(trace.choices[:-1])) is None


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda t: "hello", "not a trace token"),
        (lambda t: t[:-6], "damaged"),
        (lambda t: t.replace("bottom-half@v2.0.0", "bottom-half@924fe1293c"), "another version"),
        (lambda t: t.replace("bhs=1", "bhs=2"), "another version"),
        (lambda t: t.replace("bhs=1", "bhs=x"), "damaged"),
        (lambda t: t.replace("bottom-half", "top-half"), "no system"),
    ],
)
def test_wrong_tokens(found: tuple[str, Trace], damage: object, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_token(damage(found[0]), build)  # type: ignore[operator]


def test_a_choice_that_is_not_possible_is_refused() -> None:
    model = build("bottom-half")
    with pytest.raises(UsageError, match=r"M\.write_idle is not possible here"):
        model.apply(model.initial(), Choice(0, "write_idle"))


def test_enabled_and_apply_agree() -> None:
    """Whatever `steps` offers, `apply` takes, to the same state."""
    model = build("thread-pool", {"requests": 1, "workers": 1})
    state = model.initial()
    while steps := model.steps(state):
        assert [model.apply(state, step.choice).state for step in steps] == [step.state for step in steps]
        assert steps[-1].state is not None
        state = steps[-1].state


def test_limits_are_inconclusive() -> None:
    """Stopping early is never a pass."""
    model = build("bottom-half@924fe1293c")
    for limits, why in (
        (Limits(states=100), "100 states"),
        (Limits(depth=3), "depth 3"),
        (Limits(seconds=0.0), "seconds"),
    ):
        result = explore(model, limits)
        assert result.verdict.value == "INCONCLUSIVE"
        assert why in result.stopped
        assert result.exit_code == 7
