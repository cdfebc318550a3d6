"""The command line: one file a command, no logic of its own."""

from . import check, crosscheck, diagram, export, fuzz, listing, mutate, races, replay, run, show
from .app import app, main

__all__ = [
    "app", "check", "crosscheck", "diagram", "export", "fuzz", "listing", "main", "mutate", "races", "replay", "run",
    "show",
]  # fmt: skip
