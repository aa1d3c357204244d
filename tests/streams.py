"""Small generated streams of articles that copy, trim, reword and mix each other's texts; a store in memory."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xxhash
from hypothesis import strategies as st

from wirecopy.config import Config, Service
from wirecopy.detector.detector import Detector
from wirecopy.schema.article import Article
from wirecopy.storage import Entry, Record, Remains

_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]
_DAY = 86_400_000


def word(seed: random.Random) -> str:
    return "".join(seed.choice(_SYLLABLES) for _ in range(3))


def wire(k: int) -> list[str]:
    """The words of the k-th agency text; texts of the same ten share a few sentences of background."""
    own, shared = random.Random(k), random.Random(-1 - k // 10)
    return [word(own) for _ in range(36)] + [word(shared) for _ in range(12)]


def written(k: int, how: int) -> str:
    """The k-th agency text as an outlet runs it; `how` says what it does to it."""
    words, seed = wire(k), random.Random(1000 * k + how)
    match how % 6:
        case 0:
            pass
        case 1:
            words = words[: len(words) * 2 // 3]
        case 2:
            words = [word(seed) if seed.random() < 0.25 else kept for kept in words]
        case 3:
            words = words + wire(k + 1)
        case 4:
            words = words[20:] + [word(seed) for _ in range(20)]
        case _:
            words = words[:5]
    return " ".join(words)


@st.composite
def articles(draw: st.DrawFn, ids: int = 12, wires: int = 6, statuses: bool = False) -> Article:
    """An article with one of a few ids, sources and texts, and of any status where that is wanted."""
    return Article(
        id=f"a{draw(st.integers(0, ids - 1))}",
        text=written(draw(st.integers(0, wires - 1)), draw(st.integers(0, 11))),
        title=draw(st.sampled_from([None, "", "Bridge closed"])),
        source=draw(st.sampled_from([None, "north", "south", "east"])),
        published=draw(st.sampled_from([None, 0, _DAY, 5 * _DAY, 40 * _DAY])),
        status=draw(st.sampled_from(["usable", "usable", "usable", "withheld", "canceled"])) if statuses else "usable",
        embargoed=draw(st.sampled_from([None, None, 20_001 * _DAY, 20_006 * _DAY])) if statuses else None,
    )


def stream(count: int, seed: int = 1) -> list[Article]:
    """`count` articles with ids of their own, of which about half belong together in small groups."""
    chance = random.Random(seed)
    taken = []
    for k in range(count):
        text = written(chance.randrange(count // 2), chance.randrange(12))
        taken.append(Article(f"n{k}", text, source=f"s{chance.randrange(5)}", published=k))
    return taken


def small(**service: Any) -> Config:
    """Settings under which little suffices."""
    return Config(service=Service(**service))


class MemoryStore:
    """What the Detector uses of a store, without a disk. `broken` makes the next append fail."""

    def __init__(self) -> None:
        self.records: list[Record | None] = []
        self.texts: dict[int, bytes] = {}
        self.appends = 0
        self.broken: BaseException | None = None

    @property
    def last(self) -> int:
        return len(self.records)

    def replay(self) -> Iterator[Record]:
        return (record for record in self.records if record is not None)

    def append(
        self, entries: Sequence[Entry], prune: Iterable[int] = (), redact: Mapping[int, Remains] | None = None
    ) -> int:
        if self.broken is not None:
            raise self.broken
        self.appends += 1
        for kind, article_id, payload, text in entries:
            self.records.append(Record(self.last + 1, kind, article_id, payload))
            if text is not None:
                self.texts[self.last] = text
        for number in prune:
            assert self.records[number - 1] is not None, "pruned once"
            self.records[number - 1] = None
            self.texts.pop(number, None)
        for number, (kind, payload) in (redact or {}).items():
            assert self.records[number - 1] is not None, "not pruned before"
            self.records[number - 1] = Record(number, kind, None, payload)
            self.texts.pop(number, None)
        return self.last

    def record(self, number: int) -> Record | None:
        return self.records[number - 1]

    def text(self, number: int) -> bytes | None:
        return self.texts.get(number)

    def close(self) -> None:
        pass


def image(detector: Detector) -> dict[str, Any]:
    """Everything that a later decision or answer may depend on; equal for equal states."""
    state = detector._state
    window, stories, archive = state.window, state.stories, state.archive
    live = range(window.oldest, window.loaded)
    words, weights, starts, sizes = window._traces.arrays
    traces = {}
    for number in live:
        slot = number % window._traces.capacity
        span = slice(int(starts[slot]), int(starts[slot]) + int(sizes[slot] & 0xFFFFFFFF))
        keys = window._index.keys_of(number).tobytes()
        date, source = int(window._index.dates[slot]), int(window._passages_of[slot])
        traces[number] = (words[span].tobytes(), weights[span].tobytes(), int(sizes[slot]), keys, date, source)
    links = {
        number: {other: link for other, link in row.items() if other in stories.story_of}
        for number, row in stories.links.items()
    }  # those with articles that are gone say nothing any more
    return {
        "stories": dict(stories.story_of),
        "members": {name: list(members) for name, members in stories.members.items()},
        "links": {number: row for number, row in links.items() if row},
        "last best": dict(stories.last_best),
        "newest": list(stories.newest()),
        "counters": (window.loaded, window.decided, window.words),
        "kept": {number: repr(kept) for number, kept in archive.kept.items()},
        "numbers": dict(archive.number_of),
        "later": {number: list(later) for number, later in archive.later.items()},
        "traces": traces,
        "index": window._index.state.tolist()[:4],  # not how many postings there ever were
        "terms": (window.terms.epoch, window.terms.counted, _digest(window.terms.counts), _digest(window.terms.rarity)),
        "repeats": _digest(window.repeats),
        "hidden": sorted(archive.hidden & stories.story_of.keys()),
        "recalls": (dict(archive.recalls), {m: list(c) for m, c in archive.recalled_by.items() if c}),
        "redirects": dict(detector._feed.redirects._heirs),
        "pins": dict(stories.pins.by_id),
        "positions": detector.positions(),
        "feed": (detector._feed.last, detector._feed._firsts[:1].tolist(), detector._feed._moments[:1].tolist()),
    }


def _digest(table: np.ndarray[Any, Any]) -> str:
    return xxhash.xxh3_64_hexdigest(table.tobytes())
