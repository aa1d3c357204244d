"""What a person sees in a terminal: progress, stories, comparisons.

Text of articles is data from strangers: control characters never reach the terminal, and lines with right-to-left
letters are isolated (U+2068, U+2069), so that columns keep their places in terminals that reorder them. Widths are
counted in cells, not characters.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import orjson
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from wirecopy.article import Article, format_published

if TYPE_CHECKING:
    from wirecopy.batch import Row, Summary
    from wirecopy.detector import Comparison

_PIPED_WIDTH = 110  # columns where there is no terminal to ask
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")


def printable(text: str) -> str:
    """Return `text` on one line, with a space for each run of control and direction-changing characters."""
    return _CONTROL.sub(" ", text)


@contextmanager
def progress() -> Iterator[Callable[[int], None]]:
    """Show a counter on standard error, if that is a terminal; what it yields takes the number of articles so far."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.completed:,.0f} articles"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done: bar.update(task, completed=done)


def describe_summary(summary: "Summary") -> str:
    """One line of counts and speed."""
    speed = summary.articles / summary.seconds if summary.seconds > 0 else 0
    counts = f"{summary.stories:,} stories, {summary.copies:,} copies, {summary.rewrites:,} rewrites"
    return f"{summary.articles:,} articles: {counts}, {summary.refused:,} refused; {speed:,.0f} articles/s"


def describe_stages(summary: "Summary") -> str:
    """A table of seconds per stage, in the order in which they ran."""
    whole = summary.seconds or 1.0
    lines = [f"{name:<20} {seconds:9.3f} s {seconds / whole:6.1%}" for name, seconds in summary.stages.items()]
    return "\n".join([*lines, f"{'all':<20} {summary.seconds:9.3f} s"])


def show_stories(rows: Iterable["Row"], articles: Mapping[str, Article]) -> None:
    """Print the stories, large ones first, each with its articles, the canonical first; then those that stand alone."""
    stories: dict[str, list[Row]] = {}
    for row in rows:
        stories.setdefault(row.story, []).append(row)
    console = _console()
    for members in sorted(stories.values(), key=len, reverse=True):
        if len(members) > 1:
            members.sort(key=lambda row: not row.canonical)
            _print_members(console, f"One story in {len(members)} articles", members, articles)
    alone = [members[0] for members in stories.values() if len(members) == 1]
    if alone:
        _print_members(console, f"{len(alone)} articles that stand alone", alone, articles)


def _print_members(console: Console, heading: str, members: Sequence["Row"], articles: Mapping[str, Article]) -> None:
    console.print(Text(heading, style="bold"))
    table = Table.grid(padding=(0, 2, 0, 0), expand=True)
    table.add_column(width=1)
    for ratio in (5, 2):
        table.add_column(ratio=ratio, no_wrap=True)
    for width in (10, 9):
        table.add_column(width=width)
    table.add_column(width=4, justify="right")
    for row in members:
        table.add_row("", *_member_cells(row, articles[row.id], len(members)))
    console.print(table)
    console.print()


def _member_cells(row: "Row", article: Article, members: int) -> Iterator[Text]:
    is_canonical = row.canonical and members > 1
    yield _line(article.title or article.text[:200])
    yield _line(article.source or "")
    yield _line("" if article.published is None else format_published(article.published)[:10])
    yield _line("canonical" if is_canonical else row.relation or "")
    yield _line("" if is_canonical or row.score is None else f"{row.score:.2f}")


def comparison_json(comparison: "Comparison") -> str:
    """The comparison as one JSON object; offsets count characters."""
    names = ("text", "a_start", "a_end", "b_start", "b_end")
    passages = [{name: getattr(passage, name) for name in names} for passage in comparison.passages]
    fields = {"score": comparison.score, "relation": comparison.relation, "features": comparison.features}
    return orjson.dumps({**fields, "passages": passages}, option=orjson.OPT_INDENT_2).decode()


def show_comparison(comparison: "Comparison", a: Article, b: Article) -> None:
    """Print score, relation and features, then the shared passages, A's left and B's right."""
    console = _console()
    relation = comparison.relation or "no match"
    console.print(Text.assemble((relation, "bold"), f", score {comparison.score:.3f}"))
    features = Table("feature", "value", box=SIMPLE_HEAD)
    features.columns[1].justify = "right"
    for name, value in comparison.features.items():
        features.add_row(name, f"{value:.4g}")
    console.print(features)
    if not comparison.passages:
        console.print("no shared passages")
        return
    passages = Table(box=SIMPLE_HEAD, expand=True, show_lines=True)
    for article in (a, b):
        passages.add_column(_line(article.title or article.id), ratio=1)
    width = max(10, (console.width - 6) // 2)
    for passage in comparison.passages:
        in_b = b.text[passage.b_start : passage.b_end]
        passages.add_row(
            _block(console, passage.text, width, passage.a_start, passage.a_end),
            _block(console, in_b, width, passage.b_start, passage.b_end),
        )
    console.print(passages)


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)


def _block(console: Console, text: str, width: int, start: int, end: int) -> RenderableType:
    """A passage wrapped to `width` cells under its offsets, each line isolated by itself."""
    wrapped = Text(printable(text)).wrap(console, width)
    block = Text(f"{start}-{end}\n", style="dim")
    block.append("\n".join(_isolated(line.plain.rstrip()) for line in wrapped), style="not dim")
    return block


def _line(text: str) -> Text:
    return Text(_isolated(printable(text)), overflow="ellipsis")


def _isolated(line: str) -> str:
    return f"\u2068{line}\u2069" if _RIGHT_TO_LEFT.search(line) else line
