"""A short name for the exact text of a model, so that a trace is not replayed on another one."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from .model import Model


def digest(model: Model) -> str:
    """Eight hex digits that change with the text of any specification file of the system, and with its scope."""
    kinds = (*model.layout.processes, *model.layout.objects, type(model.system))
    modules = {base.__module__ for kind in kinds for base in kind.__mro__}
    modules |= {claim.holds.__module__ for claim in model.properties if claim.holds is not None}
    texts = [_text(name) for name in sorted(modules) if not name.startswith(("qmodel.", "builtins"))]
    text = "\n".join([model.address, str(sorted(model.system.scope.items())), *texts])
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _text(module: str) -> str:
    file = sys.modules[module].__file__
    return Path(file).read_text(encoding="utf-8") if file else module
