"""Tolerant intake: records as newsrooms, crawlers and APIs write them become articles, and nothing good is lost."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirecopy.config import Limits
from wirecopy.errors import InvalidArticle
from wirecopy.schema.article import FIELDS, Article
from wirecopy.schema.dates import parse_published, parse_zone
from wirecopy.schema.intake import IntakeParser
from wirecopy.schema.names import NAMES

MOMENT = parse_published("2024-08-12T09:30:00Z")


def read(record: dict[str, Any], mapping: dict[str, str] | None = None, **options: Any) -> tuple[Article, list[str]]:
    warnings: list[str] = []
    return IntakeParser(Limits(), mapping, **options).parse(json.dumps(record).encode(), warnings), warnings


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"id": 7, "text": "T."}, Article("7", "T.")),
        ({"id": 12345678901234567890, "content": "T.", "headline": "H"}, Article("12345678901234567890", "T.", "H")),
        (
            {"title": "H", "maintext": "T.", "date_publish": "2024-08-12 09:30:00", "url": "http://n.example/1"},
            Article("http://n.example/1", "T.", "H", None, "http://n.example/1", MOMENT),
        ),
        (
            {"source": {"id": None, "name": "Harbour Post"}, "publishedAt": "2024-08-12T09:30:00Z", "content": "T.",
             "url": "http://n.example/1"},
            Article("http://n.example/1", "T.", None, "Harbour Post", "http://n.example/1", MOMENT),
        ),
        ({"guid": "g", "pubDate": "Mon, 12 Aug 2024 09:30:00 GMT", "body": "T.", "link": "l"},
         Article("g", "T.", None, None, "l", MOMENT)),
        ({"id": "a", "raw_text": "T.", "date": "2024-08-12T09:30", "hostname": "n.example", "text": None},
         Article("a", "T.", None, "n.example", None, MOMENT)),
        ({"ID": "a", "Text": "T.", "Title": "H"}, Article("a", "T.", "H")),
        ({"id": "a", "text": "T.", "Web-Publication Date": 1723455000}, Article("a", "T.", published=MOMENT)),
        ({"_id": "x", "_source": {"text": "T.", "title": "H"}, "_score": 1}, Article("x", "T.", "H")),
        ({"id": 5, "title": {"rendered": "H"}, "content": {"rendered": "<p>One.</p><p>Two.</p>"}},
         Article("5", "One.\n\nTwo.", "H")),
        ({"id": "a", "content_html": "<p>T.</p>"}, Article("a", "T.")),
        ({"id": "a", "content": "", "body": "T."}, Article("a", "T.")),
        ({"id": "a", "text": "T.", "published": ""}, Article("a", "T.")),
        ({"id": "a", "text": "T.", "status": "published"}, Article("a", "T.")),
        ({"id": "a", "text": "T.", "status": "Cancelled"}, Article("a", "T.", status="canceled")),
    ],
)  # fmt: skip
def test_common_names_and_forms_are_understood_without_a_map(record: dict[str, Any], expected: Article) -> None:
    assert read(record) == (expected, [])


def test_our_own_name_wins_over_all_others() -> None:
    record = {"content": "no", "text": "yes", "uri": "no", "id": "yes", "headline": "no", "title": "yes"}
    assert read(record)[0] == Article("yes", "yes", "yes")


@pytest.mark.parametrize(
    ("fields", "warning"),
    [
        ({"published": "yesterday"}, "published must be an RFC 3339 time or a date.*'yesterday'"),
        ({"pubDate": ["x"]}, r"published \(pubDate\) must be a time or a date, not an array"),
        ({"title": ["a"]}, "title must be a string, not an array"),
        ({"source": {"colour": "red"}}, "source must be a string, not an object"),
        ({"url": "x" * 70_000}, "url is longer than 65536 bytes"),
        ({"language": 7}, "language must be a string, not a number"),
        ({"status": "odd"}, "status must be usable, withheld or canceled, not 'odd'"),
    ],
)
def test_an_optional_field_that_cannot_be_read_costs_the_field_and_is_told(
    fields: dict[str, Any], warning: str
) -> None:
    record = {"id": "a", "text": "T.", **fields}
    article, [told] = read(record)
    assert article == Article("a", "T.")
    with pytest.raises(InvalidArticle, match=warning) as refused:
        read(record, is_strict=True)
    assert str(refused.value) == told


def test_an_embargo_that_cannot_be_read_withholds_the_article() -> None:
    article, [warning] = read({"id": "a", "text": "T.", "embargoed": "soon"})
    assert (article.status, article.embargoed) == ("withheld", None)
    assert warning.startswith("embargoed must be")


def test_several_fields_are_told_one_by_one_and_the_good_ones_stay() -> None:
    article, warnings = read({"id": "a", "text": "T.", "title": 5, "published": "x", "url": "u", "source": "s"})
    assert article == Article("a", "T.", None, "s", "u")
    assert len(warnings) == 2


def test_a_mapping_reaches_what_is_nested() -> None:
    record = {"meta": {"key": 9, "when": {"date": "2024-08-12"}}, "parts": [{"v": "no"}, {"v": "T."}], "a.b": "flat"}
    mapping = {"id": "meta.key", "text": "parts.1.v", "published": "meta.when.date", "title": "a.b"}
    expected = Article("9", "T.", "flat", published=parse_published("2024-08-12"))
    assert read(record, mapping) == (expected, [])


def test_what_is_mapped_is_taken_from_there_and_nowhere_else() -> None:
    with pytest.raises(InvalidArticle, match=r"text \(body.main\) is missing"):
        read({"id": "a", "text": "T.", "body": {}}, {"text": "body.main"})
    for path in ("parts.5", "parts.x", "id.x", "parts.-1", "a..b"):
        assert read({"id": "a", "text": "T.", "parts": ["x"]}, {"title": path})[0].title is None


def test_a_path_that_matched_nothing_in_the_first_thousand_is_said_once() -> None:
    intake = IntakeParser(Limits(), {"source": "sorce.name", "title": "head.line"})
    for number in range(1000):
        assert intake.unmatched() == []
        intake.read({"id": str(number), "text": "T.", "head": {"line": "H"}}, [])
    assert intake.unmatched() == ["source=sorce.name"]
    assert intake.unmatched(is_over=True) == []


def test_a_short_run_says_it_at_its_end() -> None:
    intake = IntakeParser(Limits(), {"source": "sorce"})
    assert intake.unmatched(is_over=True) == []
    intake.read({"id": "a", "text": "T."}, [])
    assert intake.unmatched(is_over=True) == ["source=sorce"]


def test_names_of_what_was_no_article_are_remembered() -> None:
    intake = IntakeParser(Limits())
    with pytest.raises(InvalidArticle):
        intake.read({"id": "a", "prose": "T.", "byline": "B"}, [])
    assert intake.names_found() == ["id", "prose", "byline"]


def test_times_without_a_zone_are_in_the_one_that_is_set() -> None:
    article, _ = read({"id": "a", "text": "T.", "published": "2024-08-12 11:30"}, zone=parse_zone("Europe/Berlin"))
    assert article.published == MOMENT


def test_every_name_of_the_table_is_understood_alone() -> None:
    for ours, others in NAMES.items():
        assert ours in FIELDS
        for name in others:
            value = {
                "text": "T.",
                "published": 1723455000,
                "embargoed": 1723455000,
                "updated": 1723455000,
                "status": "usable",
            }.get(ours, "v")
            record = {"id": "a", "text": "T.", name: value}
            record.pop(ours, None)
            assert getattr(read(record)[0], ours) == (MOMENT if value == 1723455000 else value), (ours, name)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.lists(st.text(), max_size=2)
KEYS = st.sampled_from([*FIELDS, *(name for names in NAMES.values() for name in names)]) | st.text(max_size=5)


@given(st.dictionaries(KEYS, VALUES | st.dictionaries(KEYS, VALUES, max_size=3), max_size=8))
def test_reading_raises_nothing_but_the_documented_error(record: dict[str, Any]) -> None:
    try:
        article = IntakeParser(Limits()).read(record, [])
    except InvalidArticle:
        return
    assert article.id
    assert article.text or article.status == "canceled"
