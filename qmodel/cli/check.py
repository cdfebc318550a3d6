"""`qmodel check`: every interleaving within a scope."""

from __future__ import annotations

from typing import Annotated

import typer

from ..compose.library import build
from ..compose.properties import Property
from ..compose.result import Result, Verdict
from ..explore.reference import Limits, Progress, explore
from ..show import verdict
from ..spec.errors import UsageError
from .app import JSON, PARAMETERS, app, leave, out, print_json, scope_of
from .status import status


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
    liveness: Annotated[
        bool, typer.Option("--liveness", help="Also look at whole runs: what must happen eventually, busy loops.")
    ] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Explore every interleaving; print the simplest trace that breaks a property."""
    limits = Limits(max_states, max_depth, max_seconds)
    model = build(address, scope_of(parameters))
    claims = [model.property_named(name) for name in only] if only else None
    if liveness and limits != Limits():
        raise UsageError(
            "--liveness needs the complete graph: with --max-states, --max-depth or --max-seconds edges are missing, "
            "so its cycles and its ends say nothing about runs; use a smaller scope instead (`-p`)"
        )
    if claims and not liveness and any(claim.about_runs for claim in claims):
        named = ", ".join(claim.name for claim in claims if claim.about_runs)
        raise UsageError(f"{named} is about whole runs; add --liveness")
    with status(_progress) as line:
        result = explore(model, limits, line, properties=claims)
    if liveness and result.verdict is Verdict.HOLDS:
        result = _decide(result, claims)
    if as_json:
        print_json(verdict.document(result))
        leave(result.exit_code)
    out.print(verdict.summary(result), markup=False)
    if result.trace is not None:
        out.print(f"\nThe simplest trace, {len(result.trace)} steps (* is the environment):\n", markup=False)
        out.print(verdict.trace_text(model, result.trace), markup=False)
    said = verdict.caveats(result)
    if said:
        out.print("\n" + said, markup=False, style="dim")
    leave(result.exit_code)


def _decide(safe: Result, claims: list[Property] | None) -> Result:
    from ..explore.liveness import decide  # numpy and scipy: only who asks for runs pays for them

    with status(lambda states: f"looking for cycles: {states:,} states") as line:
        return decide(safe, claims, line)


def _progress(at: Progress) -> str:
    rate = at.states / at.seconds if at.seconds else 0
    return f"{at.states:,} states, {rate:,.0f}/s, depth {at.depth}, frontier {at.frontier:,}, {at.seconds:.0f} s"
