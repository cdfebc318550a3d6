"""`qmodel replay`: a token step by step, or the recording of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..compose.library import build
from ..compose.trace import read_token
from ..explore.judge import Judge
from ..runtime import conformance
from ..show import verdict
from .app import JSON, VIOLATED, app, leave, out, print_json


@app.command()
def replay(
    what: Annotated[str, typer.Argument(metavar="TOKEN|FILE", help="What `check` printed, or what `run` recorded.")],
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Replay a trace and say what is wrong at its end, or a recording and whether the model allows it."""
    if conformance.is_recording(Path(what)):
        _recording(Path(what), as_json)
    _trace(what, as_json)


def _recording(path: Path, as_json: bool) -> None:
    report = conformance.replay_recording(path)
    if as_json:
        print_json(report.document())
    else:
        out.print(str(report), markup=False)
    leave(report.exit_code)


def _trace(token: str, as_json: bool) -> None:
    model, trace = read_token(token, build)
    problem = Judge(model).end_of(trace)
    if as_json:
        document = verdict.trace_document(model, trace)
        document["problem"] = problem.document() if problem else None
        print_json(document)
    else:
        out.print(f"{model.address}  {verdict.scope_text(model)}", markup=False)
        out.print(verdict.trace_text(model, trace), markup=False)
        out.print(f"\n{problem.rule}: {problem.message}" if problem else "\nnothing is wrong at its end", markup=False)
    leave(VIOLATED if problem else 0)
