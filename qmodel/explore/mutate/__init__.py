"""Mutation analysis: every machine proves that it can fail.

A mutant is one small change of one machine that models C.  The specification is good if a search of some small scope
tells each mutant from the original by a broken rule; what it cannot tell is listed, each with a reason.

`rewrite` changes the text of methods, `operators` lists what can be changed, `mutants` builds the changed systems,
`hunt` searches them, `suite` knows the scopes and the reasons.
"""

from .hunt import Fate, Outcome, Rung, hunt
from .mutants import Mutant, machines, mutants_of
from .suite import Excuse, Report, Suite, analyse, suite_for, suites

__all__ = [
    "Excuse", "Fate", "Mutant", "Outcome", "Report", "Rung", "Suite", "analyse", "hunt", "machines", "mutants_of",
    "suite_for", "suites",
]  # fmt: skip
