"""`qmodel list` and `qmodel doctor`: what there is, and whether this machine has what it needs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
from typing import Annotated

from rich.table import Table

from ..compose.library import systems
from .app import JSON, app, leave, out, print_json


@app.command("list")
def list_systems(as_json: Annotated[bool, JSON] = False) -> None:
    """The systems, their versions and their parameters."""
    if as_json:
        print_json(
            {
                "systems": [
                    {
                        "address": system.address(),
                        "says": _first_line(system.__doc__),
                        "scope": {name: scope.default for name, scope in system.scopes().items()},
                    }
                    for system in systems()
                ]
            }
        )
        return
    table = Table(box=None, pad_edge=False)
    for column in ("system", "what it is", "scope"):
        table.add_column(column, no_wrap=column == "system")
    for system in systems():
        scope = " ".join(f"{name}={s.default}" for name, s in system.scopes().items())
        table.add_row(system.address(), _first_line(system.__doc__), scope)
    out.print(table, soft_wrap=False)


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n")[0]


@app.command()
def doctor(as_json: Annotated[bool, JSON] = False) -> None:
    """Whether this machine has what each command needs; exit 1 if something required is missing."""
    findings = {
        "python": (platform.python_version(), True),
        "eventfd (qmodel run)": ("yes" if hasattr(os, "eventfd") else "missing: Linux only", hasattr(os, "eventfd")),
        "dot (SVG diagrams)": (shutil.which("dot") or "missing: apt-get install graphviz; DOT and Mermaid work", True),
        "spin (qmodel crosscheck)": (shutil.which("spin") or "missing: apt-get install spin", True),
        "C compiler (qmodel crosscheck)": (
            shutil.which("gcc") or shutil.which("cc") or "missing: apt-get install gcc",
            True,
        ),
    }
    for package in ("typer", "rich", "hypothesis", "networkx", "graphviz"):
        findings[package] = (importlib.metadata.version(package), True)
    findings["systems"] = (", ".join(dict.fromkeys(system.name for system in systems())), bool(systems()))
    if as_json:
        print_json({name: {"found": found, "ok": ok} for name, (found, ok) in findings.items()})
    else:
        for name, (found, ok) in findings.items():
            out.print(f"{'ok ' if ok else 'NO '} {name}: {found}", markup=False)
    leave(0 if all(ok for _, ok in findings.values()) else 1)
