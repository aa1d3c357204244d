"""The feed of a service into a stream: every event once, in order, from where it was left.

Where the outlet can say which event it has last, that is where forwarding goes on; else the place is kept in a file,
written after each batch, and the last batch may come twice after a kill.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec

from wirecopy.client.client import AsyncClient
from wirecopy.client.connectors.ends import StreamSink
from wirecopy.client.pauses import GrowingPauses
from wirecopy.errors import ConnectorFailed, InputFailed, OutputFailed, UsageError
from wirecopy.schema.wire import Event

_BATCH_EVENTS = 500


async def forward(
    client: AsyncClient,
    outlet: Callable[[], StreamSink],
    place_file: Path | None,
    *,
    tell: Callable[[str], None],
    until: int | None = None,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Forward events for as long as the process runs, or to the number `until`.

    Raise UsageError for an outlet that needs a place file and has none, ServiceRefused for a feed that does not go back
    as far as the place (410), InputFailed and OutputFailed for the file. A lost connection is made again.
    """
    pauses = GrowingPauses()
    while True:
        end = outlet()
        try:
            place = await end.open()
            place = _read_place(place_file) if place is None else place
            async for batch in _batches(client, place):
                await end.put([(event.seq, msgspec.json.encode(event)) for event in batch])
                pauses.begin_anew()
                if place_file is not None:
                    _write_place(place_file, batch[-1].seq)
                if until is not None and batch[-1].seq >= until:
                    return
        except ConnectorFailed as error:
            tell(f"{error}; connecting again")
            await pause(pauses.next())
        finally:
            await end.close()


async def _batches(client: AsyncClient, after: int) -> AsyncIterator[list[Event]]:
    """Yield pages of what is there, then events as they come."""
    while (page := await client.events(after, limit=_BATCH_EVENTS)).events:
        yield page.events
        after = page.next
    async for event in client.follow_events(after):
        yield [event]


def _read_place(file: Path | None) -> int:
    if file is None:
        raise UsageError("this system cannot say which event it has last: --state FILE is needed to keep the place")
    try:
        return int(file.read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    except (OSError, ValueError) as error:
        raise InputFailed(str(file), f"it holds no number of an event ({error})") from None


def _write_place(file: Path, number: int) -> None:
    unfinished = file.with_name(file.name + ".new")
    try:
        unfinished.write_text(str(number), encoding="ascii")
        os.replace(unfinished, file)
    except OSError as error:
        raise OutputFailed(str(file), error.strerror or str(error)) from None
