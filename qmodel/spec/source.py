"""Where in a specification something was written."""

from __future__ import annotations

import sys
from pathlib import Path

from .errors import Location

_SPEC_PACKAGE = str(Path(__file__).parent)


def here() -> Location:
    """The nearest caller outside this package: the line of the specification that is being read."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_SPEC_PACKAGE):
        frame = frame.f_back
    return Location(short(frame.f_code.co_filename), frame.f_lineno)


def short(file: str) -> str:
    """`file` as its last two components, which is what a reader needs and what does not vary by machine."""
    return "/".join(Path(file).parts[-2:])
