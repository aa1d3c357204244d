"""What whoever browses asks: lists of stories and articles, who moved them by hand, pairs of any two texts.

Like `questions`, and made of the same parts; these answers are made for lists: short, and many at once.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from wirecopy import errors
from wirecopy.config import Keep
from wirecopy.detection.evidence.model import probability
from wirecopy.detector.answers import listing, views
from wirecopy.detector.answers.boilerplate import Parts
from wirecopy.detector.answers.explain import Pair, side
from wirecopy.detector.history.replay import Others
from wirecopy.detector.questions import MAX_SCANNED, STORY_ID, Questions
from wirecopy.schema.actions import Action
from wirecopy.schema.answers import Milliseconds, Pin
from wirecopy.schema.article import Article
from wirecopy.schema.listing import Document, StoryLine
from wirecopy.schema.log import LogPage, LogRow
from wirecopy.storage import Row

_MOST_REVISION_CHARACTERS = 4_000_000  # of a page of revisions
_ROWS_AT_ONCE = 100  # of the log: half a millisecond
_MOST_LOG_BYTES = 8_000_000  # of a page of it
_ACTION_ID = re.compile(r"e[0-9]{1,15}")


class Browsing(Questions):
    """Answer what is asked for lists and for pairs."""

    _others: Others

    def lines(self, story_ids: Sequence[str], recent: Mapping[str, int] = MappingProxyType({})) -> list[StoryLine]:
        """Return these stories as lines of a list, in this order; those that are not there are left out.

        `recent`: how many articles came lately, to be told of each.
        """
        archive, stories = self._archive, self._state.stories
        found = (listing.line(archive, stories, name, self._policy, recent.get(name, 0)) for name in story_ids)
        return [line for line in found if line is not None]

    def keep(self) -> Keep:
        """Return the policy that is set: by what it is decided who stands for a story."""
        return self._policy.rule.keep

    def least_score(self) -> float:
        """Return the score from which on two articles match; what only contains another is told of below it too."""
        return probability(self._config.detection.min_odds)

    def newest_stories(
        self, cursor: str | None = None, *, limit: int = 50, min_size: int = 1
    ) -> tuple[list[str], str | None]:
        """Return the ids of at most `limit` stories, newest first, and the cursor of the next page, None on the last.

        Raises UsageError for a cursor of no page.
        """
        if cursor is not None and not STORY_ID.fullmatch(cursor):
            raise errors.UsageError(f"no page has the cursor {cursor[:60]!r}")
        members, last = self._state.stories.members, None
        found: list[str] = []
        for scanned, name in enumerate(self._state.stories.newest(cursor)):
            if len(found) == limit or scanned == MAX_SCANNED:
                return found, last
            last = name
            if len(self._archive.shown(members[name])) >= min_size:
                found.append(name)
        return found, None

    def arrivals_in_parts(self, since: int) -> Parts[Counter[str]]:
        """Return how many articles of each story came since a moment, in milliseconds since 1970; as a generator."""
        return listing.arrivals(self._archive, self._state.stories, self._state.loaded, since)

    def documents(self, article_ids: Sequence[str], *, with_text: bool = False) -> list[Document]:
        """Return these articles as they are found and listed, in this order; what is gone or hidden is left out."""
        return listing.documents(self._archive, self._state.stories, article_ids, with_text=with_text)

    def sources_of(self, article_ids: Sequence[str]) -> list[str | None]:
        """Return the sources of those of these articles that are kept and shown."""
        archive = self._archive
        numbers = [archive.number_of.get(article_id) for article_id in article_ids]
        return [archive.kept.head(n).source for n in numbers if n is not None and n not in archive.hidden]

    def places_of(self, article_ids: Sequence[str]) -> dict[str, str]:
        """Return the story of each of these articles that is kept and shown."""
        archive, story_of = self._archive, self._state.stories.story_of
        numbers = {article_id: archive.number_of.get(article_id) for article_id in article_ids}
        return {name: story_of[n] for name, n in numbers.items() if n is not None and n not in archive.hidden}

    def members_of(self, story_id: str) -> list[str]:
        """Return the ids of the articles of a story that are shown; none of one that is not there."""
        numbers = self._archive.shown(self._state.stories.members.get(story_id, ()))
        return [self._archive.kept.head(number).id for number in numbers]

    def pair_of_revisions(self, article_id: str, one: int, other: int) -> Pair:
        """Return two revisions of an article, as `pair` does. Raises UnknownArticle, UnknownRevision, UsageError."""
        numbers = {self._archive.kept[number].revision: number for number in self._archive.revisions(article_id)}
        is_hidden = self._archive.number(article_id) in self._archive.hidden
        for revision in (one, other):
            if is_hidden or revision not in numbers or numbers[revision] in self._archive.hidden:
                raise errors.UnknownRevision(article_id, revision)
        if one == other:
            raise errors.UsageError(f"revision {one} of {article_id!r} is not compared with itself")
        settings = self._config.detection
        return Pair(
            self._side_of(numbers[one]), self._side_of(numbers[other]), settings, other > one, settings.min_odds
        )

    def pair_with(self, article: Article, other_id: str) -> Pair:
        """Return an article that is not kept and one that is, as `pair` does. Raises UnknownArticle, UsageError."""
        number, settings = self._archive.number(other_id), self._config.detection
        if number in self._archive.hidden:
            raise errors.UnknownArticle(other_id)
        return Pair(side(article, settings), self._side_of(number), settings, least=settings.min_odds)

    def gauges(self) -> dict[str, float]:
        """Return what there is to watch, by name."""
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

    def log_in_parts(self, after: int, limit: int, *, with_texts: bool = False) -> Parts[LogPage]:
        """Return the records that are on disk behind a number, at most `limit`, fewer where they are long; a generator.

        Raises UsageError where nothing is stored, Damaged.
        """
        if self._store is None:
            raise errors.UsageError("this service stores nothing: there is no log")
        rows: list[LogRow] = []
        size, before = 0, b""
        while True:
            most, at = min(_ROWS_AT_ONCE, limit - len(rows)), rows[-1].number if rows else after
            page = self._store.page_after(at, most, _MOST_LOG_BYTES - size, with_texts=with_texts)
            if rows and page.before != rows[-1].chain:
                break  # the end, or pruned meanwhile: the next page begins there
            before = before or page.before
            rows += [_log_row(row, text) for row, text in page.rows]
            size += sum(len(row.payload) + len(row.text or b"") for row in rows[-len(page.rows) :])
            if len(page.rows) < most or len(rows) == limit or size >= _MOST_LOG_BYTES:
                break
            yield
        about, reached = page.about, rows[-1].number if rows else after
        return LogPage(about.identity, about.format, about.scheme, before, rows, reached, page.last)

    def actions(self, cursor: str | None = None, limit: int = 50) -> tuple[list[Action[Milliseconds]], str | None]:
        """Return at most `limit` actions, the newest first, and the cursor of the next page. Raises UsageError."""
        before = None
        if cursor is not None:
            if not _ACTION_ID.fullmatch(cursor):
                raise errors.UsageError(f"no page has the cursor {cursor[:60]!r}")
            before = int(cursor[1:])
        edits, actions = self._others.edits, self._others.actions
        found = actions.page(before, limit + 1)
        told = [actions.told(action, edits) for action in found[:limit]]
        return told, told[-1].id if len(found) > limit else None

    def actions_of(self, story_id: str) -> list[Action[Milliseconds]]:
        """Return the actions that concern a story, the newest first."""
        return [self._others.actions.told(a, self._others.edits) for a in self._others.actions.of_story(story_id)]

    def pins(self) -> list[Pin]:
        """Return all pins, the oldest first, without hidden articles; those that say nothing without them are left
        out.
        """
        return self.pins_behind(0, 1 << 60)[0]

    def pins_behind(self, after: int, limit: int) -> tuple[list[Pin], int | None]:
        """Return the same behind the one of this number, of `limit` pins that are looked at; and where to go on."""
        by_id = self._state.stories.pins.by_id
        numbers = [number for number in sorted(by_id) if number > after]
        page = numbers[:limit]
        told = [views.pin(self._archive, by_id[number]) for number in page]
        shown = [p for p in told if (p.together and len(p.articles + p.others) > 1) or (p.articles and p.others)]
        return shown, page[-1] if len(numbers) > limit else None

    def revision_texts_in_parts(
        self, article_id: str, after: int, limit: int
    ) -> Parts[tuple[list[views.RevisionText], bool]]:
        """Return revisions behind the number `after`, at most `limit`, and whether there are more; with the one before
        them where it is kept, from which the first differs. Stop early where texts are long. Raise UnknownArticle.
        """
        kept, found, size = self._archive.kept, list[views.RevisionText](), 0
        numbers = self._archive.revisions(article_id)
        wanted = [number for number in numbers if kept[number].revision > after]
        before = numbers[: len(numbers) - len(wanted)][-1:]
        for count, number in enumerate(before + wanted[:limit]):
            if size > _MOST_REVISION_CHARACTERS:
                return found, True
            if number in kept:  # else it was erased between two parts
                found.append(views.revision_text(self._archive, number))
                size += len(found[-1].text or "") if count >= len(before) else 0
            yield
        return found, len(wanted) > limit


def _log_row(row: Row, text: bytes | None) -> LogRow:
    number, kind, article_id, payload, text_digest, chain = row
    named = article_id.decode() if isinstance(article_id, bytes) else article_id
    return LogRow(number, payload, chain, kind, named, text_digest, text)
