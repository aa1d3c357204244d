"""Texts in one of Unicode's normal forms, in time that grows with their length alone."""

import unicodedata
from typing import Literal

_SEGMENT = 256  # characters that are normalised at once: of marks upon marks, time grows with their number's square
_REACH = 64  # characters that a segment may end earlier, so that none is cut from what it composes with


def normalised(text: str, form: Literal["NFC", "NFKC"]) -> str:
    """Return the text in that form; marks beyond a segment's length upon one character keep their order."""
    if len(text) <= _SEGMENT or text.isascii():
        return unicodedata.normalize(form, text)
    pieces, begin = [], 0
    while begin < len(text):
        end = begin + _SEGMENT
        if end < len(text):
            end = next((k for k in range(end, end - _REACH, -1) if _stands_alone(text[k])), end)
        pieces.append(unicodedata.normalize(form, text[begin:end]))
        begin = end
    return "".join(pieces)


def _stands_alone(char: str) -> bool:
    """Tell whether a character never becomes one with the character before it."""
    return unicodedata.category(char) not in ("Mn", "Mc", "Lm") and not "\u1160" <= char <= "\u11ff"


def composed(text: str) -> str:
    """Return the text in form NFC, in which a letter and its marks are one character where there is one."""
    return normalised(text, "NFC")
