"""Kafka: a consumer group in, keyed messages out.

Stories depend on the order of articles, and Kafka keeps an order within a partition only. So a topic that is followed
should have one partition; of several, each is read in its order, and which of two partitions is read first is chance.
"""

from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from wirecopy.client.connectors.ends import BATCH_MESSAGES, WAIT_SECONDS, Message, StreamAddress
from wirecopy.errors import ConnectorFailed


class KafkaInlet:
    """Messages of a topic, by way of a consumer group."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._consumer: Any = None

    async def open(self) -> None:
        """Connect and join the group."""
        try:
            self._consumer = AIOKafkaConsumer(
                self._address.name,
                group_id=self._address.parameters.get("group", "wirecopy"),
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                **_connection(self._address),
            )
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await self.close()
            raise ConnectorFailed(self._address.shown, str(error)) from None

    async def take(self) -> Sequence[Message]:
        """Return the next messages of all partitions that this consumer has."""
        try:
            found = await self._consumer.getmany(timeout_ms=int(WAIT_SECONDS * 1000), max_records=BATCH_MESSAGES)
        except (KafkaError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error)) from None
        return [
            Message(record.value or b"", f"partition {record.partition}, offset {record.offset}", record)
            for records in found.values()
            for record in records
        ]

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """Commit the offsets behind these messages."""
        reached: dict[TopicPartition, int] = {}
        for message in messages:
            place = TopicPartition(message.token.topic, message.token.partition)
            reached[place] = max(reached.get(place, 0), message.token.offset + 1)
        try:
            await self._consumer.commit(reached)
        except (KafkaError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error)) from None

    async def close(self) -> None:
        """Leave the group."""
        if self._consumer is not None:
            await self._consumer.stop()


class KafkaOutlet:
    """A topic of one partition whose messages have the numbers of events as keys."""

    def __init__(self, address: StreamAddress) -> None:
        self._address = address
        self._producer: Any = None

    async def open(self) -> int | None:
        """Connect; return the key of the last message."""
        try:
            self._producer = AIOKafkaProducer(acks="all", **_connection(self._address))
            await self._producer.start()
            return await self._last()
        except (KafkaError, OSError) as error:
            await self.close()
            raise ConnectorFailed(self._address.shown, str(error)) from None

    async def put(self, messages: Sequence[tuple[int, bytes]]) -> None:
        """Send messages to the first partition; return when the brokers have them."""
        try:
            for number, data in messages[:-1]:
                await self._producer.send(self._address.name, data, key=str(number).encode(), partition=0)
            number, data = messages[-1]
            await self._producer.send_and_wait(self._address.name, data, key=str(number).encode(), partition=0)
            await self._producer.flush()
        except (KafkaError, OSError) as error:
            raise ConnectorFailed(self._address.shown, str(error)) from None

    async def close(self) -> None:
        """Close the connection."""
        if self._producer is not None:
            await self._producer.stop()

    async def _last(self) -> int:
        consumer = AIOKafkaConsumer(enable_auto_commit=False, **_connection(self._address))
        await consumer.start()
        try:
            place = TopicPartition(self._address.name, 0)
            end = (await consumer.end_offsets([place]))[place]
            if end == 0:
                return 0
            consumer.assign([place])
            consumer.seek(place, end - 1)
            last = 0
            # Until nothing comes: some brokers count a batch as one message when they say where a partition ends.
            while found := await consumer.getmany(place, timeout_ms=int(WAIT_SECONDS * 1000)):
                last = int(found[place][-1].key or b"0")
            return last
        finally:
            await consumer.stop()


inlet, outlet = KafkaInlet, KafkaOutlet


def _connection(address: StreamAddress) -> dict[str, Any]:
    given: dict[str, Any] = {"bootstrap_servers": f"{address.host}:{address.port or 9092}"}
    if address.user is not None:
        given |= {
            "security_protocol": "SASL_PLAINTEXT",
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": address.user,
            "sasl_plain_password": address.password or "",
        }
    return given
