"""A searched system, written down for others: the text says what was learned, and SPIN finds the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner

from qmodel.cli.app import INCONCLUSIVE, USAGE, app
from qmodel.compose.library import build
from qmodel.compose.result import Verdict
from qmodel.explore.expected import Run, runs
from qmodel.explore.export import spin
from qmodel.explore.export.crosscheck import compare, explored
from qmodel.explore.export.decision import Decision, Formula
from qmodel.explore.export.names import identifiers
from qmodel.explore.export.promela import promela
from qmodel.explore.export.system import ClosedSystem, Option
from qmodel.explore.export.tla import tla
from qmodel.explore.limits import Limits
from qmodel.spec.errors import UsageError

needs_spin = pytest.mark.skipif(bool(spin.missing()), reason=spin.missing())

SMALL = [
    ("event-notifier", {}),
    ("bottom-half@924fe1293c", {}),  # frees objects that another thread's locals point to
    ("bottom-half@v2.0.0", {}),  # steps that fail
    ("thread-pool@271c0f68b4", {"requests": 1, "workers": 1}),  # spawns
    ("bottom-half@924fe1293c", {"foreign": 0, "idle": 1}),  # claims that are broken
]


# -- the closed system -----------------------------------------------------------------------------


def successors(system: ClosedSystem, codes: tuple[int, ...]) -> Iterator[tuple[Option, tuple[int, ...]]]:
    """What the options make of a state, read as plainly as they are written."""
    for thread in system.threads:
        for option in thread.options[thread.places[codes[thread.part]]]:
            if codes[thread.part] == option.before and all(codes[part] == code for part, code in option.needs):
                after = list(codes)
                for image in option.images:
                    after[image.part] = dict(image.changes).get(after[image.part], after[image.part])
                for part, code in option.writes:
                    after[part] = code
                yield option, tuple(after)


def holds(formula: Formula, codes: tuple[int, ...]) -> bool:
    while isinstance(formula, Decision):
        formula = next((below for among, below in formula.branches if codes[formula.part] in among), False)
    return formula


@pytest.mark.parametrize(("address", "scope"), SMALL)
def test_the_options_lead_to_the_states_of_the_search(address: str, scope: dict[str, int]) -> None:
    system = explored(build(address, scope))
    seen, pending, transitions, failed = {system.start}, [system.start], 0, 0
    while pending:
        codes = pending.pop()
        failed += not all(holds(claim.holds, codes) for claim in system.claims)
        failed += all(holds(stays, codes) for stays in system.stays) and not holds(system.rests_well, codes)
        for option, after in successors(system, codes):
            transitions += 1
            failed += bool(option.error)
            if not option.error and after not in seen:
                seen.add(after)
                pending.append(after)
    assert (len(seen), transitions, failed > 0) == (system.states, system.transitions, system.violated)


def test_a_stack_that_nobody_else_changes_has_one_number_a_place() -> None:
    system = explored(build("thread-pool@271c0f68b4", {"requests": 1, "workers": 1}))
    main, worker = system.threads
    assert all(place == code for code, place in main.places.items())
    spawned = [(place, worker.codes(place)) for place in worker.options if len(worker.codes(place)) > 1]
    legend = system.legend(worker.part)
    assert [[legend[code].partition("(")[0] for code in codes] for _, codes in spawned] == [
        ["not running", "Worker.created"]
    ]


# -- the text --------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [promela, tla])
def test_the_text_is_the_same_every_time(write: Callable[[ClosedSystem], str]) -> None:
    address, scope = SMALL[3]
    assert write(explored(build(address, scope))) == write(explored(build(address, scope)))


def test_the_legend_says_what_each_number_means() -> None:
    text = promela(explored(build("thread-pool@271c0f68b4", {"workers": 1})))
    legend = text.partition("/* pool.request_list:\n")[2].partition("*/")[0]
    assert [line.strip(" *") for line in legend.splitlines()] == ["0 = []", "1 = [E1]", "2 = [E1 E2]", "3 = [E2]"]
    assert "byte pool_request_list = 0;" in text
    assert "bit pool_lock = 0;" in text


def test_without_properties_there_is_no_watcher() -> None:
    system = explored(build("bottom-half@924fe1293c"))
    assert "watcher" in promela(system)
    bare = promela(system, properties=False)
    assert "watcher" not in bare
    assert "INV-BH" not in bare


@pytest.mark.parametrize(("address", "scope"), SMALL)
def test_the_tla_module_is_closed(address: str, scope: dict[str, int]) -> None:
    text = "\n".join(line for line in tla(explored(build(address, scope))).splitlines() if not line.startswith("\\*"))
    for opening, closing in ("()", "{}", ("<<", ">>")):
        assert text.count(opening) == text.count(closing)
    declared = re.findall(r"^VARIABLE (\w+)$", text, re.M) + re.findall(r"^(\w+) ==", text, re.M)
    assert len(declared) == len(set(declared))
    words = set(re.findall(r"(?<!\\)\b[A-Za-z_]\w*", text.partition("EXTENDS Integers\n")[2]))
    known = {"VARIABLE", "UNCHANGED", "TRUE", "FALSE", "CASE", "OTHER", "_vars"}
    assert words - set(declared) <= known


def test_every_action_says_what_becomes_of_every_variable() -> None:
    text = tla(explored(build("thread-pool@271c0f68b4", {"requests": 1, "workers": 1})))
    variables = re.findall(r"^VARIABLE (\w+)$", text, re.M)
    actions = re.findall(r"^(\w+) == (.* UNCHANGED <<.*)$", text, re.M)
    assert len(actions) > 100
    for _, body in actions:
        changed = re.findall(r"(\w+)' =", body)
        unchanged = re.search(r"UNCHANGED <<(.*)>>", body)
        assert sorted([*changed, *unchanged[1].split(", ")]) == sorted(variables)  # type: ignore[index]


def test_identifiers_are_distinct() -> None:
    assert identifiers(["pool.lock", "pool_lock", "do"], {"do"}) == ["pool_lock", "pool_lock_", "do_"]


# -- SPIN ------------------------------------------------------------------------------------------


@needs_spin
@pytest.mark.parametrize(("address", "scope"), SMALL)
def test_spin_agrees(address: str, scope: dict[str, int]) -> None:
    found = compare(address, build(address, scope))
    assert found.agrees, found.document()


@needs_spin
@pytest.mark.slow
@pytest.mark.parametrize("run", [run for run in runs() if run.quick], ids=lambda run: run.title)
def test_spin_agrees_on_every_known_run(run: Run) -> None:
    model = build(run.system, run.scope)
    found = compare(run.title, model, properties=[model.property_named(run.only)] if run.only else None)
    assert found.agrees, found.document()
    if run.verdict == "HOLDS":
        assert (found.theirs.states, found.theirs.transitions) == (run.states, run.transitions)  # type: ignore[union-attr]


@needs_spin
def test_spin_agrees_where_a_model_has_too_many_places_for_d_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmodel.explore.export.promela._MOST_EXITS", 0)
    address, scope = SMALL[3]
    assert "atomic {" in promela(explored(build(address, scope)))
    found = compare(address, build(address, scope))
    assert found.agrees, found.document()


def spoilt(old: str, new: str) -> Callable[[str], spin.Verification]:
    """SPIN, on a model in which `old` was replaced."""

    def verify(model: str) -> spin.Verification:
        assert re.search(old, model)
        return spin.verify(re.sub(old, new, model, count=1))

    return verify


@needs_spin
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"d_step \{ \(*\w+ == 0\)* ->", "d_step { false ->"),  # a step is missing
        (r"d_step \{ \(*\w+ == 0\)* ->", "d_step { true ->"),  # a step is possible where it was not
        (r"d_step \{ !\(.*\) -> assert", "d_step { true -> assert"),  # a claim is broken
    ],
)
def test_a_disagreement_is_noticed(old: str, new: str) -> None:
    found = compare("event-notifier", build("event-notifier"), verify=spoilt(old, new))
    assert found.agrees is False


@needs_spin
def test_a_violation_that_spin_does_not_find_is_noticed() -> None:
    def verify(model: str) -> spin.Verification:
        return spin.verify(model.replace("assert(false)", "assert(true)"))

    found = compare("bottom-half", build("bottom-half@v2.0.0"), verify=verify)
    assert found.verdicts == (Verdict.VIOLATED, Verdict.HOLDS)
    assert found.agrees is False


SAID = """
State-vector 44 byte, depth reached 40, errors: 0
     2082 states, stored
     5039 states, matched
     7121 transitions (= stored+matched)
  128.730	total actual memory usage
pan: elapsed time 0.02 seconds
"""


def test_what_pan_says_is_read() -> None:
    found = spin.parsed(SAID)
    assert (found.states, found.transitions, found.errors, found.complete) == (2082, 7120, 0, True)
    assert (found.state_bytes, found.searching) == (44, 0.02)
    assert not spin.parsed(SAID + "error: max search depth too small\n").complete
    with pytest.raises(UsageError, match="does not say"):
        spin.parsed("pan: out of memory")


# -- the commands ----------------------------------------------------------------------------------


def invoke(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    if isinstance(done.exception, UsageError):
        return USAGE, str(done.exception)
    return done.exit_code, done.stdout


@needs_spin
def test_crosscheck_prints_both() -> None:
    code, said = invoke("crosscheck", "event-notifier", "--json")
    (found,) = json.loads(said)["comparisons"]
    assert code == 0
    assert found["agrees"]
    assert found["ours"]["states"] == found["spin"]["states"] == 2082
    assert "DISAGREE" not in invoke("crosscheck", "event-notifier")[1]


def test_a_disagreement_is_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spin, "missing", lambda: "")
    monkeypatch.setattr(spin, "verify", lambda *_, **__: spin.parsed(SAID.replace("2082", "2083")))
    code, said = invoke("crosscheck", "event-notifier")
    assert code == 1
    assert "DISAGREE" in said


def test_a_limit_is_exit_7() -> None:
    assert invoke("export", "event-notifier", "--promela", "--max-states", "100") == (INCONCLUSIVE, "")


def test_without_spin_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spin.shutil, "which", lambda name: None)
    code, said = invoke("crosscheck", "event-notifier")
    assert code == USAGE
    assert "apt-get install spin" in said


def test_a_limit_stops_a_comparison() -> None:
    found = compare("event-notifier", build("event-notifier"), Limits(states=100))
    assert found.agrees is None
    assert "limit" in found.stopped
