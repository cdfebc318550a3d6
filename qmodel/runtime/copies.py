"""Which slots of a wide state a check of lifecycles has to look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..compose.step import PlainCopies


class FewCopies(PlainCopies):
    """Plain copies that report changes of some slots only: a pool of 64 requests has a thousand others."""

    def __init__(self, slots: Iterable[int]) -> None:
        self._slots = tuple(slots)

    def changed(self, state: Sequence[int], cells: list[int]) -> Iterable[int]:
        """Those of the chosen slots that the step changed."""
        return [slot for slot in self._slots if state[slot] != cells[slot]]
