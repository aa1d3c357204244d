"""Inputs or a DataFrame -> articles in parts, then numbered; and how often their words stand in them, counted ahead."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from zstandard import ZstdCompressor, ZstdDecompressor

from wirecopy import errors
from wirecopy.config import Config
from wirecopy.detection.index.contents import dates
from wirecopy.detection.words.rarity import TermWeights, rarity_of
from wirecopy.detection.words.text import Traces
from wirecopy.detector.tracing import trace
from wirecopy.files.reading import Schema, read
from wirecopy.schema.article import FIELDS, Article, from_fields
from wirecopy.schema.intake import IntakeParser

TRACED = (
    "part long, place long, file string, line long, refusal string, id string, published long, source string, "
    "status string, embargoed long, title_words long, words long, trace binary"
)
_COUNTS = "part long, articles long, counts binary"
_TABLES_AT_ONCE = 16

Batches = Iterator[pa.RecordBatch]


def read_files(
    spark: SparkSession, files: Sequence[str], config: Config, mapping: Mapping[str, str], schema: Schema
) -> DataFrame:
    """Read files, each as one part, in a task of its own; lines that are no articles come with their `refusal`."""
    limits, max_words, names = config.limits, config.detection.max_words, dict(enumerate(files))

    def run(batches: Batches) -> Batches:
        for batch in batches:
            for part in batch.column(0).to_pylist():
                place = 0
                intake = IntakeParser.of(limits, config.intake, **mapping)
                for chunk in read([names[part]], limits=limits, mapping=mapping, schema=schema, intake=intake):
                    places = [(where.file, where.line) for where in chunk.places]
                    yield _traced(part, place, places, chunk.articles, max_words)
                    place += len(chunk.articles)
                    yield from _refused(
                        part, [(refusal.file, refusal.line, refusal.reason) for refusal in chunk.refusals]
                    )

    return spark.range(0, len(files), 1, max(1, len(files))).mapInArrow(run, TRACED)


def read_frame(articles: DataFrame, config: Config) -> DataFrame:
    """Take the rows of a DataFrame, each of its partitions as one part."""
    limits, max_words = config.limits, config.detection.max_words
    named = [name for name in FIELDS if name in articles.columns]

    def run(batches: Batches) -> Batches:
        context = TaskContext.get()
        part, place, line = 0 if context is None else context.partitionId(), 0, 0
        for batch in batches:
            good: list[Article] = []
            places, refused = [], []
            for row in batch.to_pylist():
                line += 1
                try:
                    good.append(from_fields({k: v for k, v in row.items() if v is not None}, limits))
                    places.append((f"partition {part}", line))
                except errors.ArticleError as error:
                    refused.append((f"partition {part}", line, str(error)))
            yield _traced(part, place, places, good, max_words)
            place += len(good)
            yield from _refused(part, refused)

    return articles.select(*(F.col(name).alias(name) for name in named)).mapInArrow(run, TRACED)


def numbered(traced: DataFrame) -> tuple[DataFrame, DataFrame, int]:
    """Give the articles numbers in the order of parts and places; return them, the refusals with ids that came twice,
    how many.

    Of articles with one id the first is taken.
    """
    accepted = traced.where("refusal IS NULL")
    twice = accepted.groupBy("id").count().where("count > 1").select("id")
    in_order = Window.partitionBy("id").orderBy("part", "place")
    again = accepted.join(twice, "id", "left_semi").withColumn("nth", F.row_number().over(in_order)).where("nth > 1")
    places = again.select("part", "place").cache()
    has_doubles = bool(places.head(1))
    if has_doubles:
        accepted = accepted.join(places, ["part", "place"], "left_anti")
        in_part = Window.partitionBy("part").orderBy("place")
        accepted = accepted.withColumn("place", F.row_number().over(in_part).cast("long") - 1)
    counts = sorted((row["part"], row["count"]) for row in accepted.groupBy("part").count().collect())
    first, bases = 0, []
    for part, count in counts:
        bases.append((part, first))
        first += count
    base = traced.sparkSession.createDataFrame(bases, "part long, base long")
    placed = accepted.join(F.broadcast(base), "part").withColumn("number", F.col("base") + F.col("place"))
    doubled = again.select("file", "line", F.col("id").alias("double"), "part")
    refusals = traced.where("refusal IS NOT NULL").select("file", "line", "refusal", "part")
    if has_doubles:
        said = F.lit(None).cast("string")
        refusals = refusals.withColumn("double", said).unionByName(doubled.withColumn("refusal", said))
    else:
        refusals = refusals.withColumn("double", F.lit(None).cast("string"))
    kept = ("number", "id", "published", "source", "status", "embargoed", "title_words", "words", "trace")
    return placed.select(*kept), refusals, first


def rarity_ahead(articles: DataFrame, total: int) -> npt.NDArray[np.uint8]:
    """Count the words of all articles, a table for each task, added up in a tree; -> the rarities for all of them."""

    def count(batches: Batches) -> Batches:
        terms, context = TermWeights(), TaskContext.get()
        for batch in batches:
            terms.count(traces_of(batch.column("trace")))
        packed = ZstdCompressor(level=1).compress(terms.counts.tobytes())
        yield pa.RecordBatch.from_pylist(
            [{"part": 0 if context is None else context.partitionId(), "articles": terms.counted, "counts": packed}]
        )

    def add(tables: pa.Table) -> pa.Table:
        part, counted = tables.column("part")[0].as_py() // _TABLES_AT_ONCE, sum(tables.column("articles").to_pylist())
        packed = ZstdCompressor(level=1).compress(_sum(tables.column("counts").to_pylist()).tobytes())
        return pa.Table.from_pylist([{"part": part, "articles": counted, "counts": packed}])

    tables, parts = articles.select("trace").mapInArrow(count, _COUNTS), articles.rdd.getNumPartitions()
    while parts > _TABLES_AT_ONCE:
        tables = tables.groupBy(F.floor(F.col("part") / _TABLES_AT_ONCE)).applyInArrow(add, _COUNTS)
        parts = -(-parts // _TABLES_AT_ONCE)
    return rarity_of(_sum([row["counts"] for row in tables.collect()]), total)


def traces_of(column: Any) -> Traces:
    """Return the traces of a column of binary values."""
    values = column.to_pylist()
    bounds = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum([len(value) // 4 for value in values], out=bounds[1:])
    return Traces(np.frombuffer(b"".join(values), dtype=np.uint32), bounds)


def dates_of(column: Any) -> npt.NDArray[np.int64]:
    """Return the dates of a column, as kernels take them."""
    return dates(column.to_pylist())


def weights_of(rarity: npt.NDArray[np.uint8]) -> TermWeights:
    """Return weights by rarities that were counted before."""
    terms = TermWeights()
    terms.restore(1, rarity)
    return terms


def _sum(tables: Sequence[bytes]) -> npt.NDArray[np.uint32]:
    unpack: Callable[[bytes], bytes] = ZstdDecompressor().decompress
    total = np.frombuffer(unpack(tables[0]), dtype=np.uint32).copy()
    for table in tables[1:]:
        total += np.frombuffer(unpack(table), dtype=np.uint32)
    return total


def _traced(
    part: int, place: int, places: Sequence[tuple[str, int]], articles: Sequence[Article], max_words: int
) -> pa.RecordBatch:
    traces, title_words = trace(articles, max_words)
    bounds, count = traces.bounds.tolist(), len(articles)
    data = traces.words.tobytes()
    columns = [
        pa.array([part] * count, pa.int64()),
        pa.array(range(place, place + count), pa.int64()),
        pa.array([file for file, _ in places], pa.string()),
        pa.array([line for _, line in places], pa.int64()),
        pa.nulls(count, pa.string()),
        pa.array([article.id for article in articles], pa.string()),
        pa.array([article.published for article in articles], pa.int64()),
        pa.array([article.source for article in articles], pa.string()),
        pa.array([article.status for article in articles], pa.string()),
        pa.array([article.embargoed for article in articles], pa.int64()),
        pa.array(title_words, pa.int64()),
        pa.array(np.diff(traces.bounds), pa.int64()),
        pa.array([data[4 * bounds[k] : 4 * bounds[k + 1]] for k in range(count)], pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(columns, names=[field.split()[0] for field in TRACED.split(", ")])


def _refused(part: int, refused: Sequence[tuple[str, int, str]]) -> Batches:
    if refused:
        names = [field.split()[0] for field in TRACED.split(", ")]
        kinds = _traced(part, 0, [], [], 1).schema
        given = {"part": part}
        rows = [{**given, "file": file, "line": line, "refusal": reason} for file, line, reason in refused]
        yield pa.RecordBatch.from_pylist([{name: row.get(name) for name in names} for row in rows], schema=kinds)
