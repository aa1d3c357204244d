"""`wirecopy dedupe --engine spark`: the same command, run by a cluster. Like `commands`: parse, call, print."""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wirecopy import errors
from wirecopy.cli.refusals import Telling

if TYPE_CHECKING:
    from wirecopy.config import Config
    from wirecopy.files.reading import Schema
    from wirecopy.spark.plan import Summary


_ALONE = (  # options for one machine
    "unique", "matches", "state", "against", "resume", "strict", "threads", "profile", "fetch_nitf", "as_json",
)  # fmt: skip

ReadSettings = Callable[[str | None, str | None, str | None], "Config"]


def by_engine(read_settings: ReadSettings) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Return what gives `dedupe` the options that say by what it is run, and runs it by that."""

    def decorate(alone: Callable[..., int]) -> Callable[..., int]:
        @wraps(alone)
        def run(engine: str, master: str | None, checkpoints: str | None, partitions: int | None, **given: Any) -> int:
            if engine == "local":
                return alone(**given)
            settings = read_settings(given["config_file"], given["window_days"], given["keep"])
            others = [given[name] for name in _ALONE] + [not given["look_ahead"]]
            what = given["inputs"], given["output"], settings, given["mapping"], given["schema"]
            return dedupe(*what, others, master, checkpoints, partitions)

        command: Callable[..., int] = run
        for option in _OPTIONS:
            command = option(command)
        return command

    return decorate


_OPTIONS = (
    click.option("--partitions", metavar="N", type=click.IntRange(1), help="Of Spark's shuffles; changes no output."),
    click.option("--checkpoints", metavar="DIR", help="Keep Spark's stages there, and go on with those that are done."),
    click.option("--master", metavar="URL", help="Where Spark runs: local[4], spark://host:7077, yarn."),
    click.option(
        "--engine", type=click.Choice(["local", "spark"]), default="local", help="By what; both say the same."
    ),
)


def dedupe(
    inputs: Sequence[str], output: str | None, settings: "Config", mapping: Mapping[str, str], schema: "Schema",
    others: Sequence[object], master: str | None, checkpoints: str | None, partitions: int | None,
) -> int:  # fmt: skip
    """Run on Spark; an OUT that ends with a slash becomes a folder of parts. Raises UsageError for what it has not."""
    if any(others):
        raise errors.UsageError(
            "--engine spark takes --output, --config, --window-days, --keep, --map and --format alone"
        )
    if output is None or not (output == "-" or output.endswith((".jsonl", "/"))):
        raise errors.UsageError("--engine spark needs --output: a file OUT.jsonl, '-', or a new folder of parts, OUT/")
    try:
        from wirecopy.spark import plan
    except ImportError as error:
        raise errors.UsageError("--engine spark needs Spark: pip install 'wirecopy[spark]', and Java 17") from error
    from wirecopy.files import reading, writing

    files = reading.expand(inputs, schema)
    cut = plan.Options(checkpoints=checkpoints, partitions=partitions)
    if output.endswith("/") and Path(output).exists():
        raise errors.UsageError(f"{output} is there already: name a new folder for the parts")

    def run(target: Any) -> "Summary":
        with plan.session(master, partitions) as spark:
            return plan.dedupe_files(
                spark, files, settings, target, cut, mapping=mapping, schema=schema,
                on_refusal=Telling().refusal,
                on_stage=lambda name: click.echo(f"wirecopy: {name}", err=True),
            )  # fmt: skip

    if output.endswith("/"):
        done = run(output)
    else:
        writing.check_targets(files, [output])
        with writing.open_output(output) as file:
            done = run(file)
    click.echo(f"{done.articles:,} articles: {done.stories:,} stories, {done.refused:,} refused", err=True)
    return 1 if done.refused else 0
