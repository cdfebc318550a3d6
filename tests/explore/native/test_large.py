"""What a large search is asked to keep to: memory, disk, workers, Ctrl-C."""

from __future__ import annotations

from pathlib import Path

import pytest

from qmodel.compose.library import build
from qmodel.compose.result import Verdict
from qmodel.explore.limits import NEVER, Limits, Progress
from qmodel.explore.options import Options
from qmodel.explore.search import SMALL, search
from qmodel.spec.errors import UsageError
from tests.support import search_natively

LARGE = "thread-pool@3c80ca158c"


def test_states_on_disk_are_the_same_states(tmp_path: Path) -> None:
    in_memory, on_disk = search(build(LARGE)), search(build(LARGE), options=Options(spill=tmp_path))
    assert (on_disk.states, on_disk.transitions, on_disk.depth) == (in_memory.states, in_memory.transitions, 128)
    assert not list(tmp_path.iterdir())


def test_memory_is_a_limit() -> None:
    found = search(build(LARGE), Limits(memory=1 << 20))
    assert (found.verdict, found.exit_code) == (Verdict.INCONCLUSIVE, 7)
    assert "1 MiB" in found.stopped


@pytest.mark.parametrize("after", [SMALL // 2, 4 * SMALL])
def test_interrupted(after: int) -> None:
    """In plain Python and in the native engine: what was found so far is reported, and is no pass."""

    def interrupt(at: Progress) -> None:
        if at.states > after:
            raise KeyboardInterrupt

    found = search(build(LARGE), NEVER, interrupt)
    assert (found.verdict, found.exit_code) == (Verdict.INCONCLUSIVE, 2)
    assert found.states > after


def test_a_small_search_does_without_numba() -> None:
    """Importing numba takes longer than a small search."""
    import subprocess
    import sys

    code = (
        "import sys, qmodel.cli; from qmodel.compose.library import build; from qmodel.explore.search import search; "
        "search(build('thread-pool', {'requests': 1, 'workers': 1})); "
        "print('numba' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_wrong_options_are_refused(tmp_path: Path) -> None:
    for wrong, says in (
        ({"workers": 3}, "write 1, 2, 4"),
        ({"resume": True}, "nothing says what to go on from"),
        ({"spill": tmp_path / "nowhere"}, "is not a folder"),
        ({"por": True, "checkpoint": tmp_path}, "is learned on the way"),
    ):
        with pytest.raises(UsageError, match=says):
            Options(**wrong)


def test_more_claims_than_bits_are_refused() -> None:
    """Their bits would not fit in a word; one fewer does."""
    model = build("event-notifier")
    claim = model.property_named("EN1")
    assert search_natively(model, [claim] * 62).verdict is Verdict.HOLDS
    with pytest.raises(UsageError, match="63 properties of states at once are too many"):
        search_natively(model, [claim] * 63)
