"""Journal: what a run of `dedupe` starts from, and what it writes down to be gone on with.

    nothing               state in memory, forgotten with it
    against               the articles of a service's folder or of another run's, read once and never written to
    folder                every decision is stored before the run goes on: as a service does it, in the same records
    folder and against    the same, after everything that `against` holds; both may be one folder

A run that is interrupted, however, is gone on with by replaying what it had decided: the same articles must come again,
in the same order, and get the numbers that they had. What has been learnt by looking ahead was stored before the first
decision.
"""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs
from xxhash import xxh3_128_digest

from wirecopy import storage
from wirecopy.config import Config
from wirecopy.detection.index.window import Start
from wirecopy.detector.answers import views
from wirecopy.detector.feed.feed import Feed
from wirecopy.detector.history.replay import replay
from wirecopy.detector.ingestion import describe, stored_match
from wirecopy.detector.memory import model_file
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.canonical import Policy, rule_of
from wirecopy.detector.memory.records import BatchRun, RecordKind, StoredMatch, decode, entry, scheme
from wirecopy.detector.state import State
from wirecopy.errors import OtherInput, UsageError
from wirecopy.schema.article import Article
from wirecopy.storage import Entry, Reading, Record, Store


class Journal:
    """The state that a run's decisions are made from, and the store that they go to, if there is one."""

    def __init__(self, config: Config, *, look_ahead: bool, stored: Reading | None = None) -> None:
        """Take up what is stored. Raises Damaged and StorageFailed, ConfigError for a model file that is none."""
        room = 0 if stored is None else stored.last
        self.state = State(config, Archive(stored), looks_ahead=look_ahead, forgets=False, room=room)
        self.run: BatchRun | None = None  # the last run of which there are records
        if stored is not None:
            replay(self.state, Feed(None), self._noting(stored.replay()))
        self.first = self.state.loaded  # the number of this run's first article
        self._config = config
        self._policy = Policy(rule_of(config.stories))
        self.state.archive.reads_credits = self._policy.rule.by_credit
        self._noted: dict[int, list[StoredMatch]] | None = None
        self._store: Store | None = None
        self._moment = 0
        self._otherwise: BatchRun | None = None

    def note_matches(self, *, wanted: bool) -> None:
        """Look for credits from now on, and keep all matches, for `matches_of`, where that is wanted."""
        self.state.archive.reads_credits |= wanted
        self._noted = {} if wanted else None

    def matches_of(self, number: int) -> list[StoredMatch]:
        """Return the matches of an article of this run with earlier ones; they must have been noted or stored."""
        archive = self.state.archive
        if archive.kept[number].record:  # decided before the run was interrupted
            return archive.decision(number).matches
        return (self._noted or {}).get(number, [])

    @property
    def knows_contents(self) -> bool:
        """Whether articles must be added with their contents."""
        return self._store is not None or self.first > 0

    @property
    def writes(self) -> bool:
        """Whether what is decided is stored."""
        return self._store is not None

    @property
    def moment(self) -> int:
        """When the run began, in milliseconds since 1970; 0 when nobody will ask."""
        return self._moment

    def begin(self, store: Store, run: BatchRun, otherwise: BatchRun | None = None) -> None:
        """Store from now on what is decided; `run` is this one, which may have been interrupted.

        With `otherwise`, `run` has ended, and the first article tells whether it is run once more: see `choose_run`.
        """
        self._store, self._moment, self._otherwise = store, run.begun, otherwise
        self.state.archive.reads_credits = True
        if run.first is None:
            self._store_run(structs.replace(run, first=self.first))
        else:
            self.run, self.first = run, run.first

    @property
    def is_undecided(self) -> bool:
        """Whether it is still open if this is the run that has ended or a new one."""
        return self._otherwise is not None

    def choose_run(self, *, is_the_last: bool) -> None:
        """Tell whether the input is that of the run that has ended, whose output is then made again, or a new one."""
        begins, self._otherwise = self._otherwise, None
        if not is_the_last and begins is not None and self._store is not None:
            self.first = self.state.decided
            self.begin(self._store, begins)

    def look_ahead(self, digest: bytes) -> None:
        """Take the term weights from what is known and all that is loaded, whose digest is given, once per run.

        Raises OtherInput when an interrupted run had looked at other articles.
        """
        if self._store is None or self.run is None or self.run.articles is None:
            self.state.window.terms.begin_epoch()
            if self.run is not None and self._store is not None:
                self._store_run(structs.replace(self.run, articles=digest), entry(self.state.epoch()))
            return
        if self.run.articles != digest:
            raise OtherInput("other articles come after those that were decided")

    def decide(self, count: int, articles: Iterable[Article], start: Start[Any]) -> None:
        """Decide for the next `count` loaded articles, which are given where they are to be stored.

        `start`: see `Window.match`.
        """
        state, store = self.state, self._store
        if store is None:
            for number, found, _ in state.decide(count, start=start):
                if self._noted is not None and found.matches:
                    pairs = zip(found.matches, found.results, strict=True)
                    self._noted[number] = [stored_match(*match, results) for match, results in pairs]
            return
        if count and self.run is not None and self.run.is_ended:
            raise OtherInput("that had ended, and other articles follow; leave out --resume")
        epoch, entries = state.window.terms.epoch, []
        texts = self._config.service.keep_text
        for decided, article in zip(state.decide(count, start=start), articles, strict=True):
            place = views.place(state.archive, state.stories, decided.number, self._policy)
            kept = state.archive.kept[decided.number]
            decision = describe(decided, None, place, kept, article, state.window)
            if self._noted is not None and decision.matches:
                self._noted[decision.number] = decision.matches
            entries.append(entry(decision, article.id, article.text.encode() if texts else None))
        if state.window.terms.epoch != epoch:
            entries.append(entry(self.state.epoch()))
        store.append(entries)

    def end(self) -> None:
        """End the run, which has done all that it was to do: it cannot be gone on with any more. Raises
        StorageFailed.
        """
        if self._store is not None and self.run is not None and not self.run.is_ended:
            self._store_run(structs.replace(self.run, is_ended=True))

    def _store_run(self, run: BatchRun, *others: Entry) -> None:
        assert self._store is not None
        self._store.append([entry(run), *others])
        self.run = run

    def _noting(self, records: Iterable[Record]) -> Iterator[Record]:
        """Yield the records, with a note of the last run among them."""
        for record in records:
            if record.kind == RecordKind.RUN:
                self.run = _run_of(record)
            yield record


@contextmanager
def open_journal(
    config: Config, *, look_ahead: bool, folder: str | None, against: str | None, resume: bool
) -> Iterator[Journal]:
    """Open the journal of a run, see above; `resume`: go on with the one in `folder` that was interrupted, if there
    is one.

    Raises UsageError for what does not fit together, and what opening a store or a snapshot does.
    """
    if folder is None:
        if resume:
            raise UsageError("--resume needs --state: an interrupted run goes on from what it left there")
        yield Journal(config, look_ahead=look_ahead) if against is None else _read(config, look_ahead, against)
        return
    own = scheme(model_file.load(config.detection.model))
    begins = BatchRun(time.time_ns() // 1_000_000, _settings(config, look_ahead))
    is_same = against is not None and os.path.realpath(against) == os.path.realpath(folder)
    is_new = not storage.holds_articles(Path(folder))
    if is_new and against is not None and not is_same:
        _copy(storage.where(against), Path(folder), own, begins)
    with ExitStack() as stack:
        store = stack.enter_context(Store.open(Path(folder), scheme=own))
        journal = Journal(config, look_ahead=look_ahead, stored=store)
        run = _choose(journal, folder, begins, goes_on=is_same, resume=resume or is_new)
        journal.begin(store, run, begins if run.is_ended and is_same else None)
        yield journal


def _read(config: Config, look_ahead: bool, against: str) -> Journal:
    own = scheme(model_file.load(config.detection.model))
    with storage.open_snapshot(storage.where(against), scheme=own) as snapshot:
        journal = Journal(config, look_ahead=look_ahead, stored=snapshot)
    _refuse_unfinished(journal.run, against)
    return journal


def _choose(journal: Journal, folder: str, begins: BatchRun, *, goes_on: bool, resume: bool) -> BatchRun:
    """Return the run that a folder is opened for: `begins`, or the last there, which was interrupted or had ended."""
    last = journal.run
    if last is None:
        if journal.first > 0:
            raise UsageError(f"{folder} holds the articles of a service: name a new folder, and --against {folder}")
        return begins
    if not resume:
        _refuse_unfinished(last, folder)
        if not goes_on:
            raise UsageError(f"{folder} holds articles already: go on with --against {folder}, or name a new folder")
        return begins
    if last.settings == begins.settings:
        return last
    if last.is_ended and goes_on:
        return begins
    raise UsageError(f"the run in {folder} had other settings: resume it with the same")


def _copy(against: storage.Where, folder: Path, own: str, begins: BatchRun) -> None:
    """Put what `against` holds into a new folder, as what a run begins with."""
    with storage.replacing(folder) as new:
        storage.copy(against, new)
        with storage.open_store(new, scheme=own) as store:
            runs = [_run_of(record) for record in store.replay() if record.kind == RecordKind.RUN]
            _refuse_unfinished(runs[-1] if runs else None, str(against))
            store.append([entry(begins)])


def _run_of(record: Record) -> BatchRun:
    run = decode(record.kind, record.payload)
    assert isinstance(run, BatchRun)
    return run


def _refuse_unfinished(run: BatchRun | None, folder: str) -> None:
    if run is not None and not run.is_ended:
        raise UsageError(f"the run in {folder} is not finished: wait for it, or finish it with --resume")


def _settings(config: Config, look_ahead: bool) -> bytes:
    """Return the digest of all that decisions depend on, beside the articles."""
    return xxh3_128_digest(msgspec.json.encode((config.detection, config.stories, look_ahead)))
