"""What can be changed on an arrow: its guard, its lock, its call, its wait, its place in a chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

from ...spec.paths import getter, is_place
from ...spec.primitives import AnyOf
from ...spec.records import Lifecycle, arrows_of
from ...spec.states import Arrow, otherwise

_LOCKS = ("holding", "acquires", "releases")


@dataclass(frozen=True)
class Rewiring:
    """A change of arrows.

    Attributes:
        arrow: whose change it is.
        operator, label: as of an `Edit`.
        overrides: what a subclass declares instead; None removes an arrow.
    """

    arrow: Arrow
    operator: str
    label: str
    overrides: dict[str, Arrow | None]


def rewirings_of(kind: type, arrow: Arrow) -> Iterator[Rewiring]:
    """Every change of `arrow`, an arrow of `kind`."""

    def to(operator: str, label: str, **changes: Any) -> Rewiring:
        return Rewiring(arrow, operator, label, {arrow.name: replace(arrow, **changes)})

    if issubclass(kind, Lifecycle):
        yield to("drop arrow", "drop this arrow", sources=())
        return
    yield Rewiring(arrow, "drop arrow", "drop this arrow", {arrow.name: None})
    if arrow.when is not None:
        yield from _guards(kind, arrow, to)
    for lock in _LOCKS:
        if getattr(arrow, lock) is not None:
            yield to("drop lock", f"drop {lock}=", **{lock: None})
    if arrow.calls is not None:
        yield to("drop call", f"drop the call of {arrow.calls}", calls=None, result=None)
    yield from _waits(arrow, to)
    if arrow.fence is not None:
        yield to("drop fence", f"drop {arrow.fence.value}()", fence=None)
    following = _only_successor(kind, arrow)
    if following is not None:
        yield _swapped(arrow, following)


def _guards(kind: type, arrow: Arrow, to: Callable[..., Rewiring]) -> Iterator[Rewiring]:
    yield to("drop guard", "drop the guard", when=None)
    if arrow.when is otherwise:
        return
    yield to("negate", "negate the guard", when=negated(arrow.when))
    siblings = [a for a in arrows_of(kind) if set(a.sources) & set(arrow.sources) and a is not arrow]
    for sibling in siblings:
        if sibling.when is otherwise:
            changed: dict[str, Arrow | None] = {
                arrow.name: replace(arrow, when=otherwise), sibling.name: replace(sibling, when=arrow.when)
            }  # fmt: skip
            yield Rewiring(arrow, "swap guards", f"swap the guards of this and {sibling.name}", changed)


def negated(guard: Any) -> Callable[..., bool]:
    """A guard that holds when `guard` does not."""
    test = getter(guard) if is_place(guard) else guard

    def is_not(record: Any, *candidate: Any) -> bool:
        return not test(record, *candidate)

    return is_not


def _waits(arrow: Arrow, to: Callable[..., Rewiring]) -> Iterator[Rewiring]:
    if isinstance(arrow.waits, AnyOf):
        yield to("drop wait", "look instead of waiting", waits=None, polls=arrow.waits)
    elif arrow.waits is not None:
        yield to("drop wait", f"drop waits={arrow.waits}", waits=None)
    if arrow.polls is not None:
        yield to("add wait", "wait instead of looking", polls=None, waits=arrow.polls)
    if arrow.sleeps is not None:
        yield to("drop sleep", f"drop sleeps={arrow.sleeps}", sleeps=None)


def _only_successor(kind: type, arrow: Arrow) -> Arrow | None:
    """The arrow that always comes next, if what the two do could be done in the other order."""
    arrows = arrows_of(kind)
    into = [a for a in arrows if a.target is arrow.target]
    leaving = [a for a in arrows if arrow.target in a.sources]
    if len(into) != 1 or len(leaving) != 1 or arrow.calls is not None:
        return None
    plain = all(a.effect is not None and _arity(a.effect) == 1 for a in (arrow, leaving[0]))
    return leaving[0] if plain else None


def _arity(effect: Any) -> int:
    return int(effect.__code__.co_argcount) if isinstance(effect, FunctionType) else 0


def _swapped(one: Arrow, two: Arrow) -> Rewiring:
    changed: dict[str, Arrow | None] = {
        one.name: replace(one, effect=two.effect), two.name: replace(two, effect=one.effect)
    }  # fmt: skip
    return Rewiring(one, "swap steps", f"do what {two.name} does first", changed)
