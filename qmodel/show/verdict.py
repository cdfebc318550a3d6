"""A result for a reader, and the same as a JSON document."""

from __future__ import annotations

from typing import Any

from ..compose.audit import Audit, finding
from ..compose.digest import digest
from ..compose.model import Model
from ..compose.result import Result, Verdict
from ..compose.trace import Trace
from ..spec.records import not_modelled
from . import lanes


def scope_text(model: Model) -> str:
    return " ".join(f"{name}={value}" for name, value in model.system.scope.items())


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def summary(result: Result) -> str:
    """The verdict and how much was looked at."""
    model = result.model
    said = {
        Verdict.HOLDS: "nothing to check: no step is possible"
        if not result.transitions
        else f"every interleaving within this scope; {_count(result.coverage.at_rest, 'state')} at rest",
        Verdict.INCONCLUSIVE: f"{result.stopped}; nothing wrong so far, which proves nothing",
    }
    if result.problem is not None:
        where = "MODEL ERROR" if result.problem.in_model else result.verdict.value
        claim = f"{result.problem.rule}: {result.problem.message}"
    else:
        where, claim = result.verdict.value, said[result.verdict]
    runs = (
        f"\non every fair run: {', '.join(result.decided)}"
        if result.verdict is Verdict.HOLDS and result.decided
        else ""
    )
    return f"{model.address}  {scope_text(model)}\n{where}  {claim}{runs}\n{counts(result)}"


def counts(result: Result) -> str:
    """How much was looked at; of walks, also what repeats them."""
    walks, seconds = result.walks, result.seconds
    if walks is None:
        deep = f"longest path {result.depth}" if result.order == "depth" else f"depth {result.depth}"
        alike = f", up to symmetry of {result.symmetric}" if result.symmetric else ""
        return f"{result.states:,} states, {result.transitions:,} transitions, {deep}, {seconds:.1f} s{alike}"
    rate = f", {walks.steps / seconds:,.0f} steps/s" if seconds else ""
    return f"{_count(walks.number, 'walk')}, {walks.steps:,} steps{rate}, {seconds:.1f} s, seed {walks.seed}"


def trace_title(result: Result) -> str:
    """What the trace of a violation is, and whether a shorter one may exist."""
    assert result.trace is not None
    walks, steps = result.walks, _count(len(result.trace), "step")
    if walks is None and result.order == "breadth":
        return f"The simplest trace, {steps}"
    if walks is None:
        return f"The simplest trace through the states that were visited, {steps}; a shorter one may exist"
    shorter = "there is no shorter one" if walks.shortest else "a shorter one may exist"
    shortened = f", shortened from {walks.found}" if len(result.trace) < walks.found else ""
    return f"The trace of walk {walks.finder}, {steps}{shortened}; {shorter}"


def caveats(result: Result) -> str:
    """What the verdict does not cover: whole runs, steps never taken, and what the machines leave out."""
    parts = []
    if result.verdict is Verdict.HOLDS and result.undecided:
        parts.append("not looked at, since it is about whole runs (`--liveness`): " + ", ".join(result.undecided))
    if result.verdict is Verdict.HOLDS and result.vacuous:
        parts.append("holds because nothing within this scope asks for it: " + ", ".join(result.vacuous))
    if result.verdict is Verdict.HOLDS and result.unused:
        parts.append("never taken within this scope: " + ", ".join(result.unused))
    if result.walks and result.verdict is Verdict.INCONCLUSIVE and result.unused:
        parts.append("taken by no walk: " + ", ".join(result.unused))
    notes = omissions(result.model)
    if notes:
        parts.append("not modelled:\n" + "\n".join(f"  {name}: {note}" for name, note in notes.items()))
    return "\n".join(parts)


def omissions(model: Model) -> dict[str, str]:
    """For each machine of `model`, what its docstring says it leaves out."""
    kinds = [*model.layout.objects, *model.layout.processes]
    return {kind.__name__: " ".join(notes) for kind in kinds if (notes := not_modelled(kind))}


def audit_text(audit: Audit) -> str:
    """Whether a reduced search and a full one agree, or how they do not."""
    by = " and ".join(f"--{name}" for name in audit.reductions)
    if audit.full is None or not audit.compared:
        return f"audit of {by}: nothing to compare, since no search without it came to a verdict"
    where, sizes = scope_text(audit.full.model), f"{audit.full.states:,} states instead of {audit.reduced.states:,}"
    if audit.agrees:
        return f"audit of {by} at {where}: the same without it, {sizes}"
    found = f"{_finding(audit.reduced)} with it, {_finding(audit.full)} without it"
    return f"audit of {by} at {where}: THE REDUCTION IS WRONG: {found}, {sizes}"


def _finding(result: Result) -> str:
    verdict, rule, steps = finding(result)
    return f"{verdict} {rule} in {_count(steps, 'step')}" if rule else verdict


def audit_document(audit: Audit) -> dict[str, Any]:
    """The audit as JSON-ready data."""
    sides = {"reduced": audit.reduced, "full": audit.full}
    found = {
        side: {"scope": result.model.system.scope, "states": result.states, "finding": _finding(result)}
        for side, result in sides.items()
        if result is not None
    }
    return {"reductions": list(audit.reductions), "compared": audit.compared, "agrees": audit.agrees, **found}


def trace_text(model: Model, trace: Trace) -> str:
    """The lanes, and the line that replays them."""
    return f"{lanes.text(model, trace)}\n\nqmodel replay '{trace.token(model)}'"


def document(result: Result) -> dict[str, Any]:
    """The result as JSON-ready data."""
    model = result.model
    found: dict[str, Any] = {
        "system": model.address,
        "scope": model.system.scope,
        "digest": digest(model),
        "verdict": result.verdict.value,
        "complete": result.verdict is Verdict.HOLDS,
        "stopped": result.stopped,
        "order": result.order,
        **_document_of_counts(result),
        "seconds": round(result.seconds, 3),
        "states_at_rest": result.coverage.at_rest,
        "decided_on_runs": list(result.decided),
        "undecided_on_runs": result.undecided,
        "vacuous_on_runs": list(result.vacuous),
        "never_taken": result.unused,
        "not_modelled": omissions(model),
    }
    if result.problem is not None:
        found["problem"] = result.problem.document()
    if result.trace is not None:
        found["trace"] = trace_document(model, result.trace)
    return found


def _document_of_counts(result: Result) -> dict[str, Any]:
    walks = result.walks
    if walks is None:
        alike = {"up_to_symmetry_of": result.symmetric} if result.symmetric else {}
        return {"states": result.states, "transitions": result.transitions, "depth": result.depth, **alike}
    found = {"seed": walks.seed, "walks": walks.number, "steps": walks.steps, "longest_walk": result.depth}
    if walks.finder is None:
        return found
    return {**found, "walk": walks.finder, "length_of_walk": walks.found, "shortest": walks.shortest}


def trace_document(model: Model, trace: Trace) -> dict[str, Any]:
    """A trace as JSON-ready data: its token, each step as a reader sees it, and the one that its loop begins with."""
    steps = [
        {
            "thread": model.layout.thread_names[line.thread],
            "step": line.step,
            "function": line.function,
            "changes": list(line.changes),
            **({"error": line.error} if line.error else {}),
        }
        for line in lanes.lines(model, trace)
    ]
    return {"token": trace.token(model), "length": len(trace), "loop": trace.loop, "steps": steps}
