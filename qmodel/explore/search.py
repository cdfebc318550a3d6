"""The front door to search: plain Python while a search is small, then the native engine; or walks.

Importing numba takes longer than searching a few thousand states, so a small check never pays for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..compose.model import Model
from ..compose.properties import Property
from ..compose.result import Result
from .judge import Judge
from .learn import LearnedSteps
from .limits import NEVER, Limits, Progress, Strolled
from .options import ALONE, Options
from .reference import explore

SMALL = 4000
"""States that plain Python searches in about the time that it takes to import numba."""

SECONDS = 60.0
"""How long walks are made if nothing else ends them."""

SHORTENING = 3000
"""States that one search for a shorter trace than that of a walk may visit: about a second."""


def search(
    model: Model,
    limits: Limits = NEVER,
    progress: Callable[[Progress | Strolled], None] | None = None,
    properties: Sequence[Property] | None = None,
    options: Options = ALONE,
    notice: Callable[[str], None] = lambda text: None,
) -> Result:
    """Search every interleaving of `model`; or, if the order is one of walks, some of them.

    Args:
        properties: those to judge states by; the system's by default.
        notice: is told of what takes long and is not searching.

    Returns: HOLDS if all states were visited and nothing is wrong; VIOLATED with a trace, the simplest one if the order
    is breadth first; INCONCLUSIVE if a limit or Ctrl-C came first, and after walks that found nothing.

    Raises:
        UsageError: the order has not what `limits` count.
    """
    options.check(limits)
    if options.by_walks:
        return _walk(model, limits, progress, Judge(model, properties), options, notice)
    started = time.monotonic()
    learned, judge = LearnedSteps(model), Judge(model, properties)
    if options.order == "breadth":
        small = min(SMALL, limits.states or SMALL)
        result = explore(model, replace(limits, states=small), progress, learned, judge)
        if not result.stopped or result.states < SMALL or small == limits.states:
            return result
    from .native.engine import Engine

    return Engine(model, learned, judge, options, notice).run(limits, progress, started)


def _walk(
    model: Model,
    limits: Limits,
    progress: Callable[[Strolled], None] | None,
    judge: Judge,
    options: Options,
    notice: Callable[[str], None],
) -> Result:
    """Make walks; their time starts when the loops are ready."""
    from .native.walker import LONGEST, Walker

    seconds = SECONDS if limits.seconds is None and options.walks is None else limits.seconds
    walker = Walker(model, LearnedSteps(model), judge, options, limits.depth or LONGEST, notice)
    return _shortened(walker.run(Limits(seconds=seconds), progress), judge)


def _shortened(result: Result, judge: Judge) -> Result:
    """The result with a trace that is shorter than the walk, if one is near."""
    if result.trace is None or result.problem is None or result.walks is None:
        return result
    from .shorten import shorten, without_loops
    from .walk import Atlas

    atlas = Atlas(result.model, judge)
    trace = without_loops(result.model, result.trace)
    for state, _ in trace.replay(result.model):
        atlas.look(state)
    try:
        short = shorten(atlas, trace, result.problem, SHORTENING)
    except KeyboardInterrupt:
        return replace(result, trace=trace)
    walks = replace(result.walks, shortest=short.shortest)
    return replace(result, trace=short.trace, problem=short.problem, walks=walks)
