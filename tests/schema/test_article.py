"""The one schema of every edge: what is an article, what is refused, and with which words."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wirecopy.config import Limits
from wirecopy.errors import InvalidArticle, MalformedArticle
from wirecopy.schema.article import Article, decode, from_fields, parse
from wirecopy.schema.dates import format_published, parse_published, parse_zone

LIMITS = Limits()
NAMES = ("id", "text", "title", "source", "url", "published", "language")


def parse_fields(**fields: Any) -> Article:
    return parse(json.dumps({"id": "a", "text": "Some text.", **fields}).encode(), LIMITS)


def test_all_fields_are_read() -> None:
    article = parse_fields(
        title="T", source="S", url="http://example.org/1", published="2001-09-09T01:46:40Z", language="en"
    )
    assert article == Article("a", "Some text.", "T", "S", "http://example.org/1", 10**12, "en")


def test_null_is_the_same_as_absent_and_unknown_fields_are_ignored() -> None:
    nulls = dict.fromkeys(("title", "source", "url", "published", "language"))
    assert parse_fields(**nulls, tags=["x", {"y": 1}], score=1e9) == Article("a", "Some text.")


def test_fields_are_taken_from_mapped_names() -> None:
    mapping = {"text": "body", "id": "uri"}
    data = b'{"uri": "u1", "body": "From the body.", "text": "not this", "id": 5}'
    assert parse(data, LIMITS, mapping) == Article("u1", "From the body.")


def test_a_refusal_names_the_mapped_field_too() -> None:
    with pytest.raises(InvalidArticle, match=r"text \(body\) is missing"):
        parse(b'{"id": "a"}', LIMITS, {"text": "body"})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": None}, "id is missing"),
        ({"id": ""}, "id is empty"),
        ({"id": 7.5}, "id must be a string, not a number"),
        ({"id": True}, "id must be a string, not a boolean"),
        ({"text": None}, "text is missing"),
        ({"text": None, "status": "withheld"}, "text is missing"),
        ({"text": " ", "status": "canceled"}, "text is empty"),
        ({"text": " \n\u3000\t"}, "text is empty"),
        ({"text": ["a"]}, "text must be a string, not an array"),
        ({"title": {"en": "x"}}, "title must be a string, not an object"),
        ({"source": True}, "source must be a string, not a boolean"),
        ({"url": 1.5}, "url must be a string, not a number"),
        ({"published": [1700000000]}, "published must be a time or a date, not an array"),
        ({"published": "yesterday"}, "published must be an RFC 3339 time or a date.*'yesterday'"),
        ({"id": "x" * 1025}, "id is longer than 1024 bytes"),
        ({"id": "ü" * 513}, "id is longer than 1024 bytes"),
        ({"title": "x" * 65537}, "title is longer than 65536 bytes"),
    ],
)
def test_invalid_fields_are_refused_by_name(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidArticle, match=reason):
        parse_fields(**fields)


def test_lengths_are_counted_in_bytes_and_the_limit_itself_is_accepted() -> None:
    assert parse_fields(id="ü" * 512).id == "ü" * 512
    with pytest.raises(InvalidArticle, match="text is longer than 9 bytes"):
        parse('{"id": "a", "text": "fünf Wörter"}'.encode(), Limits(max_text_bytes=9))


@pytest.mark.parametrize("data", [b"[]", b'"text"', b"12", b"null", b"true"])
def test_json_that_is_no_object_is_invalid(data: bytes) -> None:
    with pytest.raises(InvalidArticle, match="an article must be a JSON object"):
        parse(data, LIMITS)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"{'id': 1}", "not JSON"),
        (b'{"id": NaN}', "not JSON"),
        (b'{"id": Infinity}', "not JSON"),
        (b'{"id": "\\ud800", "x": NaN}', "NaN is no JSON value"),
        (b'{"id": "\\ud800", "x": -Infinity}', "-Infinity is no JSON value"),
        (b'{"id": "\\ud800", "x": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"id": "\\ud800"', "not JSON"),
        (b'{"id": "\xff"}', "not UTF-8"),
        (b'{"id": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"id": "a", "text": "b"} x', "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": "\\ud800", "b": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a": ' * 70 + b"1" + b"}" * 70, "nested more than 64 levels deep"),
    ],
)
def test_malformed_bytes_are_refused_with_the_cause(data: bytes, reason: str) -> None:
    with pytest.raises(MalformedArticle, match=reason):
        parse(data, LIMITS)


def test_depth_is_counted_from_the_article_itself() -> None:
    flat = Limits(max_depth=1)
    assert parse(b'{"id": "a", "text": "b", "x": 1}', flat) == Article("a", "b")
    with pytest.raises(MalformedArticle, match="more than 1 levels"):
        parse(b'{"id": "a", "text": "b", "x": []}', flat)
    assert parse(b'{"id": "a", "text": "b", "x": [{}]}', Limits(max_depth=3)) == Article("a", "b")


def test_lone_surrogates_become_replacement_characters_in_every_field_but_the_id() -> None:
    line = b'{"id": "i", "text": "a \\udfff b \\ud83d\\ude00", "title": "\\uDEAD", "x": {"\\ud800": 1}}'
    assert parse(line, LIMITS) == Article("i", "a \ufffd b 😀", "\ufffd")
    assert from_fields({"id": "i", "text": "t\udc80"}, LIMITS) == Article("i", "t\ufffd")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-08-12", "2024-08-12T00:00:00Z"),
        ("2024-08-12T09:30:00Z", "2024-08-12T09:30:00Z"),
        ("2024-08-12t09:30:00z", "2024-08-12T09:30:00Z"),
        ("2024-08-12 09:30:00", "2024-08-12T09:30:00Z"),
        ("2024-08-12T09:30:00+05:30", "2024-08-12T04:00:00Z"),
        ("2024-08-12T09:30:00-00:00", "2024-08-12T09:30:00Z"),
        ("2024-08-12T09:30:00.5Z", "2024-08-12T09:30:00.500Z"),
        ("2024-08-12T09:30:00.123456789123Z", "2024-08-12T09:30:00.123Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("2016-12-31T15:59:60.25-08:00", "2017-01-01T00:00:00.250Z"),
        ("0001-01-01", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("2024-08-12T09:30", "2024-08-12T09:30:00Z"),
        ("2024-08-12T09:30:00+0200", "2024-08-12T07:30:00Z"),
        ("2024-08-12 09:30:00 +0200", "2024-08-12T07:30:00Z"),
        ("2024-08-12 09:30:00 UTC", "2024-08-12T09:30:00Z"),
        ("2024-08-12T09:30:00+02", "2024-08-12T07:30:00Z"),
        (" 2024-08-12\n", "2024-08-12T00:00:00Z"),
        ("20240812", "2024-08-12T00:00:00Z"),
        ("20240812T093000Z", "2024-08-12T09:30:00Z"),
        ("20240812T093000+0200", "2024-08-12T07:30:00Z"),
        ("20240812093000", "2024-08-12T09:30:00Z"),
        ("Mon, 12 Aug 2024 09:30:00 GMT", "2024-08-12T09:30:00Z"),
        ("Mon, 12 Aug 2024 09:30:00 +0200", "2024-08-12T07:30:00Z"),
        ("12 Aug 2024 09:30 EST", "2024-08-12T14:30:00Z"),
        (0, "1970-01-01T00:00:00Z"),
        (1723455000, "2024-08-12T09:30:00Z"),
        (1723455000.25, "2024-08-12T09:30:00.250Z"),
        (1723455000250, "2024-08-12T09:30:00.250Z"),
        (1723455000250000, "2024-08-12T09:30:00.250Z"),
        (1723455000250000000, "2024-08-12T09:30:00.250Z"),
        ("1723455000", "2024-08-12T09:30:00Z"),
        ("1723455000250", "2024-08-12T09:30:00.250Z"),
        (-86400, "1969-12-31T00:00:00Z"),
        (datetime(2024, 8, 12, 9, 30, tzinfo=UTC), "2024-08-12T09:30:00Z"),
    ],
)
def test_published_is_a_time_or_a_date_in_any_form_that_can_be_read_one_way_only(value: object, expected: str) -> None:
    assert format_published(parse_published(value)) == expected


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "12.08.2024", "12/08/2024", "2024-8-12", "2024-W33", "20241301", "99999999999999999999", "soon"),
        *("2024-02-30", "2024-13-01", "0000-01-01", "10000-01-01", "2024-08-12T24:00:00Z", "2024-08-12T23:60:00Z"),
        *("2024-08-12T12:00:60Z", "2024-08-12T23:59:61Z", "2024-08-12T09:30:00+24:00", "2024-08-12T09:30:00.Z"),
        *(
            "0001-01-01T00:00:00+01:00",
            "9999-12-31T23:59:60Z",
            "٢٠٢٤-٠٨-١٢",
            "2024-08-12Z",
            "Mon, 99 Aug 2024 09:30:00 GMT",
        ),
    ],
)
def test_any_other_date_is_refused_with_its_value(value: str) -> None:
    with pytest.raises(InvalidArticle, match="published must be") as refusal:
        parse_published(value)
    assert repr(value) in str(refusal.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**30, -(10**40), True, None, [], {}])
def test_values_that_are_no_moment_are_refused(value: object) -> None:
    with pytest.raises(InvalidArticle, match="published must be"):
        parse_published(value)


def test_what_has_no_zone_is_in_the_zone_that_is_assumed() -> None:
    berlin = parse_zone("Europe/Berlin")
    for written in ("2024-08-12 09:30:00", "20240812T093000", "12 Aug 2024 09:30:00"):
        assert format_published(parse_published(written, zone=berlin)) == "2024-08-12T07:30:00Z"
    assert format_published(parse_published("2024-12-12", zone=berlin)) == "2024-12-11T23:00:00Z"
    assert format_published(parse_published("2024-08-12T09:30:00Z", zone=berlin)) == "2024-08-12T09:30:00Z"
    assert format_published(parse_published("2024-08-12", zone=parse_zone("-03:30"))) == "2024-08-12T03:30:00Z"


@pytest.mark.parametrize("text", ["", "Berlin", "+2", "+99:00", "../etc/passwd", "Europe/Berlin\0", "x" * 5000])
def test_a_zone_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"time zone|offset"):
        parse_zone(text)


@given(st.text(max_size=40) | st.integers() | st.floats() | st.from_regex(r"[0-9T:+ -]{1,30}", fullmatch=True))
def test_reading_a_date_raises_nothing_but_the_documented_error(value: object) -> None:
    try:
        milliseconds = parse_published(value)
    except InvalidArticle:
        return
    assert parse_published(format_published(milliseconds)) == milliseconds


def test_a_long_unreadable_date_is_shown_shortened() -> None:
    with pytest.raises(InvalidArticle) as refusal:
        parse_published("x" * 10_000)
    assert len(str(refusal.value)) < 200


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_every_time_that_python_writes_is_read_back_to_the_millisecond(moment: datetime) -> None:
    offset = moment.utcoffset() or timedelta()
    if offset % timedelta(minutes=1):
        return  # local mean times have seconds in their offset, which RFC 3339 cannot say
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    try:
        assert parse_published(moment.isoformat()) == expected
    except InvalidArticle:
        assert moment.year in (1, 9999)  # outside the years 1 to 9999 in UTC


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_a_written_time_is_read_back_exactly(milliseconds: int) -> None:
    assert parse_published(format_published(milliseconds)) == milliseconds


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ARTICLE_LIKE = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=4), JSON_VALUES, max_size=8)


@given(st.binary() | ARTICLE_LIKE.map(lambda fields: json.dumps(fields).encode()))
@example(b'{"id":"a","text":"b","published":"2024-02-29T23:59:60Z"}')
@example(b"\xef\xbb\xbf{}")
@example(b'{"\\ud800": [[[[[[')
def test_parse_returns_an_article_or_raises_a_documented_error(data: bytes) -> None:
    try:
        article = parse(data, LIMITS)
    except (MalformedArticle, InvalidArticle):
        return
    for name in ("id", "text"):
        assert getattr(article, name)
    for name in NAMES:
        value = getattr(article, name)
        if isinstance(value, str):
            value.encode()  # no lone surrogate is left


@given(ARTICLE_LIKE)
def test_from_fields_returns_an_article_or_raises_a_documented_error(fields: dict[str, Any]) -> None:
    try:
        from_fields(fields, LIMITS)
    except InvalidArticle:
        return


@given(st.dictionaries(st.text(), JSON_VALUES.filter(lambda value: not isinstance(value, float)), max_size=4))
def test_decode_agrees_with_the_standard_library_on_what_orjson_writes(fields: dict[str, Any]) -> None:
    try:
        data = orjson.dumps(fields)
    except (orjson.JSONEncodeError, TypeError):
        return
    assert decode(data, Limits(max_depth=256)) == json.loads(data)
