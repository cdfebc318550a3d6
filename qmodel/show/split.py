"""A machine with too many arrows for one picture, in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import networkx

from .graph import Edge, MachineGraph, Node

MOST_ARROWS = 25


def split(graph: MachineGraph, most: int = MOST_ARROWS) -> list[MachineGraph]:
    """`graph` itself, or parts of it with at most `most` arrows each.

    Every arrow is in one part, the one that its source belongs to.  A state of another part is a stub there.
    """
    if len(graph.edges) <= most:
        return [graph]
    chunks = list(_packed(_chunks([node.name for node in graph.nodes], graph.edges, most), most))
    homes = {edge.source: number for number, chunk in reversed([*enumerate(chunks, 1)]) for edge in chunk}
    for number, chunk in enumerate(chunks, 1):
        for edge in chunk:  # a state without arrows of its own is at home where it is first reached
            homes.setdefault(edge.target, number)
    return [
        replace(graph, nodes=_nodes(graph, chunk, number, homes), edges=chunk, part=(number, len(chunks)))
        for number, chunk in enumerate(chunks, 1)
    ]


def _chunks(states: Sequence[str], edges: tuple[Edge, ...], most: int) -> Iterator[tuple[Edge, ...]]:
    """The arrows that leave `states`, by communities that are small enough; one state's arrows in slices."""
    leaving = tuple(edge for edge in edges if edge.source in states)
    if len(leaving) <= most:
        yield leaving
    elif len(states) == 1:
        yield from (leaving[start : start + most] for start in range(0, len(leaving), most))
    else:
        for community in _communities(states, leaving):
            yield from _chunks(community, leaving, most)


def _communities(states: Sequence[str], edges: tuple[Edge, ...]) -> list[list[str]]:
    """At least two groups of states that have many arrows among themselves, in the order of `states`."""
    whole = networkx.Graph()
    whole.add_nodes_from(states)
    for (source, target), same in groupby(sorted((min(e.source, e.target), max(e.source, e.target)) for e in edges)):
        if source in whole and target in whole:
            whole.add_edge(source, target, weight=len(list(same)))
    found = networkx.community.greedy_modularity_communities(whole, weight="weight")
    groups = sorted(sorted(group, key=states.index) for group in found)
    groups.sort(key=lambda group: states.index(group[0]))
    if len(groups) > 1:
        return groups
    half = len(states) // 2
    return [list(states[:half]), list(states[half:])]


def _packed(chunks: Iterator[tuple[Edge, ...]], most: int) -> Iterator[tuple[Edge, ...]]:
    """Neighbouring chunks together as long as they fit."""
    pack: tuple[Edge, ...] = ()
    for chunk in chunks:
        if pack and len(pack) + len(chunk) > most:
            yield pack
            pack = ()
        pack += chunk
    if pack:
        yield pack


def _nodes(graph: MachineGraph, chunk: tuple[Edge, ...], number: int, homes: dict[str, int]) -> tuple[Node, ...]:
    """The states of a part: its own, which say from where else they are reached, and stubs of the others."""
    near = {end for edge in chunk for end in (edge.source, edge.target)}
    found = []
    for node in graph.nodes:
        if node.name in near and homes[node.name] == number:
            others = sorted({e.name for e in graph.edges if e.target == node.name and e not in chunk})
            reached = f"also reached in another part by {', '.join(others)}" if others else ""
            found.append(replace(node, doc="; ".join(text for text in (node.doc, reached) if text)))
        elif node.name in near:
            found.append(Node(node.name, f"in part {homes[node.name]}", stub=True, change=node.change))
    return tuple(found)
