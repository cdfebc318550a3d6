"""A claim that is not judged again has the value that it had: at every step of every state."""

from __future__ import annotations

import numpy as np
import pytest

from qmodel.compose.library import build
from qmodel.explore.judge import Judge
from qmodel.explore.learn import LearnedSteps
from qmodel.explore.native.cone import edges
from qmodel.explore.native.engine import Engine


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("thread-pool@271c0f68b4", {"requests": 1, "workers": 1}),
        ("thread-pool@v2.0.0", {"requests": 1, "workers": 1}),
        ("bottom-half@924fe1293c", {"nested": 1}),
        ("event-notifier", {}),
    ],
)
def test_what_is_not_judged_has_not_changed(address: str, scope: dict[str, int]) -> None:
    model = build(address, scope)
    engine = Engine(model, LearnedSteps(model), Judge(model))
    engine.run()
    judge, skipped, judged = Judge(model), 0, 0
    value = {int(row): [claim(engine.state(int(row))) for claim in judge.claims] for row in engine.states.all_rows()}
    rows = engine.states.all_rows()
    found = np.concatenate(list(edges(engine, rows, np.ones(int(rows.max()) + 1, dtype=np.bool_))))
    for row, leaf, outcome, target in found.tolist():
        seen = int(engine.program.outcomes[engine.program.leaves[leaf, 0] + outcome, 3])
        for number, (before, after) in enumerate(zip(value[row], value[target], strict=True)):
            if seen >> number & 1:
                judged += 1
            else:
                skipped += 1
                assert before == after
    assert skipped > judged > 0
    assert np.isin(engine.program.races, (0, 1)).all()
