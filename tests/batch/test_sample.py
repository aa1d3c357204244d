"""The packaged sample is grouped exactly as its authors meant it."""

from collections.abc import Mapping
from functools import cache
from importlib import resources

import orjson
import pytest

from wirecopy.batch import run
from wirecopy.config import Config
from wirecopy.schema.article import Article, parse

SAMPLE = resources.files("wirecopy") / "data" / "sample"
LANGUAGES = {"en", "de", "es", "ru", "ar", "hi", "zh"}


@cache
def articles() -> list[Article]:
    return [parse(line, Config().limits) for line in (SAMPLE / "articles.jsonl").read_bytes().splitlines()]


@cache
def expected() -> dict[str, str]:
    """Article -> the story that it belongs to."""
    rows = map(orjson.loads, (SAMPLE / "expected.jsonl").read_bytes().splitlines())
    return {row["id"]: row["story"] for row in rows}


def grouped() -> dict[str, str]:
    """Article -> the story that `dedupe` puts it into."""
    with resources.as_file(SAMPLE / "articles.jsonl") as file:
        result = run.dedupe(
            [str(file)],
            Config(),
            mapping={},
            look_ahead=True,
            strict=True,
            want_lines=False,
            on_refusal=lambda refusal: pytest.fail(str(refusal)),
            on_progress=lambda _: None,
        )
        return {row.id: row.story for row in result.rows()}


def stories(story_of: Mapping[str, str]) -> dict[str, set[str]]:
    members: dict[str, set[str]] = {}
    for article, story in story_of.items():
        members.setdefault(story, set()).add(article)
    return members


def differences(found: Mapping[str, str], meant: Mapping[str, str]) -> list[str]:
    """One sentence per story that was torn apart, and per group that holds more than one story."""
    sentences = []
    for story, members in stories(meant).items():
        parts = sorted(
            ({article for article in members if found[article] == part} for part in {found[a] for a in members}),
            key=lambda part: (-len(part), sorted(part)),
        )
        if len(parts) > 1:
            rest = "; ".join(", ".join(sorted(part)) for part in parts[1:])
            sentences.append(f"{story} is missing {rest}")
    for members in stories(found).values():
        kinds = sorted({meant[article] for article in members})
        if len(kinds) > 1:
            listed = "; ".join(f"{kind}: {', '.join(sorted(a for a in members if meant[a] == kind))}" for kind in kinds)
            sentences.append(f"joined although they differ: {listed}")
    return sentences


def test_the_sample_is_what_it_is_said_to_be() -> None:
    ids = [article.id for article in articles()]
    assert len(ids) == len(set(ids)) >= 60
    assert set(expected()) == set(ids)
    assert {article.language for article in articles()} >= LANGUAGES
    sizes = [len(members) for members in stories(expected()).values()]
    assert sum(3 <= size <= 6 for size in sizes) >= 12
    assert max(sizes) <= 6
    assert sizes.count(1) >= 10


def test_differences_name_what_is_missing_and_what_is_too_much() -> None:
    meant = {"a1": "a", "a2": "a", "a3": "a", "b1": "b"}
    assert differences({"a1": "x", "a2": "x", "a3": "x", "b1": "y"}, meant) == []
    assert differences({"a1": "x", "a2": "x", "a3": "y", "b1": "y"}, meant) == [
        "a is missing a3",
        "joined although they differ: a: a3; b: b1",
    ]


def test_the_grouping_of_the_sample_is_exact() -> None:
    found = differences(grouped(), expected())
    if found:
        pytest.fail("\n".join(found), pytrace=False)
