"""`wirecopy dedupe --threads`: the same output, whatever the number."""

from importlib import resources
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson
import pytest

from wirecopy import config
from wirecopy.batch import run
from wirecopy.batch.prefetch import cores
from wirecopy.cli.commands import main
from wirecopy.detection.index.window import TOGETHER, Window

FOOTER = (
    "Read more of this on our front page, write to the editors, follow us wherever you are, and subscribe today. " * 3
)


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file of eight blocks: the sample several times over, each time with other words left out, under footers."""
    data = (resources.files("wirecopy") / "data" / "sample" / "articles.jsonl").read_bytes()
    lines = []
    for k, line in enumerate(islice(cycle(data.splitlines()), 8 * TOGETHER)):
        row = orjson.loads(line)
        words = [word for n, word in enumerate(row["text"].split(" ")) if (n * 7 + k) % 11 or k < 92]
        row |= {"id": f"{row['id']}-{k}", "text": " ".join(words) + "\n" + FOOTER, "source": f"outlet {k % 3}"}
        lines.append(orjson.dumps(row) + b"\n")
    file = tmp_path_factory.mktemp("threads") / "articles.jsonl"
    file.write_bytes(b"".join(lines))
    return str(file)


@pytest.mark.parametrize("order", [[], ["--no-look-ahead"]], ids=["look ahead", "in order"])
def test_any_number_of_threads_writes_the_same_bytes(articles: str, tmp_path: Path, order: list[str]) -> None:
    outputs = []
    for threads in ("1", "2", "7"):
        output = tmp_path / f"{threads}.jsonl"
        assert main(["dedupe", articles, "--output", str(output), "--threads", threads, *order]) == 0
        outputs.append(output.read_bytes())
    assert outputs[0] == outputs[1] == outputs[2]
    rows = [orjson.loads(line) for line in outputs[0].splitlines()]
    assert len(rows) == 8 * TOGETHER
    assert sum(row["match"] is not None for row in rows) > 4 * TOGETHER, "there is something to be got wrong"


def test_what_fails_in_a_thread_ends_the_run(articles: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise MemoryError("no room to verify")

    monkeypatch.setattr(Window, "_verify", fail)
    with pytest.raises(MemoryError, match="no room to verify"):
        run.dedupe(
            [articles], config.load(), mapping={}, look_ahead=True, strict=True, want_lines=False,
            on_refusal=lambda _: None, on_progress=lambda _: None, threads=3,
        )  # fmt: skip


def test_there_is_at_least_one_thread(articles: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dedupe", articles, "--threads", "0"]) == 2
    assert "--threads" in capsys.readouterr().err
    assert cores() >= 1
