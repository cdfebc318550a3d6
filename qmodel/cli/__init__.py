"""The command line: one file a command, no logic of its own."""

from . import check, listing, races, replay
from .app import app, main

__all__ = ["app", "check", "listing", "main", "races", "replay"]
