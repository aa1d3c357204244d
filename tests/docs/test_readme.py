"""The README on one screen: what its example prints is what it says."""

import re
from pathlib import Path

import orjson
import pytest

from wirecopy.cli.commands import main

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
_BLOCKS = re.findall(r"^```\n(.*?)^```$", README, re.M | re.S)


def test_the_example_prints_what_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    articles, expected = _BLOCKS
    Path("articles.jsonl").write_text(articles, encoding="utf-8")
    [command] = re.findall(r"^    wirecopy (dedupe .*)$", README, re.M)
    assert main(command.split()) == 0
    told = [orjson.loads(line) for line in Path("stories.jsonl").read_bytes().splitlines()]
    said = [orjson.loads(line) for line in expected.splitlines()]
    for one, other in zip(told, said, strict=True):
        assert one | {"score": None} == other | {"score": None}  # a new model has other scores and the same stories
        assert (one["score"] is None) == (other["score"] is None)


def test_the_readme_stays_on_one_screen_and_says_what_is_not_done() -> None:
    assert len(README.splitlines()) <= 80
    assert "\n## Limits\n" in README
    assert "gcc" not in README
