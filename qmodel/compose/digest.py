"""A short name for the exact text of a model, so that a trace is not replayed on another one."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from typing import Any

from .model import Model
from .system import System


@cache
def _text(system: type[System], kinds: frozenset[type]) -> str:
    parts: list[Any] = [base for kind in kinds for base in kind.__mro__ if not _is_ours(base)]
    parts += [claim.holds for claim in system.properties if claim.holds is not None]
    return "\n".join(sorted({inspect.getsource(part) for part in parts}))


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith(("qmodel.", "builtins"))


def digest(model: Model) -> str:
    """Eight hex digits that change with the text of any machine of the system, its scope or its properties."""
    layout = model.layout
    kinds = frozenset((*layout.processes, *layout.objects, type(model.system)))
    text = f"{model.address} {sorted(model.system.scope.items())}\n{_text(type(model.system), kinds)}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]
