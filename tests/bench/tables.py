"""The figures for a reader: ratios first, then what they come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from qmodel.show.profile import Section
from tests.bench.contest import LONG, Contest, Sample
from tests.bench.machine import Probes, Start
from tests.bench.stopwatch import LOOPS, PHASES

Number = float | None


@dataclass(frozen=True)
class Report:
    """What was measured: for each size everybody and, with the native engine, random reads in a table like its own."""

    machine: dict[str, str | float]
    contests: tuple[Contest, ...]
    probes: tuple[Probes | None, ...]
    starts: tuple[Start, ...]


def sections(report: Report) -> Iterator[Section]:
    """Every table, the ratios first."""
    yield _ratios(report)
    for contest in report.contests:
        yield _rates(contest)
    for contest in report.contests:
        yield _phases(contest)
    yield from filter(lambda section: section.rows, (_spin(report.contests), _limits(report), _starts(report.starts)))


# -- figures ---------------------------------------------------------------------------------------


def rate(sample: Sample | None, again: bool = False, transitions: bool = False) -> Number:
    """States or transitions a second, of the first search or with everything learned.

    SPIN has nothing to learn: its only search counts as both.
    """
    if sample is None:
        return None
    seconds = sample.again if again and sample.again is not None else sample.seconds
    return (sample.transitions if transitions else sample.states) / seconds


def over(one: Number, other: Number) -> Number:
    """Their ratio, if both are there."""
    return None if one is None or not other else one / other


def bytes_a_state(sample: Sample | None) -> Number:
    return None if sample is None or sample.memory is None else sample.memory / sample.states


def _wall(sample: Sample | None) -> Number:
    return sample.wall if sample else None


def _text(form: str, value: Number) -> str:
    return "-" if value is None else format(value, form)


def _times(value: Number) -> str:
    return "-" if value is None else f"x {value:.2f}"


def _percent(value: Number) -> str:
    return "-" if value is None else f"{value:.1%}"


def _extra(value: Number) -> str:
    """A ratio of seconds as what it costs."""
    return "-" if value is None else f"{value - 1:+.0%}"


# -- ratios ----------------------------------------------------------------------------------------


Row = tuple[str, Callable[[Contest, Probes | None], str]]


def _ratio(says: str, one: Callable[[Contest], Number], other: Callable[[Contest], Number]) -> Row:
    return says, lambda contest, _: _times(over(one(contest), other(contest)))


def _cost(says: str, seconds: Callable[[Sample], Number]) -> Row:
    """How much longer it takes with properties than without."""

    def cost(contest: Contest, _: Probes | None) -> str:
        with_them, without = contest.of("native", 1, True), contest.of("native")
        return _extra(over(seconds(with_them), seconds(without)) if with_them and without else None)

    return says, cost


def _share(says: str, workers: int, transitions: bool) -> Row:
    """The engine's rate as a share of random reads by as many threads."""

    def share(contest: Contest, probes: Probes | None) -> str:
        limit = (probes.alone if workers == 1 else probes.two) if probes else None
        return _percent(over(rate(contest.of("native", workers), True, transitions), limit))

    return says, share


RATIOS: tuple[Row, ...] = (
    _ratio("states/s: native / SPIN, learned", lambda c: rate(c.of("native"), True), lambda c: rate(c.of("SPIN"))),
    _ratio("states/s: native / SPIN, first search", lambda c: rate(c.of("native")), lambda c: rate(c.of("SPIN"))),
    _ratio(
        "states/s: native, 2 workers / SPIN, learned",
        lambda c: rate(c.of("native", 2), True),
        lambda c: rate(c.of("SPIN")),
    ),
    _ratio(
        "states/s: 2 workers / 1, learned",
        lambda c: rate(c.of("native", 2), True),
        lambda c: rate(c.of("native"), True),
    ),
    _ratio("states/s: 2 workers / 1, first search", lambda c: rate(c.of("native", 2)), lambda c: rate(c.of("native"))),
    _ratio(
        "states/s: native / reference, first search",
        lambda c: rate(c.of("native")),
        lambda c: rate(c.of("reference")),
    ),
    _ratio("wall time: SPIN / native", lambda c: _wall(c.of("SPIN")), lambda c: _wall(c.of("native"))),
    _ratio(
        "wall time: SPIN / native, 2 workers", lambda c: _wall(c.of("SPIN")), lambda c: _wall(c.of("native", 2))
    ),
    _ratio(
        "bytes a state: SPIN / native",
        lambda c: bytes_a_state(c.of("SPIN")),
        lambda c: bytes_a_state(c.of("native")),
    ),
    _cost("seconds: cost of properties, learned", lambda sample: sample.again),
    _cost("seconds: cost of properties, first search", lambda sample: sample.seconds),
    _cost("wall time: cost of properties", lambda sample: sample.wall),
    _share("transitions/s: share of random reads, learned", 1, True),
    _share("states/s: share of random reads, learned", 1, False),
    _share("transitions/s: the same, 2 workers", 2, True),
)  # fmt: skip


def _ratios(report: Report) -> Section:
    pairs = list(zip(report.contests, report.probes, strict=True))
    rows = [(says, *(figure(contest, probes) for contest, probes in pairs)) for says, figure in RATIOS]
    return Section(
        "Ratios",
        "Above 1, native is ahead of the other; one worker and no properties unless a line says so.",
        ("", *(f"{contest.size.name}>" for contest in report.contests)),
        tuple(rows),
        _lines(
            "learned: a second search of the same model, which meets nothing new, as SPIN does; its memory is warm.",
            "first search: from an engine that knows nothing, so it learns on the way.",
            "wall time: of processes, from nothing to a verdict; SPIN's from the exported text, which is not counted.",
            "cost of properties: how much longer it takes with those of the system.",
            "random reads: independent ones of 8 bytes in a table as large as the engine's, by as many threads; for a",
            "transition it reads one place there, and mostly one row of states.",
        ),
    )


def _lines(*notes: str) -> str:
    """Notes below a table."""
    return "\n".join(notes)


# -- what they come from ---------------------------------------------------------------------------


def _rates(contest: Contest) -> Section:
    counts = " or ".join(f"{states:,} states, {transitions:,} transitions" for states, transitions in contest.counts)
    spin = rate(contest.of("SPIN"))
    rows = []
    for contestant, sample in contest.found.items():
        learned = rate(sample, True)
        seconds, first = (sample.again or sample.seconds, sample.seconds) if sample else (None, None)
        rows.append((
            contestant.title, _times(over(learned, spin)), _text(",.0f", learned), _text(",.0f", rate(sample)),
            _text(".3f", seconds), _text(".3f", first),
            _text(".1f", bytes_a_state(sample)), _text(".2f", _wall(sample)),
        ))  # fmt: skip
    return Section(
        f"{contest.size.name}: {' '.join(contest.size.words)}",
        f"{counts}; {'one run' if contest.repeat == 1 else f'medians of {contest.repeat} runs'}, in turns.",
        ("", "/ SPIN>", "states/s>", "first states/s>", "s>", "first s>", "bytes/state>", "wall s>"),
        tuple(rows),
        _lines(
            "/ SPIN, states/s, s: of a search with everything learned.  first: of one that learns; SPIN has only one.",
            "bytes/state: packed rows and tables; for SPIN, all memory that it used.",
            "wall s: of a process from nothing to a verdict, loops compiled before; SPIN generates, compiles and runs.",
            f"-: takes too long or too much memory, or is not measured.  A search of more than {LONG:g} s is run once.",
        ),
    )


def _phases(contest: Contest) -> Section:
    rows = []
    for who, sample in contest.found.items():
        for search, phases in (("first", sample and sample.phases), ("learned", sample and sample.phases_again)):
            if phases:
                whole, loops = sum(phases.values()), sum(phases[name] for name in LOOPS)
                each = [f"{value:.3f}" for value in (loops, whole - loops, whole, *(phases[name] for name in PHASES))]
                title = f"{who.workers}{', properties' if who.properties else ''}, {search}"
                rows.append((title, f"{loops / whole:.0%}", *each))
    return Section(
        f"Seconds of the native engine: {contest.size.name}",
        "What learning costs, once a scope, and what the loops do.",
        ("workers", "in loops>", "loops>", "else>", "all>", *(f"{name}>" for name in PHASES)),
        tuple(rows),
        _lines(
            "loops: expand, insert (of both, the mean of the workers), rebuild and repack, which are compiled.",
            "wait: for the slower worker, and for threads to start.  lessons: steps and claims of the model in Python.",
            "tables: what the loops read.  rest: Python of the rounds, and loading the loops for wider states.",
        ),
    )


def _spin(contests: Sequence[Contest]) -> Section:
    rows = []
    for contest in contests:
        sample, ours = contest.of("SPIN"), _wall(contest.of("native"))
        if sample:
            times = (sample.generating, sample.compiling, sample.running, sample.wall, ours, sample.text)
            each = (_text(".2f", value) for value in times)
            rows.append((contest.size.name, sample.form or "", _times(over(sample.wall, ours)), *each))
    return Section(
        "Wall time of SPIN, in seconds",
        "From the exported model to a verdict, without properties.",
        ("", "steps", "/ native>", "generate>", "compile>", "run>", "together>", "native>", "export>"),
        tuple(rows),
        _lines(
            "steps: how the model writes them; `atomic`, which is slower, if there are too many for `d_step`.",
            "generate: `spin -a`.  compile: gcc, once for all runs.  run: `pan`.  native: our process, one worker.",
            "export: our search and writing the model, before SPIN can start; not counted in together.",
        ),
    )


def _limits(report: Report) -> Section:
    rows = []
    for contest, probes in zip(report.contests, report.probes, strict=True):
        if probes:
            sample, rates = contest.of("native"), (probes.alone, probes.two, probes.dependent)
            steps, states = rate(sample, True, True), rate(sample, True)
            rows.append((
                contest.size.name, _percent(over(steps, probes.alone)), _percent(over(states, probes.alone)),
                _percent(over(steps, probes.dependent)), *(f"{each / 1e6:,.1f}" for each in rates),
                f"{probes.table / (1 << 20):,.2f}",
            ))  # fmt: skip
    return Section(
        "The machine's limit",
        "Random reads of 8 bytes in a table as large as the engine's, in millions a second.",
        ("", "transitions>", "states>", "transitions, dep.>", "independent>", "2 threads>", "dependent>", "MiB>"),
        tuple(rows),
        _lines(
            "transitions, states: of the engine, one worker, everything learned, as a share of independent reads.",
            "independent: all addresses are known before.  dependent (dep.): each comes from the read before.",
        ),
    )


def _starts(starts: Sequence[Start]) -> Section:
    base = starts[0].seconds if starts else 0.0
    return Section(
        "Starts, in seconds",
        "From the start of a process to its end; files are in the system's cache.",
        ("", "/ python>", "s>"),
        tuple((start.title, _times(over(start.seconds, base)), f"{start.seconds:.3f}") for start in starts),
        _lines(
            "/ python: times an interpreter that does nothing.",
            "first states: a search that stops when the native engine has some, an upper bound.",
        ),
    )
