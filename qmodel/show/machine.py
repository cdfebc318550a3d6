"""From a machine class to its graph record."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ..spec.fields import Field
from ..spec.paths import Call
from ..spec.records import Lifecycle, Process, Record, Struct, arrows_of, not_modelled, origin_of, states_of
from ..spec.states import Arrow, State, otherwise
from .graph import Edge, Fact, Kind, MachineGraph, Node

Movers = Mapping[tuple[type, str], Collection[tuple[type, str]]]
"""For each arrow of each lifecycle, the process steps that perform it: `Coverage.movers` of a search."""


def graph_of(machine: type, movers: Movers | None = None, explored: Sequence[str] = ()) -> MachineGraph:
    """The graph of a process or lifecycle class.

    Args:
        movers: names the steps that perform a lifecycle's arrows; `explored` says where they were looked for.
    """
    moved = issubclass(machine, Lifecycle)
    origin = origin_of(machine)
    return MachineGraph(
        name=machine.__name__,
        kind="lifecycle" if moved else "process",
        nodes=tuple(_node(state) for state in states_of(machine)),
        edges=tuple(_edges(machine, movers if moved else None)),
        origin=str(origin) if origin else "",
        doc=summary_of(machine),
        not_modelled=not_modelled(machine),
        explored=tuple(explored) if moved and movers is not None else (),
    )


def is_machine(kind: type) -> bool:
    """Whether `kind` has states to draw."""
    return bool(states_of(kind))


def family_of(kind: type) -> type:
    """The class that `kind` is a version of; itself if it is none."""
    plain = (Process, Lifecycle, Struct, Record, object)
    return [base for base in kind.__mro__ if base not in plain][-1]


def summary_of(kind: type) -> str:
    """The first paragraph of the docstring, on one line, without what is "Not modelled"."""
    text = inspect.cleandoc(vars(kind).get("__doc__") or "")
    return " ".join(text.split("\n\n")[0].partition("Not modelled:")[0].split())


def _node(state: State) -> Node:
    return Node(state.name, state.doc, state.initial, state.final, state.quiescent, state.choice)


def _edges(machine: type, movers: Movers | None) -> Iterator[Edge]:
    for arrow in arrows_of(machine):
        facts = [*_facts(arrow)]
        if movers is not None:
            facts += _moved_by(movers.get((machine, arrow.name), ()))
        for source in arrow.sources:
            yield Edge(arrow.name, source.name, arrow.target.name, tuple(facts), _code(machine, arrow))


def _moved_by(steps: Collection[tuple[type, str]]) -> list[Fact]:
    names = sorted(f"{process.__name__}.{step}" for process, step in steps)
    return [Fact(Kind.MOVED_BY, f"by {name}") for name in names] or [Fact(Kind.MOVED_BY, "not seen to be taken")]


# -- what stands beside an arrow -------------------------------------------------------------------


def _facts(arrow: Arrow) -> Iterator[Fact]:
    if arrow.over is not None:
        yield Fact(Kind.OVER, f"for each of {named(arrow.over)}")
    if arrow.when is not None:
        yield Fact(Kind.GUARD, "otherwise" if arrow.when is otherwise else f"when {named(arrow.when)}")
    for verb, place in (("holding", arrow.holding), ("acquires", arrow.acquires), ("releases", arrow.releases)):
        if place is not None:
            yield Fact(Kind.LOCK, f"{verb} {named(place)}")
    if arrow.guarded_by is not None:
        yield Fact(Kind.LOCK, f"under {named(arrow.guarded_by)}")
    for verb, place in (("waits", arrow.waits), ("polls", arrow.polls), ("sleeps", arrow.sleeps)):
        if place is not None:
            yield Fact(Kind.BLOCKS, f"{verb} {named(place)}")
    if arrow.after is not None:
        yield Fact(Kind.BLOCKS, f"after {arrow.after}")
    if arrow.external is not None:
        outcomes = ", ".join(map(str, arrow.external.outcomes))
        yield Fact(Kind.EXTERNAL, f"external {arrow.external.what}: {outcomes}")
    if arrow.fence is not None:
        yield Fact(Kind.FENCE, f"fence {arrow.fence.value}")
    if arrow.calls is not None:
        yield Fact(Kind.CALLS, f"calls {call_text(arrow.calls, arrow.result)}")
    if arrow.trace is not None:
        yield Fact(Kind.TRACE, f"trace {arrow.trace}")


def named(place: Any) -> str:
    """A field, path, function or set of notifiers as the specification writes it."""
    if isinstance(place, tuple):
        return ", ".join(named(part) for part in place)
    if isinstance(place, type) or inspect.isfunction(place):
        return place.__name__
    return place.name if isinstance(place, Field) else str(place)


def call_text(call: Call, result: Any = None) -> str:
    """`AioBhPoll(ctx=ctx), result in ran`."""
    arguments = ", ".join(f"{name}={named(value)}" for name, value in call.arguments.items())
    return f"{call}({arguments})" + (f", result in {named(result)}" if result is not None else "")


# -- guard and effect as text ----------------------------------------------------------------------


def _code(machine: type, arrow: Arrow) -> tuple[str, ...]:
    """Guard, effect, and the helpers of the machine that they call, one statement a line."""
    lines: list[str] = []
    helpers: list[str] = []
    for function in (arrow.over, arrow.when, arrow.effect):
        if inspect.isfunction(function):
            body = statements(function)
            lines += body if function is arrow.effect else _definition(function, body)
            helpers += _called(machine, body, helpers)
    for name in helpers:
        helper = getattr(machine, name)
        body = statements(helper)
        lines += _definition(helper, body)
        helpers += _called(machine, body, helpers)
    return tuple(lines)


def _definition(function: Callable[..., Any], body: list[str]) -> list[str]:
    return [f"{function.__name__}: {line}" for line in body]


def statements(function: Callable[..., Any]) -> list[str]:
    """The body of `function`, in one way of writing it, without its docstring; nothing if there is no source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError):
        return []
    defined = next((node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)), None)
    if defined is None:
        return []
    body = defined.body[1:] if ast.get_docstring(defined) else defined.body
    return "\n".join(ast.unparse(statement) for statement in body).splitlines()


def _called(machine: type, body: list[str], known: list[str]) -> list[str]:
    """The helpers of `machine` that `body` calls as `self.name(...)`, those of the framework aside."""
    tree = ast.parse("\n".join(body))
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    names = [
        f.attr for f in calls
        if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name) and f.value.id == "self"
    ]  # fmt: skip
    own = [n for n in dict.fromkeys(names) if inspect.isfunction(getattr(machine, n, None)) and not hasattr(Record, n)]
    return [name for name in own if name not in known]
