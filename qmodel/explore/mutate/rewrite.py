"""One method as a syntax tree: the places where it can be changed, and the changed function.

A changed function keeps its name, file and line numbers.  It tells when control reaches the changed place, and its
loops are bounded, since a mutant may not hang the search that is to kill it.
"""

from __future__ import annotations

import ast
import copy
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from ...spec.errors import Violation

_TURNS = 1000
_NOTIFIERS = {"set", "post", "signal", "broadcast"}
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
}  # fmt: skip
_NEGATIONS = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)

Statements = list[ast.stmt]


@dataclass(frozen=True)
class Edit:
    """A change of one method.

    Attributes:
        operator: the kind of change, such as "drop".
        label: the change in a few words; with the method's name it identifies the mutant.
        line: in the specification file.
        block, place: where in the function's blocks the changed statement stands.
        change: what to do to that block of a fresh copy.
    """

    operator: str
    label: str
    line: int
    block: int
    place: int
    change: Callable[[Statements, int], None]


class Reached:
    """Whether any step came to the changed place."""

    def __init__(self) -> None:
        self.yes = False

    def __call__(self) -> None:
        self.yes = True


def edits_of(function: FunctionType, *, negate_result: bool) -> list[Edit]:
    """Every change of `function`, in the order of its text."""
    found: list[Edit] = []
    offset = function.__code__.co_firstlineno - 1
    for block, statements in enumerate(_blocks(_tree(function))):
        for place, statement in enumerate(statements):
            for operator, label, change in _changes(statements, place, negate_result):
                found.append(Edit(operator, label, offset + statement.lineno, block, place, change))
    return found


def has_loop(function: FunctionType) -> bool:
    return any(isinstance(node, ast.While) for node in ast.walk(_tree(function)))


def rewritten(function: FunctionType, edit: Edit | None = None, reached: Reached | None = None) -> FunctionType:
    """`function` with `edit` made and its loops bounded."""
    tree = copy.deepcopy(_tree(function))
    if edit is not None:
        block = _blocks(tree)[edit.block]
        edit.change(block, edit.place)
        block.insert(edit.place, _parsed("_qmodel_reached()"))
    for node in ast.walk(tree):
        if isinstance(node, ast.While):
            node.body.insert(0, _parsed("_qmodel_patience.turn()"))
    tree.body.insert(0, _parsed("_qmodel_patience = _qmodel_loops()"))
    ast.fix_missing_locations(tree)
    ast.increment_lineno(tree, function.__code__.co_firstlineno - 1)
    scope = {**function.__globals__, "_qmodel_reached": reached or Reached(), "_qmodel_loops": _Patience}
    exec(compile(ast.Module([tree], []), function.__code__.co_filename, "exec"), scope)
    made = scope[function.__name__]
    assert isinstance(made, FunctionType)
    made.__qualname__ = function.__qualname__
    return made


class _Patience:
    """Ends a loop that would not end."""

    def __init__(self) -> None:
        self.turns = 0

    def turn(self) -> None:
        self.turns += 1
        if self.turns > _TURNS:
            raise Violation(f"a loop makes more than {_TURNS} turns in one step", "endless loop")


def _tree(function: FunctionType) -> ast.FunctionDef:
    tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    assert isinstance(tree, ast.FunctionDef)
    tree.decorator_list = []
    tree.returns = None
    for argument in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs):
        argument.annotation = None
    return tree


def _parsed(text: str) -> ast.stmt:
    return ast.parse(text).body[0]


def _blocks(tree: ast.FunctionDef) -> list[Statements]:
    """The statement lists of a function, outermost first; a docstring is no part of one."""
    if ast.get_docstring(tree, clean=False) is not None:
        del tree.body[0]
    found = [tree.body]
    for statements in found:
        for statement in statements:
            if isinstance(statement, ast.If | ast.While | ast.For):
                found += [block for block in (statement.body, statement.orelse) if block]
    return found


# -- what can be done to one statement -------------------------------------------------------------

Change = tuple[str, str, Callable[[Statements, int], None]]


def _changes(statements: Statements, place: int, negate_result: bool) -> Iterator[Change]:
    statement = statements[place]
    if isinstance(statement, ast.Pass):
        return
    if not (isinstance(statement, ast.Return) and statement.value is not None):
        yield _drop(statement)
    following = statements[place + 1] if place + 1 < len(statements) else None
    if following is not None and not isinstance(following, ast.Return):
        yield "swap", f'swap "{_text(statement)}" and "{_text(following)}"', _swap
    if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
        yield "constant", f'flip the sign of "{_text(statement)}"', _flip_sign
    if isinstance(statement, ast.If | ast.While):
        yield "negate", f'negate "{_text(statement)}"', _negate("test")
    if negate_result and isinstance(statement, ast.Return) and not isinstance(statement.value, ast.Constant):
        yield "negate", f'negate "{_text(statement)}"', _negate("value")
    yield from _expressions(statement)


def _drop(statement: ast.stmt) -> Change:
    call = statement.value if isinstance(statement, ast.Expr) else None
    notifies = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _NOTIFIERS
    operator = "drop notify" if notifies else "drop"

    def drop(statements: Statements, place: int) -> None:
        statements[place] = ast.Pass()

    return operator, f'{operator} "{_text(statement)}"', drop


def _swap(statements: Statements, place: int) -> None:
    statements[place], statements[place + 1] = statements[place + 1], statements[place]


def _flip_sign(statements: Statements, place: int) -> None:
    statement = statements[place]
    assert isinstance(statement, ast.AugAssign)
    statement.op = ast.Sub() if isinstance(statement.op, ast.Add) else ast.Add()


def _negate(name: str) -> Callable[[Statements, int], None]:
    def negate(statements: Statements, place: int) -> None:
        statement: Any = statements[place]
        setattr(statement, name, ast.UnaryOp(ast.Not(), getattr(statement, name)))

    return negate


# -- expressions -----------------------------------------------------------------------------------


def _own_nodes(statement: ast.stmt) -> list[ast.expr]:
    """The expressions of a statement, without those of the statements inside it."""
    found: list[Any] = []
    pending: list[Any] = [statement]
    while pending:
        for child in ast.iter_child_nodes(pending.pop(0)):
            if isinstance(child, ast.expr | ast.operator | ast.boolop | ast.cmpop | ast.comprehension):
                pending.append(child)
                found.append(child)
    return found


def _expressions(statement: ast.stmt) -> Iterator[Change]:
    top = getattr(statement, "test", None) or getattr(statement, "value", None)
    quoted = _text(statement)
    for number, node in enumerate(_own_nodes(statement)):
        if isinstance(node, ast.BoolOp):
            for i, operand in enumerate(node.values):
                yield "drop operand", f'drop "{_text(operand)}" of "{quoted}"', _at(number, _without(i))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not) and node is not top:
            yield "negate", f'negate "{_text(node)}" of "{quoted}"', _at(number, lambda n: n.operand)
        elif isinstance(node, ast.Compare) and not (node is top and isinstance(node.ops[0], _NEGATIONS)):
            other = _COMPARISONS[type(node.ops[0])]
            yield "compare", f'flip "{_text(node)}" of "{quoted}"', _at(number, _compared(other))
        elif isinstance(node, ast.Constant) and node.value in (0, 1) and not isinstance(statement, ast.AugAssign):
            flipped: object = not node.value if isinstance(node.value, bool) else 1 - node.value
            yield "constant", f'{node.value} becomes {flipped} in "{quoted}"', _at(number, _constant(flipped))


def _at(number: int, make: Callable[[Any], ast.expr]) -> Callable[[Statements, int], None]:
    """Exchange the expression `number` of a statement."""

    def change(statements: Statements, place: int) -> None:
        statement = statements[place]
        node = _own_nodes(statement)[number]
        statements[place] = _Exchange(node, make(node)).visit(statement)

    return change


class _Exchange(ast.NodeTransformer):
    def __init__(self, old: ast.expr, new: ast.expr) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self.new if node is self.old else super().generic_visit(node)


def _without(index: int) -> Callable[[ast.BoolOp], ast.expr]:
    def make(node: ast.BoolOp) -> ast.expr:
        rest = [value for i, value in enumerate(node.values) if i != index]
        return rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)

    return make


def _compared(other: type[ast.cmpop]) -> Callable[[ast.Compare], ast.expr]:
    return lambda node: ast.Compare(node.left, [other()], node.comparators)


def _constant(value: object) -> Callable[[ast.Constant], ast.expr]:
    return lambda node: ast.Constant(value)  # type: ignore[arg-type]


def _text(node: ast.AST) -> str:
    """The first line of the node's text, shortened."""
    line = ast.unparse(node).splitlines()[0]
    return line if len(line) <= 72 else line[:69] + "..."
