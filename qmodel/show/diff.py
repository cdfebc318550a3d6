"""Two versions of a machine as one graph: what was kept, removed, added, changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from .graph import Change, Edge, Fact, Kind, MachineGraph, Node

MOST_LINES = 10
"""As many lines of a changed effect are drawn beside its arrow; the tables have all of them."""


def diff(old: MachineGraph | None, new: MachineGraph | None) -> MachineGraph:
    """One graph of two versions; None is a machine that only the other system has.

    An arrow is the same if its name and both ends are; one that moved to other states is removed here and added there.
    """
    one, two = old or _nothing(new), new or _nothing(old)
    return replace(
        two,
        name=two.name if one.name == two.name else f"{one.name} -> {two.name}",
        origin=" -> ".join(dict.fromkeys(origin for origin in (one.origin, two.origin) if origin)),
        nodes=_nodes(one, two),
        edges=_edges(one, two),
        not_modelled=tuple(dict.fromkeys((*two.not_modelled, *one.not_modelled))),
    )


def _nothing(other: MachineGraph | None) -> MachineGraph:
    if other is None:
        raise ValueError("a difference needs at least one machine")
    return replace(other, nodes=(), edges=())


def _nodes(old: MachineGraph, new: MachineGraph) -> tuple[Node, ...]:
    before = {node.name: node for node in old.nodes}
    found = []
    for node in new.nodes:
        was = before.pop(node.name, None)
        change = Change.ADDED if was is None else Change.KEPT if was == node else Change.CHANGED
        found.append(replace(node, change=change))
    return (*found, *(replace(node, change=Change.REMOVED) for node in before.values()))


def _edges(old: MachineGraph, new: MachineGraph) -> tuple[Edge, ...]:
    before = {(edge.name, edge.source, edge.target): edge for edge in old.edges}
    found = []
    for edge in new.edges:
        was = before.pop((edge.name, edge.source, edge.target), None)
        found.append(_moved(edge, old, Change.ADDED) if was is None else _compared(was, edge))
    return (*found, *(_moved(edge, new, Change.REMOVED) for edge in before.values()))


def _moved(edge: Edge, other: MachineGraph, change: Change) -> Edge:
    """An arrow that `other` has between other states, or not at all."""
    places = [f"{e.source} -> {e.target}" for e in other.edges if e.name == edge.name]
    verb = "was" if change is Change.ADDED else "now"
    note = (Fact(Kind.DIFFERENCE, f"{verb} {'; '.join(places)}"),) if places else ()
    return replace(edge, change=change, facts=(*note, *edge.facts))


def _compared(was: Edge, edge: Edge) -> Edge:
    lines = [f"- {fact.text}" for fact in was.facts if fact not in edge.facts]
    lines += [f"+ {fact.text}" for fact in edge.facts if fact not in was.facts]
    lines += changed_lines(was.code, edge.code)
    if not lines:
        return replace(edge, change=Change.KEPT)
    return replace(edge, change=Change.CHANGED, facts=tuple(Fact(Kind.DIFFERENCE, line) for line in lines))


def changed_lines(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The lines that differ, as "- old" and "+ new", in order."""
    found = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            found += [f"- {line}" for line in old[i1:i2]] + [f"+ {line}" for line in new[j1:j2]]
    return found


def shortened(lines: Sequence[str], most: int = MOST_LINES) -> list[str]:
    """At most `most` lines; the last one says how many there are more."""
    if len(lines) <= most:
        return list(lines)
    return [*lines[: most - 1], f"... {len(lines) - most + 1} more lines"]
