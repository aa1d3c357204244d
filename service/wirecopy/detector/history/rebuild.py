"""Rebuilding: a new database from the kept texts of an old one, whatever scheme that has.

All articles that are kept are decided anew, in the order in which they came and each at its own moment, under the
settings of today. What does not depend on decisions stays as it was: revisions and their numbers, first_seen, statuses,
embargoes, pins, the events that were told, how far followers got. Whoever merged or split stories by hand finds that
done again.

**Numbers stay.** Every article keeps the number under which it came; numbers of what is gone (pruned, erased, left out)
are given to nobody. So a story that the same article founds has the id that it had, and no id ever means another story.

**The feed goes on.** The stories before and after are compared; what differs becomes events behind the last one. Who
reads the feed in order comes to know the new stories and notices nothing else.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import NamedTuple

from wirecopy import errors, storage
from wirecopy.config import Config
from wirecopy.detection.grouping.pins import NumberedPin
from wirecopy.detector import edits, erasure, tracing
from wirecopy.detector.feed.changes import ChangeCapture, differences, look
from wirecopy.detector.feed.events import batch_of
from wirecopy.detector.history.outline import Omitted, Outline
from wirecopy.detector.ingestion import Ingestion
from wirecopy.detector.memory import model_file
from wirecopy.detector.memory.actions import Actions
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.canonical import Policy, rule_of
from wirecopy.detector.memory.records import (
    ActionRecord,
    Clearing,
    Decision,
    Edit,
    Erasure,
    RecordKind,
    content_of,
    decode,
    decode_decision,
    entry,
    scheme,
)
from wirecopy.detector.state import State
from wirecopy.detector.tracing import ArticleTraces
from wirecopy.schema.article import Article
from wirecopy.storage import Entry, Pipeline, Record, Snapshot, Where

_BATCH = 512  # articles that are traced at once
_FLUSH = 8192  # records that may wait for the disk
_FACTS = 1000  # in one record of events


class Rebuilt(NamedTuple):
    """What was made: articles and stories, the first and the last of the new events, pins that could not be kept."""

    articles: int
    stories: int
    first_event: int
    last_event: int
    lost_pins: int

    def describe(self) -> str:
        """Return one line for a person."""
        events, lost = "nothing that readers know of has changed", ""
        if self.last_event >= self.first_event:
            events = f"the feed says what has changed in events {self.first_event:,} to {self.last_event:,}"
        if self.lost_pins:
            lost = f"; {self.lost_pins:,} pins contradict others and are gone"
        return f"made anew: {self.articles:,} articles in {self.stories:,} stories; {events}{lost}"


class Rebuild:
    """What is to be made anew, known before anything is written; see `open_rebuild`."""

    def __init__(self, config: Config, old: Snapshot, folder: Where, outline: Outline, omitted: Omitted) -> None:
        self.loss: str | None = None  # a sentence on what was lost before, and accepted
        self.found, self.wanted = old.scheme, scheme(model_file.load(config.detection.model))
        self.omitted = omitted
        self.articles = len(outline.archive.number_of) - omitted.articles
        self.revisions = outline.revisions - len(omitted.numbers)
        self._config = config
        self._old = old
        self._folder = folder
        self._outline = outline

    def describe(self) -> str:
        """Return one line for a person: what is going to be done."""
        left_out = ""
        if self.omitted.numbers:
            left_out = f"; left out, as their texts were not kept: {self.omitted.articles:,} articles"
            left_out += f" and {self.omitted.revisions:,} earlier revisions of others"
        change = f"from scheme {self.found} to {self.wanted}" if self.found != self.wanted else f"scheme {self.found}"
        counts = f"{self.articles:,} articles with {self.revisions:,} revisions"
        return f"{counts} are decided anew, {change}{left_out}"

    def run(self, now: int, on_progress: Callable[[int], None]) -> Rebuilt:
        """Make the new database; `now` is this moment in milliseconds since 1970. `on_progress` is told revisions.

        Raises Damaged and StorageFailed.
        """
        with closing(Pipeline(storage.open_store(self._folder, scheme=self.wanted))) as store:
            made = _Remaking(self._config, store, on_progress)
            for record in self._old.replay():
                if record.kind == RecordKind.ARTICLE:
                    decision = decode_decision(record.payload)
                    if decision.number not in self.omitted.numbers:
                        made.add_article(record.id or "", decision, (self._old.text(record.number) or b"").decode())
                else:
                    made.add_other(record)
            return made.end(self._outline, max(now, self._outline.moment))


@contextmanager
def open_rebuild(
    folder: Where, config: Config, *, without_missing: bool = False, accept_loss: bool = False
) -> Iterator[Rebuild]:
    """Yield a rebuild of what `folder` holds, to be run in the block; when that ends well, the new database is in
    place.

    The folder is locked meanwhile. When the block fails, or the process dies, the old database stays. Raises
    TextsMissing for articles without kept text, unless they may be left out; UsageError for what `dedupe` keeps;
    ConfigError for a model file that is none; what opening a store raises, but OtherScheme; NoRoom.
    """
    with storage.open_any(folder, accept_loss=accept_loss) as store:
        loss = store.loss
    with storage.replacing(folder) as new, storage.open_snapshot(folder) as old:
        outline = Outline()
        for record in old.replay():
            outline.apply(record)
        outline.end()
        if outline.is_of_runs:
            again = "run that over its inputs again, with a new --state"
            raise errors.UsageError(f"{folder} is a state of dedupe: {again}")
        omitted = outline.omitted(old.numbers_without_text(RecordKind.ARTICLE))
        if omitted.numbers and not without_missing:
            known = len(outline.archive.number_of)
            raise errors.TextsMissing(str(folder), omitted.articles, omitted.revisions, known)
        rebuild = Rebuild(config, old, new, outline, omitted)
        rebuild.loss = loss
        yield rebuild


class _Remaking:
    """The new state, and the store that it is written to, as the old records are taken in order."""

    def __init__(self, config: Config, store: Pipeline, on_progress: Callable[[int], None]) -> None:
        self._config = config
        self._store = store
        self._archive = Archive(store)
        self._state = State(config, self._archive)
        self._policy = Policy(rule_of(config.stories), self._archive.chosen)
        self._capture = ChangeCapture(self._archive, self._state.stories, self._policy)
        self._actions = Actions(self._archive)
        self._edits: dict[int, Edit] = {}
        self._waiting: list[tuple[Decision, Article]] = []
        self._on_progress = on_progress
        self._done = 0
        self._flushed = 0

    def add_article(self, article_id: str, d: Decision, text: str) -> None:
        """Take a revision as it was decided then; it is decided anew, with others, before anything but events is."""
        article = Article(
            article_id,
            text,
            d.title,
            d.source,
            d.url,
            d.published,
            d.language,
            d.status,
            d.embargoed,
            d.version,
            d.updated,
        )
        self._waiting.append((d, article))
        if len(self._waiting) == _BATCH:
            self._decide_waiting()

    def add_other(self, record: Record) -> None:
        """Take a record that is no article's."""
        if isinstance(action := decode(record.kind, record.payload), ActionRecord):
            self._actions.add(action, self._store.last + 1)
        if record.kind in (RecordKind.EVENTS, RecordKind.POSITIONS, RecordKind.ACTION):  # concern no decision
            self._append(Entry(record.kind, None, record.payload, None))
            return
        self._decide_waiting()
        match decode(record.kind, record.payload):
            case Erasure() as done:
                self._leave_blank(done.number, done.moment)
                self._leave_blank(done.number + 1, done.moment, record.id)
            case Edit() as edit:
                self._redo(edit)
            case Clearing() as clearing:
                self._state.clear_boilerplate(clearing)
                self._append(entry(clearing))

    def end(self, outline: Outline, moment: int) -> Rebuilt:
        """Return all records were taken. Makes what is left durable: pins, events, what a checkpoint holds."""
        self._decide_waiting()
        self._leave_blank(outline.next, outline.moment)
        lost = sum(not self._keep_pin(pin, outline.moment) for pin in outline.stories.pins.by_id.values())
        before = look(outline.archive, outline.stories, Policy(outline.rule, outline.archive.chosen))
        self._archive.lift(moment)
        facts = differences(before, look(self._archive, self._state.stories, self._policy))
        self._append(entry(self._policy.rule))
        last, redirects, stories = outline.last_event, outline.redirects, self._state.stories.members
        for begin in range(0, len(facts), _FACTS):
            told = batch_of(last + 1, moment, facts[begin : begin + _FACTS])
            redirects.add(told.merged)
            last += told.count
            self._append(entry(told))
        redirects.revive(stories)
        checkpoint = self._state.checkpoint(last, redirects.tidy(stories))
        self._append(entry(checkpoint))
        self._store.flush()
        return Rebuilt(len(self._archive.number_of), len(stories), outline.last_event + 1, last, lost)

    def _decide_waiting(self) -> None:
        """Decide what waits, cut where the moments differ, where a number is left out, and around later revisions."""
        waiting, self._waiting = self._waiting, []
        traces = tracing.trace([article for _, article in waiting], self._config.detection.max_words)
        begin = 0
        while begin < len(waiting):
            end = begin + 1
            while end < len(waiting) and _may_follow(waiting[end][0], waiting[end - 1][0]):
                end += 1
            self._decide(waiting[begin:end], traces.part(begin, end))
            begin = end
        self._on_progress(self._done)

    def _decide(self, part: list[tuple[Decision, Article]], traces: ArticleTraces) -> None:
        """Decide for articles that came at one moment; of several, all are first revisions."""
        first, articles, state = part[0][0], [article for _, article in part], self._state
        self._leave_blank(first.number, first.arrived)
        state.expire(first.arrived)
        self._archive.lift(first.arrived)
        contents = [content_of(article) for article in articles]
        ingestion = Ingestion(state, self._capture, self._policy, articles, contents, traces, first.arrived)
        earlier = self._archive.number_of.get(articles[0].id)
        if earlier is not None:
            ingestion.decide_revision(0, earlier, first.revision)
        elif first.revision > 1:
            ingestion.decide_remaining(0, first.first_seen, first.revision)
        else:
            ingestion.decide_new(range(len(part)))
        self._append(*ingestion.entries(self._store.last, with_texts=True))
        self._archive.forget_stored()
        self._done += len(part)

    def _leave_blank(self, end: int, moment: int, erased: str | None = None) -> None:
        """Give the numbers below `end` to nobody; the last of them to the erasure of an article, if there was one."""
        state = self._state
        if not self._archive.kept and not len(state.window):
            state.window.skip_to(end)  # nothing is there yet: replay does so by itself
        while state.loaded < end:
            state.expire(moment)
            state.begin_block()
            blank = erasure.blank(state.loaded, moment)
            self._append(entry(blank, erased))
            state.window.leave_blank()

    def _redo(self, edit: Edit) -> None:
        self._leave_blank(edit.number, edit.moment)
        self._archive.lift(edit.moment)
        made = edits.redo(self._state, edit, self._edits.get(edit.number if edit.undoes is None else edit.undoes))
        if isinstance(made, Edit):
            self._edits[edit.number] = made
            self._append(entry(made))

    def _keep_pin(self, pin: NumberedPin, moment: int) -> bool:
        """Put a pin in force that is not, as its articles came later than it, or not as it was; return whether it is.

        It is an edit under a new number, and then gets its own id back, which the checkpoint remembers.
        """
        state, pins, known = self._state, self._state.stories.pins, self._state.stories.story_of.keys()
        wanted = pin._replace(left=pin.left & known, right=pin.right & known)
        if not wanted.ties_somebody or pins.by_id.get(pin.id) == wanted:
            return True
        pins.remove(pin.id)
        made = edits.pin(state, moment, pin.together, wanted.left, wanted.right)
        if not isinstance(made, Edit):
            return False
        self._append(entry(made))
        pins.remove(made.number)
        pins.add(wanted)
        return True

    def _append(self, *entries: Entry) -> None:
        """Make records durable, some day before the end."""
        self._store.append(entries)
        if self._store.last - self._flushed >= _FLUSH:
            self._store.flush()
            self._flushed = self._store.last


def _may_follow(decision: Decision, last: Decision) -> bool:
    return (
        decision.revision == last.revision == 1
        and decision.arrived == last.arrived
        and decision.number == last.number + 1
    )
