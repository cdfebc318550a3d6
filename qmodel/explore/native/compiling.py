"""A word before a wait: the loops are compiled once per machine, which takes seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def compiling(notice: Callable[[str], None]) -> Iterator[None]:
    """Tell `notice` what takes so long, if what is done inside does."""
    waiting = threading.Timer(1.0, notice, ["compiling the loops of the search for this machine, once ..."])
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()
