"""Code in prose, broken into lines where a reader would break it."""

from __future__ import annotations

import re
import textwrap


def wrapped(text: str, width: int) -> list[str]:
    """Lines of `text`: broken at spaces, behind the bracket of a call, and in what is too long behind a dot."""
    spaced = re.sub(r"(?<=\w)\((?!\))", "(\0 ", text)
    words = [re.sub(r"\.(?=\w)", ".\0 ", word) if len(word) > width else word for word in spaced.split()]
    lines = textwrap.wrap(" ".join(words), width, break_on_hyphens=False)
    return [line.replace("\0 ", "").replace("\0", "") for line in lines]
