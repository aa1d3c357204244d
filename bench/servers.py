"""Servers in processes of their own: `wirecopy serve` on a folder, and the bare handler that it is measured against.

    python -m bench.servers      the bare handler, on a free port that it prints

The bare handler is aiohttp as its users write it, an application with one route; it reads the body, parses it with
orjson, and answers with a few bytes. It keeps nothing.
"""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import httpx


class Server:
    """A server that has told its URL; it ends with the block."""

    def __init__(self, command: list[str], url: re.Pattern[str], log: Path) -> None:
        """Raise ServerFailed with its last words when it ends without telling its URL."""
        with log.open("ab") as errors:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert self.process.stdout is not None
        found = url.search(self.process.stdout.readline())
        if found is None:
            self.end(signal.SIGKILL)
            raise ServerFailed(log.read_text(encoding="utf-8", errors="replace")[-1000:])
        self.url = found[1]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; return the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Wait for the process; return the exit code."""
        code = self.process.wait(120)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def cpu_seconds(self) -> float:
        """Return the processor time that it has taken, all threads; Linux only."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        if self.process.poll() is None:
            self.end()


class ServerFailed(Exception):
    """A server did not start; the message is what it said."""


def start_bare(log: Path) -> Server:
    """Return the bare handler, listening."""
    return Server([sys.executable, "-m", "bench.servers"], re.compile(r"(http://\S+)"), log)


def start_service(data: Path, log: Path, settings: Path | None = None) -> Server:
    """Return `wirecopy serve` with its default settings, or those of a file, on a folder, ready."""
    command = [sys.executable, "-m", "wirecopy", "serve", "--port", "0", "--data", str(data)]
    command += [] if settings is None else ["--config", str(settings)]
    return Server(command, re.compile(r"listens on (http://\S+)"), log)


def metrics_of(url: str) -> dict[str, float]:
    """Return a service's metrics that have no labels."""
    lines = httpx.get(f"{url}/metrics", timeout=60).text.splitlines()
    pairs = (line.split(" ") for line in lines if line[:1] != "#" and "{" not in line)
    return {name: float(value) for name, value in pairs}


def _run_bare() -> None:
    import orjson
    from aiohttp import web

    async def put(request: web.Request) -> web.Response:
        article = orjson.loads(await request.read())
        return web.Response(body=orjson.dumps({"id": article["id"]}), content_type="application/json", status=201)

    application = web.Application()
    application.router.add_put("/v1/articles/{id}", put)
    from socket import create_server

    listener = create_server(("127.0.0.1", 0), backlog=1024)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    web.run_app(application, sock=listener, access_log=None, print=None)


if __name__ == "__main__":
    _run_bare()
