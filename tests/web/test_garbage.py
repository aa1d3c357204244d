"""No memory is lost to clients that leave."""

import gc
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench import hostile
from bench.servers import Server, start_service
from tests.exact_detector import Service, wait_until
from wirecopy.web.garbage import Garbage

MOST_LEFT_BYTES = 16 * 1024  # for a connection; what waits for a search is bounded by 4,096 of them


@pytest.fixture
def unsearched() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


def left_in_cycles() -> int:
    """-> bytes of what a search finds, with the texts that it refers to."""
    gc.garbage.clear()
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found: dict[int, Any] = {id(one): one for one in gc.garbage}
    for one in list(found.values()):
        held = (other for other in gc.get_referents(one) if isinstance(other, (bytes, bytearray, str, memoryview)))
        found.update((id(other), other) for other in held)
    size = sum(sys.getsizeof(one) for one in found.values())
    gc.garbage.clear()
    return size


@pytest.mark.xfail(reason="known: many unread answers leave 22 KB each in cycles, not 16", strict=False)
@pytest.mark.parametrize("resets", [True, False], ids=["reset", "closed"])
@pytest.mark.parametrize("kind", hostile.LEAVERS)
def test_what_a_client_had_is_freed_when_it_leaves_without_a_search(
    service: Service, unsearched: None, kind: str, resets: bool
) -> None:
    put_long_article(service.port)
    wait_until(lambda: service.app.connections == 0)
    left_in_cycles()
    for _ in range(10):
        hostile.LEAVERS[kind](service.port, resets)
    wait_until(lambda: service.app.connections == 0 and service.app.garbage.ended >= 11)
    wait_until(lambda: service.app.budget.used == 0 and not service.app.streams)
    service.log()  # the loop has gone round
    assert left_in_cycles() / 10 < MOST_LEFT_BYTES


def test_thousands_of_clients_that_leave_take_no_memory_with_them(tmp_path: Path) -> None:
    with start_service(tmp_path / "data", tmp_path / "log") as server:
        port = int(server.url.rpartition(":")[2])
        put_long_article(port)
        leave_all(port, 60)
        leave_all(port, 60)  # the allocator has what it needs
        before = settled_kilobytes(server)
        leave_all(port, 60)
        after = settled_kilobytes(server)
    assert after < before * 1.05, f"{before:,} KB before, {after:,} KB after"


def put_long_article(port: int) -> None:
    text = b'{"text":"' + b"words of an article " * 150_000 + b'"}'
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(hostile.put(hostile.UNREAD, len(text), 0) + text)
        assert client.recv(65536).startswith(b"HTTP/1.1 201")


def leave_all(port: int, rounds: int) -> None:
    for number in range(rounds):
        for leaver in hostile.LEAVERS.values():
            leaver(port, number % 2 == 0)


def settled_kilobytes(server: Server) -> int:
    """-> the least that the process takes within a second."""
    least, until = 1 << 60, time.monotonic() + 1
    while time.monotonic() < until:
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
        least = min(least, int(status.partition("VmRSS:")[2].split()[0]))
    return least


def test_a_search_is_due_when_many_connections_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    garbage = Garbage(lambda: 1)
    assert not garbage.is_due()
    for _ in range(4096):
        garbage.count_ended()
    assert garbage.is_due()
    frozen = gc.get_freeze_count()
    garbage.search()
    assert not garbage.is_due()
    assert gc.get_freeze_count() == frozen, "with a client connected nothing is set aside"
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    assert garbage.is_due()
