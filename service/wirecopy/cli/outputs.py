"""What `dedupe` leaves behind: files in the format of their endings, or a table on a terminal; and its summary."""

import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click
from msgspec import structs

from wirecopy.cli import terminal
from wirecopy.cli.refusals import Telling
from wirecopy.files import answers, reading, writing

if TYPE_CHECKING:
    from wirecopy.batch.run import Result
    from wirecopy.files.writing import Output
    from wirecopy.schema.article import Article


class Outputs:
    """Where stories go, and whole lines of one article per story if they are wanted."""

    def __init__(
        self, output: str | None, unique: str | None, matches: str | None, inputs: Sequence[str], schema: str
    ) -> None:
        """Without `output` stories are shown on a terminal, and written to standard output otherwise.

        Raises UsageError for endings that name no format, and for outputs that are inputs too; as `reading.expand`.
        """
        self.told = Telling()
        self.shows_table = output is None and sys.stdout is not None and sys.stdout.isatty()
        self._target = "-" if output is None else output
        self._unique = unique
        self._matches = matches
        self._shown: dict[str, Article] = {}
        self._stories_file: Output | None = None
        self._unique_file: Output | None = None
        self._matches_file: Output | None = None
        answers.check_ending(self._target)
        beside = [target for target in (unique, matches) if target is not None]
        for target in beside:
            answers.check_ending(target, lines_only=True)
        targets = [self._target, *beside]
        writing.check_targets(reading.expand(inputs, schema), targets)

    @property
    def needs_texts(self) -> bool:
        """Whether the texts of the articles are needed: for a table, or for what they credit."""
        return self.shows_table or self._matches is not None

    def open(self, stack: ExitStack) -> None:
        """Open the files, which are complete when the stack is closed. Raises OutputFailed."""
        if not self.shows_table:
            self._stories_file = stack.enter_context(writing.open_output(self._target))
        if self._unique is not None:
            self._unique_file = stack.enter_context(writing.open_output(self._unique))
        if self._matches is not None:
            self._matches_file = stack.enter_context(writing.open_output(self._matches))

    def on_chunk(self, chunk: reading.Chunk) -> None:
        """Tell what a chunk of input says, and keep what a table will show of it."""
        self.told.chunk(chunk)
        if self.shows_table:
            shown = [structs.replace(article, text=article.text[:200]) for article in chunk.articles]
            self._shown.update((article.id, article) for article in shown)

    def write(self, result: "Result") -> None:
        """Write everything. Raises OutputFailed."""
        started = time.perf_counter()
        if self._stories_file is not None:
            answers.write_rows(self._stories_file, result.rows())
        if self._unique_file is not None:
            answers.write_lines(self._unique_file, result.unique_lines())
        if self._matches_file is not None:
            answers.write_lines(self._matches_file, result.match_lines())
        result.summary.stages["writing"] = time.perf_counter() - started

    def summarise(self, result: "Result", *, profile: bool, as_json: bool) -> None:
        """Show the table, if that is where stories go, and the summary, in JSON where that was asked for."""
        if profile:
            click.echo(terminal.describe_stages(result.summary), err=True)
        if self.shows_table:
            terminal.show_stories(result.rows(), self._shown)
        if as_json:
            summary = terminal.summary_json(result.summary._asdict() | self.told.facts())
            click.echo(summary, err=self._target == "-" and not self.shows_table)
        else:
            click.echo(terminal.describe_summary(result.summary) + self.told.describe(), err=True)
