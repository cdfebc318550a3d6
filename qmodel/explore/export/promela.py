"""Promela: one process a thread, one label a place, one `d_step` a step.

A `d_step` that starts with its guard is one transition of SPIN and leaves no state in between, and a `goto` behind it
is none of its own: SPIN stores exactly our states.  Steps that lead to one place share an `if` and its `goto`.  A
label keeps SPIN from looking at the steps of other places, so the model runs as fast as one that was written by hand.
What is asked of every state (the claims, and the rule that a state without a reliable step must be a good end) stands
in a watcher, a process whose only place is left by nothing but a failed assertion; it adds no state.

A failed step leads back to where it was, so SPIN goes on behind it as our search does (`pan -c0`).
Not exported: data races, which are judged by what two threads touch, and nothing of that is in the numbers.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Iterator, Sequence

from ..native.situations import Path
from .decision import Decision, Formula, any_of
from .names import identifiers
from .system import ClosedSystem, Image, Option, Thread

_KEYWORDS = """
active assert atomic bit bool break byte c_code c_decl c_expr c_state c_track chan d_step do else empty enabled end eval
false fi for full get_priority goto hidden if in init inline int len local ltl mtype nempty never nfull notrace now np_
od of pc_value pid print printf priority proctype provided return run select set_priority short show skip timeout trace
true typedef unless unsigned watcher xr xs
"""
_RESERVED = frozenset(_KEYWORDS.split())

_MOST_EXITS = 2000
"""SPIN 6 has room for 2,048 places behind a `d_step`; a model with more has `atomic`, which is slower in `pan`."""


def promela(system: ClosedSystem, properties: bool = True) -> str:
    """`system` as a Promela model.

    Args:
        properties: with the watcher; without it, SPIN sees failed steps and states in which nothing moves.
    """
    return "\n".join(_Writer(system, properties).lines()) + "\n"


class _Writer:
    def __init__(self, system: ClosedSystem, properties: bool) -> None:
        self.system, self.properties = system, properties
        seen = system.told | system.judged if properties else system.told
        stacks = {thread.part: thread for thread in system.threads}
        self.stored = [part for part in sorted(seen) if len(system.parts[part].values) > 1]
        named = [("at_" if part in stacks else "") + system.parts[part].name for part in self.stored]
        self.name = dict(zip(self.stored, identifiers(named, _RESERVED), strict=True))
        exits = sum(len(self._exits(thread, place)) for thread in system.threads for place in thread.options)
        self._one = "d_step" if exits < _MOST_EXITS else "atomic"
        self.ends = [system.resting(thread) for thread in system.threads]

    def lines(self) -> Iterator[str]:
        system = self.system
        yield from _comment([
            f"{system.model.address}{_scope(system)}: {system.states} states, {system.transitions} transitions,",
            "written by `qmodel export --promela`; do not edit.",
        ])  # fmt: skip
        for part in self.stored:
            yield from self._declaration(part)
        for thread, ends in zip(system.threads, self.ends, strict=True):
            yield ""
            yield from self._process(thread, ends)
        if self.properties:
            yield ""
            yield from self._watcher()

    # -- variables ---------------------------------------------------------------------------------

    def _declaration(self, part: int) -> Iterator[str]:
        component = self.system.parts[part]
        values = len(component.values)
        kind = "bit" if values <= 2 else "byte" if values <= 256 else "short" if values <= 1 << 15 else "int"
        yield ""
        owner = next((thread for thread in self.system.threads if thread.part == part), None)
        if owner:
            yield from _comment([f"{owner.name}: as at the labels of {self._process_name(owner)}"])
        else:
            meaning = [f"{code} = {text}" for code, text in enumerate(self.system.legend(part))]
            yield from _comment([f"{component.name}:", *meaning])
        yield f"{kind} {self.name[part]} = {self.system.start[part]};"

    # -- threads -----------------------------------------------------------------------------------

    def _process(self, thread: Thread, ends: set[int]) -> Iterator[str]:
        legend = self.system.legend(thread.part)
        first = thread.places[self.system.start[thread.part]]
        yield f"active proctype {self._process_name(thread)}() {{"
        for place in sorted(thread.options, key=lambda place: (place != first, place)):
            codes = thread.codes(place)
            yield from _comment([f"{code} = {legend[code]}" for code in codes])
            yield f"{self._label(place, codes, ends)}:"
            yield from self._options(thread, place, ends)
        yield "}"

    def _process_name(self, thread: Thread) -> str:
        return identifiers([f"thread_{thread.name}"], self.name.values())[0]

    def _label(self, place: int, codes: Sequence[int], ends: set[int]) -> str:
        return f"at_{place}" if ends.isdisjoint(codes) else f"end_{place}"

    def _options(self, thread: Thread, place: int, ends: set[int]) -> Iterator[str]:
        exits = self._exits(thread, place)
        if not exits:
            yield f"\tfalse; goto {self._label(place, thread.codes(place), ends)};"
            return
        yield "\tif"
        for there, steps in exits.items():
            goto = self._label(there, thread.codes(there), ends)
            yield "\t:: if"
            yield from (f"\t   :: {self._step(thread, place, step)}" for step in steps)
            yield f"\t   fi; goto {goto}"
        yield "\tfi;"

    def _exits(self, thread: Thread, place: int) -> dict[int, list[list[Option]]]:
        """The steps of a place by where they lead; each is some options that do the same in different situations."""
        found: dict[int, dict[Hashable, list[Option]]] = {}
        for option in thread.options[place]:
            steps = found.setdefault(place if option.error else thread.places[option.after], {})
            for number in itertools.count():
                step = steps.setdefault((number, option.error, option.images, self._written(option)), [])
                if all((other.before, other.needs) != (option.before, option.needs) for other in step):
                    step.append(option)
                    break
        return {there: list(steps.values()) for there, steps in found.items()}

    def _written(self, option: Option) -> Path:
        return tuple((part, code) for part, code in option.writes if part in self.name)

    def _step(self, thread: Thread, place: int, step: list[Option]) -> str:
        """One transition: the guards of the options, and what they all do."""
        shared = len(thread.codes(place)) > 1
        needs = [(((thread.part, o.before),) if shared else ()) + o.needs for o in step]
        guard = self._formula(any_of(needs, self.system.kinds))
        changes = [self._image(image) for image in step[0].images]
        changes += [f"{self.name[part]} = {code}" for part, code in self._written(step[0])]
        does = "assert(false)" if step[0].error else "; ".join(changes) or "skip"
        return f"{self._one} {{ {guard} -> {does} }} {_note(*dict.fromkeys(map(_described, step)))}"

    def _image(self, image: Image) -> str:
        name = self.name[image.part]
        becomes = name
        for before, after in image.changes:
            becomes = f"({name} == {before} -> {after} : {becomes})"
        return f"{name} = {becomes}"

    # -- what is asked of every state --------------------------------------------------------------

    def _watcher(self) -> Iterator[str]:
        yield "active proctype watcher() {"
        yield "end_watching:"
        yield "\tif"
        for claim in self.system.claims:
            said = _note(f"{claim.name}: {claim.says}")
            yield f"\t:: d_step {{ !({self._formula(claim.holds)}) -> assert(false) }} {said}"
        stays = " && ".join(f"({self._formula(formula)})" for formula in self.system.stays)
        well = self._formula(self.system.rests_well)
        rule = "nothing moves that can be relied on, and it is no good end"
        yield f"\t:: d_step {{ {stays} && !({well}) -> assert(false) }} {_note(rule)}"
        yield "\tfi; goto end_watching"
        yield "}"

    def _formula(self, formula: Formula) -> str:
        if not isinstance(formula, Decision):
            return "true" if formula else "false"
        return " || ".join(self._branch(formula.part, codes, below) for codes, below in formula.branches)

    def _branch(self, part: int, codes: tuple[int, ...], below: Formula) -> str:
        if len(codes) == len(self.system.parts[part].values):
            return f"({self._formula(below)})"
        here = self._among(part, codes)
        return here if below is True else f"({here} && ({self._formula(below)}))"

    def _among(self, part: int, codes: tuple[int, ...]) -> str:
        name, every = self.name[part], range(len(self.system.parts[part].values))
        others = [code for code in every if code not in codes]
        if len(others) < len(codes):
            return "(" + " && ".join(f"{name} != {code}" for code in others) + ")"
        return "(" + " || ".join(f"{name} == {code}" for code in codes) + ")"


def _scope(system: ClosedSystem) -> str:
    return "".join(f" {name}={value}" for name, value in system.model.layout.scope.items())


def _described(option: Option) -> str:
    return option.says + (f": {option.error}" if option.error else "")


def _note(*texts: str) -> str:
    return f"/* {', '.join(map(_harmless, texts))} */"


def _comment(texts: Iterable[str]) -> Iterator[str]:
    lines = [_harmless(text) for text in texts]
    if len(lines) == 1:
        yield f"/* {lines[0]} */"
        return
    yield f"/* {lines[0]}"
    for line in lines[1:-1]:
        yield f" * {line}"
    yield f" * {lines[-1]} */"


def _harmless(text: str) -> str:
    """`text` as part of a comment: on one line, and without an end of it."""
    return " ".join(text.replace("*/", "* /").replace("/*", "/ *").split())
