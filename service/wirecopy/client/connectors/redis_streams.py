"""Redis Streams: consumer groups in, entries under the feed's numbers out.

An article stands in the field `article` or `data` of an entry, else the entry's fields are those of the article. What a
consumer took and never acknowledged is claimed by the next one after CLAIM_SECONDS.
"""

import socket
from collections.abc import Sequence
from typing import Any

import orjson
import redis.asyncio as redis
from redis.exceptions import RedisError, ResponseError

from wirecopy.client.connectors.ends import BATCH_MESSAGES, WAIT_SECONDS, Message, StreamAddress
from wirecopy.errors import ConnectorFailed

CLAIM_SECONDS = 60
_WHOLE = (b"article", b"data")  # fields that hold an article as JSON
_SEEN = "0-0"


class RedisInlet:
    """Entries of a stream, by way of a consumer group."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._group = address.parameters.get("group", "wirecopy")
        self._consumer = address.parameters.get("consumer", socket.gethostname())
        self._redis = _connect(address)
        self._unread: str | None = _SEEN  # what this consumer took before it was restarted, from here on

    async def open(self) -> None:
        """Connect, and make the stream and its group where they are not there yet."""
        try:
            await self._redis.xgroup_create(self._address.name, self._group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise ConnectorFailed(self._address.shown, str(error)) from None
        except (RedisError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error)) from None

    async def take(self) -> Sequence[Message]:
        """Return what was left from before, then what a dead consumer left, then what is new."""
        try:
            entries = await self._left_over() if self._unread is not None else []
            entries = entries or await self._claimed() or await self._new()
        except (RedisError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error)) from None
        return [Message(_article_in(fields), f"entry {number.decode()}", number) for number, fields in entries]

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge entries to the group."""
        try:
            await self._redis.xack(self._address.name, self._group, *(message.token for message in messages))
        except (RedisError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error)) from None

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()

    async def _left_over(self) -> list[Any]:
        found = await self._read(self._unread or _SEEN, None)
        self._unread = found[-1][0].decode() if found else None
        return found

    async def _claimed(self) -> list[Any]:
        claimed = await self._redis.xautoclaim(
            self._address.name, self._group, self._consumer, CLAIM_SECONDS * 1000, _SEEN, count=BATCH_MESSAGES
        )
        return [entry for entry in claimed[1] if entry[1] is not None]

    async def _new(self) -> list[Any]:
        return await self._read(">", int(WAIT_SECONDS * 1000))

    async def _read(self, after: str, block: int | None) -> list[Any]:
        streams = {self._address.name: after}
        found = await self._redis.xreadgroup(self._group, self._consumer, streams, BATCH_MESSAGES, block)
        if not found:
            return []
        [(_, entries)] = found.items() if isinstance(found, dict) else found
        entries = entries[0] if entries and isinstance(entries[0], list) else entries
        return [entry for entry in entries if entry[1]]


class RedisOutlet:
    """A stream whose entries have the numbers of events: an event that is there already is not added again."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._redis = _connect(address)

    async def open(self) -> int | None:
        """Connect; return the number of the last entry."""
        try:
            found = await self._redis.xrevrange(self._address.name, count=1)
        except (RedisError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error)) from None
        return int(found[0][0].split(b"-")[0]) if found else 0

    async def put(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Add entries under their numbers."""
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for number, data in messages:
                    pipeline.xadd(self._address.name, {"event": data}, id=f"{number}-0")
                answers = await pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error)) from None
        for answer in answers:
            if isinstance(answer, Exception) and "equal or smaller" not in str(answer):
                raise ConnectorFailed(self._address.shown, str(answer))

    async def close(self) -> None:
        """Close the connection."""
        await self._redis.aclose()


inlet, outlet = RedisInlet, RedisOutlet


def _connect(address: StreamAddress) -> Any:
    return redis.Redis(
        host=address.host,
        port=address.port or 6379,
        username=address.user,
        password=address.password,
        ssl=address.scheme == "rediss",
        socket_connect_timeout=10,
        socket_timeout=60,
    )


def _article_in(fields: dict[bytes, bytes]) -> bytes:
    for name in _WHOLE:
        if name in fields:
            return fields[name]
    return orjson.dumps({_text(name): _text(value) for name, value in fields.items()})


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
