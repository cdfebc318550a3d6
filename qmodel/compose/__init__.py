"""Machines become a system, a system becomes a transition system: `initial`, `steps`, `apply`."""
