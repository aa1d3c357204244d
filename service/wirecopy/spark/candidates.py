"""Keys -> postings -> candidates: key by key what the index of one machine finds article by article.

Postings are shuffled by key and sorted by number; each looks back over the newest 128 of its key
(`kernels/postings`), so a key in every article costs 48 rows a posting and never its square. A key with more than
`HOT` postings is cut by ranges of them, each with the 128 postings before it. What was found goes to the article's
slice, is added up, and the best 64 are its candidates.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from wirecopy.config import Detection
from wirecopy.detection.index.contents import ALWAYS
from wirecopy.detection.kernels.index import MINUTE, RING
from wirecopy.detection.kernels.layout import KEYS
from wirecopy.detection.kernels.postings import keys_of, minutes_of, shared_keys
from wirecopy.detection.words import rarity as rarities
from wirecopy.spark.articles import dates_of, traces_of, weights_of

SLICE = 8192  # articles whose candidates are verified together
HOT = 2_000_000  # postings of a key that one task takes
_AT_ONCE = 100_000
_POSTINGS = "key long, number long, minute long, rarity int"
_FOUND = "slice long, number long, others binary, sums binary"
CANDIDATES = "slice long, number long, candidates binary"

Batches = Iterator[pa.RecordBatch]
I64 = npt.NDArray[np.int64]


def postings(articles: DataFrame, rarity: Any, settings: Detection) -> DataFrame:
    """Return the keys of all articles, one row each. `rarity` is broadcast."""
    min_words = settings.min_words

    def run(batches: Batches) -> Batches:
        terms, important = weights_of(rarity.value), rarities.importance()
        for batch in batches:
            if not batch.num_rows:
                continue
            traces, count = traces_of(batch.column("trace")), batch.num_rows
            weights = np.empty(len(traces.words), dtype=np.uint8)
            terms.weigh(traces, weights)
            keys, key_weights = np.zeros((count, KEYS), np.uint32), np.zeros((count, KEYS), np.uint8)
            titles = batch.column("title_words").to_numpy()
            keys_of(traces.words, weights, traces.bounds, titles.copy(), min_words, important, keys, key_weights)
            minutes = np.empty(count, dtype=np.int64)
            minutes_of(dates_of(batch.column("published")), minutes)
            used = keys.ravel() != 0
            yield pa.RecordBatch.from_arrays(
                [
                    pa.array(keys.ravel()[used].astype(np.int64)),
                    pa.array(np.repeat(batch.column("number").to_numpy(), KEYS)[used]),
                    pa.array(np.repeat(minutes, KEYS)[used]),
                    pa.array(key_weights.ravel()[used].astype(np.int32)),
                ],
                names=["key", "number", "minute", "rarity"],
            )

    return articles.select("number", "published", "title_words", "trace").mapInArrow(run, _POSTINGS)


def candidates(posted: DataFrame, settings: Detection, partitions: int, hot: int = HOT) -> DataFrame:
    """Return the candidates of each article that has some: int64 numbers, those that share most first."""
    reach = (ALWAYS if settings.window_days is None else int(settings.window_days * 86_400_000)) // MINUTE
    most_hits, most = settings.max_key_articles, settings.max_candidates
    least = round(settings.min_shared_rarity * rarities.STEPS)

    def look(batches: Batches) -> Batches:
        held: pa.Table | None = None
        for batch in batches:
            table = pa.Table.from_batches([batch])
            held = table if held is None else pa.concat_tables([held, table])
        if held is not None and held.num_rows:
            yield from _look(held, reach, most_hits)

    def choose(table: pa.Table) -> pa.Table:
        return _choose(table, least, most)

    cut = _cut(posted, hot)
    keyed = cut.repartition(partitions, "key", "range").sortWithinPartitions("key", "range", "number")
    found = keyed.mapInArrow(look, _FOUND)
    return found.groupBy("slice").applyInArrow(choose, CANDIDATES)


def _cut(posted: DataFrame, hot: int) -> DataFrame:
    """Return postings with a range, and `context` where they stand before the range that looks at them."""
    plain = posted.withColumns({"range": F.lit(0).cast("long"), "context": F.lit(False)})
    if not hot:
        return plain
    hot_keys = [row["key"] for row in posted.groupBy("key").count().where(F.col("count") > hot).select("key").collect()]
    if not hot_keys:
        return plain
    is_hot = F.col("key").isin(hot_keys)
    # The place of each in its key, counted in ranges of numbers so that no task holds a whole key.
    ranges = posted.where(is_hot).withColumn("piece", F.floor(F.col("number") / hot))
    inside = Window.partitionBy("key", "piece").orderBy("number")
    before = Window.partitionBy("key").orderBy("piece").rowsBetween(Window.unboundedPreceding, -1)
    sizes = ranges.groupBy("key", "piece").count()
    sizes = sizes.withColumn("begin", F.coalesce(F.sum("count").over(before), F.lit(0))).drop("count")
    placed = ranges.join(F.broadcast(sizes), ["key", "piece"])
    placed = placed.withColumn("at", F.col("begin") + F.row_number().over(inside) - 1)
    placed = placed.withColumn("range", F.floor(F.col("at") / hot))
    ahead = placed.where(F.col("at") % hot >= hot - RING).withColumn("range", F.col("range") + 1)
    columns = ["key", "number", "minute", "rarity", "range", "context"]
    own = placed.withColumn("context", F.lit(False)).select(*columns)
    return (
        plain.where(~is_hot).select(*columns).unionByName(own)
        .unionByName(ahead.withColumn("context", F.lit(True)).select(*columns))
    )  # fmt: skip


def _look(table: pa.Table, reach: int, most_hits: int) -> Batches:
    keys = table.column("key").to_numpy().astype(np.uint32)
    numbers, minutes = table.column("number").to_numpy(), table.column("minute").to_numpy()
    rarity = table.column("rarity").to_numpy().astype(np.uint8)
    context = table.column("context").to_numpy(zero_copy_only=False).astype(np.uint8)
    # Ranges of one key stand one behind the other, each with its context: told apart as if they were other keys.
    ranges = table.column("range").to_numpy()
    room = min(_AT_ONCE, len(keys)) * most_hits
    own, others, shared = (np.empty(room, dtype=np.int64) for _ in range(3))
    parts: list[tuple[I64, I64, I64]] = []
    edges = [0, *(np.flatnonzero(np.diff(ranges)) + 1).tolist(), len(keys)] if ranges.any() else [0, len(keys)]
    for begin, end in pairwise(edges):
        columns = tuple(np.ascontiguousarray(c[begin:end]) for c in (keys, numbers, minutes, rarity, context))
        for first in range(0, end - begin, _AT_ONCE):
            last = min(first + _AT_ONCE, end - begin)
            found = shared_keys(first, last, *columns, reach, most_hits, own, others, shared)
            parts.append(_added(own[:found], others[:found], shared[:found]))
    own, others, shared = _added(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    yield from _packed(own, others, shared)


def _added(own: I64, others: I64, shared: I64) -> tuple[I64, I64, I64]:
    """Return sums of what the same two share; sorted by both."""
    order = np.lexsort((others, own))
    own, others, shared = own[order], others[order], shared[order]
    first = np.ones(len(own), dtype=np.bool_)
    first[1:] = (own[1:] != own[:-1]) | (others[1:] != others[:-1])
    starts = np.flatnonzero(first)
    return own[starts], others[starts], np.add.reduceat(shared, starts) if len(starts) else shared


def _packed(own: I64, others: I64, sums: I64) -> Batches:
    """Yield one row for each article."""
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(own)), np.bool_), own[1:] != own[:-1]]))
    ends = np.append(starts[1:], len(own))
    numbers = own[starts]
    for begin in range(0, len(starts), 10_000):
        part = range(begin, min(begin + 10_000, len(starts)))
        yield pa.RecordBatch.from_arrays(
            [
                pa.array(numbers[part.start : part.stop] // SLICE),
                pa.array(numbers[part.start : part.stop]),
                pa.array([others[starts[k] : ends[k]].tobytes() for k in part], pa.binary()),
                pa.array([sums[starts[k] : ends[k]].astype(np.int32).tobytes() for k in part], pa.binary()),
            ],
            names=["slice", "number", "others", "sums"],
        )


def _choose(table: pa.Table, least: int, most: int) -> pa.Table:
    """Return the candidates of a slice: those that share enough, the most first, of equal ones the latest."""
    packed = table.column("others").to_pylist()
    others = np.frombuffer(b"".join(packed), dtype=np.int64)
    sums = np.frombuffer(b"".join(table.column("sums").to_pylist()), dtype=np.int32).astype(np.int64)
    own = np.repeat(table.column("number").to_numpy(), [len(value) // 8 for value in packed])
    own, others, sums = _added(own, others, sums)
    enough = sums >= least
    own, others, sums = own[enough], others[enough], sums[enough]
    order = np.lexsort((-others, -sums, own))
    own, others = own[order], others[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(own)), np.bool_), own[1:] != own[:-1]]))
    ends = np.minimum(np.append(starts[1:], len(own)), starts + most)
    numbers = own[starts]
    return pa.Table.from_arrays(
        [
            pa.array(numbers // SLICE, pa.int64()),
            pa.array(numbers, pa.int64()),
            pa.array([others[a:b].tobytes() for a, b in zip(starts, ends, strict=True)], pa.binary()),
        ],
        names=["slice", "number", "candidates"],
    )
