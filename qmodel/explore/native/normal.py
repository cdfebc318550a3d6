# mypy: disable-error-code="arg-type,assignment,return-value,call-arg,no-untyped-call,attr-defined,unreachable"
# (The numbers in here are numba's, whose types mypy does not know.)
"""The normal form of a packed state, in place: the loop that `orbits.Orbits` makes the tables for.

It follows `compose.symmetry.Symmetry.normalising`, on numbers of components.  A search without symmetry passes None for
the tables, and all of this is compiled away.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

FACTS, RENAMED = -2, -3
"""Instead of a thread whose situation is unknown: what the normal form needs of a number, or what it becomes."""

WORD, SHIFT, MASK, FACT, VARIANT, BY_OBJECTS, PART = range(7)
"""Columns of `parts` and `facts_of`."""

REFERENCE = 5
"""Bits of an object in a list of references."""

inlined = njit(nogil=True, cache=True, boundscheck=False, error_model="numpy", forceinline=True)
compiled = njit(nogil=True, cache=True, boundscheck=False, error_model="numpy")


class Normal(NamedTuple):
    """The tables in one packing.

    Attributes:
        counts: int64[5], how many threads, stacks, singles, objects and objects again `watched` has.
        watched: int64[n, 7]: field (word, shift, mask) and facts of: the stacks of the pools, the other stacks, what
            holds pointers in single objects, whether each pooled object is allocated, what it holds.
        facts: int64[n, 2]: the key of a number, 0 if unknown, and the objects that it refers to: the first one, plus 1,
            in the lowest bits.
        threads, objects: int64[pools, 2]: first and number of each pool, within `watched`.
        active: int64[n, 7]: what a permutation changes: field, place in `places` of the first variant, whether the
            permutation of objects matters, component.
        inert: int64[words]: the bits of all others.
        to_thread, to_object: int64[permutations, parts]: where each component goes.
        variants: int64[permutations of threads, parts]: added to the place in `places`.
        places: int64[]: where the images of a variant start, 0 if none is known.
        images: int32[]: 0 if unknown, else the number that another one becomes, plus 1.
        fields: int64[parts, 3]: word, shift and mask.
    """

    counts: NDArray[np.int64]
    watched: NDArray[np.int64]
    facts: NDArray[np.int64]
    threads: NDArray[np.int64]
    objects: NDArray[np.int64]
    active: NDArray[np.int64]
    inert: NDArray[np.int64]
    to_thread: NDArray[np.int64]
    to_object: NDArray[np.int64]
    variants: NDArray[np.int64]
    places: NDArray[np.int64]
    images: NDArray[np.int32]
    fields: NDArray[np.int64]


@inlined
def desk_for(normal: Any) -> Any:
    """int64[5, n]: room to work on one state: keys, references, an order, its inverse, a queue."""
    if normal is None:
        return np.zeros((1, 1), dtype=np.int64)
    return np.zeros((5, max(normal.watched.shape[0], normal.inert.shape[0]) + 1), dtype=np.int64)


@inlined
def rank_of(pools: Any, new: Any) -> int:
    """The number of a permutation, `new[item]` being where an item goes, among those of the pools."""
    rank = 0
    for pool in range(pools.shape[0]):
        first, count = pools[pool, 0], pools[pool, 1]
        for one in range(count):
            smaller = 0
            for two in range(one + 1, count):
                smaller += new[first + two] < new[first + one]
            rank = rank * (count - one) + smaller
    return rank


@inlined
def sort_threads(pools: Any, keys: Any, order: Any, new: Any) -> None:
    """Order the threads of each pool by key; threads of one key stay in their order."""
    for pool in range(pools.shape[0]):
        first, last = pools[pool, 0], pools[pool, 0] + pools[pool, 1]
        for item in range(first, last):
            place = item
            while place > first and keys[order[place - 1]] > keys[item]:
                order[place] = order[place - 1]
                place -= 1
            order[place] = item
        for place in range(first, last):
            new[order[place]] = place


@inlined
def meet_objects(references: int, met: Any, queue: Any, count: int) -> int:
    """Queue the objects of a list of references that were not met; how many are queued then."""
    while references:
        number = (references & 31) - 1
        references >>= REFERENCE
        if met[number] < 0:
            met[number] = count
            queue[count] = number
            count += 1
    return count


@inlined
def name_objects(pools: Any, keys: Any, first_key: int, objects: int, met: Any, new: Any) -> None:
    """Order the objects of each pool: those that were met by when, the others by whether they live and their key."""
    for pool in range(pools.shape[0]):
        first, last = pools[pool, 0], pools[pool, 0] + pools[pool, 1]
        for one in range(first, last):
            place = first
            for two in range(first, last):
                if one == two:
                    continue
                if met[one] >= 0 or met[two] >= 0:
                    before = met[two] >= 0 and (met[one] < 0 or met[two] < met[one])
                else:
                    lives, holds = keys[first_key + one], keys[first_key + objects + one]
                    other, others = keys[first_key + two], keys[first_key + objects + two]
                    before = other < lives or (other == lives and (others < holds or (others == holds and two < one)))
                place += before
            new[one] = place


@compiled
def look_up(
    counts: Any, watched: Any, facts: Any, state: Any, desk: Any, row: int, misses: Any, missed: int, most: int
) -> int:
    """Put the facts of everything watched on the desk; how many `misses` there are then."""
    for number in range(watched.shape[0]):
        code = (state[watched[number, WORD]] >> watched[number, SHIFT]) & watched[number, MASK]
        place = watched[number, FACT] + code
        key = facts[place, 0]
        desk[0, number], desk[1, number] = key, facts[place, 1]
        if key == 0 and missed < most:
            misses[missed, 0], misses[missed, 1], misses[missed, 2] = row, FACTS, watched[number, PART] << 32 | code
            missed += 1
    return missed


@compiled
def permute(
    active: Any, inert: Any, to_thread: Any, to_object: Any, variants: Any, places: Any, images: Any, fields: Any,
    tau: int, pi: int, state: Any, spare: Any, row: int, misses: Any, missed: int, most: int,
) -> Any:  # fmt: skip
    """Permute `state` in place by mapping `tau` of the threads and `pi` of the objects.

    Returns: whether every image is known, and how many `misses` there are then.
    """
    for word in range(inert.shape[0]):
        spare[word] = state[word] & inert[word]
    known = True
    for number in range(active.shape[0]):
        part = active[number, PART]
        code = (state[active[number, WORD]] >> active[number, SHIFT]) & active[number, MASK]
        place = active[number, VARIANT] + variants[tau, part] + active[number, BY_OBJECTS] * pi
        image = np.int64(0)
        if places[place]:
            image = np.int64(images[places[place] + code])
        if image == 0:
            known = False
            if missed < most:
                misses[missed, 0], misses[missed, 1], misses[missed, 2] = row, RENAMED, place << 32 | code
                missed += 1
            continue
        target = to_object[pi, to_thread[tau, part]]
        spare[fields[target, 0]] |= (image - 1) << fields[target, 1]
    if known:
        for word in range(inert.shape[0]):
            state[word] = spare[word]
    return known, missed


@inlined
def normalise(normal: Any, state: Any, desk: Any, row: int, misses: Any, missed: int, most: int) -> Any:
    """Bring `state` (int64[words]), a successor of `row`, to its normal form.

    Args:
        misses: gets (row, FACTS, component << 32 | number) and (row, RENAMED, place << 32 | number) of what is unknown,
            up to `most` in all.

    Returns: 0 if it was in normal form, 1 if not, -1 if something is unknown, and how many `misses` there are then.
    """
    if normal is None:
        return 0, missed
    counts, watched, facts, fields = normal.counts, normal.watched, normal.facts, normal.fields
    before = missed
    missed = look_up(counts, watched, facts, state, desk, row, misses, missed, most)
    threads, stacks, singles, objects = counts[0], counts[1], counts[2], counts[3]
    if missed > before or missed >= most:
        return -1, missed
    tau = arrange_threads(normal.threads, desk)
    pi = arrange_objects(normal.objects, desk, threads, stacks, singles, objects)
    if tau == 0 and pi == 0:
        return 0, missed
    known, missed = permute(
        normal.active, normal.inert, normal.to_thread, normal.to_object, normal.variants, normal.places, normal.images,
        fields, tau, pi, state, desk[4], row, misses, missed, most,
    )  # fmt: skip
    return (1 if known else -1), missed


@compiled
def arrange_threads(pools: Any, desk: Any) -> int:
    """The number of the permutation that orders the threads; desk[2] gets their order."""
    sort_threads(pools, desk[0], desk[2], desk[3])
    return rank_of(pools, desk[3])


@compiled
def arrange_objects(pools: Any, desk: Any, threads: int, stacks: int, singles: int, objects: int) -> int:
    """The number of the permutation that names the objects."""
    references, order, met, queue = desk[1], desk[2], desk[3], desk[4]
    for number in range(objects):
        met[number] = -1
    count = 0
    for number in range(threads, threads + stacks):
        count = meet_objects(references[number], met, queue, count)
    for place in range(threads):
        count = meet_objects(references[order[place]], met, queue, count)
    for number in range(threads + stacks, threads + stacks + singles):
        count = meet_objects(references[number], met, queue, count)
    first = threads + stacks + singles
    done = 0
    while done < count:
        count = meet_objects(references[first + objects + queue[done]], met, queue, count)
        done += 1
    name_objects(pools, desk[0], first, objects, met, order)
    return rank_of(pools, order)
