"""Names of components, for languages whose identifiers are letters, digits and underscores."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence


def identifiers(names: Sequence[str], reserved: Collection[str]) -> list[str]:
    """One identifier for each of `names`, like it, none twice and none of `reserved`."""
    found: list[str] = []
    for name in names:
        wanted = re.sub(r"\W", "_", name)
        while wanted in found or wanted in reserved:
            wanted += "_"
        found.append(wanted)
    return found
