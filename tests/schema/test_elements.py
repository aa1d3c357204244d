"""A JSON document of any length as a stream: the elements of the list in it, one by one, in bounded memory."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirecopy.errors import MalformedArticle
from wirecopy.schema.elements import ElementSplitter


def split(data: bytes, step: int = 0, max_bytes: int = 1000) -> list[bytes | None]:
    splitter = ElementSplitter(max_bytes)
    found: list[bytes | None] = []
    for start in range(0, len(data), step or len(data) or 1):
        found += splitter.feed(data[start : start + (step or len(data))])
    return found + splitter.finish()


A, B = b'{"id": "a", "x": ["]", {"y": "}\\""}]}', b'{"id": "b"}'


@pytest.mark.parametrize(
    ("document", "elements"),
    [
        (b"", []),
        (b" \n", []),
        (b"[]", []),
        (b"[" + A + b" , " + B + b"]", [A, B]),
        (b"\xef\xbb\xbf\n[" + A + b"\n]\n", [A]),
        (A, [A]),
        (A + b"\n" + B, [A, B]),
        (b"[" + A + b"][" + B + b"]", [A, B]),
        (b'{"status": "ok", "articles": [' + A + b"," + B + b'], "more": [{"z": 1}]}', [A, B]),
        (b'{"articles": {"page": 1, "results": [' + A + b"]}}", [A]),
        (b'{"hits": {"total": {"value": 1}, "hits": [' + A + b"]}}", [A]),
        (b'{"items": []}', []),
        (b'{"items": [1, 2], "id": "own"}', [b'{"items": [1, 2], "id": "own"}']),
        (b'{"items": ["a"], "id": "own"}', [b'{"items": ["a"], "id": "own"}']),
        (b'{"other": [' + A + b"]}", [b'{"other": [' + A + b"]}"]),
        (b'{"deep": {"deeper": {"items": [{}]}}}', [b'{"deep": {"deeper": {"items": [{}]}}}']),
        (b'{"items": [' + A + b"]}" + B, [A, B]),
        (b'[1, "two", null, [3], {"four": 4}, ]', [b"1", b'"two"', b"null", b"[3]", b'{"four": 4}']),
        (b"[" + A + b"] tail", [A, b"tail"]),
        (b'[{"broken: 1}, 2]"}]', [b'{"broken: 1}, 2]"}']),
    ],
)
@pytest.mark.parametrize("step", [0, 1, 3])
def test_elements_are_found_however_the_bytes_come(document: bytes, elements: list[bytes], step: int) -> None:
    assert split(document, step) == elements


def test_a_huge_element_is_dropped_alone_and_never_held() -> None:
    splitter = ElementSplitter(1000)
    assert list(splitter.feed(b"[" + A + b', {"text": "')) == [A]
    for _ in range(1000):
        assert list(splitter.feed(b"x" * 1000)) == []
        assert splitter.unfinished_bytes <= 1000
    assert list(splitter.feed(b'"}, ' + B + b"]")) == [None, B]
    assert splitter.finish() == []


def test_nesting_costs_nothing() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    assert split(b"[" + deep + b"," + B + b"]", 0, 1000) == [None, B]


@pytest.mark.parametrize("document", [b"[", b"[1,", b'{"a": 1', b'["', b'{"items": [{}', b'["a\\"'])
def test_a_document_that_ends_too_early_is_told_behind_what_was_complete(document: bytes) -> None:
    with pytest.raises(MalformedArticle, match="ends too early"):
        split(document)


@pytest.mark.parametrize("document", [b"]", b"}", b"[}", b"[1]}", b"{}}"])
def test_brackets_that_close_nothing_are_refused(document: bytes) -> None:
    with pytest.raises(MalformedArticle, match="closes what is not open"):
        split(document)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=5), st.integers(1, 9), st.booleans())
def test_what_is_split_is_what_the_standard_library_reads(values: list[Any], step: int, is_ascii: bool) -> None:
    def elements(document: Any) -> Iterator[Any]:
        for element in split(json.dumps(document, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass"), step, 10**6):
            assert element is not None
            yield json.loads(element)

    assert list(elements(values)) == values
    wrapped = {"page": {"n": [1, {"items": []}]}, "articles": [{"v": value} for value in values], "end": values}
    assert list(elements(wrapped)) == [{"v": value} for value in values]
