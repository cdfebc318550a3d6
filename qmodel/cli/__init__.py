"""The command line: one file a command, no logic of its own."""

from . import check, diagram, listing, mutate, races, replay, run, show
from .app import app, main

__all__ = ["app", "check", "diagram", "listing", "main", "mutate", "races", "replay", "run", "show"]
