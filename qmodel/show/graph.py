"""A machine as a plain record: what every picture and table of it is a pure function of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*[a-z_]|[a-z]")  # not `s1`, which stands for a name that does not match
_RESERVED = frozenset(
    {"as", "class", "click", "default", "digraph", "direction", "edge", "end", "graph", "hide", "node", "note", "scale",
     "state", "strict", "style", "subgraph"}
)  # fmt: skip


class Kind(StrEnum):
    """What a line beside an arrow is about."""

    OVER = "over"
    GUARD = "guard"
    LOCK = "lock"
    BLOCKS = "blocks"
    EXTERNAL = "external"
    FENCE = "fence"
    CALLS = "calls"
    TRACE = "trace"
    MOVED_BY = "moved by"
    DIFFERENCE = "difference"


class Change(StrEnum):
    """What became of a state or an arrow between two versions; NONE in the picture of one version."""

    NONE = ""
    KEPT = "kept"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Fact:
    """One line beside an arrow: `holding pool.lock`."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Node:
    """A state.  A stub stands for a state that is drawn in another part of a split picture."""

    name: str
    doc: str = ""
    initial: bool = False
    final: bool = False
    quiescent: bool = False
    choice: bool = False
    stub: bool = False
    change: Change = Change.NONE


@dataclass(frozen=True)
class Edge:
    """An arrow from one of its sources; `code` is its guard and effect in Python, those of helpers included."""

    name: str
    source: str
    target: str
    facts: tuple[Fact, ...] = ()
    code: tuple[str, ...] = ()
    change: Change = Change.NONE

    def texts(self, *kinds: Kind) -> list[str]:
        """Its lines of these kinds."""
        return [fact.text for fact in self.facts if fact.kind in kinds]


@dataclass(frozen=True)
class MachineGraph:
    """A machine, a part of one, or two versions of one.

    Attributes:
        kind: "process" or "lifecycle".
        origin: C function (or struct), file and tag; "" for an environment.
        not_modelled: what the specification says that it leaves out.
        explored: the scopes in which the steps that perform a lifecycle's arrows were looked for.
        part: which part of how many, if the picture was split.
    """

    name: str
    kind: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    origin: str = ""
    doc: str = ""
    not_modelled: tuple[str, ...] = ()
    explored: tuple[str, ...] = ()
    part: tuple[int, int] = (1, 1)

    @property
    def title(self) -> str:
        number, parts = self.part
        return self.name if parts == 1 else f"{self.name} (part {number} of {parts})"

    def keys(self) -> dict[str, str]:
        """For each state, a name that DOT and Mermaid accept without quotes: its own, unless it means something."""
        return {
            node.name: node.name if _PLAIN_NAME.fullmatch(node.name) and node.name not in _RESERVED else f"s{number}"
            for number, node in enumerate(self.nodes)
        }

    @property
    def differs(self) -> bool:
        """Whether anything was added, removed or changed."""
        changes = {item.change for item in self.nodes} | {item.change for item in self.edges}
        return not changes <= {Change.NONE, Change.KEPT}
