"""The plan: stages in order, each kept in a folder, so that a run that was stopped goes on with the next.

    articles     read, numbered, traced
    rarity       words counted ahead, added up, broadcast
    candidates   keys, postings, what they share
    matches      candidates verified on their traces
    components   who is connected with whom
    rows         each component grouped by itself

A stage is a folder of parquet files with Spark's own mark of success; the folder of all has a fingerprint of inputs and
settings, and refuses others.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from pyspark.sql import DataFrame, SparkSession
from xxhash import xxh3_128_hexdigest

from wirecopy import errors
from wirecopy.config import Config
from wirecopy.detector.memory import model_file
from wirecopy.errors import Refusal
from wirecopy.files.reading import Schema, expand
from wirecopy.files.writing import Output
from wirecopy.schema.version import VERSION
from wirecopy.spark import articles as reading
from wirecopy.spark import candidates as seeking
from wirecopy.spark import components as connecting
from wirecopy.spark import matches as verifying
from wirecopy.spark import stories as grouping

_SETTINGS = {
    "spark.app.name": "wirecopy dedupe",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "2000",  # 5 MB of traces
}


class Options(NamedTuple):
    """How a run is cut; no choice changes the output, but that `largest_component` cuts what is larger.

    `checkpoints` is a folder that all executors reach, on a disk or in HDFS or S3 (by a path of the file system that
    Spark is set to); without one a temporary folder of this machine. `partitions`: of the shuffle by key.
    """

    checkpoints: str | None = None
    partitions: int | None = None
    hot_key: int = seeking.HOT
    few_pairs: int = connecting.FEW
    largest_component: int = grouping.LARGEST


class Summary(NamedTuple):
    """What a run did."""

    articles: int
    stories: int
    refused: int


@contextmanager
def session(master: str | None, partitions: int | None) -> Iterator[SparkSession]:
    """Yield a session of Spark with settings of ours while the block lasts; one that is there already is used
    as it is.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        yield active
        return
    builder = SparkSession.builder if master is None else SparkSession.builder.master(master)
    for name, value in _SETTINGS.items():
        builder = builder.config(name, value)
    if partitions is not None:
        builder = builder.config("spark.sql.shuffle.partitions", str(partitions))
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()


class _Stages:
    """Frames by name, each computed once and read back from where it was kept."""

    def __init__(self, spark: SparkSession, folder: str, on_stage: Callable[[str], None]) -> None:
        self._spark = spark
        self._folder = folder
        self._on_stage = on_stage

    def keep(self, frame: DataFrame | Callable[[], DataFrame], name: str) -> DataFrame:
        """Return the frame as it was kept; makes it where it was not, whole or not at all."""
        path = f"{self._folder}/{name}"
        if not self._is_done(path):
            self._on_stage(name)
            (frame() if callable(frame) else frame).write.mode("overwrite").parquet(path)
        return self._spark.read.parquet(path)

    def _is_done(self, path: str) -> bool:
        jvm: Any = self._spark._jvm
        mark = jvm.org.apache.hadoop.fs.Path(f"{path}/_SUCCESS")
        return bool(mark.getFileSystem(self._spark._jsparkSession.sessionState().newHadoopConf()).exists(mark))


def dedupe_files(
    spark: SparkSession, inputs: Sequence[str], config: Config, output: Output | str, options: Options, *,
    mapping: Mapping[str, str], schema: Schema = "own", on_refusal: Callable[[Refusal], None],
    on_stage: Callable[[str], None] = lambda _: None,
) -> Summary:  # fmt: skip
    """Group the articles of files into stories; `output` is a file that takes lines, or the name of a folder for parts.

    Raises InputFailed and UsageError as reading does; what Spark raises comes as it is.
    """
    files = expand(inputs, schema)
    if "<stdin>" in files:
        raise errors.UsageError("standard input cannot be read on a cluster: name files")
    fingerprint = [files, [Path(file).stat().st_size for file in files], dict(mapping), schema]
    with _folder(options, config, fingerprint) as folder:
        stages = _Stages(spark, folder, on_stage)

        def read() -> DataFrame:
            return reading.read_files(spark, files, config, mapping, schema)

        rows, refusals, total = _run(spark, stages, read, config, options)
        refused = 0
        for row in refusals.orderBy("part", "line").toLocalIterator():
            reason = row["refusal"] or str(errors.DuplicateId(row["double"]))
            on_refusal(Refusal(row["file"], row["line"], reason))
            refused += 1
        on_stage("writing")
        written = rows.repartitionByRange("number").sortWithinPartitions("number")
        lines = written.mapInArrow(grouping.lines, "number long, value string")
        if isinstance(output, str):
            lines.select("value").write.mode("error").text(output)
        else:
            output.write_lines(row["value"].encode() for row in lines.toLocalIterator(prefetchPartitions=True))
        return Summary(total, rows.select("story").distinct().count(), refused)


def dedupe_frame(articles: DataFrame, config: Config | None, options: Options) -> DataFrame:
    """See `wirecopy.spark.dedupe`. Without `checkpoints`, the temporary folder stays until the process ends."""
    spark, settings = articles.sparkSession, config or Config()
    if options.checkpoints is None:
        options = options._replace(checkpoints=tempfile.mkdtemp(prefix="wirecopy-spark-"))
    stages = _Stages(spark, str(options.checkpoints), lambda _: None)
    rows, _, _ = _run(spark, stages, lambda: reading.read_frame(articles, settings), settings, options)
    return rows


def _run(
    spark: SparkSession, stages: _Stages, read: Callable[[], DataFrame], config: Config, options: Options
) -> tuple[DataFrame, DataFrame, int]:
    """Return the rows of the output, the refusals, and how many articles there are."""
    detection = config.detection
    if detection.boilerplate_stories:
        raise errors.UsageError(
            "Spark needs detection.boilerplate_stories: 0, as what sources repeat is learnt in order, by one process"
        )
    if config.stories.agencies_by_credit:
        raise errors.UsageError("Spark needs stories.agencies_by_credit: false, as texts are read in order for credits")
    model = model_file.load(detection.model)
    numbered, refusals, total = reading.numbered(stages.keep(read, "read"))
    articles = stages.keep(numbered, "articles")
    table = stages.keep(lambda: _as_frame(spark, reading.rarity_ahead(articles, total)), "rarity").collect()
    rarity = spark.sparkContext.broadcast(np.frombuffer(table[0]["rarity"], dtype=np.uint8))
    partitions = options.partitions or max(2, spark.sparkContext.defaultParallelism, total // 50_000)
    hot = options.hot_key if total > options.hot_key else 0

    def seek() -> DataFrame:
        return seeking.candidates(seeking.postings(articles, rarity, detection), detection, partitions, hot)

    found = stages.keep(seek, "candidates")
    matched = stages.keep(lambda: verifying.matches(found, articles, rarity, detection, model), "matches")

    def connect() -> DataFrame:
        return connecting.components(verifying.pairs_of(matched), stages.keep, options.few_pairs)

    connected = stages.keep(connect, "components")
    largest = options.largest_component
    rows = stages.keep(
        lambda: grouping.stories(articles, matched, connected, rarity, config, model, largest=largest), "rows"
    )
    return rows, refusals, total


def _as_frame(spark: SparkSession, rarity: Any) -> DataFrame:
    return spark.createDataFrame([(bytearray(rarity.tobytes()),)], "rarity binary")


@contextmanager
def _folder(options: Options, config: Config, inputs: list[Any]) -> Iterator[str]:
    """Yield the folder of checkpoints; a temporary one is removed at the end."""
    if options.checkpoints is None:
        made = tempfile.mkdtemp(prefix="wirecopy-spark-")
        try:
            yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)
        return
    folder, decisive = Path(options.checkpoints), (config.detection, config.stories, config.limits)
    mark = xxh3_128_hexdigest(msgspec.json.encode([VERSION, inputs, msgspec.to_builtins(decisive)]))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "run"
    if file.exists() and file.read_text(encoding="utf-8") != mark:
        raise errors.UsageError(f"{folder} holds another run: other inputs or settings; name a new folder")
    file.write_text(mark, encoding="utf-8")
    yield str(folder)
