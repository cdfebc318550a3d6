"""Workers: each expands its share of the states, and owns the part of the visited set that hashes to it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import kernels
from .states import States
from .tables import Program


class Team:
    """Runs a function for each worker at once; alone, in the calling thread."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool: ThreadPoolExecutor | None = None

    def __call__(self, task: Callable[[int], Any]) -> list[Any]:
        """What `task(worker)` returns, for each worker."""
        if self.size == 1:
            return [task(0)]
        self._pool = self._pool or ThreadPoolExecutor(self.size)
        return list(self._pool.map(task, range(self.size)))

    def close(self) -> None:
        """Send the threads home, until there is something to do again."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None


class Worker:
    """The buffers of one worker.

    Attributes:
        taken: int64[leaves, 2], how often each leaf was passed, and how often its thread was expanded alone.
        misses, events: what `kernels.expand` wrote; judged: what `kernels.insert` wrote.
    """

    def __init__(self, number: int, states: States, threads: int, chunk: int) -> None:
        self.number = number
        self._states = states
        room, owners = 8 * chunk + 328, states.segments
        self._out = np.empty((owners, room, states.words.shape[1]), dtype=np.int64)
        self._hashes = np.empty((owners, room), dtype=np.uint64)
        self._claims = np.empty((owners, room), dtype=np.int64)
        # In the middle of cache lines of its own: two workers that count in one line wait for each other at each step.
        self.counts = np.zeros(owners + 32, dtype=np.int64)[16 : 16 + owners]
        self.forget()
        self._again = np.empty(chunk, dtype=np.int64)
        self._misses = np.empty((chunk * threads + chunk, 3), dtype=np.int64)
        self._events = np.empty((room, 4), dtype=np.int64)
        self._judged = np.empty((chunk, 4), dtype=np.int64)
        self.misses, self.events = self._misses[:0], self._events[:0]

    @property
    def size(self) -> int:
        """Bytes of its buffers."""
        return sum(a.nbytes for a in vars(self).values() if isinstance(a, np.ndarray) and a.base is None)

    @property
    def words(self) -> int:
        """How many words its buffers have for a state."""
        return self._out.shape[2]

    def idle(self, program: Program) -> None:
        """Do nothing, by the same loops."""
        self.expand(program, np.empty(0, dtype=np.int64))
        kernels.judge_again(program, self._states.words, self._judged[:0])
        self.counts[self.number] = 0
        self._insert_from(self, program, 0)

    def forget(self) -> None:
        """Count from zero."""
        self.taken = np.zeros((1024, 2), dtype=np.int64)

    def reshape(self) -> None:
        """Adapt to states of another width."""
        self._out = np.empty((*self._out.shape[:2], self._states.words.shape[1]), dtype=np.int64)

    def expand(self, program: Program, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
        """Write the successors of `rows`; the rows that were not reached, those with misses, and the transitions."""
        if len(self.taken) < len(program.leaves):
            self.taken = np.pad(self.taken, ((0, 2 * len(program.leaves) - len(self.taken)), (0, 0)))
        self.counts[:] = 0
        states = self._states
        for field in program.widest.tolist():
            rows = kernels.alike(rows, states.words, *field)
        done, repeated, missed, noted, transitions = kernels.expand(
            (0,) * states.words.shape[1], program, states.words, states.tables, states.row_bits, rows,
            self._out, self._hashes, self._claims, self.counts, self.taken, self._again, self._misses, self._events,
        )  # fmt: skip
        self.misses, self.events = self._misses[:missed], self._events[:noted]
        return rows[done:], self._again[:repeated].copy(), transitions

    def insert(self, program: Program, producers: list[Worker]) -> list[NDArray[np.int64]]:
        """Add what `producers` found for this owner; the events of judging the new states."""
        found = []
        for producer in producers:
            first = 0
            while first < producer.counts[self.number]:
                first, noted = self._insert_from(producer, program, first)
                if noted:
                    found.append(self._judged[:noted].copy())
        return found

    def _insert_from(self, producer: Worker, program: Program, first: int) -> tuple[int, int]:
        """Insert from number `first` on; how far it came, and how many events there are."""
        states, me = self._states, self.number
        done, states.counts[me], noted = kernels.insert(
            program, states.words, states.tables[me], states.row_bits, producer._out[me], producer._hashes[me],
            producer._claims[me], first, int(producer.counts[me]), int(states.counts[me]), me, states.segments,
            self._judged,
        )  # fmt: skip
        return done, noted
