"""A line on the terminal that says how far a long command is; nothing where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from .app import err

T = TypeVar("T")


@contextmanager
def status(describe: Callable[[T], str]) -> Iterator[Callable[[T], None]]:
    """A function to call with how far it is; `describe` puts that into words."""
    if not sys.stderr.isatty():
        yield lambda at: None
        return
    from rich.live import Live

    with Live(console=err, transient=True, refresh_per_second=8) as live:
        yield lambda at: live.update(describe(at))


def notice(text: str) -> None:
    """Say something that a user who waits wants to know; on standard error, so that a document stays one."""
    err.print(text, markup=False, style="dim")
