"""Ingestion: articles that come together, and what becomes of each, in order: verdict, record, events.

A new id is loaded and decided; a later revision takes the place of the one before, which leaves its story first.
Whoever decides calls this: the service for what is sent, a rebuild for what was kept.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import structs

from wirecopy.detection.evidence.model import Link
from wirecopy.detection.index.contents import BLOCK, Written
from wirecopy.detection.index.window import Window
from wirecopy.detection.kernels.layout import OTHER_IN_THIS, SHARED_WORDS, THIS_IN_OTHER
from wirecopy.detection.words.text import Traces
from wirecopy.detector.answers import views
from wirecopy.detector.answers.views import Placement
from wirecopy.detector.feed.changes import ChangeCapture
from wirecopy.detector.memory.archive import Archive, Kept
from wirecopy.detector.memory.canonical import Policy
from wirecopy.detector.memory.records import Decision, Fact, StoredMatch, entry
from wirecopy.detector.state import Decided, Left, State
from wirecopy.detector.tracing import ArticleTraces
from wirecopy.schema.answers import Verdict
from wirecopy.schema.article import Article
from wirecopy.storage import Entry

_UNWRITTEN = Written(0, b"", b"", b"")


class Ingestion:
    """Articles that come at one moment. `verdicts` are by their places among them, `facts` in order."""

    def __init__(
        self,
        state: State,
        capture: ChangeCapture,
        policy: Policy,
        articles: Sequence[Article],
        contents: Sequence[bytes],
        traces: ArticleTraces,
        moment: int,
    ) -> None:
        """`contents` are what `content_of` says of the articles."""
        self.verdicts: dict[int, Verdict] = {}
        self.decided: list[tuple[Decision, Article]] = []
        self.facts: list[Fact] = []
        self._state = state
        self._capture = capture
        self._policy = policy
        self._articles = articles
        self._contents = contents
        self._traces = traces
        self._moment = moment
        self._epoch = state.window.terms.epoch

    def decide_new(self, chosen: Sequence[int]) -> None:
        """Decide for some of them, whose ids are new."""
        state = self._state
        traces = self._traces if len(chosen) == len(self._articles) else self._traces.select(chosen)
        begin = 0
        while begin < len(chosen):
            state.begin_block()
            part = chosen[begin : begin + BLOCK - state.loaded % BLOCK]
            end = begin + len(part)
            articles, contents = [self._articles[k] for k in part], [self._contents[k] for k in part]
            state.load(articles, traces.part(begin, end), self._moment, contents)
            for k, decided in zip(part, state.decide(len(part)), strict=True):
                self._record(k, decided, None)
            begin = end

    def decide_revision(self, k: int, replaces: int, revision: int | None = None) -> None:
        """Decide for one of them, which replaces another revision; `revision` where it is not simply the next."""
        state, article, traces = self._state, self._articles[k], self._traces.part(k, k + 1)
        state.begin_block()
        traces = traces_for(state, article, traces, replaces)
        recall = self._recall(replaces) if article.status == "canceled" else []
        left = state.withdraw(replaces)
        kept = kept_of(state.archive, state.loaded, article, traces, self._moment, self._contents[k], replaces)
        kept.revision = revision or kept.revision
        state.load_revision(kept, traces)
        for decided in state.decide(1, own=left.story):
            self._record(k, decided, left, recall)

    def decide_remaining(self, k: int, first_seen: int, revision: int) -> None:
        """Decide for one of them whose earlier revisions are not there any more."""
        state, article, traces = self._state, self._articles[k], self._traces.part(k, k + 1)
        state.begin_block()
        kept = kept_of(state.archive, state.loaded, article, traces, self._moment, self._contents[k], None)
        kept.first_seen, kept.revision = first_seen, revision
        state.load_revision(kept, traces)
        for decided in state.decide(1):
            self._record(k, decided, None)

    def entries(self, last: int, *, with_texts: bool) -> list[Entry]:
        """Return what is to be stored of them behind the record numbered `last`; an epoch that began is the last of
        it.
        """
        entries = []
        for decision, article in self.decided:
            text = article.text.encode() if with_texts else None
            entries.append(entry(decision, article.id, text))
            self._state.archive.kept.note_record(decision.number, last + len(entries))
        if self.begins_epoch:
            entries.append(entry(self._state.epoch()))
        return entries

    @property
    def begins_epoch(self) -> bool:
        """Whether one of them was the last of its epoch of the term weights."""
        return self._state.window.terms.epoch != self._epoch

    def _recall(self, number: int) -> list[int]:
        """Return what is to be recalled with an article that is about to be canceled, as far as it is known now."""
        archive, stories = self._state.archive, self._state.stories
        members = (m for m in stories.members[stories.story_of[number]] if m != number)
        return list(dict.fromkeys([*members, *views.copies(archive, number), *archive.recalls.get(number, ())]))

    def _record(self, k: int, decided: Decided, left: Left | None, recall: list[int] | None = None) -> None:
        """Make the record, the verdict and the events of what was decided."""
        state, article, number = self._state, self._articles[k], decided.number
        archive, stories = state.archive, state.stories
        place = views.place(archive, stories, number, self._policy)
        kept = archive.kept[number]
        decision = describe(decided, left, place, kept, article, state.window, recall)
        archive.keep(decision)
        self.verdicts[k] = views.verdict(archive, decision, article.id)
        self.decided.append((decision, article))
        is_shown, first = number not in archive.hidden, []
        if left is not None and left.number not in archive.hidden:
            revised = Fact("revised", left.story, article.id, revision=kept.revision)
            first = [revised if is_shown else Fact("deleted", left.story, article.id)]
        self.facts += [_with_credits(fact, article.id, kept) for fact in self._capture.take(article.id, first)]
        if is_shown and kept.status == "canceled":
            self.facts.append(recalled(state, number))


def recalled(state: State, number: int) -> Fact:
    """Return what the feed says of an article that was canceled and is shown: what is to be recalled with it now."""
    archive, story = state.archive, state.stories.story_of[number]
    members = archive.shown(state.stories.members[story])
    ids = tuple(archive.kept[m].id for m in views.recall(archive, members))
    return Fact("recalled", story, archive.kept[number].id, articles=ids)


def _with_credits(fact: Fact, article_id: str, kept: Kept) -> Fact:
    """Return the fact that an article came, with whom it credits."""
    if not kept.credits or fact.article != article_id or fact.type not in ("created", "joined"):
        return fact
    return structs.replace(fact, credits=tuple(credit.name for credit in kept.credits))


def kept_of(
    archive: Archive, number: int, article: Article, traces: ArticleTraces, moment: int, content: bytes,
    replaces: int | None
) -> Kept:  # fmt: skip
    """Return what is to be remembered of one article, the first revision of its id or the one after `replaces`."""
    kept = Kept(
        id=article.id,
        published=article.published,
        source=article.source,
        words=len(traces.texts.words),
        came=number,
        first_seen=moment,
        arrived=moment,
        content=content,
        status=article.status,
        embargoed=article.embargoed,
        version=article.version,
        updated=article.updated,
        credits=archive.credits_of(article, traces.texts.words),
    )
    if replaces is not None:
        old = archive.kept[replaces]
        if article.status == "canceled":  # it is compared by what it cancels, whatever notice came
            kept.credits = old.credits
        if article.version is None and article.updated is None:  # what an editor or another sender changes says none
            kept.version, kept.updated = old.version, old.updated
        kept.came, kept.first_seen, kept.revision = old.came, old.first_seen, old.revision + 1
    return kept


def traces_for(state: State, article: Article, traces: ArticleTraces, replaces: int | None) -> ArticleTraces:
    """Return what an article is compared by: of a cancellation what it cancels, whatever notice came as its text."""
    if article.status != "canceled" or replaces is None:
        return traces
    window, decision = state.window, state.archive.decision(replaces)
    is_here = replaces >= window.oldest
    trace = decision.trace or (window.written(replaces).trace if is_here else b"")
    if not trace:
        return traces
    title_words = decision.title_words or (window.written(replaces).title_words if is_here else 0)
    words = np.frombuffer(trace, dtype=np.uint32)
    return ArticleTraces(Traces(words, np.array([0, len(words)])), np.array([title_words]))


def describe(
    decided: Decided,
    left: Left | None,
    place: Placement,
    kept: Kept,
    article: Article,
    window: Window | None = None,
    recall: list[int] | None = None,
) -> Decision:
    """Return one record of all that was decided and of what it changed; without a window, only of what a caller is
    told.
    """
    number, found, change = decided
    written = _UNWRITTEN if window is None else window.written(number)
    links = change.links[len(found.matches) :]
    moves = change.moves
    if left is not None:
        links, moves = left.change.links + links, left.change.moves + moves
    return Decision(
        number=number,
        revision=kept.revision,
        replaces=None if left is None else left.number,
        came=kept.came,
        first_seen=kept.first_seen,
        arrived=kept.arrived,
        content=kept.content,
        published=article.published,
        source=article.source,
        title=article.title,
        url=article.url,
        language=article.language,
        epoch=0 if window is None else window.terms.epoch,
        title_words=written.title_words,
        trace=written.trace,
        weights=written.weights,
        keys=written.keys,
        has_counted_passages=found.is_counted,
        candidates=found.candidates,
        truncated=found.truncated,
        matches=[stored_match(*match, results) for match, results in zip(found.matches, found.results, strict=True)],
        links=[(b, a, *link) for b, a, link in links],
        moves=moves,
        story=place.story,
        is_canonical=place.is_canonical,
        best=place.best,
        status=article.status,
        embargoed=article.embargoed,
        recall=recall or [],
        version=kept.version,
        updated=kept.updated,
        credits=kept.credits,
    )


def stored_match(number: int, link: Link, results: npt.NDArray[np.float32]) -> StoredMatch:
    """Return what is stored of a match that was found."""
    values = results.tolist()
    this, other = round(values[THIS_IN_OTHER], 4), round(values[OTHER_IN_THIS], 4)
    return StoredMatch(number, link.odds, link.relation, this, other, int(values[SHARED_WORDS]))
