"""The command line: parse arguments, call, print, exit code. Everything heavy is imported inside the commands."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from io import TextIOWrapper
from os import environ
from typing import TYPE_CHECKING, Any, Never

import click

from wirecopy import errors
from wirecopy.cli import capacity, cluster, service, settings, streams, upkeep
from wirecopy.cli.settings import config_option
from wirecopy.detector import gc_control
from wirecopy.schema.version import VERSION

if TYPE_CHECKING:
    from wirecopy.config import Config
    from wirecopy.files.reading import Schema

DONE, REFUSED, USAGE, FAILED, INTERRUPTED, TERMINATED = 0, 1, 2, 3, 130, 143
EXIT_CODES: dict[type[errors.WirecopyError], int] = {
    errors.Refused: REFUSED,
    errors.ArticleError: FAILED,
    errors.UnknownArticle: FAILED,
    errors.UnknownStory: FAILED,
    errors.UnknownAction: FAILED,
    errors.UnknownPin: FAILED,
    errors.UnknownAction: FAILED,
    errors.Pinned: FAILED,
    errors.EventsGone: FAILED,
    errors.Overloaded: FAILED,
    errors.NotReady: FAILED,
    errors.NotWriter: FAILED,
    errors.UsageError: USAGE,
    errors.ConfigError: USAGE,
    errors.InputFailed: FAILED,
    errors.OutputFailed: FAILED,
    errors.StorageError: FAILED,
    errors.ServiceError: FAILED,
    errors.ConnectorFailed: FAILED,
}

_POLICIES = ("first_published", "first_seen", "longest", "preferred_sources", "agency_first")
_EXIT_CODES_HELP = """
\b
Exit codes:
  0  done
  1  done, but some lines were refused (with --strict: stopped at the first)
  2  wrong usage or configuration
  3  an input or output failed
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no foreseeable failure leaves a traceback."""
    _prepare_process()
    try:
        result = commands.main(arguments, prog_name="wirecopy", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return USAGE
    except click.Abort:
        return _fail("interrupted", INTERRUPTED)
    except errors.ReaderLeft:
        _forget_standard_output()
        return FAILED
    except errors.WirecopyError as error:
        return _fail(str(error), exit_code(error))
    except OSError as error:
        return _fail(str(error), FAILED)
    return result if isinstance(result, int) else DONE


def exit_code(error: errors.WirecopyError) -> int:
    """Return the number for an error: that of its nearest class in the table."""
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)


class _Commands(click.Group):
    """Tells a closed pipe and a full disk on standard output from our own failures."""

    def invoke(self, context: click.Context) -> Any:
        try:
            result = super().invoke(context)
            if sys.stdout is not None:
                sys.stdout.flush()
        except BrokenPipeError:
            raise errors.ReaderLeft("-") from None
        return result


def _settings(config_file: str | None, window_days: str | None, keep: str | None) -> "Config":
    """Return the settings of a file, with what options say instead."""
    from os import environ

    from wirecopy import config

    settings = config.load(config_file, environ)
    if window_days is not None:
        settings = config.override(settings, "detection", window_days=_parse_days(window_days))
    if keep is not None:
        settings = config.override(settings, "stories", keep=keep)
    return settings


def _parse_days(value: str) -> float | None:
    """Return a number of days, or None for `none`; the range is that of the setting."""
    try:
        return None if value == "none" else float(value)
    except ValueError:
        hint = "'--window-days'"
        raise click.BadParameter(f"{value!r} is neither a number of days nor 'none'.", param_hint=hint) from None


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=_EXIT_CODES_HELP,
)
@click.version_option(VERSION, prog_name="wirecopy")
def commands() -> None:
    """Tell which story each news article belongs to: copies and rewrites together, look-alikes apart.

    \b
    Try it:
      wirecopy demo                                     stories in a small sample
      wirecopy dedupe articles.jsonl --output out.jsonl stories in your own articles
      wirecopy compare a.txt b.txt                      why two texts match, or do not
    """


@commands.command(epilog=_EXIT_CODES_HELP)
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "--output",
    "-o",
    metavar="OUT",
    help="Where to write: .jsonl, .csv, .tsv (also .gz, .zst) or .parquet; '-' is standard output.  [default: standard "
    "output; on a terminal, a table of the stories]",
)
@config_option
@click.option(
    "--window-days",
    metavar="N|none",
    help="Compare articles published at most N days apart; 'none' compares all.  [default: as configured, 14]",
)
@click.option(
    "--keep",
    type=click.Choice([*_POLICIES, "first"]),
    metavar="POLICY",
    help="Which member stands for its story: first_published, first_seen (in the inputs), longest, preferred_sources, "
    "agency_first (their lists: config.yaml, stories).  [default: as configured, first_published]",
)
@click.option("--unique", metavar="UNIQUE.jsonl", help="Also write one whole input line per story, its canonical's.")
@click.option(
    "--matches", metavar="MATCHES.jsonl", help="Also write whom articles credit and all their matches, of any story."
)
@click.option(
    "--no-look-ahead", "look_ahead", flag_value=False, default=True, help="Learn word weights as the service."
)
@click.option("--strict", is_flag=True, help="Stop at the first line that is refused.")
@service.map_option
@service.format_option
@click.option(
    "--state", metavar="DIR", help="Keep in the folder DIR what a later run needs, and this one if interrupted."
)
@click.option(
    "--against", metavar="DIR", help="Group with what DIR knows, a state or the data of a service; only read."
)
@click.option("--resume", is_flag=True, help="Go on with the run of the same command that was interrupted.")
@click.option(
    "--threads", type=click.IntRange(1, 256), metavar="N", help="How many to match with.  [default: one for each core]"
)
@click.option("--profile", is_flag=True, help="Print the seconds that each stage took.")
@service.nitf_option
@service.json_option
@cluster.by_engine(_settings)
def dedupe(
    inputs: tuple[str, ...],
    output: str | None,
    config_file: str | None,
    window_days: str | None,
    keep: str | None,
    unique: str | None,
    matches: str | None,
    look_ahead: bool,
    strict: bool,
    mapping: dict[str, str],
    schema: "Schema",
    state: str | None,
    against: str | None,
    resume: bool,
    threads: int | None,
    profile: bool,
    fetch_nitf: str | None,
    as_json: bool,
) -> int:
    """Group the articles of all INPUTs into stories.

    INPUT is .jsonl, .json, .csv, .tsv, .xml, .rss or .warc, each also as .gz, .zst, .bz2 or .xz; .parquet; '-' for JSON
    on standard input; a folder, a pattern such as 'day/*.jsonl', or an address (https://, s3://, ...). Fields: id and
    text; optional title, source, url, published, language, status and embargoed, under these or other common names. A
    field that cannot be read is left out with a warning. docs/inputs.md lists every format and name.

    OUT gets one line per accepted article, in input order:

    \b
      {"id": "b2", "story": "…", "canonical": false, "relation": "rewrite", "match": "a1", "score": 0.93}

    'match' is the best match in the same story, 'relation' (identical, copy, rewrite) and 'score' belong to it; all
    three are null for an article that stands alone. A line that is no article is refused on standard error with file,
    line and reason; the rest goes on. A file gets its name only when it is complete.

    MATCHES.jsonl gets a line for each article that credits somebody or matches earlier articles, also of other stories:
    'relation' is also 'contains' (a round-up) or 'follow_up' (news of its own about the same affair; 'direction' says
    which of the two is the later).

    With --against, articles that DIR knows count as earlier ones: what belongs to one of its stories gets that story's
    id. The output holds new articles only; a line whose id DIR knows is left out when it is the same, refused when not.

    \b
    --state S               groups the inputs by themselves and keeps what is known then in S, a new folder
    --against A             groups with what A knows; A stays as it is
    --state S --against A   the same, and S holds what A knew and what is new
    --state S --against S   goes on with S, from one day to the next
    --resume                with the --state of a run that was interrupted, however: the output is that of a whole run

    \b
    Examples:
      wirecopy dedupe monday.jsonl.gz tuesday.jsonl.gz --output stories.jsonl
      wirecopy dedupe 'archive/*.csv' --map text=body,id=uri --window-days none -o stories.jsonl
      zcat feed.gz | wirecopy dedupe - --output - --unique unique.jsonl | jq .story
      wirecopy dedupe wednesday.jsonl --state known --against known -o wednesday-stories.jsonl
    """
    from wirecopy.batch import apart, prefetch
    from wirecopy.cli import terminal
    from wirecopy.cli.outputs import Outputs
    from wirecopy.schema.intake import IntakeParser

    service.check_mapping(mapping, schema)
    settings = _settings(config_file, window_days, keep)
    outputs = Outputs(output, unique, matches, inputs, schema)
    intake = IntakeParser.of(settings.limits, settings.intake, **mapping)
    intake.is_strict |= strict
    with gc_control.unsearched(), ExitStack() as kept, ExitStack() as stack:
        outputs.open(stack)
        needs_journal = state is not None or against is not None or resume
        asks_for_texts = needs_journal or outputs.needs_texts or fetch_nitf is not None
        asks_for_texts |= settings.stories.agencies_by_credit
        is_apart = not asks_for_texts and (threads or prefetch.cores()) > 1 and apart.is_worthwhile(inputs, schema)
        reader = apart.reading(inputs, settings, intake, mapping, schema, keeps_lines=unique is not None)
        parts = stack.enter_context(reader) if is_apart else None
        terminal.load_kernels()  # once everything else is known to be right
        from wirecopy.batch import resume as resuming
        from wirecopy.batch import run

        opened = resuming.open_journal(settings, look_ahead=look_ahead, folder=state, against=against, resume=resume)
        journal = kept.enter_context(opened) if needs_journal else None
        with terminal.counting() as on_progress:
            result = run.dedupe(
                inputs, settings, mapping=mapping, look_ahead=look_ahead, strict=strict, want_lines=unique is not None,
                want_matches=matches is not None,
                on_refusal=outputs.told.refusal, on_progress=on_progress, schema=schema, journal=journal, intake=intake,
                fetch_nitf=service.nitf_fetcher(fetch_nitf), on_chunk=outputs.on_chunk, threads=threads, parts=parts,
            )  # fmt: skip
        outputs.told.finish(intake.names_found(), is_empty=not result.summary.articles)
        outputs.write(result)
        stack.close()  # the outputs are complete: only now the run has ended
        if journal is not None:
            journal.end()
    outputs.summarise(result, profile=profile, as_json=as_json)
    return REFUSED if result.summary.refused else DONE


@commands.command(epilog=_EXIT_CODES_HELP)
@click.option("--page", "as_page", is_flag=True, help="Serve them on the page instead, until Ctrl-C; nothing is kept.")
@click.option("--port", metavar="N", type=int, default=8080, show_default=True, help="0 takes any free one.")
def demo(as_page: bool, port: int) -> int:
    """Run dedupe on the packaged sample and print its stories.

    The sample holds invented articles in seven languages: agency stories with their reprints, rewrites and briefs, and
    follow-ups and look-alikes that are stories of their own.
    """
    from importlib import resources

    from wirecopy import config
    from wirecopy.cli import service, terminal
    from wirecopy.files import reading

    if as_page:
        return service.serve_sample(port)
    terminal.load_kernels()
    from wirecopy.batch import run

    settings = config.load()
    with resources.as_file(resources.files("wirecopy") / "data" / "sample" / "articles.jsonl") as sample:
        inputs = [str(sample)]
        result = run.dedupe(
            inputs,
            settings,
            mapping={},
            look_ahead=True,
            strict=True,
            want_lines=False,
            on_refusal=_tell_refusal,
            on_progress=lambda _: None,
        )
        chunks = reading.read(inputs, limits=settings.limits, mapping={})
        articles = {article.id: article for chunk in chunks for article in chunk.articles}
    terminal.show_stories(result.rows(), articles)
    click.echo(terminal.describe_summary(result.summary))
    return DONE


@commands.command(epilog=_EXIT_CODES_HELP)
@click.argument("a")
@click.argument("b")
@click.option("--features", is_flag=True, help="Print every feature by its name, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead.")
def compare(a: str, b: str, features: bool, as_json: bool) -> int:
    """Compare two texts: score, relation, what speaks for and against them, shared passages side by side.

    A and B are text files in UTF-8, or JSON files that hold one article object each (fields as in dedupe).

    \b
    Example:
      wirecopy compare agency.txt reprint.json
    """
    from wirecopy import config
    from wirecopy.cli import terminal
    from wirecopy.files import reading

    limits = config.load().limits
    article_a, article_b = (reading.read_article(file, limits) for file in (a, b))
    terminal.load_kernels()
    from wirecopy.detector.answers import explain

    compared = explain.compare(article_a, article_b)
    if as_json:
        click.echo(terminal.comparison_json(compared))
    else:
        terminal.show_comparison(compared, article_a, article_b, features=features)
    return DONE


@commands.command(epilog=_EXIT_CODES_HELP)
@click.argument("labels_file", metavar="LABELS.jsonl")
@click.argument("inputs", metavar="ARTICLES...", nargs=-1, required=True)
@click.option("--labels", "more_labels", multiple=True, metavar="LABELS.jsonl", help="Another file of labels.")
@click.option("--output", "-o", metavar="MODEL.json", required=True, help="Where to write the model.")
@click.option(
    "--precision",
    type=click.FloatRange(0.5, 1.0, min_open=True),
    help="Wanted share of the grouped pairs that are right, such as 0.95.  [default: whatever gives the best F1]",
)
@click.option(
    "--from-scratch", is_flag=True, help="Fit to these labels alone, not as a correction of the shipped model."
)
@config_option
def tune(
    labels_file: str,
    inputs: tuple[str, ...],
    more_labels: tuple[str, ...],
    output: str,
    precision: float | None,
    from_scratch: bool,
    config_file: str | None,
) -> int:
    """Fit the model that judges pairs to labels of your own.

    LABELS holds one pair a line, {"a": ID, "b": ID, "label": N} with N 3 for a copy, 2 for a text derived from the same
    source, 1 for the same event reported independently (neither right nor wrong to group), 0 for different stories; and
    an optional "weight", the number of pairs that this one stands for. ARTICLES are the files, as in dedupe, in which
    the ids are: give all of the stream, because words are weighed by it.

    Prints cross-validated precision and recall at thresholds, the threshold that was chosen (the lowest with the wanted
    precision), and how reliable the scores are. With several LABELS, each is also scored by a model of the others.

    \b
    Use the model by the setting
      detection: {model: MODEL.json}
    in the file given to dedupe or serve by --config.

    \b
    Example:
      wirecopy tune labels.jsonl articles.jsonl.gz --output model.json --precision 0.98
    """
    from wirecopy import config
    from wirecopy.cli import terminal
    from wirecopy.files import reading, writing

    files = [labels_file, *more_labels]
    if len(set(files)) < len(files):
        raise errors.UsageError("a file of labels is given twice")
    settings = config.load(config_file, environ)
    writing.check_targets([*files, *reading.expand(inputs)], [output])
    terminal.load_kernels()
    from wirecopy.batch import labels, tune

    refused = 0

    def tell(refusal: errors.Refusal) -> None:
        nonlocal refused
        refused += 1
        _tell_refusal(refusal)

    with writing.open_output(output) as out:
        pairs = {file: labels.read_labels(file) for file in files}
        corpus = labels.Corpus.read(inputs, settings, tell)
        sets = [corpus.label(file, found) for file, found in pairs.items()]
        tuned = tune.tune(sets, precision, from_scratch=from_scratch)
        out.write(tune.encode(tuned.model))
    for line in tune.describe(tuned):
        click.echo(line)
    return REFUSED if refused else DONE


for _command in (*capacity.COMMANDS, *service.COMMANDS, *settings.COMMANDS, *streams.COMMANDS, *upkeep.COMMANDS):
    commands.add_command(_command)


def _tell_refusal(refusal: errors.Refusal) -> None:
    from wirecopy.cli.terminal import printable

    print(printable(str(refusal)), file=sys.stderr)  # the stream of the moment: a progress bar may stand in for it


def _fail(sentence: str, code: int) -> int:
    from wirecopy.cli.terminal import printable

    click.echo(f"wirecopy: {printable(sentence)}", err=True)
    return code


def _prepare_process() -> None:
    """Escape text that an encoding lacks, unwind at SIGTERM, so that temporary files are removed, and exit quickly."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with suppress(ValueError):  # only the main thread may
        signal.signal(signal.SIGTERM, _terminate)
    gc_control.leave_at_exit()


def _terminate(number: int, frame: object) -> Never:
    raise SystemExit(TERMINATED)


def _forget_standard_output() -> None:
    """Forget what nobody reads any more: what is still buffered must not fail once again at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
