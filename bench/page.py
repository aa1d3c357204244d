"""The page under load: its first page, `PUT`s while ten pages are open, searches among 100,000 articles.

    python -m bench.page [--eval PATH] [--small] [--output build/bench/page.json]

The first page is asked for with the labelled us11 and kursk in the service, where `--eval` has them; its time is
that of a client on the same machine. `PUT`s go by 32 connections as in `bench.http`, in turns without and with ten
open pages, each of which was loaded and follows /live. Searches are asked of the index file itself, filled with the
same stream.
"""

import select
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx
import msgspec

from bench import traffic
from bench.articles import read_rows
from bench.http import Articles, send_bulk
from bench.load import send
from bench.quality import evaluation_folder
from bench.results import describe_run, report
from bench.servers import start_service
from wirecopy import Client
from wirecopy.schema.events import Event
from wirecopy.schema.listing import Document
from wirecopy.web.search.index_file import IndexFile, Wanted

PAGES = 10
FIRST = ("us11.jsonl.gz", "kursk.jsonl")
PATHS = ("/", "/stories?order=biggest", "/stories?q=president", "/sources", "/feed")
SEARCHES = ("the", "president", "president trump", '"white house"', "zeppelin", "pres*", "president -trump", "东京")
_DAY = 86_400_000


@contextmanager
def open_pages(url: str, count: int) -> Iterator[None]:
    """So many pages are open while it lasts: loaded, and following what is new."""
    address, sockets, over = urlsplit(url), [], threading.Event()
    for _ in range(count):
        httpx.get(url, headers={"Accept": "text/html"}, trust_env=False).raise_for_status()
        one = socket.create_connection((address.hostname, address.port))
        one.sendall(b"GET /live HTTP/1.1\r\nHost: here\r\nAccept: text/event-stream\r\n\r\n")
        sockets.append(one)

    def drain() -> None:
        while not over.is_set():
            for ready in select.select(sockets, [], [], 0.2)[0]:
                ready.recv(1 << 16)

    reader = threading.Thread(target=drain)
    reader.start()
    try:
        yield
    finally:
        over.set()
        reader.join()
        for one in sockets:
            one.close()


def page_milliseconds(url: str) -> dict[str, float]:
    """Return the median time of each page, and of the very first, as a client on the same machine sees it."""
    times: dict[str, list[float]] = {path: [] for path in PATHS}
    with httpx.Client(base_url=url, headers={"Accept": "text/html"}, trust_env=False, timeout=60) as client:
        for _ in range(20):
            for path in PATHS:
                started = time.perf_counter()
                client.get(path).raise_for_status()
                times[path].append((time.perf_counter() - started) * 1000)
    return {"first": times["/"][0], **{path: statistics.median(found) for path, found in times.items()}}


def search_milliseconds(folder: Path, evaluation: Path | None, count: int) -> dict[str, float]:
    """Return the median time of each search among so many articles, and what making the file took for each."""
    file = IndexFile(folder / "search.sqlite3")
    taken: list[Document] = []
    started, seconds = 0, 0.0
    for seq, (name, body) in enumerate(traffic.lines(traffic.sources(evaluation), count), 1):
        fields = msgspec.json.decode(body)
        title, source, language = (fields.get(key) for key in ("title", "source", "language"))
        taken.append(Document(name, "s0", title, source, None, language, None, seq * 1000, "usable", fields["text"]))
        if len(taken) == 100 or seq == count:
            events = [Event(started + k + 1, "created", 0, f"s{started + k}", one.id) for k, one in enumerate(taken)]
            begin = time.perf_counter()
            file.apply(events, taken)
            seconds += time.perf_counter() - begin
            started, taken = seq, []
    found = {"index_us_per_article": seconds / count * 1e6}
    for words in SEARCHES:
        times = []
        for _ in range(9):
            begin = time.perf_counter()
            file.find(Wanted(words), 50)
            times.append((time.perf_counter() - begin) * 1000)
        found[words] = statistics.median(times)
    begin = time.perf_counter()
    file.find(Wanted("the", language="xx", since=_DAY), 50)
    found["the, in a language that nobody has"] = (time.perf_counter() - begin) * 1000
    file.close()
    return found


@click.command()
@click.option("--eval", "folder", type=click.Path(path_type=Path), help="Folder of the labelled articles.")
@click.option("--small", is_flag=True, help="Fewer articles, for a look.")
@click.option("--output", type=click.Path(path_type=Path), default=Path("build/bench/page.json"), show_default=True)
def main(folder: Path | None, small: bool, output: Path) -> None:
    """Measure the page."""
    evaluation = evaluation_folder(folder)
    rounds, per_round, searched = (4, 1_000, 10_000) if small else (6, 4_000, 100_000)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        place = Path(scratch)
        service = stack.enter_context(start_service(place / "data", place / "service.log"))
        articles = Articles(evaluation, 7_123 + 2 * rounds * per_round)
        files = [] if evaluation is None else [evaluation / "articles" / name for name in FIRST]
        if files:
            with Client(service.url) as client:
                for _ in client.bulk(row for path in files for row in read_rows(path)):
                    pass
        else:
            send_bulk(service.url, articles.bulk(7_123))
        time.sleep(20 if not small else 5)  # the index file catches up
        found["page_ms"] = page_milliseconds(service.url)
        without, with_pages = [], []
        for _ in range(rounds):
            without.append(send(service.url, articles.requests(per_round)).per_second)
            with open_pages(service.url, PAGES):
                with_pages.append(send(service.url, articles.requests(per_round)).per_second)
        found |= {"put_per_second": statistics.median(without), "put_with_pages": statistics.median(with_pages)}
        found["ratio"] = statistics.median(b / a for a, b in zip(without, with_pages, strict=True))
        found["search_ms"] = search_milliseconds(place, evaluation, searched)
    settings = {"pages": PAGES, "rounds": rounds, "per_round": per_round, "searched": searched}
    report({**describe_run(("wirecopy", "aiohttp", "jinja2"), settings, traffic.SEED), **found}, table, output)


def table(result: dict[str, Any]) -> str:
    """Return what a person reads."""
    pages = "\n".join(f"{name:<32} {ms:8.1f} ms" for name, ms in result["page_ms"].items())
    searches = "\n".join(f"{words:<32} {ms:8.2f} ms" for words, ms in result["search_ms"].items())
    rates = f"{result['put_per_second']:,.0f} PUTs/s, {result['put_with_pages']:,.0f} with ten pages open: "
    return f"{pages}\n{rates}{result['ratio']:.3f}\n{searches}"


if __name__ == "__main__":
    main()
