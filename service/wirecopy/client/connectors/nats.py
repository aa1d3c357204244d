"""NATS JetStream: a durable pull consumer in, messages with their numbers as ids out."""

from collections.abc import Sequence
from typing import Any

import nats
from nats.errors import Error as NatsError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import NotFoundError

from wirecopy.client.connectors.ends import BATCH_MESSAGES, WAIT_SECONDS, Message, StreamAddress
from wirecopy.errors import ConnectorFailed

_ACK_SECONDS = 30  # after which what was not acknowledged comes again
_NUMBER = "Nats-Msg-Id"  # the header by which JetStream knows a message that it has already


class NatsInlet:
    """Messages of a stream, by way of a durable consumer that others may share."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._connection: Any = None
        self._consumer: Any = None

    async def open(self) -> None:
        """Connect, and make the consumer where it is not there yet."""
        try:
            self._connection = await _connect(self._address)
            stream = self._connection.jetstream()
            name = self._address.parameters.get("consumer", "wirecopy")
            wanted = ConsumerConfig(
                durable_name=name,
                ack_policy=AckPolicy.EXPLICIT,  # "all up to this" would take in what a dead consumer took and left
                ack_wait=_ACK_SECONDS,
                max_ack_pending=4 * BATCH_MESSAGES,
            )
            await stream.add_consumer(self._address.name, wanted)
            self._consumer = await stream.pull_subscribe_bind(name, self._address.name)
        except (NatsError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None

    async def take(self) -> Sequence[Message]:
        """Return the next messages of the stream."""
        try:
            found = await self._consumer.fetch(BATCH_MESSAGES, timeout=WAIT_SECONDS)
        except (NatsTimeout, TimeoutError):
            return []
        except (NatsError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None
        return [Message(one.data, f"message {one.metadata.sequence.stream}", one) for one in found]

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge each; return when the server has said so of the last, which it reads behind the others."""
        try:
            for message in messages[:-1]:
                await message.token.ack()
            await messages[-1].token.ack_sync()
        except (NatsError, OSError, TimeoutError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()


class NatsOutlet:
    """A subject of a stream; an event that the stream has already is not stored again."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._connection: Any = None
        self._stream: Any = None

    async def open(self) -> int | None:
        """Connect, make the stream where it is not there yet; return the number of its last message."""
        try:
            self._connection = await _connect(self._address)
            self._stream = self._connection.jetstream()
            await self._stream.add_stream(name=self._address.name, subjects=[self._address.name])
            last = await self._stream.get_last_msg(self._address.name, self._address.name)
        except NotFoundError:
            return 0
        except (NatsError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None
        return int((last.headers or {}).get(_NUMBER, 0))

    async def put(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Publish messages; return when the stream has them."""
        try:
            for number, data in messages:
                await self._stream.publish(self._address.name, data, headers={_NUMBER: str(number)})
        except (NatsError, OSError, TimeoutError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()


inlet, outlet = NatsInlet, NatsOutlet


async def _connect(address: StreamAddress) -> Any:
    return await nats.connect(
        f"nats://{address.host}:{address.port or 4222}",
        user=address.user,
        password=address.password,
        connect_timeout=10,
        allow_reconnect=False,
        error_cb=_ignore,
    )


async def _ignore(error: Exception) -> None:
    """Say nothing: what fails is raised by the call that needs it."""
