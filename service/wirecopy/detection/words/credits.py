"""Credits: what a text itself names as its source.

    wire        BERLIN (Reuters) -     (dpa/afp)     Source: ANSA     With reporting by the Associated Press
    reported    told Reuters     according to The Washington Post     first reported by CNN

A name is an agency's (data/agencies.toml), or that of an outlet that is a source in the stream. The words of the trace
tell which names a text may hold; only these are looked for in the text itself, where capitals, brackets, lines and the
words beside a name tell a credit from a mention: `wire` where the text is said to be theirs, `reported` where they are
said to have reported what it tells.

Cost: one look per word of the trace, and one search of the text for each of at most MOST_NAMES names that it may hold.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.layout import HASH
from wirecopy.detection.words.credit_names import Name, agency_names, agency_of, names_of
from wirecopy.detection.words.credit_places import is_reported, is_wire, stands_alone

Kind = Literal["wire", "reported"]
MOST_NAMES = 16  # of a text; one that holds more names is a list of them
MOST_PLACES = 12  # of a name in a text
_LONGEST_NAME = 100  # characters of a source that texts may name
_PLACES = 1 << 18  # of hashes of words


class FoundCredit(NamedTuple):
    """A name, and whether the text is said to be theirs or only to tell what they reported."""

    name: str
    kind: Kind


class CreditNames:
    """The names that texts may credit: agencies, and the sources of the articles that are kept."""

    def __init__(self, compose: Callable[[str], str]) -> None:
        """`compose` brings a text into Unicode's form NFC, as names are, in time that grows with its length alone."""
        self._compose = compose
        self._counts: dict[str, int] = {}  # articles of each source
        self._fresh: dict[str, None] = {}  # sources that are not indexed yet
        self._names: dict[int, list[Name]] = {}  # by the hash of their longest word
        self._known = np.empty(0, dtype=np.bool_)  # their places; empty until they are asked for

    def add(self, source: str) -> None:
        """Count an article of a source; it is indexed by the next `find`."""
        count = self._counts[source] = self._counts.get(source, 0) + 1
        if count == 1 and len(source) <= _LONGEST_NAME:
            self._fresh[source] = None

    def remove(self, source: str) -> None:
        """Take an article of a source back; one without articles is credited no more."""
        self._counts[source] -= 1
        if self._counts[source]:
            return
        del self._counts[source]
        if source in self._fresh or len(source) > _LONGEST_NAME:
            self._fresh.pop(source, None)
            return
        for word in {name.longest for name in names_of([source])}:
            self._names[word] = [name for name in self._names[word] if name.is_agency or name.told != source]

    def find(self, text: str, words: npt.NDArray[np.uint32], source: str | None = None) -> tuple[FoundCredit, ...]:
        """Return what a text with these words in its trace credits, in the order in which it does.

        An article of `source` credits others only.
        """
        self._index()
        may_hold = self._held(words)
        if not may_hold:
            return ()
        text = self._compose(text)
        own = None if source is None else agency_of(source) or source
        found: dict[str, tuple[int, Kind]] = {}
        for name in may_hold:
            for place, kind in _credits_of(text, name) if name.told != own else ():
                first, known = found.get(name.told, (place, kind))
                found[name.told] = min(first, place), "wire" if "wire" in (kind, known) else "reported"
        return tuple(FoundCredit(told, kind) for told, (_, kind) in sorted(found.items(), key=lambda item: item[1][0]))

    def _index(self) -> None:
        """Index what was added since the last call."""
        if not len(self._known):
            self._known = np.zeros(_PLACES, dtype=np.bool_)
            self._put(agency_names())
        if self._fresh:
            self._put(names_of(list(self._fresh)))
            self._fresh.clear()

    def _put(self, names: Iterable[Name]) -> None:
        for name in names:
            self._names.setdefault(name.longest, []).append(name)
            self._known[name.longest % _PLACES] = True

    def _held(self, words: npt.NDArray[np.uint32]) -> list[Name]:
        """Return the spellings whose words stand together in a trace, of the first MOST_NAMES names, in order."""
        hashes = words & np.uint32(HASH)
        held: dict[str, set[Name]] = {}
        for place in np.flatnonzero(self._known[hashes % _PLACES]).tolist():
            for name in self._names.get(hashes.item(place), ()):
                first = place - name.place
                if (
                    len(name.words) > 1
                    and tuple(hashes[max(0, first) : first + len(name.words)].tolist()) != name.words
                ):
                    continue
                if name.told in held or len(held) < MOST_NAMES:
                    held.setdefault(name.told, set()).add(name)
        return sorted(name for spellings in held.values() for name in spellings)


def _credits_of(text: str, name: Name) -> Iterator[tuple[int, Kind]]:
    """Where a text credits a name by one spelling, and how; looks at MOST_PLACES places of each way to write it."""
    spelt = name.spelt
    for written in dict.fromkeys((spelt, spelt.upper(), spelt[:1].upper() + spelt[1:])):
        place = text.find(written)
        for _ in range(MOST_PLACES):
            if place < 0:
                break
            end = place + len(written)
            if stands_alone(text, place, end):
                if is_wire(text, place, end, is_agency=name.is_agency):
                    yield place, "wire"
                elif name.is_addressed or is_reported(text, place, end):
                    yield place, "reported"
            place = text.find(written, end)
