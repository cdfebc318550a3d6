"""`qmodel fuzz`: random schedules by Hypothesis, for scopes that are too large to exhaust."""

from __future__ import annotations

import random
from typing import Annotated, Any

import typer

from ..compose.digest import digest
from ..compose.library import build
from ..show import verdict
from .app import JSON, PARAMETERS, app, leave, out, print_json, scope_of
from .status import status


@app.command()
def fuzz(
    address: Annotated[str, typer.Argument(metavar="SYSTEM[@VERSION]", help="What to fuzz; see `qmodel list`.")],
    parameters: Annotated[list[str] | None, PARAMETERS] = None,
    examples: Annotated[
        int, typer.Option(help="How many examples Hypothesis generates; a rare race may need more.", min=1)
    ] = 100,
    steps: Annotated[int, typer.Option(help="The longest walk, in steps.", min=1)] = 200,
    seed: Annotated[int | None, typer.Option(help="Repeat the fuzz that printed this seed.", min=0)] = None,
    seconds: Annotated[float | None, typer.Option(help="Stop after this time.", min=0.0)] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Walk at random; shrink the first violation.  Finding nothing proves nothing: exit 7."""
    from ..explore.fuzz import FuzzReport
    from ..explore.fuzz import fuzz as run

    model = build(address, scope_of(parameters))
    seed = random.randrange(1 << 32) if seed is None else seed
    with status(_progress) as line:
        report: FuzzReport = run(model, seed=seed, examples=examples, steps=steps, seconds=seconds, progress=line)
    if as_json:
        print_json(_document(report))
        leave(report.exit_code)
    out.print(_summary(report), markup=False)
    if report.trace is not None:
        lengths = " -> ".join(map(str, report.lengths))
        kept = "there is no shorter one" if report.shortest else "a shorter one may exist"
        out.print(f"\nThe trace, shrunk {lengths} steps; {kept} (* is the environment):\n", markup=False)
        out.print(verdict.trace_text(model, report.trace), markup=False)
    elif report.unused:
        out.print("\nnever taken: " + ", ".join(report.unused), markup=False, style="dim")
    leave(report.exit_code)


def _summary(report: Any) -> str:
    """The verdict, how much was looked at, and the seed that repeats it."""
    counts = (
        f"{report.examples:,} examples and {report.attempts:,} to shrink, {report.steps:,} steps, "
        f"{report.states:,} states, {report.seconds:.1f} s, seed {report.seed}"
    )
    if report.problem is None:
        said = f"INCONCLUSIVE  {report.stopped}; nothing wrong so far, which proves nothing"
    else:
        where = "MODEL ERROR" if report.problem.in_model else "VIOLATED"
        said = f"{where}  {report.problem.rule}: {report.problem.message}"
    return f"{report.model.address}  {verdict.scope_text(report.model)}\n{said}\n{counts}"


def _document(report: Any) -> dict[str, Any]:
    model = report.model
    found: dict[str, Any] = {
        "system": model.address,
        "scope": model.system.scope,
        "digest": digest(model),
        "verdict": report.verdict.value,
        "complete": False,
        "stopped": report.stopped,
        "seed": report.seed,
        "examples": report.examples,
        "attempts": report.attempts,
        "steps": report.steps,
        "states": report.states,
        "seconds": round(report.seconds, 3),
        "never_taken": report.unused,
        "not_modelled": verdict.omissions(model),
    }
    if report.problem is not None and report.trace is not None:
        found["problem"] = report.problem.document()
        found["trace"] = verdict.trace_document(model, report.trace)
        found["lengths"] = {"found": report.lengths[0], "shrunk": report.lengths[1], "shortened": report.lengths[2]}
        found["shortest"] = report.shortest
    return found


def _progress(at: Any) -> str:
    shrinking = f", shrinking: {at.shrinking} steps" if at.shrinking is not None else ""
    return f"{at.examples:,} examples, {at.steps:,} steps, {at.states:,} states, {at.seconds:.0f} s{shrinking}"
