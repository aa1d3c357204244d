"""Each sentence of what is guaranteed names the tests that hold it, and they are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_each_guarantee_names_tests_that_are_there() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.partition("## What is guaranteed")[2].partition("\n### ")[0]
    guarantees = re.split(r"(?m)^(?=\d+\. \*\*)", section)[1:]
    code = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py")))
    there = set(re.findall(r"(?m)^def (test_\w+)", code))
    assert len(guarantees) >= 18
    for guarantee in guarantees:
        named = set(re.findall(r"`(test_\w+)`", guarantee))
        assert named, guarantee
        assert named <= there, named - there
