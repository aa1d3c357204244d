"""Detector: article -> story, durably; the flow of the service on one screen.

    sketch     text -> trace                                       pure, may run in worker threads
    ingest     same id and content: the stored answer again
               else: State.decide, one record of what was decided, one of the events, one append for all;
               then the caller is told

Plain synchronous Python that one thread owns; a store may write in another (`storage.Pipeline`). The state is the
replay of what was decided.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from wirecopy import errors
from wirecopy.config import Config, Keep
from wirecopy.detection.grouping.pins import Pin as NumberedPin
from wirecopy.detector import edits
from wirecopy.detector.answers import boilerplate, views
from wirecopy.detector.answers.boilerplate import Parts
from wirecopy.detector.answers.explain import Pair, Side, explain
from wirecopy.detector.answers.sources import Tally
from wirecopy.detector.feed.changes import Witness
from wirecopy.detector.feed.events import Fact
from wirecopy.detector.feed.events import encode as encode_events
from wirecopy.detector.feed.feed import Feed
from wirecopy.detector.history.replay import replay
from wirecopy.detector.ingestion import Arrivals, kept_of, recalled, sketches_of
from wirecopy.detector.memory import model_file
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.canonical import Policy, rule_of
from wirecopy.detector.memory.records import Clearing, Edit, Kind, Positions, content_of, encode, residue_of, scheme
from wirecopy.detector.records import describe
from wirecopy.detector.sketching import Sketches, sketch
from wirecopy.detector.state import DAY, Decided, State
from wirecopy.schema.answers import (
    Boilerplate,
    Comparison,
    Match,
    Pin,
    Reasons,
    Revision,
    Source,
    Stored,
    Story,
    Verdict,
)
from wirecopy.schema.article import Article
from wirecopy.schema.events import Event
from wirecopy.storage import Compacted, Entry, Pipeline, Remains, Store

__all__ = ["SCHEME", "Detector", "Sketches", "scheme_of"]

SCHEME = scheme(model_file.load(None))
_MAX_SCANNED = 20_000  # stories that are looked at for one page
_MAX_TOLD = 1000  # events of one record: who reads a page reads whole records
_MAX_PRUNED = 20_000  # articles that are pruned at once
_STORY_ID = re.compile(r"s[0-9]{1,15}(-[0-9]{1,9})?")


def scheme_of(config: Config) -> str:
    """-> the scheme that a store of this configuration has. Raises ConfigError for a model file that is none."""
    return scheme(model_file.load(config.detection.model))


class Detector:
    """Tells for every article that it is given which story it belongs to."""

    def __init__(
        self, config: Config | None = None, store: Store | Pipeline | None = None, *, epochs: bool = True
    ) -> None:
        """Goes on where the decisions in `store` end; without a store, all is forgotten with the object.

        `epochs=False` leaves the term weights as shipped. Raises Damaged and StorageFailed as the store does.
        """
        self._config = config or Config()
        self._store = store
        self._archive = Archive(store)
        self._state = State(self._config, self._archive, epochs=epochs)
        self._replaceable: list[int] = []  # records of epochs and checkpoints, which the next checkpoint replaces
        self._clearings: list[tuple[int, int]] = []  # see `replay.Others`
        self._numbered: dict[int, int] = {}  # see there too
        self._feed = Feed(store)
        if store is not None:
            self._replaceable, self._clearings, self._numbered = replay(self._state, self._feed, store.replay())
        self._tally = Tally(self._archive, self._state.stories)
        self._policy = Policy(rule_of(self._config.stories))
        goes_on = self._feed.last == 0 or self._feed.rule == self._policy.rule
        told_by = self._policy if goes_on else Policy(self._feed.rule)
        self._witness = Witness(self._archive, self._state.stories, told_by)

    def sketch(self, articles: Sequence[Article]) -> Sketches:
        """-> the traces of `articles`; pure, may run in another thread."""
        return sketch(articles, self._config.detection.max_words)

    def ingest(
        self, articles: Sequence[Article], first_seen: int = 0, sketches: Sketches | None = None
    ) -> list[Verdict]:
        """Decides for each article, in order, which story it belongs to; durable when it returns.

        (With a store that writes in a thread of its own: later, see `when_durable`.) The same id with the same content
        gets the stored answer again (`replayed`); with other content it becomes a new revision, whose story is decided
        anew. `first_seen` is this moment, in milliseconds since 1970, and must not go back. Raises InvalidArticle
        before anything has changed, and StorageFailed, after which the object is of no further use.
        """
        contents = [content_of(article) for article in articles]
        state, sketches = self._state, sketches or self.sketch(articles)
        batch = Arrivals(state, self._witness, self._policy, articles, contents, sketches, first_seen)
        state.expire(first_seen)
        batch.facts += self._lift(first_seen)[0]
        again: list[tuple[int, int]] = []
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
                coming[article.id] = state.loaded, content
                batch.decide_revision(k, current[0])
        batch.decide_new(fresh)
        self._append(batch, first_seen)
        for k, number in again:
            batch.verdicts[k] = self._stored_answer(number)
        return [batch.verdicts[k] for k in range(len(articles))]

    def erase(self, article_id: str, now: int = 0) -> None:
        """Erases an article with all its revisions, durably: text, trace, keys, matches, passages; its id is new again.

        The story that it was in is decided anew. What is left is one record with its id and `now`, this moment, in
        milliseconds since 1970; of the sums over many articles that were stored before, nothing is taken back. Until
        `compact` the files may still hold bytes of it. Raises UnknownArticle, and StorageFailed, after which the object
        is of no further use.
        """
        archive, state = self._archive, self._state
        numbers = archive.revisions(article_id)
        state.expire(now)
        facts = self._lift(now)[0]
        state.begin_block()
        decisions = [archive.decision(number) for number in numbers]
        deleted = [Fact("deleted", state.stories.story_of[numbers[-1]], article_id)]
        erasure = state.erase(decisions, now)
        facts += self._witness.take(first=deleted if numbers[-1] not in archive.hidden else [])
        records = [archive.kept[number].record for number in numbers]
        for number in numbers:
            archive.drop(number)
        if self._store is None:
            self._tell(facts, now)
            return
        entries = [Entry(Kind.ERASURE, article_id, encode(erasure), None)]
        entries += self._tell(facts, now, self._store.last + 1)
        residues = [Remains(Kind.RESIDUE, encode(residue_of(decision))) for decision in decisions]
        self._numbered |= dict(zip(numbers, records, strict=True)) | {erasure.number: self._store.last + 1}
        self._store.append(entries, redact=dict(zip(records, residues, strict=True)))

    def merge(self, story_id: str, other_id: str, now: int = 0) -> Story:
        """Makes two stories one, durably: the older id stays, the other leads to it. All members are pinned together.

        -> the story; two that are one already are left as they are. `now` is this moment, in milliseconds since 1970.
        Raises UnknownStory, Pinned where members are pinned apart, and StorageFailed, after which the object is of no
        further use.
        """
        self.reach(now)
        one, other = self._find_story(story_id), self._find_story(other_id)
        if one != other:
            self._end_edit(edits.merge(self._state, now, one, other), f"to merge {one} and {other}")
        return self.story(one)

    def split(self, story_id: str, article_ids: Sequence[str], now: int = 0) -> tuple[Story, Story]:
        """Parts some of a story's articles from the others, durably; the two parts are pinned apart.

        -> the part that keeps the id, and the smaller one, which has a new id. Raises UnknownStory, UsageError when
        the articles are none or all of the story's or not in it, Pinned where articles of both parts are pinned
        together, and StorageFailed as `merge` does.
        """
        self.reach(now)
        name = self._find_story(story_id)
        numbers = {self._archive.number(article_id) for article_id in article_ids}
        members = self._archive.shown(self._state.stories.members[name])
        for number in numbers:
            if number not in members:
                raise errors.UsageError(f"the article {self._archive.kept[number].id!r} is not in the story {name}")
        if not 0 < len(numbers) < len(members):
            raise errors.UsageError(f"to split {name}, name some of its {len(members)} articles, and not all of them")
        edit = self._end_edit(edits.split(self._state, now, name, numbers), f"to split {name}")
        return self.story(name), self.story(f"s{edit.number}")

    def pin(self, article_ids: Sequence[str], *, together: bool, now: int = 0) -> Pin:
        """Says that articles belong together, or that two never do, whatever the evidence; durably.

        Their stories are decided anew. Later revisions of the articles keep the pin; it goes when they are erased or
        pruned. Raises UnknownArticle, UsageError for a wrong number of articles, Pinned where it contradicts others,
        and StorageFailed as `merge` does.
        """
        self.reach(now)
        numbers = list(dict.fromkeys(self._archive.number(article_id) for article_id in article_ids))
        if len(numbers) < 2 or (len(numbers) > 2 and not together):
            raise errors.UsageError(
                "to pin together, name two articles or more" if together else "to pin apart, name two articles"
            )
        left, right = (numbers, []) if together else (numbers[:1], numbers[1:])
        edit = self._end_edit(edits.pin(self._state, now, together, left, right), "this pin")
        return self._pin(self._state.stories.pins.by_id[edit.number], lambda numbers: numbers)

    def unpin(self, pin_id: str, now: int = 0) -> None:
        """Takes a pin away, durably; the stories that it concerned are decided anew.

        Raises UnknownPin, and StorageFailed as `merge` does.
        """
        self.reach(now)
        digits = pin_id[1:]
        known = self._state.stories.pins.by_id
        number = int(digits) if pin_id[:1] == "p" and digits.isascii() and digits.isdigit() and len(digits) < 18 else -1
        if number not in known or pin_id != f"p{number}":
            raise errors.UnknownPin(pin_id)
        self._end_edit(edits.unpin(self._state, now, number), "this")

    def pins(self) -> list[Pin]:
        """-> all pins, the oldest first, without hidden articles; those that say nothing without them are left out."""
        by_id = self._state.stories.pins.by_id
        told = [self._pin(by_id[number], self._archive.shown) for number in sorted(by_id)]
        return [p for p in told if (p.together and len(p.articles + p.others) > 1) or (p.articles and p.others)]

    def compact(self) -> Compacted:
        """Leaves no byte of what was erased or pruned in the files; -> the database's bytes before and after.

        Takes as long as copying the database. Raises what `Store.compact` raises.
        """
        return Compacted(0, 0) if self._store is None else self._store.compact()

    def when_durable(self, told: Callable[[BaseException | None], None]) -> None:
        """Calls `told` when all that was decided up to now is on disk, with None; with the failure if it cannot be.

        That is at once, or, with a store that writes in a thread of its own, later and there.
        """
        if isinstance(self._store, Pipeline):
            self._store.when_durable(told)
        else:
            told(None)

    def check(self, article: Article) -> Verdict:
        """-> the verdict that the article would get now; nothing is stored or counted. Raises InvalidArticle."""
        current = self._current(article.id)
        if current is not None and current[1] == content_of(article):
            return self._stored_answer(current[0])
        state, number = self._state, self._state.window.loaded
        replaces = None if current is None else current[0]
        sketches = sketches_of(state, article, self.sketch([article]), replaces)
        found = state.window.probe(*sketches, article.published, article.source, replaces)
        with state.without(replaces) as own:
            change = state.propose(number, found, own)
            kept = kept_of(self._archive, number, article, sketches, state.moment, b"", replaces)
            place = views.proposed_place(self._archive, state.stories, number, kept, change, self._policy)
        decision = describe(Decided(number, found, change), None, place, kept, article)
        return views.verdict(self._archive, decision, article.id)

    def article(self, article_id: str, revision: int | None = None, *, keep: Keep | None = None) -> Stored:
        """-> the article as it is now, with its text where texts are kept; an earlier revision as it was decided then.

        `keep`: whether it stands for its story now is told by this policy and not the one that is set. Raises
        UnknownArticle, UnknownRevision.
        """
        if revision is not None:
            for number in self._archive.revisions(article_id)[:-1]:
                if self._archive.kept[number].revision == revision:
                    return views.stored_then(self._archive, number)
            if self._archive.kept[self._archive.number(article_id)].revision != revision:
                raise errors.UnknownRevision(article_id, revision)
        number = self._archive.number(article_id)
        return views.stored(self._archive, self._state.stories, number, self._policy_of(keep))

    def revisions(self, article_id: str) -> list[Revision]:
        """-> the revisions of the article that are kept, in order, with what each changed. Raises UnknownArticle."""
        return views.revisions(self._archive, self._archive.revisions(article_id))

    def matches(self, article_id: str) -> tuple[Match, ...]:
        """-> all verified matches of the article, earlier and later ones, best first. Raises UnknownArticle."""
        return views.matches(self._archive, self._archive.number(article_id))

    def pair(self, a_id: str, b_id: str) -> Pair:
        """-> what `comparison.explain`, which any thread may run, needs to say why two articles match, or do not.

        Raises UnknownArticle; UsageError for an article and itself, or for one of which no trace is left (without a
        store, when it is not compared with any more).
        """
        number, other = self._archive.number(a_id), self._archive.number(b_id)
        if number == other:
            raise errors.UsageError(f"{a_id!r} is not compared with itself")
        for hidden, article_id in ((number, a_id), (other, b_id)):
            if hidden in self._archive.hidden:  # the passages that it shares would tell its text
                raise errors.UnknownArticle(article_id)
        settings = self._config.detection
        return Pair(self._side(number), self._side(other), settings, other > number, settings.min_odds)

    def explain(self, a_id: str, b_id: str, texts: tuple[str, str] | None = None) -> Comparison:
        """Why two articles match, or do not; `texts`, where none are kept, lead to what is in characters.

        Raises as `pair`, and InvalidArticle for a text whose words are not those of its article.
        """
        return explain(self.pair(a_id, b_id), texts)

    def why(self, story_id: str, *, keep: Keep | None = None) -> Reasons:
        """-> the link that holds each member to the story; of a merged one, to its heir. Raises UnknownStory."""
        return views.reasons(self._archive, self._state.stories, self._find_story(story_id), self._policy_of(keep))

    def sources(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[Source], str | None]:
        """-> at most `limit` sources by name, with what of them is copied from whom, and the cursor of the next page.

        `source`: only of that one. Articles without a source are not counted, nor is what is withheld or embargoed.
        """
        return boilerplate.finish(self.sources_in_parts(source=source, cursor=cursor, limit=limit))

    def sources_in_parts(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Parts[tuple[list[Source], str | None]]:
        """The same, as a generator that returns it at its end; between its parts anything else may be done."""
        return self._tally.page(source, cursor, limit)

    def story(self, story_id: str, *, keep: Keep | None = None) -> Story:
        """-> the story as it is now; for one that was merged, its heir, whose id is another. Raises UnknownStory.

        `keep`: who stands for it is told by this policy and not the one that is set, which the feed follows.
        """
        return views.story(self._archive, self._state.stories, self._find_story(story_id), self._policy_of(keep))

    def stories(
        self,
        *,
        since: int | None = None,
        source: str | None = None,
        min_size: int = 1,
        cursor: str | None = None,
        limit: int = 50,
        keep: Keep | None = None,
    ) -> tuple[list[Story], str | None]:
        """-> at most `limit` stories, newest first, and the cursor of the next page, None on the last.

        `since`: of those first seen at that moment or later; `source`: with an article of that source; `keep` as in
        `story`. A page may hold
        fewer than `limit` stories, even none, and still have a next one. Raises UsageError for a cursor of no page.
        """
        if cursor is not None and not _STORY_ID.fullmatch(cursor):
            raise errors.UsageError(f"no page has the cursor {cursor!r}")
        kept, members = self._archive.kept, self._state.stories.members
        found: list[Story] = []
        last: str | None = None
        for scanned, name in enumerate(self._state.stories.newest(cursor)):
            if len(found) == limit or scanned == _MAX_SCANNED:
                return found, last
            last, numbers = name, self._archive.shown(members[name])
            is_wanted = (
                numbers
                and len(numbers) >= min_size
                and (since is None or min(kept[number].first_seen for number in numbers) >= since)
            )
            if is_wanted and (source is None or any(kept[number].source == source for number in numbers)):
                found.append(self.story(name, keep=keep))
        return found, None

    def events(self, after: int = 0, limit: int = 1000) -> list[Event]:
        """-> at most `limit` events behind the number `after`, in order.

        Raises EventsGone when they are not kept any more, UsageError for a number that is not given out yet.
        """
        return self._feed.reader(after, limit)()

    def events_reader(self, after: int, limit: int) -> Callable[[], list[Event]]:
        """-> what `events` returns, to be called in any thread: it only reads what is on disk. Raises like `events`."""
        return self._feed.reader(after, limit)

    @property
    def last_event(self) -> int:
        """The number of the newest event, on disk or not; 0 before the first."""
        return self._feed.last

    def positions(self) -> dict[str, int]:
        """-> how far each follower of the feed got that has a name: the number of the last event that it took."""
        return dict(self._feed.positions)

    def place(self, positions: Mapping[str, int]) -> None:
        """Remembers, durably, how far followers of the feed got; those that are not named stay where they were.

        Raises StorageFailed, after which the object is of no further use.
        """
        reached = self._feed.positions | dict(positions)
        if self._store is None:
            self._feed.place(reached, 0)
            return
        replaced = self._feed.place(reached, self._store.last + 1)
        self._store.append([Entry(Kind.POSITIONS, None, encode(Positions(reached)), None)], prune=replaced)

    def boilerplate(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[Boilerplate], str | None]:
        """-> at most `limit` passages that sources repeat, and the cursor of the next page, None on the last.

        Source by source, of each the most frequent first; `source`: only of that one, "" of articles without a source.
        A page may hold fewer than `limit`, even none, and still have a next one. Raises UsageError for a cursor of no
        page.
        """
        return boilerplate.finish(self.boilerplate_in_parts(source=source, cursor=cursor, limit=limit))

    def boilerplate_in_parts(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Parts[tuple[list[Boilerplate], str | None]]:
        """The same, as a generator that returns it at its end; between its parts anything else may be done."""
        return boilerplate.passages(self._state.window, self._archive, source=source, cursor=cursor, limit=limit)

    def clear_boilerplate(self, source: str | None, now: int = 0) -> int:
        """Forgets what was learnt to be boilerplate of a source, durably; -> in how many articles it was counted.

        From now on it is learnt anew, from articles that come; None and "" stand for articles without a source. What
        was decided stays as it is. `now` is this moment, in milliseconds since 1970. Raises StorageFailed, after which
        the object is of no further use.
        """
        return boilerplate.finish(self.clear_boilerplate_in_parts(source, now))

    def clear_boilerplate_in_parts(self, source: str | None, now: int = 0) -> Parts[int]:
        """The same, as a generator; each part is durable when it pauses, all of it at its end."""
        window, cleared = self._state.window, 0
        for part in boilerplate.in_parts(window, window.counted(window.source_hash(source))):
            clearing = Clearing(source or None, int(part[0]), int(part[-1]) + 1, now)
            cleared += self._state.clear_boilerplate(clearing)
            if self._store is not None:
                record = self._store.append([Entry(Kind.CLEARING, None, encode(clearing), None)])
                self._clearings.append((record, clearing.end))
            yield
        return cleared

    def reach(self, now: int) -> int:
        """Lets what was embargoed until `now` be shown from here on, durably; -> how many articles that were.

        `now` is this moment, in milliseconds since 1970; `ingest`, `erase`, `prune` and edits do the same. Nothing is
        shown earlier than one of them was told. Raises StorageFailed, after which the object is of no further use.
        """
        facts, shown = self._lift(now)
        entries = self._tell(facts, now, -1 if self._store is None else self._store.last)
        if self._store is not None and entries:
            self._store.append(entries)
        return shown

    def expire(self, now: int) -> int:
        """Takes out of the index what arrived too long before `now`; -> how many articles that were.

        They stay readable and keep their stories, but nothing new joins them.
        """
        return self._state.expire(now)

    def prune(self, now: int) -> int:
        """Forgets articles for good whose retention ends before the day of `now`; -> how many, at most 20,000 at once.

        Raises StorageFailed.
        """
        self._state.expire(now)
        self.reach(now)
        retention = self._config.service.retention_days
        if retention is None:
            return 0
        horizon = (now - int(retention * DAY)) // DAY * DAY
        numbers = self._state.older_than(horizon, _MAX_PRUNED)
        if numbers:
            records = [self._archive.kept[number].record for number in numbers]
            self._state.drop(numbers)
            facts = self._witness.take()
            for number in numbers:
                self._archive.drop(number)
            oldest = next(iter(self._archive.kept.values()), None)
            records += self._feed.forget(horizon if oldest is None else oldest.arrived)
            entries = self._tell(facts, now, -1 if self._store is None else self._store.last)
            if self._store is not None:
                first = min(next(iter(self._archive.kept), self._state.loaded), self._state.window.oldest)
                useless = [number for number in self._numbered if number < first]
                records += [self._numbered.pop(number) for number in useless]
                redirects = self._feed.redirects.tidy(self._state.stories.members)
                checkpoint = self._state.checkpoint(self._feed.last, redirects)
                entries.append(Entry(Kind.CHECKPOINT, None, encode(checkpoint), None))
                over = [record for record, end in self._clearings if end <= self._state.window.oldest]
                self._clearings = [clearing for clearing in self._clearings if clearing[0] not in over]
                self._replaceable = [self._store.append(entries, prune=[*records, *self._replaceable, *over])]
        return len(numbers)

    def gauges(self) -> dict[str, float]:
        """-> what there is to watch, by name."""
        window, stories = self._state.window, self._state.stories
        return {
            "indexed_articles": len(window),
            "indexed_words": window.words,
            "index_capacity": self._config.service.max_indexed_articles,
            "kept_articles": len(self._archive.number_of),
            "stories": len(stories.members),
            "merged_stories": stories.merged,
            "largest_story": stories.largest,
            "linked_articles": len(stories.links),
            "epoch": window.terms.epoch,
            "events": self._feed.last,
            "records": 0 if self._store is None else self._store.last,
        }

    def close(self) -> None:
        """Closes the store. Raises StorageFailed."""
        if self._store is not None:
            self._store.close()

    def _policy_of(self, keep: Keep | None) -> Policy:
        """The policy that is set, or another one that is asked for."""
        return self._policy if keep is None else Policy(rule_of(self._config.stories, keep))

    def _find_story(self, story_id: str) -> str:
        """The id of a story, or of the one that it was merged into. Raises UnknownStory."""
        found = self._feed.redirects.follow(story_id)
        if not self._archive.shown(self._state.stories.members.get(found, ())):
            raise errors.UnknownStory(story_id)
        return found

    def _pin(self, pin: NumberedPin, told: Callable[[Sequence[int]], Sequence[int]]) -> Pin:
        kept = self._archive.kept
        left, right = (tuple(kept[m].id for m in told(sorted(side))) for side in (pin.left, pin.right))
        return Pin(f"p{pin.id}", pin.together, left, right)

    def _end_edit(self, edit: Edit | edits.Contradiction, wish: str) -> Edit:
        """Makes an edit durable, with its events. Raises Pinned for one that was refused."""
        if isinstance(edit, edits.Contradiction):
            raise errors.Pinned(f"p{edit.pin}", wish)
        last = -1 if self._store is None else self._store.last + 1
        told = self._tell(self._witness.take(), edit.moment, last)
        if self._store is not None:
            self._numbered[edit.number] = last
            self._store.append([Entry(Kind.EDIT, None, encode(edit), None), *told])
        return edit

    def _side(self, number: int) -> Side:
        """One of two articles to be explained."""
        kept, decision, window = self._archive.kept[number], self._archive.decision(number), self._state.window
        title_words, trace, weights = decision.title_words, decision.trace, decision.weights
        if self._store is None:
            if number < window.oldest:
                raise errors.UsageError(f"the trace of {kept.id!r} is not kept any more")
            title_words, trace, weights, _ = window.written(number)
        return Side(
            kept.id, np.frombuffer(trace, dtype=np.uint32), np.frombuffer(weights, dtype=np.uint8), title_words,
            kept.published, decision.title, None if kept.status == "canceled" else self._archive.text(number)
        )  # fmt: skip

    def _current(self, article_id: str) -> tuple[int, bytes] | None:
        number = self._archive.number_of.get(article_id)
        return None if number is None else (number, self._archive.kept[number].content)

    def _stored_answer(self, number: int) -> Verdict:
        decision = self._archive.decision(number)
        return views.verdict(self._archive, decision, self._archive.kept[number].id, replayed=True)

    def _lift(self, now: int) -> tuple[list[Fact], int]:
        """Goes by the policy that is set, if the feed went by another one, and shows what was embargoed until now.

        -> what that means for readers, and of how many articles the newest revision is shown by it.
        """
        stories = self._state.stories
        facts = [] if self._witness.policy is self._policy else self._witness.adopt(self._policy)
        lifted = self._archive.lift(now)
        for number in lifted:
            if number in stories.story_of and stories.origins is not None:
                stories.origins.setdefault(number, None)
        if stories.origins:
            facts += self._witness.take()
        shown = [number for number in lifted if self._archive.is_current(number)]
        facts += [recalled(self._state, number) for number in shown if self._archive.kept[number].status == "canceled"]
        return facts, len(shown)

    def _append(self, batch: Arrivals, moment: int) -> None:
        """Makes what was decided durable, with its events."""
        if self._store is None:
            self._tell(batch.facts, moment)
            return
        if not batch.decided and not batch.facts:
            return
        entries = batch.entries(self._store.last, with_texts=self._config.service.keep_text)
        record = self._store.last + len(entries)
        if batch.begins_epoch:
            self._replaceable.append(record)
        self._store.append(entries + self._tell(batch.facts, moment, record))
        self._archive.settle()

    def _tell(self, facts: Sequence[Fact], moment: int, record: int = -1) -> list[Entry]:
        """Makes facts the next events; -> what to append of them behind the record of this number."""
        entries = []
        if facts and self._feed.rule != self._policy.rule:
            self._feed.rule = self._policy.rule
            entries.append(Entry(Kind.RULE, None, encode(self._feed.rule), None))
        for k in range(0, len(facts), _MAX_TOLD):
            told = self._feed.tell(facts[k : k + _MAX_TOLD], moment)
            self._feed.keep(told, record + len(entries) + 1)
            entries.append(Entry(Kind.EVENTS, None, encode_events(told), None))
        return entries
