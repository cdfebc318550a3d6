"""A machine as a Mermaid state diagram, which GitHub draws in place."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .diff import shortened
from .dot import MARK, SIGNS
from .graph import Change, Edge, Kind, MachineGraph, Node
from .wrap import wrapped

_STYLES = {
    Change.ADDED: "fill:#E6F5EC,stroke:#0B7A3B,stroke-width:3px",
    Change.REMOVED: "fill:#FBE9EA,stroke:#C1121F,stroke-dasharray:5 3",
    Change.CHANGED: "fill:#FDF1DC,stroke:#A15C00",
}


def mermaid(graph: MachineGraph) -> str:
    """`graph` as a `stateDiagram-v2`."""
    keys = graph.keys()
    lines = ["---", f"title: {json.dumps(graph.title)}", "---", f"%% {MARK}", "stateDiagram-v2", "    direction TB"]
    lines += [f"    {line}" for node in graph.nodes for line in _node(keys[node.name], node)]
    lines += [f"    {keys[edge.source]} --> {keys[edge.target]} : {_label(edge)}" for edge in graph.edges]
    lines += [f"    {keys[node.name]} --> [*]" for node in graph.nodes if node.final]
    lines += [f"    {line}" for line in _note(graph, keys)]
    lines += [f"    {line}" for line in _classes(graph, keys)]
    return "\n".join(lines) + "\n"


def _node(key: str, node: Node) -> Iterator[str]:
    marks = [
        text for text, marked in (("may rest here", node.quiescent), ("any arrow may be taken", node.choice)) if marked
    ]
    lines = [SIGNS.get(node.change, "") + node.name, *wrapped(node.doc, 30), *(f"({mark})" for mark in marks)]
    yield f'state "{"<br/>".join(map(_text, lines))}" as {key}'
    if node.initial:
        yield f"[*] --> {key}"


def _label(edge: Edge) -> str:
    facts = edge.texts(Kind.GUARD, Kind.OVER) if edge.change is Change.KEPT else [fact.text for fact in edge.facts]
    lines = [SIGNS.get(edge.change, "") + edge.name]
    lines += [line for text in shortened(facts) for line in wrapped(text, 36)]
    return "<br/>".join(map(_text, lines))


def _note(graph: MachineGraph, keys: dict[str, str]) -> Iterator[str]:
    about = [graph.origin or graph.doc, *(f"Not modelled: {note}" for note in graph.not_modelled)]
    if graph.explored:
        about.append(f"Who moves it was looked for in {'; '.join(graph.explored)}.")
    if any(about) and graph.nodes:
        lines = [_text(line) for text in about for line in wrapped(text, 60)]
        yield f"note right of {keys[graph.nodes[0].name]} : {'<br/>'.join(lines)}"


def _classes(graph: MachineGraph, keys: dict[str, str]) -> Iterator[str]:
    for change, style in _STYLES.items():
        marked = [keys[node.name] for node in graph.nodes if node.change is change]
        if marked:
            yield f"classDef {change} {style}"
            yield f"class {','.join(marked)} {change}"


_ENTITIES = {character: f"#{ord(character)};" for character in '#;"<>&{}[]%`\\:|'}


def _text(text: str) -> str:
    """What has a meaning for Mermaid, as entities; line breaks as spaces."""
    return "".join(_ENTITIES.get(character, character) for character in " ".join(text.split()))
