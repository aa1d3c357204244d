"""What changed between two revisions of an article, as an editor would say it."""

import re
from collections import Counter
from collections.abc import Iterable

from wirecopy.schema.answers import Changes, Headline

_PARAGRAPHS = re.compile(r"(?:\r\n|[\n\r\u2028\u2029])+")
_NUMBER = re.compile(r"\d++(?:[.,:/\u00a0\u202f' ]\d{3}(?!\d))*+(?:[.,:/]\d++)*+")


def changes(title: str | None, text: str | None, later_title: str | None, later_text: str | None) -> Changes:
    """Return what a later revision has that the earlier one has not, and the other way round; texts of None are not
    known.

    Paragraphs are lines that are not blank, compared without their spacing: one that was touched is dropped and added.
    Numbers are compared as they are written, each as often as it stands there, title included.
    """
    headline = None if title == later_title else Headline(title, later_title)
    if text is None or later_text is None:
        return Changes(headline, None, None, None, None)
    before, after = _paragraphs(text), _paragraphs(later_text)
    numbers, later_numbers = _numbers(title, text), _numbers(later_title, later_text)
    return Changes(
        headline,
        _without(after, before),
        _without(before, after),
        _without(later_numbers, numbers),
        _without(numbers, later_numbers),
    )


def _paragraphs(text: str) -> list[str]:
    stripped = (" ".join(paragraph.split()) for paragraph in _PARAGRAPHS.split(text))
    return [paragraph for paragraph in stripped if paragraph]


def _numbers(title: str | None, text: str) -> list[str]:
    return _NUMBER.findall(f"{title or ''}\n{text}")


def _without(these: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    """Return these, in order, without as many of each as there are among the others."""
    left, found = Counter(others), []
    for one in these:
        if left[one]:
            left[one] -= 1
        else:
            found.append(one)
    return tuple(found)
