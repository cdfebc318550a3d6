"""`qmodel run`: the same machines on real threads, against a real file."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ..compose.library import build
from ..compose.trace import read_token
from ..runtime import conformance, report
from ..runtime.faults import FAULTS, parse_faults
from ..runtime.forced import force
from ..runtime.run import Run
from ..show import lanes
from ..spec.errors import UsageError
from .app import JSON, PARAMETERS, app, err, leave, out, print_json, scope_of
from .status import status

_FAULT_HELP = f"NAME=RATE, such as EIO=1%; may be repeated. Names: {', '.join(FAULTS)}."


@app.command()
def run(
    address: Annotated[str, typer.Argument(metavar="SYSTEM[@VERSION]", help="What to run: a version of thread-pool.")],
    file: Annotated[Path, typer.Option(help="The file to read and write; it is created.")],
    requests: Annotated[int, typer.Option(help="How many requests are submitted.")] = 1000,
    workers: Annotated[int, typer.Option(help="The largest number of worker threads.")] = 4,
    depth: Annotated[int, typer.Option(help="The largest number of requests in flight.")] = 16,
    cancel: Annotated[float, typer.Option(help="Percentage of submissions after which one is cancelled.")] = 0.0,
    seed: Annotated[int | None, typer.Option(help="Of all decisions that are not the scheduler's.")] = None,
    parameters: Annotated[list[str] | None, PARAMETERS] = None,
    fault: Annotated[list[str] | None, typer.Option(help=_FAULT_HELP)] = None,
    size: Annotated[int, typer.Option(help="Bytes of one transfer.")] = 4096,
    blocks: Annotated[int, typer.Option(help="Transfers that fit into the file; 0 is 1024 or more.", min=0)] = 0,
    record: Annotated[Path | None, typer.Option(help="Write the recorded windows there, as JSON lines.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that another program made.")] = False,
    trace: Annotated[str | None, typer.Option(help="A trace token: force it onto the threads first.")] = None,
    patience: Annotated[float, typer.Option(help="Seconds without a step after which a run is given up.")] = 60.0,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Run the processes on real threads; check data, counts, and that every recorded step exists in the model."""
    settings = report.Settings(
        file, address, requests, workers, depth, cancel / 100, _seed(seed), scope_of(parameters),
        parse_faults(fault or []), size, blocks, force, patience,
    )  # fmt: skip
    if record is not None:
        conformance.check_writable(record)
    done = _go(settings) if trace is None else _force(settings, trace)
    if record is not None:
        conformance.save(done.recording, record)
    if as_json:
        print_json(report.document(done))
    else:
        _print(done, record)
    leave(done.exit_code)


def _go(settings: report.Settings) -> report.RunReport:
    with status(_progress) as line:
        return Run(settings).go(line)


def _force(settings: report.Settings, token: str) -> report.RunReport:
    model, trace = read_token(token, build)
    if settings.address not in (model.address, model.system.name):
        raise UsageError(f"this trace is of {model.address}, not of {settings.address}")
    return force(model, trace, replace(settings, address=model.address))


def _seed(seed: int | None) -> int:
    return random.SystemRandom().randrange(1 << 32) if seed is None else seed


def _print(done: report.RunReport, record: Path | None) -> None:
    if "@" not in done.settings.address:
        err.print(f"{done.settings.address} is run as {done.model.address}: at v2.0.0, cancelling races", style="dim")
    out.print(report.text(done), markup=False)
    if done.latency.total:
        out.print("\nlatency from submission to callback, from:", *report.bars(done.latency), sep="\n", markup=False)
    if done.latest is not None:
        out.print(f"\nThe last {len(done.latest)} steps (* is the environment):\n", markup=False)
        out.print(lanes.text(done.model, done.latest), markup=False)
    if done.internal:
        err.print(done.internal, markup=False)
    if done.interrupted:
        err.print("interrupted")
    if record is not None:
        out.print(f"\n{len(done.recording.windows)} windows are in {record}; qmodel replay {record}", markup=False)


def _progress(at: Run) -> str:
    submitted, steps = at.workload.counts["submitted"], at.engine.commits
    return f"{submitted:,} of {at.settings.requests:,} requests submitted, {steps:,} steps"
