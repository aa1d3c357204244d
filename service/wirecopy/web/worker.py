"""Work in a process of its own that can be given up: markup of strangers is read there.

    the service    pickled (function, arguments) -->  stdin     the worker: python -m wirecopy.web.worker
                   stdout  <-- pickled (is_good, result)        one piece of work after the other

Time is bounded here, memory by the worker's own limit. A worker that goes beyond either is killed, and the next piece
of work gets a new one, which takes a tenth of a second.
"""

import asyncio
import contextlib
import ctypes
import pickle
import resource
import signal
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, BinaryIO, TypeVar, cast

from wirecopy import errors
from wirecopy.web.aside import Aside

T = TypeVar("T")

_LENGTH = struct.Struct("<Q")
_MOST_WAITING = 256
_DIE_WITH_PARENT = 1
_READY = b"ready"


class Worker:
    """One process, made when it is first needed. Belongs to the event loop that made it."""

    def __init__(self, max_seconds: float, max_bytes: int) -> None:
        self._max_seconds = max_seconds
        self._max_bytes = max_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._given_up: subprocess.Popen[bytes] | None = None
        self._aside = Aside()  # the thread that waits for the process
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what `function`, of a module, returns there, raise what it raises.

        Raises InvalidArticle for work that takes too long or too much memory, Overloaded when too much waits.
        """
        if self._waiting >= _MOST_WAITING:
            raise errors.Overloaded(f"{_MOST_WAITING} articles wait for their markup to be read")
        self._waiting += 1
        try:
            async with self._turn:
                is_good, result = await self._do(pickle.dumps((function, arguments)))
        finally:
            self._waiting -= 1
        if not is_good:
            raise result
        return cast(T, result)

    def close(self) -> None:
        """Kill the process, whatever it does."""
        if self._process is not None:
            self._process.kill()
        self._aside.run_last(self._forget)

    async def _do(self, task: bytes) -> tuple[bool, Any]:
        process = await self._aside.run(self._started)
        try:
            async with asyncio.timeout(self._max_seconds):
                answer = await self._aside.run(partial(_exchange, process, task))
        except TimeoutError:
            self._give_up(process)
            return False, errors.InvalidArticle(f"its markup takes longer than {self._max_seconds:g} s to read")
        except asyncio.CancelledError:
            self._give_up(process)  # half an exchange is of no use to the next
            raise
        if answer is None:
            self._give_up(process)
            megabytes = self._max_bytes // 2**20
            return False, errors.InvalidArticle(f"its markup takes more than {megabytes} MiB of memory to read")
        return answer

    def _give_up(self, process: "subprocess.Popen[bytes]") -> None:
        self._given_up = process
        process.kill()

    def _started(self) -> "subprocess.Popen[bytes]":
        """Return the process, ready; runs in the thread."""
        is_usable = self._process is not self._given_up
        if self._process is None or not is_usable or self._process.poll() is not None:
            self._forget()
            command = [sys.executable, "-m", "wirecopy.web.worker", str(self._max_bytes)]
            pipe = subprocess.PIPE
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)
            assert self._process.stdout is not None
            self._process.stdout.read(len(_READY))
        return self._process

    def _forget(self) -> None:
        """Let go of a process that has ended, or is about to; runs in the thread."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(OSError):
                process.communicate()


def _exchange(process: "subprocess.Popen[bytes]", task: bytes) -> tuple[bool, Any] | None:
    """Hand work over and wait for its result; None when the process ends. Runs in the thread."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(_LENGTH.pack(len(task)))
        process.stdin.write(task)
        process.stdin.flush()
        head = process.stdout.read(_LENGTH.size)
        size = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
        data = process.stdout.read(size)
    except OSError:
        return None
    return cast(tuple[bool, Any], pickle.loads(data)) if size and len(data) == size else None


def work(source: BinaryIO, sink: BinaryIO) -> None:
    """Do what comes until nothing does. Runs in the process."""
    sink.write(_READY)
    sink.flush()
    while len(head := source.read(_LENGTH.size)) == _LENGTH.size:
        try:
            function, arguments = pickle.loads(source.read(_LENGTH.unpack(head)[0]))
            answer: tuple[bool, Any] = True, function(*arguments)
        except errors.WirecopyError as error:
            answer = False, error
        except MemoryError:
            return  # the service tells it by the end of this process
        except Exception:  # noqa: BLE001 - a bug, whose trace goes into the service's log
            answer = False, RuntimeError(traceback.format_exc())
        data = pickle.dumps(answer)
        sink.writelines((_LENGTH.pack(len(data)), data))
        sink.flush()


def main() -> None:
    """Bound the memory of this process, and work. What else ends it is for the service to tell."""
    most = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the service ends this process, by the end of its input
    if (prctl := getattr(ctypes.CDLL(None), "prctl", None)) is not None:
        prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    work(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main()
