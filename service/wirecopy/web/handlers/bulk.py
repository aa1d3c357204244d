"""POST /v1/bulk: one answer line per input line, in order.

    reader     body -> lines -> articles -> batch submitted      stops when the spool is full or the service stops
    answerer   batches in order -> verdicts -> answer lines      into the spool
    sender     spool -> client                                   when all is decided; with ?stream=true as it comes

By default the status is the whole truth: 200 when every line is decided and on disk, an error when the body ended
early, with how many lines were kept. Whoever looks at nothing else and sends again after an error loses nothing.

With ?stream=true the three run side by side, so a client may read nothing until it has sent everything: the reader
never waits for the sender. Whatever ends a stream early is told in its last line; what the client still sends is then
read and dropped, or it could never get to that line.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

import msgspec
from aiohttp import web

from wirecopy import errors
from wirecopy.schema.answers import Verdict
from wirecopy.schema.article import Article
from wirecopy.schema.elements import ElementSplitter
from wirecopy.schema.formats import known
from wirecopy.schema.wire import BulkAnswer
from wirecopy.web.connections import connection_of
from wirecopy.web.http import problems, queries
from wirecopy.web.http.answer_spool import AnswerSpool
from wirecopy.web.http.call import Call
from wirecopy.web.http.decompression import decoder_for
from wirecopy.web.http.ndjson import HEAD_BYTES, BadLine, Line, LineSplitter, WholeBody, parse_items, parse_line
from wirecopy.web.http.problems import MalformedRequest, TooLarge, TooSlow, UnsupportedType
from wirecopy.web.http.replies import SECURITY
from wirecopy.web.http.tally import Tally
from wirecopy.web.service import RunningService

MEDIA_TYPE = "application/x-ndjson"
MEDIA_TYPES = (MEDIA_TYPE, "application/ndjson", "application/jsonl", "application/octet-stream")
JSON = "application/json"  # an array, or a document with a list: see `elements`
_BATCH_LINES = 128
_BATCH_BYTES = 4 * 2**20
_BATCHES_UNDER_WAY = 3
_LINGER_SECONDS = 0.005
_QUIET_SECONDS = 1.0  # after which a client whose stream has ended is taken to have stopped sending

_encode_lines = msgspec.json.Encoder().encode_lines


async def post(service: RunningService, call: Call) -> web.StreamResponse:
    """POST /v1/bulk?stream=. Raises UnsupportedType, InvalidParameter, Overloaded.

    Without `stream` also what ended the body early; in a stream that is told by its last line.
    """
    media_type = call.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type not in MEDIA_TYPES and media_type != JSON and media_type not in known.BY_MEDIA_TYPE:
        raise UnsupportedType(f"the body must be sent with Content-Type: {MEDIA_TYPE}", Accept=MEDIA_TYPE)
    is_streamed = queries.boolean(call.query, "stream")
    stream = Stream(service, call, media_type, is_streamed=is_streamed)
    if len(service.streams) >= service.web.max_bulk_streams:
        raise errors.Overloaded(f"{service.web.max_bulk_streams} bulk streams are open already")
    await call.expect_body()
    return await stream.run()


class _LineBatch(NamedTuple):
    """Lines that follow each other: an article each, or what is wrong with the line."""

    first_line: int
    lines: Sequence[Line]
    size: int
    verdicts: "asyncio.Future[Sequence[Verdict]] | None"


class _End(NamedTuple):
    """Nothing was taken from `line` on, because of `error`; None at the end of the body."""

    line: int
    error: Exception | None


class Stream:
    """One bulk stream from its first byte to its last line."""

    def __init__(self, service: RunningService, call: Call, media_type: str, *, is_streamed: bool) -> None:
        self._service = service
        self._call = call
        form = known.BY_MEDIA_TYPE.get(media_type)
        self._request = None if form is None else service.reading(form)
        self._decoder = decoder_for(call.request.headers.get("Content-Encoding", ""))
        is_document = form is not None and form.read is not None
        splitter = ElementSplitter if media_type == JSON else WholeBody if is_document else LineSplitter
        self._splitter = splitter(service.limits.max_line_bytes)
        self._spool = AnswerSpool(service.web.max_spool_bytes)
        self._is_streamed = is_streamed
        self._under_way: asyncio.Queue[_LineBatch | _End] = asyncio.Queue(_BATCHES_UNDER_WAY)
        self._bytes_under_way = 0
        self._batches_under_way = 0
        self._has_answers = asyncio.Event()
        self._stopped = asyncio.Event()
        self._is_answered = False
        self._is_sent = False
        self._next_line = 1
        self._failure: Exception | None = None
        self._end: Exception | None = None
        call.tally = Tally()

    def stop(self, error: Exception | None = None) -> None:
        """Take no more lines; what was taken is answered, then `error` (or: the service stops) is told."""
        self._failure = self._failure or error or errors.NotReady("the service is stopping")
        self._stopped.set()
        self._call.patience.interrupt()

    async def run(self) -> web.StreamResponse:
        """Take all input, send all answers. Raises ConnectionError when the client leaves, and what ended it early."""
        connection = connection_of(self._call.request)
        connection.bear_slow_reader(self._is_streamed)
        self._service.streams.add(self)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._answer())
                sending = group.create_task(self._send_streamed() if self._is_streamed else self._send_whole())
                end = await self._read()
                await self._under_way.put(end)
                if end.error is not None and self._is_streamed and not isinstance(end.error, TooSlow):
                    await self._drop_input()
                connection.bear_slow_reader(False)
            return sending.result()
        except BaseExceptionGroup as group:
            raise _first_of(group) from None
        finally:
            self._service.streams.discard(self)
            self._spool.close()
            self._under_way = (
                asyncio.Queue()
            )  # what is left in it is large, and whoever left keeps the stream for a time
            self._splitter = LineSplitter(0)

    async def _read(self) -> _End:
        """Submit batches until the body ends, or something ends it."""
        try:
            async for lines in self._batches():
                await self._submit(lines)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - becomes the last line
            return _End(self._next_line, error)
        return _End(self._next_line, None)

    async def _batches(self) -> AsyncIterator[list[bytes | None]]:
        """Yield lines of the body by the batch. Raises what ends the stream early."""
        gathered: list[bytes | None] = []
        size = 0
        patience = self._call.patience
        while True:
            if gathered and (data := await patience.read_within(self._linger())) is None:
                yield gathered
                gathered, size = [], 0
            elif not gathered:
                data = await patience.read()
            if not data and data is not None:
                break
            for piece in self._decoder.feed(data or b""):
                for line in self._splitter.feed(piece):
                    gathered.append(line)
                    size += len(line or b"")
                    if len(gathered) == _BATCH_LINES or size >= _BATCH_BYTES:
                        yield gathered
                        gathered, size = [], 0
                self._hold()
                await asyncio.sleep(0)  # a dense body must not hold the others up
        self._check_running()
        self._decoder.finish()
        gathered += self._splitter.finish()
        if gathered:
            yield gathered

    async def _submit(self, lines: Sequence[bytes | None]) -> None:
        self._check_running()
        bucket = self._call.client.bucket
        if bucket is not None and (seconds := bucket.take_many(len(lines))) > 0:
            await self._pause(seconds)
            self._check_running()
        parsed = await self._read_lines(lines)
        articles = [line.found for line in parsed if isinstance(line.found, Article)]
        verdicts = self._service.owner.submit_batch(articles) if articles else None
        size = sum(len(line or b"") for line in lines)
        self._bytes_under_way += size
        self._batches_under_way += 1
        batch = _LineBatch(self._next_line, parsed, size, verdicts)
        self._next_line += len(parsed)
        await self._under_way.put(batch)

    async def _read_lines(self, lines: Sequence[bytes | None]) -> list[Line]:
        """Return what the lines hold; markup is read in a process of its own, line by line where all take too long."""
        limits = self._service.limits
        if self._request is None:
            return [parse_line(line, limits, self._service.intake.parse) for line in lines]
        try:
            return await self._service.worker.run(parse_items, self._request, lines)
        except errors.InvalidArticle as error:
            if len(lines) == 1:
                return [Line(BadLine(error, None, (lines[0] or b"")[:HEAD_BYTES]), [])]
        return [one for line in lines for one in await self._read_lines([line])]

    def _check_running(self) -> None:
        """Raise what stopped the stream."""
        if self._failure is not None:
            raise self._failure
        if self._spool.is_full and self._is_streamed:
            raise errors.Overloaded("the answers that wait for this client fill their spool; read while you send")
        if self._spool.is_full:
            most = self._service.web.max_spool_bytes
            raise TooLarge(f"its answers are longer than {most} bytes (web.max_spool_bytes): send it in parts")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            return

    def _linger(self) -> float:
        """Return seconds to wait for more lines before a batch that is not full goes on its way."""
        return _LINGER_SECONDS if self._batches_under_way else 0.0

    def _hold(self) -> None:
        self._call.share.hold(self._bytes_under_way + self._splitter.unfinished_bytes)

    async def _answer(self) -> None:
        """Turn batches into answer lines, in order, to the end."""
        while isinstance(batch := await self._under_way.get(), _LineBatch):
            self._bytes_under_way -= batch.size
            if self._is_answered:
                if batch.verdicts is not None:
                    batch.verdicts.cancel()  # a batch before this one failed: nothing behind it was stored
                continue
            try:
                verdicts = [] if batch.verdicts is None else await batch.verdicts
            except Exception as error:  # noqa: BLE001 - becomes the last line
                self._finish(batch.first_line, error)
                self.stop(error)
                continue
            self._batches_under_way -= 1
            answers = list(self._answers_to(batch, verdicts))
            self._service.metrics.count_lines(Counter(answer.status for answer in answers))
            self._put(answers)
        if not self._is_answered:
            self._finish(batch.line, batch.error)

    def _answers_to(self, batch: _LineBatch, verdicts: Sequence[Verdict]) -> Iterator[BulkAnswer]:
        remaining = iter(verdicts)
        assert self._call.tally is not None
        for number, (found, warnings) in enumerate(batch.lines, batch.first_line):
            if found is None:
                continue
            if isinstance(found, Article):
                verdict = next(remaining)
                status = 200 if verdict.replayed or verdict.superseded or verdict.revision > 1 else 201
                self._call.tally.count(verdict, warnings)
                yield BulkAnswer(number, status, found.id, verdict=verdict, warnings=tuple(warnings))
            elif isinstance(found.error, errors.NotText):
                self._call.tally.skipped += 1
                yield BulkAnswer(number, 204, found.id, skipped=found.error.kind)
            else:
                problem = problems.describe(found.error)
                self._call.tally.refused += 1
                self._service.refused.add(self._call, number, found.head, found.id, problem)
                yield BulkAnswer(number, problem.status, found.id, problem=problem)

    def _finish(self, line: int, error: Exception | None) -> None:
        self._is_answered = True
        self._end = error
        if error is not None and self._is_streamed:
            problem = problems.describe(error, self._call.request_id)
            self._service.count_problem(self._call, error)
            self._put([BulkAnswer(line, problem.status, None, problem=problem)])
        self._has_answers.set()

    def _put(self, answers: Sequence[BulkAnswer]) -> None:
        self._spool.put(_encode_lines(answers))
        self._has_answers.set()

    async def _send_streamed(self) -> web.StreamResponse:
        """Pass answers on to the client as they come, to the last."""
        response = await self._begin()
        while True:
            if data := self._spool.take():
                await response.write(data)
            elif self._is_answered:
                if self._end is not None:
                    response.force_close()
                await response.write_eof()
                self._is_sent = True
                return response
            else:
                self._has_answers.clear()
                await self._has_answers.wait()

    async def _send_whole(self) -> web.StreamResponse:
        """Send the answers when all of them are there. Raises what ended the body early."""
        while not self._is_answered:
            self._has_answers.clear()
            await self._has_answers.wait()
        if self._end is not None:
            raise self._end
        response = await self._begin()
        while data := self._spool.take():
            await response.write(data)
        await response.write_eof()
        return response

    async def _begin(self) -> web.StreamResponse:
        headers = {**SECURITY, **self._call.cross_origin}
        headers |= {"Content-Type": MEDIA_TYPE, "X-Request-Id": self._call.request_id}
        assert self._call.tally is not None
        headers |= {"X-Accel-Buffering": "no"} if self._is_streamed else self._call.tally.headers()
        response = web.StreamResponse(headers=headers)
        await response.prepare(self._call.request)
        return response

    async def _drop_input(self) -> None:
        """Read what the client still sends, so that it gets to reading, until it is done, quiet, or out of time."""
        patience = self._call.new_patience()
        with contextlib.suppress(MalformedRequest):
            while (data := await patience.read_within(_QUIET_SECONDS)) != b"":
                await asyncio.sleep(0)
                if (data is None and self._is_sent) or patience.is_used_up:
                    return


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error of a group; none of it keeps the frames that it went through, and these the lines."""
    group.__traceback__ = None
    errors_ = [_first_of(error) if isinstance(error, BaseExceptionGroup) else error for error in group.exceptions]
    for error in errors_:
        error.__traceback__ = None
    return errors_[0]
