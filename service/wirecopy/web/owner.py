"""The one way to the Detector: many requests, one thread that owns it, one commit for all that wait.

Requests put work into a queue without bound of its own; what may be in it is bounded before: single articles by
`max_waiting`, streams by their number and by what each has under way. The owner takes everything that is there, in
turns: the single articles that gathered while it worked on the last, or half of many, then one batch of a stream, then
questions. The store may write in a thread of its own, so what is decided waits there for its commit; nobody is answered
before that, not even who only asked, since the answer may speak of articles that are not on disk yet.

Who asks never holds up who writes. A few questions are with the owner at one time, and it answers them for some
milliseconds between two commits; the others wait in the order in which they came, one for each connection, so many at
most. What takes long is asked in parts.

A failure of `ingest`, of another change or of a commit ends the owner: memory and disk may differ from then on, so
nothing more is decided, everything that waits fails, and `ended` tells the process to stop.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from wirecopy import errors
from wirecopy.schema.answers import Verdict
from wirecopy.schema.article import Article
from wirecopy.web.aside import Aside
from wirecopy.web.clock import Clock
from wirecopy.web.loading import LoadingStopped
from wirecopy.web.standby import LogFollower, Role

if TYPE_CHECKING:
    from wirecopy.detector.detector import ArticleTraces, Detector
    from wirecopy.detector.standby import Standby

T = TypeVar("T")

_PRUNE_EVERY_SECONDS = 60.0
_PRUNED_SHARE = 0.01  # of the articles, at once: whatever was set wrong, there is time to notice
_TRACE_THREADS = 2
_ALL_AT_ONCE = 16  # single articles that are not worth two
_QUESTIONS_AT_ONCE = 4  # the loop encodes their answers between two requests of others
_ANSWERING_SECONDS = 0.005  # between two commits


class Commit(NamedTuple):
    """What the owner decided in one go, for the metrics, and the seconds until it was on disk."""

    verdicts: Sequence[Verdict]
    seconds: float


class _Single(NamedTuple):
    article: Article
    future: "asyncio.Future[Verdict]"


class _Singles(NamedTuple):
    """What came in one turn of the event loop: the owner is woken once for all of it."""

    singles: Sequence[_Single]


class _Batch(NamedTuple):
    articles: Sequence[Article]
    traces: "Future[ArticleTraces]"
    future: "asyncio.Future[Sequence[Verdict]]"


class _Question(NamedTuple):
    ask: "Callable[[Detector], Any]"
    future: "asyncio.Future[Any]"
    may_change: bool = False


class _News(NamedTuple):
    """The writer has committed something, and this is a standby."""


class _Broken(NamedTuple):
    """A commit failed."""

    error: BaseException


_Work = _Singles | _Batch | _Question
_Taken = _Work | _News | _Broken | None  # None: stop


class DetectorThread:
    """The thread that owns the Detector: takes what waits in turns, decides, commits, answers."""

    def __init__(
        self,
        open_detector: "Callable[[], Detector | Standby]",
        *,
        max_waiting: int,
        max_batch: int,
        max_questions: int,
        clock: Clock,
        on_pruned: Callable[[int], None],
        on_commit: Callable[[Commit], None],
        on_events: Callable[[int], None],
    ) -> None:
        """`open_detector` is called in the owner's thread, and so is everything on what it returns except `trace`.

        `on_events` hears the number of the newest event of the feed, once that is on disk.
        """
        self._open = open_detector
        self._max_waiting = max_waiting
        self._max_batch = max_batch
        self._max_questions = max_questions
        self._now = clock.now
        self._on_pruned = on_pruned
        self._turn = asyncio.Semaphore(_QUESTIONS_AT_ONCE)
        self._on_commit = on_commit
        self._on_events = on_events
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Taken] = SimpleQueue()
        self._gathering: list[_Single] = []
        self._owner = Thread(target=self._run, name="detector", daemon=True)
        self._aside = Aside()
        self._tracers = ThreadPoolExecutor(_TRACE_THREADS, thread_name_prefix="trace")
        self._detector: Detector | None = None
        self._last_event = 0
        self._unanswered: set[asyncio.Future[Any]] = set()
        self.waiting_questions = 0
        self.waiting_singles = 0
        self.waiting_in_batches = 0
        self.is_ready = False
        self.url: str | None = None  # where this service is, as standbys are told
        self.role = Role()
        self.promoted: asyncio.Future[None] = self._loop.create_future()
        self.opened: asyncio.Future[None] = self._loop.create_future()
        self.ended: asyncio.Future[None] = self._loop.create_future()

    def start(self) -> None:
        """Open the Detector. `opened` is done when it is ready; `ended` fails when it cannot be, or breaks later."""
        self._owner.start()

    def _new_future(self) -> "asyncio.Future[Any]":
        """Return a future that fails when the owner ends before it is done."""
        future: asyncio.Future[Any] = self._loop.create_future()
        self._unanswered.add(future)
        return future

    # What follows runs in the owner's thread, except for the methods that it passes to _tell.

    def _run(self) -> None:
        try:
            opened = self._open()
            detector = (
                self._stand_by(cast("Standby", opened))
                if getattr(opened, "is_standby", False)
                else cast("Detector", opened)
            )
            if detector is None:
                self._call_in_loop(self.ended.set_result, None)
                return
            self._detector = detector
            self._report_events(detector.last_event)
            detector.reach(self._now())  # what is due since the last stop is told before anything is answered
            self._call_in_loop(self._report_opened)
            self._call_in_loop(self._report_promoted)
            if detector.last_event > self._last_event:
                self._when_durable(detector, lambda: None)
            self._serve(detector)
            detector.close()
        except LoadingStopped:
            self._call_in_loop(self.ended.set_result, None)
        except BaseException as error:  # noqa: BLE001 - handed to the process, which ends with it
            self._call_in_loop(self._report_failure, error)
        else:
            self._call_in_loop(self.ended.set_result, None)

    def _stand_by(self, standby: "Standby") -> "Detector | None":
        """Follow the writer and answer questions until its lock is free; None when told to stop before that."""
        standby.listen(lambda: self._queue.put(_News()))
        following = LogFollower(standby, self.role)
        self._call_in_loop(self._report_opened)
        while True:
            for work in self._take(following.next_look):
                match work:
                    case None:
                        standby.close()
                        return None
                    case _Question() if work.may_change:
                        error = errors.NotWriter(self.role.writer_url)
                        self._call_in_loop(_set_exception, work.future, error)
                    case _Question():
                        self._answer_aside(standby, work)
            following.step()
            self._report_events(standby.last_event)
            if following.claims():
                return following.take_over(self.url)

    def _answer_aside(self, standby: "Standby", question: _Question) -> None:
        """Answer on a standby, all of whose records are on disk."""
        try:
            answer = question.ask(cast("Detector", standby))
        except Exception as error:  # noqa: BLE001 - who asked is told
            self._call_in_loop(_set_exception, question.future, error)
        else:
            self._call_in_loop(_set_result, question.future, answer)

    def _serve(self, detector: "Detector") -> None:
        """Work until told to stop. Raises what broke the Detector or a commit."""
        singles: deque[_Single] = deque()
        batches: deque[_Batch] = deque()
        questions: deque[_Question] = deque()
        next_pruning = time.monotonic() + _PRUNE_EVERY_SECONDS
        is_stopping = False
        while True:
            is_idle = not (singles or batches or questions)
            if is_idle and is_stopping:
                return
            for work in self._take(next_pruning if is_idle else None):
                match work:
                    case None:
                        is_stopping = True
                        continue
                    case _Broken():
                        raise work.error
                    case _Singles():
                        singles += work.singles
                    case _Batch():
                        batches.append(work)
                    case _Question():
                        questions.append(work)
            if singles:
                gathered = [singles.popleft() for _ in range(_share_of(len(singles), self._max_batch))]
                articles = [single.article for single in gathered]
                self._ingest(detector, articles, None, partial(self._answer_singles, gathered))
            if batches:
                batch = batches.popleft()
                answer = partial(self._answer_batch, batch)
                self._ingest(detector, batch.articles, batch.traces.result(), answer)
            if questions:
                detector.reach(self._now())
            until = time.monotonic() + _ANSWERING_SECONDS
            while questions and (is_stopping or time.monotonic() < until):
                self._answer(detector, questions.popleft())
            if time.monotonic() >= next_pruning:
                pruned = detector.prune(self._now(), _PRUNED_SHARE)
                self._when_durable(detector, partial(self._call_in_loop, self._on_pruned, pruned))
                next_pruning = time.monotonic() + _PRUNE_EVERY_SECONDS

    def _take(self, wait_until: float | None) -> list[_Taken]:
        """Return everything in the queue; with `wait_until`, at least one piece of work unless that time comes
        first.
        """
        taken: list[_Taken] = []
        try:
            if wait_until is not None:
                taken.append(self._queue.get(timeout=max(0.0, wait_until - time.monotonic())))
            while True:
                taken.append(self._queue.get_nowait())
        except Empty:
            return taken

    def _ingest(
        self,
        detector: "Detector",
        articles: Sequence[Article],
        traces: "ArticleTraces | None",
        answer: Callable[[Commit], None],
    ) -> None:
        started = time.perf_counter()
        verdicts = detector.ingest(articles, first_seen=self._now(), traces=traces)
        self._when_durable(
            detector, lambda: self._call_in_loop(answer, Commit(verdicts, time.perf_counter() - started))
        )

    def _answer(self, detector: "Detector", question: _Question) -> None:
        try:
            answer = partial(_set_result, question.future, question.ask(detector))
        except Exception as error:
            if question.may_change and (
                isinstance(error, errors.StorageError) or not isinstance(error, errors.WirecopyError)
            ):
                self._call_in_loop(_set_exception, question.future, error)
                raise
            answer = partial(_set_exception, question.future, error)
        self._when_durable(detector, lambda: self._call_in_loop(answer))

    def _when_durable(self, detector: "Detector", then: Callable[[], None]) -> None:
        """Go on with `then` when all that was decided is on disk; when it cannot be, with the end."""
        last = detector.last_event

        def go_on(error: BaseException | None) -> None:
            if error is not None:
                self._queue.put(_Broken(error))
                return
            then()
            self._report_events(last)

        detector.when_durable(go_on)

    def _report_events(self, last: int) -> None:
        """Tell who follows the feed of events that are on disk now; runs in the owner's or in the store's thread."""
        if last > self._last_event:
            self._last_event = last
            self._call_in_loop(self._on_events, last)

    def _call_in_loop(self, function: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon_threadsafe(function, *arguments)

    def _report_opened(self) -> None:
        self.is_ready = not self.ended.done()
        if not self.opened.done():
            self.opened.set_result(None)

    def _report_promoted(self) -> None:
        self.role.is_writer = True
        if not self.promoted.done():
            self.promoted.set_result(None)

    def _answer_singles(self, gathered: Sequence[_Single], commit: Commit) -> None:
        self._on_commit(commit)
        self.waiting_singles -= len(gathered)
        for single, verdict in zip(gathered, commit.verdicts, strict=True):
            self._unanswered.discard(single.future)
            _set_result(single.future, verdict)

    def _answer_batch(self, batch: _Batch, commit: Commit) -> None:
        self._on_commit(commit)
        self.waiting_in_batches -= len(batch.articles)
        self._unanswered.discard(batch.future)
        _set_result(batch.future, commit.verdicts)

    def _report_failure(self, error: BaseException) -> None:
        """Say that nothing that waits was acknowledged."""
        self.is_ready = False
        for future in list(self._unanswered):
            _set_exception(future, errors.StorageFailed("the service cannot store articles and is stopping"))
        for future in (self.opened, self.promoted):
            if not future.done():
                future.cancel()
        self.ended.set_exception(error)


class Owner(DetectorThread):
    """Owns the thread that owns the Detector. All methods belong to the event loop that made it."""

    async def close(self) -> None:
        """Finish what was taken, close the Detector, end the thread. Raises nothing: `ended` has what went wrong."""
        self.is_ready = False
        if not self.ended.done():
            self._hand_over()
            self._queue.put(None)
        await asyncio.wait([self.ended])
        self._tracers.shutdown(wait=False)
        self._aside.close()

    def check_room(self) -> None:
        """Raise NotReady or Overloaded when an article would not be taken now; asked before its body is read."""
        self._check_ready()
        if self.waiting_singles >= self._max_waiting:
            raise errors.Overloaded(f"{self._max_waiting} articles are waiting already")

    def ingest(self, article: Article) -> "asyncio.Future[Verdict]":
        """Return a future of the verdict, done once it is on disk. Raises NotReady, Overloaded; it StorageFailed."""
        self.check_room()
        future: asyncio.Future[Verdict] = self._new_future()
        self.waiting_singles += 1
        if not self._gathering:
            self._loop.call_soon(self._hand_over)
        self._gathering.append(_Single(article, future))
        return future

    def _hand_over(self) -> None:
        """Give the owner the single articles that came since the last time."""
        if self._gathering:
            self._queue.put(_Singles(self._gathering))
            self._gathering = []

    def submit_batch(self, articles: Sequence[Article]) -> "asyncio.Future[Sequence[Verdict]]":
        """Return a future of the verdicts of a stream's next articles, done once they are on disk. Raises NotReady.

        They are traced beside the commits before theirs; batches are decided in the order of the calls.
        """
        self._check_ready()
        assert self._detector is not None
        future: asyncio.Future[Sequence[Verdict]] = self._new_future()
        traces = self._tracers.submit(self._detector.trace, articles)
        self._queue.put(_Batch(articles, traces, future))
        self.waiting_in_batches += len(articles)
        return future

    async def ask(self, question: "Callable[[Detector], T]") -> T:
        """Return what `question` finds between two commits; raises what it raises, NotReady, and Overloaded."""
        async with self._asking():
            return await self._put(question, may_change=False)

    async def ask_in_parts(self, begin: "Callable[[Detector], Generator[None, None, T]]") -> T:
        """Return the same for a long question: articles are decided between the parts of the generator that it
        begins.
        """
        async with self._asking():
            return await self._run_parts(await self._put(begin, may_change=False), may_change=False)

    async def change(self, change: "Callable[[Detector, int], T]") -> T:
        """Return the same for what changes the Detector, at a moment in milliseconds since 1970; raises StorageFailed
        too.
        """
        with self._waiting():
            return await self._put(lambda detector: change(detector, self._now()), may_change=True)

    async def change_in_parts(self, begin: "Callable[[Detector, int], Generator[None, None, T]]") -> T:
        """Return the same as a generator, between whose parts articles are decided."""
        with self._waiting():
            parts = await self._put(lambda detector: begin(detector, self._now()), may_change=False)
            return await self._run_parts(parts, may_change=True)

    async def _run_parts(self, parts: "Generator[None, None, T]", *, may_change: bool) -> T:
        while True:
            over, found = await self._put(lambda _: _step(parts), may_change=may_change)
            if over:
                return cast(T, found)

    async def _put(self, question: "Callable[[Detector], T]", *, may_change: bool) -> T:
        self._check_ready()
        future: asyncio.Future[T] = self._new_future()
        self._queue.put(_Question(question, future, may_change))
        try:
            return await future
        finally:
            self._unanswered.discard(future)

    async def work_aside(self, work: Callable[[], T]) -> T:
        """Return what `work`, which needs no Detector, finds in another thread; raises what it raises, Overloaded."""
        with self._waiting():
            return await self._aside.run(work)

    @asynccontextmanager
    async def _asking(self) -> AsyncIterator[None]:
        """While it lasts, one of the few questions that are answered at one time; comes to its turn."""
        with self._waiting():
            async with self._turn:
                yield

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """While it lasts, one more request waits for its answer."""
        if self.waiting_questions >= self._max_questions:
            raise errors.Overloaded(f"{self._max_questions} questions are waiting already")
        self.waiting_questions += 1
        try:
            yield
        finally:
            self.waiting_questions -= 1

    def _check_ready(self) -> None:
        if not self.is_ready:
            raise errors.NotReady("the service is loading or stopping")


def _share_of(waiting: int, most: int) -> int:
    """Return how many of the single articles that wait are decided next, `most` at most: all of a few, half of many.

    While the others are decided, these are committed and answered, and the next are read. All at once, one thread
    would work at a time: clients that wait for the same commit also come again at the same moment.
    """
    return min(most, waiting if waiting <= _ALL_AT_ONCE else (waiting + 1) // 2)


def _step(parts: "Generator[None, None, T]") -> tuple[bool, T | None]:
    """Return whether a generator has come to its end with the next part, and what it returned then."""
    try:
        next(parts)
    except StopIteration as end:
        return True, end.value
    return False, None


def _set_result(future: "asyncio.Future[T]", result: T) -> None:
    if not future.done():
        future.set_result(result)


def _set_exception(future: "asyncio.Future[T]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
