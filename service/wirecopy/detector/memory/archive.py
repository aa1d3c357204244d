"""Archive: what is remembered of every article that is kept, by number, and what was decided for it, from the store.

In memory stays only what decisions and listings need, encoded; titles, matches and texts are read from the store when
asked for.
"""

from bisect import insort
from collections.abc import Iterator, Mapping, Sequence
from heapq import heappop, heappush, merge
from itertools import islice

import numpy as np
import numpy.typing as npt
from msgspec import Struct, msgpack, structs

from wirecopy import errors
from wirecopy.detection.grouping.packed_rows import PackedRows
from wirecopy.detection.words.credits import CreditNames, FoundCredit
from wirecopy.detector.memory.id_table import IdTable
from wirecopy.detector.memory.records import Decision, decode_decision
from wirecopy.schema.article import Article, Status
from wirecopy.schema.normal_form import composed
from wirecopy.storage import Reading


class ArticleHead(Struct, array_like=True, gc=False):
    """What decisions ask of an article."""

    id: str
    published: int | None
    source: str | None


class Kept(ArticleHead, array_like=True, gc=False):
    """What is remembered of one revision of an article.

    `came` is the number of the first revision under this id, which was `first_seen` then; this one `arrived` then.
    `record` is its number in the store.
    """

    words: int
    came: int
    first_seen: int = 0
    arrived: int = 0
    revision: int = 1
    content: bytes = b""
    record: int = 0
    status: Status = "usable"
    embargoed: int | None = None
    version: int | None = None
    updated: int | None = None
    credits: tuple[FoundCredit, ...] = ()

    def is_newer_than(self, article: Article) -> bool:
        """Return whether an article under this id is of an earlier version: by its number, or else by when it was
        updated.
        """
        if self.version is not None and article.version is not None and self.version != article.version:
            return self.version > article.version
        return self.updated is not None and article.updated is not None and self.updated > article.updated


def kept_as(decision: Decision, article_id: str, record: int) -> Kept:
    """Return what is remembered of an article of which this was decided; `record` is its number in the store."""
    return Kept(
        id=article_id,
        published=decision.published,
        source=decision.source,
        words=len(decision.weights),
        came=decision.came,
        first_seen=decision.first_seen,
        arrived=decision.arrived,
        revision=decision.revision,
        content=decision.content,
        record=record,
        status=decision.status,
        embargoed=decision.embargoed,
        version=decision.version,
        updated=decision.updated,
        credits=decision.credits,
    )


_AT_HAND = 8192  # articles
_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(Kept).decode
_decode_head = msgpack.Decoder(ArticleHead).decode


class Remembered(Mapping[int, Kept]):
    """What is remembered of articles, by number and in order: objects of those asked for lately, rows of the others."""

    def __init__(self, at_hand: int = _AT_HAND) -> None:
        self._at_hand = at_hand
        self._open: dict[int, Kept] = {}
        self._unpacked: set[int] = set()  # of these, who have no row, or another
        self._rows = PackedRows()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        last = -1
        for number in merge(sorted(self._open), self._rows):
            if number != last:
                yield number
            last = number

    def __contains__(self, number: object) -> bool:
        return number in self._open or number in self._rows

    def __getitem__(self, number: int) -> Kept:
        kept = self._open.get(number)
        if kept is None:
            kept = _decode(self._row(number))
            self._put_at_hand(number, kept)
        return kept

    def look(self, number: int) -> Kept:
        """Return the same for who looks at many once: nothing is put at hand."""
        return self._open.get(number) or _decode(self._row(number))

    def head(self, number: int) -> ArticleHead:
        """Return the head of an article, for who asks for nothing more."""
        return self._open.get(number) or _decode_head(self._row(number))

    def heads(self, numbers: range) -> list[ArticleHead]:
        """Return the heads of articles that follow each other, all of which are remembered."""
        return list(map(self.head, numbers))

    def put(self, number: int, kept: Kept) -> None:
        """Remember an article that was not remembered."""
        self._put_at_hand(number, kept)
        self._unpacked.add(number)
        self._count += 1

    def note_record(self, number: int, record: int) -> None:
        """Remember which record of the store an article is."""
        self[number].record = record
        self._unpacked.add(number)

    def pop(self, number: int) -> None:
        """Forget an article that is remembered."""
        self._open.pop(number, None)
        self._unpacked.discard(number)
        self._rows.pop(number)
        self._count -= 1

    def _row(self, number: int) -> bytearray:
        row = self._rows.get(number)
        if row is None:
            raise KeyError(number)
        return row

    def _put_at_hand(self, number: int, kept: Kept) -> None:
        if len(self._open) >= self._at_hand:
            unpacked, put = self._unpacked, self._rows.put
            for old in list(islice(self._open, max(1, self._at_hand // 2))):
                gone = self._open.pop(old)
                if old in unpacked:
                    unpacked.remove(old)
                    put(old, _encode(gone))
        self._open[number] = kept


class Archive:
    """Articles by number, in the order in which they came; without a store, decisions stay in memory."""

    def __init__(self, store: Reading | None) -> None:
        self.kept = Remembered()
        self.number_of = IdTable(lambda number: self.kept.head(number).id)  # the newest revision of each id
        self.names = CreditNames(composed)  # what texts may credit
        self.reads_credits = True  # whether that is looked for
        self.later: dict[int, list[int]] = {}  # the articles that came later and match it
        self.affairs: dict[int, list[int]] = {}  # the articles that it goes on with, or that go on with it
        self.hidden: set[int] = set()  # withheld, or embargoed until a moment that has not come
        self._embargoed: list[tuple[int, int]] = []  # a heap of (until, number)
        self.recalls: dict[int, list[int]] = {}  # of canceled articles, what was a copy or rewrite of them then
        self.recalled_by: dict[int, list[int]] = {}  # the same from the other side
        self.chosen: dict[int, int] = {}  # who was chosen to stand for a story: first revision -> number of the choice
        self._earlier: dict[str, list[int]] = {}  # earlier revisions of the ids that have some, in order
        self._store = store
        self._decisions: dict[int, Decision] = {}  # with a store, those that are not there yet

    def add(self, number: int, kept: Kept) -> None:
        """Remember an article; a later revision takes its id over."""
        self.kept.put(number, kept)
        if kept.source:
            self.names.add(kept.source)
        earlier = self.number_of.put(kept.id, number)
        if earlier >= 0:
            insort(self._earlier.setdefault(kept.id, []), earlier)
        if kept.status == "withheld":
            self.hidden.add(number)
        elif kept.embargoed is not None and kept.embargoed > kept.arrived:
            self.hidden.add(number)
            heappush(self._embargoed, (kept.embargoed, number))

    def credits_of(self, article: Article, words: npt.NDArray[np.uint32]) -> tuple[FoundCredit, ...]:
        """Return whom an article with this trace credits; nobody where that is not looked for."""
        return self.names.find(article.text, words, article.source) if self.reads_credits else ()

    def add_nameless(self, number: int, words: int, arrived: int) -> None:
        """Remember that a number was an article's, of which nothing else is known."""
        self.kept.put(
            number,
            Kept(id="", published=None, source=None, words=words, came=number, first_seen=arrived, arrived=arrived),
        )

    def keep(self, decision: Decision) -> None:
        """Remember what was decided for an article, and who matches whom."""
        for found in decision.matches:
            if found.number in self.kept:
                self.later.setdefault(found.number, []).append(decision.number)
                if found.relation == "follow_up":
                    self.affairs.setdefault(found.number, []).append(decision.number)
                    self.affairs.setdefault(decision.number, []).append(found.number)
        if decision.recall:
            self.recalls[decision.number] = decision.recall
            for number in decision.recall:
                if number in self.kept:
                    self.recalled_by.setdefault(number, []).append(decision.number)
        if self._store is None:
            self._decisions[decision.number] = structs.replace(decision, trace=b"", weights=b"", keys=b"")
        elif not self.kept[decision.number].record:
            self._decisions[decision.number] = decision

    def forget_stored(self) -> None:
        """Forget what was at hand until it was in the store: it is there now."""
        if self._store is not None:
            self._decisions.clear()

    def drop(self, number: int) -> None:
        """Forget an article."""
        kept = self.kept[number]
        if self.number_of.get(kept.id) == number:
            self.number_of.remove(kept.id)
            self.chosen.pop(kept.came, None)
        self.kept.pop(number)
        if kept.source:
            self.names.remove(kept.source)
        earlier = self._earlier.get(kept.id)
        if earlier is not None and number in earlier:
            earlier.remove(number)
            if not earlier:
                del self._earlier[kept.id]
        self.later.pop(number, None)
        for other in self.affairs.pop(number, ()):
            if other in self.affairs:
                self.affairs[other].remove(number)
        self.hidden.discard(number)
        self.recalled_by.pop(number, None)
        for other in self.recalls.pop(number, ()):
            if other in self.recalled_by:
                self.recalled_by[other].remove(number)
        self._decisions.pop(number, None)

    def lift(self, now: int) -> list[int]:
        """Let what was embargoed until `now` be shown; return the numbers of what was hidden by that alone."""
        lifted = []
        while self._embargoed and self._embargoed[0][0] <= now:
            number = heappop(self._embargoed)[1]
            if number in self.hidden:
                self.hidden.discard(number)
                lifted.append(number)
        return lifted

    def is_shown(self, number: int) -> bool:
        """Return whether others may be told of a kept article: neither this nor the newest revision of it is hidden."""
        if not self.hidden:
            return True
        return number not in self.hidden and self.number_of.get(self.kept[number].id) not in self.hidden

    def shown(self, numbers: Sequence[int]) -> Sequence[int]:
        """Return those of the newest revisions of articles that others may be told of."""
        if not self.hidden:
            return numbers
        return [number for number in numbers if number not in self.hidden]

    def is_current(self, number: int) -> bool:
        """Return whether a number is that of the newest revision of a kept article."""
        kept = self.kept.get(number)
        return kept is not None and self.number_of.get(kept.id) == number

    def still_recalled(self, number: int) -> bool:
        """Return whether an article is a copy or rewrite of one that was canceled, and is so still."""
        return any(
            self.is_current(canceled) and self.kept[canceled].status == "canceled" and canceled not in self.hidden
            for canceled in self.recalled_by.get(number, ())
        )

    def forget_matches(self, decision: Decision) -> None:
        """Forget of the articles that a decision matched that it did."""
        for found in decision.matches:
            later = self.later.get(found.number)
            if later is not None and decision.number in later:
                later.remove(decision.number)
                if not later:
                    del self.later[found.number]

    def forget_later(self, number: int) -> None:
        """Forget the same of an article whose decision is gone; looks through all that have later matches."""
        for other in [other for other, later in self.later.items() if number in later]:
            self.later[other].remove(number)
            if not self.later[other]:
                del self.later[other]

    def attach(self, store: Reading) -> None:
        """Read from another store from now on, which holds the same records."""
        self._store = store

    def revisions(self, article_id: str) -> list[int]:
        """Return the numbers of all revisions of an article that are kept, in order. Raises UnknownArticle."""
        return [*self._earlier.get(article_id, ()), self.number(article_id)]

    def number(self, article_id: str) -> int:
        """Return the number of the newest revision of an article. Raises UnknownArticle."""
        try:
            return self.number_of[article_id]
        except KeyError:
            raise errors.UnknownArticle(article_id) from None

    def decision(self, number: int) -> Decision:
        """Return what was decided for a kept article. Raises Damaged, StorageFailed."""
        if self._store is None or number in self._decisions:
            return self._decisions[number]
        record = self._store.record(self.kept[number].record)
        assert record is not None, "what is kept is not pruned"
        return decode_decision(record.payload)

    def text(self, number: int) -> str | None:
        """Return the text of a kept article; None where texts are not kept. Raises Damaged, StorageFailed."""
        text = None if self._store is None else self._store.text(self.kept[number].record)
        return None if text is None else text.decode()
