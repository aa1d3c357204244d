"""How much the order of arrival matters: the same articles in other orders, and which labelled pairs change.

A decision on a pair is whether its two articles are in one story. The order of the file is compared with orders drawn
with the seeds 1, 2, ...
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.articles import read_lines
from bench.scoring import Pair, is_grouped

Story = Mapping[str, str]


@dataclass(frozen=True)
class ShuffleScores:
    """The share of labelled pairs whose decision another order changed: for each order, unweighted and weighted."""

    pairs: int
    changed: tuple[float, ...]
    weighted: tuple[float, ...]


def shuffled(files: Sequence[Path], seed: int, folder: Path) -> Path:
    """Return a file of the lines of all files in an order drawn by `seed`, written to `folder`."""
    lines = [line for path in files for line in read_lines(path)]
    random.Random(seed).shuffle(lines)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"shuffled-{seed}.jsonl"
    target.write_bytes(b"".join(line.rstrip(b"\n") + b"\n" for line in lines))
    return target


def score_shuffles(pairs: Sequence[Pair], story: Story, others: Sequence[Story]) -> ShuffleScores:
    """Return how many decisions differ between an assignment of stories and those of other orders."""
    weight = sum(pair.weight for pair in pairs)
    changed = [[pair for pair in pairs if is_grouped(pair, story) != is_grouped(pair, other)] for other in others]
    return ShuffleScores(
        len(pairs),
        tuple(len(found) / len(pairs) for found in changed),
        tuple(sum(pair.weight for pair in found) / weight for found in changed),
    )
