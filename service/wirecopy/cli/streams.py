"""Commands that stay with a stream: follow. Like `commands`: parse arguments, call, print."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wirecopy.cli.service import format_option, read_mapping
from wirecopy.errors import UsageError

if TYPE_CHECKING:
    from wirecopy.client.connectors.decide import Decider
    from wirecopy.client.connectors.follow import StreamCounts
    from wirecopy.files.reading import Schema
    from wirecopy.schema.article import Article

_DONE, _REFUSED = 0, 1
_EPILOG = """
\b
Exit codes:
  0  stopped as asked (SIGTERM, Ctrl-C), or with --once: all is decided
  1  the same, but some messages are dead letters
  2  wrong usage
  3  the service refuses to serve, or a file cannot be written
"""


@click.command(epilog=_EPILOG)
@click.argument("source", metavar="SOURCE")
@click.option("--to", "url", metavar="URL", help="The service that decides: http://127.0.0.1:8080")
@click.option("--data", metavar="DIR", help="Decide in this process instead, with the articles in this folder.")
@click.option("--into", metavar="ADDRESS", help="SOURCE is a service's URL: where its events go.")
@click.option("--key", envvar="WIRECOPY_KEY", metavar="KEY", help="Sent as Authorization: Bearer.  [env: WIRECOPY_KEY]")
@click.option(
    "--dead-letters",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=Path("dead-letters.jsonl"),
    show_default=True,
    help="Where messages go that are no articles, with the reason.",
)
@click.option(
    "--state", metavar="FILE", type=click.Path(path_type=Path), help="With --into amqp://: where the place is kept."
)
@click.option(
    "--map",
    "mapping",
    metavar="FIELD=NAME",
    multiple=True,
    callback=read_mapping,
    help="The field has another name: text=body.",
)
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    help="SOURCE is a feed: how often it is asked for; less often where it says so.",
)
@click.option("--once", is_flag=True, help="Stop when the stream has nothing more.")
@format_option
def follow(
    source: str,
    url: str | None,
    data: str | None,
    into: str | None,
    key: str | None,
    dead_letters: Path,
    state: Path | None,
    mapping: dict[str, str],
    every: float,
    once: bool,
    schema: "Schema",
) -> int:
    """Feed a service from a stream, or a stream from a service.

    A message is acknowledged when its article is on disk. What comes twice does no harm. A lost connection, to either
    side, is made again for as long as it takes.

    \b
    Examples:
      wirecopy follow 'redis://localhost/articles?group=wirecopy' --to http://127.0.0.1:8080
      wirecopy follow 'kafka://broker:9092/articles?group=wirecopy' --to http://127.0.0.1:8080
      wirecopy follow https://newsroom.example/rss.xml --to http://127.0.0.1:8080
      wirecopy follow http://127.0.0.1:8080/v1/events --into redis://localhost/stories
    """
    if into is not None:
        if url or data:
            raise UsageError("--into takes events from SOURCE: --to and --data have no meaning with it")
        return asyncio.run(_forward(source, into, key, state))
    if (url is None) == (data is None):
        raise UsageError("who decides? --to URL for a service, or --data DIR for this process")
    if source.startswith(("http://", "https://")) and schema != "own":
        raise UsageError("an address of the web is followed as a feed of RSS or Atom: --format has no meaning with it")
    return asyncio.run(_follow(source, every, url, data, key, dead_letters, _parser(mapping, schema), once))


COMMANDS = (follow,)


async def _follow(
    source: str,
    every: float,
    url: str | None,
    data: str | None,
    key: str | None,
    dead_letters: Path,
    parse: "Callable[[bytes], Article]",
    once: bool,
) -> int:
    from wirecopy.client.connectors.dead_letters import DeadLetterFile
    from wirecopy.client.connectors.ends import inlets_of, parse_address
    from wirecopy.client.connectors.follow import StreamReader

    address = parse_address(source)
    if address.scheme in ("http", "https"):
        address = address._replace(parameters={"every": str(every)})
    inlets = inlets_of(address)  # a missing library is told before anything starts
    decider = _decider(url, data, key)
    follower = StreamReader(
        inlets,
        decider,
        parse,
        DeadLetterFile(dead_letters),
        tell=lambda text: click.echo(f"wirecopy: {text}", err=True),
    )
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, follower.stop)
    try:
        progress = await follower.run(once=once)
    finally:
        await decider.close()
    _tell_progress(progress, dead_letters)
    return _REFUSED if progress.dead else _DONE


async def _forward(source: str, into: str, key: str | None, state: Path | None) -> int:
    from wirecopy.client.client import AsyncClient
    from wirecopy.client.connectors.ends import outlet_of, parse_address
    from wirecopy.client.connectors.forward import forward

    address = parse_address(into)
    outlet_of(address)
    async with AsyncClient(source.removesuffix("/").removesuffix("/v1/events"), key=key) as client:
        work = asyncio.create_task(
            forward(client, lambda: outlet_of(address), state, tell=lambda text: click.echo(text, err=True))
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, work.cancel)
        try:
            await work
        except asyncio.CancelledError:
            return _DONE
    return _DONE


def _decider(url: str | None, data: str | None, key: str | None) -> "Decider":
    from wirecopy.client.connectors.decide import DetectorDecider, ServiceDecider

    if url is not None:
        from wirecopy.client.client import AsyncClient

        return ServiceDecider(AsyncClient(url, key=key), lambda text: click.echo(f"wirecopy: {text}", err=True))
    from wirecopy import config
    from wirecopy.detector.detector import Detector, scheme_of
    from wirecopy.storage import Store

    settings = config.load(None)
    return DetectorDecider(Detector(settings, Store.open(Path(str(data)), scheme=scheme_of(settings))))


def _parser(mapping: dict[str, str], schema: "Schema") -> "Callable[[bytes], Article]":
    from wirecopy.config import Limits
    from wirecopy.schema.formats import known
    from wirecopy.schema.intake import IntakeParser

    intake = IntakeParser(Limits(), mapping)
    if schema in known.BY_NAME:
        request = known.WireRequest(schema, intake.limits, intake.zone, intake.is_strict)
        return lambda data: known.read_one(request, data)[0]
    return lambda data: intake.parse(data, [])


def _tell_progress(progress: "StreamCounts", dead_letters: Path) -> None:
    where = f" in {dead_letters}" if progress.dead else ""
    click.echo(f"{progress.articles:,} articles, {progress.dead:,} dead letters{where}", err=True)
