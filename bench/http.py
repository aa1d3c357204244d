"""The service under load, beside a bare aiohttp handler that only parses the same JSON.

    python -m bench.http [--eval PATH] [--small] [--output bench/results/http.json]

One run, one client process, the same 32 connections and articles of the same stream for both: single `PUT`s as fast as
they are answered, in turns; then `PUT`s at half that rate, due at moments of their own; then `/v1/bulk`. The service
runs as `wirecopy serve` with its default settings, durably, and holds 100,000 articles before anything is measured. So
that nobody buys speed with quality, a second service is given labelled articles over the same routes and its stories
are scored, beside those of `wirecopy dedupe --no-look-ahead`, which must agree.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from bench import traffic
from bench.articles import read_rows
from bench.dedupe import run_dedupe
from bench.load import CONNECTIONS, Load, due_times, put_request, send, send_stream
from bench.quality import evaluation_folder
from bench.results import describe_run, report
from bench.servers import Server, metrics_of, start_bare, start_service
from bench.sets import LabelledSet, Stream, find_sets, score
from wirecopy import Client

PACKAGES = ("wirecopy", "aiohttp", "orjson", "msgspec", "numba", "numpy")
NDJSON = "application/x-ndjson"
STREAM_LINES = 2_000  # per bulk stream, as `wirecopy push` sends them
SCORED_SETS = ("us11-dev", "rewrites-dev")
SYNC_SAMPLES = 50


@dataclass(frozen=True)
class Size:
    """How much is sent: before anything is measured, per round of single requests, at half rate, in bulk."""

    window: int
    rounds: int
    per_round: int
    paced: int
    bulk: int


FULL = Size(window=100_000, rounds=5, per_round=4_000, paced=20_000, bulk=20_000)
SMALL = Size(window=10_000, rounds=3, per_round=1_000, paced=2_000, bulk=4_000)


class Articles:
    """The stream of articles: each is handed out once."""

    def __init__(self, evaluation: Path | None, expected: int) -> None:
        self._lines = traffic.lines(traffic.sources(evaluation), expected)
        self.text_bytes = 0

    def requests(self, count: int) -> list[bytes]:
        """Return the next articles as requests."""
        return [put_request(name, body) for name, body in islice(self._lines, count)]

    def bulk(self, count: int) -> list[bytes]:
        """Return the next articles as the pieces of a body of lines."""
        return [body + b"\n" for _, body in islice(self._lines, count)]


def sync_milliseconds(folder: Path) -> float:
    """Return the median time for 8 KB to be written and synced: the floor of a durable answer on this disk."""
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(SYNC_SAMPLES):
            started = time.perf_counter()
            os.pwrite(file.fileno(), bytes(8192), 0)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def send_bulk(url: str, pieces: Sequence[bytes]) -> float:
    """Send lines, one stream of 2,000 after the other; return articles per second. Every answer is looked at."""
    seconds = 0.0
    for start in range(0, len(pieces), STREAM_LINES):
        chunk = pieces[start : start + STREAM_LINES]
        took, answer = send_stream(
            url, "/v1/bulk?stream=true", NDJSON, [b"".join(chunk[k : k + 64]) for k in range(0, len(chunk), 64)]
        )
        seconds += took
        good = sum(line.get("status") == 201 for line in map(msgspec.json.decode, answer.splitlines()))
        if good != len(chunk):
            raise click.ClickException(f"{len(chunk) - good} of {len(chunk)} lines were not taken: {answer[-300:]!r}")
    return len(pieces) / seconds


def measure(evaluation: Path | None, size: Size, folder: Path) -> dict[str, Any]:
    """Return the figures of one run."""
    total = size.window + size.rounds * size.per_round + size.paced + size.bulk
    articles = Articles(evaluation, total)
    with ExitStack() as stack:
        bare = stack.enter_context(start_bare(folder / "bare.log"))
        service = stack.enter_context(start_service(folder / "data", folder / "service.log"))
        idle = metrics_of(service.url)
        click.echo(f"{size.window:,} articles into the window", err=True)
        preload = fill(service, articles, size.window)
        click.echo("single requests", err=True)
        single = in_turns(bare, service, articles, size)
        click.echo("at half that rate", err=True)
        rate = single["put_per_second"] / 2
        before = metrics_of(service.url)
        paced = send(service.url, articles.requests(size.paced), due=due_times(size.paced, rate, traffic.SEED))
        check_created(paced)
        between = metrics_of(service.url)
        click.echo("bulk", err=True)
        bulk = send_bulk(service.url, articles.bulk(size.bulk))
        after = metrics_of(service.url)
        load = os.getloadavg()[0]
    disk = sum(file.stat().st_size for file in (folder / "data").iterdir())
    stored = after["wirecopy_indexed_articles"]
    return {
        "window": size.window,
        **single,
        "paced_per_second": rate,
        "p50_ms": paced.percentile(50),
        "p99_ms": paced.percentile(99),
        "slowest_ms": paced.percentile(100),
        "bulk_per_second": bulk,
        "preload_per_second": preload,
        "paced_cpu_ms": cpu_ms(before, between, size.paced),
        "bulk_cpu_ms": cpu_ms(between, after, size.bulk),
        "memory_mb_idle": idle["process_resident_memory_bytes"] / 2**20,
        "memory_bytes_per_article": (after["process_resident_memory_bytes"] - idle["process_resident_memory_bytes"])
        / stored,
        "disk_bytes_per_article": disk / stored,
        "load_average": load,
    }


def fill(service: Server, articles: Articles, count: int) -> float:
    """Send the first articles in bulk, some at a time so that the client need not hold them all; return articles/s."""
    seconds = 0.0
    for start in range(0, count, 10 * STREAM_LINES):
        part = min(10 * STREAM_LINES, count - start)
        seconds += part / send_bulk(service.url, articles.bulk(part))
    return count / seconds


def in_turns(bare: Server, service: Server, articles: Articles, size: Size) -> dict[str, Any]:
    """Return the rates of single requests, the median over rounds that alternate between the two servers."""
    rounds = []
    for _ in range(size.rounds):
        requests = articles.requests(size.per_round)
        one, one_ms = send_measured(bare, requests)
        other, other_ms = send_measured(service, requests)
        rounds.append((one.per_second, other.per_second, one_ms, other_ms))
    return {
        "bare_per_second": statistics.median(row[0] for row in rounds),
        "put_per_second": statistics.median(row[1] for row in rounds),
        "put_to_bare": statistics.median(row[1] / row[0] for row in rounds),
        "bare_cpu_ms": statistics.median(row[2] for row in rounds),
        "put_cpu_ms": statistics.median(row[3] for row in rounds),
        "rounds": rounds,
    }


def send_measured(server: Server, requests: Sequence[bytes]) -> tuple[Load, float]:
    """Send requests as fast as they are answered; return what became of them, the server's processor ms for each."""
    before = server.cpu_seconds()
    load = send(server.url, requests)
    check_created(load)
    return load, (server.cpu_seconds() - before) * 1000 / len(requests)


def check_created(load: Load) -> None:
    """Raise when a request was not answered with 201: its time would mean nothing."""
    if set(load.statuses) != {201}:
        raise click.ClickException(f"not all requests were answered with 201: {load.statuses}")


def cpu_ms(before: dict[str, float], after: dict[str, float], count: int) -> float:
    """Return the service's own processor time per article between two looks at its metrics."""
    return (after["process_cpu_seconds_total"] - before["process_cpu_seconds_total"]) * 1000 / count


def measure_quality(evaluation: Path | None, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the scores of labelled sets whose articles went through a service, and through a batch."""
    for labelled in scored_sets(evaluation):
        click.echo(f"quality: {labelled.name}", err=True)
        files = [path for stream in labelled.streams for path in stream.files]
        data = folder / f"quality-{labelled.name}"
        with start_service(data, folder / "quality.log") as service, Client(service.url) as client:
            for _ in client.bulk(row for path in files for row in read_rows(path)):
                pass
            stories = client.stories(page_size=500)
            story = {member.id: found.id for found in stories for member in found.members}
        batch = run_dedupe(files, ["--no-look-ahead"]).story
        for way, names in (("service", story), ("dedupe --no-look-ahead", batch)):
            yield {"set": labelled.name, "way": way, "scores": asdict(score(labelled, names))}


def scored_sets(evaluation: Path | None) -> list[LabelledSet]:
    """Return the labelled sets: the evaluation folder's, and the project's own languages as one stream."""
    sets = find_sets(evaluation)
    own = next(labelled for labelled in sets if labelled.name == "languages")
    files = tuple(path for stream in own.streams for path in stream.files)
    languages = LabelledSet("languages, one stream", (Stream("languages", files),), own.pairs)
    return [*(labelled for labelled in sets if labelled.name in SCORED_SETS), languages]


def table(result: dict[str, Any]) -> str:
    """Return the figures of a result as text, quality in the same table."""
    figures = result["figures"]
    lines = [
        f"window                     {figures['window']:,} articles",
        f"bare aiohttp handler       {figures['bare_per_second']:,.0f} requests/s",
        f"PUT                        {figures['put_per_second']:,.0f} requests/s, {figures['put_to_bare']:.2f} of bare",
        f"PUT at {figures['paced_per_second']:,.0f}/s".ljust(27)
        + f"p50 {figures['p50_ms']:.1f} ms, p99 {figures['p99_ms']:.1f} ms, slowest {figures['slowest_ms']:.1f} ms",
        f"/v1/bulk                   {figures['bulk_per_second']:,.0f} articles/s "
        f"({figures['preload_per_second']:,.0f} while the window filled)",
        f"processor time an article  PUT {figures['put_cpu_ms']:.3f} ms, at half the rate "
        f"{figures['paced_cpu_ms']:.3f} ms, bulk {figures['bulk_cpu_ms']:.3f} ms; bare {figures['bare_cpu_ms']:.3f} ms",
        f"per article                {figures['memory_bytes_per_article']:,.0f} bytes of memory, "
        f"{figures['disk_bytes_per_article']:,.0f} on disk",
        f"8 KB written and synced    {figures['sync_ms']:.2f} ms; load of the machine {figures['load_average']:.1f}",
    ]
    for row in result["quality"]:
        pairs = row["scores"]["pairs"]
        lines.append(f"{row['set']}, {row['way']}: F1 {pairs['f1']:.3f}, strict F1 {pairs['strict_f1']:.3f}")
    return "\n".join(lines)


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--small", is_flag=True, help="A tenth of everything, in about a minute.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where data is stored while measuring; the disk counts."
)
@click.option("--no-quality", is_flag=True, help="Leave the scores out, to compare speeds.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(evaluation: Path | None, small: bool, folder: Path | None, no_quality: bool, output: Path | None) -> None:
    """Measure the HTTP service."""
    evaluation, size = evaluation_folder(evaluation), SMALL if small else FULL
    with tempfile.TemporaryDirectory(dir=folder) as place:
        figures = {"sync_ms": sync_milliseconds(Path(place)), **measure(evaluation, size, Path(place))}
        quality = [] if no_quality else list(measure_quality(evaluation, Path(place)))
    configuration = {
        "settings": "default, durable",
        "articles": traffic.describe(evaluation),
        "connections": CONNECTIONS,
        **asdict(size),
        "bare": "aiohttp.web.Application with one route, orjson.loads of the body, an answer of one field",
    }
    result = {**describe_run(PACKAGES, configuration, traffic.SEED), "figures": figures, "quality": quality}
    report(result, table, output)


if __name__ == "__main__":
    main()
