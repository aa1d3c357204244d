"""A crowd that reads while one client writes: how long the writer waits.

The writer's articles are due at a steady pace, whether the ones before are answered or not begun; its seconds count
from when an article was due.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bench import hostile

_CONNECTIONS = 16  # of the writer


@dataclass(frozen=True)
class Crowd:
    """What a writer and its readers met: seconds of each article, statuses of both."""

    writer_seconds: Sequence[float]
    writer_statuses: Sequence[int]
    reader_statuses: Sequence[int]


async def read_beside(
    port: int, *, readers: int, path: str, bodies: Sequence[tuple[str, bytes]], per_second: float
) -> Crowd:
    """Let `readers` ask for `path` without a pause while these articles (id, JSON) are sent at a pace."""
    stop = asyncio.Event()
    answered: list[int] = []
    tasks = [asyncio.create_task(_read(port, path, stop, answered)) for _ in range(readers)]
    while len(answered) < readers and not any(task.done() for task in tasks):
        await asyncio.sleep(0.01)
    seconds, statuses = await _write(port, bodies, 1 / per_second)
    stop.set()
    await asyncio.gather(*tasks)
    return Crowd(seconds, statuses, answered)


async def _read(port: int, path: str, stop: asyncio.Event, answered: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = hostile.get(path)
    while not stop.is_set():
        writer.write(request)
        answered.append(await _status(reader))
    writer.close()


async def _write(port: int, bodies: Sequence[tuple[str, bytes]], every: float) -> tuple[list[float], list[int]]:
    """Send each article when it is due, on a connection that is free: a slow answer delays no other."""
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(_CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def send(number: int, article_id: str, body: bytes) -> tuple[float, int]:
        due = began + number * every
        await asyncio.sleep(max(0.0, due - loop.time()))
        reader, writer = await free.get()
        writer.write(hostile.put(article_id, len(body), 0) + body)
        status = await _status(reader)
        free.put_nowait((reader, writer))
        return loop.time() - due, status

    done = await asyncio.gather(*(send(number, *one) for number, one in enumerate(bodies)))
    while not free.empty():
        free.get_nowait()[1].close()
    return [seconds for seconds, _ in done], [status for _, status in done]


async def _status(reader: asyncio.StreamReader) -> int:
    """Return the status of the next answer, all of which is read."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return int(head.split()[1])
