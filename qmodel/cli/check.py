"""`qmodel check`: every interleaving within a scope, or random ones."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Annotated

import typer

from ..compose.library import build
from ..compose.properties import Property
from ..explore.audit import audit
from ..explore.limits import NEVER, Limits, Progress, Strolled
from ..explore.options import WALKS, Options, all_cores
from ..explore.search import profiled, search
from ..show import profile as profiles
from ..show import verdict
from ..spec.errors import UsageError
from .app import INTERNAL, JSON, PARAMETERS, app, leave, out, print_json, scope_of
from .status import notice, status


@app.command()
def check(
    address: Annotated[str, typer.Argument(metavar="SYSTEM[@VERSION]", help="What to check; see `qmodel list`.")],
    parameters: Annotated[list[str] | None, PARAMETERS] = None,
    max_states: Annotated[int | None, typer.Option(help="Give up after this many states.", min=1)] = None,
    max_depth: Annotated[int | None, typer.Option(help="Give up at this depth.", min=1)] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Give up after this time.", min=0.0)] = None,
    only: Annotated[
        list[str] | None, typer.Option("--property", metavar="NAME", help="Check only this property; may be repeated.")
    ] = None,
    max_memory: Annotated[int | None, typer.Option(help="Give up at this many MiB.", min=1)] = None,
    workers: Annotated[
        int | None, typer.Option(help="Threads that search, a power of two; as many as cores by default.", min=1)
    ] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Also say where the time and the states went.")] = False,
    profile_fields: Annotated[
        bool, typer.Option("--profile-fields", help="The same, and what each field of the state costs.")
    ] = False,
    spill: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Keep the states on disk, here.")] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Save the search here from time to time.")
    ] = None,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="How often to save it.", min=0.0)] = 30.0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint, if there is one.")] = False,
    por: Annotated[
        bool, typer.Option("--por", help="Partial-order reduction: of steps that nobody notices, one order.")
    ] = False,
    symmetry: Annotated[
        bool,
        typer.Option("--symmetry", help="Threads and objects of a pool are interchangeable: visit one of each kind."),
    ] = False,
    auditing: Annotated[
        bool, typer.Option("--audit", help="Also search without reductions, at a smaller scope if need be; compare.")
    ] = False,
    liveness: Annotated[
        bool, typer.Option("--liveness", help="Also look at whole runs: what must happen eventually, busy loops.")
    ] = False,
    order: Annotated[
        str,
        typer.Option(
            help="breadth or depth first; walk: random walks, pct: walks by random priorities, which prove nothing."
        ),
    ] = "breadth",
    walks: Annotated[int | None, typer.Option(help="How many walks to make; for 60 s by default.", min=1)] = None,
    seed: Annotated[int | None, typer.Option(help="Repeat the walks that printed this seed.", min=0)] = None,
    pct_depth: Annotated[
        int | None, typer.Option(help="Ordering constraints that a bug may need, for pct; 3 by default.", min=1)
    ] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Explore every interleaving; print the simplest trace that breaks a property.

    Random walks (--order walk, pct) explore some: finding nothing proves nothing, exit 7.
    """
    limits = Limits(max_states, max_depth, max_seconds, max_memory << 20 if max_memory else None)
    model = build(address, scope_of(parameters))
    claims = [model.property_named(name) for name in only] if only else None
    _check_runs(liveness, limits, claims, por)
    if order in WALKS and seed is None:
        seed = random.randrange(1 << 32)
    where = None
    options = Options(
        workers or all_cores(), spill, checkpoint, every, resume, por, order, seed, walks, pct_depth, symmetry
    )
    if auditing:
        options.check_audit()
    with status(_progress) as line:
        if profile or profile_fields:
            result, where = profiled(model, limits, line, claims, options, notice, liveness, profile_fields)
        else:
            result = search(model, limits, line, claims, options, notice, liveness)
        audited = audit(result, options, claims, line, notice) if auditing else None
    code = result.exit_code if audited is None or audited.agrees else INTERNAL
    if as_json:
        more = {"profile": profiles.document(where)} if where else {}
        more |= {"audit": verdict.audit_document(audited)} if audited else {}
        print_json(verdict.document(result) | more)
        leave(code)
    out.print(verdict.summary(result), markup=False)
    if result.trace is not None:
        out.print(f"\n{verdict.trace_title(result)} (* is the environment):\n", markup=False)
        out.print(verdict.trace_text(model, result.trace), markup=False)
    said = verdict.caveats(result)
    if said:
        out.print("\n" + said, markup=False, style="dim")
    if where:
        out.print("\n" + profiles.headline(where), markup=False)
        for section in profiles.sections(where):
            out.print(profiles.rendered(section), soft_wrap=False)
    if audited:
        out.print("\n" + verdict.audit_text(audited), markup=False)
    leave(code)


def _check_runs(liveness: bool, limits: Limits, claims: list[Property] | None, por: bool) -> None:
    """Refuse what would make a statement about whole runs unsound, or leave one out unsaid.

    Raises:
        UsageError: with the reason.
    """
    if liveness and limits != NEVER:
        raise UsageError(
            "--liveness needs the complete graph: with --max-states, --max-depth, --max-seconds or --max-memory edges "
            "are missing, so its cycles and its ends say nothing about runs; use a smaller scope instead (`-p`)"
        )
    if claims and not liveness and any(claim.about_runs for claim in claims):
        named = ", ".join(claim.name for claim in claims if claim.about_runs)
        raise UsageError(f"{named} is about whole runs; add --liveness")
    if liveness and por:
        raise UsageError(
            "--liveness with --por: the reduction keeps what single states show, not every run that puts a step off "
            "for ever; leave one of them out"
        )


def _progress(at: Progress | Strolled) -> str:
    if isinstance(at, Strolled):
        rate = at.steps / at.seconds if at.seconds else 0
        return f"{at.walks:,} walks, {at.steps:,} steps, {rate:,.0f}/s, {at.seconds:.0f} s"
    rate = at.states / at.seconds if at.seconds else 0
    memory = f", {at.memory / (1 << 20):,.0f} MiB" if at.memory else ""
    return (
        f"{at.states:,} states, {rate:,.0f}/s, depth {at.depth}, frontier {at.frontier:,}{memory}, {at.seconds:.0f} s"
    )
