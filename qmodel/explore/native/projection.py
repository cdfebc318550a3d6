"""How many states would be left without a variable: those that were reached, with it taken out, counted again.

That is exact for a variable that nothing else depends on, which a ghost is; for others it is what could be saved if
the rest went on as it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ...compose.profile import Saving
from ...compose.step import Cells
from ...compose.variables import Variable, frames, variables
from .engine import Engine


def savings(engine: Engine, every_field: bool) -> tuple[Saving, ...]:
    """What each ghost costs, then all of them together, then each plain field if that is asked for; dearest first."""
    projection = Projection(engine)
    declared = variables(engine.model.layout)
    hidden = [variable for variable in declared if variable.kind != "field"]
    plain = [variable for variable in declared if variable.kind == "field"] if every_field else []
    together = [projection.saving("all of these", "all", (), hidden)] if len(hidden) > 1 else []
    return (*_dearest_first(projection, hidden), *together, *_dearest_first(projection, plain))


def _dearest_first(projection: Projection, chosen: Sequence[Variable]) -> list[Saving]:
    found = [projection.saving(v.name, v.kind, v.objects, [v]) for v in chosen]
    return sorted(found, key=lambda saving: saving.left)


class Projection:
    """Counts the reached states as if some variables were not there.

    A state's hash is the exclusive or of a random key for each number in it (Zobrist, "A new hashing method with
    application for game playing", 1970), so a variable is taken out by exchanging the keys of the components that it
    is part of.  With 64 bits, two of a million states share a hash once in 40 million projections.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._layout = engine, engine.model.layout
        self._parts = engine.situations.components.parts
        self._threads = {part: thread for thread, part in enumerate(engine.situations.components.of_thread)}
        self._packed = engine.states.words[engine.states.all_rows()]
        random = np.random.default_rng(1970)
        self._keys = [random.integers(1 << 64, size=len(part.values), dtype=np.uint64) for part in self._parts]
        self._hashes = np.zeros(len(self._packed), dtype=np.uint64)
        for part, keys in enumerate(self._keys):
            if len(keys) > 1:
                self._hashes ^= keys[self._codes(part)]

    def _codes(self, part: int) -> NDArray[np.int64]:
        """int64[states]: the number that each state holds in a component."""
        word, shift, mask = self._engine.tables.packing.fields[part].tolist()
        codes: NDArray[np.int64] = (self._packed[:, word] >> shift) & mask
        return codes

    def saving(self, name: str, kind: str, objects: tuple[str, ...], hidden: Sequence[Variable]) -> Saving:
        """What it would save to have none of `hidden`."""
        left = self.without(hidden)
        return Saving(name, kind, tuple(objects), left, len(self._packed) / left)

    def without(self, hidden: Sequence[Variable]) -> int:
        """How many states differ in more than the variables `hidden`."""
        hashes = self._hashes.copy()
        for number, keys in enumerate(self._keys):
            merged = self._merged(number, hidden)
            if merged is not None:
                hashes ^= (keys ^ keys[merged])[self._codes(number)]
        return _distinct(hashes)

    def _merged(self, number: int, hidden: Sequence[Variable]) -> NDArray[np.int64] | None:
        """int64[values]: the first value that differs from each in nothing but `hidden`; None if that is itself."""
        part = self._parts[number]
        places = [self._places(number, variable) for variable in hidden]
        first: dict[Cells, int] = {}
        blanked = (_blanked(value, chain.from_iterable(find(value) for find in places)) for value in part.values)
        merged = [first.setdefault(value, code) for code, value in enumerate(blanked)]
        return np.array(merged) if len(first) < len(merged) else None

    def _places(self, number: int, variable: Variable) -> Callable[[Cells], Iterable[int]]:
        """From a value of a component to the places in it that belong to `variable`."""
        thread = self._threads.get(number)
        if thread is None:
            fixed = [place for place, slot in enumerate(self._parts[number].slots) if slot in variable.slots]
            return lambda value: fixed
        return lambda value: [
            base + offset
            for base, process in frames(self._layout, thread, value)
            if process is variable.process
            for offset in variable.offsets
        ]


def _blanked(value: Cells, places: Iterable[int]) -> Cells:
    cells = list(value)
    for place in places:
        cells[place] = 0
    return tuple(cells)


def _distinct(hashes: NDArray[np.uint64]) -> int:
    """How many different ones there are; sorts them in place."""
    hashes.sort()
    return 1 + int(np.count_nonzero(hashes[1:] != hashes[:-1]))
