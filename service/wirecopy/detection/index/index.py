"""LshIndex: which earlier articles share enough rare keys with this one.

Flat arrays and compiled loops only: a posting is eight bytes and no object, and what many articles share stands in
rings. Per article 64 keys: one for the whole text, 31 rare words, 32 rare pairs of neighbouring words
(`keys.sketch`). Chains grow by linear hashing, so there
is no pause for a rebuild; slots form a ring, so forgetting the oldest costs nothing. Memory: 10 bytes per key and a
ring per sixteen articles, of the articles that came, not of those that may.
"""

import numpy as np
import numpy.typing as npt

from wirecopy.detection.index.reserved import reserve
from wirecopy.detection.kernels.index import (
    CHAINS,
    CHAINS_PER_ARTICLE,
    COUNTERS,
    NEWEST,
    OLDEST,
    POSTINGS,
    RING,
    SPLIT_FROM,
    drop_rings,
    erase_keys,
    insert,
)
from wirecopy.detection.kernels.layout import KEYS, UNKNOWN

FIRST_CHAINS = 1 << 16
ARTICLES_PER_RING = 16  # a kilobyte each; at half of it, looking up is no faster


def scratch_for(most_hits: int) -> tuple[npt.NDArray[np.generic], ...]:
    """Return what `index.candidates` needs room for."""
    table, hits = 1 << int(np.ceil(np.log2(2 * KEYS * most_hits + 1))), 2 * KEYS * most_hits + 1
    return (
        np.zeros(table, dtype=np.int64),
        np.zeros(COUNTERS, dtype=np.uint32),
        np.empty(hits, dtype=np.int64),
        np.empty(KEYS, dtype=np.int64),
        np.empty(KEYS, dtype=np.int64),
    )


class LshIndex:
    """The newest `capacity` articles by their keys. Articles are numbered in the order in which they come."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        chains = 1 << max(16, int(np.ceil(np.log2(capacity * CHAINS_PER_ARTICLE))))
        self.postings = reserve(capacity * KEYS, np.uint64)
        self.heads = reserve(chains, np.uint32)
        self.all_dates = reserve(capacity + 1, np.int64)  # the last is that of an article which does not come to stay
        self.dates = self.all_dates[:capacity]
        most_rings = 1 << max(10, int(np.ceil(np.log2(capacity / ARTICLES_PER_RING))))
        self.tags = reserve(most_rings, np.uint64)
        self.rings = reserve(most_rings * 2 * RING, np.uint32)
        self.pushed = reserve(most_rings * 2, np.int64)
        self.state = np.array([-1, 0, FIRST_CHAINS, FIRST_CHAINS, 0, 0], dtype=np.int64)

    @property
    def arrays(self) -> tuple[npt.NDArray[np.generic], ...]:
        return self.postings, self.heads, self.state, self.dates, self.tags, self.rings, self.pushed

    def __len__(self) -> int:
        return int(self.state[NEWEST] - self.state[OLDEST] + 1)

    @property
    def oldest(self) -> int:
        """The number below which everything is forgotten."""
        return int(self.state[OLDEST])

    def keys_of(self, number: int) -> npt.NDArray[np.uint32]:
        """Return (KEYS,) the keys of an article, to be read or written."""
        slot = number % self.capacity
        postings = self.postings[slot * KEYS : (slot + 1) * KEYS]
        keys: npt.NDArray[np.uint32] = postings.view("<u4")[::2]
        return keys

    def expect(self, articles: int) -> None:
        """Make the chains of so many articles at once, of an index in which there is none yet."""
        if self.state[POSTINGS] == 0:
            chains = min(max(articles * CHAINS_PER_ARTICLE, FIRST_CHAINS), len(self.heads))
            self.state[CHAINS], self.state[SPLIT_FROM] = chains, 1 << (chains.bit_length() - 1)

    def add(self, number: int, keys: npt.NDArray[np.uint32], published: int) -> None:
        """Add an article under `number`, which is larger than all before it."""
        self.dates[number % self.capacity] = published
        insert(number, keys.copy(), self.arrays)

    def expire(self, oldest: int) -> None:
        """Forget the articles numbered below `oldest`."""
        self.state[OLDEST] = max(self.state[OLDEST], oldest)

    def skip(self, first: int, last: int) -> None:
        """Go on with number `last`: those from `first` on stay unused."""
        for number in range(max(first, self.oldest), last) if len(self) else ():
            self.keys_of(number)[:] = 0
        if not len(self):
            self.expire(last)
        self.state[NEWEST] = last - 1

    def remove(self, number: int) -> None:
        """Forget one article: its postings stay in their chains, but even keys match none (keys are odd)."""
        keys = self.keys_of(number)
        drop_rings(keys.copy(), self.tags)
        keys &= ~np.uint32(1)

    def erase(self, number: int) -> None:
        """Forget the keys of an article, which may have expired; a slot that another has taken is left alone."""
        newest = int(self.state[NEWEST])
        if newest - self.capacity < number <= newest:
            drop_rings(self.keys_of(number).copy(), self.tags)
            erase_keys(number, self.arrays)
            self.dates[number % self.capacity] = UNKNOWN

    def grow(self, capacity: int) -> "LshIndex":
        """Return an index of larger capacity with the same articles; only for runs whose size is not known before."""
        larger = LshIndex(capacity)
        larger.expect(len(self))
        for number in range(int(self.state[OLDEST]), int(self.state[NEWEST]) + 1):
            larger.add(number, self.keys_of(number), int(self.dates[number % self.capacity]))
        larger.expire(int(self.state[OLDEST]))
        larger.state[NEWEST] = self.state[NEWEST]  # when all have expired, none was added
        return larger
