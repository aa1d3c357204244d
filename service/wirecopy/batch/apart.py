"""Apart: large files are read in a process of its own, beside everything that this one does from its start on.

    this process    pickled Task -->  stdin     the reader: `main`
                    stdout  <-- frames: size, how it goes on, and a Part, or how it ended

The reader loads nothing compiled, so it is at work while this process still loads kernels; and its Python waits for no
other's. Of articles come what stays of them and, encoded, what becomes traces.
"""

import contextlib
import os
import pickle
import re
import struct
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any, BinaryIO, NamedTuple, cast

import msgspec
from msgspec import structs

from wirecopy.batch.prefetch import made_ahead
from wirecopy.config import Config, Intake, Limits
from wirecopy.errors import InputFailed, UsageError
from wirecopy.files.inputs import expand
from wirecopy.files.reading import Chunk, Schema, read
from wirecopy.files.remote import is_address
from wirecopy.schema.article import Article
from wirecopy.schema.intake import IntakeParser

LEAST_BYTES = 4_000_000  # of files together; smaller ones are read before a process is there
_MOST_WAITING = 1 << 26  # bytes that are read ahead
_HEAD = struct.Struct("<QB")
_PART, _END, _FAILED, _BUG = range(4)
_BEHIND = b" " * 64  # what kernels may read behind the last text
_SURROGATE = re.compile("[\ud800-\udfff]")


class Part(msgspec.Struct, frozen=True, array_like=True):
    """A chunk whose articles have no texts. These are `encoded`, titles and texts and then titles alone, behind each
    other; `bounds` (int64) say where each begins, and the last ends.
    """

    chunk: Chunk
    encoded: memoryview
    bounds: memoryview


class Task(NamedTuple):
    """What the reader is to do: as `reading.read`."""

    inputs: Sequence[str]
    limits: Limits
    intake: Intake
    mapping: Mapping[str, str]
    is_strict: bool
    schema: Schema
    keeps_lines: bool


def is_worthwhile(inputs: Sequence[str], schema: Schema) -> bool:
    """Return whether the inputs are files, and large enough for a process of their own."""
    if not sys.executable or any(name == "-" or is_address(name) for name in inputs):
        return False
    try:
        files = expand(inputs, schema)
        return all(map(os.path.isfile, files)) and sum(map(os.path.getsize, files)) >= LEAST_BYTES
    except (InputFailed, UsageError, OSError):
        return False  # who reads them says so


@contextmanager
def reading(
    inputs: Sequence[str], config: Config, intake: IntakeParser, mapping: Mapping[str, str], schema: Schema, *,
    keeps_lines: bool,
) -> Iterator[Iterator[Part]]:  # fmt: skip
    """Yield the chunks of `reading.read`, read by a process that ends with the context at the latest.

    It reads with an intake of its own, made from the same settings and `mapping`; `intake` hears what it had found when
    it has read all. Raises what `read` raises, and InputFailed when the process is ended by somebody else.
    """
    task = Task(inputs, config.limits, config.intake, mapping, intake.is_strict, schema, keeps_lines)
    # What is imported comes from where this process has it, never from the folder in which it happens to be.
    code = f"import sys; sys.path[:] = {sys.path!r}; from wirecopy.batch.apart import main; main()"
    command, pipe = [sys.executable, "-P", "-c", code], subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True) as process,
        made_ahead(_received(process, task, intake), most=_MOST_WAITING, weigh=len) as frames,
    ):
        try:
            yield map(_decode_part, frames)
        finally:
            process.kill()  # first, so that the thread that receives ends


def _received(process: "subprocess.Popen[bytes]", task: Task, intake: IntakeParser) -> Iterator[bytes]:
    """Yield the parts as they come; raises how the reading ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as sink:
        sink.write(pickle.dumps(task))
    while len(head := process.stdout.read(_HEAD.size)) == _HEAD.size:
        size, kind = _HEAD.unpack(head)
        data = process.stdout.read(size)
        if len(data) < size:
            break
        if kind == _PART:
            yield data
        elif kind == _END:
            intake.found.update(pickle.loads(data))
            return
        else:
            raise _rebuilt(data) if kind == _FAILED else RuntimeError(pickle.loads(data))
    raise InputFailed(task.inputs[0], f"the process that reads ended, exit code {process.wait()}")


def _rebuilt(data: bytes) -> Exception:
    """Return the failure that the reader told: errors have other arguments than what they are made with."""
    kind, arguments, attributes = pickle.loads(data)
    error = cast(Exception, kind.__new__(kind, *arguments))
    vars(error).update(attributes)
    return error


def _counted(kind: type, value: Any) -> Any:
    return kind(value)


_encode_part = msgspec.msgpack.Encoder(enc_hook=dict).encode
_decode_part = msgspec.msgpack.Decoder(Part, dec_hook=_counted).decode


def work(source: BinaryIO, sink: BinaryIO) -> None:
    """Read what is asked for, and tell how it ended. Runs in the process."""
    task = Task(*pickle.load(source))
    intake = IntakeParser.of(task.limits, task.intake, **task.mapping)
    intake.is_strict = task.is_strict
    try:
        for chunk in read(
            task.inputs, limits=task.limits, mapping={}, keep_lines=task.keeps_lines, schema=task.schema, intake=intake
        ):
            _send(sink, _PART, _encode_part(_part_of(chunk)))
        _send(sink, _END, pickle.dumps(Counter(intake.found)))
    except BrokenPipeError:
        return  # nobody waits any more
    except (InputFailed, UsageError) as error:
        _send(sink, _FAILED, pickle.dumps((type(error), error.args, vars(error))))
    except Exception:  # noqa: BLE001 - a bug, which the process that waits raises
        _send(sink, _BUG, pickle.dumps(traceback.format_exc()))


def _send(sink: BinaryIO, kind: int, data: bytes) -> None:
    sink.write(_HEAD.pack(len(data), kind))
    sink.write(data)
    sink.flush()


def _part_of(chunk: Chunk) -> Part:
    articles = chunk.articles
    pieces = [_encode(f"{a.title}\n{a.text}" if a.title else a.text) for a in articles]
    pieces += [_encode(a.title or "") for a in articles]
    bounds = struct.pack(f"={len(pieces) + 1}q", 0, *accumulate(map(len, pieces)))
    chunk.articles = [_without_text(article) for article in articles]
    return Part(chunk, memoryview(b"".join([*pieces, _BEHIND])), memoryview(bounds))


def _without_text(article: Article) -> Article:
    return structs.replace(article, text="", title=None, url=None, language=None)


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def main() -> None:
    """Work; what others print goes to standard error."""
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError), sink:
        work(sys.stdin.buffer, sink)
