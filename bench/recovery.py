"""How soon the service is back: after SIGTERM, after kill -9, with so many articles in its folder.

    python -m bench.recovery [--eval PATH] [--small] [--output bench/results/recovery.json]

The articles come by `/v1/bulk`, as `wirecopy push` sends them; the process is killed while more are under way. The time
runs from the start of the process to the line that says where it listens, which is printed once articles are taken;
that of an empty folder is given beside it, for what Python and the compiled core take.
"""

import contextlib
import signal
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bench import traffic
from bench.http import NDJSON, STREAM_LINES, Articles, fill
from bench.load import ServerGone, send_stream
from bench.quality import evaluation_folder
from bench.results import describe_run, rounded, write_result
from bench.servers import Server, metrics_of, start_service

PACKAGES = ("wirecopy", "numba", "numpy", "msgspec", "zstandard")
ARTICLES, SMALL_ARTICLES = 200_000, 20_000


def timed_start(data: Path, log: Path) -> tuple[Server, float]:
    """Return a service that takes articles, and the seconds from the start of its process until then."""
    started = time.perf_counter()
    service = start_service(data, log)
    return service, time.perf_counter() - started


def kill_under_load(service: Server, lines: Sequence[bytes]) -> None:
    """Kill the service when it has taken some of the lines but not all: the first answer was acknowledged."""
    before = metrics_of(service.url)["wirecopy_records"]
    sender = threading.Thread(target=_send_until_killed, args=(service.url, lines))
    sender.start()
    while metrics_of(service.url)["wirecopy_records"] == before:
        pass
    service.end(signal.SIGKILL)
    sender.join()


def _send_until_killed(url: str, lines: Sequence[bytes]) -> None:
    with contextlib.suppress(ServerGone, OSError):
        send_stream(url, "/v1/bulk?stream=true", NDJSON, lines)


def measure(evaluation: Path | None, count: int, folder: Path) -> dict[str, Any]:
    """Return the figures of one run."""
    data, log = folder / "data", folder / "service.log"
    articles = Articles(evaluation, count + STREAM_LINES)
    start_service(folder / "empty", log).end()  # compiles, if that is still to be done
    empty, empty_seconds = timed_start(folder / "empty", log)
    empty.end()
    click.echo(f"{count:,} articles into the folder", err=True)
    with start_service(data, log) as service:
        fill(service, articles, count)
    click.echo("starts", err=True)
    service, stopped_seconds = timed_start(data, log)
    kill_under_load(service, articles.bulk(STREAM_LINES))
    service, killed_seconds = timed_start(data, log)
    with service:
        kept = metrics_of(service.url)["wirecopy_kept_articles"]
        memory = metrics_of(service.url)["process_resident_memory_bytes"]
    if kept < count:
        raise click.ClickException(f"{count - kept:,.0f} acknowledged articles are gone")
    return {
        "articles": int(kept),
        "empty_seconds": empty_seconds,
        "after_sigterm_seconds": stopped_seconds,
        "after_kill_seconds": killed_seconds,
        "memory_mb": memory / 2**20,
        "disk_mb": sum(file.stat().st_size for file in data.iterdir()) / 2**20,
    }


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--small", is_flag=True, help="A tenth of the articles.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where data is stored while measuring; the disk counts."
)
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(evaluation: Path | None, small: bool, folder: Path | None, output: Path | None) -> None:
    """Measure how soon the service is back after a stop and after kill -9."""
    evaluation, count = evaluation_folder(evaluation), SMALL_ARTICLES if small else ARTICLES
    with tempfile.TemporaryDirectory(dir=folder) as place:
        figures = measure(evaluation, count, Path(place))
    configuration = {"settings": "default", "articles": traffic.describe(evaluation), "count": count}
    result = rounded({**describe_run(PACKAGES, configuration, traffic.SEED), "figures": figures})
    found = result["figures"]
    click.echo(
        f"{found['articles']:,} articles: ready {found['after_sigterm_seconds']:.1f} s after SIGTERM, "
        f"{found['after_kill_seconds']:.1f} s after kill -9 (an empty folder: {found['empty_seconds']:.1f} s); "
        f"{found['memory_mb']:,.0f} MB of memory, {found['disk_mb']:,.0f} MB on disk"
    )
    if output:
        write_result(output, result)


if __name__ == "__main__":
    main()
