"""`dedupe --matches`: whom articles credit, and all their matches, of any story."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.detection.test_comparison import AGENCY
from wirecopy.cli.commands import main

ARTICLES = [
    {"id": "a", "source": "Ledger", "text": AGENCY},
    {"id": "b", "source": "daily", "text": "LEER (AP) - " + AGENCY},
    {"id": "c", "source": "daily", "text": "A bakery on Market Street won the prize for its rye bread."},
    {
        "id": "d",
        "source": "daily",
        "text": "Rain and wind, she told the Ledger, will last until the end of the week here.",
    },
]


def matches_of(folder: Path, *options: str) -> list[dict[str, Any]]:
    articles, found = folder / "articles.jsonl", folder / "matches.jsonl"
    articles.write_text("".join(json.dumps(article) + "\n" for article in ARTICLES), "utf-8")
    out = folder / "out.jsonl"
    assert main(["dedupe", str(articles), "-o", str(out), "--matches", str(found), *options]) == 0
    assert [set(json.loads(line)) for line in out.read_text().splitlines()] == [
        {"id", "story", "canonical", "relation", "match", "score"}
    ] * len(ARTICLES)  # what is documented stays
    return [json.loads(line) for line in found.read_text("utf-8").splitlines()]


@pytest.mark.parametrize("options", [(), ("--no-look-ahead",), ("--state", "known")])
def test_each_article_with_a_match_or_a_credit_has_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    b, d = matches_of(tmp_path, *options)
    assert (b["id"], b["story"], b["credits"]) == ("b", "s0", [{"name": "AP", "kind": "wire"}])
    assert [(match["id"], match["relation"]) for match in b["matches"]] == [("a", "copy")]
    assert (d["id"], d["credits"], d["matches"]) == ("d", [{"name": "Ledger", "kind": "reported"}], [])


def test_matches_are_written_as_lines_of_json_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.jsonl").write_text(json.dumps(ARTICLES[0]), "utf-8")
    assert main(["dedupe", str(tmp_path / "in.jsonl"), "--matches", str(tmp_path / "matches.csv")]) == 2
    assert "matches.csv: lines of JSON are written as .jsonl or .ndjson" in capsys.readouterr().err
