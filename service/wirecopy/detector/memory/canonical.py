"""Which member stands for its story: an order of what is remembered of articles, by one of five policies.

    first_published     the earliest claimed date, unknown last
    first_seen          the first that came, by our clock
    longest             the longest text
    preferred_sources   that of the source that stands first in a list
    agency_first        one whose source is in the list of agencies; where that is set, then one that says it is theirs

Under each, canceled members come last, and ties go to the earliest published, then to the first that came. A source is
told by its name: who prints "(AFP)" in a text of its own has a copy of what the agency itself sends, and stands before
others only by `agencies_by_credit`.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from wirecopy.config import Keep, Stories
from wirecopy.detection.words.credit_names import agency_of
from wirecopy.detector.memory.archive import Archive, Kept
from wirecopy.detector.memory.records import Rule

_NO_DATE = 1 << 62
_LONGEST_NAME = 256  # characters; a longer source is none that a list can name


def rule_of(stories: Stories, keep: Keep | None = None) -> Rule:
    """Return the rule that is set, or, with `keep`, another one with the lists that are set."""
    asked = keep or ("first_published" if stories.keep == "first" else stories.keep)
    listed = {"preferred_sources": stories.preferred_sources, "agency_first": stories.agencies}.get(asked, ())
    by_credit = asked == "agency_first" and stories.agencies_by_credit
    return Rule(asked, tuple(_fold(name) for name in listed), by_credit)


class Policy:
    """A rule, ready to be asked.

    `chosen` are articles that somebody chose to stand for their story, by the number of their first revision, each with
    the number of the choice: the latest wins over the rule.
    """

    def __init__(self, rule: Rule, chosen: Mapping[int, int] = MappingProxyType({})) -> None:
        self.rule = rule
        self._chosen = chosen
        are_equal = rule.keep == "agency_first"
        self._places: dict[str, int] = {}
        for k, name in enumerate(rule.sources):
            self._places.setdefault(name, 0 if are_equal else k)
        self._others = max(2, len(rule.sources))
        self._credited = frozenset(agency_of(name) for name in rule.sources) if rule.by_credit else frozenset()

    def rank(self, kept: Kept) -> tuple[bool, int, int, int, int]:
        """Of the members of a story, the one of the least rank stands for it."""
        published = _NO_DATE if kept.published is None else kept.published
        choice = self._chosen.get(kept.came, 0) if self._chosen else 0
        return kept.status == "canceled", -choice, self._tier(kept), published, kept.came

    def canonical(self, archive: Archive, members: Sequence[int]) -> int:
        """Return the member that stands for its story, a hidden one only where all are."""
        kept = archive.kept
        return min(archive.shown(members) or members, key=lambda number: self.rank(kept[number]))

    def _tier(self, kept: Kept) -> int:
        match self.rule.keep:
            case "first_published":
                return 0
            case "first_seen":
                return kept.came
            case "longest":
                return -kept.words
            case _:
                place = self._place(kept.source)
                return min(place, 1) if self.rule.by_credit and self._is_credited(kept) else place

    def _is_credited(self, kept: Kept) -> bool:
        """Whether a text is said to be that of an agency in the list; such an article is behind the agency's own."""
        return any(
            credit.kind == "wire" and (credit.name in self._credited or _fold(credit.name) in self._places)
            for credit in kept.credits
        )

    def _place(self, source: str | None) -> int:
        """Return the place of the first name in the list that is the source's own, or that of a domain that it is
        under.
        """
        if source is None or len(source) > _LONGEST_NAME:
            return self._others
        name = _fold(source)
        place = self._places.get(name, self._others)
        while "." in name:
            name = name.partition(".")[2]
            if "." in name:
                place = min(place, self._places.get(name, self._others))
        return place


@lru_cache(4096)
def _fold(name: str) -> str:
    """Return a name without what writers differ in: case, composition and width, spaces, invisible characters, a
    `www.`.

    The dots of Turkish i are left out, so that İHA, iha, ANADOLU AJANSI and Anadolu Ajansı find themselves.
    """
    folded = unicodedata.normalize("NFKC", name).casefold().replace("ı", "i")
    shown = "".join(c for c in folded if c != "\u0307" and unicodedata.category(c) != "Cf")
    return " ".join(unicodedata.normalize("NFKC", shown).split()).removeprefix("www.")
