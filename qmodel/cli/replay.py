"""`qmodel replay`: a token, step by step."""

from __future__ import annotations

from typing import Annotated

import typer

from ..compose.library import build
from ..compose.trace import read_token
from ..explore.judge import Judge
from ..show import verdict
from .app import JSON, VIOLATED, app, leave, out, print_json


@app.command()
def replay(
    token: Annotated[str, typer.Argument(help="The line that `qmodel check` printed after a trace.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Replay a trace and say what is wrong at its end; exit 1 if something is."""
    model, trace = read_token(token, build)
    problem = Judge(model).end_of(trace)
    if as_json:
        document = verdict.trace_document(model, trace)
        document["problem"] = {"rule": problem.rule, "says": problem.message} if problem else None
        print_json(document)
    else:
        out.print(f"{model.address}  {verdict.scope_text(model)}", markup=False)
        out.print(verdict.trace_text(model, trace), markup=False)
        out.print(f"\n{problem.rule}: {problem.message}" if problem else "\nnothing is wrong at its end", markup=False)
    leave(VIOLATED if problem else 0)
