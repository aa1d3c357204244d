"""Candidates and the traces that they need -> matches, slice by slice, each on a bench of its own."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from wirecopy.config import Detection
from wirecopy.detection.evidence.model import Model
from wirecopy.detection.index.bench import Bench
from wirecopy.spark.articles import dates_of, traces_of, weights_of

MATCHES = "number long, other long, odds double, relation string"
_NEEDED = "slice long, number long"

Batches = Iterator[pa.RecordBatch]


def matches(candidates: DataFrame, articles: DataFrame, rarity: Any, settings: Detection, model: Model) -> DataFrame:
    """Return all verified matches; of each slice, no article's trace is sent more than once."""
    most, min_words, min_odds = settings.max_candidates, settings.min_words, settings.min_odds

    def need(batches: Batches) -> Batches:
        for batch in batches:
            slices = batch.column("slice").to_numpy()
            packed = batch.column("candidates").to_pylist()
            others = np.frombuffer(b"".join(packed), dtype=np.int64)
            of = np.repeat(slices, [len(value) // 8 for value in packed])
            pairs = np.unique(
                np.stack([np.append(of, slices), np.append(others, batch.column("number"))], axis=1), axis=0
            )
            yield pa.RecordBatch.from_arrays([pa.array(pairs[:, 0]), pa.array(pairs[:, 1])], names=["slice", "number"])

    def verify(asked: pa.Table, sent: pa.Table) -> pa.Table:
        asked, sent = asked.sort_by("number"), sent.sort_by("number")
        numbers, own = sent.column("number").to_numpy(), asked.column("number").to_numpy()
        place = np.searchsorted(numbers, own)
        rest = np.setdiff1d(np.arange(len(numbers)), place)
        order = np.concatenate([place, rest])  # those that ask come first on the bench
        at = np.empty(len(numbers), dtype=np.int64)
        at[order] = np.arange(len(numbers))
        laid = sent.take(pa.array(order))
        bench = Bench(
            traces_of(laid.column("trace")), laid.column("title_words").to_numpy(), dates_of(laid.column("published")),
            laid.column("source").to_pylist(), weights_of(rarity.value), model, min_words=min_words, min_odds=min_odds,
        )  # fmt: skip
        wanted = [np.frombuffer(value, dtype=np.int64) for value in asked.column("candidates").to_pylist()]
        found = bench.verify(len(own), [at[np.searchsorted(numbers, others)] for others in wanted], most)
        on_bench = numbers[order]
        return pa.Table.from_arrays(
            [
                pa.array(on_bench[found.later]), pa.array(on_bench[found.earlier]), pa.array(found.odds),
                pa.array(found.relations, pa.string()),
            ],
            names=["number", "other", "odds", "relation"],
        )  # fmt: skip

    needed = candidates.mapInArrow(need, _NEEDED).distinct()
    sent = needed.join(articles.select("number", "published", "source", "title_words", "trace"), "number")
    asked = candidates.groupBy("slice")
    return asked.cogroup(
        sent.select("slice", "number", "published", "source", "title_words", "trace").groupBy("slice")
    ).applyInArrow(verify, MATCHES)


def pairs_of(matched: DataFrame) -> DataFrame:
    """Return who is connected with whom; a follow-up connects nobody."""
    return matched.where(F.col("relation") != "follow_up").select(F.col("number"), F.col("other"))
