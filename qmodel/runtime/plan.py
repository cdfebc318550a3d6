"""What a thread has to wait for in each location, worked out once from the arrows that leave it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..compose.model import Model
from ..compose.step import ArrowCode
from ..spec.errors import UsageError

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|min)$")
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}


@dataclass
class Location:
    """A state of a process, as a thread meets it.

    Attributes:
        process, state, doc: where it is, for a reader.
        codes: arrows that are tried at once; the one taken last comes first, which is sound because guards exclude
            each other.
        choice: the policy orders `codes`.
        wait: the arrow that waits for a primitive; timeout: the one that fires after `seconds`.
        external: the arrow that leaves the model.
    """

    process: str
    state: str
    doc: str
    codes: list[ArrowCode]
    choice: bool = False
    wait: ArrowCode | None = None
    timeout: ArrowCode | None = None
    seconds: float | None = None
    external: ArrowCode | None = None

    def __str__(self) -> str:
        return f"{self.process}.{self.state}" + (f" ({self.doc})" if self.doc else "")


def seconds_of(text: str) -> float:
    """ "10s" in seconds.

    Raises:
        UsageError: it is not a number with the unit ms, s or min.
    """
    found = _DURATION.match(text)
    if not found:
        raise UsageError(f"`after={text!r}` cannot be timed; write a number and ms, s or min")
    return float(found["number"]) * _UNITS[found["unit"]]


def plan(model: Model) -> list[Location]:
    """The location behind each program counter of `model`, less one.

    Raises:
        UsageError: a location waits in a way that real threads do not support.
    """
    return [
        _locate(kind, state, codes) for (kind, state), codes in zip(model.layout.pcs, model.codes, strict=True)
    ]  # fmt: skip


def _locate(kind: type, state: object, codes: list[ArrowCode]) -> Location:
    name, doc = str(getattr(state, "name", "")), str(getattr(state, "doc", ""))
    here = Location(kind.__name__, name, doc, [], choice=bool(getattr(state, "choice", False)))
    for code in codes:
        if code.blocks:
            _only(here, "wait", code)
        elif code.arrow.after is not None:
            _only(here, "timeout", code)
            here.seconds = seconds_of(code.arrow.after)
        elif code.arrow.external is not None:
            _only(here, "external", code)
        else:
            here.codes.append(code)
    special = [c for c in (here.wait or here.timeout, here.external) if c is not None]
    if len(special) + bool(here.codes) > 1:
        raise UsageError(f"{here}: waiting arrows and others leave one state, which real threads do not support")
    return here


def _only(here: Location, role: str, code: ArrowCode) -> None:
    if getattr(here, role) is not None:
        raise UsageError(f"{here}: two arrows of the kind `{role}` leave it, which real threads do not support")
    if role == "wait" and (code.holding or code.acquires):
        raise UsageError(
            f"{here}: `{code.name}` waits and takes a mutex in one step, which real threads do not support"
        )
    setattr(here, role, code)
