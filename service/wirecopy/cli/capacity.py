"""`wirecopy capacity`: what machine a number of articles a day needs.

Computed from constants, which `python -m bench.capacity` measures anew.
"""

import math
from typing import NamedTuple

import click

from wirecopy import config

WORDS = 450  # of an article, some 2.7 KB in English
_DAY = 86_400


class Cost(NamedTuple):
    """What is taken by each article, and by each word of it."""

    article: float
    word: float

    def of(self, words: float) -> float:
        """Return what an article of so many words takes."""
        return self.article + self.word * words


# Measured with articles of 150, 450 and 900 words; of memory, the line is above what large windows take (4.4 KB at 460
# words and 100,000 articles). Times were taken on a machine that others used: one for itself takes half.
MEMORY = Cost(1_350.0, 8.6)  # bytes, in the index
MEMORY_OUTSIDE = Cost(300.0, 0.0)  # bytes, kept beyond the index
DISK = Cost(100.0, 12.5)  # bytes, with texts
DISK_WITHOUT_TEXTS = Cost(100.0, 9.0)
SECONDS = Cost(1.6e-4, 3.3e-7)  # of one core, in a bulk stream
PUT = 2.0  # a PUT takes so many times as long, where requests are many
REPLAY = Cost(2.8e-5, 4.6e-8)  # seconds of one core at a start
EMPTY = 350_000_000  # bytes of a service without articles: libraries, kernels, counters of words and passages
ROOM = 1.25  # times memory and disk: what is free in between, a write-ahead log that is not moved yet, growth
_NEAR = 1.2  # `max_indexed_articles` is advised so far above what comes, since days differ


class Capacity(NamedTuple):
    """What is needed. Bytes are with room to spare; `cores` are those that are busy in the busiest hour."""

    indexed: int
    kept: int
    memory_bytes: int
    disk_bytes: int
    articles_per_second: float
    cores_bulk: float
    cores_put: float
    start_seconds: float
    max_indexed_articles: int


def capacity(
    per_day: int, days: float, *, retention_days: float, words: int = WORDS, peak: float, keeps_text: bool = True
) -> Capacity:
    """Return what `per_day` articles need that stay in the index for `days`, and are kept for `retention_days`.

    In the busiest hour `peak` times as many come as on average.
    """
    indexed, kept = math.ceil(per_day * days), math.ceil(per_day * max(days, retention_days))
    memory = EMPTY + indexed * MEMORY.of(words) + (kept - indexed) * MEMORY_OUTSIDE.of(words)
    disk = kept * (DISK if keeps_text else DISK_WITHOUT_TEXTS).of(words)
    busiest = peak * per_day / _DAY
    return Capacity(
        indexed,
        kept,
        math.ceil(ROOM * memory),
        math.ceil(ROOM * disk),
        busiest,
        busiest * SECONDS.of(words),
        busiest * SECONDS.of(words) * PUT,
        kept * REPLAY.of(words),
        max(1024, math.ceil(indexed * _NEAR / 1000) * 1000),
    )


@click.command("capacity")
@click.option("--articles-per-day", type=click.IntRange(1, 1_000_000_000), metavar="N", required=True)
@click.option(
    "--days", type=click.FloatRange(0, 36_525, min_open=True), metavar="N",
    help="How long articles are compared with new ones, service.index_days.  [default: 14]",
)  # fmt: skip
@click.option(
    "--retention-days", type=click.FloatRange(0, 36_525, min_open=True), metavar="N",
    help="How long they are kept, service.retention_days.  [default: 365]",
)  # fmt: skip
@click.option("--words", type=click.IntRange(1, 1_000_000), default=WORDS, show_default=True, help="Of an article.")
@click.option("--peak", type=click.FloatRange(1, 1000), default=4.0, show_default=True, help="Busiest hour to mean.")
@click.option("--no-text", is_flag=True, help="Texts are not kept, service.keep_text.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    articles_per_day: int, days: float | None, retention_days: float | None, words: int, peak: float, no_text: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Tell what memory, disk and processor a service needs.

    Computed from constants that were measured (docs/operations.md, Sizing), with a quarter of memory and disk to spare.

    \b
    Example:
      wirecopy capacity --articles-per-day 200000 --days 14
    """
    default = config.Service()
    days = days or default.index_days or 14.0
    retention_days = retention_days or default.retention_days or 365.0
    needed = capacity(
        articles_per_day, days, retention_days=retention_days, words=words, peak=peak, keeps_text=not no_text
    )
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(needed._asdict()))
        return
    for line in _describe(needed, default):
        click.echo(line)


def _describe(needed: Capacity, default: config.Service) -> list[str]:
    lines = [
        f"in the index   {needed.indexed:,} articles",
        f"kept           {needed.kept:,} articles",
        f"memory         {_size(needed.memory_bytes)}",
        f"disk           {_size(needed.disk_bytes)}",
        f"busiest hour   {needed.articles_per_second:,.1f} articles a second: {needed.cores_bulk:.1%} of a core "
        f"in bulk streams, {needed.cores_put:.1%} by PUT",
        f"a start        {needed.start_seconds:,.0f} s of one core",
    ]
    if needed.max_indexed_articles > default.max_indexed_articles:
        lines.append(f"set            service.max_indexed_articles: {needed.max_indexed_articles}")
    if needed.cores_bulk > 1:
        lines.append("one interpreter decides: that is more than one service takes; see docs/scale.md")
    return lines


def _size(count: float) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:,.3g} TB"


COMMANDS = (command,)
