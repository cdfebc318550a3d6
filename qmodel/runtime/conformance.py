"""Does what happened on real threads exist in the model?  Each recorded window must be a path of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..compose.digest import digest
from ..compose.library import build
from ..compose.model import Model
from ..compose.properties import Property
from ..compose.result import Problem
from ..compose.step import Cells, Choice, Step
from ..spec.errors import StepError, UsageError
from .recorder import Recording, Window

FORMAT = "qmodel recording 1"


@dataclass(frozen=True)
class Report:
    """How far the windows of a recording are paths of the model.

    Attributes:
        windows, steps: what was replayed; commits: how many steps the run had.
        problem: the first thing that does not fit; None if everything does.
    """

    address: str
    windows: int
    steps: int
    commits: int
    problem: Problem | None = None

    @property
    def exit_code(self) -> int:
        return 0 if self.problem is None else 1

    def document(self) -> dict[str, Any]:
        """The report as JSON-ready data."""
        said = self.problem.document() if self.problem else None
        counts = {"windows": self.windows, "steps": self.steps, "commits": self.commits}
        return {"system": self.address, "accepted": self.problem is None, **counts, "problem": said}

    def __str__(self) -> str:
        if self.problem is not None and self.problem.rule == "conformance":
            return f"REJECTED  {self.problem.message}"
        if self.problem is not None:
            return f"VIOLATED  {self.problem.rule} {self.problem.message}"
        return f"ACCEPTED  {self.windows} windows, {self.steps} of {self.commits} steps are a path of {self.address}"


def check(recording: Recording, model: Model | None = None) -> Report:
    """Replay every window of `recording` on a fresh model, step by step, with the properties of each state.

    Raises:
        UsageError: the recording is of another version of the model.
    """
    model = model or build(recording.address, recording.scope)
    if digest(model) != recording.digest:
        raise UsageError(
            f"this recording is of another version of {model.address} ({recording.digest}, here it is "
            f"{digest(model)}); run it again"
        )
    report = Report(model.address, 0, 0, recording.commits)
    for window in recording.windows:
        problem = _replay(model, window)
        if problem is not None:
            return replace(report, problem=problem)
        report = replace(report, windows=report.windows + 1, steps=report.steps + len(window))
    return report


def judge(model: Model, state: Cells | list[int], kinds: tuple[str, ...] = ("always", "never")) -> Problem | None:
    """The first property of one of `kinds` that `state` breaks."""
    overview = model.overview(state)
    for claim in model.properties:
        if claim.kind in kinds and not _holds(claim, overview):
            return Problem(claim.name, claim.says)
    return None


def _holds(claim: Property, overview: Any) -> bool:
    assert claim.holds is not None
    try:
        return bool(claim.holds(overview)) != (claim.kind == "never")
    except StepError:
        return False


# -- one window ------------------------------------------------------------------------------------


def _replay(model: Model, window: Window) -> Problem | None:
    state: Cells = tuple(window.before)
    if window.first == 0 and state != model.initial():
        return Problem("conformance", f"the run starts elsewhere: {_difference(model, model.initial(), state)}")
    for place, (choice, changes) in enumerate(zip(window.choices, window.changes, strict=True)):
        number = window.first + place + 1
        expected = _changed(state, changes)
        step = _apply(model, state, choice, number)
        if isinstance(step, Problem):
            return step
        assert step.state is not None
        if step.state != expected:
            return Problem(
                "conformance",
                f"step {number}, {model.describe(choice)}: {_difference(model, step.state, expected)}",
            )
        state = step.state
        broken = judge(model, state)
        if broken is not None:
            return replace(broken, message=f"after step {number}, {model.describe(choice)}: {broken.message}")
    return None


def _apply(model: Model, state: Cells, choice: Choice, number: int) -> Step | Problem:
    if not 0 <= choice.thread < model.layout.thread_count:
        return Problem("conformance", f"step {number} is of thread {choice.thread}, which does not exist")
    try:
        step = model.apply(state, choice)
    except UsageError:
        possible = [model.describe(s.choice) for s in model.steps(state, [choice.thread])] or ["nothing"]
        return Problem(
            "conformance",
            f"step {number}, {model.describe(choice)}, is not possible in the model; expected "
            f"{' or '.join(possible)} of thread {model.layout.thread_names[choice.thread]}",
        )
    if step.error is not None:
        return Problem(step.error.kind, f"step {number}, {model.describe(choice)}: {step.error.message}")
    return step


def _changed(state: Cells, changes: list[tuple[int, int]]) -> Cells:
    cells = list(state)
    for slot, value in changes:
        cells[slot] = value
    return tuple(cells)


def _difference(model: Model, expected: Cells, found: Cells) -> str:
    texts = [
        f"{model.layout.slots[slot].name} is {there}, expected {wanted}"
        for slot, (wanted, there) in enumerate(zip(expected, found, strict=True))
        if wanted != there
    ]
    return ", ".join(texts[:5]) + (f", and {len(texts) - 5} more slots differ" if len(texts) > 5 else "")


# -- files -----------------------------------------------------------------------------------------


def check_writable(path: Path) -> None:
    """Make sure, before a long run, that `save` will be able to write there.

    Raises:
        UsageError: it will not.
    """
    try:
        path.open("a").close()
    except OSError as error:
        raise UsageError(f"cannot write the recording {path}: {error.strerror}") from None


def save(recording: Recording, path: Path) -> None:
    """Write `recording` as JSON lines: a header, then one line for each window.

    Raises:
        UsageError: the file cannot be written.
    """
    header = {
        "format": FORMAT, "address": recording.address, "scope": recording.scope, "digest": recording.digest,
        "seed": recording.seed, "commits": recording.commits, "windows": len(recording.windows),
    }  # fmt: skip
    try:
        with path.open("w") as file:
            for line in (header, *(_to_json(window) for window in recording.windows)):
                file.write(json.dumps(line, separators=(",", ":")) + "\n")
    except OSError as error:
        raise UsageError(f"cannot write the recording {path}: {error.strerror}") from None


def load(path: Path) -> Recording:
    """Read what `save` wrote.

    Raises:
        UsageError: it is not there, not a recording, or cut short.
    """
    try:
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        header, windows = lines[0], tuple(_from_json(line) for line in lines[1:])
        if header["format"] != FORMAT or header["windows"] != len(windows):
            raise ValueError
        return Recording(
            header["address"], header["scope"], header["digest"], header["seed"], header["commits"], windows
        )
    except OSError as error:
        raise UsageError(f"cannot read the recording {path}: {error.strerror}") from None
    except (ValueError, KeyError, IndexError, TypeError):
        raise UsageError(f"{path} is not a recording of `qmodel run --record`, or it is cut short") from None


def is_recording(path: Path) -> bool:
    """Whether `path` begins like a file that `save` wrote."""
    try:
        with path.open("rb") as file:
            return FORMAT.encode() in file.read(len(FORMAT) + 20)
    except OSError:
        return False


def replay_recording(path: Path) -> Report:
    """Load `path` and check it; see `load` and `check` for what can go wrong."""
    return check(load(path))


def _to_json(window: Window) -> dict[str, Any]:
    return {"first": window.first, "before": window.before, "choices": window.choices, "changes": window.changes}


def _from_json(line: dict[str, Any]) -> Window:
    choices = [Choice(thread, arrow, tuple(picks)) for thread, arrow, picks in line["choices"]]
    changes = [[(slot, value) for slot, value in step] for step in line["changes"]]
    if len(choices) != len(changes):
        raise ValueError
    return Window(line["first"], line["before"], choices, changes)
