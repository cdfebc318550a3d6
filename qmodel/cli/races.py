"""`qmodel races` and `qmodel manifest`: the historical races, and all known numbers, found again."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from ..compose.result import Result, Verdict
from ..explore.expected import Race, Run, race, races, rewrite, runs
from ..show import verdict
from .app import JSON, VIOLATED, app, err, leave, out, print_json


@app.command("races")
def show_races(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Which races; all by default.")] = None,
    trace: Annotated[str, typer.Option(metavar="ID", help="Also print the trace of this one.")] = "",
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Find each historical race before its fix, and verify the fix; exit 1 if one is missed."""
    chosen = [race(name) for name in ids] if ids else races()
    if trace and trace not in [found.id for found in chosen]:
        chosen.append(race(trace))
    table = Table(box=None, pad_edge=False, expand=False)
    for column in ("race", "", "system", "verdict", "steps", "states", "s"):
        table.add_column(column, justify="right" if column in ("steps", "states", "s") else "left", overflow="fold")
    documents, missed, shown = [], 0, ""
    for found in chosen:
        before, after = found.before.search(), found.after.search()
        missed += not _confirmed(found, before, after)
        documents.append(_document(found, before, after))
        table.add_row(found.id, "before", *_row(found.before, before))
        table.add_row("", "after", *_row(found.after, after), end_section=True)
        if found.id == trace and before.trace is not None:
            shown = f"{found.id}: {found.title} ({found.commit})\n\n{verdict.summary(before)}\n\n"
            shown += verdict.trace_text(before.model, before.trace)
    if as_json:
        print_json({"races": documents, "missed": missed})
    else:
        if shown:
            out.print(shown + "\n", markup=False)
        out.print(table, soft_wrap=False)
        if missed:
            err.print(f"{missed} of {len(chosen)} races were missed", markup=False)
    leave(VIOLATED if missed else 0)


def _confirmed(found: Race, before: Result, after: Result) -> bool:
    rule = before.problem.rule if before.problem else ""
    return before.verdict is Verdict.VIOLATED and rule == found.before.rule and after.verdict is Verdict.HOLDS


def _row(run: Run, result: Result) -> list[str]:
    said = f"{result.verdict.value} {result.problem.rule if result.problem else ''}"
    steps = str(len(result.trace)) if result.trace else ""
    return [run.title, said, steps, f"{result.states:,}", f"{result.seconds:.1f}"]


def _document(found: Race, before: Result, after: Result) -> dict[str, object]:
    return {
        "id": found.id,
        "title": found.title,
        "commit": found.commit,
        "found": _confirmed(found, before, after),
        "before": verdict.document(before),
        "after": verdict.document(after),
    }


@app.command()
def manifest(
    quick: Annotated[bool, typer.Option("--quick", help="Only the small ones.")] = False,
    update: Annotated[bool, typer.Option("--update", help="Write what was measured into the file.")] = False,
    as_json: Annotated[bool, JSON] = False,
) -> None:
    """Search every known system and scope again; exit 1 if a verdict or a number differs."""
    documents, measured = [], []
    for known in runs():
        found = known if quick and not known.quick else known.measured(known.search())
        measured.append(found)
        if found is not known:
            documents.append({"run": known.title, "same": found == known, **_difference(known, found)})
            if not as_json:
                out.print(_line(known, found), markup=False)
    if as_json:
        print_json({"runs": documents})
    if update:
        rewrite(measured)
    leave(VIOLATED if measured != runs() else 0)


def _difference(known: Run, found: Run) -> dict[str, list[object]]:
    names = ("verdict", "rule", "steps", "states", "transitions", "depth")
    return {n: [getattr(known, n), getattr(found, n)] for n in names if getattr(known, n) != getattr(found, n)}


def _line(known: Run, found: Run) -> str:
    differs = "; ".join(f"{name} {old} -> {new}" for name, (old, new) in _difference(known, found).items())
    return f"{'same   ' if not differs else 'DIFFERS'} {known.title}: {differs or found.verdict + ' ' + found.rule}"
