"""The audit of a reduced search: the same system without any reduction, at the same scope or a smaller one.

A reduction is an argument about the whole system, and it is wrong silently: what was left out is not seen.  So it is
checked where both searches are possible.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from ..compose.audit import Audit
from ..compose.model import Model
from ..compose.properties import Property
from ..compose.result import INTERRUPTED, Result
from ..compose.system import System
from .limits import Limits, Progress, Strolled
from .options import Options
from .search import search

LARGEST = 2_000_000
"""States from which on a full search is too large, and a smaller scope is audited instead."""

Scope = dict[str, int]


def audit(
    reduced: Result,
    options: Options,
    properties: Sequence[Property] | None = None,
    progress: Callable[[Progress | Strolled], None] | None = None,
    notice: Callable[[str], None] = lambda text: None,
    largest: int = LARGEST,
) -> Audit:
    """Compare `reduced`, which a search with `options` found, with a search without reductions.

    Args:
        largest: states up to which the scope of `reduced` is audited; if there are more, a smaller one is, with a
            reduced search of its own.

    """

    def run(model: Model, how: Options) -> Result:
        return search(model, Limits(states=largest), progress, properties, how, notice)

    unsaved = replace(options, checkpoint=None, resume=False)
    for model in _ever_smaller(reduced.model):
        full = run(model, options.unreduced)
        if full.stopped == INTERRUPTED:
            break
        if not full.stopped:
            same = model.system.scope == reduced.model.system.scope
            return Audit(options.reductions, reduced if same else run(model, unsaved), full)
    return Audit(options.reductions, reduced, None)


def _ever_smaller(model: Model) -> Iterator[Model]:
    """`model`, and the same system at ever smaller scopes."""
    yield model
    kind, scope = type(model.system), smaller_scope(type(model.system), model.system.scope)
    while scope is not None:
        yield Model(kind(**scope))
        scope = smaller_scope(kind, scope)


def smaller_scope(kind: type[System], scope: Scope) -> Scope | None:
    """The next smaller scope: the largest number one less, of equal ones the last; None if all are smallest."""
    least = {name: declared.at_least for name, declared in kind.scopes().items()}
    room = [name for name in scope if scope[name] > max(least[name], 1)]
    if not room:
        return None
    name = max(reversed(room), key=lambda one: scope[one])
    return {**scope, name: scope[name] - 1}
