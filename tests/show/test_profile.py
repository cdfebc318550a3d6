"""A profile as a reader sees it."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from qmodel.compose.model import Model
from qmodel.compose.profile import Budget, Estimate, Growth, Point, Profile
from qmodel.explore.search import profiled
from qmodel.show.profile import headline, rendered, sections
from tests.explore.test_profile import Tickers

GROWTH = (
    Growth(
        "tickers",
        (Point(1, 12, 0.01, ""), Point(2, 36, 0.02, ""), Point(3, 108, 0.03, "")),
        "",
        Estimate(4, 324, 0.09, 5 << 20, "x 3.00, as with coins=0"),
    ),
    Growth("coins", (Point(1, 50, 2.0, "the limit of 50 states was reached"),), "coins=0 was not searched", None),
)


def tickers() -> Profile:
    _, found = profiled(Model(Tickers(coins=1)), budget=Budget(100, 0.0), every_field=True)
    return replace(found, seconds=1.25, growth=GROWTH)


def text(profile: Profile, most: int = 15) -> str:
    """Everything that is printed, in a terminal of 100 columns."""
    console = Console(file=io.StringIO(), width=100, highlight=False)
    console.print(headline(profile), soft_wrap=True)
    for section in sections(profile, most):
        console.print(rendered(section))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines())


SHOWN = """\
Where did it go?  108 states and 432 transitions in 1.2 s; 16 lessons in Python taught 19 situations; \
a state has 12 bits in 1 word

Steps
taken: transitions.  situations: different things that a thread can see when it takes the step.
lessons, nodes: runs of Python and tree nodes for the places where it starts; the steps of one place
share them.  cost: share of transitions and situations, one of which takes as long as 2,000
transitions.
step                function  taken  situations  lessons  nodes   cost
Ticker.tick                     108           9        9      9  55.8%
Ticker.start                    108           3        3      0  18.8%
Flipper.throw                   108           4        4      2  12.7%
Flipper.throw_mine              108           4        4      2  12.7%

Variables
values: different ones that it took.  steps, claims: nodes of their trees that look at it.  fields:
what it consists of, with the values of each.
variable    values  bits  steps  claims  fields
board.sum        4     2      3       5
board.copy       4     2      0       1
T1               3     2      1       0  locations 3
T2               3     2      1       0  locations 3
T3               3     2      1       0  locations 3
board.coin       2     1      2       0
F                2     1      1       0  Flipper.mine 2
2 never changed

Claims
lessons: runs of its Python.  nodes: of its tree.  judged after: steps that can change what it looks
at, and how often these were taken.
claim    kind    lessons  nodes  judged after  transitions
forged   never         4      6        1 of 4          108
adds up  always        4      2        1 of 4          108

What ghosts cost
states left: of those that were reached, if they did not have the variable.  factor: how many times
fewer.
variable      kind   in     states left  factor
Board.coin    ghost  board           54  x 2.00
Flipper.mine  ghost  F               54  x 2.00
Board.copy    ghost  board          108  x 1.00
all of these                         27  x 4.00

What fields cost
The same for fields, if the rest went on as it does.
variable       kind   in        states left  factor
Board.lock     field  board             108  x 1.00
Board.sum      field  board             108  x 1.00
Ticker.board   field  T1 T2 T3          108  x 1.00
Flipper.board  field  F                 108  x 1.00

Growth
~ marks an estimate, by the method beside it; seconds and memory go with the states.  Other scopes
were searched up to 108 states each, 0 s together.
parameter  value  states   ratio  seconds   memory
tickers        1      12              0.0
               2      36  x 3.00      0.0
               3     108  x 3.00      0.0
               4   ~ 324            ~ 0.1  ~ 5 MiB  x 3.00, as with coins=0
coins          1      50              2.0           not complete: the limit of 50 states was reached
                                                    coins=0 was not searched"""


def test_text() -> None:
    assert text(tickers()) == SHOWN


def test_long_tables_say_what_they_leave_out() -> None:
    found = text(tickers(), most=1)
    assert "... and 6 more; 2 never changed" in found
    assert found.count("... and ") == 5
