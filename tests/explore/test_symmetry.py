"""Symmetry: what permuting does, that it commutes with stepping, and that the reduced search finds the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmodel import (
    NULL,
    Condition,
    Count,
    Fifo,
    Flag,
    Lifecycle,
    Mutex,
    Process,
    Ref,
    Set,
    State,
    Struct,
    Void,
    always,
    at_rest,
    never,
)
from qmodel.compose.library import build
from qmodel.compose.model import Model
from qmodel.compose.step import Cells
from qmodel.compose.symmetry import Permutation, Symmetry
from qmodel.explore.expected import Run, runs
from qmodel.explore.judge import Judge
from qmodel.explore.learn import LearnedSteps
from qmodel.explore.limits import Limits
from qmodel.explore.native.engine import Engine
from qmodel.explore.options import Options
from qmodel.explore.search import search
from qmodel.spec.errors import UsageError
from tests.support import system

SYSTEMS = {
    "two workers": ("thread-pool@271c0f68b4", {}),
    "three requests": ("thread-pool@271c0f68b4", {"requests": 3, "workers": 1}),
    "completion BH": ("thread-pool@3c80ca158c", {"nested": 1}),
    "two foreign threads": ("bottom-half@924fe1293c", {"foreign": 2}),
}


# -- a kitchen with everything that can name what is interchangeable ------------------------------------


class Dish(Lifecycle):
    raw = State(initial=True)
    cooked = State()
    cook = raw.to(cooked)
    lock = Mutex()
    beside: Ref[Any] = Ref("Dish")


class Kitchen(Struct):
    lock = Mutex()
    cond = Condition(lock)
    ready = Flag(guarded_by=lock)
    shelf = Fifo(Dish, guarded_by=lock)
    seen = Set(Dish, guarded_by=lock)
    last = Void(guarded_by=lock)
    started = Count(3)


class Cook(Process):
    """Makes a dish, waits until the head says so, cooks it and puts it away."""

    kitchen = Ref(Kitchen)
    dish = Ref(Dish)

    hired = State(initial=True)
    holding = State()
    asleep = State()
    called = State()
    cooking = State()
    gone = State(final=True, quiescent=True)

    @hired.to(holding, acquires=kitchen.lock)
    def make(self) -> None:
        self.dish = self.new(Dish, beside=self.kitchen.last)
        self.kitchen.seen.add(self.dish)
        self.kitchen.last = self.dish

    sleep = holding.to(asleep, sleeps=kitchen.cond)
    wake = asleep.to(called, waits=kitchen.cond)

    @called.to(cooking, releases=kitchen.lock)
    def put(self) -> None:
        self.kitchen.shelf.append(self.dish)

    @cooking.to(gone, holding=kitchen.lock)
    def serve(self) -> None:
        self.dish.cook()
        self.kitchen.shelf.remove(self.dish)
        self.kitchen.seen.discard(self.dish)
        self.kitchen.last = NULL
        self.free(self.dish)
        self.kitchen.ready = True


class Head(Process):
    """Hires, and calls."""

    kitchen = Ref(Kitchen)
    left = Count(3)

    hiring = State(initial=True)
    calling = State(quiescent=True)

    @hiring.to(hiring, when=lambda self: self.left > 0)
    def hire(self) -> None:
        self.left -= 1
        self.spawn(Cook, kitchen=self.kitchen)

    done = hiring.to(calling, when=lambda self: self.left == 0)

    @calling.to(calling, holding=kitchen.lock)
    def call(self) -> None:
        self.kitchen.cond.signal()


def kitchen(cooks: int, *properties: Any, head: type = Head, cook: type = Cook) -> Model:
    def compose(self: Any) -> None:
        self.kitchen = self.one(Kitchen, "kitchen")
        self.room(Dish, cooks, "dish")
        self.head = self.thread("head", head, kitchen=self.kitchen, left=cooks)
        self.cooks = self.threads("C", cook, cooks)

    return system(compose, *properties)


def engine(model: Model, symmetry: bool = True, **options: Any) -> Engine:
    return Engine(model, LearnedSteps(model), Judge(model), Options(1, symmetry=symmetry, **options))


# -- permuting -----------------------------------------------------------------------------------------


@cache
def sample(name: str) -> tuple[Model, Symmetry, list[Cells]]:
    """A model, its symmetry, and some of the states that it can really reach."""
    model = kitchen(3) if name == "kitchen" else build(*SYSTEMS[name])
    found = engine(model, symmetry=False)
    found.run()
    rows = found.states.all_rows()
    return model, Symmetry(model.layout), [found.state(row) for row in rows[:: max(1, len(rows) // 500)].tolist()]


@cache
def permutations(name: str) -> list[Permutation]:
    return list(sample(name)[1].permutations())


def successors(model: Model, state: Cells) -> list[Cells | str]:
    return [step.state or str(type(step.error)) for step in model.steps(state)]


def inverse(permutation: Permutation) -> Permutation:
    sides = (permutation.threads, permutation.objects)
    return Permutation(*(tuple(side.index(item) for item in range(len(side))) for side in sides))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(["kitchen", *SYSTEMS]), st.data())
def test_steps_and_permutations_commute(name: str, data: st.DataObject) -> None:
    """What follows a permuted state is what follows the state, permuted, up to which free slots are taken."""
    model, symmetry, states = sample(name)
    state = data.draw(st.sampled_from(states))
    permutation = data.draw(st.sampled_from(permutations(name)))
    permuted = symmetry.permute(state, permutation)
    assert symmetry.permute(permuted, inverse(permutation)) == state

    def orbits(found: list[Cells | str]) -> list[str]:
        return sorted(str(one if isinstance(one, str) else least(one)) for one in found)

    def least(one: Cells) -> Cells:
        return min(symmetry.permute(one, other) for other in permutations(name))

    assert orbits(successors(model, permuted)) == orbits(successors(model, state))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(["kitchen", *SYSTEMS]), st.data())
def test_normal_form_is_in_the_orbit_and_its_own(name: str, data: st.DataObject) -> None:
    _, symmetry, states = sample(name)
    state = data.draw(st.sampled_from(states))
    normal = symmetry.normal_form(state)
    assert symmetry.same_orbit(state, normal)
    assert symmetry.normal_form(normal) == normal
    permuted = symmetry.permute(state, data.draw(st.sampled_from(permutations(name))))
    assert symmetry.shape(permuted) == symmetry.shape(state)


@pytest.mark.parametrize("name", ["kitchen", *SYSTEMS])
def test_what_is_visited_is_normal_and_covers_what_can_be_reached(name: str) -> None:
    """Python's normal form and the kernel's agree, and no orbit is lost."""
    model, _, real = sample(name)
    reduced = engine(model)
    reduced.run()
    orbits = reduced.tables.orbits
    if orbits is None:
        return
    states = {reduced.state(row) for row in reduced.states.all_rows().tolist()}
    assert len(states) == reduced.states.total
    few = sorted(states)[:: max(1, len(states) // 2000)]
    assert [orbits.symmetry.normal_form(state) for state in few] == few
    for state in real:
        normal = orbits.symmetry.normal_form(state)
        assert normal in states or any(orbits.symmetry.permute(normal, p) in states for p in permutations(name))


def test_every_real_orbit_of_the_kitchen_is_counted() -> None:
    model, symmetry, _ = sample("kitchen")
    full, reduced = engine(model, symmetry=False), engine(model)
    full.run(), reduced.run()

    def orbits(found: Engine) -> set[Cells]:
        states = [found.state(row) for row in found.states.all_rows().tolist()]
        return {min(symmetry.permute(state, one) for one in permutations("kitchen")) for state in states}

    assert orbits(full) == orbits(reduced)
    assert reduced.states.total < full.states.total / 3


def test_who_is_interchangeable() -> None:
    assert sample("two workers")[1].describe() == "W1 W2, E1 E2, R1 R2"
    assert sample("kitchen")[1].describe() == "C1 C2 C3, dish1 dish2 dish3"
    assert Symmetry(build("thread-pool", {"workers": 1, "requests": 1}).layout).trivial


def test_a_slot_that_ran_from_the_start_is_not_interchangeable() -> None:
    """It comes first wherever it is free, so those behind it still are."""

    def compose(self: Any) -> None:
        self.kitchen = self.one(Kitchen, "kitchen")
        self.room(Dish, 3, "dish")
        self.first = self.thread("first", Cook, kitchen=self.kitchen)
        self.cooks = self.threads("C", Cook, 2)

    assert Symmetry(system(compose).layout).describe() == "C1 C2, dish1 dish2 dish3"


def test_too_many_permutations_are_refused() -> None:
    with pytest.raises(UsageError, match="can be permuted in 40,320 ways"):
        Symmetry(kitchen(8).layout)


# -- the same findings ---------------------------------------------------------------------------------


def reducible() -> Iterator[Any]:
    for run in runs():
        model = build(run.system, run.scope)
        claims = [model.property_named(run.only)] if run.only else []
        if not Symmetry(model.layout).trivial and not any(claim.about_runs for claim in claims):
            yield pytest.param(run, id=run.title, marks=[] if run.quick else [pytest.mark.slow])


@pytest.mark.parametrize("run", list(reducible()))
@pytest.mark.parametrize("workers", [1, 2])
def test_same_verdict_and_the_same_simplest_trace(run: Run, workers: int) -> None:
    model = build(run.system, run.scope)
    claims = [model.property_named(run.only)] if run.only else None
    full = search(model, properties=claims)
    reduced = search(model, properties=claims, options=Options(workers, symmetry=True))
    assert (reduced.verdict, reduced.problem, reduced.trace) == (full.verdict, full.problem, full.trace)
    assert reduced.states < full.states
    assert reduced.symmetric
    if reduced.trace:
        assert Judge(model, claims).end_of(reduced.trace) == reduced.problem


@pytest.mark.parametrize("cooks", [2, 3])
def test_a_violation_by_several_at_once_is_found_with_its_simplest_trace(cooks: int) -> None:
    @never("all asleep")
    def all_asleep(s: Any) -> bool:
        """All cooks sleep."""
        return all(cook.at(Cook.asleep) for cook in s.cooks)

    full, reduced = (engine(kitchen(cooks, all_asleep), symmetry=on).run() for on in (False, True))
    assert full.problem is not None
    assert (reduced.problem, reduced.trace) == (full.problem, full.trace)


# -- claims that tell apart what is interchangeable ------------------------------------------------------


@never("second sleeps")
def second_sleeps(s: Any) -> bool:
    """Cook C2 sleeps."""
    return bool(s.cooks[1].at(Cook.asleep))


@always("hired in order")
def hired_in_order(s: Any) -> bool:
    """C1 never sleeps while C2 cooks and C3 was just hired: one assignment of all, hit by no exchange of two."""
    first, second, third = s.cooks
    return not (first.at(Cook.asleep) and second.at(Cook.cooking) and third.at(Cook.hired))


@pytest.mark.parametrize("claim", [second_sleeps, hired_in_order])
def test_a_claim_that_tells_threads_apart_is_refused(claim: Any) -> None:
    with pytest.raises(
        UsageError, match=rf"property {claim.name} tells .* apart; it cannot be checked with --symmetry"
    ):
        engine(kitchen(3, claim)).run()


class Leaver(Process):
    """Makes a dish, cooks it or not, and leaves it."""

    kitchen = Ref(Kitchen)
    number = Count(3)
    dish = Ref(Dish)

    hired = State(initial=True)
    holding = State(choice=True)
    gone = State(final=True, quiescent=True)

    @hired.to(holding, holding=kitchen.lock)
    def make(self) -> None:
        self.dish = self.new(Dish)
        self.kitchen.shelf.append(self.dish)

    leave = holding.to(gone)

    @holding.to(gone)
    def cook(self) -> None:
        self.dish.cook()


class Recruiter(Process):
    """Hires leavers, each with a number of its own."""

    kitchen = Ref(Kitchen)
    left = Count(3)

    hiring = State(initial=True)
    done = State(final=True, quiescent=True)

    @hiring.to(hiring, when=lambda self: self.left > 0)
    def hire(self) -> None:
        self.spawn(Leaver, kitchen=self.kitchen, number=self.left)
        self.left -= 1

    finish = hiring.to(done, when=lambda self: self.left == 0)


@at_rest("first dish")
def first_dish_is_cooked_last(s: Any) -> bool:
    """Wherever nothing moves, dish1 is not the only cooked one."""
    return [repr(dish) for dish in s.live(Dish) if dish.state is Dish.cooked] != ["dish1"]


def test_a_claim_of_states_at_rest_that_tells_objects_apart_is_refused() -> None:
    with pytest.raises(UsageError, match=r"property first dish tells dish1 from dish. apart"):
        engine(kitchen(3, first_dish_is_cooked_last, head=Recruiter, cook=Leaver)).run()


@never("third holds")
def third_holds_last(s: Any) -> bool:
    """The one with number 3 holds a dish when the one with number 1 has left."""
    numbers = [leaver.number for thread in s.cooks for leaver in thread.calls(Leaver)]
    holding = [leaver.number for thread in s.cooks for leaver in thread.standing(Leaver.holding)]
    return 3 in holding and 1 not in numbers and s.head.at() is False and len(s.live(Dish)) == 3


def test_slots_that_a_field_tells_apart_are_exchanged_with_their_fields() -> None:
    model = kitchen(3, third_holds_last, head=Recruiter, cook=Leaver)
    full, reduced = (engine(model, symmetry=on).run() for on in (False, True))
    assert full.problem is not None
    assert (reduced.problem, reduced.trace) == (full.problem, full.trace)


# -- what does not go together ---------------------------------------------------------------------------


def test_whole_runs_are_refused() -> None:
    with pytest.raises(UsageError, match="a lasso of normal forms need not close"):
        search(build("thread-pool"), options=Options(symmetry=True), runs=True)


@pytest.mark.parametrize("more", [{"order": "walk"}, {"order": "pct"}, {"por": True}])
def test_options_that_do_not_go_together_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--symmetry"):
        Options(symmetry=True, **more)


def test_a_checkpoint_is_of_a_search_with_or_without_symmetry(tmp_path: Path) -> None:
    model = kitchen(3)
    Engine(model, LearnedSteps(model), Judge(model), Options(checkpoint=tmp_path, symmetry=True)).run(
        Limits(states=100)
    )
    with pytest.raises(UsageError, match="its symmetry is True, not False"):
        Engine(model, LearnedSteps(model), Judge(model), Options(checkpoint=tmp_path, resume=True))


def test_a_resumed_search_finds_what_one_in_one_go_finds(tmp_path: Path) -> None:
    model, options = kitchen(3), Options(checkpoint=tmp_path, symmetry=True, every=0.0)
    Engine(model, LearnedSteps(model), Judge(model), options).run(Limits(states=200))
    resumed = Engine(model, LearnedSteps(model), Judge(model), replace(options, resume=True)).run()
    whole = engine(kitchen(3)).run()
    assert (resumed.states, resumed.transitions, resumed.depth) == (whole.states, whole.transitions, whole.depth)


def test_depth_first_finds_the_same_orbits() -> None:
    model = kitchen(3)
    first, other = engine(model).run(), engine(model, order="depth").run()
    assert (first.verdict, first.states) == (other.verdict, other.states)
