"""RabbitMQ: a durable queue in, a durable queue out."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import aio_pika
from aio_pika.exceptions import AMQPException

from wirecopy.client.connectors.ends import BATCH_MESSAGES, WAIT_SECONDS, Message, StreamAddress
from wirecopy.errors import ConnectorFailed


class RabbitInlet:
    """Messages of a queue. RabbitMQ delivers what was not acknowledged again when the connection ends."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._connection: Any = None
        self._arrived: asyncio.Queue[Any] = asyncio.Queue()

    async def open(self) -> None:
        """Connect, and make the queue where it is not there yet."""
        try:
            self._connection = await _connect(self._address)
            channel = await self._connection.channel()
            await channel.set_qos(prefetch_count=4 * BATCH_MESSAGES)
            queue = await channel.declare_queue(self._address.name, durable=True)
            self._connection.close_callbacks.add(lambda *_: self._arrived.put_nowait(None))
            await queue.consume(self._arrived.put)
        except (AMQPException, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None

    async def take(self) -> Sequence[Message]:
        """Return what has arrived, in the order of the queue."""
        try:
            found = [await asyncio.wait_for(self._arrived.get(), WAIT_SECONDS)]
        except TimeoutError:
            return []
        while len(found) < BATCH_MESSAGES and not self._arrived.empty():
            found.append(self._arrived.get_nowait())
        if None in found:
            raise ConnectorFailed(self._address.shown, "the connection ended")
        return [Message(one.body, f"delivery {one.delivery_tag}", one) for one in found]

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Acknowledge the last, and all before it by that."""
        try:
            await messages[-1].token.ack(multiple=True)
        except (AMQPException, OSError, RuntimeError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()


class RabbitOutlet:
    """A durable queue. What it holds cannot be asked, so the place in the feed is kept in a file."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._connection: Any = None
        self._channel: Any = None

    async def open(self) -> int | None:
        """Connect, and make the queue where it is not there yet."""
        try:
            self._connection = await _connect(self._address)
            self._channel = await self._connection.channel(publisher_confirms=True)
            await self._channel.declare_queue(self._address.name, durable=True)
        except (AMQPException, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None
        return None

    async def put(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Publish messages; return when the broker has confirmed them."""
        try:
            for number, data in messages:
                message = aio_pika.Message(data, message_id=str(number), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                await self._channel.default_exchange.publish(message, routing_key=self._address.name)
        except (AMQPException, OSError, RuntimeError) as error:
            raise ConnectorFailed(self._address.shown, str(error) or type(error).__name__) from None

    async def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            await self._connection.close()


inlet, outlet = RabbitInlet, RabbitOutlet

logging.getLogger("aiormq").setLevel(logging.CRITICAL)  # it tells what it raises, and so do we


async def _connect(address: StreamAddress) -> Any:
    return await aio_pika.connect(
        host=address.host,
        port=address.port or (5671 if address.scheme == "amqps" else 5672),
        login=address.user or "guest",
        password=address.password or "guest",
        ssl=address.scheme == "amqps",
        timeout=10,
    )
