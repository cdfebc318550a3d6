"""The front door to exhaustive search: plain Python while a search is small, then the native engine.

Importing numba takes longer than searching a few thousand states, so a small check never pays for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..compose.model import Model
from ..compose.profile import Budget, Profile
from ..compose.properties import Property
from ..compose.result import INTERRUPTED, Result, Verdict
from .judge import Judge
from .learn import LearnedSteps
from .limits import NEVER, Limits, Progress
from .options import ALONE, Options
from .reference import explore

if TYPE_CHECKING:
    from .graph import Graph

SMALL = 4000
"""States that plain Python searches in about the time that it takes to import numba."""


def search(
    model: Model,
    limits: Limits = NEVER,
    progress: Callable[[Progress], None] | None = None,
    properties: Sequence[Property] | None = None,
    options: Options = ALONE,
    notice: Callable[[str], None] = lambda text: None,
    runs: bool = False,
) -> Result:
    """Search every interleaving of `model`, breadth first.

    Args:
        properties: those to judge states by; the system's by default.
        notice: is told of what takes long and is not searching.
        runs: whether the properties of whole runs are decided as well, if every state is right.

    Returns: HOLDS if all states were visited and nothing is wrong; VIOLATED with the simplest trace, as soon as a
    layer shows a problem; INCONCLUSIVE if a limit or Ctrl-C came first.
    """
    started = time.monotonic()
    learned, judge = LearnedSteps(model), Judge(model, properties)
    small = min(SMALL, limits.states or SMALL)
    if not (options.checkpoint or options.por):
        result = explore(model, replace(limits, states=small), progress, learned, judge)
        if not result.stopped or result.states < SMALL or small == limits.states:
            return _decided(result, properties) if runs else result
    from .native.engine import Engine
    from .native.graph import graph_of

    engine = Engine(model, learned, judge, options, notice)
    result = engine.run(limits, progress, started)
    return _decided(result, properties, lambda: graph_of(engine)) if runs else result


GROWTH = Budget(states=1_000_000, seconds=30.0)
"""What a profile spends on other scopes; a search of more states grants each of them as many."""


def profiled(
    model: Model,
    limits: Limits = NEVER,
    progress: Callable[[Progress], None] | None = None,
    properties: Sequence[Property] | None = None,
    options: Options = ALONE,
    notice: Callable[[str], None] = lambda text: None,
    runs: bool = False,
    every_field: bool = False,
    budget: Budget = GROWTH,
) -> tuple[Result, Profile]:
    """`search`, always by the native engine, and where it went.

    Args:
        every_field: also say what each plain field costs, not only ghosts.
        budget: for searches at other scopes; they are skipped after Ctrl-C.
    """
    from .growth import Scopes, growth
    from .native.engine import Engine
    from .native.graph import graph_of
    from .native.profile import bytes_a_state, profile_of

    def engine_of(other: Model, options: Options) -> Engine:
        return Engine(other, LearnedSteps(other), Judge(other, properties), options, notice)

    def elsewhere(other: Model, within: Limits) -> Result:
        unsaved = replace(options, checkpoint=None, resume=False)
        return engine_of(other, unsaved).run(replace(within, memory=limits.memory))

    engine = engine_of(model, options)
    found = engine.run(limits, progress)
    spent = Budget(max(budget.states, found.states), budget.seconds if found.stopped != INTERRUPTED else 0.0)
    scopes = Scopes(model, found, elsewhere, spent)
    profile = profile_of(engine, found, every_field, growth(scopes, bytes_a_state(engine)), spent)
    return _decided(found, properties, lambda: graph_of(engine)) if runs else found, profile


def _decided(
    safe: Result, properties: Sequence[Property] | None, explored: Callable[[], Graph] | None = None
) -> Result:
    if safe.verdict is not Verdict.HOLDS:
        return safe
    from .liveness import decide  # numpy and scipy: only who asks for runs pays for them

    return decide(safe, properties, explored=explored)
