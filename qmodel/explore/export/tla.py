"""TLA+: one variable a component, one action a step.

TLC is in no package registry that CI uses, so nothing runs this module there: tests hold that what it says is closed
(every identifier is declared, brackets match) and that its actions are those of the Promela text, which SPIN does run.
`Spec` has no fairness: what is exported is safety.
"""

from __future__ import annotations

from collections.abc import Iterator

from .decision import Decision, Formula
from .names import identifiers
from .system import ClosedSystem, Image, Option, Thread

_KEYWORDS = """
ASSUME ASSUMPTION AXIOM CASE CHOOSE CONSTANT CONSTANTS DOMAIN ELSE ENABLED EXCEPT EXTENDS IF IN INSTANCE LET LOCAL
MODULE OTHER SF_ SUBSET THEN THEOREM UNCHANGED UNION VARIABLE VARIABLES WF_ WITH Int Nat Init Next Spec TypeOK vars
"""
_RESERVED = frozenset(_KEYWORDS.split())


def tla(system: ClosedSystem, properties: bool = True, module: str = "qmodel_export") -> str:
    """`system` as a TLA+ module.

    Args:
        properties: with one invariant a property, and `GoodRest` for the states in which nothing moves.
        module: its name, which must be that of its file without `.tla`.
    """
    return "\n".join(_Writer(system, properties, identifiers([module], ())[0]).lines()) + "\n"


class _Writer:
    def __init__(self, system: ClosedSystem, properties: bool, module: str) -> None:
        self.system, self.properties, self.module = system, properties, module
        self.stored = [part for part, component in enumerate(system.parts) if len(component.values) > 1]
        names = identifiers([system.parts[part].name for part in self.stored], _RESERVED)
        self.name = dict(zip(self.stored, names, strict=True))
        self.taken = _RESERVED.union(names)

    def lines(self) -> Iterator[str]:
        system, names = self.system, list(self.name.values())
        yield f"---- MODULE {self.module} ----"
        yield f"\\* {system.model.address}: {system.states} states, {system.transitions} transitions."
        yield "\\* Written by `qmodel export --tla`; do not edit."
        yield "EXTENDS Integers"
        for part in self.stored:
            yield from self._variable(part)
        yield f"vars == <<{', '.join(names)}>>"
        yield "TypeOK == " + self._all(f"{name} \\in 0..{system.kinds[part] - 1}" for part, name in self.name.items())
        yield "Init == " + self._all(f"{name} = {system.start[part]}" for part, name in self.name.items())
        actions = [*self._actions()]
        for name, body, said in actions:
            yield f"\\* {_plain(said)}"
            yield f"{name} == {body}"
        yield "Next == " + (" \\/ ".join(name for name, _, _ in actions) or "FALSE")
        yield "Spec == Init /\\ [][Next]_vars"
        if self.properties:
            yield from self._invariants()
        yield "===="

    def _variable(self, part: int) -> Iterator[str]:
        yield f"\\* {self.system.parts[part].name}:"
        yield from (f"\\*   {code} = {_plain(text)}" for code, text in enumerate(self.system.legend(part)))
        yield f"VARIABLE {self.name[part]}"

    @staticmethod
    def _all(parts: Iterator[str]) -> str:
        return " /\\ ".join(parts) or "TRUE"

    # -- steps -------------------------------------------------------------------------------------

    def _steps(self) -> Iterator[tuple[Thread, Option]]:
        for thread in self.system.threads:
            for place in sorted(thread.options):
                yield from ((thread, option) for option in thread.options[place])

    def _actions(self) -> Iterator[tuple[str, str, str]]:
        """Name, body and meaning of each step that leads somewhere."""
        steps = [(thread, option) for thread, option in self._steps() if not option.error]
        wanted = [f"{thread.name}_{number}" for number, (thread, _) in enumerate(steps)]
        for name, (thread, option) in zip(identifiers(wanted, self.taken), steps, strict=True):
            yield name, self._body(thread, option), option.says

    def _guard(self, thread: Thread, option: Option) -> list[str]:
        return [
            f"{self.name[p]} = {code}" for p, code in ((thread.part, option.before), *option.needs) if p in self.name
        ]

    def _body(self, thread: Thread, option: Option) -> str:
        becomes = {part: str(code) for part, code in option.writes if part in self.name}
        for image in option.images:
            becomes[image.part] = self._image(image, becomes.get(image.part, self.name[image.part]))
        changes = [f"{self.name[part]}' = {value}" for part, value in becomes.items()]
        same = [name for part, name in self.name.items() if part not in becomes]
        unchanged = [f"UNCHANGED <<{', '.join(same)}>>"] if same else []
        return self._all(iter([*self._guard(thread, option), *changes, *unchanged]))

    @staticmethod
    def _image(image: Image, value: str) -> str:
        cases = " [] ".join(f"({value}) = {before} -> {after}" for before, after in image.changes)
        return f"(CASE {cases} [] OTHER -> {value})"

    # -- properties --------------------------------------------------------------------------------

    def _invariants(self) -> Iterator[str]:
        system = self.system
        failing = [" /\\ ".join(self._guard(t, o)) or "TRUE" for t, o in self._steps() if o.error]
        claims = [(f"{claim.name}: {claim.says}", self._formula(claim.holds)) for claim in system.claims]
        stays = self._all(f"({self._formula(formula)})" for formula in system.stays)
        wanted = ["NoStepFails", "GoodRest", *(f"Claim_{claim.name}" for claim in system.claims)]
        no_failure, rest, *named = identifiers(wanted, self.taken)
        yield "\\* No step breaks a rule."
        any_failure = " \\/ ".join(f"({guard})" for guard in failing) or "FALSE"
        yield f"{no_failure} == ~({any_failure})"
        for name, (said, formula) in zip(named, claims, strict=True):
            yield f"\\* {_plain(said)}"
            yield f"{name} == {formula}"
        yield "\\* Where nothing moves that can be relied on is a good end."
        yield f"{rest} == ({stays}) => ({self._formula(system.rests_well)})"

    def _formula(self, formula: Formula) -> str:
        if not isinstance(formula, Decision):
            return "TRUE" if formula else "FALSE"
        return " \\/ ".join(self._branch(formula.part, codes, below) for codes, below in formula.branches)

    def _branch(self, part: int, codes: tuple[int, ...], below: Formula) -> str:
        if len(codes) == self.system.kinds[part]:
            return f"({self._formula(below)})"
        here = f"{self.name[part]} \\in {{{', '.join(map(str, codes))}}}"
        return f"({here})" if below is True else f"({here} /\\ ({self._formula(below)}))"


def _plain(text: str) -> str:
    return " ".join(text.split())
