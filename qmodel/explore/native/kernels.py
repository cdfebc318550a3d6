# mypy: disable-error-code="arg-type,assignment,return-value,call-arg,no-untyped-call,attr-defined,unreachable"
# (The numbers in here are numba's, whose types mypy does not know.)
"""The loops of the native search.  They are compiled once per machine, for whatever model, and release the GIL.

States are rows of 64-bit words, cut into segments, one for each worker (`row_of`), so that each appends without asking
the other.  The visited set is a hash table per owner: its entries hold a row and, in the bits that the row leaves free,
a tag of the hash; a state belongs to the owner that its hash names.

They stand in one file, since numba's cache looks at the file of the loop that Python calls, and not at those of the
functions that it calls: whoever changes `normal` touches this file too.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from .normal import desk_for, normalise
from .tables import MOST_STEPS

BLOCK = 12
"""A segment is interleaved with the others in blocks of 2**BLOCK rows: no two workers write to one cache line."""

IMAGE = -1
"""Instead of a thread whose situation is unknown: what a number becomes when pointers dangle."""

ERROR, REST, RACE, RACE_UNKNOWN = 0, 1, 2, 3
"""What `expand` notes about a state beside its successors."""

compiled = njit(nogil=True, cache=True, boundscheck=False, error_model="numpy")
inlined = njit(nogil=True, cache=True, boundscheck=False, error_model="numpy", forceinline=True)


def _prefetch(context: Any, builder: Any, place: Any) -> Any:
    kind = cgutils.ir.FunctionType(cgutils.ir.VoidType(), [cgutils.voidptr_t] + [cgutils.int32_t] * 3)
    call = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    read, keep, data = cgutils.int32_t(0), cgutils.int32_t(3), cgutils.int32_t(1)
    builder.call(call, [builder.bitcast(place, cgutils.voidptr_t), read, keep, data])
    return context.get_dummy_value()


@intrinsic
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of `array[index]`, a contiguous array of one dimension."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return _prefetch(context, builder, builder.gep(data, [args[1]]))

    return types.void(array, index), codegen


@intrinsic
def prefetch_row(typingctx: Any, array: Any, row: Any) -> Any:
    """Ask for the cache line of `array[row]`, a contiguous array of two dimensions."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        view = context.make_array(signature.args[0])(context, builder, args[0])
        width = cgutils.unpack_tuple(builder, view.shape)[1]
        place = builder.gep(view.data, [builder.mul(args[1], width)])
        return _prefetch(context, builder, place)

    return types.void(array, row), codegen


@inlined
def row_of(position: int, segment: int, segments: int) -> int:
    """The row at `position` of a segment."""
    return (((position >> BLOCK) * segments + segment) << BLOCK) | (position & ((1 << BLOCK) - 1))


@inlined
def mixed(hashed: Any, word: Any) -> Any:
    """uint64: a hash with another word of the state in it."""
    hashed = (hashed ^ np.uint64(word)) * np.uint64(0xBF58476D1CE4E5B9)
    return hashed ^ (hashed >> np.uint64(32))


@inlined
def finished(hashed: Any) -> Any:
    """uint64: the hash of a state whose words are all in it."""
    hashed *= np.uint64(0x94D049BB133111EB)
    return hashed ^ (hashed >> np.uint64(29))


@inlined
def hash_of(state: Any) -> Any:
    """uint64: a hash of `state`, int64[words]."""
    hashed = np.uint64(0x9E3779B97F4A7C15)
    for word in range(state.shape[0]):
        hashed = mixed(hashed, state[word])
    return finished(hashed)


@inlined
def owner_of(hashed: Any, owners: int) -> int:
    """Whose table a state is in."""
    return np.int64((hashed >> np.uint64(40)) & np.uint64(owners - 1))


@inlined
def walk(node: int, nodes: Any, branches: Any, words: Any, row: int) -> tuple[int, int, int]:
    """Where a tree leads for `words[row]`: a negative leaf, or 0; the last node on the way, and the number there."""
    at, code = np.uint64(0), np.int64(0)
    while node > 0:
        at = np.uint64(node)
        code = (words[np.uint64(row), np.uint64(nodes[at, 0])] >> nodes[at, 1]) & nodes[at, 2]
        node = np.int64(branches[np.uint64(nodes[at, 3] + code)])
    return node, np.int64(at), code


@compiled
def dangle(number: int, count: int, pointers: Any, images: Any, words: Any, row: int, out: Any) -> int:
    """Let the pointers of rows `number` on dangle in `out`, as they stand in `words[row]`.

    Returns: -1, or the row of `pointers` whose image is unknown.
    """
    for at in range(number, number + count):
        word, shift, mask = pointers[at, 0], pointers[at, 1], pointers[at, 2]
        image = np.int64(images[pointers[at, 3] + ((words[row, word] >> shift) & mask)])
        if image == 0:
            return at
        out[word] = (out[word] & ~(mask << shift)) | ((image - 1) << shift)
    return -1


@inlined
def meet(row: int, leaves: Any, races: Any, footprints: Any, events: Any, noted: int) -> int:
    """Note two threads that could touch one place at the same moment; how many `events` there are then."""
    threads = leaves.shape[0]
    for one in range(threads):
        first = footprints[leaves[one], 3]
        if first:
            for two in range(one + 1, threads):
                second = footprints[leaves[two], 3]
                if second and races[first, second] != 1:
                    events[noted, 0] = RACE if races[first, second] == 2 else RACE_UNKNOWN
                    events[noted, 1], events[noted, 2], events[noted, 3] = row, first, second
                    return noted + 1
    return noted


@inlined
def find(table: Any, row_bits: int, words: Any, hashed: Any, state: Any) -> int:
    """The row of `state` (int64[words]), or -1 - the place in the table where it belongs."""
    last = np.uint64(table.shape[0] - 1)
    place, tag = hashed & last, np.int64(hashed >> np.uint64(32 + row_bits))
    row_mask = (np.int64(1) << row_bits) - 1
    while True:
        entry = np.int64(table[place])
        if entry == 0:
            return -1 - np.int64(place)
        if entry >> row_bits == tag:
            row = (entry & row_mask) - 1
            same = True
            for word in range(words.shape[1]):
                same &= words[row, word] == state[word]
            if same:
                return row
        place = (place + np.uint64(1)) & last


@compiled
def ample_thread(
    width: Any, words: Any, row: int, leaves: Any, ample: Any, leaf_rows: Any, keep: Any, put: Any, tables: Any,
    row_bits: int, scratch: Any,
) -> int:  # fmt: skip
    """The first thread whose steps out of `words[row]` are an ample set and lead to new states only; -1 if none is."""
    for thread in range(leaves.shape[0]):
        leaf = leaves[thread]
        if not ample[leaf]:
            continue
        fresh = True
        for outcome in range(leaf_rows[leaf, 0], leaf_rows[leaf, 0] + leaf_rows[leaf, 1]):
            hashed = np.uint64(0x9E3779B97F4A7C15)
            for word in range(len(width)):
                scratch[word] = (words[row, word] & keep[outcome, word]) | put[outcome, word]
                hashed = mixed(hashed, scratch[word])
            hashed = finished(hashed)
            owner = owner_of(hashed, tables.shape[0])
            fresh &= find(tables[owner], row_bits, words, hashed, scratch) < 0
        if fresh:
            return thread
    return -1


@compiled
def alike(rows: Any, words: Any, word: int, shift: int, mask: int) -> Any:
    """int64[n]: `rows` in an order in which those are neighbours that have the same number in one field.

    What they have to look up is then in the cache, and the branches that they take are foreseen.
    """
    first = np.zeros(mask + 2, dtype=np.int64)
    for number in range(rows.shape[0]):
        first[((words[rows[number], word] >> shift) & mask) + 1] += 1
    for code in range(mask + 1):
        first[code + 1] += first[code]
    found = np.empty(rows.shape[0], dtype=np.int64)
    for number in range(rows.shape[0]):
        code = (words[rows[number], word] >> shift) & mask
        found[first[code]] = rows[number]
        first[code] += 1
    return found


@inlined
def fullest(counts: Any, owners: int) -> int:
    """How many successors the owner has who has most, if they are dealt out."""
    most = np.int64(0)
    if owners > 1:
        for owner in range(owners):
            most = max(most, counts[owner])
    return most


@compiled
def deal(
    pending: int, some: Any, some_hashes: Any, some_claims: Any, out: Any, hashes: Any, claims: Any, counts: Any
) -> int:
    """Append each of the first `pending` successors to the buffer of its owner; 0, how many are left.

    Each owner looks at all of them and writes each one, but goes on only behind its own: nothing has to be guessed.
    """
    for owner in range(out.shape[0]):
        own, own_hashes, own_claims, slot = out[owner], hashes[owner], claims[owner], counts[owner]
        for number in range(pending):
            for word in range(some.shape[1]):
                own[np.uint64(slot), word] = some[number, word]
            own_hashes[np.uint64(slot)], own_claims[np.uint64(slot)] = some_hashes[number], some_claims[number]
            slot += np.int64(owner_of(some_hashes[number], out.shape[0]) == owner)
        counts[owner] = slot
    return 0


@compiled
def expand(
    width: Any, program: Any, words: Any, tables: Any, row_bits: int, rows: Any,
    out: Any, hashes: Any, claims: Any, counts: Any, taken: Any, again: Any, misses: Any, events: Any,
) -> Any:  # fmt: skip
    """Write the successors of the states `rows` to the buffers of their owners.

    Args:
        width: a tuple of as many items as a state has words: its length is known when this is compiled.
        tables, row_bits: the visited set, which nobody changes meanwhile.
        out, hashes, claims: int64[owners, room, words], uint64[owners, room], int64[owners, room]: successors, their
            hashes, the claims to judge them by.
        counts: int64[owners], how many there are; counted on.
        taken: int64[leaves, 2], how often each leaf was passed, and how often its thread was expanded alone; counted
            on.
        again: int64[], gets the states in which something is unknown; nothing else is written for them.
        misses: int64[n, 3], gets what is unknown: (row, thread, node << 32 | number), (row, IMAGE, pointer << 32 |
            number), and what `normalise` misses.
        events: int64[n, 4], gets (ERROR, row, leaf, outcome), (REST, row, 0, 0), (RACE.., row, footprint, footprint).

    Returns: how many of `rows` were done before a buffer was full, and the numbers of `again`, `misses`, `events` and
    of transitions.
    """
    # Taken out of the tuple once: each time costs a count of references.
    entries, nodes, branches, leaf_rows = program.entries, program.nodes, program.branches, program.leaves
    keep, put, outcomes = program.keep, program.put, program.outcomes
    pointers, images, races, ample = program.pointers, program.images, program.races, program.ample
    normal = program.normal
    desk = desk_for(normal)
    threads, owners, room = entries.shape[0], out.shape[0], out.shape[1]
    leaves = np.zeros(threads, dtype=np.int64)
    scratch = np.zeros(words.shape[1], dtype=np.int64)
    # Dealing successors out one by one would make each wait for a count that the one before may have changed.
    some, some_hashes, some_claims = out[0], hashes[0], claims[0]
    if owners > 1:
        some = np.empty((MOST_STEPS, words.shape[1]), dtype=np.int64)
        some_hashes, some_claims = np.empty(MOST_STEPS, dtype=np.uint64), np.empty(MOST_STEPS, dtype=np.int64)
    pending, done = np.int64(0), rows.shape[0]
    repeated, missed, noted, transitions = 0, 0, 0, 0
    for number in range(rows.shape[0]):
        row = rows[number]
        known = missed
        total, reliable = np.int64(0), np.int64(0)
        for thread in range(threads):
            leaf, node, code = walk(np.int64(entries[thread]), nodes, branches, words, row)
            leaves[thread] = -leaf
            total += leaf_rows[np.uint64(-leaf), 1]
            reliable |= leaf_rows[np.uint64(-leaf), 2]
            if leaf == 0:
                misses[missed, 0], misses[missed, 1], misses[missed, 2] = row, thread, node << 32 | code
                missed += 1
        if missed > known:
            again[repeated] = row
            repeated += 1
            continue
        if owners > 1 and pending + total > MOST_STEPS:
            pending = deal(pending, some, some_hashes, some_claims, out, hashes, claims, counts)
        if fullest(counts, owners) + pending + total >= room or noted + total + 1 > events.shape[0]:
            done = number
            break
        already, before = noted, pending
        if reliable:
            noted = meet(row, leaves, races, leaf_rows, events, noted)
        else:
            events[noted, 0], events[noted, 1] = REST, row
            noted += 1
        unknown, alone, lost = np.int64(-1), np.int64(-1), False
        most = misses.shape[0] - threads * (rows.shape[0] - number)
        if ample.shape[0]:
            alone = ample_thread(width, words, row, leaves, ample, leaf_rows, keep, put, tables, row_bits, scratch)
            if alone >= 0:
                total = np.int64(leaf_rows[np.uint64(leaves[alone]), 1])
        for thread in range(threads):
            if alone >= 0 and thread != alone:
                continue
            first = np.int64(leaf_rows[np.uint64(leaves[thread]), 0])
            for outcome in range(first, first + leaf_rows[np.uint64(leaves[thread]), 1]):
                if outcomes[np.uint64(outcome), 0]:
                    events[noted, 0], events[noted, 1] = ERROR, row
                    events[noted, 2], events[noted, 3] = leaves[thread], outcome - first
                    noted += 1
                    continue
                of = np.uint64(outcome)
                for word in range(len(width)):
                    scratch[word] = words[row, word] & keep[of, word]
                if outcomes[of, 2]:
                    unknown = dangle(outcomes[of, 1], outcomes[of, 2], pointers, images, words, row, scratch)
                    if unknown >= 0:
                        break
                hashed = np.uint64(0x9E3779B97F4A7C15)
                for word in range(len(width)):
                    scratch[word] |= put[of, word]
                    hashed = mixed(hashed, scratch[word])
                hashed = finished(hashed)
                normalised, missed = normalise(normal, scratch, desk, row, misses, missed, most)
                if normalised:
                    lost |= normalised < 0
                    hashed = hash_of(scratch)
                slot = np.uint64(pending)
                for word in range(len(width)):
                    some[slot, word] = scratch[word]
                some_hashes[slot], some_claims[slot] = hashed, outcomes[of, 3]
                pending += 1
            if unknown >= 0:
                break
        if unknown >= 0:
            pointer = np.uint64(unknown)
            code = (words[row, pointers[pointer, 0]] >> pointers[pointer, 1]) & pointers[pointer, 2]
            misses[missed, 0], misses[missed, 1], misses[missed, 2] = row, IMAGE, unknown << 32 | code
            missed += 1
        if unknown >= 0 or lost:
            again[repeated] = row
            repeated += 1
            noted, pending = already, before
            continue
        transitions += total
        if alone >= 0:
            taken[leaves[alone], 0] += 1
            taken[leaves[alone], 1] += 1
        else:
            for thread in range(threads):
                taken[np.uint64(leaves[thread]), 0] += 1
    if owners > 1:
        deal(pending, some, some_hashes, some_claims, out, hashes, claims, counts)
    else:
        counts[0] = pending
    return done, repeated, missed, noted, transitions


@inlined
def judge(entries: Any, nodes: Any, branches: Any, words: Any, row: int, claims: int, events: Any, noted: int) -> int:
    """Judge a new state by the claims whose bits are set; how many `events` there are then.

    Args:
        events: int64[n, 4], gets (row, claim, leaf, node << 32 | number) of each claim that is broken, or unknown if
            the leaf is 0.
    """
    claim = 0
    while claims:
        if claims & 1:
            leaf, node, code = walk(np.int64(entries[claim]), nodes, branches, words, row)
            if leaf != -1:
                events[noted, 0], events[noted, 1], events[noted, 2] = row, claim, -leaf
                events[noted, 3] = node << 32 | code
                noted += 1
        claims >>= 1
        claim += 1
    return noted


@compiled
def insert(
    program: Any, words: Any, table: Any, row_bits: int, out: Any, hashes: Any, claims: Any, first: int, count: int,
    position: int, segment: int, segments: int, events: Any,
) -> Any:  # fmt: skip
    """Add those of `out[first:count]` that are new to the visited set, from `position` of a segment on.

    Args:
        events: int64[n, 4], see `judge`.

    Returns: how many of `out` were looked at before `events` was full, the position after the last new state, and the
    number of events.
    """
    entries, nodes, branches = program.claim_entries, program.claim_nodes, program.claim_branches
    last, noted = np.uint64(table.shape[0] - 1), 0
    row_mask = (np.int64(1) << row_bits) - 1
    for slot in range(first, count):
        if noted + 64 > events.shape[0]:
            return slot, position, noted
        if slot + 24 < count:
            prefetch(table, np.int64(hashes[slot + 24] & last))
        if slot + 10 < count:
            entry = np.int64(table[hashes[slot + 10] & last])
            if entry and entry >> row_bits == np.int64(hashes[slot + 10] >> np.uint64(32 + row_bits)):
                prefetch_row(words, (entry & row_mask) - 1)
        found = find(table, row_bits, words, hashes[slot], out[slot])
        if found < 0:
            row = row_of(position, segment, segments)
            for word in range(words.shape[1]):
                words[row, word] = out[slot, word]
            table[-1 - found] = entry_of(row, hashes[slot], row_bits)
            position += 1
            if claims[slot]:
                noted = judge(entries, nodes, branches, words, row, claims[slot], events, noted)
    return count, position, noted


@compiled
def judge_again(program: Any, words: Any, unknown: Any) -> int:
    """Judge states again by a claim each, `unknown` being events of `judge`; how many stay broken or unknown.

    Those are moved to the front of `unknown`.
    """
    entries, nodes, branches = program.claim_entries, program.claim_nodes, program.claim_branches
    noted = 0
    for number in range(unknown.shape[0]):
        row, claim = unknown[number, 0], unknown[number, 1]
        noted = judge(entries, nodes, branches, words, row, np.int64(1) << claim, unknown, noted)
    return noted


@inlined
def entry_of(row: int, hashed: Any, row_bits: int) -> Any:
    """uint32: what the table holds of a state."""
    tag = np.int64(hashed >> np.uint64(32 + row_bits))
    return np.uint32((tag << row_bits) | (row + 1))


@compiled
def rebuild(table: Any, row_bits: int, words: Any, counts: Any, owner: int) -> None:
    """Fill an empty table with the states of all segments that belong to `owner`."""
    owners = counts.shape[0]
    ahead = 16
    coming = np.zeros(ahead, dtype=np.int64)
    hashes = np.zeros(ahead, dtype=np.uint64)
    last = np.uint64(table.shape[0] - 1)
    waiting = 0
    for segment in range(owners):
        for position in range(counts[segment]):
            row = row_of(position, segment, owners)
            hashed = hash_of(words[row])
            if owner_of(hashed, owners) != owner:
                continue
            prefetch(table, np.int64(hashed & last))
            slot = waiting % ahead
            if waiting >= ahead:
                put(table, row_bits, hashes[slot], coming[slot])
            coming[slot], hashes[slot] = row, hashed
            waiting += 1
    for number in range(max(waiting - ahead, 0), waiting):
        put(table, row_bits, hashes[number % ahead], coming[number % ahead])


@inlined
def put(table: Any, row_bits: int, hashed: Any, row: int) -> None:
    """Add a state that is not in the table."""
    last = np.uint64(table.shape[0] - 1)
    place = hashed & last
    while table[place]:
        place = (place + np.uint64(1)) & last
    table[place] = entry_of(row, hashed, row_bits)


@compiled
def repack(words: Any, packed: Any, count: int, segment: int, segments: int, before: Any, after: Any) -> None:
    """Pack the states of a segment again, from the fields `before` (int64[components, 3]) to those `after`."""
    scratch = np.zeros(packed.shape[1], dtype=np.int64)
    for position in range(count):
        row = row_of(position, segment, segments)
        scratch[:] = 0
        for part in range(before.shape[0]):
            code = (words[row, before[part, 0]] >> before[part, 1]) & before[part, 2]
            scratch[after[part, 0]] |= code << after[part, 1]
        packed[row] = scratch


@compiled
def edges_into(program: Any, words: Any, tables: Any, row_bits: int, rows: Any, marked: Any, edges: Any) -> Any:
    """The edges from `rows` into marked states: (row, leaf, outcome within it, row of the target).

    Of rows that were not expanded yet, those that are known.

    Args:
        marked: bool[], by row; rows behind its end are not marked.

    Returns: how many of `rows` were done before `edges` was full, and the number of edges.
    """
    entries, nodes, branches, leaf_rows = program.entries, program.nodes, program.branches, program.leaves
    keep, put, outcomes, pointers, images = (
        program.keep, program.put, program.outcomes, program.pointers, program.images,
    )  # fmt: skip
    threads, owners = entries.shape[0], tables.shape[0]
    scratch = np.zeros(words.shape[1], dtype=np.int64)
    normal, misses = program.normal, np.zeros((1, 3), dtype=np.int64)
    desk = desk_for(normal)
    count = 0
    for number in range(rows.shape[0]):
        row = rows[number]
        saved = count
        for thread in range(threads):
            leaf, _, _ = walk(np.int64(entries[thread]), nodes, branches, words, row)
            first = np.int64(leaf_rows[-leaf, 0])
            for outcome in range(first, first + leaf_rows[-leaf, 1]):
                if outcomes[outcome, 0]:
                    continue
                if count == edges.shape[0]:
                    return number, saved
                for word in range(scratch.shape[0]):
                    scratch[word] = words[row, word] & keep[outcome, word]
                if dangle(outcomes[outcome, 1], outcomes[outcome, 2], pointers, images, words, row, scratch) >= 0:
                    continue
                for word in range(scratch.shape[0]):
                    scratch[word] |= put[outcome, word]
                normalise(normal, scratch, desk, row, misses, 0, 1)
                hashed = hash_of(scratch)
                target = find(tables[owner_of(hashed, owners)], row_bits, words, hashed, scratch)
                if 0 <= target < marked.shape[0] and marked[target]:
                    edges[count, 0], edges[count, 1] = row, -leaf
                    edges[count, 2], edges[count, 3] = outcome - first, target
                    count += 1
    return rows.shape[0], count


@compiled
def leaves_of(entry: Any, nodes: Any, branches: Any, words: Any, rows: Any, found: Any) -> None:
    """For each of `rows` where a tree leads: found[n, 2] gets the leaf, 0 if unknown, and node << 32 | number."""
    for number in range(rows.shape[0]):
        leaf, node, code = walk(np.int64(entry), nodes, branches, words, rows[number])
        found[number, 0], found[number, 1] = -leaf, node << 32 | code
