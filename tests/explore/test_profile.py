"""The figures of a profile agree with the search that they are about, and with searches of other models."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from qmodel import Count, Flag, Mutex, Process, Ref, Scope, State, Struct, System, always, bound, never
from qmodel.compose.library import build
from qmodel.compose.model import Model
from qmodel.compose.profile import Budget, Profile
from qmodel.compose.result import INTERRUPTED, Result
from qmodel.explore.growth import Scopes, by_ratio, growth
from qmodel.explore.limits import Limits
from qmodel.explore.options import Options
from qmodel.explore.reference import explore
from qmodel.explore.search import profiled, search
from qmodel.show.profile import document
from tests.support import search_natively

ALONE = Budget(states=100_000, seconds=0.0)
"""No searches but the one that is profiled."""


class Board(Struct):
    """What the tickers share; `coin` is worth a bit in every state, `copy` says nothing that `sum` does not."""

    lock = Mutex()
    sum = Count(bound("tickers"), guarded_by=lock)
    copy = Count(bound("tickers"), ghost=True)
    coin = Flag(ghost=True)


class Ticker(Process):
    """Ticks once and ends: three places, and nothing that it waits for."""

    board = Ref(Board)

    fresh = State(initial=True)
    waiting = State()
    ended = State(final=True)

    start = fresh.to(waiting)

    @waiting.to(ended, holding=board.lock)
    def tick(self) -> None:
        self.board.sum += 1
        self.board.copy = self.board.sum


class Flipper(Process):
    """Throws the coin, and one of its own, for ever."""

    board = Ref(Board)
    mine = Flag(ghost=True)

    throwing = State(initial=True, choice=True, quiescent=True)

    @throwing.to(throwing)
    def throw(self) -> None:
        self.board.coin = not self.board.coin

    @throwing.to(throwing)
    def throw_mine(self) -> None:
        self.mine = not self.mine


@always("adds up")
def adds_up(s: Any) -> bool:
    """The board never shows more than there are tickers."""
    return bool(s.board.sum <= len(s.T))


@never("forged")
def forged(s: Any) -> bool:
    """The copy differs."""
    return bool(s.board.copy != s.board.sum)


class Tickers(System):
    """3**tickers states, times 2**2 if somebody throws coins."""

    name, version = "tickers", "test"
    properties = (adds_up, forged)
    tickers = Scope(3)
    coins = Scope(0, at_least=0, at_most=1)

    def compose(self) -> None:
        self.board = self.one(Board, "board")
        self.T = [self.thread(f"T{i + 1}", Ticker, board=self.board) for i in range(self.tickers)]
        if self.coins:
            self.F = self.thread("F", Flipper, board=self.board)


def of(model: Model, budget: Budget = ALONE, **keywords: Any) -> tuple[Result, Profile]:
    return profiled(model, budget=budget, **keywords)


def factors(profile: Profile) -> dict[str, float]:
    return {saving.name: saving.factor for saving in profile.savings}


# -- steps, variables, claims ----------------------------------------------------------------------


@pytest.mark.parametrize("address", ["bottom-half@924fe1293c", "bottom-half", "event-notifier"])
@pytest.mark.parametrize("workers", [1, 2])
def test_sums(address: str, workers: int) -> None:
    found, profile = of(build(address), options=Options(workers))
    taken = {f"{process.__name__}.{arrow}": count for (process, arrow), count in found.coverage.steps.items()}
    assert {cost.step: cost.taken for cost in profile.steps if cost.taken} == taken
    assert sum(cost.taken for cost in profile.steps) == found.transitions == profile.transitions
    assert sum(cost.share for cost in profile.steps) == pytest.approx(1)
    assert sum(variable.bits for variable in profile.variables) == profile.bits <= 64 * profile.words
    assert all(claim.transitions <= found.transitions for claim in profile.claims)


def test_the_search_is_the_same() -> None:
    plain = search(build("bottom-half@924fe1293c"))
    found, profile = of(build("bottom-half@924fe1293c"))
    names = ("verdict", "states", "transitions", "depth", "coverage")
    assert [getattr(found, name) for name in names] == [getattr(plain, name) for name in names]
    assert profile.states == plain.states


def test_figures_of_a_known_system() -> None:
    found, profile = of(Model(Tickers()))
    assert found.states == 27
    steps = {cost.step: cost for cost in profile.steps}
    assert steps.keys() == {"Ticker.start", "Ticker.tick"}
    assert steps["Ticker.start"].taken == steps["Ticker.tick"].taken == 27
    assert (steps["Ticker.start"].situations, steps["Ticker.start"].lessons) == (3, 3)
    assert steps["Ticker.tick"].situations == steps["Ticker.tick"].lessons == 3 * 3  # one for each sum
    values = {variable.name: variable.values for variable in profile.variables}
    assert values["board.sum"] == values["board.copy"] == 4
    assert values["T1"] == 3
    claims = {claim.name: claim for claim in profile.claims}
    assert (claims["adds up"].lessons, claims["adds up"].steps) == (4, 1)
    assert claims["adds up"].transitions == 27


# -- what variables cost ---------------------------------------------------------------------------


def test_ghosts_that_double_the_states_are_named() -> None:
    _, profile = of(Model(Tickers(coins=1)))
    assert profile.states == 27 * 4
    assert factors(profile) == {
        "Board.coin": 2.0,
        "Flipper.mine": 2.0,
        "Board.copy": 1.0,
        "all of these": 4.0,
    }


def test_fields_are_named_on_request() -> None:
    _, profile = of(Model(Tickers(coins=1)), every_field=True)
    assert {saving.name for saving in profile.savings if saving.kind == "field"} == {
        "Board.lock", "Board.sum", "Ticker.board", "Flipper.board",
    }  # fmt: skip


def reached(model: Model) -> set[tuple[int, ...]]:
    """Every state, from the reference explorer."""
    found = {model.initial()}

    def steps(state: tuple[int, ...]) -> Any:
        found.add(state)
        return model.steps(state)

    explore(model, steps=steps)
    return found


@pytest.mark.parametrize(
    ("address", "scope"), [("thread-pool@271c0f68b4", {"requests": 1}), ("event-notifier", {})], ids=str
)
def test_savings_are_those_of_projected_states(address: str, scope: dict[str, int]) -> None:
    model = build(address, scope)
    states = reached(model)
    kept: dict[str, list[int]] = {}
    for kind, objects in model.layout.objects.items():
        for base in objects.bases:
            for slot in model.layout.slots[base + 1 : base + objects.width]:
                kept.setdefault(f"{kind.__name__}.{slot.name.rpartition('.')[2].partition('[')[0]}", [])
    for name in kept:
        kind, _, field = name.partition(".")
        own = {n for k, o in model.layout.objects.items() if k.__name__ == kind for n in o.names}
        hidden = {f"{n}.{field}" for n in own}
        kept[name] = [i for i, s in enumerate(model.layout.slots) if s.name.partition("[")[0] not in hidden]
    left = {name: len({tuple(state[i] for i in slots) for state in states}) for name, slots in kept.items()}
    found, profile = of(model, every_field=True)
    assert found.states == len(states)
    assert {saving.name: saving.left for saving in profile.savings if saving.name in left} == left


def test_two_workers_find_the_same_savings() -> None:
    profiles = [of(Model(Tickers(tickers=4, coins=1)), options=Options(n), every_field=True)[1] for n in (1, 2)]
    assert profiles[0].savings == profiles[1].savings


# -- growth ----------------------------------------------------------------------------------------


def test_growth_and_estimate_of_a_known_system() -> None:
    _, profile = of(Model(Tickers(coins=1)), Budget(10_000, 60.0))
    tickers, coins = profile.growth
    assert [(point.value, point.states) for point in tickers.points] == [(1, 12), (2, 36), (3, 108)]
    assert [(point.value, point.states) for point in coins.points] == [(0, 27), (1, 108)]
    assert tickers.estimate is not None
    assert tickers.estimate.value == 4
    assert tickers.estimate.states == search(Model(Tickers(tickers=4, coins=1))).states
    assert tickers.estimate.method == "x 3.00, as with coins=0"
    assert coins.estimate is None  # 2 is not allowed


def test_growth_is_that_of_direct_searches() -> None:
    _, profile = of(build("thread-pool@271c0f68b4", {"resubmit": 0, "cancel": 0}), Budget(100_000, 60.0))
    assert profile.growth
    for grown in profile.growth:
        for point in grown.points:
            scope = {"resubmit": 0, "cancel": 0, grown.parameter: point.value}
            assert point.states == search_natively(build("thread-pool@271c0f68b4", scope)).states


def test_an_incomplete_search_is_estimated_from_the_complete_ones() -> None:
    _, profile = of(Model(Tickers(tickers=4)), Budget(10_000, 60.0), limits=Limits(states=50))
    (grown,) = profile.growth
    assert [bool(point.stopped) for point in grown.points] == [False, False, False, True]
    assert grown.estimate is not None
    assert (grown.estimate.value, grown.estimate.states) == (4, 81)


def test_no_time_means_no_growth_and_says_so() -> None:
    _, profile = of(Model(Tickers()))
    (grown,) = profile.growth
    assert len(grown.points) == 1
    assert grown.missing == "tickers=2 was not searched: no time left"
    assert grown.estimate is None


def test_each_scope_is_searched_once() -> None:
    searched = []

    def counted(model: Model, limits: Limits) -> Result:
        searched.append(tuple(model.system.scope.values()))
        return search(model, limits)

    model = Model(Tickers(coins=1))
    growth(Scopes(model, search(model), counted, Budget(10_000, 60.0)), memory=16)
    assert sorted(searched) == [(1, 1), (2, 1), (3, 0), (4, 0)]


def test_ctrl_c_ends_all_of_it() -> None:
    def interrupted(model: Model, limits: Limits) -> Result:
        return replace(search(model, Limits(states=5)), stopped=INTERRUPTED)

    model = Model(Tickers(coins=1))
    tickers, coins = growth(Scopes(model, search(model), interrupted, Budget(10_000, 60.0)), memory=16)
    assert [point.stopped for point in tickers.points] == [INTERRUPTED, ""]
    assert coins.missing == "coins=0 was not searched: no time left"


@pytest.mark.parametrize(
    ("counts", "ratio"),
    [([5], None), ([3, 9], 3), ([3, 9, 27], 3), ([2, 12, 48], Fraction(8, 3)), ([8, 16, 16], 1), ([2, 8, 4], 1)],
    ids=str,
)
def test_ratio(counts: list[int], ratio: Fraction | None) -> None:
    guess = by_ratio(counts)
    assert (guess and guess[0]) == ratio


# -- for a program ---------------------------------------------------------------------------------


def without_times(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: without_times(value) for key, value in found.items() if key != "seconds"}
    return [without_times(value) for value in found] if isinstance(found, list | tuple) else found


def test_the_document_is_the_same_each_time() -> None:
    documents = [document(of(Model(Tickers(coins=1)), Budget(10_000, 60.0))[1]) for _ in range(2)]
    assert without_times(documents[0]) == without_times(documents[1])
    assert json.loads(json.dumps(documents[0]))["steps"][0].keys() == {
        "step", "function", "taken", "situations", "lessons", "nodes", "share",
    }  # fmt: skip


def test_a_resumed_search_has_the_same_sums(tmp_path: Path) -> None:
    address = "bottom-half@924fe1293c"
    _, whole = of(build(address))
    of(build(address), options=Options(checkpoint=tmp_path, every=0.0), limits=Limits(states=800))
    found, resumed = of(build(address), options=Options(checkpoint=tmp_path, resume=True))
    taken = [{cost.step: cost.taken for cost in profile.steps if cost.taken} for profile in (whole, resumed)]
    assert taken[0] == taken[1]
    assert sum(taken[1].values()) == found.transitions
    assert resumed.savings == whole.savings


def test_runs_are_decided_too() -> None:
    model = build("bottom-half@924fe1293c")
    assert of(model, runs=True)[0].verdict == search(model, runs=True).verdict
