"""An audit: the same search with and without reductions, side by side."""

from __future__ import annotations

from dataclasses import dataclass

from .result import Result, Verdict


@dataclass(frozen=True)
class Audit:
    """Two searches of one system at one scope, which must find the same.

    Attributes:
        reductions: what the first one was reduced by.
        reduced, full: what they found; `full` is None if no scope was small enough.
    """

    reductions: tuple[str, ...]
    reduced: Result
    full: Result | None

    @property
    def compared(self) -> bool:
        """Whether both came to a verdict."""
        return self.full is not None and Verdict.INCONCLUSIVE not in (self.full.verdict, self.reduced.verdict)

    @property
    def agrees(self) -> bool:
        """Whether verdict, rule and length of the shortest trace are the same; nothing compared is no disagreement."""
        return not self.compared or self.full is None or finding(self.reduced) == finding(self.full)


def finding(result: Result) -> tuple[str, str, int]:
    """What no reduction may change: the verdict, the rule that is broken, and how long the shortest trace is."""
    return (
        result.verdict.value,
        result.problem.rule if result.problem else "",
        len(result.trace) if result.trace else 0,
    )
