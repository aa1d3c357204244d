"""What may be asked of a detector; nothing here changes anything.

`check` says what would be decided for an article, all else what was: articles, revisions and matches, stories and why
they are one, sources, boilerplate, pins, events, gauges. `detector.Detector` is this and writes.
"""

import re
from collections.abc import Callable, Sequence

import numpy as np

from wirecopy import errors
from wirecopy.config import Config, Keep
from wirecopy.detection.index.window import Window
from wirecopy.detector.answers import boilerplate, views
from wirecopy.detector.answers.boilerplate import Parts
from wirecopy.detector.answers.explain import Pair, Side, explain
from wirecopy.detector.answers.sources import SourceCounts
from wirecopy.detector.feed.feed import Feed
from wirecopy.detector.ingestion import describe, kept_of, traces_for
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.canonical import Policy, rule_of
from wirecopy.detector.memory.records import content_of
from wirecopy.detector.state import Decided, State
from wirecopy.detector.tracing import ArticleTraces, trace
from wirecopy.schema.answers import (
    Boilerplate,
    Comparison,
    Match,
    Milliseconds,
    Reasons,
    Revision,
    Source,
    Stored,
    Story,
    Verdict,
)
from wirecopy.schema.article import Article
from wirecopy.schema.events import Event
from wirecopy.storage import Reading

MAX_SCANNED = 20_000  # stories that are looked at for one page
STORY_ID = re.compile(r"s[0-9]{1,15}(-[0-9]{1,9})?")


class Questions:
    """Answer what is asked of the state, the archive and the feed of a detector."""

    is_standby = False  # whether another process decides

    def __init__(self, config: Config, store: Reading | None, state: State, feed: Feed) -> None:
        """`state` and `feed` are where the records of `store` left them."""
        self._config = config
        self._store = store
        self._state = state
        self._archive: Archive = state.archive
        self._feed = feed
        self._policy = Policy(rule_of(config.stories), self._archive.chosen)
        self._source_counts = SourceCounts(self._archive, state.stories)

    def trace(self, articles: Sequence[Article]) -> ArticleTraces:
        """Return the traces of `articles`; pure, may run in another thread."""
        return trace(articles, self._config.detection.max_words)

    def check(self, article: Article) -> Verdict:
        """Return the verdict that the article would get now; nothing is stored or counted. Raises InvalidArticle."""
        current = self._current(article.id)
        if current is not None and current[1] == content_of(article):
            return self._stored_answer(current[0])
        state, number = self._state, self._state.window.loaded
        replaces = None if current is None else current[0]
        traces = traces_for(state, article, self.trace([article]), replaces)
        found = state.window.probe(*traces, article.published, article.source, replaces)
        with state.without(replaces) as own:
            change = state.propose(number, found, own)
            found = found.linked(change.links)
            kept = kept_of(self._archive, number, article, traces, state.moment, b"", replaces)
            place = views.proposed_place(self._archive, state.stories, number, kept, change, self._policy)
        decision = describe(Decided(number, found, change), None, place, kept, article)
        return views.verdict(self._archive, decision, article.id)

    def article(
        self, article_id: str, revision: int | None = None, *, keep: Keep | None = None
    ) -> Stored[Milliseconds]:
        """Return the article as it is now, with its text where texts are kept; an earlier revision as it was decided
        then.

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

    def revisions(self, article_id: str) -> list[Revision[Milliseconds]]:
        """Return the revisions of the article that are kept, in order, with what each changed. Raises
        UnknownArticle.
        """
        return views.with_changes([views.revision_text(self._archive, n) for n in self._archive.revisions(article_id)])

    def matches(self, article_id: str) -> tuple[Match, ...]:
        """Return all verified matches of the article, earlier and later ones, best first. Raises UnknownArticle."""
        return views.matches(self._archive, self._archive.number(article_id))

    def pair(self, a_id: str, b_id: str) -> Pair:
        """Return what `comparison.explain`, which any thread may run, needs to say why two articles match, or do not.

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
        return Pair(self._side_of(number), self._side_of(other), settings, other > number, settings.min_odds)

    def explain(self, a_id: str, b_id: str, texts: tuple[str, str] | None = None) -> Comparison:
        """Return why two articles match, or do not; `texts`, where none are kept, lead to what is in characters.

        Raises as `pair`, and InvalidArticle for a text whose words are not those of its article.
        """
        return explain(self.pair(a_id, b_id), texts)

    def why(self, story_id: str, *, keep: Keep | None = None) -> Reasons:
        """Return the link that holds each member to the story; of a merged one, to its heir. Raises UnknownStory."""
        return views.reasons(self._archive, self._state.stories, self._find_story(story_id), self._policy_of(keep))

    def sources(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[Source], str | None]:
        """Return at most `limit` sources by name, with what of them is copied from whom, and the cursor of the next
        page.

        `source`: only of that one. Articles without a source are not counted, nor is what is withheld or embargoed.
        """
        return boilerplate.finish(self.sources_in_parts(source=source, cursor=cursor, limit=limit))

    def sources_in_parts(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Parts[tuple[list[Source], str | None]]:
        """Return the same, as a generator that returns it at its end; between its parts anything else may be done."""
        return self._source_counts.page(source, cursor, limit)

    def story(self, story_id: str, *, keep: Keep | None = None) -> Story[Milliseconds]:
        """Return the story as it is now; for one that was merged, its heir, whose id is another. Raises UnknownStory.

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
    ) -> tuple[list[Story[Milliseconds]], str | None]:
        """Return at most `limit` stories, newest first, and the cursor of the next page, None on the last.

        `since`: of those first seen at that moment or later; `source`: with an article of that source; `keep` as in
        `story`. A page may hold
        fewer than `limit` stories, even none, and still have a next one. Raises UsageError for a cursor of no page.
        """
        if cursor is not None and not STORY_ID.fullmatch(cursor):
            raise errors.UsageError(f"no page has the cursor {cursor!r}")
        kept, members = self._archive.kept, self._state.stories.members
        found: list[Story[Milliseconds]] = []
        last: str | None = None
        for scanned, name in enumerate(self._state.stories.newest(cursor)):
            if len(found) == limit or scanned == MAX_SCANNED:
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

    def events(self, after: int = 0, limit: int = 1000) -> list[Event[Milliseconds]]:
        """Return at most `limit` events behind the number `after`, in order.

        Raises EventsGone when they are not kept any more, UsageError for a number that is not given out yet.
        """
        return self._feed.reader(after, limit)()

    def events_reader(self, after: int, limit: int) -> Callable[[], list[Event[Milliseconds]]]:
        """Return what `events` returns, to be called in any thread: it only reads what is on disk. Raises like
        `events`.
        """
        return self._feed.reader(after, limit)

    @property
    def last_event(self) -> int:
        """The number of the newest event, on disk or not; 0 before the first."""
        return self._feed.last

    def positions(self) -> dict[str, int]:
        """Return how far each follower of the feed got that has a name: the number of the last event that it took."""
        return dict(self._feed.positions)

    def boilerplate(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[Boilerplate], str | None]:
        """Return at most `limit` passages that sources repeat, and the cursor of the next page, None on the last.

        Source by source, of each the most frequent first; `source`: only of that one, "" of articles without a source.
        A page may hold fewer than `limit`, even none, and still have a next one. Raises UsageError for a cursor of no
        page.
        """
        return boilerplate.finish(self.boilerplate_in_parts(source=source, cursor=cursor, limit=limit))

    def boilerplate_in_parts(
        self, *, source: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Parts[tuple[list[Boilerplate], str | None]]:
        """Return the same, as a generator that returns it at its end; between its parts anything else may be done."""
        return boilerplate.passages(self._state.window, self._archive, source=source, cursor=cursor, limit=limit)

    def _side_of(self, number: int) -> Side:
        return _side(self._archive, self._state.window, number, is_stored=self._store is not None)

    def _policy_of(self, keep: Keep | None) -> Policy:
        """Return the policy that is set, or another one that is asked for."""
        return self._policy if keep is None else Policy(rule_of(self._config.stories, keep), self._archive.chosen)

    def _find_story(self, story_id: str) -> str:
        """Return the id of a story, or of the one that it was merged into. Raises UnknownStory."""
        found = self._feed.redirects.follow(story_id)
        if not self._archive.shown(self._state.stories.members.get(found, ())):
            raise errors.UnknownStory(story_id)
        return found

    def _current(self, article_id: str) -> tuple[int, bytes] | None:
        number = self._archive.number_of.get(article_id)
        return None if number is None else (number, self._archive.kept[number].content)

    def _stored_answer(self, number: int) -> Verdict:
        decision = self._archive.decision(number)
        return views.verdict(self._archive, decision, self._archive.kept[number].id, replayed=True)


def _side(archive: Archive, window: Window, number: int, *, is_stored: bool) -> Side:
    """Return one of two articles to be explained."""
    kept, decision = archive.kept[number], archive.decision(number)
    title_words, trace, weights = decision.title_words, decision.trace, decision.weights
    if not is_stored:
        if number < window.oldest:
            raise errors.UsageError(f"the trace of {kept.id!r} is not kept any more")
        title_words, trace, weights, _ = window.written(number)
    return Side(
        id=kept.id,
        words=np.frombuffer(trace, dtype=np.uint32),
        weights=np.frombuffer(weights, dtype=np.uint8),
        title_words=title_words,
        published=kept.published,
        title=decision.title,
        text=None if kept.status == "canceled" else archive.text(number),
        source=kept.source,
    )
