"""How well wirecopy groups labelled articles, beside the methods that people use today.

    python -m bench.quality --eval PATH [--sets us11-dev,kursk] [--errors 10] [--output bench/results/quality.json]

Every labelled set is scored twice where its articles have dates: as they are, and with `published` removed. wirecopy
runs as its users run it, with one default configuration for everything; each peer is shown at its best threshold for
each set and at the single threshold that is best over all of them.
"""

import shlex
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import click

from bench.articles import read_articles
from bench.dedupe import DedupeFailed
from bench.mistakes import describe_large_stories, describe_mistakes
from bench.peers import PEERS, Peer
from bench.results import describe_run, rounded, versions, write_result
from bench.runs import PeerRuns, Story, WirecopyRuns
from bench.sets import LabelledSet, Scores, Variant, find_sets, find_variants, score
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


@dataclass(frozen=True)
class Choice:
    """A peer's best threshold for each variant, and its best single one over all of them."""

    best: dict[str, float]
    single: float


def score_wirecopy(variants: Iterable[Variant], runs: WirecopyRuns) -> list[Row]:
    """Return wirecopy's figures for every variant."""
    return [row_of("wirecopy", None, variant, runs.story(variant)) for variant in variants]


def score_peer(peer: Peer, variants: Sequence[Variant], cache: Path) -> tuple[list[Row], Choice]:
    """Return a peer's figures at each threshold, and the choice among these.

    Counts by kind are kept for chosen thresholds of whole sets, parts of sets for chosen thresholds: more would only
    fill the result file.
    """
    runs = PeerRuns(peer, cache)
    figures = {
        (variant, threshold): row_of(peer.name, threshold, variant, runs.story(variant, threshold))
        for variant in variants
        for threshold in peer.thresholds
    }
    choice = choose_thresholds(figures)
    rows = []
    for (variant, threshold), row in figures.items():
        is_shown = threshold in (choice.single, best_of(choice, variant))
        if not variant.labelled.part:
            rows.append(row if is_shown else without_kinds(row))
        elif is_shown:
            rows.append(without_kinds(row))
    return rows, choice


def choose_thresholds(figures: dict[tuple[Variant, float], Row]) -> Choice:
    """Return the thresholds with the highest figure of merit: for each variant, and on average over bodies of labels.

    A body has one vote, however many streams and variants it is scored on. Of equal thresholds the highest wins: it
    joins least.
    """
    thresholds = sorted({threshold for _, threshold in figures}, reverse=True)
    merits = {key: merit(row.scores) for key, row in figures.items() if not key[0].labelled.part}
    judged = dict.fromkeys(variant for (variant, _), figure in merits.items() if figure is not None)
    best = {variant.name: max(thresholds, key=lambda level: merits[variant, level] or 0.0) for variant in judged}
    bodies = defaultdict(list)
    for variant in judged:
        bodies[body_of(variant)].append(variant)

    def mean_merit(level: float) -> float:
        votes = [fmean(merits[variant, level] or 0.0 for variant in variants) for variants in bodies.values()]
        return round(fmean(votes), 4)

    return Choice(best, max(thresholds, key=mean_merit))


def body_of(variant: Variant) -> str:
    """Return what a variant shares with all others of the same labels: the first part of its set's name."""
    return variant.labelled.name.partition("-")[0]


def merit(scores: Scores) -> float | None:
    """Return the figure by which thresholds are chosen: F1 of pairs, else B-cubed F1, None where there is neither."""
    chosen = scores.pairs or scores.events
    return None if chosen is None else round(chosen.f1, 4)


def best_of(choice: Choice, variant: Variant) -> float:
    """Return the threshold that shows a variant best: that of the whole set, or the single one where none is better."""
    whole = variant.name.replace(variant.labelled.name, variant.labelled.name.partition("/")[0])
    return choice.best.get(whole, choice.single)


def without_kinds(row: Row) -> Row:
    """Return the row without its counts by kind."""
    if row.scores.pairs is None:
        return row
    return replace(row, scores=replace(row.scores, pairs=replace(row.scores.pairs, by_kind=())))


def row_of(system: str, threshold: float | None, variant: Variant, story: Story) -> Row:
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
@click.option("--peers", default="datasketch,tfidf", show_default=True, help="Comma-separated, or none.")
@click.option("--errors", default=0, help="Print this many wrong pairs of each set.")
@click.option("--dedupe-options", default="", help="Handed to `wirecopy dedupe`, e.g. '--config other.yaml'.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, help="Folder for what need not be redone.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(
    evaluation: Path | None,
    names: str | None,
    dated_only: bool,
    peers: str,
    errors: int,
    dedupe_options: str,
    cache: Path,
    output: Path | None,
) -> None:
    """Score how wirecopy groups labelled articles."""
    sets = choose_sets(find_sets(evaluation_folder(evaluation)), names)
    variants = [variant for variant in find_variants(sets) if variant.dated or not dated_only]
    runs = WirecopyRuns(cache, shlex.split(dedupe_options))
    try:
        rows = score_wirecopy(variants, runs)
    except DedupeFailed as problem:
        sys.exit(str(problem))
    chosen = {}
    for peer in wanted_peers(peers):
        found, chosen[peer.name] = score_peer(peer, variants, cache)
        rows += found
    configuration = {"dedupe_options": dedupe_options, "sets": names or "all", **{p.name: p.settings for p in PEERS}}
    result = rounded({**describe_run(PACKAGES, configuration, None), "rows": rows, "chosen": chosen})
    print_tables(result)
    if errors:
        print_mistakes(variants, runs, errors)
    if output:
        write_result(output, result)


def wanted_peers(names: str) -> list[Peer]:
    """Return the peers of a comma-separated list; raise UsageError for one that is unknown or not installed."""
    known = {peer.name: peer for peer in PEERS}
    wanted = [name.strip() for name in names.split(",") if name.strip() and name.strip() != "none"]
    for name in wanted:
        if name not in known:
            raise click.UsageError(f"no peer is named {name!r}; there are {', '.join(known)}, none")
        if not versions([known[name].package]):
            raise click.UsageError(
                f"{known[name].package} is not installed: pip install -e '.[bench]', or --peers none"
            )
    return [known[name] for name in wanted]


def print_tables(result: dict[str, Any]) -> None:
    """Print every table of a result that has lines."""
    for title, render in QUALITY.items():
        click.echo(f"\n{title}\n\n{render(result)}")


def print_mistakes(variants: Sequence[Variant], runs: WirecopyRuns, count: int) -> None:
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
