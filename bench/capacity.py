"""The constants behind `wirecopy capacity`: `python -m bench.capacity [--eval PATH]`.

Articles of several lengths, cut or joined from news, go through a Detector on disk in batches of a bulk stream, each
length in a process of its own. What one article more takes is the slope between a third of them and all. Constants are
the line through the lengths: so much per article, and so much per word of it.
"""

import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from msgspec import structs

from bench.articles import read_rows
from bench.changes import invented
from bench.quality import evaluation_folder
from wirecopy import config
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.schema.article import Article
from wirecopy.storage import Store

LENGTHS = (150, 450, 900)
COUNT = 6_144
_BATCH = 256
_SETTINGS: dict[str, dict[str, Any]] = {
    "text kept": {},
    "no text": {"keep_text": False},
    "outside the index": {"max_indexed_articles": 1024},
}


def articles(evaluation: Path | None, words: int) -> Iterator[Article]:
    """Yield articles of so many words, cut or joined from news, or from invented articles where there are none."""
    if evaluation is None:
        rows = [structs.asdict(article) for article in invented(2 * COUNT)]
    else:
        rows = list(read_rows(evaluation / "articles" / "background.jsonl.gz"))
    coming = iter(itertools.cycle(rows))
    for number in itertools.count():
        row = next(coming)
        text = row["text"].split()
        while len(text) < words:
            text += next(coming)["text"].split()
        yield Article(
            str(number), " ".join(text[:words]), row.get("title"), row.get("source"), None, row.get("published")
        )


def resident_bytes() -> int:
    """Return what this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


def measure(evaluation: Path | None, words: int, which: str, folder: Path) -> dict[str, float]:
    """Return bytes of memory and disk and processor seconds of one article more, and of replaying it."""
    settings = config.override(config.load(), "service", **_SETTINGS[which])
    detector = Detector(settings, store=Store.open(folder, scheme=SCHEME))
    source, marks = articles(evaluation, words), []
    for done in range(0, COUNT, _BATCH):
        batch = list(itertools.islice(source, _BATCH))
        started = time.process_time()
        detector.ingest(batch, 1)
        marks.append((done + _BATCH, resident_bytes(), time.process_time() - started))
    detector.close()
    disk = sum(file.stat().st_size for file in folder.rglob("*"))
    started = time.process_time()
    Detector(settings, store=Store.open(folder, scheme=SCHEME)).close()
    replayed = time.process_time() - started
    first, last = marks[len(marks) // 3], marks[-1]
    decided = last[0] - first[0]
    return {
        "memory": (last[1] - first[1]) / decided,
        "disk": disk / last[0],
        "seconds": sum(seconds for _, _, seconds in marks[len(marks) // 3 + 1 :]) / decided,
        "replay": replayed / last[0],
    }


def line_of(lengths: tuple[int, ...], values: list[float]) -> tuple[float, float]:
    """Return (per article, per word) of the line through the values."""
    per_word, per_article = np.polyfit(lengths, values, 1)
    return float(per_article), float(per_word)


@click.command()
@click.option("--eval", "evaluation", type=click.Path(path_type=Path), help="Folder with articles/ and labels/.")
@click.option("--one", nargs=2, type=(int, str), help="Measure one length and setting, in this process.")
def main(evaluation: Path | None, one: tuple[int, str] | None) -> None:
    """Measure what articles take of memory, disk and processor."""
    evaluation = evaluation_folder(evaluation)
    if one is not None:
        with tempfile.TemporaryDirectory() as folder:
            click.echo(json.dumps(measure(evaluation, *one, Path(folder))))
        return
    chosen = [] if evaluation is None else ["--eval", str(evaluation)]
    for which in _SETTINGS:
        found = []
        for words in LENGTHS:
            command = [sys.executable, "-m", "bench.capacity", *chosen, "--one", str(words), which]
            found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
            click.echo(f"{which}, {words} words: {found[-1]}", err=True)
        for name in found[0]:
            each, word = line_of(LENGTHS, [row[name] for row in found])
            click.echo(f"{which:18} {name:8} {each:12.6g} per article {word:12.6g} per word")


if __name__ == "__main__":
    main()
