"""`python -m qmodel`."""

from .cli import main

main()
