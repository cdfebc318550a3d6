"""A trace is a list of choices; its states are recomputed by replay.  Its token is one line.

A run without an end is one too, a lasso: from some choice on, the choices lead back to the state there.
"""

from __future__ import annotations

import base64
import itertools
import re
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..spec.errors import UsageError
from .digest import digest
from .model import Model
from .step import Cells, Choice, Step

_TOKEN = re.compile(
    r"qm1:(?P<address>[^:]+):(?P<scope>[^:]*):(?P<digest>[0-9a-f]{8}):(?P<body>[\w=-]*)(?::(?P<loop>\d+))?$"
)

Way = tuple[int, tuple[Choice, ...]]
"""Context switches, and the choices: of two ways of one length, the smaller one is the simpler."""


@dataclass(frozen=True)
class Trace:
    """The choices that lead from the initial state of a model, or from `start`, somewhere.

    Attributes:
        loop: index of the choice from which on they repeat for ever, since the last one leads back to the state there;
            the number of choices if nothing follows, for ever; None for a run that just ends.
    """

    choices: tuple[Choice, ...]
    start: Cells | None = None
    loop: int | None = None

    def __len__(self) -> int:
        return len(self.choices)

    @property
    def simplicity(self) -> tuple[int, int, tuple[Choice, ...]]:
        """The one definition of "simpler": fewer steps, then fewer context switches, then lexicographic."""
        return len(self.choices), context_switches(self.choices), self.choices

    def replay(self, model: Model) -> Iterator[tuple[Cells, Step]]:
        """Each step, with the state before it.

        Raises:
            UsageError: a choice is not possible where it stands.
        """
        state = model.initial() if self.start is None else self.start
        for choice in self.choices:
            step = model.apply(state, choice)
            yield state, step
            if step.state is None:
                return
            state = step.state

    def states(self, model: Model) -> list[Cells]:
        """Every state on the way, the first one included.

        Raises:
            UsageError: a choice is not possible where it stands.
        """
        found = [model.initial() if self.start is None else self.start]
        return found + [step.state for _, step in self.replay(model) if step.state is not None]

    def check_loop(self, model: Model) -> None:
        """Whether the choices from `loop` on really lead back.

        Raises:
            UsageError: they do not, or there is no such choice.
        """
        if self.loop is None:
            return
        states = self.states(model)
        if not (self.loop < len(states) == len(self.choices) + 1 and states[self.loop] == states[-1]):
            raise UsageError(
                f"the loop of this trace does not close: its end is not the state before step {self.loop + 1}"
            )

    def token(self, model: Model) -> str:
        """One line that pastes into `qmodel replay`.

        Raises:
            UsageError: the trace starts elsewhere than in the initial state.
        """
        if self.start is not None:
            raise UsageError("a trace that starts in the middle of a run has no token; save the recording")
        scope = ",".join(f"{name}={value}" for name, value in model.system.scope.items())
        numbers = [number for state, step in self.replay(model) for number in _encode(model, state, step)]
        body = base64.urlsafe_b64encode(zlib.compress(bytes(numbers), 9)).decode()
        loop = "" if self.loop is None else f":{self.loop}"
        return f"qm1:{model.address}:{scope}:{digest(model)}:{body}{loop}"


def extend(way: Way, choice: Choice) -> Way:
    """`way` and one more choice."""
    switches, choices = way
    return switches + bool(choices and choices[-1].thread != choice.thread), (*choices, choice)


def context_switches(choices: Sequence[Choice]) -> int:
    """How often the running thread changes."""
    return sum(1 for one, two in itertools.pairwise(choices) if one.thread != two.thread)


def _encode(model: Model, state: Cells, step: Step) -> list[int]:
    codes = model.codes[model.pc(state, step.choice.thread) - 1]
    arrow = next(i for i, code in enumerate(codes) if code.name == step.choice.arrow)
    numbers = [step.choice.thread, arrow, len(step.choice.picks), *step.choice.picks]
    if max(numbers) > 255:
        raise UsageError("a trace with a choice among more than 256 options has no token; save it as JSON")
    return numbers


def read_token(token: str, make: Callable[[str, dict[str, int]], Model]) -> tuple[Model, Trace]:
    """The model and trace that `token` names; `make(address, scope)` builds the model.

    Raises:
        UsageError: it is not a token, or one of another version of the model, or its loop does not close.
    """
    found = _TOKEN.match(token.strip())
    if not found:
        raise UsageError("this is not a trace token; one starts with `qm1:` and is printed by `qmodel check`")
    try:
        pairs = [pair.split("=") for pair in found["scope"].split(",") if pair]
        scope = {name: int(value) for name, value in pairs}
        numbers = list(zlib.decompress(base64.urlsafe_b64decode(found["body"])))
    except (ValueError, zlib.error):
        raise UsageError("this trace token is damaged; copy the whole line") from None
    model = make(found["address"], scope)
    if digest(model) != found["digest"]:
        raise UsageError(
            f"this trace is of another version of {model.address} ({found['digest']}, here it is {digest(model)}); "
            "run `qmodel check` again"
        )
    trace = Trace(tuple(_decode(model, numbers)), loop=None if found["loop"] is None else int(found["loop"]))
    trace.check_loop(model)
    return model, trace


def _decode(model: Model, numbers: list[int]) -> Iterator[Choice]:
    state, place = model.initial(), 0
    try:
        while place < len(numbers):
            thread, arrow, count = numbers[place : place + 3]
            picks = tuple(numbers[place + 3 : place + 3 + count])
            place += 3 + count
            choice = Choice(thread, model.codes[model.pc(state, thread) - 1][arrow].name, picks)
            yield choice
            state = model.apply(state, choice).state or state
    except (IndexError, ValueError):
        raise UsageError("this trace token is damaged; copy the whole line") from None
