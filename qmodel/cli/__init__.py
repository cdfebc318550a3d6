"""The command line: one file a command, no logic of its own."""

from . import check, diagram, fuzz, listing, mutate, races, replay, run, show
from .app import app, main

__all__ = ["app", "check", "diagram", "fuzz", "listing", "main", "mutate", "races", "replay", "run", "show"]
