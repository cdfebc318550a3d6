"""What can go wrong, in three families, so that a caller need not guess.

* `SpecError`: the specification is wrong as text.  Found before anything runs; names file and line.
* `ModelError`: the specification is wrong as a model (a step that is too coarse, a counter that leaves its
  range).  Found while it runs; the verdict is an error, never a pass and never a race in QEMU.
* `Violation`: the modelled code is wrong.  This is what one searches for.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Location:
    """A place in a specification file."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class QModelError(Exception):
    """Base of everything that a user of qmodel can cause; shown as one message, never as a traceback."""


class UsageError(QModelError):
    """A request that makes no sense: an unknown system, a scope of zero, a token of another version."""


class SpecError(QModelError):
    """A wrong specification text: where, what, and what to write instead."""

    def __init__(self, where: Location | None, problem: str, remedy: str) -> None:
        self.where, self.problem, self.remedy = where, problem, remedy
        super().__init__(f"{where or '<unknown>'}: {problem}\n    {remedy}")


class StepError(Exception):
    """Base of what a single step of a model can raise.

    `kind` is the name of the rule that was broken; `message` says by whom and with what.
    """

    kind = "error"

    def __init__(self, message: str, kind: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if kind:
            self.kind = kind


class ModelError(StepError):
    """The specification breaks a rule of the form (granularity, bounds, guards that would spin)."""

    kind = "model error"


class Violation(StepError):
    """The modelled code breaks a rule of C, of POSIX threads, or a property."""

    kind = "violation"


class UseAfterFree(Violation):
    kind = "use after free"


class DoubleFree(Violation):
    kind = "double free"


class NullDereference(Violation):
    kind = "null dereference"


class IllegalMove(Violation):
    kind = "illegal move"


class LockDiscipline(Violation):
    kind = "lock discipline"


class AssertionViolation(Violation):
    kind = "assertion"
