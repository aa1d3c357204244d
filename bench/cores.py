"""What a further core brings: `python -m bench.cores [--eval PATH] [--cores 1,2]`.

The same `dedupe` is run on one core and on more, in turns, held to them by the system. Told are the medians of the
whole process's seconds, the ratio to one core, and the share that does not run beside other work, by Amdahl's law. All
outputs must be the same bytes. What others did on those cores meanwhile is told too: where it is not next to nothing,
the ratio says something about them.
"""

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click

from bench.batch import all_files, wirecopy_command
from bench.quality import evaluation_folder

_QUIET = 0.03  # of the cores, that others may take of a run that counts


class TimedRun(NamedTuple):
    """Seconds by the clock, and the share of the machine that others had meanwhile."""

    seconds: float
    others: float


def timed(files: Sequence[Path], output: Path, cores: set[int]) -> TimedRun:
    """Run `dedupe` on some cores."""
    everybody, own, started = _busy(), _children(), time.perf_counter()
    subprocess.run(
        wirecopy_command(files, output), check=True, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )  # fmt: skip
    seconds = time.perf_counter() - started
    others = (_busy() - everybody) - (_children() - own)
    return TimedRun(seconds, max(0.0, others) / seconds / (os.cpu_count() or 1))


def _busy() -> float:
    """Processor seconds that the machine has been busy."""
    user, nice, system, _idle, _wait, *interrupts = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def serial_share(cores: int, ratio: float) -> float:
    """Return the share of a run that does not run beside other work, when so many cores are so many times as fast."""
    return (cores / ratio - 1) / (cores - 1)


def describe(cores: int, pairs: Sequence[tuple[TimedRun, TimedRun]]) -> str:
    """One line: medians, ratio, serial share, and how many pairs others left alone."""
    quiet = [(one, more) for one, more in pairs if max(one.others, more.others) < _QUIET]
    told = quiet or pairs
    one, more = (statistics.median(run.seconds for run in side) for side in zip(*told, strict=True))
    ratio = statistics.median(one.seconds / more.seconds for one, more in told)
    line = f"{cores} cores: {one:.2f} s -> {more:.2f} s, {ratio:.2f} times, serial {serial_share(cores, ratio):.0%}"
    warning = "" if quiet else "; OTHERS USED THE MACHINE in every one: no figure to go by"
    return f"{line} ({len(quiet)} of {len(pairs)} pairs with the machine to themselves{warning})"


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--small", is_flag=True, help="Fewer articles.")
@click.option("--cores", default=2, show_default=True, type=click.IntRange(2), help="To compare one with.")
@click.option("--pairs", default=5, show_default=True, type=click.IntRange(1))
def main(evaluation: Path | None, small: bool, cores: int, pairs: int) -> None:
    """Measure what cores bring."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < cores:
        raise click.ClickException(f"this process may use {len(allowed)} cores only")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = all_files(evaluation_folder(evaluation), folder, small)
        found, outputs = [], [folder / "one.jsonl", folder / "more.jsonl"]
        for _ in range(pairs):
            found.append((timed(files, outputs[0], {allowed[0]}), timed(files, outputs[1], set(allowed[:cores]))))
            if outputs[0].read_bytes() != outputs[1].read_bytes():
                raise click.ClickException("the outputs differ")
    click.echo(describe(cores, found))


if __name__ == "__main__":
    main()
