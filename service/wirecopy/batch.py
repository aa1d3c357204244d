"""A whole run over files: read, refuse duplicates, look ahead, decide, and the state at the end.

Reading and sketching go on in a thread of their own beside the rest: the compiled parts release the interpreter.
"""

import queue
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple

from wirecopy.archive import Archive
from wirecopy.canonical import Keep, canonical
from wirecopy.config import Config, override
from wirecopy.detection.matching import probability
from wirecopy.errors import DuplicateId, OutputFailed, Refusal, Refused
from wirecopy.reading import Chunk, Schema, read
from wirecopy.sketching import Sketches, sketch
from wirecopy.state import BATCH, State

_AHEAD = 8  # chunks that may wait between the threads


class Row(NamedTuple):
    """One line of output: the article's place at the end of the run."""

    id: str
    story: str
    canonical: bool
    relation: str | None
    match: str | None
    score: float | None


class Summary(NamedTuple):
    """What a run did. `articles` counts the accepted ones; `stages` are seconds by name, those of the main thread.

    `beside` has those of the thread that reads and sketches ahead, at the same time.
    """

    articles: int
    stories: int
    copies: int
    rewrites: int
    refused: int
    seconds: float
    stages: dict[str, float]
    beside: dict[str, float]


class Result(NamedTuple):
    """The state at the end of a run."""

    state: State
    keep: Keep
    summary: Summary
    lines: "_Lines | None"

    def rows(self) -> Iterator[Row]:
        """The accepted articles in input order."""
        return _rows(self.state, self.keep)

    def unique_lines(self) -> Iterator[bytes]:
        """The whole input line of each story's canonical, in input order; the run must have kept lines."""
        assert self.lines is not None
        for number, row in enumerate(self.rows()):
            if row.canonical:
                yield self.lines[number]


def dedupe(
    inputs: Sequence[str],
    config: Config,
    *,
    mapping: Mapping[str, str],
    keep: Keep,
    look_ahead: bool,
    strict: bool,
    want_lines: bool,
    on_refusal: Callable[[Refusal], None],
    on_progress: Callable[[int], None],
    schema: Schema = "own",
) -> Result:
    """Groups the articles of all inputs into stories.

    With `look_ahead` the term weights are learnt from all articles before the first is decided; without, the run takes
    exactly the path of a service that is given the articles in this order. With `strict` the first refusal raises
    Refused. Raises InputFailed and UsageError as reading does.
    """
    started = time.perf_counter()
    stages = dict.fromkeys(("waiting for input", "loading", "looking ahead", "deciding", "describing"), 0.0)
    beside = dict.fromkeys(("reading and parsing", "sketching"), 0.0)
    state = State(config, Archive(None), epochs=not look_ahead)
    lines = _Lines() if want_lines else None
    refused = 0
    with _sketched(inputs, config, mapping, want_lines, schema, beside) as chunks:
        while True:
            with _timed(stages, "waiting for input"):
                item = next(chunks, None)
            if item is None:
                break
            chunk, sketches = item
            with _timed(stages, "loading"):
                fresh = _refuse_duplicates(chunk, state.archive.number_of)
                if len(fresh.articles) < len(chunk.articles):
                    sketches = sketch(fresh.articles, config.detection.max_words)
                for refusal in fresh.refusals:
                    refused += 1
                    on_refusal(refusal)
                    if strict:
                        raise Refused(refusal)
                state.load(fresh.articles, sketches)
                if lines is not None:
                    lines.extend(fresh.lines or [])
            if not look_ahead:
                with _timed(stages, "deciding"):
                    _decide(state, len(fresh.articles))
            on_progress(state.loaded)
    if look_ahead:
        with _timed(stages, "looking ahead"):
            state.look_ahead()
        with _timed(stages, "deciding"):
            while state.decided < state.loaded:
                _decide(state, min(BATCH, state.loaded - state.decided))
                on_progress(state.decided)
    with _timed(stages, "describing"):
        state.archive.lift(time.time_ns() // 1_000_000)
        counts = {"copies": 0, "rewrites": 0}
        for row in _rows(state, keep):
            if not row.canonical:
                counts["rewrites" if row.relation == "rewrite" else "copies"] += 1
    seconds = time.perf_counter() - started
    summary = Summary(
        state.loaded,
        len(state.stories.members),
        counts["copies"],
        counts["rewrites"],
        refused,
        seconds,
        stages,
        beside,
    )
    return Result(state, keep, summary, lines)


def candidates(inputs: Sequence[str], config: Config) -> Iterator[tuple[str, list[str]]]:
    """Yields each accepted article's id with the ids of the earlier articles that it was verified against.

    For measuring: the run is that of `dedupe` with look-ahead, but every comparison is kept, so stories may differ.
    Ids must be unique. Raises InputFailed and UsageError as reading does.
    """
    every = override(config, "detection", min_odds=-10.0)
    state = State(every, Archive(None), epochs=False)
    for chunk in read(inputs, limits=config.limits, mapping={}):
        state.load(chunk.articles, sketch(chunk.articles, config.detection.max_words))
    state.look_ahead()
    kept = state.archive.kept
    while state.decided < state.loaded:
        for number, found, _ in state.decide(min(BATCH, state.loaded - state.decided)):
            yield kept[number].id, [kept[other].id for other, _ in found.matches]


def _decide(state: State, count: int) -> None:
    for _ in state.decide(count):
        pass


def _rows(state: State, keep: Keep) -> Iterator[Row]:
    archive, stories, hidden = state.archive, state.stories, state.archive.hidden
    standing: dict[str, int] = {}
    for number, article in archive.kept.items():
        story = stories.story_of[number]
        members = stories.members[story]
        if len(members) == 1:
            yield Row(article.id, story, number not in hidden, None, None, None)
            continue
        if story not in standing:
            standing[story] = canonical(archive, members, keep)
        is_canonical, best = standing[story] == number and number not in hidden, stories.best_match(number, hidden)
        if best is None:
            yield Row(article.id, story, is_canonical, None, None, None)
        else:
            other, (odds, relation) = best
            match, score = archive.kept[other].id, probability(odds)
            yield Row(article.id, story, is_canonical, relation, match, score)


def _refuse_duplicates(chunk: Chunk, known: Container[str]) -> Chunk:
    """The chunk without the articles whose ids were seen before, which are among its refusals, in order."""
    seen: set[str] = set()
    duplicate = []
    for k, article in enumerate(chunk.articles):
        if article.id in known or article.id in seen:
            duplicate.append(k)
        seen.add(article.id)
    if not duplicate:
        return chunk
    refusals = [Refusal(*chunk.places[k], str(DuplicateId(chunk.articles[k].id))) for k in duplicate]
    stays = [k for k in range(len(chunk.articles)) if k not in set(duplicate)]
    return Chunk(
        [chunk.articles[k] for k in stays],
        [chunk.places[k] for k in stays],
        sorted([*chunk.refusals, *refusals], key=lambda refusal: (refusal.file, refusal.line)),
        None if chunk.lines is None else [chunk.lines[k] for k in stays],
    )


@contextmanager
def _sketched(
    inputs: Sequence[str],
    config: Config,
    mapping: Mapping[str, str],
    want_lines: bool,
    schema: Schema,
    stages: dict[str, float],
) -> Iterator[Iterator[tuple[Chunk, Sketches]]]:
    """Chunks with their sketches, made in a thread; an error there is raised here, after what came before it."""
    ready: queue.Queue[tuple[Chunk, Sketches] | BaseException | None] = queue.Queue(_AHEAD)
    left = threading.Event()

    def produce() -> None:
        try:
            chunks = iter(read(inputs, limits=config.limits, mapping=mapping, keep_lines=want_lines, schema=schema))
            while not left.is_set():
                with _timed(stages, "reading and parsing"):
                    chunk = next(chunks, None)
                if chunk is None:
                    ready.put(None)
                    return
                with _timed(stages, "sketching"):
                    sketches = sketch(chunk.articles, config.detection.max_words)
                ready.put((chunk, sketches))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            ready.put(error)

    def consume() -> Iterator[tuple[Chunk, Sketches]]:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item

    thread = threading.Thread(target=produce, daemon=True)
    thread.start()
    try:
        yield consume()
    finally:
        left.set()
        while thread.is_alive():
            with _empty(ready):
                thread.join(0.05)


@contextmanager
def _empty(ready: "queue.Queue[tuple[Chunk, Sketches] | BaseException | None]") -> Iterator[None]:
    """Frees a producer that waits for a place."""
    while not ready.empty():
        ready.get_nowait()
    yield


class _Lines:
    """Input lines, spooled to a temporary file: lines[k] is the k-th."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the result
        self._starts = [0]
        weakref.finalize(self, _close, self._file)

    def extend(self, lines: Sequence[bytes]) -> None:
        try:
            self._file.writelines(lines)
            self._file.flush()
        except OSError as error:
            raise OutputFailed(f"a file in {tempfile.gettempdir()}", (error.strerror or str(error)).lower()) from None
        for line in lines:
            self._starts.append(self._starts[-1] + len(line))

    def __getitem__(self, k: int) -> bytes:
        self._file.seek(self._starts[k])
        return self._file.read(self._starts[k + 1] - self._starts[k])


def _close(file: IO[bytes]) -> None:
    with suppress(OSError):  # a full disk has been told
        file.close()


@contextmanager
def _timed(stages: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        stages[stage] += time.perf_counter() - started
