"""State: which story each article belongs to, and all that the next decision needs.

    load       traces are stored
    decide     weights, mask, keys -> candidates -> matches      one compiled pass over a batch, in order
               matches -> moves of articles between stories      per article that has matches
    restore    the same changes, from what was decided; nothing is computed anew

`dedupe` uses it as it is; the Detector adds ids that come again and a store. Nothing depends on how articles are cut
into batches: those that are too old leave at numbers and moments that the articles themselves determine.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from wirecopy.config import Config
from wirecopy.detection.evidence.model import Link
from wirecopy.detection.grouping.pins import NumberedPin, Pins
from wirecopy.detection.grouping.stories import Grouping, Move, Regrouping
from wirecopy.detection.index.contents import BLOCK, Restored, dates
from wirecopy.detection.index.window import Findings, Start, Window
from wirecopy.detection.words import rarity
from wirecopy.detection.words.text import Traces
from wirecopy.detector.memory import model_file
from wirecopy.detector.memory.archive import Archive, Kept
from wirecopy.detector.memory.records import (
    Checkpoint,
    Clearing,
    Decision,
    Epoch,
    compress,
    decompress,
)
from wirecopy.detector.tracing import ArticleTraces
from wirecopy.schema.article import Article

DAY = 86_400_000  # milliseconds
BATCH = 2048  # articles that `dedupe` decides at once
_STEPS = 336  # the index forgets in so many steps per window: hourly, when it is 14 days
_NEVER = -(1 << 62)


class Decided(NamedTuple):
    """What was found for one article, and what that changed; it has been applied already."""

    number: int
    found: Findings
    change: Regrouping


class Left(NamedTuple):
    """What an article that was withdrawn left behind: its number, its story, what became of the others."""

    number: int
    story: str
    change: Regrouping


class State:
    """The window of articles to compare with, the stories, and what is remembered of every article."""

    def __init__(
        self, config: Config, archive: Archive, *, epochs: bool = True, looks_ahead: bool = False,
        forgets: bool = True, room: int = 0
    ) -> None:  # fmt: skip
        """`epochs=False` leaves the term weights as they are. What `looks_ahead` counts words when they are loaded,
        not when they were decided, and begins one epoch itself when all are.

        `forgets=False` keeps every article in the window, however old, and however many there are; `room` is how many
        are to be restored. Raises ConfigError for a model file that is none.
        """
        settings, service = config.detection, config.service
        self.archive = archive
        self.window = Window(
            capacity=max(service.max_indexed_articles, room),
            grows=not forgets,
            window_milliseconds=None if settings.window_days is None else int(settings.window_days * DAY),
            min_words=settings.min_words,
            max_words=settings.max_words,
            max_key_articles=settings.max_key_articles,
            min_shared_rarity=settings.min_shared_rarity,
            max_candidates=settings.max_candidates,
            boilerplate_stories=settings.boilerplate_stories,
            min_odds=settings.min_odds,
            model=model_file.load(settings.model),
        )
        self.stories = Grouping(is_mixture=self.window.is_mixture)
        self._epochs, self._looks_ahead = epochs and not looks_ahead, looks_ahead
        self._forgets = forgets
        self._index_milliseconds = None if service.index_days is None else max(1, int(service.index_days * DAY))
        self._bereft: set[int] = set()  # articles outside the window whose best match was dropped
        self._summed = 0  # words of articles numbered below are in the last checkpoint, in sums
        self.moment = 0  # the latest that it was told of
        self._horizon = _NEVER  # articles that arrived before it have left the window

    @property
    def decided(self) -> int:
        """The number of the next article to be decided."""
        return self.window.decided

    @property
    def loaded(self) -> int:
        """The number of the next article to be loaded."""
        return self.window.loaded

    def load(
        self,
        articles: Sequence[Article],
        traces: ArticleTraces,
        moment: int = 0,
        contents: Sequence[bytes] | None = None,
    ) -> None:
        """Store new articles that `decide` is to take, in this order."""
        number = self.window.loaded
        self.window.load(*traces)
        if self._looks_ahead:
            self.window.terms.count(traces.texts)
        words, bounds = traces.texts.words, traces.texts.bounds.tolist()
        add = self.archive.add
        if contents is None:
            contents = [b""] * len(articles)
        for article, content, first, end in zip(articles, contents, bounds, bounds[1:], strict=False):
            kept = Kept(
                id=article.id,
                published=article.published,
                source=article.source,
                words=end - first,
                came=number,
                first_seen=moment,
                arrived=moment,
                content=content,
                status=article.status,
                embargoed=article.embargoed,
                version=article.version,
                updated=article.updated,
                credits=self.archive.credits_of(article, words[first:end]),
            )
            add(number, kept)
            number += 1

    def load_revision(self, kept: Kept, traces: ArticleTraces) -> None:
        """Store a later revision of an article that `decide` is to take, after the earlier one was withdrawn."""
        self.archive.add(self.window.loaded, kept)
        self.window.load(*traces)

    def decide(self, count: int, *, own: str | None = None, start: Start[Any] = lambda task: task) -> Iterator[Decided]:
        """Decide for the next `count` loaded articles; each has taken its place in a story when it is handed out.

        `own`: see `Stories.decide`; `start`: see `Window.match`. Must be run to its end.
        """
        window, stories, oldest = self.window, self.stories, self.window.oldest
        while count:
            room = rarity.next_epoch_start(window.terms.counted) - window.terms.counted if self._epochs else count
            batch = min(room, count)
            numbers = range(window.decided, window.decided + batch)
            heads = self.archive.kept.heads(numbers)
            founds = window.match(batch, [head.published for head in heads], [head.source for head in heads], start)
            for number, found in zip(numbers, founds, strict=True):
                change = stories.decide(number, found.matches, window.judge, oldest=oldest, own=own)
                if change.links:
                    stories.link(change.links)
                stories.apply(change.moves)
                yield Decided(number, found.linked(change.links), change)
            if self._epochs:
                window.learn(batch)
                if batch == room:
                    window.terms.begin_epoch(rarity.OWN)
            count -= batch

    def propose(self, number: int, found: Findings, own: str | None) -> Regrouping:
        """Return what `decide` would change for an article that the window was probed with; changes nothing."""
        window = self.window
        return self.stories.decide(number, found.matches, window.judge, oldest=window.oldest, own=own)

    def withdraw(self, number: int) -> Left:
        """Take an article out, for the revision that is loaded next to follow; return what it left behind."""
        own, change = self.stories.story_of[number], self.leave(number)
        self.stories.remove(number, heir=self.window.loaded)
        self.window.remove(number)
        self.stories.link(change.links)
        self.stories.apply(change.moves)
        return Left(number, own, change)

    @contextmanager
    def without(self, number: int | None) -> Iterator[str | None]:
        """Leave an article out of the stories while the block lasts, as if it had been withdrawn; yield its story."""
        if number is None:
            yield None
            return
        stories, own = self.stories, self.stories.story_of[number]
        counts, moves = (stories.merged, stories.largest), self.leave(number).moves
        before = [Move(m, stories.story_of[m]) for m, _ in moves]
        with stories.unwatched():
            stories.withdraw(number)
            stories.pins.rename(number, self.window.loaded)
            stories.apply(moves)
            try:
                yield own
            finally:
                stories.apply([*before, Move(number, own)])
                stories.pins.rename(self.window.loaded, number)
                stories.merged, stories.largest = counts

    def leave(self, number: int) -> Regrouping:
        """Return what is left to be done when an article leaves its story; changes nothing."""
        window = self.window
        return self.stories.leave(number, window.judge, oldest=window.oldest, after=window.loaded)

    def begin_block(self) -> None:
        """Make room before articles are loaded, where their number begins a block."""
        if self._forgets and self.window.loaded % BLOCK == 0:
            self.forget(self.window.overfull())

    def expire(self, now: int) -> int:
        """Take out of the window what arrived too long before `now`; return how many articles that were."""
        self.moment = max(self.moment, now)
        horizon = self.horizon(now)
        if horizon <= self._horizon:
            return 0
        self._horizon = horizon
        first = oldest = self.window.oldest
        kept, decided = self.archive.kept, self.window.decided
        while oldest < decided and (oldest not in kept or kept[oldest].arrived < horizon):
            oldest += 1
        self.forget(oldest)
        return oldest - first

    def horizon(self, now: int) -> int:
        """Return the moment before which articles have left the window at `now`."""
        if self._index_milliseconds is None or not self._forgets:
            return _NEVER
        step = max(1, self._index_milliseconds // _STEPS)
        return (now - self._index_milliseconds) // step * step

    def forget(self, oldest: int) -> None:
        """Take everything numbered below `oldest` out of the window; it keeps its story."""
        if oldest > self.window.oldest:
            self.stories.retire(range(self.window.oldest, oldest))
            self.window.forget(oldest)

    def older_than(self, moment: int, most: int) -> list[int]:
        """Return the numbers of articles outside the window that arrived before `moment`, oldest first."""
        numbers: list[int] = []
        for number, kept in self.archive.kept.items():
            if number >= self.window.oldest or kept.arrived >= moment or len(numbers) == most:
                break
            numbers.append(number)
        return numbers

    def drop(self, numbers: Sequence[int]) -> None:
        """Forget articles for good that are not in the window; the archive still knows them."""
        self._bereft.update(self.stories.forget_bests(numbers))
        self._bereft.difference_update(numbers)
        for number in numbers:
            self.stories.remove(number)

    def forget_counts(self, number: int, trace: bytes, counted: Sequence[str | None]) -> list[int]:
        """Take the words and passages of a decided article out of the counts, and the article out of the window.

        `trace` where it is at hand; `counted` is the source under which its passages were counted, if they were. Words
        that are in sums that were stored stay there. Return the counters of its passages that were full.
        """
        window = self.window
        words = np.frombuffer(trace or window.trace_of(number), dtype=np.uint32)
        if number >= self._summed:
            window.terms.uncount(words)
        full = [counter for source in counted for counter in window.full_passages(words, source)]
        window.erase(number)
        return full

    def clear_boilerplate(self, clearing: Clearing) -> int:
        """Let a source's passages be learnt anew; return how many articles they were counted in."""
        return self.window.clear(self.window.source_hash(clearing.source), clearing.first, clearing.end)

    def epoch(self) -> Epoch:
        """Return the current epoch, to be stored."""
        return Epoch(self.window.terms.epoch, compress(self.window.terms.rarity.tobytes()))

    def checkpoint(self, last_event: int, redirects: list[tuple[str, str]]) -> Checkpoint:
        """Return all that stays when the records up to now are pruned as far as they may be."""
        window = self.window
        tables = window.terms.counts, np.where(window.repeats == 255, np.uint8(255), np.uint8(0))
        counts, repeats = (compress(table.tobytes()) for table in tables)
        bereft = sorted(self._bereft)
        self._summed = window.decided
        pins = [(pin.id, pin.together, sorted(pin.left), sorted(pin.right)) for pin in self.stories.pins.by_id.values()]
        return Checkpoint(
            self.epoch(), window.decided, window.terms.counted, counts, repeats, bereft, last_event, redirects, pins
        )

    def restore_epoch(self, epoch: Epoch) -> None:
        """Take an epoch up as it was stored."""
        self.window.terms.restore(epoch.epoch, np.frombuffer(decompress(epoch.rarity), dtype=np.uint8))

    def restore_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Take up what pruned records had left behind; those before the checkpoint that are left were restored."""
        terms_of, window = self.window.terms, self.window
        self.restore_epoch(checkpoint.epoch)
        terms_of.counts[:] = np.frombuffer(decompress(checkpoint.counts), dtype=np.uint32)
        terms_of.counted = checkpoint.counted
        window.fill_passages(np.flatnonzero(np.frombuffer(decompress(checkpoint.repeats), dtype=np.uint8) == 255))
        window.skip_to(checkpoint.next)
        self._summed = checkpoint.next
        self._bereft = set(checkpoint.without_best)
        for number in self._bereft:
            self.stories.last_best.pop(number, None)
        self.stories.pins = Pins()
        for pin_id, together, left, right in checkpoint.pins:
            self.stories.pins.add(NumberedPin(pin_id, together, frozenset(left), frozenset(right)))

    def restore(self, decisions: Sequence[tuple[Decision, Kept]]) -> None:
        """Apply decisions with consecutive numbers of one block, of which only the first may be a later revision."""
        first = decisions[0][0]
        self.begin(first.number, first.arrived, first.replaces)
        self.window.restore(self._restored([decision for decision, _ in decisions]))
        known = self.stories.story_of
        for decision, kept in decisions:
            number = decision.number
            self.archive.add(number, kept)
            self.archive.keep(decision)
            if decision.matches or decision.links:
                links = [(number, f.number, Link(f.odds, f.relation)) for f in decision.matches if f.number in known]
                links += [
                    (b, a, Link(odds, relation))
                    for b, a, odds, relation in decision.links
                    if a in known and (b == number or b in known)
                ]
                self.stories.link(links)
            moves = decision.moves
            if len(moves) > 1:
                moves = [move for move in moves if move[0] == number or move[0] in known]
            self.stories.apply(moves)

    def begin(self, number: int, arrived: int, replaces: int | None) -> None:
        """Do what comes before something that was decided is applied."""
        self.window.skip_to(number)
        self.expire(arrived)
        self.begin_block()
        if replaces is not None:
            self.stories.remove(replaces, heir=number)
            if replaces in self.archive.kept:
                self.window.remove(replaces)

    def _restored(self, decisions: Sequence[Decision]) -> Restored:
        bounds = np.zeros(len(decisions) + 1, dtype=np.int64)
        np.cumsum([len(decision.weights) for decision in decisions], out=bounds[1:])
        hashes = [self.window.source_hash(d.source) if d.has_counted_passages else 0 for d in decisions]
        return Restored(
            np.array([decision.number for decision in decisions], dtype=np.int64),
            Traces(np.frombuffer(b"".join([decision.trace for decision in decisions]), dtype=np.uint32), bounds),
            np.array([decision.title_words for decision in decisions], dtype=np.int64),
            np.frombuffer(b"".join([decision.weights for decision in decisions]), dtype=np.uint8),
            np.frombuffer(b"".join([decision.keys for decision in decisions]), dtype=np.uint32),
            dates([decision.published for decision in decisions]),
            np.array(hashes, dtype=np.uint64),
            np.array([self.window.outlet(decision.source) for decision in decisions], dtype=np.uint64),
        )
