"""Gated replay: a trace of the model, step by step on the real threads, and then whatever they do by themselves."""

from __future__ import annotations

from dataclasses import replace

from ..compose.model import Model
from ..compose.step import Choice
from ..compose.trace import Trace
from ..spec.errors import UsageError
from . import conformance
from .engine import Failure
from .report import RunReport, Settings
from .run import Run


def force(model: Model, trace: Trace, settings: Settings, then_free: bool = True, judged: bool = True) -> RunReport:
    """Force `trace` onto real threads.

    Args:
        model: what the trace is of; its address and scope replace those of `settings`.
        then_free: let the threads go on once the trace is over; else the run stops there.
        judged: stop at the first state that breaks a property, not only at a step that breaks a rule.

    Raises:
        UsageError: the trace is not a path of `model`, or the file cannot be made.
    """
    if not trace.choices:
        raise UsageError("this trace has no steps to force")
    for _ in trace.replay(model):
        pass
    run = Run(replace(settings, address=model.address, scope=dict(model.system.scope)), trace, then_free)
    if judged:
        run.on_commit = _Judge(model, run)
    return run.go()


class _Judge:
    """Looks at each state that the forced steps lead to, with a model of its own."""

    def __init__(self, model: Model, run: Run) -> None:
        self._model, self._run = model, run

    def __call__(self, choice: Choice) -> None:
        engine, gate = self._run.engine, self._run.gate
        if gate is None or gate.is_open:
            return
        problem = conformance.judge(self._model, engine.cells)
        if problem is not None:
            engine.fail(Failure(problem))
