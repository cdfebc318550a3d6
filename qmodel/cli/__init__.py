"""The command line: one file a command, no logic of its own."""

from . import check, listing, mutate, races, replay, run
from .app import app, main

__all__ = ["app", "check", "listing", "main", "mutate", "races", "replay", "run"]
