"""`wirecopy dedupe` end to end, beside the script that most people would write with datasketch.

    python -m bench.batch [--eval PATH] [--small] [--output bench/results/batch.json]

Whole processes from start to end: reading, parsing, sketching, matching, grouping, writing. Both get the same seeded
sample, the script with each of the three ways in which datasketch makes signatures; wirecopy gets everything too.
Beside the speed of each stands F1 on labelled articles, grouped by the same programs with the same settings in the same
run.
"""

import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import orjson

from bench import traffic
from bench.articles import read_rows
from bench.dedupe import read_verdicts
from bench.processes import Cost, ProgramFailed, run_measured
from bench.quality import evaluation_folder
from bench.results import describe_run, report
from bench.sets import find_sets, score
from bench.straightforward import SIGNINGS

PACKAGES = ("wirecopy", "datasketch", "xxhash", "numba", "numpy", "orjson", "msgspec")
FILES = ("us11", "reuters21578", "german", "background")
SEED = 1
SCORED = ("us11-dev", "rewrites-dev", "languages")
THRESHOLD = 0.5
GENERATED = 20_000  # articles where there is no evaluation folder


def run(command: list[str], output: Path) -> Cost:
    """Measure a command that has to write `output`; raise ProgramFailed when it does not."""
    output.unlink(missing_ok=True)
    cost = run_measured(command)
    if not output.exists():
        raise ProgramFailed(f"{' '.join(command[:4])} wrote nothing")
    return cost


def wirecopy_command(files: Sequence[Path], output: Path) -> list[str]:
    """Return the command that groups files at default settings."""
    return [sys.executable, "-m", "wirecopy", "dedupe", *map(str, files), "--output", str(output)]


def script_command(files: Sequence[Path], output: Path, signing: str = "bulk") -> list[str]:
    """Return the command that groups files by the straightforward script."""
    options = ["--signing", signing, "--output", str(output)]
    return [sys.executable, "-m", "bench.straightforward", *map(str, files), *options]


PEER = f"datasketch at {THRESHOLD}"
COMMANDS = {"wirecopy": wirecopy_command, PEER: script_command}


def all_files(evaluation: Path | None, folder: Path, small: bool) -> list[Path]:
    """Return the files that everything is in."""
    if evaluation is not None:
        names = FILES[:1] if small else FILES
        return [evaluation / "articles" / f"{name}.jsonl.gz" for name in names]
    path = folder / "generated.jsonl"
    with path.open("wb") as out:
        for _, line in traffic.lines(traffic.sources(None), GENERATED // 4 if small else GENERATED):
            out.write(line.rstrip(b"\n") + b"\n")
    return [path]


def sample(files: Sequence[Path], count: int, target: Path) -> int:
    """Write a seeded sample of the articles of the files, in their order; return how many there are in the files."""
    # Read twice, not held: the peak of a measured process would never be told to be below that of this one.
    total = sum(1 for path in files for _ in read_rows(path))
    chosen = set(random.Random(SEED).sample(range(total), min(count, total)))
    with target.open("wb") as out:
        for k, row in enumerate(row for path in files for row in read_rows(path)):
            if k in chosen:
                out.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    return total


def row_of(system: str, what: str, articles: int, cost: Cost) -> dict[str, Any]:
    """Return one line of the results."""
    rate = articles / cost.seconds
    costs = {"seconds": cost.seconds, "cpu_seconds": cost.cpu_seconds, "peak_mb": cost.peak_mb}
    return {"system": system, "what": what, "articles": articles, "articles_per_second": rate, **costs}


def measure_quality(evaluation: Path | None, folder: Path) -> Iterator[dict[str, Any]]:
    """Yield F1 of each system on labelled sets."""
    sets = [labelled for labelled in find_sets(evaluation) if labelled.name in SCORED]
    for labelled in sets:
        for system, command in COMMANDS.items():
            story: dict[str, str] = {}
            for stream in labelled.streams:
                output = folder / "scored.jsonl"
                run(command(stream.files, output), output)
                story |= {verdict.id: verdict.story for verdict in read_verdicts(output).values()}
            scores = score(labelled, story)
            if scores.pairs is not None:
                figures = {"f1": scores.pairs.f1, "strict_f1": scores.pairs.strict_f1}
                yield {"system": system, "set": labelled.name, **figures, "largest": scores.largest}


def measure(evaluation: Path | None, folder: Path, small: bool) -> list[dict[str, Any]]:
    """Return the cost of each system on a sample, and that of wirecopy on everything."""
    files = all_files(evaluation, folder, small)
    chosen, output = folder / "sample.jsonl", folder / "stories.jsonl"
    count = 1_500 if small else 20_000
    total = sample(files, count, chosen)
    run(wirecopy_command([chosen], output), output)  # compiles, if that is still to be done
    rows = []
    commands = {("wirecopy", "sample"): wirecopy_command([chosen], output)}
    commands |= {(PEER, f"sample, {way}"): script_command([chosen], output, way) for way in reversed(SIGNINGS)}
    for (system, what), command in commands.items():
        times = 1 if what.endswith("update") else 2
        cost = min((run(command, output) for _ in range(times)), key=lambda cost: cost.seconds)
        rows.append(row_of(system, what, min(count, total), cost))
    rows.append(row_of("wirecopy", "everything", total, run(wirecopy_command(files, output), output)))
    return rows


def table(result: dict[str, Any]) -> str:
    """Return the figures for people."""
    lines = [
        f"{row['system']:18} {row['what']:20} {row['articles']:8,} articles {row['articles_per_second']:10,.0f} /s "
        f"{row['cpu_seconds']:8.1f} s of processor {row['peak_mb']:8,.0f} MB"
        for row in result["figures"]
    ]
    lines += [f"{row['set']}, {row['system']}: F1 {row['f1']:.3f}" for row in result["quality"]]
    return "\n".join(lines)


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--small", is_flag=True, help="One file instead of four, a smaller sample.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(evaluation: Path | None, small: bool, output: Path | None) -> None:
    """Measure `wirecopy dedupe` from start to end."""
    evaluation = evaluation_folder(evaluation)
    with tempfile.TemporaryDirectory() as place:
        figures = measure(evaluation, Path(place), small)
        quality = list(measure_quality(evaluation, Path(place)))
    inputs = ", ".join(FILES[:1] if small else FILES) if evaluation else "the project's own articles in generations"
    configuration = {"articles": inputs, "settings": "default", "sample_seed": SEED, "threshold": THRESHOLD}
    result = {**describe_run(PACKAGES, configuration, SEED), "figures": figures, "quality": quality}
    report(result, table, output)


if __name__ == "__main__":
    main()
