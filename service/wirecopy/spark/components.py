"""Matches -> which articles are connected, by whatever way: each with the smallest number of its component.

Every task first joins what it holds, so that of a story that came in one slice a star is left. Few pairs are then
joined by one task; many by rounds of large stars and small stars (Kiveris, Lattanzi, Mirrokni, Rastogi & Vassilvitskii
2014: Connected components in MapReduce and beyond), whose number grows with the logarithm of the longest chain. Nothing
is collected in the driver.
"""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wirecopy.detection.kernels.postings import join_ends

FEW = 4_000_000  # pairs that one task joins: 100 MB
_PAIRS = "number long, other long"
_MOST_ROUNDS = 60

Batches = Iterator[pa.RecordBatch]
Keep = Callable[[DataFrame, str], DataFrame]  # makes a frame durable under a name, and returns what was kept


def components(pairs: DataFrame, keep: Keep, few: int = FEW) -> DataFrame:
    """Return `number` and `root` of every article that is in a pair."""
    stars = keep(pairs.mapInArrow(_join, _PAIRS), "stars")
    are_few = stars.count() <= few
    joined = stars.coalesce(1).mapInArrow(_join, _PAIRS) if are_few else _by_rounds(stars, keep)
    roots = joined.select(F.col("other").alias("root")).distinct().select(F.col("root").alias("number"), "root")
    return joined.select("number", F.col("other").alias("root")).unionByName(roots)


def _join(batches: Batches) -> Batches:
    """Yield stars of all pairs of a partition: (number, smallest), without the smallest itself."""
    held = [(batch.column(0).to_numpy(), batch.column(1).to_numpy()) for batch in batches]
    if not held:
        return
    left, right = (np.concatenate(column) for column in zip(*held, strict=True))
    numbers, places = np.unique(np.concatenate([left, right]), return_inverse=True)
    root = np.empty(len(numbers), dtype=np.int64)
    join_ends(places[: len(left)].astype(np.int64), places[len(left) :].astype(np.int64), root)
    is_leaf = root != np.arange(len(root))
    yield pa.RecordBatch.from_arrays(
        [pa.array(numbers[is_leaf]), pa.array(numbers[root[is_leaf]])], names=["number", "other"]
    )


def _by_rounds(stars: DataFrame, keep: Keep) -> DataFrame:
    """Return pairs (number, other) with other < number, until nothing changes."""
    before = None
    for k in range(_MOST_ROUNDS):
        stars = keep(_small_star(_large_star(stars)).distinct(), f"round-{k}")
        found = stars.agg(F.count("*"), F.sum(F.xxhash64("number", "other").cast("decimal(38,0)"))).first()
        if found == before:
            return stars
        before = found
    raise AssertionError("the rounds come to an end: their number grows with the logarithm of the longest chain")


def _large_star(pairs: DataFrame) -> DataFrame:
    both = pairs.unionByName(pairs.select(F.col("other").alias("number"), F.col("number").alias("other")))
    least = both.groupBy("number").agg(F.least(F.min("other"), F.col("number")).alias("least"))
    larger = both.where("other > number").join(least, "number")
    return larger.select(F.col("other").alias("number"), F.col("least").alias("other"))


def _small_star(pairs: DataFrame) -> DataFrame:
    least = pairs.groupBy("number").agg(F.min("other").alias("least"))
    others = pairs.join(least, "number").where("other <> least").select(F.col("other").alias("number"), F.col("least"))
    return others.withColumnRenamed("least", "other").unionByName(least.withColumnRenamed("least", "other"))
