"""Which pictures there are of which systems, where they go, and the index of them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from ..compose.model import Model
from ..spec.records import Lifecycle
from .diff import diff
from .dot import dot
from .graph import Change, MachineGraph
from .machine import family_of, graph_of, is_machine
from .mermaid import mermaid
from .split import split
from .survey import Survey

FORMATS = ("dot", "mermaid", "svg")
SUFFIXES = {"dot": "dot", "mermaid": "mmd", "svg": "svg"}


@dataclass(frozen=True)
class Picture:
    """One picture, or one part of one: a folder, a file name without suffix, and what is drawn."""

    folder: str
    name: str
    graph: MachineGraph

    @property
    def stem(self) -> str:
        return f"{self.folder}/{self.name}"

    def texts(self) -> dict[str, str]:
        """Its DOT and its Mermaid text, by file."""
        return {f"{self.stem}.dot": dot(self.graph), f"{self.stem}.mmd": mermaid(self.graph)}


def machines_of(model: Model) -> list[type]:
    """The machines of a system: its processes in the order of calls, then its lifecycles."""
    return [kind for kind in (*model.layout.processes, *model.layout.objects) if is_machine(kind)]


def pictures_of(folder: str, graph: MachineGraph, name: str = "") -> list[Picture]:
    """The pictures of one graph: several if it has too many arrows."""
    parts = split(graph)
    if len(parts) == 1:
        return [Picture(folder, name or graph.name, graph)]
    return [Picture(folder, f"{name or graph.name}.{number}", part) for number, part in enumerate(parts, 1)]


def drawn(machine: type, survey: Survey) -> MachineGraph:
    """The graph of `machine`, with who moves it if a search looked for that."""
    explored = survey.explored(machine)
    return graph_of(machine, survey.movers if explored else None, explored)


def system_pictures(model: Model, survey: Survey, only: str = "") -> list[Picture]:
    """Every machine of a system, or the one that is called `only`."""
    return [
        picture
        for machine in machines_of(model)
        if only in ("", machine.__name__)
        for picture in pictures_of(model.system.name, drawn(machine, survey))
    ]


def gallery(models: Iterable[Model], survey: Survey) -> list[Picture]:
    """Every machine of all systems once, in the folder of the first system that has it.

    A version of a machine is drawn as the difference to the machine that it replaces.
    """
    found: list[Picture] = []
    known: set[type] = set()
    for model in models:
        replaced = {new: old for old, new in model.system.replacements().items()}
        for machine in machines_of(model):
            if machine in known:
                continue
            known.add(machine)
            old = replaced.get(machine, family_of(machine))
            graph = drawn(machine, survey)
            if old is not machine:
                graph = diff(drawn(old, survey), graph)
            found += pictures_of(model.system.name, graph, machine.__name__)
    return sorted(found, key=lambda picture: picture.folder)


# -- two versions ----------------------------------------------------------------------------------


def pairs(
    old: Model, new: Model, parts: Callable[[Model], list[type]] = machines_of
) -> Iterator[tuple[type | None, type | None]]:
    """The machines of two systems beside each other, versions of one machine together; None where one has none."""
    rest = parts(new)
    for machine in parts(old):
        related = [other for other in rest if family_of(other) is family_of(machine)]
        partner = machine if machine in related else next(iter(related), None)
        if partner is not None:
            rest.remove(partner)
        yield machine, partner
    for machine in rest:
        yield None, machine


def differences(old: Model, new: Model) -> list[MachineGraph]:
    """The machines that differ between two systems, each as one graph of both versions."""
    graphs = [
        diff(graph_of(one) if one else None, graph_of(two) if two else None)
        for one, two in pairs(old, new)
        if one is not two
    ]
    return [graph for graph in graphs if graph.differs]


def difference_pictures(old: Model, new: Model) -> list[Picture]:
    folder = f"{old.address}..{new.address}"
    return [
        picture
        for graph in differences(old, new)
        for picture in pictures_of(folder, graph, graph.name.split(" -> ")[-1])
    ]


def has_lifecycle(model: Model, only: str = "") -> bool:
    """Whether one of the machines to be drawn is moved by steps, which a search has to find."""
    return any(issubclass(machine, Lifecycle) for machine in machines_of(model) if only in ("", machine.__name__))


# -- index -----------------------------------------------------------------------------------------


def index(pictures: Iterable[Picture]) -> str:
    """`README.md` of a folder of pictures."""
    lines = [
        "# The machines in pictures",
        "",
        "Generated by `make diagrams` from `specs/`; do not edit. Every machine is here once, in the folder of the",
        "first system that has it. A later version of a machine is drawn as the difference to what it replaces.",
    ]
    folder = ""
    for picture in pictures:
        if picture.folder != folder:
            folder = picture.folder
            lines += [
                "",
                f"## {folder}",
                "",
                "| machine | models | states | arrows | text |",
                "|---|---|---|---|---|",
            ]
        graph, stem = picture.graph, picture.stem
        states = _count([node.change for node in graph.nodes if not node.stub])
        arrows = _count([edge.change for edge in graph.edges])
        lines.append(
            f"| [{graph.title}]({stem}.svg) | {graph.origin or 'environment'} | {states} | {arrows} "
            f"| [Mermaid]({stem}.mmd), [DOT]({stem}.dot) |"
        )
    return "\n".join(lines) + "\n"


def _count(changes: list[Change]) -> str:
    """How many; between versions, how many of each change."""
    if not any(changes):
        return str(len(changes))
    return ", ".join(f"{changes.count(change)} {change}" for change in Change if change and change in changes)
