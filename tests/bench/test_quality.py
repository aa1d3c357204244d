"""One run of the quality benchmark over small sets of our own, and what becomes of its figures."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from bench import quality, runs, sets
from bench.articles import Article, read_articles, without_dates
from bench.candidates import score_candidates
from bench.contest import Row, best_of, choose_thresholds
from bench.dedupe import Grouping, Verdict
from bench.relations import score_relations
from bench.results import RESULTS, read_result
from bench.scoring import Pair, score_pairs
from bench.sets import LabelledSet, LanguageArticle, Scores, Stream, Variant, find_variants, language_pairs
from bench.tables import QUALITY, documents, fill

TEXT = "Rescuers reached the last of forty miners in the flooded Alderby pit on Friday, the company said in a note."
OTHER = "The Alderby town band won the county contest for the third year running, to the delight of its young players."


def write_lines(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def group_by_first_words(files: Sequence[Path], options: Sequence[str] = ()) -> Grouping:
    """Stand in for the command: one story for texts that begin alike, published on the same day."""
    articles = read_articles(files)
    verdicts = {a.id: Verdict(a.id, f"{a.text[:12]}{(a.published or '')[:10]}", match="x1") for a in articles}
    return Grouping(verdicts, seconds=0.5)


@pytest.fixture
def evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "evaluation"
    articles = write_lines(
        folder / "articles" / "small.jsonl",
        [
            {"id": "x1", "text": TEXT, "title": "Miners", "published": "2024-05-03T08:00:00Z"},
            {"id": "x2", "text": f"{TEXT} More soon.", "title": "Saved", "published": "2024-05-03T09:00:00Z"},
            {"id": "x3", "text": OTHER, "source": "band.example", "published": "2024-05-03"},
            {"id": "x4", "text": f"{TEXT} That was last week.", "published": "2024-05-10T09:00:00Z"},
        ],
    )
    (folder / "labels").mkdir()
    pairs = (Pair("x1", "x2", 3), Pair("x2", "x3", 0, "plain", 2), Pair("x1", "x4", 0, "update", 3))
    found = [LabelledSet("small-dev", (Stream("small", (articles,)),), pairs=pairs)]
    monkeypatch.setattr(quality, "find_sets", lambda path: found)
    monkeypatch.setattr(runs, "run_dedupe", group_by_first_words)
    return folder


def run_quality(evaluation: Path, *options: str) -> Result:
    cache = evaluation.parent / "cache"
    return CliRunner().invoke(quality.main, ["--eval", str(evaluation), "--cache", str(cache), *options])


def test_one_run_prints_tables_and_wrong_pairs_and_writes_a_result(evaluation: Path, tmp_path: Path) -> None:
    output = tmp_path / "quality.json"
    outcome = run_quality(evaluation, "--peers", "datasketch", "--errors", "5", "--output", str(output))
    assert outcome.exit_code == 0, outcome.output
    assert "GROUPED, label 0, kind update, weight 3" in outcome.output
    assert "2024-05-03T08:00:00Z | no source | x1 | Miners" in outcome.output
    result = read_result(output)
    ours = {row["set"] + str(row["dated"]): row for row in result["rows"] if row["system"] == "wirecopy"}
    assert ours["small-devTrue"]["scores"]["pairs"]["f1"] == 1.0
    assert ours["small-devFalse"]["scores"]["pairs"]["precision"] == 0.25
    assert result["chosen"]["datasketch"]["best"]["small-dev"] == 0.7
    assert {"date", "commit", "machine", "versions", "configuration", "seed"} <= result.keys()
    assert str(tmp_path) not in output.read_text()


def test_tables_are_filled_from_the_result_file_between_their_markers(evaluation: Path, tmp_path: Path) -> None:
    run_quality(evaluation, "--peers", "datasketch", "--output", str(tmp_path / "quality.json"))
    filled = fill("# Title\n<!-- bench:quality -->\nold\n<!-- /bench:quality -->\nend\n", tmp_path)
    assert "old" not in filled
    assert filled.endswith("<!-- /bench:quality -->\nend\n")
    assert "| small-dev          | F1" in filled
    assert fill(filled, tmp_path) == filled


def test_every_table_renders(evaluation: Path, tmp_path: Path) -> None:
    run_quality(evaluation, "--peers", "datasketch", "--output", str(tmp_path / "quality.json"))
    result = read_result(tmp_path / "quality.json")
    for name, render in QUALITY.items():
        assert render(result).startswith("| set" if name != "quality-languages" else "| language")


def test_tables_in_the_documents_equal_the_result_files() -> None:
    for document in documents():
        text = document.read_text(encoding="utf-8")
        if "<!-- bench:" in text:
            assert RESULTS.is_dir(), f"{document.name} shows tables and there are no results"
            assert fill(text) == text, f"{document.name} differs from bench/results: python -m bench.tables"


def test_a_folder_without_labels_is_refused_and_no_folder_leaves_our_own_languages(tmp_path: Path) -> None:
    outcome = CliRunner().invoke(quality.main, ["--eval", str(tmp_path)])
    assert outcome.exit_code == 2
    assert "is no evaluation folder" in outcome.output
    assert {labelled.name.partition("/")[0] for labelled in sets.find_sets(None)} <= {"languages"}


def test_an_unknown_set_or_peer_is_named(evaluation: Path) -> None:
    assert "no set is named 'nothing'" in run_quality(evaluation, "--sets", "nothing").output
    assert "no peer is named 'other'" in run_quality(evaluation, "--peers", "other").output


def test_a_set_is_scored_undated_only_where_nothing_has_a_date(tmp_path: Path) -> None:
    undated = write_lines(tmp_path / "a.jsonl", [{"id": "1", "text": "x"}])
    dated = write_lines(tmp_path / "b.jsonl", [{"id": "2", "text": "x", "published": "2024-01-01"}])
    found = find_variants(
        [LabelledSet("one", (Stream("a", (undated,)),)), LabelledSet("two", (Stream("b", (undated, dated)),))]
    )
    assert [variant.name for variant in found] == ["one, undated", "two", "two, undated"]


def test_dates_are_taken_away_and_nothing_else_is(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [{"id": "1", "text": "é", "published": "2024-01-01", "source": "s"}])
    path.write_bytes(path.read_bytes() + b'{"id": "2", "text": "\\ud83d", "published": null}\n')
    copy = without_dates(path, tmp_path / "cache")
    assert read_articles([copy]) == [Article("1", "é", source="s"), Article("2", "\ud83d")]
    assert without_dates(path, tmp_path / "cache") == copy


def test_pairs_of_a_language_follow_from_its_articles() -> None:
    articles = [
        LanguageArticle("o", "flood", "original"),
        LanguageArticle("b", "flood", "brief"),
        LanguageArticle("r", "flood", "rewrite"),
        LanguageArticle("f", "flood-followup", "followup"),
        LanguageArticle("i", "flood-independent", "independent", same_event_as="flood"),
        LanguageArticle("t1", "weather1", "template"),
        LanguageArticle("t2", "weather2", "template"),
        LanguageArticle("u", "morning", "roundup"),
    ]
    found = {pair.a + " " + pair.b: (pair.label, pair.kind) for pair in language_pairs(articles)}
    assert len(found) == 28
    assert found["o b"] == (2, "brief")
    assert found["b r"] == (2, "brief-rewrite")
    assert found["b f"] == (0, "followup")
    assert found["r i"] == (1, "independent")
    assert found["t1 t2"] == (0, "template")
    assert found["o u"] == (0, "roundup")
    assert found["f t1"] == (0, "unrelated")


def row(f1: float) -> Row:
    pairs = replace(score_pairs([Pair("a", "b", 3)], {}), f1=f1)
    return Row("peer", 0.5, "x", True, False, Scores(pairs, None, None, None, 1))


def test_a_peer_gets_its_best_threshold_for_each_set_and_a_single_one_with_a_vote_per_body_of_labels() -> None:
    one, two, again = (Variant(LabelledSet(name, ()), True) for name in ("a-dev", "b", "b-in-a"))
    part = Variant(LabelledSet("b/de", (), part=True), True)
    figures = {
        (one, 0.5): row(0.9), (one, 0.1): row(0.1),
        (two, 0.5): row(0.2), (two, 0.1): row(0.7),
        (again, 0.5): row(0.2), (again, 0.1): row(0.7),
        (part, 0.5): row(0.0), (part, 0.1): row(1.0),
    }  # fmt: skip
    choice = choose_thresholds(figures)
    assert choice.best == {"a-dev": 0.5, "b": 0.1, "b-in-a": 0.1}
    assert choice.single == 0.5
    assert best_of(choice, part) == 0.1


def test_relations_are_taken_from_the_best_match_and_otherwise_asked_for() -> None:
    verdicts = {
        "a": Verdict("a", "1", relation="copy", match="b"),
        "b": Verdict("b", "1", relation="copy", match="a"),
        "c": Verdict("c", "1", relation="rewrite", match="a"),
    }
    articles = {name: Article(name, "text") for name in verdicts}
    pairs = [Pair("a", "b", 3), Pair("a", "c", 2), Pair("b", "c", 3), Pair("a", "d", 3)]
    silent = score_relations(pairs, verdicts, articles, None)
    assert [(line.label, line.grouped, line.known, line.right) for line in silent] == [(3, 2, 1, 1), (2, 1, 1, 1)]
    asked = score_relations(pairs, verdicts, articles, lambda a, b: "rewrite")
    assert (asked[0].known, asked[0].right, asked[0].relations) == (2, 1, {"copy": 1, "rewrite": 1})


def test_candidates_are_counted_per_article_and_pairs_found_by_weight() -> None:
    pairs = [Pair("a", "b", 3, weight=3), Pair("a", "c", 2, weight=1), Pair("b", "c", 0)]
    scores = score_candidates(pairs, [("a", []), ("b", ["a"]), ("c", ["b"])])
    assert (scores.recall, scores.unweighted_recall) == (0.75, 0.5)
    assert (scores.articles, scores.largest) == (3, 1)
    assert scores.mean == pytest.approx(2 / 3)
