"""A whole run over files: read, refuse duplicates, look ahead, decide, and the state at the end.

Reading and sketching go on in a thread of their own beside the rest: the compiled parts release the interpreter.
"""

import queue
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Literal, NamedTuple

from wirecopy.article import Article
from wirecopy.config import Config
from wirecopy.detection.matching import probability, relation
from wirecopy.detector import BATCH, Detector, Sketches
from wirecopy.errors import DuplicateId, Refusal, Refused
from wirecopy.reading import Chunk, read

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
    """What a run did. `articles` counts the accepted ones; `stages` are seconds by name."""

    articles: int
    stories: int
    copies: int
    rewrites: int
    refused: int
    seconds: float
    stages: dict[str, float]


class Result(NamedTuple):
    """The state at the end of a run."""

    detector: Detector
    keep: str
    summary: Summary
    lines: "_Lines | None"

    def rows(self) -> Iterator[Row]:
        """The accepted articles in input order."""
        return _rows(self.detector, self.keep)

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
    keep: Literal["first", "longest"],
    look_ahead: bool,
    strict: bool,
    want_lines: bool,
    on_refusal: Callable[[Refusal], None],
    on_progress: Callable[[int], None],
) -> Result:
    """Groups the articles of all inputs into stories.

    With `look_ahead` the term weights are learnt from all articles before the first is decided; without, the run takes
    exactly the path of a service that is given the articles in this order. With `strict` the first refusal raises
    Refused. Raises InputFailed and UsageError as reading does.
    """
    started = time.perf_counter()
    stages = dict.fromkeys(("waiting for input", "loading", "looking ahead", "deciding", "describing"), 0.0)
    detector = Detector(config, epochs=not look_ahead)
    lines = _Lines() if want_lines else None
    refused = 0
    with _sketched(inputs, config, mapping, want_lines) as chunks:
        while True:
            with _timed(stages, "waiting for input"):
                item = next(chunks, None)
            if item is None:
                break
            chunk, sketches = item
            with _timed(stages, "loading"):
                fresh = _refuse_duplicates(chunk, detector)
                if len(fresh.articles) < len(chunk.articles):
                    sketches = detector.sketch(fresh.articles)
                for refusal in fresh.refusals:
                    refused += 1
                    on_refusal(refusal)
                    if strict:
                        raise Refused(refusal)
                detector.load(fresh.articles, sketches)
                if lines is not None:
                    lines.extend(fresh.lines or [])
            if not look_ahead:
                with _timed(stages, "deciding"):
                    detector.decide(len(fresh.articles))
            on_progress(len(detector.kept))
    if look_ahead:
        with _timed(stages, "looking ahead"):
            detector.look_ahead()
        with _timed(stages, "deciding"):
            while detector.decided < len(detector.kept):
                detector.decide(min(BATCH, len(detector.kept) - detector.decided))
                on_progress(detector.decided)
    with _timed(stages, "describing"):
        counts = {"copies": 0, "rewrites": 0}
        for row in _rows(detector, keep):
            if not row.canonical:
                counts["rewrites" if row.relation == "rewrite" else "copies"] += 1
    seconds = time.perf_counter() - started
    summary = Summary(
        len(detector.kept),
        len(detector.stories.members),
        counts["copies"],
        counts["rewrites"],
        refused,
        seconds,
        stages,
    )
    return Result(detector, keep, summary, lines)


def _rows(detector: Detector, keep: str) -> Iterator[Row]:
    kept, stories = detector.kept, detector.stories
    for number, article in enumerate(kept):
        story = stories.story_of[number]
        if len(stories.members[story]) == 1:
            yield Row(article.id, story, True, None, None, None)
            continue
        canonical = detector.canonical(story, keep) == number
        best = stories.best_match(number)
        if best is None:
            yield Row(article.id, story, canonical, None, None, None)
        else:
            other, link = best
            yield Row(article.id, story, canonical, relation(link.results), kept[other].id, probability(link.odds))


def _refuse_duplicates(chunk: Chunk, detector: Detector) -> Chunk:
    """The chunk without the articles whose ids were seen before, which are among its refusals, in order."""
    seen: set[str] = set()
    duplicate = []
    for k, article in enumerate(chunk.articles):
        if article.id in detector.number_of or article.id in seen:
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
    inputs: Sequence[str], config: Config, mapping: Mapping[str, str], want_lines: bool
) -> Iterator[Iterator[tuple[Chunk, Sketches]]]:
    """Chunks with their sketches, made in a thread; an error there is raised here, after what came before it."""
    ready: queue.Queue[tuple[Chunk, Sketches] | BaseException | None] = queue.Queue(_AHEAD)
    left = threading.Event()

    def produce() -> None:
        try:
            for chunk in read(inputs, limits=config.limits, mapping=mapping, keep_lines=want_lines):
                if left.is_set():
                    return
                ready.put((chunk, _sketch(chunk.articles, config)))
            ready.put(None)
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


def _sketch(articles: Sequence[Article], config: Config) -> Sketches:
    from wirecopy.detector import sketch

    return sketch(articles, config.detection.max_words)


class _Lines:
    """Input lines, spooled to a temporary file: lines[k] is the k-th."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the result
        self._starts = [0]

    def extend(self, lines: Sequence[bytes]) -> None:
        for line in lines:
            self._file.write(line)
            self._starts.append(self._starts[-1] + len(line))

    def __getitem__(self, k: int) -> bytes:
        self._file.seek(self._starts[k])
        return self._file.read(self._starts[k + 1] - self._starts[k])


@contextmanager
def _timed(stages: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        stages[stage] += time.perf_counter() - started
