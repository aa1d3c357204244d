"""Index: chains of articles that share a key, and the candidates that they give."""

import numpy as np
from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.crowds import CROWD, sum_in
from wirecopy.detection.kernels.lanes import fetch, within_row, zeros_above
from wirecopy.detection.kernels.layout import (
    BORROWING,
    I64,
    I64_IN,
    INDEX_ARRAYS,
    KEYS,
    SEEKING,
    U8_IN,
    U32,
    U32_IN,
    U64,
    U64_IN,
    UNKNOWN,
)

# --- index ------------------------------------------------------------------------------------------------------------
#
# A posting is article slot * KEYS + key position, so an article's postings need no storage of their own: `postings`
# holds the key of each (low half) beside the next older posting of the same chain (high half), so that a step along a
# chain touches one line of cache; `heads` holds the newest of each chain. Chains grow by linear hashing (Litwin 1980):
# one chain is split for every posting that is added beyond the load, so there is no pause. Slots are reused in a ring;
# in a chain article numbers fall and, within an article, key positions. A chain ends where they would not, at the
# oldest article, or where a posting belongs to another chain. Keys are odd; an article is removed by making its keys
# even, which match nothing and stay in their chains.

NEWEST, OLDEST, CHAINS, SPLIT_FROM, POSTINGS, RINGS = range(6)  # state
_LOW = uint64(0xFFFFFFFF)


@njit(types.int64(uint32, types.int64, types.int64), **BORROWING, inline="always")
def chain_of(key, chains, split_from):
    """The chain of a key, the same whether it is odd or even; `split_from` is a power of two.

    split_from <= chains <= 2 * split_from.
    """
    key |= uint32(1)
    h = np.int64(uint32(key * uint32(0x85EBCA6B)) ^ (key >> uint32(15)))
    at = h & (2 * split_from - 1)
    return at if at < chains else h & (split_from - 1)


@njit(types.int64(types.int64, types.int64, types.int64), **BORROWING, inline="always")
def number_at(slot, newest, capacity):
    """The number of the article that last used a slot of the ring."""
    return newest - (newest - slot) % capacity


@njit(types.void(U64, U32, I64), **BORROWING)
def split_chain(postings, heads, state):
    """Add one chain: moves to it the postings of its older half, keeping the order; drop what has expired."""
    capacity = postings.shape[0] // KEYS
    chains, split_from = state[CHAINS], state[SPLIT_FROM]
    if chains == 2 * split_from:
        split_from *= 2
        state[SPLIT_FROM] = split_from
    old = chains - split_from
    posting = int(heads[old]) - 1
    heads[old] = 0
    heads[chains] = 0
    tails = (np.int64(-1), np.int64(-1))
    stay, move = tails
    newest_slot = state[NEWEST] % capacity  # `number_at` without a division per posting
    last = np.int64(1) << 62
    while posting >= 0:
        behind = newest_slot - posting // KEYS
        number = state[NEWEST] - (behind if behind >= 0 else behind + capacity)
        age = number * KEYS + posting % KEYS
        if age >= last or number < state[OLDEST]:
            break
        last = age
        entry = postings[posting]
        chain = chain_of(uint32(entry), chains + 1, split_from)
        if chain != old and chain != chains:
            break  # the slot was reused: this posting and all behind it are in another chain
        postings[posting] = entry & _LOW
        link = uint64(posting + 1) << uint64(32)
        if chain == chains:
            if move < 0:
                heads[chains] = posting + 1
            else:
                postings[move] |= link
            move = posting
        else:
            if stay < 0:
                heads[old] = posting + 1
            else:
                postings[stay] |= link
            stay = posting
        posting = np.int64(entry >> uint64(32)) - 1
    state[CHAINS] = chains + 1


COUNTERS = 1 << 13
RING = 128  # so many of a key's postings are looked at, the newest
CHAINS_PER_ARTICLE = KEYS // 2  # twice as many are a fifth faster at a million articles, and 128 bytes an article more
FETCHED = 3  # postings of a chain behind its first that are fetched before it is split
MINUTE = 60_000  # milliseconds
UNKNOWN_MINUTE = -(1 << 31)


@njit(types.int64(types.int64), **BORROWING, inline="always")
def minute_of(date):
    """The minute of a date in milliseconds as 32 bits hold it; UNKNOWN_MINUTE for an unknown one."""
    return UNKNOWN_MINUTE if date == UNKNOWN else min(max(date // MINUTE, UNKNOWN_MINUTE + 1), (1 << 31) - 1)


@njit(types.int64(uint32, types.int64), **BORROWING, inline="always")
def tag_of(key, tags):
    """The place of a key among `tags` (a power of two from 2 on), always an even one; the other is behind it."""
    return np.int64(uint32(key * uint32(0xC2B2AE35)) >> uint32(7)) & (tags - 2)


@njit(types.int64(uint32, U64_IN), **BORROWING, inline="always")
def ring_of(key, tags):
    """The ring of a key, -1 when it has none."""
    tag = tag_of(key, tags.shape[0])
    one, two = tags[tag], tags[tag + 1]
    found = one if uint32(one) == key else two if uint32(two) == key else uint64(0)
    return np.int64(found >> uint64(32)) - 1


@njit(types.void(uint32, INDEX_ARRAYS), **BORROWING)
def make_ring(key, index):
    """Make a ring of the newest live postings of a key that has none, in the place of what was there."""
    postings, heads, state, dates, tags, rings, pushed = index
    capacity = postings.shape[0] // KEYS
    tag = tag_of(key, tags.shape[0])
    one, two = np.int64(tags[tag] >> uint64(32)) - 1, np.int64(tags[tag + 1] >> uint64(32)) - 1
    if one >= 0 and (two < 0 or pushed[2 * two + 1] < pushed[2 * one + 1]):
        tag += 1
    ring = np.int64(tags[tag] >> uint64(32)) - 1
    if ring < 0:
        if state[RINGS] * 2 * RING >= rings.shape[0]:
            return
        ring = state[RINGS]
        state[RINGS] += 1
    tags[tag] = uint64(key) | uint64(ring + 1) << uint64(32)
    posting = np.int64(heads[chain_of(key, state[CHAINS], state[SPLIT_FROM])]) - 1
    last = np.int64(1) << 62
    newest = np.int64(-1)
    n = 0
    while posting >= 0 and n < RING:
        number = number_at(posting // KEYS, state[NEWEST], capacity)
        age = number * KEYS + posting % KEYS
        if age >= last or number < state[OLDEST]:
            break
        last = age
        if uint32(postings[posting]) == key:
            newest = max(newest, number)
            at = 2 * RING * ring + RING - 1 - n
            rings[at] = minute_of(dates[posting // KEYS]) & 0xFFFFFFFF
            rings[at + RING] = number & 0xFFFFFFFF
            n += 1
        posting = np.int64(postings[posting] >> uint64(32)) - 1
    for at in range(2 * RING * ring, 2 * RING * ring + n):
        rings[at] = rings[at + RING - n]
        rings[at + RING] = rings[at + 2 * RING - n]
    pushed[2 * ring] = n
    pushed[2 * ring + 1] = newest


@njit(types.void(U32_IN, U64), **BORROWING)
def drop_rings(article_keys, tags):
    """Take the rings of keys away, as must be done before one of their postings changes."""
    for k in range(article_keys.shape[0]):
        tag = tag_of(article_keys[k] | uint32(1), tags.shape[0])
        for place in range(tag, tag + 2):
            if uint32(tags[place]) == article_keys[k] | uint32(1):
                tags[place] &= ~_LOW


@njit(types.void(types.int64, U32_IN, INDEX_ARRAYS), nogil=True)
def insert(number, article_keys, index):
    """Add an article's keys under `number`, which is larger than all before it; its date must be there."""
    postings, heads, state, dates, tags, rings, pushed = index
    capacity = postings.shape[0] // KEYS
    slot = number % capacity
    state[NEWEST] = number
    if state[OLDEST] <= number - capacity:
        state[OLDEST] = number - capacity + 1
    used = 0
    for k in range(KEYS):
        used += article_keys[k] != 0
    state[POSTINGS] += used
    live = (number - state[OLDEST] + 1) * CHAINS_PER_ARTICLE
    splits = max(0, min(used, min(live, heads.shape[0]) - state[CHAINS]))
    next_of = np.empty(
        KEYS, np.int64
    )  # all chains to be split are fetched at once, one posting of each after the other
    for k in range(splits):
        chains = state[CHAINS] + k
        split_from = 2 * state[SPLIT_FROM] if chains >= 2 * state[SPLIT_FROM] else state[SPLIT_FROM]
        next_of[k] = max(np.int64(heads[chains - split_from]) - 1, 0)
        fetch(postings, uint64(next_of[k]))
    for _ in range(FETCHED):
        for k in range(splits):
            next_of[k] = max(np.int64(postings[next_of[k]] >> uint64(32)) - 1, 0)
            fetch(postings, uint64(next_of[k]))
    for _ in range(splits):
        split_chain(postings, heads, state)
    minute = minute_of(dates[slot]) & 0xFFFFFFFF
    for k in range(KEYS):
        key = article_keys[k]
        posting = slot * KEYS + k
        postings[posting] = key
        if key == 0:
            continue
        chain = chain_of(key, state[CHAINS], state[SPLIT_FROM])
        postings[posting] = uint64(key) | uint64(heads[chain]) << uint64(32)
        heads[chain] = posting + 1
        ring = ring_of(key, tags)
        if ring >= 0:
            at = 2 * RING * ring + (pushed[2 * ring] & (RING - 1))
            rings[at] = minute
            rings[at + RING] = number & 0xFFFFFFFF
            pushed[2 * ring] += 1
            pushed[2 * ring + 1] = number


@njit(types.UniTuple(types.int64, 2)(types.int64, types.int64), nogil=True, inline="always")
def near_minutes(minute, reach):
    """The first and the last minute that differ from `minute` by at most `reach`; all when it is unknown."""
    if minute == UNKNOWN_MINUTE:
        return UNKNOWN_MINUTE, (1 << 31) - 1
    return max(minute - reach, UNKNOWN_MINUTE + 1), min(minute + reach, (1 << 31) - 1)


@njit(types.UniTuple(uint64, 2)(U32, types.int64, types.int64, types.int64, types.int64), **BORROWING)
def near_in_ring(rings, ring, pushes, first, last):
    """Return which postings of a ring are of minutes first .. last or unknown ones: (older half, newer half).

    Bit 63 of the newer half belongs to the newest posting, that is to place `pushes` - 1 modulo RING.
    """
    low = within_row(rings, 2 * RING * ring, first, last)
    high = within_row(rings, 2 * RING * ring + 64, first, last)
    if pushes < 64:
        low &= (uint64(1) << uint64(pushes)) - uint64(1)
        high = uint64(0)
    elif pushes < RING:
        high &= (uint64(1) << uint64(pushes - 64)) - uint64(1)
    if pushes & 64:
        low, high = high, low
    turn = uint64(pushes & 63)
    if turn > 0:
        back = uint64(64) - turn
        low, high = low >> turn | high << back, high >> turn | low << back
    return low, high


@njit(
    types.UniTuple(types.int64, 2)(
        U32_IN, U8_IN, types.int64, types.int64, INDEX_ARRAYS, types.int64, types.int64, types.int64, SEEKING, I64, I64
    ),
    nogil=True
)  # fmt: skip
def candidates(article_keys, key_weights, published, window, index, most_hits, least, most, scratch, out, sums):
    """Write the numbers of articles that share enough keys to `out`, best first, and how much these weigh to `sums`.

    -> (how many, how many qualified).

    Of each key the newest RING postings are looked at, and at most `most_hits` of them count. An article qualifies when
    the rarities of the shared keys add up to `least` (sixteenths of a nat); the `most` highest sums are kept, of equal
    ones the newest. The index holds the publication time of each slot; two known dates differ by at most `window`
    (milliseconds), minute against minute.
    `scratch`: a table of 2 ** b zeros, 2 ** b > 2 * KEYS * most_hits; COUNTERS zeros; room for 2 * KEYS * most_hits + 1
    hits; KEYS numbers, which become those of the postings of each key that were met along its chain; KEYS more, which
    become how many of a key's hits qualified, of keys with CROWD hits, and 0 of others.
    """
    postings, heads, state, dates, tags, rings, pushed = index
    table, counters, shared, walked, kin = scratch
    capacity = postings.shape[0] // KEYS
    mask = table.shape[0] - 1
    newest, oldest = state[NEWEST], state[OLDEST]
    newest_slot = newest % capacity  # `number_at` without a division per posting
    chains, split_from = state[CHAINS], state[SPLIT_FROM]
    first_minute, last_minute = near_minutes(minute_of(published), window // MINUTE)
    # Chains are followed side by side, one step each in turn, and what comes next is fetched meanwhile: every step
    # waits for memory, and steps of different chains wait at the same time.
    at_posting = np.empty(KEYS, np.int64)
    ring_at = np.empty(KEYS, np.int64)
    for k in range(KEYS):
        at_posting[k] = chain_of(article_keys[k], chains, split_from)
        fetch(heads, uint64(at_posting[k]))
        fetch(tags, uint64(tag_of(article_keys[k], tags.shape[0])))
    for k in range(KEYS):
        key = article_keys[k]
        ring = ring_of(key, tags)
        ring_at[k] = ring
        if ring >= 0:
            fetch(pushed, uint64(2 * ring))
            for line in range(0, RING, 16):
                fetch(rings, uint64(2 * RING * ring + line))
        at_posting[k] = np.int64(heads[at_posting[k]]) - 1
    last = np.full(KEYS, np.int64(1) << 62)
    hits = np.zeros(KEYS, np.int64)
    walked[:] = 0
    active = np.empty(KEYS, np.int64)
    going = 0
    for k in range(KEYS):
        if article_keys[k] != 0 and ring_at[k] < 0 and at_posting[k] >= 0:
            fetch(postings, uint64(at_posting[k]))
            fetch(dates, uint64(at_posting[k] // KEYS))
            active[going] = k
            going += 1
    n = 0
    for k in range(KEYS):
        ring = ring_at[k]
        if article_keys[k] == 0 or ring < 0 or pushed[2 * ring + 1] < oldest:
            continue
        pushes = pushed[2 * ring]
        rarity = np.int64(key_weights[k])
        full = n + most_hits
        older, newer = near_in_ring(rings, ring, pushes, first_minute, last_minute)
        for half, behind in ((newer, 64), (older, 0)):
            while half and n < full:
                bit = 63 - np.int64(zeros_above(half))
                half ^= uint64(1) << uint64(bit)
                entry = np.int64(rings[2 * RING * ring + RING + ((pushes + behind + bit) & (RING - 1))])
                number = newest - ((newest - entry) & 0xFFFFFFFF)
                if number < oldest:
                    break
                shared[n] = number << 14 | np.int64(k) << 8 | rarity
                n += 1
                hits[k] += 1
    while going:
        still = 0
        for t in range(going):
            k = active[t]
            posting = at_posting[k]
            entry = postings[posting]
            slot = posting // KEYS
            behind = newest_slot - slot
            number = newest - (behind if behind >= 0 else behind + capacity)
            age = number * KEYS + posting % KEYS
            if age >= last[k] or number < oldest:
                continue
            last[k] = age
            if uint32(entry) == article_keys[k]:
                walked[k] += 1
                other = minute_of(dates[slot])
                near = (other == UNKNOWN_MINUTE) | ((first_minute <= other) & (other <= last_minute))
                shared[n] = number << 14 | k << 8 | np.int64(key_weights[k])
                n += near
                hits[k] += near
                if hits[k] == most_hits or walked[k] == RING:
                    continue
            posting = np.int64(entry >> uint64(32)) - 1
            at_posting[k] = posting
            if posting >= 0:
                fetch(postings, uint64(posting))
                fetch(dates, uint64(posting // KEYS))
                active[still] = k
                still += 1
        going = still
    # Most articles share a single key. Sums are first taken in few counters, where several articles may meet, and only
    # those whose counter is full enough are told apart.
    for t in range(n):
        counters[(shared[t] >> 14) & (COUNTERS - 1)] += uint32(shared[t] & 255)
    touched = KEYS * most_hits  # their places in the table stand behind the hits
    for t in range(n):
        number, rarity = shared[t] >> 14, shared[t] & 255
        if counters[number & (COUNTERS - 1)] < least:
            continue
        at = (number * 0x9E3779B1 >> 8) & mask
        while table[at] != 0 and table[at] >> 20 != number + 1:
            at = (at + 1) & mask
        if table[at] == 0:
            table[at] = (number + 1) << 20
            shared[touched] = at
            touched += 1
        table[at] += rarity
    kin[:] = 0
    if touched - KEYS * most_hits >= CROWD:
        for t in range(n):
            k = (shared[t] >> 8) & (KEYS - 1)
            if hits[k] >= CROWD:
                kin[k] += sum_in(table, shared[t] >> 14) >= least
    for t in range(n):
        counters[(shared[t] >> 14) & (COUNTERS - 1)] = 0
    found = 0
    for t in range(KEYS * most_hits, touched):
        at = shared[t]
        total = table[at] & ((1 << 20) - 1)
        number = (table[at] >> 20) - 1
        table[at] = 0
        if total >= least:
            shared[found] = total << 40 | number  # sorts by sum, then by number; numbers stay below 2 ** 40
            found += 1
    if found > 1:
        shared[:found].sort()
    kept = min(found, most)
    for t in range(kept):
        out[t] = shared[found - 1 - t] & ((1 << 40) - 1)
        sums[t] = shared[found - 1 - t] >> 40
    return kept, found


# --- what replay and forgetting need ----------------------------------------------------------------------------------


@njit(types.void(I64_IN, U32_IN, I64_IN, INDEX_ARRAYS), nogil=True)
def restore_articles(numbers, article_keys, published, index):
    """Put articles whose keys are known into the index: those of numbers[k] are article_keys[k * KEYS:(k + 1) * KEYS].

    `numbers` ascend and are above all before them. What `insert` would have done, but for the chains: these are there
    after `chain_articles`, which makes all of them at once, and before which nothing may be looked up or inserted.
    """
    postings, heads, state, dates = index[:4]
    capacity = dates.shape[0]
    for k in range(numbers.shape[0]):
        slot = numbers[k] % capacity
        dates[slot] = published[k]
        state[NEWEST] = numbers[k]
        if state[OLDEST] <= numbers[k] - capacity:
            state[OLDEST] = numbers[k] - capacity + 1
        live = (numbers[k] - state[OLDEST] + 1) * CHAINS_PER_ARTICLE
        for j in range(KEYS):
            key = article_keys[k * KEYS + j]
            postings[slot * KEYS + j] = key
            if key:
                state[POSTINGS] += 1
                if state[CHAINS] < live and state[CHAINS] < heads.shape[0]:
                    if state[CHAINS] == 2 * state[SPLIT_FROM]:
                        state[SPLIT_FROM] *= 2
                    state[CHAINS] += 1


@njit(types.void(INDEX_ARRAYS), nogil=True)
def chain_articles(index):
    """Make the chains of all articles in the index."""
    postings, heads, state, dates = index[:4]
    capacity = dates.shape[0]
    heads[: state[CHAINS]] = 0
    for number in range(state[OLDEST], state[NEWEST] + 1):
        slot = number % capacity
        for posting in range(slot * KEYS, (slot + 1) * KEYS):
            key = uint32(postings[posting])
            if key:
                chain = chain_of(key, state[CHAINS], state[SPLIT_FROM])
                postings[posting] = uint64(key) | uint64(heads[chain]) << uint64(32)
                heads[chain] = posting + 1


ERASE_STEPS = 256


@njit(types.void(types.int64, INDEX_ARRAYS), nogil=True)
def erase_keys(number, index):
    """Take an article's postings out of their chains and make its keys zero, of one in the index or just expired.

    The chains stay in order; nothing else changes. A key behind ERASE_STEPS newer postings of its chain, one that many
    articles share, is made even instead and stays where it is: even keys match none.
    """
    postings, heads, state, dates = index[:4]
    capacity = dates.shape[0]
    slot = number % capacity
    for posting in range(slot * KEYS, (slot + 1) * KEYS):
        key = uint32(postings[posting])
        after = postings[posting] >> uint64(32)
        postings[posting] &= ~_LOW
        if number < state[OLDEST]:
            continue  # chains end before what has expired
        chain = chain_of(key, state[CHAINS], state[SPLIT_FROM])
        before, at = np.int64(-1), np.int64(heads[chain]) - 1
        last = np.int64(1) << 62
        steps = 0
        while at >= 0 and at != posting:
            found = number_at(at // KEYS, state[NEWEST], capacity)
            age = found * KEYS + at % KEYS
            if age >= last or found < state[OLDEST]:
                at = -1
                break
            if steps == ERASE_STEPS:
                postings[posting] |= uint64(key & ~uint32(1))
                break
            steps += 1
            last, before = age, at
            at = np.int64(postings[at] >> uint64(32)) - 1
        if at == posting:
            if before < 0:
                heads[chain] = after
            else:
                postings[before] = (postings[before] & _LOW) | (after << uint64(32))
            postings[posting] = uint64(0)
