"""How well wirecopy groups labelled articles, beside the methods that people use today.

    python -m bench.quality --eval PATH [--sets us11-dev,kursk] [--errors 10] [--output bench/results/quality.json]

Every labelled set is scored twice where its articles have dates: as they are, and with `published` removed. wirecopy
runs as its users run it, with one default configuration for everything; each peer is shown at its best threshold for
each set and at the single threshold that is best over all of them.
"""

import shlex
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bench.articles import read_articles, without_dates
from bench.dedupe import DedupeFailed, Grouping, run_dedupe
from bench.mistakes import describe_large_stories, describe_mistakes
from bench.results import describe_run, rounded, write_result
from bench.sets import LabelledSet, Scores, Stream, Variant, find_sets, find_variants, merge_stories, score
from bench.tables import QUALITY

CACHE = Path(tempfile.gettempdir()) / "wirecopy-bench"
PACKAGES = ("wirecopy", "numpy", "numba", "datasketch", "scikit-learn", "xxhash")


@dataclass(frozen=True)
class Row:
    """The figures of one system on one variant of a set; threshold is None for a system that has none."""

    system: str
    threshold: float | None
    set: str
    dated: bool
    part: bool
    scores: Scores


class Runs:
    """wirecopy's groupings of the streams asked for; each stream is run once."""

    def __init__(self, cache: Path, options: Sequence[str]) -> None:
        self._cache, self._options = cache / "undated", options
        self.done: dict[tuple[str, bool], Grouping] = {}

    def grouping(self, stream: Stream, dated: bool) -> Grouping:
        """Return what `wirecopy dedupe` says about a stream; raise DedupeFailed when it says nothing."""
        key = stream.name, dated
        if key not in self.done:
            click.echo(f"wirecopy dedupe: {stream.name}{'' if dated else ', undated'}", err=True)
            files = stream.files if dated else [without_dates(path, self._cache) for path in stream.files]
            self.done[key] = run_dedupe(files, self._options)
        return self.done[key]

    def story(self, variant: Variant) -> dict[str, str]:
        """Return the assignment over all streams of a set."""
        streams = variant.labelled.streams
        return merge_stories({stream.name: self.grouping(stream, variant.dated).story for stream in streams})


def score_wirecopy(variants: Sequence[Variant], runs: Runs) -> list[Row]:
    """Return wirecopy's figures for every variant."""
    return [row_of("wirecopy", None, variant, runs.story(variant)) for variant in variants]


def row_of(system: str, threshold: float | None, variant: Variant, story: dict[str, str]) -> Row:
    """Return the figures of an assignment as a row of the results."""
    labelled = variant.labelled
    return Row(system, threshold, labelled.name, variant.dated, labelled.part, score(labelled, story))


def choose_sets(sets: Sequence[LabelledSet], names: str | None) -> list[LabelledSet]:
    """Return the sets whose names begin with one of the comma-separated names; raise UsageError for a name of none."""
    if names is None:
        return list(sets)
    wanted = [name.strip() for name in names.split(",")]
    for name in wanted:
        if not any(labelled.name.startswith(name) for labelled in sets):
            raise click.UsageError(f"no set is named {name!r}; there are {', '.join(s.name for s in sets)}")
    return [labelled for labelled in sets if labelled.name.startswith(tuple(wanted))]


def evaluation_folder(path: Path | None) -> Path | None:
    """Return the folder when it is one; say what is left to measure without it, raise UsageError when it is wrong."""
    if path is None:
        click.echo("no --eval folder: only this project's own languages are scored", err=True)
    elif not (path / "labels").is_dir() or not (path / "articles").is_dir():
        raise click.UsageError(
            f"{path} is no evaluation folder: it needs articles/ and labels/. Its texts belong to their publishers "
            "and are not part of this repository; without --eval our own articles in bench/languages are scored."
        )
    return path


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--sets", "names", help="Only sets whose names begin so, comma-separated.")
@click.option("--dated-only", is_flag=True, help="Do not score a second time with `published` removed.")
@click.option("--errors", default=0, help="Print this many wrong pairs of each set.")
@click.option("--dedupe-options", default="", help="Handed to `wirecopy dedupe`, e.g. '--config other.yaml'.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, help="Folder for what need not be redone.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(
    evaluation: Path | None,
    names: str | None,
    dated_only: bool,
    errors: int,
    dedupe_options: str,
    cache: Path,
    output: Path | None,
) -> None:
    """Score how wirecopy groups labelled articles."""
    sets = choose_sets(find_sets(evaluation_folder(evaluation)), names)
    variants = [variant for variant in find_variants(sets) if variant.dated or not dated_only]
    runs = Runs(cache, shlex.split(dedupe_options))
    try:
        rows = score_wirecopy(variants, runs)
    except DedupeFailed as problem:
        sys.exit(str(problem))
    configuration = {"dedupe_options": dedupe_options, "sets": names or "all"}
    result = rounded({**describe_run(PACKAGES, configuration, None), "rows": rows, "chosen": {}})
    print_tables(result)
    if errors:
        print_mistakes(variants, runs, errors)
    if output:
        write_result(output, result)


def print_tables(result: dict[str, Any]) -> None:
    """Print every table of a result that has lines."""
    for title, render in QUALITY.items():
        click.echo(f"\n{title}\n\n{render(result)}")


def print_mistakes(variants: Sequence[Variant], runs: Runs, count: int) -> None:
    """Print the wrong pairs and the suspiciously large stories of every whole set."""
    for variant in variants:
        if not variant.labelled.part:
            story = runs.story(variant)
            files = [path for stream in variant.labelled.streams for path in stream.files]
            articles = {article.id: article for article in read_articles(files)}
            click.echo(f"\n{variant.name}")
            for line in describe_mistakes(variant.labelled.pairs, story, articles, count):
                click.echo(line)
            for line in describe_large_stories(story, articles):
                click.echo(line)


if __name__ == "__main__":
    main()
