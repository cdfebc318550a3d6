"""`qmodel mutate`: whether the specification notices when a machine is wrong."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from ..explore.mutate import Fate, Mutant, Outcome, Report, analyse, suite_for
from .app import HOLDS, INCONCLUSIVE, JSON, NOTHING, VIOLATED, app, err, leave, out, print_json
from .status import status


@app.command()
def mutate(
    address: Annotated[str, typer.Argument(metavar="SYSTEM[@VERSION]", help="Whose machines to change.")],
    machine: Annotated[str | None, typer.Option(help="Only the mutants of this machine.")] = None,
    only_list: Annotated[bool, typer.Option("--list", help="List the mutants and hunt none.")] = False,
    max_seconds: Annotated[float | None, typer.Option(help="Stop hunting after this time.", min=0.0)] = None,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Change every machine in many small ways; show by which rule each change is noticed, and which is not."""
    suite = suite_for(address)
    mutants = suite.mutants(machine)
    if not mutants:
        err.print(f"{suite.address} has no mutants of its own; see {', '.join(suite.beyond)}", markup=False)
        leave(NOTHING)
    if only_list:
        _list(mutants, as_json)
        leave(HOLDS)
    with status(str) as line:
        report = analyse(suite, mutants, max_seconds, lambda n, count, mutant: line(f"{n + 1} of {count}: {mutant.id}"))
    if as_json:
        print_json(_document(report))
    else:
        _print(report)
    leave(INCONCLUSIVE if report.unfinished else VIOLATED if report.unexcused else HOLDS)


def _list(mutants: list[Mutant], as_json: bool) -> None:
    if as_json:
        print_json({"mutants": [_mutant(mutant) for mutant in mutants]})
        return
    for mutant in mutants:
        out.print(f"{mutant.where}  {mutant.id}", markup=False)


def _print(report: Report) -> None:
    table = Table("mutant", "killed by", "scope", "steps", "states", box=None, pad_edge=False)
    for outcome in report.of(Fate.KILLED):
        table.add_row(
            outcome.mutant.id, outcome.rule, str(outcome.rung), str(outcome.steps or "-"), str(outcome.states or "-")
        )  # fmt: skip
    out.print(table, markup=False)
    for outcome in report.survivors:
        excuse = report.excuse(outcome)
        reason = excuse.reason if excuse else "NOT EXCUSED in specs/mutation.toml"
        out.print(f"\n{outcome.fate.value}: {outcome.mutant.id} ({outcome.mutant.where})\n    {reason}", markup=False)
    out.print("\n" + _summary(report), markup=False)


def _summary(report: Report) -> str:
    counts = {fate: len(report.of(fate)) for fate in Fate}
    lines = [
        f"{report.suite.address}: {len(report.outcomes)} mutants, {counts[Fate.KILLED]} killed, "
        f"score {report.score:.1%}",
        f"{len(report.survivors)} survive, {len(report.unexcused)} of them without an excuse",
        f"{counts[Fate.SAME_GRAPH]} have the same graph as the original at every scope that reached them, "
        f"{counts[Fate.UNBORN]} are stillborn (not a program), "
        f"{counts[Fate.NOT_JUDGED]} drop a barrier and are not judged (no effect under sequential consistency)",
    ]
    lines += [f"stale excuse: {excuse.id}" for excuse in report.stale]
    lines += [f"{report.unfinished} were not hunted, the time was up"] if report.unfinished else []
    return "\n".join(lines)


def _document(report: Report) -> dict[str, Any]:
    return {
        "system": report.suite.address,
        "score": report.score,
        "scopes": [str(rung) for rung in report.suite.ladder],
        "counts": {fate.value: len(report.of(fate)) for fate in Fate},
        "unexcused": [outcome.mutant.id for outcome in report.unexcused],
        "stale_excuses": [excuse.id for excuse in report.stale],
        "not_hunted": report.unfinished,
        "mutants": [{**_mutant(o.mutant), **_fate(report, o)} for o in report.outcomes],
    }


def _mutant(mutant: Mutant) -> dict[str, Any]:
    return {"id": mutant.id, "operator": mutant.operator, "where": str(mutant.where)}


def _fate(report: Report, outcome: Outcome) -> dict[str, Any]:
    excuse = report.excuse(outcome) if outcome in report.survivors else None
    return {
        "fate": outcome.fate.value,
        "rule": outcome.rule,
        "message": outcome.message,
        "scope": str(outcome.rung) if outcome.rung else "",
        "steps": outcome.steps,
        "states": outcome.states,
        "excuse": excuse.reason if excuse else "",
    }
