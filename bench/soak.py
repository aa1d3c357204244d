"""A service under everything at once, for minutes: does memory stay, is anybody told a 5xx, does a bystander wait?

    python -m bench.soak [--minutes 20] [--most-p99 100]

One client writes 40 articles a second and 50 read pages without a pause; beside them clients leave in the middle of
everything, answers are not read, and bodies are hostile; articles expire all the while. Exit code 1 when memory at the
end is more than a tenth above that after the first minute, when anything but 503 of the 5xx was answered, or when the
writer's 99th percentile is above its limit.
"""

import asyncio
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import click
import numpy as np
import orjson

from bench import hostile, traffic
from bench.crowd import read_beside
from bench.servers import Server, start_service

_PER_SECOND = 40
_READERS = 50
_ROUND_SECONDS = 10
_MOST_GROWTH = 1.10
_SETTINGS = """\
service: {index_days: 0.001, max_indexed_articles: 4096}
web: {write_timeout_seconds: 5, body_timeout_seconds: 5, header_timeout_seconds: 5}
"""


def kilobytes(server: Server) -> int:
    """Return what the service's process takes, without that of its worker; Linux only."""
    status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


def put_unread(port: int) -> None:
    """Put the article that is asked for and not read."""
    text = b'{"text":"' + b"words of a long article " * 160_000 + b'"}'
    with hostile.connect(port) as connection:
        connection.sendall(hostile.put(hostile.UNREAD, len(text), 0) + text)
        connection.recv(65536)


def soak(server: Server, rounds: int) -> tuple[list[int], list[float], Counter[int]]:
    """Return memory after each round, the writer's seconds after the first, and all statuses."""
    port = int(urlsplit(server.url).port or 0)
    put_unread(port)
    articles = traffic.lines(traffic.sources(None), rounds * _ROUND_SECONDS * _PER_SECOND)
    memory: list[int] = []
    seconds: list[float] = []
    statuses: Counter[int] = Counter()
    for number in range(rounds):
        bodies = [one for _, one in zip(range(_ROUND_SECONDS * _PER_SECOND), articles, strict=False)]
        crowd = asyncio.run(
            read_beside(port, readers=_READERS, path="/v1/stories", bodies=bodies, per_second=_PER_SECOND)
        )
        memory.append(kilobytes(server))
        seconds += crowd.writer_seconds if number else []
        statuses.update([*crowd.writer_statuses, *crowd.reader_statuses])
        click.echo(f"{(number + 1) * _ROUND_SECONDS} s: {memory[-1] / 1024:.0f} MB", err=True)
    return memory, seconds, statuses


@click.command(help=__doc__.split("\n", maxsplit=1)[0])
@click.option("--minutes", type=click.FloatRange(min=1.5), default=20.0, show_default=True)
@click.option("--most-p99", metavar="MS", type=float, default=100.0, show_default=True, help="Of the writer.")
@click.option("--output", type=click.Path(path_type=Path), help="Where to write the figures, as JSON.")
def main(minutes: float, most_p99: float, output: Path | None) -> None:
    """Run, print the figures, and fail where a promise is broken."""
    rounds = round(minutes * 60 / _ROUND_SECONDS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = folder / "settings.yaml"
        settings.write_text(_SETTINGS)
        with start_service(folder / "data", folder / "log", settings) as server:
            port = urlsplit(server.url).port
            abuse = subprocess.Popen([sys.executable, "-m", "bench.hostile", str(port)], stdout=subprocess.PIPE)
            try:
                memory, seconds, statuses = soak(server, rounds)
            finally:
                abuse.terminate()
                told, _ = abuse.communicate()
    statuses.update({int(status): count for status, count in orjson.loads(told).items()})
    first = 60 // _ROUND_SECONDS - 1
    p99 = float(np.percentile(seconds, 99)) * 1000
    figures = {
        "minutes": minutes,
        "memory_mb_after_a_minute": memory[first] / 1024,
        "memory_mb_at_the_end": memory[-1] / 1024,
        "writer_p50_ms": float(np.percentile(seconds, 50)) * 1000,
        "writer_p99_ms": p99,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
    }
    click.echo(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    if output is not None:
        output.write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2))
    broken = [status for status in statuses if status >= 500 and status != 503]
    if memory[-1] > memory[first] * _MOST_GROWTH or p99 > most_p99 or broken:
        raise click.ClickException("memory grew, the writer waited, or a 5xx was answered")


if __name__ == "__main__":
    main()
