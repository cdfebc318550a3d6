"""Judging states: properties, deadlock, leaks, data races.  Every search asks this and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..compose.layout import poison_places
from ..compose.model import Model
from ..compose.properties import Property
from ..compose.result import Problem
from ..compose.step import Cells, Step
from ..compose.trace import Trace
from ..spec.errors import ModelError, StepError
from .learn import LearnedFunction


def _learned(model: Model, claim: Property) -> LearnedFunction[Problem | None]:
    """What is wrong with a state by `claim`, learned as steps are."""
    assert claim.holds is not None
    predicate = claim.holds

    def evaluate(cells: list[int]) -> Problem | None:
        overview = model.overview([])
        model.store.cells = cells
        try:
            holds = bool(predicate(overview))
        except StepError as error:
            return Problem(claim.name, f"{claim.says} (cannot be evaluated: {error.message})")
        return None if holds != (claim.kind == "never") else Problem(claim.name, claim.says)

    return LearnedFunction(evaluate)


class Judge:
    """Says what is wrong with a state of `model`, if anything.

    Attributes:
        properties: what it judges by, beside what every state is judged by.
        claims: those of them that say something about every state, in order; at_rest: about every quiescent one.
        claim_names, rest_names: what they are called.
    """

    def __init__(self, model: Model, properties: Sequence[Property] | None = None) -> None:
        self.model = model
        self.properties = chosen = tuple(model.properties if properties is None else properties)
        self.claims = [_learned(model, p) for p in chosen if p.kind in ("always", "never")]
        self.claim_names = [p.name for p in chosen if p.kind in ("always", "never")]
        self._about_runs = [p for p in chosen if p.about_runs]
        self.at_rest = [_learned(model, p) for p in chosen if p.kind == "at rest"]
        self.rest_names = [p.name for p in chosen if p.kind == "at rest"]

    def state(self, state: Cells) -> Problem | None:
        """The first property that `state` breaks by itself."""
        for claim in self.claims:
            problem = claim(state)
            if problem is not None:
                return problem
        return None

    def step(self, step: Step) -> Problem | None:
        """What the step itself did wrong."""
        if step.error is None:
            return None
        if isinstance(step.error, ModelError):
            return Problem(step.error.kind, f"{step.arrow.where}: {step.arrow.full_name}: {step.error.message}", True)
        return Problem(step.error.kind, step.error.message)

    def expansion(self, state: Cells, steps: list[Step]) -> Problem | None:
        """What only the steps out of `state` show: a deadlock, a bad rest, a data race."""
        if self.is_rest(steps):
            return self.rest(state)
        return self.race(steps)

    def end_of(self, trace: Trace) -> Problem | None:
        """What is wrong where `trace` ends: in its last step, its last state, or with what can follow.

        Of a lasso: what is wrong with the run without an end that it is.
        """
        if trace.loop is not None:
            from .liveness import judge_lasso

            return judge_lasso(self.model, trace, self._about_runs)
        state, last = self.model.initial(), None
        for _, last in trace.replay(self.model):
            state = last.state or state
        if last is not None and last.error is not None:
            return self.step(last)
        return self.state(state) or self.expansion(state, self.model.steps(state))

    def is_rest(self, steps: list[Step]) -> bool:
        return not any(step.reliable for step in steps)

    # -- nothing moves -----------------------------------------------------------------------------

    def rest(self, state: Cells) -> Problem | None:
        """What is wrong with coming to rest in `state`."""
        model = self.model
        stuck = [t for t in range(model.layout.thread_count) if not model.resting(state, t)]
        if stuck:
            return Problem("deadlock", "no thread can move: " + "; ".join(self._where(state, t) for t in stuck))
        for claim in self.at_rest:
            problem = claim(state)
            if problem is not None:
                return problem
        unfinished = model.unfinished(state)
        if unfinished:
            return Problem("exactly once", f"{unfinished} was neither completed nor cancelled, and nothing moves")
        leaked = self._leaked(state)
        return Problem("leak", f"{leaked} is allocated, and nothing points to it any more") if leaked else None

    def _where(self, state: Cells, thread: int) -> str:
        model = self.model
        kind, location = model.layout.pcs[model.pc(state, thread) - 1]
        doc = f" ({location.doc})" if location.doc else ""
        return f"{model.layout.thread_names[thread]} stays in {kind.__name__}.{location.name}{doc}"

    def _leaked(self, state: Cells) -> str | None:
        layout = self.model.layout
        reached = {(k, i) for k, o in layout.objects.items() for i in range(o.preallocated) if state[o.bases[i]]}
        pending = [(layout.objects[k].bases[i], layout.objects[k].pointers) for k, i in reached]
        for places in layout.stacks:
            bases = places[1 : 1 + state[places[0]]]
            pending += [(base, layout.processes[layout.pcs[state[base] - 1][0]].pointers) for base in bases]
        while pending:
            base, pointers = pending.pop()
            for field in pointers:
                table = self.model.store.tables[field.target]
                values = {state[base + place] for place in poison_places(field)} | _members(field, state, base)
                for target in (table[value] for value in values if 0 < value < len(table) - 1):
                    kind = type(target)._declared
                    if (kind, target._index) not in reached:
                        reached.add((kind, target._index))
                        pending.append((target._base, layout.objects[kind].pointers))
        for kind, objects in layout.objects.items():
            for index, base in enumerate(objects.bases):
                if state[base] and (kind, index) not in reached:
                    return objects.names[index]
        return None

    # -- two threads meet --------------------------------------------------------------------------

    def race(self, steps: list[Step]) -> Problem | None:
        """The first two steps that different threads can take here and that touch one place."""
        plain = self.model.plain
        touching = [(s, s.writes & plain, (s.reads | s.writes) & plain) for s in steps if (s.reads | s.writes) & plain]
        for i, (one, writes, touches) in enumerate(touching):
            for two, other_writes, other_touches in touching[i + 1 :]:
                if one.choice.thread == two.choice.thread or one.locks & two.locks:
                    continue
                met = (writes & other_touches) | (other_writes & touches)
                if met:
                    name = self.model.layout.slots[min(met)].name
                    describe = self.model.describe
                    return Problem(
                        "data race",
                        f"{describe(one.choice)} and {describe(two.choice)} touch {name} at the same time, and nothing "
                        "orders them; declare `guarded_by=` or, if C does this on purpose, `order=`",
                    )
        return None


def _members(field: Any, state: Cells, base: int) -> set[int]:
    count = getattr(field, "members", None)
    if count is None:
        return set()
    bits = state[base + field.offset]
    return {i + 1 for i in range(count) if bits >> i & 1}
