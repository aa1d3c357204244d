"""The same stories on a cluster: Spark's output is that of one machine, byte for byte, however the run is cut."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from tests.exact_detector import wait_until
from tests.streams import stream
from wirecopy import config, errors
from wirecopy.batch import run
from wirecopy.cli.commands import commands
from wirecopy.config import Config
from wirecopy.files import writing
from wirecopy.schema.article import Article

pytest.importorskip("pyspark", reason="Spark is not installed: pip install 'wirecopy[spark]'")
if shutil.which("java") is None:
    pytest.skip(
        "no Java is installed, which Spark needs: apt-get install openjdk-17-jre-headless", allow_module_level=True
    )

from pyspark import SparkContext
from pyspark.sql import SparkSession

import wirecopy.spark
from wirecopy.spark import plan

pytestmark = pytest.mark.filterwarnings("default")  # pyspark has warnings of its own
DATED = config.override(Config(), "detection", boilerplate_stories=0)
UNDATED = config.override(DATED, "detection", window_days=None)
FLAT = "detection: {boilerplate_stories: 0}\n"


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        yield from sessions()


def sessions() -> Iterator[SparkSession]:
    """One session, and the end of the Java machine that it was started with."""
    builder = SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.shuffle.partitions", "3").config("spark.driver.memory", "1g").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()
    gateway = SparkContext._gateway
    assert gateway is not None
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.kill()
    gateway.proc.wait()
    SparkContext._gateway = SparkContext._jvm = None


def write(folder: Path, parts: Sequence[Sequence[Article]]) -> list[str]:
    """Files of articles, one for each part, with a line in each that is none."""
    files = []
    for k, part in enumerate(parts):
        file = folder / f"part-{k}.jsonl"
        lines = [json.dumps({name: value for name, value in fields(a).items() if value is not None}) for a in part]
        file.write_text("\n".join([*lines[:2], '{"id": "bad", "text": null}', *lines[2:]]) + "\n", encoding="utf-8")
        files.append(str(file))
    return files


def fields(article: Article) -> dict[str, Any]:
    return {name: getattr(article, name) for name in ("id", "text", "title", "source", "published", "status")}


def alone(files: Sequence[str], settings: Config = DATED) -> tuple[str, str]:
    """The output of one machine, and what it says of refused lines."""
    refused: list[str] = []
    result = run.dedupe(
        files, settings, mapping={}, look_ahead=True, strict=False, want_lines=False,
        on_refusal=lambda refusal: refused.append(f"{refusal}\n"), on_progress=lambda _: None,
    )  # fmt: skip
    return "".join(f"{msgspec.json.encode(row).decode()}\n" for row in result.rows()), "".join(refused)


def together(
    spark: SparkSession, files: Sequence[str], folder: Path, settings: Config = DATED, **options: Any
) -> tuple[str, str]:
    refused: list[str] = []
    with writing.open_output(str(folder / "out.jsonl")) as out:
        plan.dedupe_files(
            spark, files, settings, out, plan.Options(**options), mapping={},
            on_refusal=lambda refusal: refused.append(f"{refusal}\n"),
        )  # fmt: skip
    return (folder / "out.jsonl").read_text(encoding="utf-8"), "".join(refused)


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    file = tmp_path / "settings.yaml"
    file.write_text(FLAT, encoding="utf-8")
    return file


def test_the_output_is_that_of_one_machine_however_the_run_is_cut(spark: SparkSession, tmp_path: Path) -> None:
    articles = stream(400)
    files = write(tmp_path, [articles[:150], [], articles[100:300], articles[300:]])  # 50 ids come twice
    expected = alone(files)
    assert expected[0].count("\n") == len({article.id for article in articles})
    assert together(spark, files, tmp_path, partitions=1) == expected
    assert together(spark, files, tmp_path, partitions=7, hot_key=140, few_pairs=0) == expected
    undated = alone(files, UNDATED)
    assert together(spark, files, tmp_path, UNDATED, partitions=2) == undated


def test_a_dataframe_gives_the_stories_of_its_rows_in_order(spark: SparkSession, tmp_path: Path) -> None:
    articles = stream(120)
    files = write(tmp_path, [articles])
    rows = [(a.id, a.text, a.title, a.source) for a in articles]
    frame = spark.createDataFrame(
        [*rows, ("null", None, None, None)], "id string, text string, title string, source string"
    )
    found = wirecopy.spark.dedupe(frame.coalesce(1), UNDATED).orderBy("number").collect()
    lines = [json.loads(line) for line in alone(files, UNDATED)[0].splitlines()]
    assert [(row["id"], row["story"], row["match"], row["score"]) for row in found] == [
        (line["id"], line["story"], line["match"], line["score"]) for line in lines
    ]


def test_a_run_that_was_stopped_goes_on_with_the_stages_that_are_done(spark: SparkSession, tmp_path: Path) -> None:
    files, kept = write(tmp_path, [stream(150)]), tmp_path / "kept"
    expected = together(spark, files, tmp_path, checkpoints=str(kept))
    assert expected == alone(files)
    times = {file: file.stat().st_mtime_ns for file in kept.rglob("*.parquet") if "rows" not in str(file)}
    shutil.rmtree(kept / "rows")
    (kept / "matches" / "_SUCCESS").unlink()  # as a driver leaves it that dies while it writes
    assert together(spark, files, tmp_path, checkpoints=str(kept)) == expected
    again = {file: file.stat().st_mtime_ns for file in kept.rglob("*.parquet")}
    assert all(again[file] == at for file, at in times.items() if "candidates" in str(file) or "articles" in str(file))
    with pytest.raises(errors.UsageError, match="holds another run"):
        together(spark, files, tmp_path, UNDATED, checkpoints=str(kept))


def test_a_component_that_is_too_large_is_cut_and_does_not_fail(spark: SparkSession, tmp_path: Path) -> None:
    base = " ".join(f"word{k}" for k in range(120))
    articles = [Article(f"a{k}", f"{base} ending{k % 7}") for k in range(2200)]
    files = write(tmp_path, [articles])
    rows = [
        json.loads(line) for line in together(spark, files, tmp_path, UNDATED, largest_component=500)[0].splitlines()
    ]
    assert [row["id"] for row in rows] == [article.id for article in articles]
    assert 1 < len({row["story"] for row in rows}) < 50


def test_a_worker_that_is_killed_changes_nothing(spark: SparkSession, tmp_path: Path) -> None:
    files = write(tmp_path, [stream(300, k)[:150] for k in range(2)])
    expected = alone(files)
    killed: list[int] = []

    def kill(stage: str) -> None:
        found = subprocess.run(["pgrep", "-f", "pyspark.daemon", "-P", str(java())], capture_output=True, text=True)
        for pid in found.stdout.split():
            if stage in ("candidates", "matches", "rows"):
                os.kill(int(pid), signal.SIGKILL)
                killed.append(int(pid))

    def java() -> int:
        return int(spark._jvm.java.lang.ProcessHandle.current().pid())  # type: ignore[union-attr]

    with writing.open_output(str(tmp_path / "out.jsonl")) as out:
        plan.dedupe_files(
            spark, files, DATED, out, plan.Options(), mapping={}, on_refusal=lambda _: None, on_stage=kill
        )
    assert killed
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == expected[0]


def test_what_a_cluster_cannot_do_is_said_before_anything_is_read(tmp_path: Path) -> None:
    file = write(tmp_path, [stream(5)])[0]
    result = CliRunner().invoke(
        commands, ["dedupe", file, "-o", str(tmp_path / "o"), "--engine", "spark", "--state", str(tmp_path / "s")]
    )
    assert isinstance(result.exception, errors.UsageError)
    assert "--engine spark takes" in str(result.exception)
    assert not (tmp_path / "o").exists()


def test_two_workers_of_a_cluster_of_their_own_say_the_same(settings: Path, tmp_path: Path) -> None:
    import pyspark

    home = Path(pyspark.__file__).parent
    files = write(tmp_path, [stream(200, k)[:100] for k in range(2)])
    expected, _ = alone(files)
    environment = os.environ | {
        "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "SPARK_WORKER_DIR": str(tmp_path / "work"),
    }  # fmt: skip
    started: list[subprocess.Popen[bytes]] = []
    log = (tmp_path / "log").open("wb")

    def start(*arguments: str) -> None:
        command = [str(home / "bin" / "spark-class"), *arguments]
        started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    def said() -> str:
        return (tmp_path / "log").read_text(errors="replace")

    try:
        start("org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", "0", "--webui-port", "0")
        wait_until(lambda: "Starting Spark master at " in said(), seconds=60)
        master = said().partition("Starting Spark master at ")[2].split()[0]
        for _ in range(2):
            start(
                "org.apache.spark.deploy.worker.Worker",
                "--host",
                "127.0.0.1",
                "-c",
                "1",
                "-m",
                "1g",
                "--webui-port",
                "0",
                master,
            )
        wait_until(lambda: said().count("Successfully registered with master") == 2, seconds=60)
        command = [
            sys.executable,
            "-m",
            "wirecopy",
            "dedupe",
            *files,
            "-o",
            f"{tmp_path}/parts/",
            "--config",
            str(settings),
        ]
        command += [
            "--engine",
            "spark",
            "--master",
            master,
            "--partitions",
            "4",
            "--checkpoints",
            str(tmp_path / "kept"),
        ]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 1, done.stderr[-3000:]  # some lines are refused
        parts = sorted((tmp_path / "parts").glob("part-*"))
        assert "".join(part.read_text(encoding="utf-8") for part in parts) == expected
    finally:
        for process in started:
            process.kill()
            process.wait()
        log.close()
