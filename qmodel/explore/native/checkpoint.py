"""Checkpoints: what a search needs to go on after it was killed, at any moment.

A folder holds `manifest.json` and, for each segment, a file of packed states.  States are only appended to a file, and
count only as far as the manifest says; a new packing starts new files.  The manifest is replaced in one move, so there
is always one, and everything that it names is there.  Lessons are not kept: they are learned again as they are needed.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...compose.digest import digest
from ...compose.model import Model
from ...compose.result import Coverage
from ...spec.errors import UsageError
from ..judge import Judge
from ..options import Options
from .frontier import Frontier
from .packing import Packing

if TYPE_CHECKING:
    from .engine import Engine

_MANIFEST = "manifest.json"


class Checkpoint:
    """Where, and how often, a search is saved.

    Args:
        options: name the folder, the seconds between two saves, and whether to go on from what is there.

    Raises:
        UsageError: the folder holds the checkpoint of another search, or one that nobody said to go on from.
    """

    def __init__(self, options: Options, model: Model, judge: Judge) -> None:
        assert options.checkpoint is not None
        folder = options.checkpoint
        self._folder, self._every = folder, options.every
        self._identity = {
            "system": model.address,
            "scope": model.system.scope,
            "digest": digest(model),
            "properties": [claim.name for claim in judge.properties],
            "workers": options.workers,
            "symmetry": options.symmetry,
        }
        self._generation = 0
        self._packing: Packing | None = None
        self._saved = time.monotonic()
        folder.mkdir(parents=True, exist_ok=True)
        self.saved = self._read(options.resume)

    def _read(self, resume: bool) -> dict[str, Any] | None:
        path = self._folder / _MANIFEST
        if not path.exists():
            return None
        if not resume:
            raise UsageError(
                f"{self._folder} holds a checkpoint; go on from it with `--resume`, or name another folder"
            )
        found: dict[str, Any] = json.loads(path.read_text())
        for name, mine in self._identity.items():
            theirs = found.get(name)
            if theirs != mine:
                raise UsageError(
                    f"the checkpoint in {self._folder} is of another search: its {name} is {theirs}, not {mine}"
                )
        return found

    # -- saving ------------------------------------------------------------------------------------

    @property
    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() - self._saved >= self._every

    def save(self, engine: Engine, frontier: Frontier, seconds: float) -> None:
        """Save the search between two rounds; `seconds` is how long it has taken."""
        if self._packing is not engine.tables.packing:
            self._generation, self._packing = self._generation + 1, engine.tables.packing
            for segment in range(engine.states.segments):
                # A search that was killed while it wrote these files left what no manifest ever named.
                self._file(segment).unlink(missing_ok=True)
        for segment in range(engine.states.segments):
            self._append(engine, segment)
        document = {**self._identity, "generation": self._generation, "seconds": seconds, **_document(engine, frontier)}
        self._replace_manifest(json.dumps(document))
        self._remove_others()
        self._saved = time.monotonic()

    def _append(self, engine: Engine, segment: int) -> None:
        """Bring the file of a segment up to its count."""
        states = engine.states
        with open(self._file(segment), "ab") as file:
            there = file.tell() // (8 * states.words.shape[1])
            for first in range(there, int(states.counts[segment]), _PIECE):
                rows = states.rows(segment, first, min(first + _PIECE, int(states.counts[segment])))
                file.write(states.words[rows].tobytes())
            _flush(file)

    def _file(self, segment: int) -> Path:
        return self._folder / f"states-{self._generation}-{segment}.bin"

    def _replace_manifest(self, text: str) -> None:
        new = self._folder / f"{_MANIFEST}.new"
        with open(new, "w") as file:
            file.write(text)
            _flush(file)
        os.replace(new, self._folder / _MANIFEST)

    def _remove_others(self) -> None:
        for path in self._folder.glob("states-*.bin"):
            if not path.name.startswith(f"states-{self._generation}-"):
                path.unlink()

    # -- resuming ----------------------------------------------------------------------------------

    def restore(self, engine: Engine) -> Frontier:
        """Put what was saved into a fresh engine; what is left of its layer."""
        assert self.saved is not None
        saved, states = self.saved, engine.states
        self._generation, self._packing = saved["generation"], engine.tables.packing
        for segment, count in enumerate(saved["counts"]):
            size = count * states.words.shape[1]
            with open(self._file(segment), "r+b") as file:
                file.truncate(8 * size)
                packed = np.fromfile(file, dtype=np.int64, count=size)
            states.load(segment, packed.reshape(count, -1))
        states.fill_tables(0, engine.team)
        for claim, parts in enumerate(saved["looked"]):
            for part in parts:
                engine.tables.support.ask_anything(claim, part)
        engine.layers = [np.array(layer, dtype=np.int64) for layer in saved["layers"]]
        engine.transitions, engine.at_rest = saved["transitions"], saved["at_rest"]
        engine.before = _coverage(engine.model, saved["coverage"])
        frontier = {name: np.array(saved[name], dtype=np.int64) for name in ("first", "last")}
        return Frontier(**frontier, again=[np.array(rows, dtype=np.int64) for rows in saved["again"]])


_PIECE = 1 << 20
"""States that are copied at once."""


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _document(engine: Engine, frontier: Frontier) -> dict[str, Any]:
    packing = engine.tables.packing
    return {
        "components": [part.values for part in engine.situations.components.parts],
        "packing": {name: getattr(packing, name).tolist() for name in ("bits", "word", "shift")},
        "words": packing.words,
        "looked": [engine.tables.support.parts(claim) for claim in range(len(engine.judge.claims))],
        "counts": engine.states.counts.tolist(),
        "layers": [layer.tolist() for layer in engine.layers],
        "first": frontier.first.tolist(),
        "last": frontier.last.tolist(),
        "again": [rows.tolist() for rows in frontier.again],
        "transitions": engine.transitions,
        "at_rest": engine.at_rest,
        "coverage": _coverage_document(engine.model, engine.coverage()),
    }


def packing_of(saved: dict[str, Any]) -> Packing:
    """The packing of the states that were saved."""
    columns = {name: np.array(column, dtype=np.int64) for name, column in saved["packing"].items()}
    return Packing(**columns, words=saved["words"])


def _coverage_document(model: Model, coverage: Coverage) -> dict[str, Any]:
    kinds, objects = list(model.layout.processes), list(model.layout.objects)
    return {
        "steps": [[kinds.index(kind), arrow, count] for (kind, arrow), count in coverage.steps.items()],
        "movers": [
            [objects.index(moved), move, sorted([kinds.index(kind), arrow] for kind, arrow in by)]
            for (moved, move), by in coverage.movers.items()
        ],
    }


def _coverage(model: Model, saved: dict[str, Any]) -> Coverage:
    kinds, objects = list(model.layout.processes), list(model.layout.objects)
    found = Coverage()
    for kind, arrow, count in saved["steps"]:
        found.steps[kinds[kind], arrow] = count
    for moved, move, by in saved["movers"]:
        found.movers[objects[moved], move] = {(kinds[kind], arrow) for kind, arrow in by}
    return found
