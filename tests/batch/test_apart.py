"""Large files are read by a process of its own: nothing of it can be seen in what comes out."""

import gzip
import json
import os
import re
import signal
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import orjson
import pytest

from wirecopy import config
from wirecopy.batch import apart
from wirecopy.cli.commands import main
from wirecopy.config import Limits
from wirecopy.detector.tracing import trace, trace_encoded
from wirecopy.files.reading import read
from wirecopy.schema.intake import IntakeParser

ODD: list[dict[str, Any]] = [
    {"id": "without title", "text": "Nothing but a text of some words that stands alone here."},
    {
        "id": "surrogate",
        "title": "Half a pair \ud83d here",
        "text": "and another half \ude00 there, among other words.",
    },
    {"id": "Кириллица", "title": "Сообщение агентства", "text": "Правительство сообщило о новом решении в четверг."},
    {"id": "दिल्ली", "title": "समाचार", "text": "सरकार ने गुरुवार को नए फैसले की घोषणा की।"},
    {"id": "dated", "text": "A text with a date and a status.", "published": "2026-03-01T10:00:00Z", "version": 3},
    {"id": "bad date", "text": "A text whose date cannot be read at all.", "published": "the day before"},
]


@pytest.fixture
def input_file(tmp_path: Path) -> str:
    """The sample, odd articles, and lines that are none, several chunks of them."""
    sample = (resources.files("wirecopy") / "data" / "sample" / "articles.jsonl").read_bytes().splitlines()
    lines = [*sample, *(_dumped(row) for row in ODD), b"no json", b'{"id": "no text", "body_of": "x"}']
    rows = [orjson.loads(line) for line in sample]
    lines += [_dumped(row | {"id": f"{row['id']} {k}", "source": f"outlet {k}"}) for k in range(8) for row in rows]
    file = tmp_path / "input.jsonl.gz"
    file.write_bytes(gzip.compress(b"\n".join(lines)))
    return str(file)


def _dumped(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode()  # orjson writes no half pairs


Made = list["subprocess.Popen[bytes]"]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """The processes that were made; files of any size are read by one."""
    processes: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    monkeypatch.setattr(apart, "LEAST_BYTES", 1)
    return processes


def test_output_lines_and_what_is_told_are_those_of_one_process(
    input_file: str, made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = []
    for threads in ("1", "2"):
        output, unique = tmp_path / f"{threads}.jsonl", tmp_path / f"unique-{threads}.jsonl"
        arguments = ["dedupe", input_file, "--output", str(output), "--unique", str(unique), "--threads", threads]
        assert main(arguments) == 1
        told = re.sub("[0-9,]+ articles/s", "", capsys.readouterr().err)
        found.append((output.read_bytes(), unique.read_bytes(), told))
        assert len(made) == int(threads) - 1
    assert found[0] == found[1]
    assert ":98: left out: published" in found[0][2]
    assert ":99: not JSON" in found[0][2]
    assert made[0].returncode is not None, "it has ended, and was waited for"


def test_a_part_gives_the_traces_of_its_articles(input_file: str, made: Made) -> None:
    settings = config.load()
    chunks = list(read([input_file], limits=settings.limits, mapping={}))
    with apart.reading([input_file], settings, IntakeParser(Limits()), {}, "own", keeps_lines=False) as parts:
        for chunk, part in zip(chunks, parts, strict=True):
            ours, theirs = trace(chunk.articles, 4096), trace_encoded(part.encoded, part.bounds, 4096)
            assert (theirs.texts.words == ours.texts.words).all()
            assert (theirs.texts.bounds == ours.texts.bounds).all()
            assert (theirs.title_words == ours.title_words).all()
            assert (part.chunk.places, part.chunk.refusals, part.chunk.warnings) == (
                chunk.places, chunk.refusals, chunk.warnings
            )  # fmt: skip
            assert [article.id for article in part.chunk.articles] == [article.id for article in chunk.articles]


def test_a_damaged_file_is_the_same_sentence(
    input_file: str, made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(Path(input_file).read_bytes()[:-500])
    sentences = []
    for threads in ("1", "2"):
        output = tmp_path / "none.jsonl"
        assert main(["dedupe", str(cut), "--output", str(output), "--threads", threads]) == 3
        sentences.append(capsys.readouterr().err)
        assert not output.exists()
    assert sentences[0] == sentences[1]
    assert f"cannot read {cut}" in sentences[0]
    assert len(made) == 1


def test_a_reader_that_is_killed_is_one_sentence_and_leaves_no_output(
    input_file: str, made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    received = apart._received

    def kill(process: "subprocess.Popen[bytes]", *others: Any) -> Any:
        os.kill(process.pid, signal.SIGKILL)
        return received(process, *others)

    monkeypatch.setattr(apart, "_received", kill)
    output = tmp_path / "none.jsonl"
    assert main(["dedupe", input_file, "--output", str(output), "--threads", "2"]) == 3
    assert "the process that reads ended, exit code -9" in capsys.readouterr().err
    assert not output.exists()
    assert made[0].returncode == -signal.SIGKILL


def test_who_leaves_early_ends_the_reader(input_file: str, made: Made) -> None:
    def leave() -> None:
        with apart.reading([input_file], config.load(), IntakeParser(Limits()), {}, "own", keeps_lines=True) as parts:
            assert next(parts).chunk.lines
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        leave()
    assert made[0].returncode is not None


def test_the_reader_imports_nothing_from_the_folder_in_which_it_runs(
    input_file: str, made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    for name in ("msgspec", "struct", "wirecopy"):
        (folder / f"{name}.py").write_text("raise RuntimeError('what lies about is run')")
    monkeypatch.chdir(folder)
    with apart.reading([input_file], config.load(), IntakeParser(Limits()), {}, "own", keeps_lines=False) as parts:
        assert sum(len(part.chunk.articles) for part in parts) > 800


def test_small_files_pipes_and_what_cannot_be_read_are_not_worth_a_process(tmp_path: Path) -> None:
    file = tmp_path / "small.jsonl"
    file.write_bytes(_dumped(ODD[0]))
    assert not apart.is_worthwhile([str(file)], "own")
    assert not apart.is_worthwhile(["-"], "own")
    assert not apart.is_worthwhile(["https://example.com/articles.jsonl"], "own")
    assert not apart.is_worthwhile([str(tmp_path / "missing.jsonl")], "own")
    with open(file, "ab") as stream:
        stream.truncate(apart.LEAST_BYTES)
    assert apart.is_worthwhile([str(file)], "own")
