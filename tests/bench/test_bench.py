"""The benchmark runs at a tiny scope, and its figures fit each other; no figure of speed is held to anything."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from qmodel.explore.export import spin
from qmodel.show.profile import rendered
from tests.bench import contest, speed
from tests.bench.contest import Contest, Sample, Size, middle, slots_for
from tests.bench.machine import Start, probes
from tests.bench.stopwatch import PHASES
from tests.bench.tables import Report, sections

TINY = Size("tiny", {"requests": 1, "workers": 1}, 1198, 1)


@pytest.fixture(scope="module")
def found() -> Contest:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spin, "FAST", spin.EXACT)  # what is compiled fast
        return contest.contest(TINY, 1, processes=False)


@pytest.fixture
def report(found: Contest) -> Report:
    reads = probes(1 << 12, repeat=1, count=1000)
    return Report({"cores": 2}, (found,), (reads,), (Start("python", 0.1), Start("other", 0.2)))


def test_everybody_counts_the_same(found: Contest, report: Report) -> None:
    assert found.counts == {(1198, 2176)}
    assert len(found.found) == 6 + (not spin.missing())
    assert speed.disagreements(report) == []


def test_a_disagreement_is_noticed(found: Contest, report: Report) -> None:
    wrong = {who: sample and Sample(1199, 2176, sample.seconds) for who, sample in found.found.items()}
    assert speed.disagreements(Report({}, (Contest(TINY, 1, wrong),), (None,), ()))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("properties", [False, True])
def test_phases_are_the_whole(found: Contest, workers: int, properties: bool) -> None:
    sample = found.of("native", workers, properties)
    assert sample is not None
    assert sample.phases is not None
    assert sample.phases_again is not None
    assert tuple(sample.phases) == PHASES
    assert sample.phases["lessons"] > 0
    assert sample.phases["expand"] > 0
    assert sample.phases_again["repack"] == 0  # every number is known by then
    assert sum(sample.phases.values()) == pytest.approx(sample.seconds)
    assert sum(sample.phases_again.values()) == pytest.approx(sample.again)


def test_the_median_is_taken_of_each_figure() -> None:
    samples = [Sample(2, 3, s, wall=w, phases={"expand": s}) for s, w in ((1.0, 30.0), (2.0, 10.0), (9.0, 20.0))]
    assert middle(samples) == Sample(2, 3, 2.0, wall=20.0, phases={"expand": 2.0})


def test_spin_gets_the_table_that_was_measured_as_best() -> None:
    assert (slots_for(976_977), slots_for(4_298_292)) == (22, 24)


def test_tables_and_the_document_can_be_written(report: Report) -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    for section in sections(report):
        console.print(rendered(section))
        assert all(len(line) <= 120 for line in section.more.splitlines())
        assert all(len(row) == len(section.columns) for row in section.rows)
    assert "states/s: native / reference" in console.export_text()
    assert json.loads(json.dumps(speed.document(report)))["sizes"]["tiny"]["found"][0]["states"] == 1198
