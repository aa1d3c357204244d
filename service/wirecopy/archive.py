"""Archive: what is remembered of every article that is kept, by number, and what was decided for it, from the store.

In memory stays only what decisions and listings need; titles, matches and texts are read from the store when asked for.
"""

from bisect import insort

from msgspec import Struct, structs

from wirecopy import errors
from wirecopy.decision import Decision, decode_decision
from wirecopy.storage import Store


class Kept(Struct, gc=False):
    """What is remembered of one revision of an article.

    `came` is the number of the first revision under this id, which was `first_seen` then; this one `arrived` then.
    `record` is its number in the store.
    """

    id: str
    published: int | None
    source: str | None
    words: int
    came: int
    first_seen: int = 0
    arrived: int = 0
    revision: int = 1
    content: bytes = b""
    record: int = 0


class Archive:
    """Articles by number, in the order in which they came; without a store, decisions stay in memory."""

    def __init__(self, store: Store | None) -> None:
        self.kept: dict[int, Kept] = {}
        self.number_of: dict[str, int] = {}  # the newest revision of each id
        self.later: dict[int, list[int]] = {}  # the articles that came later and match it
        self._earlier: dict[str, list[int]] = {}  # earlier revisions of the ids that have some, in order
        self._store = store
        self._decisions: dict[int, Decision] = {}

    def add(self, number: int, kept: Kept) -> None:
        """Remembers an article; a later revision takes its id over."""
        self.kept[number] = kept
        earlier = self.number_of.get(kept.id)
        if earlier is not None:
            insort(self._earlier.setdefault(kept.id, []), earlier)
        self.number_of[kept.id] = number

    def add_nameless(self, number: int, words: int, arrived: int) -> None:
        """Remembers that a number was an article's, of which nothing else is known."""
        self.kept[number] = Kept("", None, None, words, number, arrived, arrived)

    def keep(self, decision: Decision) -> None:
        """Remembers what was decided for an article, and who matches whom."""
        for found in decision.matches:
            if found.number in self.kept:
                self.later.setdefault(found.number, []).append(decision.number)
        if self._store is None:
            self._decisions[decision.number] = structs.replace(decision, trace=b"", weights=b"", keys=b"")

    def drop(self, number: int) -> None:
        """Forgets an article."""
        kept = self.kept.pop(number)
        if self.number_of.get(kept.id) == number:
            del self.number_of[kept.id]
        earlier = self._earlier.get(kept.id)
        if earlier is not None and number in earlier:
            earlier.remove(number)
            if not earlier:
                del self._earlier[kept.id]
        self.later.pop(number, None)
        self._decisions.pop(number, None)

    def forget_matches(self, decision: Decision) -> None:
        """Forgets of the articles that a decision matched that it did."""
        for found in decision.matches:
            later = self.later.get(found.number)
            if later is not None and decision.number in later:
                later.remove(decision.number)
                if not later:
                    del self.later[found.number]

    def revisions(self, article_id: str) -> list[int]:
        """The numbers of all revisions of an article that are kept, in order. Raises UnknownArticle."""
        return [*self._earlier.get(article_id, ()), self.number(article_id)]

    def number(self, article_id: str) -> int:
        """The number of the newest revision of an article. Raises UnknownArticle."""
        try:
            return self.number_of[article_id]
        except KeyError:
            raise errors.UnknownArticle(article_id) from None

    def decision(self, number: int) -> Decision:
        """What was decided for a kept article. Raises Damaged, StorageFailed."""
        if self._store is None:
            return self._decisions[number]
        record = self._store.record(self.kept[number].record)
        assert record is not None, "what is kept is not pruned"
        return decode_decision(record.payload)

    def text(self, number: int) -> str | None:
        """The text of a kept article; None where texts are not kept. Raises Damaged, StorageFailed."""
        text = None if self._store is None else self._store.text(self.kept[number].record)
        return None if text is None else text.decode()
