"""`qmodel crosscheck`: a second opinion from SPIN on verdicts and counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ..compose.library import build
from ..explore.expected import Run, runs
from ..explore.limits import Limits
from ..spec.errors import UsageError
from .app import INCONCLUSIVE, JSON, PARAMETERS, app, leave, out, print_json, scope_of
from .status import status

if TYPE_CHECKING:
    from ..explore.export.crosscheck import Comparison


@app.command()
def crosscheck(
    addresses: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SYSTEM[@VERSION]]...", help="What to compare; by default every quick known run."),
    ] = None,
    parameters: Annotated[list[str] | None, PARAMETERS] = None,
    checker: Annotated[str, typer.Option("--with", metavar="CHECKER", help="Who gives the second opinion.")] = "spin",
    max_states: Annotated[int | None, typer.Option(help="Give up after this many states.", min=1)] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Give up after this time, for each phase.", min=0.0)] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Let another model checker search the same systems; exit 1 if it disagrees on a verdict or a count."""
    from ..explore.export import spin
    from ..explore.export.crosscheck import compare

    if checker != "spin":
        raise UsageError(f"there is no checker `{checker}`; there is spin")
    if lacking := spin.missing():
        raise UsageError(lacking)
    wanted = [*_asked(addresses or [], scope_of(parameters))]
    found: list[Comparison] = []
    with status(str) as line:
        for title, address, scope, only in wanted:
            line(f"{len(found) + 1}/{len(wanted)} {title}")
            model = build(address, scope)
            claims = [model.property_named(only)] if only else None
            found.append(compare(title, model, Limits(states=max_states, seconds=max_seconds), claims))
    if as_json:
        print_json({"checker": checker, "comparisons": [comparison.document() for comparison in found]})
    else:
        out.print(_table(found), soft_wrap=False)
    opinions = {comparison.agrees for comparison in found}
    leave(1 if False in opinions else INCONCLUSIVE if None in opinions else 0)


def _asked(addresses: list[str], scope: dict[str, int]) -> Iterator[tuple[str, str, dict[str, int], str]]:
    """Title, address, scope and the one property to check, for everything to compare.

    Raises:
        UsageError: parameters are given, and no system that has them.
    """
    if scope and not addresses:
        raise UsageError("`-p` needs a system: `qmodel crosscheck SYSTEM -p NAME=VALUE`")
    for address in addresses:
        yield Run(address, scope, "", "", "", 0, 0, 0, 0, True).title, address, scope, ""
    if not addresses:
        yield from ((run.title, run.system, run.scope, run.only) for run in runs() if run.quick)


def _table(found: list[Comparison]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("system", "states", "SPIN's", "verdict", "SPIN's", "seconds", "SPIN's", ""):
        table.add_column(column, no_wrap=column != "system", justify="right" if column == "states" else "left")
    for comparison in found:
        ours, theirs = comparison.verdicts
        spin = comparison.theirs
        states, seconds = (f"{spin.states:,}", f"{spin.seconds:.1f}") if spin else ("-", "-")
        said = {True: "agree", False: "DISAGREE", None: comparison.stopped}[comparison.agrees]
        table.add_row(
            comparison.title, f"{comparison.ours.states:,}", states, ours.value, theirs.value,
            f"{comparison.seconds:.1f}", seconds, said,
        )  # fmt: skip
    return table
