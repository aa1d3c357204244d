"""`wirecopy push`: input files -> a running service, in order, by the chunk; resumable, patient.

While the service works on one chunk, the next is read. Sending the same article twice does no harm, so whatever is in
doubt is sent again: after a broken connection, everything of the chunk that was not answered. How far each file was
answered stands in a small state file, written after every chunk and removed at the end; it holds for the same service
and as long as the beginning of the file is the same.
"""

import hashlib
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec

from wirecopy import errors
from wirecopy.client.calls import MAX_CHUNK_LINES, WORTH_ANOTHER_TRY, encode_article, refusal_of
from wirecopy.client.client import Client
from wirecopy.client.pauses import GrowingPauses
from wirecopy.config import Limits
from wirecopy.errors import Refusal
from wirecopy.files import reading
from wirecopy.files.documents import FetchNitf
from wirecopy.schema.intake import IntakeParser
from wirecopy.schema.wire import BulkAnswer

_HEAD_BYTES = 64 * 2**10

Pause = Callable[[float], object]


class PushSummary(NamedTuple):
    """What became of the articles of this run."""

    new: int
    revised: int
    replayed: int
    refused: int
    seconds: float

    def __str__(self) -> str:
        sent = self.new + self.revised + self.replayed
        speed = sent / self.seconds if self.seconds > 0 else 0
        counts = f"{self.new:,} new, {self.revised:,} revised, {self.replayed:,} known, {self.refused:,} refused"
        return f"{sent:,} articles: {counts}; {speed:,.0f} articles/s"


def push(
    inputs: Sequence[str],
    *,
    url: str,
    key: str | None = None,
    state_file: Path | None = None,
    restart: bool = False,
    give_up_after: float = 300.0,
    on_refusal: Callable[[Refusal], None],
    on_progress: Callable[[int], None],
    pause: Pause = time.sleep,
    ca_file: str | None = None,
    schema: reading.Schema = "own",
    intake: IntakeParser | None = None,
    fetch_nitf: FetchNitf | None = None,
    on_chunk: Callable[[reading.Chunk], None] = lambda _: None,
) -> PushSummary:
    """Send all articles of `inputs`; return what became of them. `on_chunk` is called with each chunk that is sent.

    Raises InputFailed, UsageError, and ServiceError: at once when trying again is no use, otherwise when that brought
    no answer for `give_up_after` seconds.
    """
    files = reading.expand(inputs, schema)
    progress = _Progress(url, files, state_file, restart)
    started = time.monotonic()
    with Client(url, key=key, ca_file=ca_file, retries=0) as client, ThreadPoolExecutor(1) as background:
        sender = _Sender(client, give_up_after, on_refusal, pause)
        under_way: Future[None] | None = None
        for chunk in reading.read(
            inputs,
            limits=Limits(),
            mapping={},
            chunk_size=MAX_CHUNK_LINES,
            schema=schema,
            intake=intake,
            fetch_nitf=fetch_nitf,
        ):
            on_chunk(chunk)
            work = progress.select(chunk)
            if under_way is not None:
                under_way.result()
                on_progress(sender.answered)
            under_way = background.submit(_send, sender, progress, work)
        if under_way is not None:
            under_way.result()
        on_progress(sender.answered)
    progress.forget()
    return PushSummary(**sender.counts, seconds=time.monotonic() - started)


class _Unsent(NamedTuple):
    """What of a chunk was not sent before; `places` and `lines` run parallel. `reached` is where the chunk ends."""

    places: list[reading.RecordLocation]
    lines: list[bytes]
    refusals: list[Refusal]
    reached: dict[str, int]


def _send(sender: "_Sender", progress: "_Progress", work: _Unsent) -> None:
    sender.send(work)
    progress.note(work.reached)


class _Sender:
    """Sends chunks, again and again if need be."""

    def __init__(
        self, client: Client, give_up_after: float, on_refusal: Callable[[Refusal], None], pause: Pause
    ) -> None:
        self._client = client
        self._give_up_after = give_up_after
        self._on_refusal = on_refusal
        self._pause = pause
        self.counts = {"new": 0, "revised": 0, "replayed": 0, "refused": 0}
        self.answered = 0

    def send(self, work: _Unsent) -> None:
        """Send lines until each has its answer. Raises ServiceError."""
        for refusal in work.refusals:
            self._refuse(refusal)
        done = 0
        pauses, progress_at = GrowingPauses(), time.monotonic()
        while done < len(work.lines):
            before = done
            try:
                for answer in self._client.bulk_lines(work.lines[before:]):
                    self._count(answer, work.places[done])
                    done += 1
            except errors.ServiceError as error:
                if done > before:
                    pauses.begin_anew()
                    progress_at = time.monotonic()
                if not _is_worth_another_try(error) or time.monotonic() - progress_at >= self._give_up_after:
                    raise
                self._pause(pauses.next(getattr(error, "retry_after", None)))

    def _count(self, answer: BulkAnswer, place: reading.RecordLocation) -> None:
        """Raise ServiceRefused for the line with which a stream ends early."""
        if answer.problem is not None:
            if answer.status >= 500 or answer.status == 408:
                raise refusal_of(answer.problem)
            self._refuse(Refusal(place.file, place.line, answer.problem.detail))
        elif answer.verdict is not None:
            revised = "revised" if answer.verdict.revision > 1 else "new"
            self.counts["replayed" if answer.verdict.replayed else revised] += 1
        self.answered += 1

    def _refuse(self, refusal: Refusal) -> None:
        self.counts["refused"] += 1
        self._on_refusal(refusal)


def _is_worth_another_try(error: errors.ServiceError) -> bool:
    return not isinstance(error, errors.ServiceRefused) or error.status in WORTH_ANOTHER_TRY


class _Done(msgspec.Struct):
    """How far a file was answered, and what its beginning was."""

    line: int
    head_bytes: int
    head: str


class _State(msgspec.Struct):
    """What stands in the state file."""

    to: str
    files: dict[str, _Done]


class _Progress:
    """Which lines were answered before, kept in the state file; there is none when only standard input is read."""

    def __init__(self, url: str, files: Sequence[str], state_file: Path | None, restart: bool) -> None:
        kept = [file for file in files if os.path.isfile(file)]
        self._file = state_file or (Path(kept[0] + ".push") if kept else None)
        self._keeps = {file: os.path.abspath(file) for file in kept}
        self._state = _State(url, {})
        if self._file is not None and not restart:
            found = _read_state(self._file)
            if found.to == url:
                self._state.files = {name: done for name, done in found.files.items() if _is_same(name, done)}

    def select(self, chunk: reading.Chunk) -> _Unsent:
        """Return what of a chunk is still to be sent."""
        articles = zip(chunk.places, chunk.articles, strict=True)
        remaining = [(place, article) for place, article in articles if self._is_new(place.file, place.line)]
        refusals = [refusal for refusal in chunk.refusals if self._is_new(refusal.file, refusal.line)]
        reached: dict[str, int] = {}
        ends = [(file, line) for file, line in chunk.places] + [
            (refusal.file, refusal.line) for refusal in chunk.refusals
        ]
        for file, line in ends:
            reached[file] = max(line, reached.get(file, 0))
        lines = [encode_article(article) for _, article in remaining]
        return _Unsent([place for place, _ in remaining], lines, refusals, reached)

    def note(self, reached: dict[str, int]) -> None:
        """Note that everything up to these lines was answered. Raises OutputFailed."""
        for file, line in reached.items():
            if file in self._keeps:
                name = self._keeps[file]
                before = self._state.files.get(name)
                self._state.files[name] = _Done(line, *_read_head(name)) if before is None else _moved(before, line)
        if self._file is not None:
            _write_state(self._file, self._state)

    def forget(self) -> None:
        """Forget the place, since everything was sent."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _is_new(self, file: str, line: int) -> bool:
        done = self._state.files.get(self._keeps.get(file, ""))
        return done is None or line > done.line


def _moved(done: _Done, line: int) -> _Done:
    return msgspec.structs.replace(done, line=max(line, done.line))


def _read_head(file: str, size: int = _HEAD_BYTES) -> tuple[int, str]:
    with open(file, "rb") as stream:
        head = stream.read(size)
    return len(head), hashlib.sha256(head).hexdigest()


def _is_same(file: str, done: _Done) -> bool:
    try:
        return _read_head(file, done.head_bytes) == (done.head_bytes, done.head)
    except OSError:
        return False


def _read_state(file: Path) -> _State:
    try:
        return msgspec.json.decode(file.read_bytes(), type=_State)
    except FileNotFoundError:
        return _State("", {})
    except (OSError, msgspec.DecodeError) as error:
        raise errors.InputFailed(str(file), f"it is no state of a push ({error}); --restart does without it") from None


def _write_state(file: Path, state: _State) -> None:
    unfinished = file.with_name(file.name + ".new")
    try:
        unfinished.write_bytes(msgspec.json.encode(state))
        os.replace(unfinished, file)
    except OSError as error:
        raise errors.OutputFailed(str(file), error.strerror or str(error)) from None
