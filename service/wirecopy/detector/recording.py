"""Decide, append, then tell: how articles come in, and how what was decided becomes durable with its events.

trace      text -> trace                                       pure, may run in worker threads
ingest     same id and content: the stored answer again
           else: State.decide, one record of what was decided, one of the events, one append for all;
           then the caller is told
"""

from collections.abc import Callable, Sequence

from msgspec import structs

from wirecopy.config import Config
from wirecopy.detector.browsing import Browsing
from wirecopy.detector.feed.changes import ChangeCapture
from wirecopy.detector.feed.feed import Feed
from wirecopy.detector.history.replay import Replayed, no_others, replay
from wirecopy.detector.ingestion import Ingestion, recalled
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.canonical import Policy
from wirecopy.detector.memory.records import ActionRecord, Fact, content_of, entry
from wirecopy.detector.state import State
from wirecopy.detector.tracing import ArticleTraces
from wirecopy.schema.answers import Verdict
from wirecopy.schema.article import Article
from wirecopy.storage import Entry, Pipeline, Writing

_MAX_TOLD = 1000  # events of one record: who reads a page reads whole records


class Recorder(Browsing):
    """Take articles in, and record what changes; what is decided is durable before anybody is told."""

    _store: Writing | Pipeline | None

    def __init__(
        self,
        config: Config | None = None,
        store: Writing | Pipeline | None = None,
        *,
        epochs: bool = True,
        replayed: Replayed | None = None,
    ) -> None:
        """Go on where the decisions in `store` end; without a store, all is forgotten with the object.

        `epochs=False` leaves the term weights as shipped; `replayed` is where the records of the store leave a state,
        where that is known. Raises Damaged and StorageFailed as the store does.
        """
        settings = config or Config()
        if replayed is not None and store is not None:
            state, feed, self._others = replayed
            state.archive.attach(store)
            feed.attach(store)
        else:
            state, feed = State(settings, Archive(store), epochs=epochs), Feed(store)
            self._others = no_others(state.archive) if store is None else replay(state, feed, store.replay())
        super().__init__(settings, store, state, feed)
        self._edits, self._actions = self._others.edits, self._others.actions
        goes_on = feed.last == 0 or feed.rule == self._policy.rule
        told_by = self._policy if goes_on else Policy(feed.rule, state.archive.chosen)
        self._capture = ChangeCapture(self._archive, state.stories, told_by)
        self._aside: ActionRecord | None = None  # by which the revision comes that is ingested next

    def ingest(
        self, articles: Sequence[Article], first_seen: int = 0, traces: ArticleTraces | None = None
    ) -> list[Verdict]:
        """Decide for each article, in order, which story it belongs to; durable when it returns.

        (With a store that writes in a thread of its own: later, see `when_durable`.) The same id with the same content
        gets the stored answer again (`replayed`); with other content it becomes a new revision, whose story is decided
        anew, unless it is older by its `version` or `updated`: then it changes nothing (`superseded`).
        `first_seen` is this moment, in milliseconds since 1970, and must not go back. Raises InvalidArticle
        before anything has changed, and StorageFailed, after which the object is of no further use.
        """
        contents = [content_of(article) for article in articles]
        state, traces = self._state, traces or self.trace(articles)
        batch = Ingestion(state, self._capture, self._policy, articles, contents, traces, first_seen)
        state.expire(first_seen)
        batch.facts += self._lift(first_seen)[0]
        again: list[tuple[int, int]] = []
        superseded: list[tuple[int, int]] = []
        fresh: list[int] = []
        coming: dict[str, tuple[int, bytes]] = {}  # id -> number and content of what is in this batch
        for k, (article, content) in enumerate(zip(articles, contents, strict=True)):
            current = coming.get(article.id) or self._current(article.id)
            if current is None:
                coming[article.id] = state.loaded + len(fresh), content
                fresh.append(k)
            elif current[1] == content:
                again.append((k, current[0]))
            else:
                batch.decide_new(fresh)
                fresh = []
                if self._archive.kept[current[0]].is_newer_than(article):
                    superseded.append((k, current[0]))
                    continue
                coming[article.id] = state.loaded, content
                batch.decide_revision(k, current[0])
        batch.decide_new(fresh)
        self._append(batch, first_seen)
        for k, number in again:
            batch.verdicts[k] = self._stored_answer(number)
        for k, number in superseded:
            batch.verdicts[k] = structs.replace(self._stored_answer(number), replayed=False, superseded=True)
        return [batch.verdicts[k] for k in range(len(articles))]

    def when_durable(self, told: Callable[[BaseException | None], None]) -> None:
        """Call `told` when all that was decided up to now is on disk, with None; with the failure if it cannot be.

        That is at once, or, with a store that writes in a thread of its own, later and there.
        """
        if isinstance(self._store, Pipeline):
            self._store.when_durable(told)
        else:
            told(None)

    def reach(self, now: int) -> int:
        """Let what was embargoed until `now` be shown from here on, durably; return how many articles that were.

        `now` is this moment, in milliseconds since 1970; `ingest`, `erase`, `prune` and edits do the same. Nothing is
        shown earlier than one of them was told. Raises StorageFailed, after which the object is of no further use.
        """
        facts, shown = self._lift(now)
        entries = self._events_of(facts, now, -1 if self._store is None else self._store.last)
        if self._store is not None and entries:
            self._store.append(entries)
        return shown

    def tell_url(self, url: str) -> None:
        """Tell standbys where this writer is. Raises StorageFailed."""
        if self._store is not None:
            self._store.tell_url(url)

    def close(self) -> None:
        """Close the store. Raises StorageFailed."""
        if self._store is not None:
            self._store.close()

    def _entries_of(self, action: ActionRecord | None, last: int) -> list[Entry]:
        """Take an action up; return what to append of it behind the record of this number."""
        if action is None:
            return []
        self._actions.add(action, last + 1)
        return [entry(action)]

    def _lift(self, now: int) -> tuple[list[Fact], int]:
        """Go by the policy that is set, if the feed went by another one, and show what was embargoed until now.

        -> what that means for readers, and of how many articles the newest revision is shown by it.
        """
        facts = [] if self._capture.policy is self._policy else self._capture.adopt(self._policy)
        lifted = self._archive.lift(now)
        self._capture.appear(lifted)
        facts += self._capture.take()
        shown = [number for number in lifted if self._archive.is_current(number)]
        facts += [recalled(self._state, number) for number in shown if self._archive.kept[number].status == "canceled"]
        return facts, len(shown)

    def _append(self, batch: Ingestion, moment: int) -> None:
        """Make what was decided durable, with its events."""
        aside, self._aside = self._aside, None
        if self._store is None:
            self._events_of(batch.facts, moment)
            self._entries_of(aside, -1)
            return
        if not batch.decided and not batch.facts:
            return
        entries = batch.entries(self._store.last, with_texts=self._config.service.keep_text)
        record = self._store.last + len(entries)
        if batch.begins_epoch:
            self._others.replaceable.append(record)
        entries += self._events_of(batch.facts, moment, record)
        noted = self._entries_of(aside, self._store.last + len(entries))
        self._store.append(entries + noted)
        self._archive.forget_stored()

    def _events_of(self, facts: Sequence[Fact], moment: int, record: int = -1) -> list[Entry]:
        """Make facts the next events; return what to append of them behind the record of this number."""
        entries = []
        if facts and self._feed.rule != self._policy.rule:
            self._feed.rule = self._policy.rule
            entries.append(entry(self._feed.rule))
        for k in range(0, len(facts), _MAX_TOLD):
            told = self._feed.next_batch(facts[k : k + _MAX_TOLD], moment)
            self._feed.keep(told, record + len(entries) + 1)
            entries.append(entry(told))
        return entries
