"""Time and memory of `wirecopy dedupe` against the number of articles.

    python -m bench.memory [--eval PATH] [--small] [--output bench/results/memory.json]

Generated articles (`bench.generations`) of the same sources at several sizes, each in a process of its own; what one
article more takes is the slope between the smallest and the largest size.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import orjson

from bench.batch import FILES, row_of, run, wirecopy_command
from bench.generations import Sources, generate, read_sources
from bench.quality import evaluation_folder
from bench.results import describe_run, rounded, write_result
from bench.traffic import sources as own_sources

PACKAGES = ("wirecopy", "numba", "numpy", "orjson", "msgspec")
SIZES, SMALL_SIZES = (50_000, 200_000, 1_000_000), (5_000, 10_000, 20_000)
SEED = 1


def sources(evaluation: Path | None) -> Sources:
    """Return what articles are generated from."""
    if evaluation is None:
        return own_sources(None)
    return read_sources([evaluation / "articles" / f"{name}.jsonl.gz" for name in FILES])


def write_articles(made_of: Sources, count: int, path: Path) -> None:
    """Write so many generated articles as JSON lines."""
    with path.open("wb") as out:
        for number, row in enumerate(generate(made_of, SEED)):
            if number == count:
                return
            out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def measure(evaluation: Path | None, sizes: tuple[int, ...], folder: Path) -> list[dict[str, Any]]:
    """Return the cost of each size."""
    made_of = sources(evaluation)
    rows = []
    for count in sizes:
        path, output = folder / "articles.jsonl", folder / "stories.jsonl"
        write_articles(made_of, count, path)
        click.echo(f"dedupe of {count:,} articles", err=True)
        rows.append(row_of("wirecopy", "generated", count, run(wirecopy_command([path], output), output)))
    return rows


def slope_kb(rows: list[dict[str, Any]]) -> float:
    """Return the KB of memory that one article more takes."""
    first, last = rows[0], rows[-1]
    return float((last["peak_mb"] - first["peak_mb"]) * 1024 / (last["articles"] - first["articles"]))


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--small", is_flag=True, help="Up to 20,000 articles instead of a million.")
@click.option("--size", "sizes", multiple=True, type=int, help="Other numbers of articles, ascending.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where articles are written; a million take 4 GB.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(
    evaluation: Path | None, small: bool, sizes: tuple[int, ...], folder: Path | None, output: Path | None
) -> None:
    """Measure time and memory against size."""
    evaluation = evaluation_folder(evaluation)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        rows = measure(evaluation, sizes or (SMALL_SIZES if small else SIZES), Path(place))
    made_of = ", ".join(FILES) if evaluation else "the project's own articles, joined"
    configuration = {"articles": f"generations of {made_of}", "settings": "default", "python": sys.version.split()[0]}
    figures = {"sizes": rows, "kb_per_article": slope_kb(rows)}
    result = rounded({**describe_run(PACKAGES, configuration, SEED), "figures": figures})
    for row in result["figures"]["sizes"]:
        click.echo(f"{row['articles']:10,} {row['articles_per_second']:8,.0f} articles/s {row['peak_mb']:8,.0f} MB")
    click.echo(f"{result['figures']['kb_per_article']:.2f} KB per article")
    if output:
        write_result(output, result)


if __name__ == "__main__":
    main()
