"""Streams in and out, against real brokers: nothing is lost, nothing is acknowledged before it is on disk."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests import brokers
from tests.brokers import Broker
from tests.conftest import RunService
from tests.exact_detector import Service, wait_until
from wirecopy import AsyncClient
from wirecopy.cli.commands import main
from wirecopy.client.connectors.dead_letters import DeadLetterFile
from wirecopy.client.connectors.decide import ServiceDecider
from wirecopy.client.connectors.ends import BATCH_MESSAGES, Message, inlet_of, outlet_of, parse_address
from wirecopy.client.connectors.follow import StreamReader
from wirecopy.client.connectors.forward import forward
from wirecopy.errors import ConnectorFailed, ConnectorMissing, UsageError
from wirecopy.schema.article import Article

STARTS: dict[str, Callable[[Path], AbstractContextManager[Broker]]] = {
    "redis": brokers.redis_server,
    "nats": brokers.nats_server,
    "amqp": brokers.rabbitmq_server,
    "kafka": brokers.kafka_server,
}
LASTING = ("redis", "nats", "amqp")  # their data survives them; the broker behind kafka keeps it in memory


def article(number: int) -> bytes:
    return orjson.dumps(
        {"id": f"a{number}", "text": f"The ferry number {number} left the harbour at noon, as planned."}
    )


class System:
    """A running broker with the address of one stream in it."""

    def __init__(self, scheme: str, broker: Broker) -> None:
        self.scheme = scheme
        self.broker = broker
        self.published = 0
        self.address = f"{scheme}://127.0.0.1:{broker.port}/articles"

    def publish(self, messages: Sequence[bytes]) -> None:
        """Put messages into the stream; a broker that takes connections may need a moment more before it works."""

        def is_published() -> bool:
            try:
                asyncio.run(self.put(messages))
            except ConnectorFailed:
                return False
            return True

        wait_until(is_published, 60)

    async def put(self, messages: Sequence[bytes]) -> None:
        """By the outlet, but for Redis, whose outlet writes events: articles stand in another field there."""
        if self.scheme == "redis":
            from redis.asyncio import Redis

            async with Redis(port=self.broker.port) as client:
                for message in messages:
                    await client.xadd("articles", {"article": message})
            return
        outlet = outlet_of(parse_address(self.address))
        await outlet.open()
        first = self.published + 1
        await outlet.put([(number, message) for number, message in enumerate(messages, first)])
        self.published += len(messages)
        await outlet.close()


@pytest.fixture(params=STARTS)
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with STARTS[request.param](folder) as broker:
        yield System(request.param, broker)


def follow(system: System, service: Service, tmp_path: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "wirecopy", "follow", system.address, "--to", service.url]
    with (tmp_path / "follow.log").open("ab") as log:
        return subprocess.Popen(
            [*command, "--dead-letters", str(tmp_path / "dead.jsonl"), *options], stderr=log, stdout=log
        )


def reap(process: subprocess.Popen[bytes]) -> None:
    """Kill a follower that still runs, and wait for it: one that is left is a warning in a later test."""
    process.kill()
    process.wait(60)


def finish(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(120)
    finally:
        reap(process)


def test_every_message_becomes_an_article_and_what_is_none_a_dead_letter(
    system: System, service: Service, tmp_path: Path
) -> None:
    system.publish([article(0), b"{no json", article(1), b'{"id": "x"}', b"\xff\xfe", article(2)])
    assert finish(follow(system, service, tmp_path, "--once")) == 1, (tmp_path / "follow.log").read_text()
    assert list(service.detector.articles) == ["a0", "a1", "a2"]
    letters = [orjson.loads(line) for line in (tmp_path / "dead.jsonl").read_bytes().splitlines()]
    assert [letter.get("data", letter.get("base64")) for letter in letters] == ["{no json", '{"id": "x"}', "//4="]
    assert all(letter["reason"] and letter["place"] for letter in letters)
    assert finish(follow(system, service, tmp_path, "--once")) == 0  # all was acknowledged


def test_a_consumer_that_is_killed_loses_nothing_and_stores_nothing_twice(
    system: System, service: Service, tmp_path: Path
) -> None:
    count = 2 * BATCH_MESSAGES + 10
    system.publish([article(number) for number in range(count)])
    for killed_at in (1, BATCH_MESSAGES + 1):
        process = follow(system, service, tmp_path)
        try:
            wait_until(lambda at=killed_at: len(service.detector.articles) >= at, 120)  # type: ignore[misc]
        finally:
            reap(process)
    process = follow(system, service, tmp_path)
    try:
        wait_until(lambda: len(service.detector.articles) == count, 120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0, (tmp_path / "follow.log").read_text()
    finally:
        reap(process)
    assert [revision for _, revision, _ in service.detector.articles.values()] == [1] * count
    assert not (tmp_path / "dead.jsonl").exists()


@pytest.mark.parametrize("system", ["nats"], indirect=True)
def test_what_a_dead_consumer_took_is_not_acknowledged_by_the_next_one(system: System) -> None:
    """Messages of one that is dead come again behind newer ones; acknowledging those must not take them in."""

    async def run() -> None:
        dead, living = (inlet_of(parse_address(system.address)) for _ in range(2))
        try:
            await dead.open()
            assert len(await dead.take()) == 3
            await system.put([article(3)])
            await living.open()
            newer = await living.take()
            assert [message.data for message in newer] == [article(3)]
            await living.acknowledge(newer)
            state = await newer[0].token._client.jetstream().consumer_info("articles", "wirecopy")
            assert (state.num_ack_pending, state.ack_floor.stream_seq) == (3, 0)
        finally:
            await dead.close()
            await living.close()

    system.publish([article(number) for number in range(3)])
    asyncio.run(run())


@pytest.mark.parametrize("system", LASTING, indirect=True)
def test_a_broker_that_restarts_is_waited_for(system: System, service: Service, tmp_path: Path) -> None:
    system.publish([article(number) for number in range(100)])
    process = follow(system, service, tmp_path)
    try:
        wait_until(lambda: len(service.detector.articles) == 100, 60)
        system.broker.restart()
        system.publish([article(number) for number in range(100, 200)])
        wait_until(lambda: len(service.detector.articles) == 200, 120)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
    finally:
        reap(process)
    if system.scheme != "redis":  # its client makes the connection again by itself
        assert "connecting again" in (tmp_path / "follow.log").read_text()


@pytest.mark.parametrize("state", [(), ("--state",)], ids=["asked", "kept"])
def test_events_arrive_once_and_in_order_however_often_forwarding_begins(
    system: System, service: Service, tmp_path: Path, state: tuple[str, ...]
) -> None:
    if (system.scheme == "amqp") != bool(state):
        pytest.skip("one of the two ways suits this system")
    place = tmp_path / "place" if state else None

    async def run(until: int) -> None:
        async with AsyncClient(service.url) as client:
            for number in range(until):
                await client.put_article(Article(f"e{number}", f"Harbour master number {number} spoke at noon today."))
            address = parse_address(system.address)
            await forward(client, lambda: outlet_of(address), place, tell=print, until=until)

    asyncio.run(run(3))
    asyncio.run(run(5))
    assert [event["seq"] for event in map(orjson.loads, asyncio.run(messages_of(system)))] == [1, 2, 3, 4, 5]


async def messages_of(system: System) -> list[bytes]:
    """All messages of the stream: by the inlet; of Redis the field that the outlet writes."""
    if system.scheme == "redis":
        from redis.asyncio import Redis

        async with Redis(port=system.broker.port) as client:
            entries: Any = await client.xrange("articles")
            return [fields[b"event"] for _, fields in entries]
    inlet = inlet_of(parse_address(system.address))
    await inlet.open()
    found: list[bytes] = []
    while messages := await inlet.take():
        found += [message.data for message in messages]
        await inlet.acknowledge(messages)
    await inlet.close()
    return found


# --- without a broker -------------------------------------------------------------------------------------------------


class Script:
    """An inlet that plays batches, and raises what stands among them."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches
        self.acknowledged: list[str] = []

    async def open(self) -> None: ...

    async def take(self) -> Sequence[Message]:
        batch = self.batches.pop(0) if self.batches else []
        if isinstance(batch, Exception):
            raise batch
        return [Message(data, f"message {data[:20]!r}", None) for data in batch]

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        self.acknowledged += [message.place for message in messages]

    async def close(self) -> None: ...


class Refuses:
    """A decider that refuses every article whose id ends with 1."""

    async def decide(self, articles: Sequence[Article]) -> list[str | None]:
        return ["not this one" if one.id.endswith("1") else None for one in articles]

    async def close(self) -> None: ...


def parse(data: bytes) -> Article:
    return Article(data.decode(), "text")


def test_what_the_service_refuses_is_a_dead_letter_and_acknowledged(tmp_path: Path) -> None:
    inlet, letters = Script([[b"a0", b"a1"]]), tmp_path / "dead.jsonl"
    progress = asyncio.run(
        StreamReader(lambda: inlet, Refuses(), parse, DeadLetterFile(letters), tell=print).run(once=True)
    )
    assert (progress.articles, progress.dead, len(inlet.acknowledged)) == (1, 1, 2)
    assert orjson.loads(letters.read_bytes()) == {"place": "message b'a1'", "reason": "not this one", "data": "a1"}


def test_a_dead_letter_that_cannot_be_kept_stops_the_run_before_it_is_acknowledged(tmp_path: Path) -> None:
    inlet = Script([[b"a1"]])
    follower = StreamReader(lambda: inlet, Refuses(), parse, DeadLetterFile(tmp_path), tell=print)
    with pytest.raises(Exception, match=str(tmp_path)):
        asyncio.run(follower.run())
    assert inlet.acknowledged == []


def test_a_lost_connection_is_told_and_made_again_after_growing_pauses(tmp_path: Path) -> None:
    told: list[str] = []
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    inlet = Script([ConnectorFailed("redis://h/s", "gone"), ConnectorFailed("redis://h/s", "gone"), [b"a0"]])
    follower = StreamReader(
        lambda: inlet, Refuses(), parse, DeadLetterFile(tmp_path / "d"), tell=told.append, pause=pause
    )
    progress = asyncio.run(follower.run(once=True))
    assert (progress.articles, progress.reconnected) == (1, 2)
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0
    assert told == ["redis://h/s: gone; connecting again"] * 2


def test_a_service_that_is_busy_is_asked_again(service: Service) -> None:
    async def run() -> list[str | None]:
        async def open_again(_: float) -> None:
            service.detector.gate.set()

        client = AsyncClient(service.url)
        answers = await ServiceDecider(client, print, open_again).decide([Article("a", "Some text of five words.")])
        await client.close()
        return answers

    assert asyncio.run(run()) == [None]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://host/name", "names no system"),
        ("redis://host", "needs a host and a name"),
        ("redis:///name", "needs a host and a name"),
        ("redis://host:port/name", "the port is no number"),
        ("redis://host/name?gruop=g", "takes no parameter 'gruop'"),
        ("amqp://host/queue?group=g", "it takes none"),
    ],
)
def test_an_address_that_is_wrong_is_refused_by_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        parse_address(text)


def test_an_address_is_shown_without_its_password() -> None:
    address = parse_address("amqp://desk:s%3Acret@host:1/qu%20eue")
    assert (address.user, address.password, address.name) == ("desk", "s:cret", "qu eue")
    assert address.shown == "amqp://host:1/qu eue"


def test_a_missing_library_is_named_with_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aio_pika", None)
    monkeypatch.delitem(sys.modules, "wirecopy.client.connectors.rabbitmq", raising=False)
    with pytest.raises(ConnectorMissing, match=r"amqp:// needs .*'wirecopy\[rabbitmq\]'"):
        outlet_of(parse_address("amqp://host/queue"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["redis://h/s"],
        ["redis://h/s", "--to", "http://h", "--data", "d"],
        ["http://h", "--into", "redis://h/s", "--to", "http://h"],
        ["redis://h", "--to", "http://h"],
    ],
)
def test_the_command_refuses_what_makes_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["follow", *arguments]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) <= 4


def test_without_a_service_the_articles_are_decided_here(tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    folder.mkdir()
    with brokers.redis_server(folder) as broker:
        system = System("redis", broker)
        system.publish([article(number) for number in range(3)])
        data = str(tmp_path / "data")
        done = main(["follow", system.address, "--data", data, "--once", "--dead-letters", str(tmp_path / "dead")])
    assert done == 0
    assert os.path.exists(tmp_path / "data" / "wirecopy.db")


def test_a_service_is_needed_by_nobody_who_reads_the_help(run_service: RunService) -> None:
    assert main(["follow", "--help"]) in (0, None)
