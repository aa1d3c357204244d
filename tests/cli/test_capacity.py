"""`wirecopy capacity`: figures that follow from constants, and constants that hold."""

import json
from pathlib import Path

import msgspec
import pytest

from bench.changes import invented
from wirecopy import config
from wirecopy.cli import capacity as sizing
from wirecopy.cli.capacity import EMPTY, ROOM, capacity
from wirecopy.cli.commands import main
from wirecopy.config import Config, Service
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.schema.article import Article
from wirecopy.storage import Store


def test_what_is_needed_grows_with_the_articles() -> None:
    one = capacity(100_000, 14, retention_days=365, peak=4)
    two = capacity(200_000, 14, retention_days=365, peak=4)
    assert (one.indexed, one.kept) == (1_400_000, 36_500_000)
    assert two.disk_bytes == pytest.approx(2 * one.disk_bytes)
    assert two.memory_bytes - ROOM * EMPTY == pytest.approx(2 * (one.memory_bytes - ROOM * EMPTY))
    assert two.start_seconds == pytest.approx(2 * one.start_seconds)
    assert two.articles_per_second == pytest.approx(4 * 200_000 / 86_400)


def test_nothing_is_kept_for_a_shorter_time_than_it_is_compared() -> None:
    assert capacity(1000, 30, retention_days=7, peak=1).kept == 30_000


def test_longer_articles_and_kept_texts_take_more() -> None:
    short, long = (capacity(1000, 14, retention_days=365, words=words, peak=4) for words in (100, 1000))
    assert short.memory_bytes < long.memory_bytes
    assert short.disk_bytes < long.disk_bytes
    without = capacity(1000, 14, retention_days=365, words=1000, peak=4, keeps_text=False)
    assert without.disk_bytes < long.disk_bytes
    assert without.memory_bytes == long.memory_bytes


def test_the_setting_that_must_be_raised_is_told_and_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "--articles-per-day", "200000", "--days", "14"]) == 0
    told = capsys.readouterr().out
    assert "2,800,000 articles" in told
    name, value = told.split("service.")[1].split()[:2]
    assert name == "max_indexed_articles:"
    assert msgspec.convert({"service": {"max_indexed_articles": int(value)}}, Config)
    assert int(value) > 2_800_000
    assert main(["capacity", "--articles-per-day", "20000", "--days", "14"]) == 0
    assert "max_indexed_articles" not in capsys.readouterr().out


def test_json_has_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "--articles-per-day", "5000", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    default = Service()
    assert default.index_days is not None
    assert told["indexed"] == 5000 * default.index_days
    assert set(told) == set(sizing.Capacity._fields)


def test_no_articles_are_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["capacity", "--articles-per-day", "0"]) == 2
    assert "--articles-per-day" in capsys.readouterr().err


@pytest.mark.parametrize("keeps_text", [True, False])
def test_a_data_folder_takes_what_the_constants_say(tmp_path: Path, keeps_text: bool) -> None:
    """Within a half: invented texts are no newspaper's, and each is like many others."""
    settings = config.override(config.load(), "service", keep_text=keeps_text)
    articles: list[Article] = list(invented(1536))
    sizes = []
    for first, last in ((0, 512), (512, 1536)):
        detector = Detector(settings, store=Store.open(tmp_path, scheme=SCHEME))
        for begin in range(first, last, 256):
            detector.ingest(articles[begin : begin + 256], 1)
        detector.close()
        sizes.append(sum(file.stat().st_size for file in tmp_path.rglob("*")))
    words = sum(len(article.text.split()) for article in articles) / len(articles)
    expected = (sizing.DISK if keeps_text else sizing.DISK_WITHOUT_TEXTS).of(words)
    size = (sizes[1] - sizes[0]) / 1024
    assert 0.5 * size < expected < 1.5 * size


def test_memory_of_the_index_is_not_less_than_what_its_arrays_hold() -> None:
    assert sizing.MEMORY.word >= 5  # a trace takes four bytes, its weight one
    assert sizing.MEMORY.article >= 64 * 8 + 128 + 32 + 69  # postings, chains, dates, ids: docs/performance.md
