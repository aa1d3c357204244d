"""What a person sees in a terminal: progress, stories, comparisons.

Text of articles is data from strangers: control characters never reach the terminal, and lines with right-to-left
letters are isolated (U+2068, U+2069), so that columns keep their places in terminals that reorder them. Widths are
counted in cells, not characters.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from wirecopy.detector import loading
from wirecopy.detector.loading import Loaded, Progress
from wirecopy.schema.article import Article
from wirecopy.schema.dates import format_published

if TYPE_CHECKING:
    from wirecopy.batch.run import OutputRow, RunSummary
    from wirecopy.schema.answers import Boilerplate, Change, Comparison, Paragraph

_SOURCE_COLUMNS = 24
_DATE_COLUMNS, _RELATION_COLUMNS, _SCORE_COLUMNS = 10, 9, 4
_OTHER_COLUMNS = 3 + _SOURCE_COLUMNS + _DATE_COLUMNS + _RELATION_COLUMNS + _SCORE_COLUMNS + 4 * 2  # with the gaps
_MARK_COLUMNS = 9
_TELLING, _MOST_TOLD = 0.1, 12  # log-odds from which a contribution is worth a line, and lines
_STYLES = {"shared": "green", "reworded": "yellow", "only here": "dim"}
_PIPED_WIDTH = 110  # columns where there is no terminal to ask
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff]")


def printable(text: str) -> str:
    """Return `text` on one line, with a space for each run of control and direction-changing characters."""
    return _CONTROL.sub(" ", text)


def load_kernels(data: Path | None = None, *, into: Path | None = None, is_native_only: bool = False) -> Loaded:
    """Load the compiled kernels (see `loading.load`). Say when they must be compiled first, and count in a terminal.

    `data` can take what was compiled when no other folder can.
    """
    with ExitStack() as stack:
        bar: list[Callable[[int], None]] = []

        def tell(progress: Progress) -> None:
            if not bar:
                print(f"wirecopy: {progress}", file=sys.stderr, flush=True)
                bar.append(stack.enter_context(counting(progress.total, "kernels")))
            bar[0](progress.done)

        loaded = loading.load(data=data, on_compile=tell, owns_process=True, into=into, is_native_only=is_native_only)
    if loaded.trouble is not None:
        print(f"wirecopy: compiled kernels are in memory only, {printable(loaded.trouble)}", file=sys.stderr)
    return loaded


@contextmanager
def counting(total: int | None = None, what: str = "articles") -> Iterator[Callable[[int], None]]:
    """Show a counter on standard error, if that is a terminal, with a bar where the `total` is known.

    What it yields takes the number so far.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

    whole = "" if total is None else f" of {total:,}"
    counter, clock = TextColumn(f"{{task.completed:,.0f}}{whole} {what}"), TimeElapsedColumn()
    columns: tuple[ProgressColumn, ...] = (SpinnerColumn() if total is None else BarColumn(), counter, clock)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def describe_summary(summary: "RunSummary") -> str:
    """Return one line of counts and speed."""
    speed = summary.articles / summary.seconds if summary.seconds > 0 else 0
    counts = f"{summary.stories:,} stories, {summary.copies:,} copies, {summary.rewrites:,} rewrites"
    known = f", {summary.known:,} known before" if summary.known else ""
    return f"{summary.articles:,} articles: {counts}, {summary.refused:,} refused{known}; {speed:,.0f} articles/s"


def summary_json(facts: Mapping[str, Any]) -> str:
    """Return a summary as one JSON object."""
    return msgspec.json.encode(facts).decode()


def describe_stages(summary: "RunSummary") -> str:
    """Return a table of seconds per stage, in the order in which they ran; then those of the threads that ran beside
    them.
    """
    whole = summary.seconds or 1.0
    lines = [f"{name:<20} {seconds:9.3f} s {seconds / whole:6.1%}" for name, seconds in summary.stages.items()]
    lines += [f"{'all':<20} {summary.seconds:9.3f} s", "beside, in threads of their own"]
    lines += [f"  {name:<18} {seconds:9.3f} s {seconds / whole:6.1%}" for name, seconds in summary.beside.items()]
    return "\n".join(lines)


def describe_boilerplate(passage: "Boilerplate") -> str:
    """Return one line: source, articles, words, and the passage, or where it stands when texts are not kept."""
    where = f"(in {passage.example} from word {passage.first_word + 1} on; texts are not kept)"
    said = _isolated(printable(where if passage.text is None else passage.text))
    source = _cell(passage.source or "(no source)", _SOURCE_COLUMNS)
    return f"{source}  {passage.articles:>7,} articles  {passage.words:>4} words  {said}"


def show_stories(rows: Iterable["OutputRow"], articles: Mapping[str, Article]) -> None:
    """Print the stories, large ones first, each with its articles, the canonical first; then those that stand alone."""
    stories: dict[str, list[OutputRow]] = {}
    for row in rows:
        stories.setdefault(row.story, []).append(row)
    console = _console()
    for members in sorted(stories.values(), key=len, reverse=True):
        if len(members) > 1:
            members.sort(key=lambda row: not row.canonical)
            console.print(Text(f"One story in {len(members)} articles", style="bold"))
            _print_members(console, members, articles)
    alone = [members[0] for members in stories.values() if len(members) == 1]
    if alone:
        console.print(Text(f"Stories of one article: {len(alone)}", style="bold"))
        _print_members(console, alone, articles)


def _print_members(console: Console, members: Sequence["OutputRow"], articles: Mapping[str, Article]) -> None:
    """Print title, source, date, relation and score of each article, on one line each."""
    title_width = max(20, console.width - _OTHER_COLUMNS)
    for row in members:
        article = articles[row.id]
        stands_for_others = row.canonical and row.match is not None
        cells = (
            _cell(unescape(article.title or article.text[:200]), title_width),
            _cell(article.source or "", _SOURCE_COLUMNS),
            _cell("" if article.published is None else format_published(article.published)[:10], _DATE_COLUMNS),
            _cell("canonical" if stands_for_others else row.relation or "", _RELATION_COLUMNS),
            "" if stands_for_others or row.score is None else f"{row.score:.2f}",
        )
        console.print(Text(("   " + "  ".join(cells)).rstrip()), soft_wrap=True)
    console.print()


def comparison_json(comparison: "Comparison") -> str:
    """Return the comparison as one JSON object; offsets count characters."""
    return msgspec.json.format(msgspec.json.encode(comparison), indent=2).decode()


def show_comparison(comparison: "Comparison", a: Article, b: Article, *, features: bool = False) -> None:
    """Print score and relation, what speaks for and against, marked paragraphs, what changed, shared passages.

    With `features` also every feature by its name.
    """
    console = _console()
    relation = comparison.relation or "no match"
    console.print(Text.assemble((relation, "bold"), f", score {comparison.score:.3f}"))
    _print_contributions(console, comparison)
    if features:
        _print_features(console, comparison)
    if comparison.truncated:
        console.print("words beyond the limit (detection.max_words) were left out")
    if comparison.paragraphs is not None:
        _print_paragraphs(console, a, comparison.paragraphs.a)
        _print_paragraphs(console, b, comparison.paragraphs.b)
    _print_changes(console, "numbers", comparison.numbers)
    _print_changes(console, "quotations", comparison.quotes)
    if not comparison.passages:
        console.print("no shared passages")
        return
    width = max(10, (console.width - 7) // 2)  # the box and its padding take seven
    passages = Table(box=SIMPLE_HEAD, expand=True, show_lines=True)
    for article in (a, b):
        passages.add_column(Text(_cell(article.title or article.id, width)), ratio=1)
    for passage in comparison.passages:
        passages.add_row(
            _block(console, a.text, width, passage.a_start, passage.a_end),
            _block(console, b.text, width, passage.b_start, passage.b_end),
        )
    console.print(passages)


def _print_contributions(console: Console, comparison: "Comparison") -> None:
    """Print what moves the log-odds most, in words."""
    told = [share for share in comparison.contributions if abs(share.log_odds) >= _TELLING][:_MOST_TOLD]
    if told:
        table = Table("log-odds", "what speaks for one source (+) or against it (-)", box=SIMPLE_HEAD)
        table.columns[0].justify = "right"
        for share in told:
            table.add_row(f"{share.log_odds:+.2f}", share.words)
        console.print(table)


def _print_features(console: Console, comparison: "Comparison") -> None:
    """Print every feature with its value and what it adds to the log-odds."""
    added = {share.feature: f"{share.log_odds:+.3f}" for share in comparison.contributions}
    table = Table("feature", "value", "log-odds", box=SIMPLE_HEAD)
    table.columns[1].justify = table.columns[2].justify = "right"
    for name, value in comparison.features.items():
        table.add_row(name, f"{value:.4g}", added.get(name, ""))
    console.print(table)


def _print_paragraphs(console: Console, article: Article, paragraphs: Sequence["Paragraph"]) -> None:
    """Print the beginning of each paragraph behind its mark."""
    name = printable(article.title or article.id)
    counts = Counter(paragraph.mark for paragraph in paragraphs)
    told = ", ".join(f"{counts[mark]} {mark}" for mark in ("shared", "reworded", "only here") if counts[mark])
    console.print(Text.assemble((f"Paragraphs of {_isolated(name)}", "bold"), f": {told or 'none'}"), soft_wrap=True)
    width = max(20, console.width - 3 - _MARK_COLUMNS - 2)
    for paragraph in paragraphs:
        shown = _cell(paragraph.text[:1000], width).rstrip()
        line = Text("   ").append(f"{paragraph.mark:<{_MARK_COLUMNS}}", _STYLES[paragraph.mark]).append("  " + shown)
        console.print(line, soft_wrap=True)
    console.print()


def _print_changes(console: Console, what: str, changes: Sequence["Change"]) -> None:
    """Print what stands in A and B, or in one of them only."""
    if not changes:
        return
    console.print(Text(f"Changed {what}", style="bold"))
    width = max(20, (console.width - 3 - 4) // 2)
    for change in changes:
        shown = [
            "" if part is None else _cell((part.text or "")[:1000], width).rstrip() for part in (change.a, change.b)
        ]
        if change.b is None:
            told = f"{shown[0]}  (only in A)"
        elif change.a is None:
            told = f"{shown[1]}  (only in B)"
        else:
            told = " -> ".join(shown)
        console.print(Text("   " + told), soft_wrap=True)
    console.print()


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)


def _block(console: Console, body: str, width: int, start: int | None, end: int | None) -> RenderableType:
    """Return a passage wrapped to `width` cells under its offsets, each line isolated by itself."""
    wrapped = Text(printable(body[start:end])).wrap(console, width)
    block = Text(f"{start}-{end}\n", style="dim")
    block.append("\n".join(_isolated(line.plain.rstrip()) for line in wrapped), style="not dim")
    return block


def _cell(text: str, width: int) -> str:
    """`text` on one line of exactly `width` cells, cut with an ellipsis or filled with spaces."""
    line = Text(printable(text))
    line.truncate(width, overflow="ellipsis")
    return _isolated(line.plain) + " " * (width - line.cell_len)


def _isolated(line: str) -> str:
    return f"\u2068{line}\u2069" if _RIGHT_TO_LEFT.search(line) else line
