"""The front door to search: plain Python while a search is small, then the native engine; or walks.

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
from ..spec.errors import UsageError
from .judge import Judge
from .learn import LearnedSteps
from .limits import NEVER, Limits, Progress, Strolled
from .options import ALONE, Options
from .reference import explore

if TYPE_CHECKING:
    from .graph import Graph

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
    runs: bool = False,
) -> Result:
    """Search every interleaving of `model`; or, if the order is one of walks, some of them.

    Args:
        properties: those to judge states by; the system's by default.
        notice: is told of what takes long and is not searching.
        runs: whether the properties of whole runs are decided as well, if every state is right.

    Returns: HOLDS if all states were visited and nothing is wrong; VIOLATED with a trace, the simplest one if the order
    is breadth first; INCONCLUSIVE if a limit or Ctrl-C came first, and after walks that found nothing.

    Raises:
        UsageError: the order has not what `limits` count.
    """
    options.check(limits)
    if runs and options.order != "breadth":
        raise UsageError(
            f"whole runs are decided on the complete graph, layer by layer, and order `{options.order}` has no layers; "
            "`--liveness` needs `breadth`"
        )
    if runs and options.symmetry:
        raise UsageError(
            "--liveness with --symmetry: a lasso of normal forms need not close among the real states, and fairness is "
            "about single threads, which normal forms exchange; leave one of them out"
        )
    if options.by_walks:
        return _walk(model, limits, progress, Judge(model, properties), options, notice)
    started = time.monotonic()
    learned, judge = LearnedSteps(model), Judge(model, properties)
    if options.order == "breadth" and not (options.checkpoint or options.reductions):
        small = min(SMALL, limits.states or SMALL)
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
    from .shorten import shorten, straightened
    from .walk import Atlas

    atlas = Atlas(result.model, judge)
    trace = straightened(result.model, result.trace)
    for state, _ in trace.replay(result.model):
        atlas.look(state)
    try:
        short = shorten(atlas, trace, result.problem, SHORTENING)
    except KeyboardInterrupt:
        return replace(result, trace=trace)
    walks = replace(result.walks, shortest=short.shortest)
    return replace(result, trace=short.trace, problem=short.problem, walks=walks)
