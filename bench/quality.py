"""How well wirecopy groups labelled articles, beside the methods that people use today.

    python -m bench.quality --eval PATH [--sets us11-dev,kursk] [--errors 10] [--output bench/results/quality.json]

Every labelled set is scored twice where its articles have dates: as they are, and with `published` removed. wirecopy
runs as its users run it, with one default configuration for everything; each peer is shown at its best threshold for
each set and at the single threshold that is best over all of them.
"""

import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import click
import orjson

from bench.articles import Article, read_articles, without_dates
from bench.candidates import CandidatesMissing, FindCandidates, find_candidates, score_candidates
from bench.contest import score_peer, score_wirecopy
from bench.dedupe import DedupeFailed
from bench.generations import generate, read_sources
from bench.mistakes import describe_large_stories, describe_mistakes
from bench.peers import PEERS, Peer
from bench.relations import Compare, CompareMissing, find_compare, score_relations
from bench.results import describe_run, rounded, versions, write_result
from bench.runs import WirecopyRuns
from bench.sets import LabelledSet, Variant, find_sets, find_variants
from bench.shuffles import score_shuffles
from bench.tables import QUALITY

CACHE = Path(tempfile.gettempdir()) / "wirecopy-bench"
PACKAGES = ("wirecopy", "numpy", "numba", "datasketch", "scikit-learn", "xxhash")
GROWTH_SIZES, GROWTH_SEED = (20_000, 500_000), 1
GROWTH_SOURCES = ("us11", "reuters21578", "german", "background")


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
@click.option("--candidates", is_flag=True, help="Count which pairs wirecopy compares at all.")
@click.option("--growth", is_flag=True, help="With --candidates: per article at 20,000 and at 500,000 articles.")
@click.option("--shuffles", default=0, help="Other orders of arrival in which each set of one stream is grouped.")
@click.option("--pairs", "ask", is_flag=True, help="Ask wirecopy.compare for relations that the output does not name.")
@click.option("--errors", default=0, help="Print this many wrong pairs of each set.")
@click.option("--dedupe-options", default="", help="Handed to `wirecopy dedupe`, e.g. '--config other.yaml'.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, help="Folder for what need not be redone.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(
    evaluation: Path | None,
    names: str | None,
    dated_only: bool,
    peers: str,
    candidates: bool,
    growth: bool,
    shuffles: int,
    ask: bool,
    errors: int,
    dedupe_options: str,
    cache: Path,
    output: Path | None,
) -> None:
    """Score how wirecopy groups labelled articles."""
    sets = choose_sets(find_sets(evaluation_folder(evaluation)), names)
    variants = [variant for variant in find_variants(sets) if variant.dated or not dated_only]
    rivals, runs = wanted_peers(peers), WirecopyRuns(cache, shlex.split(dedupe_options))
    try:
        rows = score_wirecopy(variants, runs)
    except DedupeFailed as problem:
        sys.exit(str(problem))
    chosen = {}
    for peer in rivals:
        found, chosen[peer.name] = score_peer(peer, variants, cache)
        rows += found
    configuration = {"dedupe_options": dedupe_options, "sets": names or "all", **{p.name: p.settings for p in rivals}}
    result: dict[str, Any] = {**describe_run(PACKAGES, configuration, GROWTH_SEED), "rows": rows, "chosen": chosen}
    result["seconds"] = {
        f"{name}{'' if dated else ', undated'}": run.seconds for (name, dated), run in runs.done.items()
    }
    result["relations"] = list(relation_lines(variants, runs, ask))
    result["candidates"] = list(candidate_lines(variants, evaluation if growth else None, cache)) if candidates else []
    result["shuffles"] = list(shuffle_lines(variants, runs, shuffles)) if shuffles else []
    result = rounded(result)
    print_tables(result)
    if errors:
        print_mistakes(variants, runs, errors)
    if output:
        write_result(output, result)


def relation_lines(variants: Sequence[Variant], runs: WirecopyRuns, ask: bool) -> Iterator[dict[str, Any]]:
    """Yield the figures of relations for each whole set of labelled pairs."""
    compare = comparison() if ask else None
    for variant in variants:
        if variant.labelled.pairs and not variant.labelled.part:
            verdicts = {}
            for stream in variant.labelled.streams:
                verdicts.update(runs.grouping(stream, variant.dated).verdicts)
            articles = articles_of(variant) if compare else {}
            for scores in score_relations(variant.labelled.pairs, verdicts, articles, compare):
                yield {"set": variant.name, **asdict(scores)}


def shuffle_lines(variants: Sequence[Variant], runs: WirecopyRuns, orders: int) -> Iterator[dict[str, Any]]:
    """Yield, for each whole set of labelled pairs over one stream, how many decisions other orders change."""
    for variant in variants:
        labelled = variant.labelled
        if labelled.pairs and not labelled.part and len(labelled.streams) == 1:
            stream = labelled.streams[0]
            others = [runs.shuffled_story(stream, variant.dated, seed) for seed in range(1, orders + 1)]
            scores = score_shuffles(labelled.pairs, runs.grouping(stream, variant.dated).story, others)
            yield {"set": variant.name, **asdict(scores)}


def comparison() -> Compare | None:
    """Return wirecopy's comparison of two articles; None, with a message, where it has none."""
    try:
        return find_compare()
    except CompareMissing as problem:
        click.echo(problem, err=True)
        return None


def candidate_lines(variants: Sequence[Variant], growth: Path | None, cache: Path) -> Iterator[dict[str, Any]]:
    """Yield the figures of candidates for each stream of labelled pairs, then at sizes of a generated stream."""
    try:
        find = find_candidates()
    except CandidatesMissing as problem:
        click.echo(problem, err=True)
        return
    for variant in variants:
        labelled = variant.labelled
        if labelled.pairs and not labelled.part and len(labelled.streams) == 1:
            files = labelled.streams[0].files
            files = files if variant.dated else tuple(without_dates(path, cache / "undated") for path in files)
            yield {"set": variant.name, **asdict(score_candidates(labelled.pairs, find(files)))}
    if growth is not None:
        yield from growth_lines(growth, find, cache)


def growth_lines(evaluation: Path, find: FindCandidates, cache: Path) -> Iterator[dict[str, Any]]:
    """Yield the figures of candidates at two sizes of one generated stream; how much they grow is the question."""
    sources = read_sources(evaluation / "articles" / f"{name}.jsonl.gz" for name in GROWTH_SOURCES)
    path = cache / "growth.jsonl"
    for size in GROWTH_SIZES:
        with path.open("wb") as out:
            for row in islice(generate(sources, GROWTH_SEED), size):
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        yield {"set": f"{size:,} generated articles", **asdict(score_candidates([], find([path])))}
    path.unlink()


def articles_of(variant: Variant) -> dict[str, Article]:
    """Return the articles of a variant's streams by id."""
    files = [path for stream in variant.labelled.streams for path in stream.files]
    return {article.id: article for article in read_articles(files)}


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
        lines = render(result)
        if lines.count("\n") > 1:
            click.echo(f"\n{title}\n\n{lines}")


def print_mistakes(variants: Sequence[Variant], runs: WirecopyRuns, count: int) -> None:
    """Print the wrong pairs and the suspiciously large stories of every whole set."""
    for variant in variants:
        if not variant.labelled.part:
            story = runs.story(variant)
            articles = articles_of(variant)
            click.echo(f"\n{variant.name}")
            for line in describe_mistakes(variant.labelled.pairs, story, articles, count):
                click.echo(line)
            for line in describe_large_stories(story, articles):
                click.echo(line)


if __name__ == "__main__":
    main()
