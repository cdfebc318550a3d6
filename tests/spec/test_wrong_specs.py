"""A wrong specification is told where it is wrong and what to write instead; these are the exact words.

The texts are part of the product: someone reads them with the editor open.  Line numbers are cut off, the file stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from qmodel import (
    PLAIN,
    Condition,
    Count,
    Enum,
    Flag,
    Int,
    Lifecycle,
    Mutex,
    Process,
    Ref,
    Semaphore,
    SpecError,
    State,
    Struct,
    UsageError,
    bound,
    otherwise,
)  # fmt: skip
from qmodel.compose.library import build
from tests.support import search, system


class Shared(Struct):
    lock = Mutex()
    more = Mutex()
    sem = Semaphore(1)
    one = Flag(order=PLAIN)
    two = Flag(order=PLAIN)
    plain = Flag()
    guarded = Count(2, guarded_by=lock)


def alone(kind: type, **values: Any) -> Callable[[Any], None]:
    def compose(self: Any) -> None:
        self.shared = self.one(Shared, "shared")
        self.T = self.thread("T", kind, shared=self.shared, **values)

    return compose


def said(error: object) -> str:
    return re.sub(r"(test_wrong_specs\.py):\d+", r"\1:N", str(error))


def problem(kind: type) -> str:
    """What a search says of a machine that is wrong as a model."""
    found = search(alone(kind)).problem
    assert found is not None
    assert found.in_model, found
    return said(f"{found.rule}: {found.message}")


def spec_error(make: Callable[[], object]) -> str:
    with pytest.raises(SpecError) as caught:
        make()
    return said(caught.value)


def test_state_of_another_machine() -> None:
    class Other(Process):
        elsewhere = State(initial=True, final=True)

    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        go = start.to(Other.elsewhere)

    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong.go names the state `elsewhere` of another machine\n"
        "    use a state of Wrong: start"
    )


def test_arrow_to_something_that_is_no_state() -> None:
    start = State(initial=True)
    assert spec_error(lambda: start.to("done")) == (  # type: ignore[arg-type]
        "spec/test_wrong_specs.py:N: an arrow leads to 'done', which is not a state\n"
        "    write `a.to(b)` with two `State(...)`s"
    )


def test_unreachable_state() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        lost = State()
        end = State(final=True)
        go = start.to(end)
        never = lost.to(end)

    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong.lost cannot be reached from `start`\n"
        "    add the arrow that leads there, or remove the state"
    )


def test_dead_end() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        stuck = State()
        go = start.to(stuck)

    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong.stuck has no arrow and is not final\n"
        "    mark it `final=True` if the function returns here"
    )


def test_arrow_out_of_a_final_state() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)
        go = (start | end).to(end)

    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong.go leaves the final state `end`\n    drop `final=True`"
    )


def test_two_initial_states() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(initial=True, final=True)
        go = start.to(end)

    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong has 2 initial states\n    mark exactly one `initial=True`"
    )


def test_two_arrows_without_guards() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)
        one = start.to(end)
        two = start.to(end)

    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong: `one` and `two` both leave `start` at any time\n"
        "    give both a guard (`when=...`, `when=otherwise`), or mark the state `choice=True`"
    )


def test_overlapping_guards() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)

        def yes(self) -> bool:
            return True

        def also(self) -> bool:
            return not self.shared.plain

        one = start.to(end, when=yes)
        two = start.to(end, when=also)

    assert problem(Wrong) == (
        "overlapping guards: spec/test_wrong_specs.py:N: Wrong.two: Wrong: the guards of `one` and `two` hold at the "
        "same time; make them exclude each other, or mark the state `choice=True` if the environment decides"
    )


def test_guard_that_would_have_to_spin() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)

        def is_set(self) -> bool:
            return self.shared.one

        go = start.to(end, when=is_set)

    assert problem(Wrong) == (
        "guard that would have to spin: spec/test_wrong_specs.py:N: Wrong.go: Wrong would have to spin in `start`: no "
        "guard of `go` holds, and no primitive blocks it; close the branch with `when=otherwise`, or wait on a "
        "primitive"
    )


def test_guard_beside_a_wait() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)

        def yes(self) -> bool:
            return True

        go = start.to(end, when=yes, waits=shared.sem)

    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong.go has a guard beside `waits=`\n"
        "    a guard chooses, a primitive waits: branch before the wait or after it"
    )


def test_two_visible_accesses_in_one_step() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)

        @start.to(end)
        def go(self) -> None:
            self.shared.one = True
            self.shared.two = True

    assert problem(Wrong) == (
        "step granularity: spec/test_wrong_specs.py:N: Wrong.go: one step does `store Shared.one` and `store "
        "Shared.two`, each visible to other threads; split it, with a named state between"
    )


def test_mutation_in_a_guard() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)

        def sneaky(self) -> bool:
            self.shared.plain = True
            return True

        go = start.to(end, when=sneaky)
        stay = start.to(end, when=otherwise)

    assert problem(Wrong) == (
        "mutation in a guard: spec/test_wrong_specs.py:N: Wrong.go: a guard changes Shared.plain; a guard only looks, "
        "move the change into the step"
    )


def test_counter_that_leaves_its_range() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)

        @start.to(end, holding=shared.lock)
        def go(self) -> None:
            self.shared.guarded += 3

    assert problem(Wrong) == ("bounds: spec/test_wrong_specs.py:N: Wrong.go: Shared.guarded becomes 3, outside 0..2")


def test_unbounded_fields() -> None:
    assert spec_error(lambda: Count()) == (
        "spec/test_wrong_specs.py:N: `Count()` has no bound\n    write `Count(8)` or `Count(bound('workers'))`"
    )
    assert spec_error(lambda: Int()) == (
        "spec/test_wrong_specs.py:N: `Int()` lists no values\n    write `Int(0, -EIO)`, or `Count(n)` for a range"
    )
    assert spec_error(lambda: Enum()) == (
        "spec/test_wrong_specs.py:N: `Enum()` lists no names\n    write `Enum('report', 'stop')`"
    )


def test_bound_that_the_system_does_not_have() -> None:
    class Wide(Struct):
        count = Count(bound("wheels"))

    assert spec_error(lambda: system(lambda self: self.one(Wide) and None)) == (
        "spec/test_wrong_specs.py:N: a field is bounded by `wheels`, which this system does not declare\n"
        "    declare `wheels = Scope(...)` in the system, or bound the field by a number"
    )


def test_condition_without_its_mutex() -> None:
    assert spec_error(lambda: Condition(None)) == (  # type: ignore[arg-type]
        "spec/test_wrong_specs.py:N: `Condition` is not given its mutex\n    write `Condition(lock)`"
    )


def test_unknown_option_of_an_arrow() -> None:
    one, two = State(initial=True), State(final=True)
    assert spec_error(lambda: one.to(two, locking=1)) == (
        "spec/test_wrong_specs.py:N: an arrow has no option `locking`\n"
        "    the options are acquires, after, calls, external, fence, guarded_by, holding, over, polls, releases, "
        "result, sleeps, trace, waits, when"
    )


def test_recursion_without_a_bound() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)

    Wrong.again = Wrong.start.to(Wrong.end, calls=Wrong(shared=Wrong.shared))  # type: ignore[attr-defined]
    Wrong.again.__set_name__(Wrong, "again")  # type: ignore[attr-defined]
    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: calls recurse: Wrong -> Wrong\n    bound the stack: `self.thread(..., stack=8)`"
    )


def test_two_calls_that_disagree_about_the_result() -> None:
    class Answer(Process):
        start = State(initial=True)
        end = State(final=True)
        go = start.to(end)

    class Wrong(Process):
        shared = Ref(Shared)
        answer = Flag()
        start = State(initial=True)
        asked = State()
        one = start.to(asked, calls=Answer(), result=answer)
        two = asked.to(asked, calls=Answer())

    assert spec_error(lambda: system(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong: `one` and `two` call into `asked` with different `result=`\n"
        "    give one of them a state of its own to return to"
    )


def test_instantiated_record() -> None:
    assert spec_error(lambda: Shared()) == (
        "spec/test_wrong_specs.py:N: Shared is instantiated\n"
        "    in a step write `self.new(Shared, ...)` to allocate one"
    )


def test_process_arrow_that_is_called() -> None:
    class Wrong(Process):
        shared = Ref(Shared)
        start = State(initial=True)
        end = State(final=True)

        @start.to(end)
        def go(self) -> None:
            self.go()

    assert spec_error(lambda: search(alone(Wrong))) == (
        "spec/test_wrong_specs.py:N: Wrong.go is called\n    only a lifecycle is moved by its arrows"
    )


def test_lifecycle_view_with_a_gap() -> None:
    class Light(Lifecycle):
        lit = Flag()
        on = State(when=lambda light: light.lit)
        switch = on.to(on)

    class Wrong(Process):
        light = Ref(Light)
        start = State(initial=True)
        end = State(final=True)

        @start.to(end)
        def go(self) -> None:
            self.light.lit = True

    def compose(self: Any) -> None:
        self.T = self.thread("T", Wrong, light=self.one(Light, "light"))

    found = search(compose).problem
    assert found is not None
    assert said(f"{found.rule}: {found.message}") == (
        "lifecycle view: spec/test_wrong_specs.py:N: Wrong.go: light is in 0 states of Light at once: none"
    )


@pytest.mark.parametrize(
    ("address", "scope", "message"),
    [
        ("nope", {}, "there is no system `nope`; there are bottom-half, event-notifier, thread-pool"),
        (
            "bottom-half@v9",
            {},
            "bottom-half has no version `v9`; it has v2.0.0, 924fe1293c, before-648fb0ea5e, before-7887f6201f",
        ),
        ("bottom-half", {"bhs": -1}, "bhs=-1 is too small; it must be at least 0"),
        ("bottom-half", {"idle": 2}, "idle=2 is too large; it must be at most 1"),
        ("event-notifier", {"wheels": 2}, "event-notifier has no parameter `wheels`; it has setters, sets, most"),
    ],
)
def test_wrong_requests(address: str, scope: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(address, scope)
    assert str(caught.value) == message
