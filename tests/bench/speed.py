"""How fast: the reference explorer, the native engine and SPIN, side by side on this machine.

    python -m tests.bench.speed [--sizes small,medium,large] [--repeat N] [--json FILE]

The large size takes a quarter of an hour, most of it gcc on what SPIN generates.  Nothing is pinned to a core, so look
at the load that it prints first.  Exit 1 if two of them count differently.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qmodel.cli.app import err, out
from qmodel.explore.export import spin
from qmodel.show.profile import rendered
from tests.bench.contest import SIZES, Contest, Size, contest
from tests.bench.machine import Probes, described, probes, starts
from tests.bench.tables import Report, bytes_a_state, rate, sections


def measured(sizes: list[Size], repeat: int | None) -> Report:
    """Everything, with a line to the terminal for each step."""
    machine = described()
    contests = tuple(contest(size, repeat or size.repeat, _say) for size in sizes)
    _say("random reads")
    limits = tuple(map(limit_of, contests))
    _say("starts")
    return Report(machine, contests, limits, tuple(starts(repeat or 3)))


def limit_of(of: Contest) -> Probes | None:
    """Random reads in a table as large as that of the native engine with one worker."""
    sample = of.of("native")
    return probes(int(sample.table)) if sample and sample.table else None


def document(report: Report) -> dict[str, Any]:
    """The report as JSON-ready data: seconds, bytes, and rates a second."""
    sizes = {}
    for found, limit in zip(report.contests, report.probes, strict=True):
        rows = [
            {"who": who.who, "workers": who.workers, "properties": who.properties}
            | (asdict(sample) if sample else {})
            | {"states_a_second": rate(sample, True), "bytes_a_state": bytes_a_state(sample)}
            for who, sample in found.found.items()
        ]
        reads = asdict(limit) if limit else None
        sizes[found.size.name] = {"scope": found.size.scope, "repeat": found.repeat, "found": rows, "reads": reads}
    return {
        "machine": report.machine,
        "sizes": sizes,
        "starts": {start.title: start.seconds for start in report.starts},
    }


def show(report: Report) -> None:
    """Print every table."""
    out.print("  ".join(f"{name} {value}" for name, value in report.machine.items()), markup=False)
    for section in sections(report):
        out.print(rendered(section), soft_wrap=False)


def disagreements(report: Report) -> list[str]:
    """Sizes at which not everybody counted what the size is said to have."""
    return [
        f"{found.size.name}: {sorted(found.counts)}, expected {found.size.states:,} states"
        for found in report.contests
        if len(found.counts) != 1 or found.size.states not in {states for states, _ in found.counts}
    ]


def _say(text: str) -> None:
    err.print(text, style="dim", markup=False)


def _sizes(text: str) -> list[Size]:
    try:
        return [SIZES[name] for name in text.split(",")]
    except KeyError as wrong:
        raise argparse.ArgumentTypeError(f"there is no size {wrong}; there are {', '.join(SIZES)}") from None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_sizes, default=list(SIZES.values()), help=f"some of {','.join(SIZES)}")
    parser.add_argument("--repeat", type=int, help="runs of each; 3 by default, at the large size 1")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    given = parser.parse_args()
    if lacking := spin.missing():
        err.print(f"without SPIN: {lacking}", markup=False)
    report = measured(given.sizes, given.repeat)
    show(report)
    if given.json:
        given.json.write_text(json.dumps(document(report), indent=2) + "\n", encoding="utf-8")
    wrong = disagreements(report)
    for text in wrong:
        err.print(f"DISAGREE  {text}", markup=False)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
