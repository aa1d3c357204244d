"""A whole run over files: read, refuse duplicates, look ahead, decide, and the state at the end.

Reading and tracing go on in a thread each beside the rest. Then candidates are found in one thread, block after block,
and verified in as many as there are, while the main thread groups: the compiled parts release the interpreter.
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import msgspec

from wirecopy.batch.apart import Part
from wirecopy.batch.prefetch import cores, made_ahead
from wirecopy.batch.resume import Journal
from wirecopy.batch.selection import Selection, Taken
from wirecopy.config import Config, override
from wirecopy.detection.evidence.model import Link, probability
from wirecopy.detection.grouping.stories import Grouping
from wirecopy.detection.index.reserved import return_freed
from wirecopy.detection.index.window import Start
from wirecopy.detector.answers import views
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.memory.canonical import Policy, rule_of
from wirecopy.detector.state import BATCH, State
from wirecopy.detector.tracing import ArticleTraces, trace, trace_encoded
from wirecopy.errors import Refusal, Refused
from wirecopy.files.documents import FetchNitf
from wirecopy.files.kept_lines import KeptLines
from wirecopy.files.reading import Chunk, Schema, read
from wirecopy.schema.answers import Credit, Match
from wirecopy.schema.article import Article
from wirecopy.schema.intake import IntakeParser

T = TypeVar("T")
_Traced = tuple[Chunk, ArticleTraces]
_Read = Chunk | Part


class OutputRow(msgspec.Struct, frozen=True, gc=False):
    """One line of output: the article's place at the end of the run."""

    id: str
    story: str
    canonical: bool
    relation: str | None
    match: str | None
    score: float | None


class MatchesRow(msgspec.Struct, frozen=True, gc=False):
    """One line of matches: an article, whom it credits, and all its matches with earlier articles, best first."""

    id: str
    story: str
    credits: tuple[Credit, ...]
    matches: tuple[Match, ...]


class RunSummary(NamedTuple):
    """What a run did. `articles` counts the accepted ones, `known` those known before.

    `stages` are seconds by name, those of the main thread.

    `beside` has those of the threads that read and trace ahead, at the same time.
    """

    articles: int
    stories: int
    copies: int
    rewrites: int
    refused: int
    known: int
    seconds: float
    stages: dict[str, float]
    beside: dict[str, float]


class Result(NamedTuple):
    """The state at the end of a run."""

    journal: Journal
    policy: Policy
    summary: RunSummary
    lines: KeptLines | None

    def rows(self) -> Iterator[OutputRow]:
        """Return the accepted articles in input order, without those that were known before the run."""
        state = self.journal.state
        return rows_of(state.archive, state.stories, self.policy, range(self.journal.first, state.decided))

    def match_lines(self) -> Iterator[bytes]:
        """Yield a `MatchesRow` for each that has matches or credits; the run must have been told to keep them."""
        state, encode = self.journal.state, msgspec.json.Encoder().encode
        archive = state.archive
        for number in range(self.journal.first, state.decided):
            kept = archive.kept[number]
            found = [match for match in self.journal.matches_of(number) if archive.is_shown(match.number)]
            if found or kept.credits:
                matches = tuple(views.match(archive, number, match) for match in found)
                yield encode(MatchesRow(kept.id, state.stories.story_of[number], views.credits(kept.credits), matches))

    def unique_lines(self) -> Iterator[bytes]:
        """Yield the whole input line of each story's canonical, in input order, of those in `rows`.

        The run must have kept lines.
        """
        assert self.lines is not None
        for k, row in enumerate(self.rows()):
            if row.canonical:
                yield self.lines[k]


def dedupe(
    inputs: Sequence[str],
    config: Config,
    *,
    mapping: Mapping[str, str],
    look_ahead: bool,
    strict: bool,
    want_lines: bool,
    want_matches: bool = False,
    on_refusal: Callable[[Refusal], None],
    on_progress: Callable[[int], None],
    schema: Schema = "own",
    journal: Journal | None = None,
    intake: IntakeParser | None = None,
    fetch_nitf: FetchNitf | None = None,
    on_chunk: Callable[[Chunk], None] = lambda _: None,
    threads: int | None = None,
    parts: Iterable[Part] | None = None,
) -> Result:
    """Group the articles of all inputs into stories, together with those that `journal` knows.

    With `look_ahead` the term weights are learnt from all articles before the first is decided; without, the run takes
    exactly the path of a service that is given the articles in this order. With `strict` the first refusal raises
    Refused. `intake` reads records instead of `mapping`, `fetch_nitf` as in `reading.read`; `on_chunk` is called with
    each chunk of input before it is taken. `threads` match, one for each core by default; the result is the same, and
    with one nothing goes on beside the rest. `parts` are the inputs as another process reads them, for runs that ask
    for no text. Raises InputFailed and UsageError as reading does, OtherInput when the journal is that of another run.
    """
    started = time.perf_counter()
    stages = dict.fromkeys(("waiting for input", "loading", "looking ahead", "deciding", "describing"), 0.0)
    beside = dict.fromkeys(("reading and parsing", "tracing"), 0.0)
    journal = journal or Journal(config, look_ahead=look_ahead)
    selection, state = Selection(journal), journal.state
    journal.note_matches(wanted=want_matches)
    lines = KeptLines() if want_lines else None
    waiting = _Waiting() if look_ahead and journal.writes else None
    refused = 0
    chunks: Iterable[_Read] = parts or read(
        inputs, limits=config.limits, mapping=mapping, keep_lines=want_lines, schema=schema, intake=intake,
        fetch_nitf=fetch_nitf,
    )  # fmt: skip
    threads = threads or cores()
    with _traced(chunks, config.detection.max_words, beside, threads) as traced, _beginning(threads) as start:
        for chunk, traces in _each_timed(stages, "waiting for input", traced):
            with _timed(stages, "loading"):
                on_chunk(chunk)
                taken = selection.choose(chunk, traces)
                refused += _report_refusals(taken.refusals, on_refusal, strict=strict)
                _load(taken, journal, lines, waiting)
            if not look_ahead:
                with _timed(stages, "deciding"):
                    journal.decide(len(taken.articles), taken.articles, start)
            on_progress(selection.taken)
        selection.finish()
        return_freed()
        if look_ahead:
            with _timed(stages, "looking ahead"):
                journal.look_ahead(selection.digest())
            with _timed(stages, "deciding"):
                _decide_loaded(journal, waiting, start, on_progress)
    with _timed(stages, "describing"):
        state.archive.lift(time.time_ns() // 1_000_000)
        policy = Policy(rule_of(config.stories))
        counted = _count(state, policy, journal.first)
    summary = RunSummary(
        selection.taken, *counted, refused, selection.known, time.perf_counter() - started, stages, beside
    )
    return Result(journal, policy, summary, lines)


def _load(taken: Taken, journal: Journal, lines: KeptLines | None, waiting: "_Waiting | None") -> None:
    """Load what a chunk of input adds, and keep what is needed of it once more."""
    journal.state.load(taken.articles, taken.traces, journal.moment, taken.contents)
    if lines is not None:
        lines.extend(taken.lines)
    if waiting is not None:
        waiting.add(taken.articles)


def _report_refusals(refusals: Sequence[Refusal], on_refusal: Callable[[Refusal], None], *, strict: bool) -> int:
    for refusal in refusals:
        on_refusal(refusal)
        if strict:
            raise Refused(refusal)
    return len(refusals)


def _decide_loaded(
    journal: Journal, waiting: "_Waiting | None", start: Start[Any], on_progress: Callable[[int], None]
) -> None:
    state = journal.state
    while state.decided < state.loaded:
        count = min(BATCH, state.loaded - state.decided)
        journal.decide(count, () if waiting is None else waiting.take(count), start)
        on_progress(state.decided - journal.first)


def candidates(inputs: Sequence[str], config: Config) -> Iterator[tuple[str, list[str]]]:
    """Yield each accepted article's id with the ids of the earlier articles that it was verified against.

    For measuring: the run is that of `dedupe` with look-ahead, but every comparison is kept, so stories may differ.
    Ids must be unique. Raises InputFailed and UsageError as reading does.
    """
    every = override(config, "detection", min_odds=-10.0)
    state = State(every, Archive(None), looks_ahead=True, forgets=False)
    state.archive.reads_credits = False
    for chunk in read(inputs, limits=config.limits, mapping={}):
        state.load(chunk.articles, trace(chunk.articles, config.detection.max_words))
    state.window.terms.begin_epoch()
    kept = state.archive.kept
    while state.decided < state.loaded:
        for number, found, _ in state.decide(min(BATCH, state.loaded - state.decided)):
            yield kept[number].id, [kept[other].id for other, _ in found.matches]


class _Waiting:
    """Articles that were loaded and wait until all have been looked at, on disk meanwhile."""

    def __init__(self) -> None:
        self._articles, self._added, self._taken = KeptLines(), 0, 0

    def add(self, articles: Sequence[Article]) -> None:
        self._articles.extend([_encode_article(article) for article in articles])
        self._added += len(articles)

    def take(self, count: int) -> Iterator[Article]:
        first, self._taken = self._taken, self._taken + count
        return (_decode_article(self._articles[k]) for k in range(first, first + count))


_encode_article = msgspec.msgpack.Encoder().encode
_decode_article = msgspec.msgpack.Decoder(Article).decode


def _count(state: State, policy: Policy, first: int) -> tuple[int, int, int]:
    """Return stories, copies, rewrites."""
    begun = copies = rewrites = 0
    numbers = range(first, state.decided)
    for number, members, is_canonical, best in _places(state.archive, state.stories, policy, numbers):
        begun += members[bisect_left(members, first)] == number  # each is counted with the first member of this run
        if not is_canonical:
            is_rewrite = best is not None and best[1].relation == "rewrite"
            rewrites += is_rewrite
            copies += not is_rewrite
    return begun, copies, rewrites


def rows_of(archive: Archive, stories: Grouping, policy: Policy, numbers: range) -> Iterator[OutputRow]:
    """Yield the output of articles, in order of their numbers."""
    kept, story_of = archive.kept, stories.story_of
    places = _places(archive, stories, policy, numbers)
    for begin in range(numbers.start, numbers.stop, BATCH):
        heads = kept.heads(range(begin, min(begin + BATCH, numbers.stop)))
        for head, (number, _, is_canonical, best) in zip(heads, places, strict=False):
            if best is None:
                yield OutputRow(head.id, story_of[number], is_canonical, None, None, None)
            else:
                other, (odds, relation) = best
                match, score = kept.head(other).id, probability(odds)
                yield OutputRow(head.id, story_of[number], is_canonical, relation, match, score)


def _places(
    archive: Archive, stories: Grouping, policy: Policy, numbers: range
) -> Iterator[tuple[int, Sequence[int], bool, tuple[int, Link] | None]]:
    """Yield for each of some articles: the members of its story, whether it stands for them, its best match."""
    hidden = archive.hidden
    standing: dict[int, int] = {}  # by the first member of a story
    for number in numbers:
        members = stories.story_of.beside(number)
        if len(members) == 1:
            yield number, members, number not in hidden, None
            continue
        if members[0] not in standing:
            standing[members[0]] = policy.canonical(archive, members)
        is_canonical = standing[members[0]] == number and number not in hidden
        yield number, members, is_canonical, stories.best_match(number, hidden)


@contextmanager
def _beginning(threads: int) -> Iterator[Start[Any]]:
    """Yield what begins tasks in so many threads; with one, a task runs when its result is asked for."""
    if threads == 1:
        yield lambda task: task
        return
    with ThreadPoolExecutor(threads) as pool:
        yield lambda task: pool.submit(task).result


@contextmanager
def _traced(
    chunks: Iterable[_Read], max_words: int, stages: dict[str, float], threads: int
) -> Iterator[Iterator[_Traced]]:
    """Yield chunks with their traces, both made ahead, each in a thread, where there is more than one."""

    def traced(coming: Iterable[_Read]) -> Iterator[_Traced]:
        for came in coming:
            with _timed(stages, "tracing"):
                traces = _trace(came, max_words)
            yield traces

    reading: Iterator[_Read] = _each_timed(stages, "reading and parsing", chunks)
    if threads == 1:
        yield traced(reading)
        return
    with made_ahead(reading) as read_ahead, made_ahead(traced(read_ahead)) as traced_ahead:
        yield traced_ahead


def _trace(came: _Read, max_words: int) -> _Traced:
    if isinstance(came, Part):
        return came.chunk, trace_encoded(came.encoded, came.bounds, max_words)
    return came, trace(came.articles, max_words)


def _each_timed(stages: dict[str, float], stage: str, items: Iterable[T]) -> Iterator[T]:
    """Yield the items, with the time that each took to come."""
    waiting = iter(items)
    while True:
        with _timed(stages, stage):
            item = next(waiting, None)
        if item is None:
            return
        yield item


@contextmanager
def _timed(stages: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        stages[stage] += time.perf_counter() - started
