"""`qmodel export`: a composed system, written for another model checker."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..compose.library import build
from ..explore.limits import Limits
from ..spec.errors import UsageError
from .app import INCONCLUSIVE, PARAMETERS, app, err, leave, scope_of


@app.command()
def export(
    address: Annotated[str, typer.Argument(metavar="SYSTEM[@VERSION]", help="What to export; see `qmodel list`.")],
    parameters: Annotated[list[str] | None, PARAMETERS] = None,
    as_promela: Annotated[bool, typer.Option("--promela", help="For SPIN.")] = False,
    as_tla: Annotated[bool, typer.Option("--tla", help="For TLC.")] = False,
    properties: Annotated[bool, typer.Option(help="With the properties; without them, only steps.")] = True,
    to: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write there, not to the terminal.")] = None,
    max_states: Annotated[int | None, typer.Option(help="Give up after this many states.", min=1)] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Give up after this time.", min=0.0)] = None,
) -> None:
    """Explore a system, and write what was learned as a Promela model or a TLA+ module."""
    from ..explore.export.crosscheck import explored
    from ..explore.export.promela import promela
    from ..explore.export.tla import tla

    if as_promela == as_tla:
        raise UsageError("say which language: `--promela` or `--tla`")
    model = build(address, scope_of(parameters))
    system = explored(model, Limits(states=max_states, seconds=max_seconds), None if properties else [])
    if system.stopped:
        err.print(f"nothing is written: {system.stopped}, and steps behind it are not known", markup=False)
        leave(INCONCLUSIVE)
    text = promela(system, properties) if as_promela else tla(system, properties, to.stem if to else "qmodel_export")
    if to:
        to.write_text(text, encoding="utf-8")
    else:
        typer.echo(text, nl=False)
