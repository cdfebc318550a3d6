"""States survive being packed; fields stand in one word each, and in no more words than they need."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qmodel.compose.library import build
from qmodel.explore.learn import LearnedSteps
from qmodel.explore.native.components import Components
from qmodel.explore.native.packing import WORD, packed_into_words

BITS = st.lists(st.integers(0, 12), min_size=1, max_size=80)


@given(BITS, st.randoms(use_true_random=False))
def test_round_trip(bits: list[int], random: object) -> None:
    packing = packed_into_words(bits)
    codes = tuple(random.randrange(1 << width) for width in bits)  # type: ignore[attr-defined]
    assert packing.unpack(packing.pack(codes)) == codes


@given(BITS)
def test_fields_do_not_overlap_and_are_wide_enough(bits: list[int]) -> None:
    packing = packed_into_words(bits)
    assert (packing.bits >= bits).all()
    taken = np.zeros((packing.words, WORD), dtype=int)
    for word, shift, width in zip(packing.word, packing.shift, packing.bits, strict=True):
        assert shift + width <= WORD
        taken[word, shift : shift + width] += 1
    assert taken.max(initial=0) <= 1


@given(BITS)
def test_no_more_words_than_first_fit_needs(bits: list[int]) -> None:
    assert packed_into_words(bits).words <= max(1, -(-sum(bits) * 12 // 11 // WORD) + 1)


def test_components_cover_every_slot_once_and_give_states_back() -> None:
    model = build("bottom-half@924fe1293c", {"bhs": 2})
    components, steps = Components(model.layout), LearnedSteps(model)
    slots = sorted(slot for part in components.parts for slot in part.slots)
    assert slots == list(range(model.width))
    states = [model.initial()]
    for state in states:
        if len(states) < 2000:
            states += [step.state for step in steps(state) if step.state is not None]
    assert all(components.decode(components.encode(state)) == state for state in states)
