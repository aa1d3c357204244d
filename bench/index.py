"""The index by itself: time to look up and insert an article, and memory, against the number of articles in it.

    python -m bench.index [--eval PATH] [--small] [--output bench/results/index.json]

Keys are those of real articles; more of them are made in generations: a key that stands in a two-hundredth of the
articles keeps its value as common words do, the others are exchanged by a bijection per generation, which is published
15 days after the one before. Each article is looked up and then inserted, in compiled code, in blocks as the passes of
`wirecopy` take them. An index first grows to its size, in which chains are split, the last tenth of that one article
with each call, which tells the longest; then it is full, and the oldest article leaves with each that comes.
"""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import orjson
from numba import njit

from bench import traffic
from bench.quality import evaluation_folder
from bench.results import describe_run, rounded, write_result
from wirecopy.config import Detection
from wirecopy.detection.index.index import LshIndex, scratch_for
from wirecopy.detection.index.window import TOGETHER
from wirecopy.detection.kernels.index import candidates, insert, make_ring
from wirecopy.detection.kernels.keys import draft_for, sketch
from wirecopy.detection.kernels.layout import KEYS
from wirecopy.detection.kernels.passes import HOT
from wirecopy.detection.words import rarity, text
from wirecopy.detection.words.rarity import importance

PACKAGES = ("wirecopy", "numba", "numpy")
SIZES, SMALL_SIZES = (100_000, 300_000, 1_000_000, 2_000_000), (20_000, 50_000, 100_000)
SOURCES, COMMON_SHARE, COMMON_ARTICLES = 20_000, 0.005, 10
SOME, ROUNDS = 10_000, 5
WINDOW = 14 * 86_400_000  # milliseconds
U32 = npt.NDArray[np.uint32]
U8 = npt.NDArray[np.uint8]


def real_keys(evaluation: Path | None, count: int) -> tuple[U32, U8]:
    """Return the keys and their rarities of so many articles."""
    texts = [orjson.loads(line)["text"] for _, line in traffic.lines(traffic.sources(evaluation), count)]
    traces, weighed = text.trace(texts), rarity.TermWeights()
    weighed.count(traces)
    weighed.begin_epoch()
    weights = np.empty(len(traces.words), dtype=np.uint8)
    weighed.weigh(traces, weights)
    keys, rarities = np.zeros((count, KEYS), np.uint32), np.zeros((count, KEYS), np.uint8)
    draft = draft_for(traces.longest)
    for k in range(count):
        own = slice(traces.bounds[k], traces.bounds[k + 1])
        sketch(traces.words[own], weights[own], 0, 8, importance(), draft, keys[k], rarities[k])
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


@njit(nogil=True)
def look_up_and_insert(  # type: ignore[no-untyped-def]
    first, keys, rarities, published, index, limits, scratch, out, sums, is_inserted
):
    """Take articles through the index one after the other, as `passes.find_articles` does between its other steps."""
    dates = index[3]
    most_hits, least, most = limits
    for k in range(keys.shape[0]):
        candidates(
            keys[k], rarities[k], published, WINDOW, index, most_hits, least, most, scratch, out, sums
        )  # fmt: skip
        if is_inserted:
            for j in range(KEYS):
                if scratch[3][j] >= HOT:
                    make_ring(keys[k, j], index)
            dates[(first + k) % dates.shape[0]] = published
            insert(first + k, keys[k], index)


class Flow:
    """An index at default settings, and the articles that go through it."""

    def __init__(self, keys: U32, rarities: U8, capacity: int) -> None:
        settings = Detection()
        self.index, self.number = LshIndex(capacity), 0
        self._rarities, self._stream, self._place = rarities, generations(keys), len(keys)
        self._limits = settings.max_key_articles, round(settings.min_shared_rarity * 16), settings.max_candidates
        self._scratch = scratch_for(settings.max_key_articles)
        self._found = np.empty((2, settings.max_candidates), np.int64)

    def take(self, count: int, is_inserted: bool = True, together: int = TOGETHER) -> tuple[float, float]:
        """Take the next articles, some with each call; return seconds of all calls, and of the longest."""
        all_seconds, longest = 0.0, 0.0
        while count:
            if self._place == len(self._rarities):
                (self._keys, self._published), self._place = next(self._stream), 0
            own = slice(self._place, min(self._place + together, self._place + count, len(self._rarities)))
            started = time.perf_counter()
            look_up_and_insert(  # type: ignore[call-arg]
                self.number, self._keys[own], self._rarities[own], self._published, self.index.arrays, self._limits,
                self._scratch, *self._found, is_inserted
            )  # fmt: skip
            took = time.perf_counter() - started
            all_seconds, longest = all_seconds + took, max(longest, took)
            taken = own.stop - own.start
            self._place, count = self._place + taken, count - taken
            self.number += taken if is_inserted else 0
        return all_seconds, longest


def measure(evaluation: Path | None, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Return a row per size: of an index that grows to it, and is full then."""
    keys, rarities = real_keys(evaluation, min(SOURCES, sizes[0]))
    warm = Flow(keys, rarities, 1024)
    warm.take(64)
    rows = list[dict[str, Any]]()
    for size in sizes:
        before = resident_bytes()
        flow = Flow(keys, rarities, size)
        last = size // 10
        flow.take(size - 2 * last)
        growing, _ = flow.take(last)
        _, pause = flow.take(last, together=1)
        row = {"articles": size, "bytes_per_article": (resident_bytes() - before) / size}
        some = min(SOME, size)
        full = [flow.take(some)[0] / some for _ in range(ROUNDS)]
        query = [flow.take(some, is_inserted=False)[0] / some for _ in range(ROUNDS)]
        started = time.perf_counter()
        flow.index.expire(flow.number - size + size // 10)
        row |= {"expiry_ms": (time.perf_counter() - started) * 1e3, "growing_us": growing / last * 1e6}
        row |= {"both_us": statistics.median(full) * 1e6, "query_us": statistics.median(query) * 1e6}
        rows.append({**row, "pause_ms": pause * 1e3})
        del flow
        click.echo(describe(rows[-1]), err=True)
    return rows


def describe(row: dict[str, Any]) -> str:
    """Return a row for people."""
    return (
        f"{row['articles']:10,} articles: query and insert {row['both_us']:.1f} us, query {row['query_us']:.1f} us, "
        f"both while it grows {row['growing_us']:.1f} us, at most {row['pause_ms']:.1f} ms, "
        f"{row['bytes_per_article']:.0f} bytes per article"
    )


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--small", is_flag=True, help="Up to 100,000 articles instead of two million.")
@click.option("--output", type=click.Path(path_type=Path), help="Result file to write.")
def main(evaluation: Path | None, small: bool, output: Path | None) -> None:
    """Measure the index."""
    evaluation = evaluation_folder(evaluation)
    rows = measure(evaluation, SMALL_SIZES if small else SIZES)
    configuration = {"articles": traffic.describe(evaluation), "settings": "default", "keys": KEYS}
    result = rounded({**describe_run(PACKAGES, configuration, traffic.SEED), "figures": rows})
    if output:
        write_result(output, result)


if __name__ == "__main__":
    main()
