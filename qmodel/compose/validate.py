"""Static rules of a specification: what can be said about a machine before it runs."""

from __future__ import annotations

from ..spec.errors import SpecError
from ..spec.records import Process, arrows_of, is_view, states_of, where_of
from ..spec.states import Arrow, State, otherwise
from .fairness import check_fairness
from .layout import Layout


def validate(layout: Layout) -> None:
    """Check every machine of a system.

    Raises:
        SpecError: the first rule that is broken, with its place and what to write instead.
    """
    for kind in layout.processes:
        check_machine(kind)
        _check_branches(kind)
        _check_results(kind)
    for kind in layout.objects:
        if states_of(kind):
            check_machine(kind)
    check_fairness(layout)


def check_machine(kind: type) -> None:
    """The rules that hold for lifecycles and processes alike."""
    states, arrows = states_of(kind), arrows_of(kind)
    initial = [state for state in states if state.initial]
    if len(initial) != 1 and not is_view(kind):
        raise SpecError(
            where_of(kind), f"{kind.__name__} has {len(initial)} initial states", "mark exactly one `initial=True`"
        )
    for arrow in arrows:
        for end in (*arrow.sources, arrow.target):
            if not any(end is state for state in states):
                raise SpecError(
                    arrow.where, f"{kind.__name__}.{arrow.name} names the state `{end.name}` of another machine",
                    f"use a state of {kind.__name__}: {', '.join(s.name for s in states)}",
                )  # fmt: skip
        if issubclass(kind, Process):
            _check_arrow(arrow)
    _check_reachable(kind, states, arrows, initial)


def _check_arrow(arrow: Arrow) -> None:
    blocking = [n for n in ("waits", "polls", "sleeps") if getattr(arrow, n) is not None]
    if len(blocking) > 1:
        raise SpecError(
            arrow.where, f"{arrow.full_name} has both `{blocking[0]}=` and `{blocking[1]}=`",
            "one step blocks in one way; split it, with a named state between",
        )  # fmt: skip
    for state in arrow.sources:
        if state.final:
            raise SpecError(
                arrow.where, f"{arrow.full_name} leaves the final state `{state.name}`", "drop `final=True`"
            )
    if arrow.waits is not None and arrow.when is not None:
        raise SpecError(
            arrow.where, f"{arrow.full_name} has a guard beside `waits=`",
            "a guard chooses, a primitive waits: branch before the wait or after it",
        )  # fmt: skip


def _check_reachable(kind: type, states: tuple[State, ...], arrows: tuple[Arrow, ...], initial: list[State]) -> None:
    if is_view(kind):
        return
    reached = set(initial)
    while True:
        more = {a.target for a in arrows if any(s in reached for s in a.sources)} - reached
        if not more:
            break
        reached |= more
    lost = [state for state in states if state not in reached]
    if lost:
        raise SpecError(
            lost[0].where, f"{kind.__name__}.{lost[0].name} cannot be reached from `{initial[0].name}`",
            "add the arrow that leads there, or remove the state",
        )  # fmt: skip


def _check_branches(kind: type) -> None:
    for state in states_of(kind):
        leaving = [a for a in arrows_of(kind) if any(s is state for s in a.sources)]
        if not leaving and not state.final:
            raise SpecError(
                state.where, f"{kind.__name__}.{state.name} has no arrow and is not final",
                "mark it `final=True` if the function returns here",
            )  # fmt: skip
        sure = [a for a in leaving if a.when is None and a.over is None and a.waits is None and a.after is None]
        rest = [a for a in leaving if a not in sure and a.waits is None and a.after is None]
        if not state.choice and sure and (len(sure) > 1 or rest):
            other = sure[1] if len(sure) > 1 else rest[0]
            raise SpecError(
                other.where,
                f"{kind.__name__}: `{sure[0].name}` and `{other.name}` both leave `{state.name}` at any time",
                "give both a guard (`when=...`, `when=otherwise`), or mark the state `choice=True`",
            )  # fmt: skip
        if any(a.when is otherwise for a in leaving) and all(a.when in (None, otherwise) for a in leaving):
            raise SpecError(
                leaving[0].where, f"{kind.__name__}.{state.name} has `otherwise` and no guard", "drop `when=`"
            )


def _check_results(kind: type) -> None:
    """What a call returns is known by where its caller stands, so all calls that end there hand it to one field."""
    calls = [arrow for arrow in arrows_of(kind) if arrow.calls is not None]
    for one in calls:
        for two in calls:
            if one.target is two.target and one.result is not two.result:
                both = f"`{one.name}` and `{two.name}` call into `{one.target.name}` with different `result=`"
                raise SpecError(
                    two.where, f"{kind.__name__}: {both}", "give one of them a state of its own to return to"
                )
