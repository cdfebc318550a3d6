"""A word before a wait: the loops are compiled once per machine and size of a state, which takes seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def compiling(notice: Callable[[str], None], words: int) -> Iterator[None]:
    """Tell `notice` what takes so long, if what is done inside does: loops for states of so many 64-bit words."""
    what = f"compiling the loops for states of {8 * words} bytes, once on this machine ..."
    waiting = threading.Timer(1.0, notice, [what])
    waiting.start()
    try:
        yield
    finally:
        waiting.cancel()
