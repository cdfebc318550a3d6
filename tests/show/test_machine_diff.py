"""Two versions as one picture, and pictures that are split: nothing gets lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from qmodel.show.diff import diff
from qmodel.show.dot import dot
from qmodel.show.graph import Change, MachineGraph
from qmodel.show.machine import graph_of
from qmodel.show.mermaid import mermaid
from qmodel.show.split import MOST_ARROWS, split

from .machines import Sample, Sample_fixed, ring, without_arrow


def changes(graph: MachineGraph) -> dict[str, str]:
    return {edge.name: edge.change.value for edge in graph.edges}


def test_a_dropped_arrow_shows() -> None:
    whole = graph_of(Sample)
    graph = diff(whole, without_arrow(whole, "down"))
    assert changes(graph) == {"down": "removed", "late": "kept", "empty": "kept", "read": "kept", "leave": "kept"}
    assert '<font color="#C1121F"><b>- down</b></font>' in dot(graph)
    assert "waiting --> chosen : - down" in mermaid(graph)


def test_equal_machines_do_not_differ() -> None:
    assert not diff(graph_of(Sample), graph_of(Sample)).differs


def test_versions() -> None:
    graph = diff(graph_of(Sample), graph_of(Sample_fixed))
    assert changes(graph) == {
        "down": "kept", "late": "removed", "empty": "changed", "read": "kept", "leave": "kept", "rest": "added",
    }  # fmt: skip
    empty = next(edge for edge in graph.edges if edge.name == "empty")
    assert [fact.text for fact in empty.facts] == [
        "- holding shared.lock",
        "- tell: self.shared.full = False",
        "+ tell: self.shared.sem.post()",
    ]
    assert graph.origin == "sample() (dir/a-b.c, v2.0.0) -> sample() (dir/a-b.c, v2.1.0)"


def test_an_arrow_that_moves_is_removed_and_added() -> None:
    old = graph_of(Sample)
    edges = tuple(replace(edge, target="chosen") if edge.name == "late" else edge for edge in old.edges)
    late = [edge for edge in diff(old, replace(old, edges=edges)).edges if edge.name == "late"]
    assert [(e.change, e.facts[0].text) for e in late] == [
        (Change.ADDED, "was waiting -> ended"),
        (Change.REMOVED, "now waiting -> chosen"),
    ]


def test_a_machine_that_one_side_lacks_is_all_added_or_removed() -> None:
    assert {edge.change for edge in diff(None, graph_of(Sample)).edges} == {Change.ADDED}
    assert {edge.change for edge in diff(graph_of(Sample), None).edges} == {Change.REMOVED}
    with pytest.raises(ValueError, match="at least one"):
        diff(None, None)


@pytest.mark.parametrize(("arrows", "states"), [(60, 20), (26, 20), (60, 1), (60, 2), (200, 12)])
def test_a_split_has_every_arrow_once(arrows: int, states: int) -> None:
    whole = ring(arrows, states)
    parts = split(whole)
    assert len(parts) > 1
    assert Counter(edge for part in parts for edge in part.edges) == Counter(whole.edges)
    assert all(0 < len(part.edges) <= MOST_ARROWS for part in parts)
    assert [part.part for part in parts] == [(i + 1, len(parts)) for i in range(len(parts))]


def test_states_of_other_parts_are_stubs() -> None:
    parts = split(ring(60))
    for part in parts:
        names = {node.name for node in part.nodes}
        assert all({edge.source, edge.target} <= names for edge in part.edges)
    homes = Counter(node.name for part in parts for node in part.nodes if not node.stub)
    assert homes == Counter(node.name for node in ring(60).nodes)
    stub = next(node for node in parts[0].nodes if node.stub)
    assert stub.doc.startswith("in part ")
    assert any("also reached in another part by arrow_" in node.doc for part in parts for node in part.nodes)
    assert split(ring(60)) == parts


def test_a_small_machine_is_not_split() -> None:
    assert split(ring(25)) == [ring(25)]
