"""The index by itself: time to insert and to look up an article, and memory, against the number of articles in it.

    python -m bench.index [--eval PATH] [--small] [--output bench/results/index.json]

Keys are those of real articles; more of them are made in generations: a key that stands in a two-hundredth of the
articles keeps its value as common words do, the others are exchanged by a bijection per generation, which is published
15 days after the one before. Times are of calls
from Python, one article each, so they hold some microseconds of that; `pause` is the longest single call.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import orjson

from bench import traffic
from bench.quality import evaluation_folder
from bench.results import describe_run, rounded, write_result
from wirecopy.config import Detection
from wirecopy.detection import kernels, lsh, terms, text

PACKAGES = ("wirecopy", "numba", "numpy")
SIZES, SMALL_SIZES = (100_000, 300_000, 1_000_000, 2_000_000), (20_000, 50_000, 100_000)
SOURCES, COMMON_SHARE, COMMON_ARTICLES, PROBES = 20_000, 0.005, 10, 2_000
WINDOW = 14 * 86_400_000  # milliseconds
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]


def real_keys(evaluation: Path | None, count: int) -> tuple[U32, U8]:
    """Return the keys and their rarities of so many articles."""
    texts = [orjson.loads(line)["text"] for _, line in traffic.lines(traffic.sources(evaluation), count)]
    traces, weighed = text.trace(texts), terms.TermWeights()
    weighed.count(traces)
    weighed.begin_epoch()
    weights = np.empty(len(traces.words), dtype=np.uint8)
    weighed.weigh(traces, weights)
    keys, rarities = np.zeros((count, kernels.KEYS), np.uint32), np.zeros((count, kernels.KEYS), np.uint8)
    for k in range(count):
        own = slice(traces.bounds[k], traces.bounds[k + 1])
        kernels.sketch(traces.words[own], weights[own], 0, 8, lsh.importance(), keys[k], rarities[k])
    return keys, rarities


def generations(keys: U32) -> Iterator[tuple[U32, int]]:
    """Yield the keys of one generation after the other, and when its articles were published."""
    values, counts = np.unique(keys, return_counts=True)
    common = np.isin(keys, values[counts >= max(COMMON_ARTICLES, COMMON_SHARE * len(keys))])
    yield keys, 0
    number = 1
    while True:
        factor = np.uint32((0x9E3779B1 * (2 * number + 1)) & 0xFFFFFFFF | 1)  # odd: a bijection of odd numbers
        yield np.where(common | (keys == 0), keys, keys * factor), number * WINDOW * 15 // 14
        number += 1


def resident_bytes() -> int:
    """Return the memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Probe:
    """Looks articles up as the flow does, at default settings."""

    def __init__(self) -> None:
        settings = Detection()
        self.most_hits, self.most = settings.max_key_articles, settings.max_candidates
        self.least = round(settings.min_shared_rarity * 16)
        size = 1
        while size <= 2 * kernels.KEYS * self.most_hits:
            size *= 2
        room = 2 * kernels.KEYS * self.most_hits + 1
        self.scratch = (
            np.zeros(size, np.int64),
            np.zeros(kernels.COUNTERS, np.uint32),
            np.empty(room, np.int64),
            np.empty(kernels.KEYS, np.int64),
        )
        self.out, self.sums = np.empty(self.most, np.int64), np.empty(self.most, np.int64)

    def look_up(self, index: lsh.LshIndex, keys: U32, rarities: U8, published: int) -> None:
        """Find the candidates of one article."""
        kernels.candidates(
            keys, rarities, published, WINDOW, index.arrays, self.most_hits, self.least, self.most, self.scratch,
            self.out, self.sums,
        )  # fmt: skip


def measure(evaluation: Path | None, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return a row per size of one index that grows."""
    keys, rarities = real_keys(evaluation, min(SOURCES, sizes[0]))
    before = resident_bytes()
    index, probe, rows = lsh.LshIndex(max(sizes)), Probe(), list[dict[str, Any]]()
    stream = generations(keys)
    (current, published), place = next(stream), 0
    probe.look_up(index, keys[0], rarities[0], 0)
    inserted, longest, seconds = 0, 0.0, 0.0
    for size in sizes:
        count = size - inserted
        for number in range(inserted, size):
            if place == len(current):
                (current, published), place = next(stream), 0
            started = time.perf_counter()
            index.add(number, current[place], published)
            took = time.perf_counter() - started
            seconds += took
            longest = max(longest, took)
            place += 1
        inserted = size
        chosen = np.random.default_rng(size).integers(0, len(current), PROBES)
        started = time.perf_counter()
        for k in chosen.tolist():
            probe.look_up(index, current[k], rarities[k], published)
        query = (time.perf_counter() - started) / PROBES
        row = {"articles": size, "insert_us": seconds / count * 1e6, "query_us": query * 1e6, "pause_ms": longest * 1e3}
        rows.append({**row, "bytes_per_article": (resident_bytes() - before) / size})
        click.echo(describe(rows[-1]), err=True)
        longest, seconds = 0.0, 0.0
    started = time.perf_counter()
    index.expire(inserted // 10)
    rows[-1]["expiry_ms"] = (time.perf_counter() - started) * 1e3
    return rows


def describe(row: dict[str, Any]) -> str:
    """Return a row for people."""
    return (
        f"{row['articles']:10,} articles: insert {row['insert_us']:.1f} us, query {row['query_us']:.1f} us, "
        f"longest insert {row['pause_ms']:.1f} ms, {row['bytes_per_article']:.0f} bytes per article"
    )


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--small", is_flag=True, help="Up to 100,000 articles instead of two million.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(evaluation: Path | None, small: bool, output: Path | None) -> None:
    """Measure the index."""
    evaluation = evaluation_folder(evaluation)
    rows = measure(evaluation, SMALL_SIZES if small else SIZES)
    configuration = {"articles": traffic.describe(evaluation), "settings": "default", "keys": kernels.KEYS}
    result = rounded({**describe_run(PACKAGES, configuration, traffic.SEED), "figures": rows})
    if output:
        write_result(output, result)


if __name__ == "__main__":
    main()
