# mypy: disable-error-code="arg-type,assignment,return-value,call-arg,no-untyped-call,attr-defined,unreachable"
# (The numbers in here are numba's, whose types mypy does not know.)
"""The loops of walks: many walkers, each with one state, none with a memory of where it was.

What a walk does is a function of the seed and the walk's number: chance is a hash of these and of the number of the
step (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014), so nothing of it has to be kept, a
step that had to wait for a lesson is drawn again the same, and any walk can be walked again alone.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .kernels import IMAGE, REST, compiled, dangle, entry_of, find, hash_of, inlined, judge, meet, walk

FAULT = 0
"""What `stroll` notes about a step: it is an error.  About a state: `kernels.REST`, `RACE`, `RACE_UNKNOWN`, and ..."""

CLAIM = 4
"""... that a claim about it is broken or unknown."""

_STEP, _STAY, _HORIZON, _PRIORITY, _POINT, _SURPRISE = 1, 2, 3, 4, 5, 6
"""What chance is asked for: each has numbers of its own."""

SHORTEST_HORIZON = 3
"""The smallest horizon of a walk by priorities is 2**SHORTEST_HORIZON steps."""


class Rules(NamedTuple):
    """What all walks have in common.

    Attributes:
        seed: any number below 2**63; length: the longest walk, in steps.
        depth: of the bugs that walks by priorities look for (d in the paper); 0 for walks that are merely random.
        until: walks from this number on are not walked.
        stride: how many walkers there are; the next walk of a walker is that much further.
        turn: how many steps a walker takes at a time.
    """

    seed: int
    length: int
    depth: int
    until: int
    stride: int
    turn: int


class Party(NamedTuple):
    """Some walkers.

    Attributes:
        start: int64[words], where walks start.
        states, coming: int64[walkers, words]: where each is; a state that one comes to whose claims are unknown.
        at: int64[walkers, 3]: the number of its walk, steps of it, whether it has its priorities.
        priorities: int64[walkers, threads], the higher one goes first; points: int64[walkers, depth - 1], the steps at
            which one changes.
    """

    start: NDArray[np.int64]
    states: NDArray[np.int64]
    coming: NDArray[np.int64]
    at: NDArray[np.int64]
    priorities: NDArray[np.int64]
    points: NDArray[np.int64]


class Hints(NamedTuple):
    """What walks have to know beside `Program`.

    Attributes:
        faults: int32[leaves]: 0, or 1 + the first outcome that is an error.
        unreliable: int8[outcomes]: whether nothing can count on it.
        rests, row_bits, places: where nothing reliable is possible, and that is fine (a table, see `States`).
    """

    faults: NDArray[np.int32]
    unreliable: NDArray[np.int8]
    rests: NDArray[np.int64]
    row_bits: int
    places: NDArray[np.uint32]


@inlined
def scattered(seed: Any, number: Any) -> Any:
    """uint64: number `number` of the stream `seed` (uint64), by SplitMix64."""
    mixing = seed + np.uint64(number) * np.uint64(0x9E3779B97F4A7C15)
    mixing = (mixing ^ (mixing >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixing = (mixing ^ (mixing >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixing ^ (mixing >> np.uint64(31))


@inlined
def key_of(seed: int, number: int) -> Any:
    """uint64: the stream of a walk."""
    return scattered(scattered(np.uint64(seed), 1), number + 1)


@inlined
def chance(key: Any, what: int, number: int, below: int) -> int:
    """A number below `below` (less than 2**32) for `what`, the same each time."""
    return np.int64(((scattered(key, number << 3 | what) >> np.uint64(32)) * np.uint64(below)) >> np.uint64(32))


@inlined
def horizon_of(key: Any, length: int) -> int:
    """How far into a walk its priorities may change: any power of two up to `length`, all as likely.

    The paper takes the length of a run for it, which is not known here, and differs from run to run.  Since one power
    of two is less than twice that length, this costs its guarantee a factor of log2(length), and a small one.
    """
    choices = 0
    while (1 << (SHORTEST_HORIZON + choices)) < length:
        choices += 1
    return min(1 << (SHORTEST_HORIZON + chance(key, _HORIZON, 0, choices + 1)), length)


@inlined
def prioritise(key: Any, rules: Any, priorities: Any, points: Any, walker: int) -> None:
    """Draw the priorities of threads and the steps at which one changes (Burckhardt et al., ASPLOS 2010)."""
    horizon = horizon_of(key, rules.length)
    for thread in range(priorities.shape[1]):
        priorities[walker, thread] = (chance(key, _PRIORITY, thread, 1 << 31) << 8 | thread) + rules.depth
    for point in range(rules.depth - 1):
        points[walker, point] = chance(key, _POINT, point, horizon)


@inlined
def any_step(key: Any, step: int, total: int, leaves: Any, leaf_rows: Any) -> tuple[int, int, int]:
    """One of all `total` steps, each as likely: thread and outcome; and -1, see `step_by_priority`."""
    place = chance(key, _STEP, step, total)
    thread = 0
    while place >= leaf_rows[leaves[thread], 1]:
        place -= np.int64(leaf_rows[leaves[thread], 1])
        thread += 1
    return thread, place, -1


@inlined
def first_thread(reliably: Any, walker: int, priorities: Any, leaves: Any, leaf_rows: Any) -> int:
    """The thread of the highest priority that has a step, a reliable one if `reliably`."""
    best = -1
    for thread in range(leaves.shape[0]):
        can = leaf_rows[leaves[thread], 2] if reliably else leaf_rows[leaves[thread], 1]
        if can and (best < 0 or priorities[walker, thread] > priorities[walker, best]):
            best = thread
    return best


@inlined
def surprise(key: Any, step: int, unreliable: Any, leaves: Any, leaf_rows: Any) -> tuple[int, int]:
    """A step that nothing can count on, a time-out for one: thread and outcome, or -1 if there is none."""
    found, thread, place = 0, -1, 0
    for one in range(leaves.shape[0]):
        first = np.int64(leaf_rows[leaves[one], 0])
        for outcome in range(leaf_rows[leaves[one], 1]):
            if unreliable[first + outcome]:
                found += 1
                # The n-th one replaces those before with chance 1/n: all are as likely.
                if chance(key, _SURPRISE, (step << 12) + found, found) == 0:
                    thread, place = one, outcome
    return thread, place


@inlined
def change_at(step: int, points: Any, walker: int) -> int:
    """Which of the changes comes at this step, or -1."""
    found = -1
    for point in range(points.shape[1]):
        if points[walker, point] == step:
            found = point
    return found


@inlined
def step_by_priority(
    key: Any, step: int, reliable: Any, priorities: Any, points: Any, walker: int, unreliable: Any, leaves: Any,
    leaf_rows: Any,
) -> tuple[int, int, int]:  # fmt: skip
    """A step of the first thread: thread and outcome, and what it does to priorities.

    Where a priority changes, that of the first thread falls below all others, or (every other time) a step is taken
    that nothing can count on, which never is by itself while others are possible.

    Returns: thread, outcome, -1 or thread << 8 | new priority.  Nothing is changed here: a step that has to wait for a
    lesson is drawn again.
    """
    change, thread, place = change_at(step, points, walker), -1, 0
    if change >= 0 and chance(key, _SURPRISE, step << 12, 2):
        thread, place = surprise(key, step, unreliable, leaves, leaf_rows)
        if thread >= 0:
            return thread, place, -1
    thread = first_thread(reliable, walker, priorities, leaves, leaf_rows)
    if change >= 0:
        fallen, before = thread, priorities[walker, thread]
        priorities[walker, fallen] = change
        thread = first_thread(reliable, walker, priorities, leaves, leaf_rows)
        priorities[walker, fallen] = before
        change |= fallen << 8
    return thread, chance(key, _STEP, step, np.int64(leaf_rows[leaves[thread], 1])), change


@compiled
def stroll(
    width: Any, program: Any, hints: Any, rules: Any, party: Any, done: Any, taken: Any, record: Any, misses: Any,
    events: Any,
) -> Any:  # fmt: skip
    """Let each walker take a turn.

    One that meets what is unknown, or what is wrong, stops before that step.

    Args:
        width: a tuple of as many items as a state has words: its length is known when this is compiled.
        done: int64[3]: walks that ended, steps, and the most steps of a walk; counted on.
        taken: int64[outcomes], how often each was taken; counted on.
        record: int64[steps, 2], gets leaf and outcome of each step of the walk that is walked; empty for no record.
        misses: int64[n, 3], gets what is unknown: (walker, thread, node << 32 | number) or (walker, IMAGE, pointer <<
            32 | number).
        events: int64[n, 5], gets (FAULT, walker, leaf, outcome, 0), (REST, walker, 0, 0, 0), (RACE.., walker,
            footprint, footprint, 0), (CLAIM, walker, claim, leaf, node << 32 | number).

    Returns: the numbers of `misses` and of `events`.
    """
    # Taken out of the tuples once: each time costs a count of references.
    entries, nodes, branches, leaf_rows = program.entries, program.nodes, program.branches, program.leaves
    keep, put, outcomes = program.keep, program.put, program.outcomes
    pointers, images, races = program.pointers, program.images, program.races
    claim_entries, claim_nodes, claim_branches = program.claim_entries, program.claim_nodes, program.claim_branches
    faults, unreliable, rests, row_bits, places = (
        hints.faults, hints.unreliable, hints.rests, hints.row_bits, hints.places,
    )  # fmt: skip
    start, states, coming, at = party.start, party.states, party.coming, party.at
    priorities, points = party.priorities, party.points
    threads = entries.shape[0]
    leaves = np.zeros(threads, dtype=np.int64)
    here = np.zeros((2, states.shape[1]), dtype=np.int64)
    judged = np.zeros((64, 4), dtype=np.int64)
    missed, noted = 0, 0
    for walker in range(states.shape[0]):
        number, step, now, turn = at[walker, 0], at[walker, 1], np.int64(0), rules.turn
        key = key_of(rules.seed, number)
        for word in range(len(width)):
            here[0, word] = states[walker, word]
        while turn and number < rules.until:
            turn -= 1
            if rules.depth and not at[walker, 2]:
                prioritise(key, rules, priorities, points, walker)
                at[walker, 2] = 1
            known, already = missed, noted
            total, reliable, fault = np.int64(0), np.int64(0), np.int64(-1)
            for thread in range(threads):
                leaf, node, code = walk(np.int64(entries[thread]), nodes, branches, here, now)
                leaves[thread] = -leaf
                total += leaf_rows[np.uint64(-leaf), 1]
                reliable |= leaf_rows[np.uint64(-leaf), 2]
                if leaf == 0:
                    misses[missed, 0], misses[missed, 1], misses[missed, 2] = walker, thread, node << 32 | code
                    missed += 1
                elif faults[np.uint64(-leaf)] and fault < 0:
                    fault = -leaf
            if missed > known:
                break
            # An error comes before all else, so that what is found does not depend on what is known by then.
            if fault >= 0:
                events[noted, 0], events[noted, 1], events[noted, 2] = FAULT, walker, fault
                events[noted, 3] = faults[fault] - 1
                noted += 1
            elif reliable:
                noted = meet(walker, leaves, races, leaf_rows, events, noted)
            elif find(places, row_bits, rests, hash_of(here[now]), here[now]) < 0:
                events[noted, 0], events[noted, 1] = REST, walker
                noted += 1
            if noted > already:
                break

            # At rest a walk ends every other time, and else goes on by what may happen.
            if total == 0 or step >= rules.length or (not reliable and chance(key, _STAY, step, 2)):
                done[0] += 1
                done[2] = max(done[2], step)
                number, step = number + rules.stride, 0
                key = key_of(rules.seed, number)
                at[walker, 2] = 0
                for word in range(len(width)):
                    here[now, word] = start[word]
                continue

            if rules.depth:
                thread, place, change = step_by_priority(
                    key, step, reliable, priorities, points, walker, unreliable, leaves, leaf_rows
                )
            else:
                thread, place, change = any_step(key, step, total, leaves, leaf_rows)
            of = np.uint64(leaf_rows[np.uint64(leaves[thread]), 0] + place)
            if step < record.shape[0]:
                record[step, 0], record[step, 1] = leaves[thread], place

            then = 1 - now
            for word in range(len(width)):
                here[then, word] = here[now, word] & keep[of, word]
            if outcomes[of, 2]:
                unknown = dangle(outcomes[of, 1], outcomes[of, 2], pointers, images, here, now, here[then])
                if unknown >= 0:
                    code = (here[now, pointers[unknown, 0]] >> pointers[unknown, 1]) & pointers[unknown, 2]
                    misses[missed, 0], misses[missed, 1], misses[missed, 2] = walker, IMAGE, unknown << 32 | code
                    missed += 1
                    break
            for word in range(len(width)):
                here[then, word] |= put[of, word]
            if outcomes[of, 3]:
                wrong = judge(claim_entries, claim_nodes, claim_branches, here, then, outcomes[of, 3], judged, 0)
                if wrong:
                    for event in range(wrong):
                        events[noted, 0], events[noted, 1] = CLAIM, walker
                        events[noted, 2], events[noted, 3] = judged[event, 1], judged[event, 2]
                        events[noted, 4] = judged[event, 3]
                        noted += 1
                    for word in range(len(width)):
                        coming[walker, word] = here[then, word]
                    break
            if change >= 0:
                priorities[walker, change >> 8] = change & 255
            taken[of] += 1
            done[1] += 1
            step += 1
            now = then
        at[walker, 0], at[walker, 1] = number, step
        for word in range(len(width)):
            states[walker, word] = here[now, word]
    return missed, noted


@compiled
def remember(places: Any, row_bits: int, rests: Any, state: Any, row: int) -> int:
    """Add a state at rest to the table, as `row`; 0 if it is there already."""
    hashed = hash_of(state)
    found = find(places, row_bits, rests, hashed, state)
    if found >= 0:
        return 0
    rests[row] = state
    places[-1 - found] = entry_of(row, hashed, row_bits)
    return 1
