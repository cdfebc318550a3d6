"""`qmodel show` and `qmodel diff`: a system, and two versions of one, in tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from ..compose.library import build, find, machine_name, systems
from ..show.gallery import difference_pictures, differences, pairs
from ..show.sheet import machine_sheet, parts_of, sheet_of
from ..show.table import difference_text, field_difference, system_text
from .app import JSON, app, out, print_json
from .diagram import FORMAT, chosen, write

WIDTH = 100
"""What tables are laid out for, unless the terminal is narrower."""


@app.command()
def show(
    address: Annotated[str, typer.Argument(help="A system: thread-pool, thread-pool@271c0f68b4.")],
    machine: Annotated[str, typer.Argument(help="One machine or struct of it.")] = "",
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """The states, arrows, fields, scope and properties of a system, or one of its machines."""
    model = build(address)
    if machine:
        machine = machine_name(model.address, parts_of(model), machine)
    versions = [system for system in systems() if system.name == find(address).name]
    sheet = sheet_of(model, versions, machine)
    if as_json:
        print_json(asdict(sheet))
    else:
        _print(system_text(sheet, brief=bool(machine)))


@app.command("diff")
def compare(
    old: Annotated[str, typer.Argument(help="A system: thread-pool@v2.0.0.")],
    new: Annotated[str, typer.Argument(help="Another version of it: thread-pool@271c0f68b4.")],
    folder: Annotated[Path | None, typer.Option("--out", help="Also draw it, in this folder.")] = None,
    wanted: Annotated[str, FORMAT] = "all",
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """What differs between the machines of two systems."""
    one, two = build(old), build(new)
    found = differences(one, two)
    if as_json:
        print_json({"old": one.address, "new": two.address, "machines": [asdict(graph) for graph in found]})
    else:
        if not found:
            out.print("no machine differs")
        for graph in found:
            _print(difference_text(graph))
        for before, after in pairs(one, two, parts_of):
            if before and after and before is not after:
                _print(field_difference(machine_sheet(before), machine_sheet(after)))
    if folder is not None:
        write(folder, difference_pictures(one, two), chosen(wanted), wanted)


def _print(items: Iterable[RenderableType]) -> None:
    for item in items:
        out.print(item, soft_wrap=False, width=min(WIDTH, out.width))
