"""Words as the benchmark's own code sees them, in every script.

A word is a run of letters, marks and digits; `\\w+` alone tears Hindi words apart at their vowel signs. Scripts without
spaces are kept apart from the others: what is a word there depends on who asks.
"""

import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache
from itertools import groupby

ASTRAL = 0x10000  # first code point beyond the Basic Multilingual Plane
_UNSPACED_BLOCKS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Burmese
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x3007),  # marks written among Han characters
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x3400, 0x9FFF),  # Han
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


@cache
def word_pattern() -> re.Pattern[str]:
    """Return a pattern for one word, or one run of a script without spaces."""
    unspaced, spaced, _ = _classes()
    return re.compile(f"[{spaced}]+|[{unspaced}]+")


@cache
def token_pattern() -> re.Pattern[str]:
    """Return a pattern that cuts a text into words, runs of scripts without spaces, and everything between them."""
    unspaced, spaced, others = _classes()
    return re.compile(f"[{spaced}]+|[{unspaced}]+|[{others}]+")


def is_unspaced(character: str) -> bool:
    """Say whether the character belongs to a script that writes no spaces between words."""
    return any(first <= ord(character) <= last for first, last in _UNSPACED_BLOCKS)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case; overlapping pairs of characters where a script has no spaces."""
    found: list[str] = []
    for word in word_pattern().findall(text.lower()):
        if len(word) > 1 and is_unspaced(word[0]):
            found.extend(word[start : start + 2] for start in range(len(word) - 1))
        else:
            found.append(word)
    return found


@cache
def _classes() -> tuple[str, str, str]:
    """Return the contents of three character classes: scripts without spaces, word characters of others, the rest.

    Letters beyond the Basic Multilingual Plane count as the rest, Han excepted: `re` looks such ranges up one after
    the other, which makes every word end eight times as expensive.
    """
    kinds: tuple[list[int], list[int], list[int]] = [], [], []
    for code in range(sys.maxunicode + 1):
        if is_unspaced(chr(code)):
            kinds[0].append(code)
        else:
            kinds[1 if code < ASTRAL and _is_word_character(chr(code)) else 2].append(code)
    return _ranges(kinds[0]), _ranges(kinds[1]), _ranges(kinds[2])


def _is_word_character(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character)[0] == "M"


def _ranges(codes: Iterable[int]) -> str:
    runs = groupby(enumerate(codes), key=lambda entry: entry[1] - entry[0])
    edges = ([code for _, code in run] for _, run in runs)
    return "".join(f"\\U{run[0]:08x}-\\U{run[-1]:08x}" for run in edges)
