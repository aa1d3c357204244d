"""Each component by itself -> the rows of the output, by the grouping that one machine uses, in the order of input.

Components are laid together in buckets. Within a bucket articles have numbers of their own, in the same order, so that
everything that is told apart by age is told apart in the same way; ids of stories are named by the real ones.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from wirecopy import config
from wirecopy.batch.run import OutputRow, rows_of
from wirecopy.detection.evidence.model import Link, Model
from wirecopy.detection.grouping.stories import Grouping
from wirecopy.detection.index.bench import Bench
from wirecopy.detector.memory.archive import Archive, Kept
from wirecopy.detector.memory.canonical import Policy, rule_of
from wirecopy.spark.articles import dates_of, traces_of, weights_of

ROWS = "number long, id string, story string, canonical boolean, relation string, match string, score double"
BUCKET = 8192  # articles that are grouped by one task, of small components
LARGEST = 250_000  # articles of a component; what is larger is cut by numbers
_META = ("number", "id", "published", "source", "status", "embargoed", "title_words", "words", "trace")


def stories(
    articles: DataFrame, matched: DataFrame, connected: DataFrame, rarity: Any, settings: config.Config, model: Model,
    *, largest: int = LARGEST, now: int | None = None,
) -> DataFrame:  # fmt: skip
    """Return the rows of all articles. `now`, in milliseconds since 1970, is when embargoes are looked at."""
    moment = time.time_ns() // 1_000_000 if now is None else now
    detection, policy = settings.detection, Policy(rule_of(settings.stories))

    def group(members: pa.Table, links: pa.Table) -> pa.Table:
        members = members.sort_by("number")
        bench = Bench(
            traces_of(members.column("trace")), members.column("title_words").to_numpy(),
            dates_of(members.column("published")), members.column("source").to_pylist(), weights_of(rarity.value),
            model, min_words=detection.min_words, min_odds=detection.min_odds,
        )  # fmt: skip
        numbers = members.column("number").to_numpy()
        archive, grouped = _archive_of(members, moment), _group(len(numbers), _matches_of(numbers, links), bench)
        rows = list(rows_of(archive, grouped, policy, range(len(numbers))))
        return _table(numbers, [(row, _named(row.story, numbers)) for row in rows])

    placed = _placed(connected, largest)
    buckets = articles.select(*_META).join(placed, "number")
    ends = matched.join(placed, "number").withColumnRenamed("bucket", "own")
    other = placed.select(F.col("number").alias("other"), "bucket")
    links = ends.join(other, "other").where("own = bucket").select("bucket", "number", "other", "odds", "relation")
    together = buckets.groupBy("bucket").cogroup(links.groupBy("bucket")).applyInArrow(group, ROWS)
    alone = articles.select("number", "id", "status", "embargoed").join(placed, "number", "left_anti")
    return together.unionByName(_alone(alone, moment))


def _placed(connected: DataFrame, largest: int) -> DataFrame:
    """Return the bucket of each article: small components are laid together by their roots, what is large has
    its own.
    """
    sizes = connected.groupBy("root").count()
    is_large: Column = F.col("count") > BUCKET // 4
    sized = connected.join(sizes, "root")
    small = sized.where(~is_large).select(
        "number", F.floor(F.col("root") / (4 * BUCKET)).cast("string").alias("bucket")
    )
    nth = F.row_number().over(Window.partitionBy("root").orderBy("number")) - 1
    cut = F.concat_ws(":", F.lit("c"), F.col("root"), F.floor(nth / largest))
    return small.unionByName(sized.where(is_large).select("number", cut.alias("bucket")))


def _alone(articles: DataFrame, moment: int) -> DataFrame:
    """Return the rows of articles without any match."""
    is_hidden = (F.col("status") == "withheld") | (F.coalesce(F.col("embargoed"), F.lit(0)) > max(0, moment))
    nothing = F.lit(None)
    return articles.select(
        "number", "id", F.concat(F.lit("s"), F.col("number")).alias("story"), (~is_hidden).alias("canonical"),
        nothing.cast("string").alias("relation"), nothing.cast("string").alias("match"),
        nothing.cast("double").alias("score"),
    )  # fmt: skip


def _archive_of(members: pa.Table, moment: int) -> Archive:
    archive = Archive(None)
    names = ("id", "published", "source", "words", "status", "embargoed")
    columns = [members.column(name).to_pylist() for name in names]
    for k, (article_id, published, source, words, status, embargoed) in enumerate(zip(*columns, strict=True)):
        kept = Kept(
            id=article_id, published=published, source=source, words=words, came=k, status=status, embargoed=embargoed
        )
        archive.add(k, kept)
    archive.lift(moment)
    return archive


def _matches_of(numbers: np.ndarray, links: pa.Table) -> dict[int, list[tuple[int, Link]]]:
    """Return the matches of each article, best first, of equal ones the earliest."""
    found: dict[int, list[tuple[int, Link]]] = {}
    later = np.searchsorted(numbers, links.column("number").to_numpy()).tolist()
    earlier = np.searchsorted(numbers, links.column("other").to_numpy()).tolist()
    columns = links.column("odds").to_pylist(), links.column("relation").to_pylist()
    for k, other, odds, relation in zip(later, earlier, *columns, strict=True):
        found.setdefault(k, []).append((other, Link(odds, relation)))
    for own in found.values():
        own.sort(key=lambda match: (-match[1].odds, match[0]))
    return found


def _group(count: int, matches: dict[int, list[tuple[int, Link]]], bench: Bench) -> Grouping:
    grouped = Grouping(is_mixture=bench.is_mixture)
    for number in range(count):
        change = grouped.decide(number, matches.get(number, []), bench.judge)
        if change.links:
            grouped.link(change.links)
        grouped.apply(change.moves)
    return grouped


def _named(story: str, numbers: np.ndarray) -> str:
    number, dash, part = story[1:].partition("-")
    return f"s{numbers[int(number)]}{dash}{part}"


def _table(numbers: np.ndarray, rows: Sequence[tuple[OutputRow, str]]) -> pa.Table:
    return pa.Table.from_arrays(
        [
            pa.array(numbers, pa.int64()),
            pa.array([row.id for row, _ in rows], pa.string()),
            pa.array([story for _, story in rows], pa.string()),
            pa.array([row.canonical for row, _ in rows], pa.bool_()),
            pa.array([row.relation for row, _ in rows], pa.string()),
            pa.array([row.match for row, _ in rows], pa.string()),
            pa.array([row.score for row, _ in rows], pa.float64()),
        ],
        names=[field.split()[0] for field in ROWS.split(", ")],
    )


def lines(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield rows as the lines of the output file, byte for byte those of one machine."""
    from msgspec.json import Encoder

    encode = Encoder().encode
    for batch in batches:
        columns = [
            batch.column(name).to_pylist() for name in ("id", "story", "canonical", "relation", "match", "score")
        ]
        found = [encode(OutputRow(*row)).decode() for row in zip(*columns, strict=True)]
        yield pa.RecordBatch.from_arrays(
            [batch.column("number"), pa.array(found, pa.string())], names=["number", "value"]
        )
