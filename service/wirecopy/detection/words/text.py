"""Text -> trace: the article as one uint32 per word.

A text is folded first (case, accents, compatibility forms, digits of all scripts, HTML character references), then
cut. The folded text is bytes: letters and digits as UTF-8, everything that separates words as a space, and

    0x01 "   0x02 „   0x03 “   0x04 ”   0x05 «   0x06 »   0x07 「   0x08 」   0x0B ‘   0x0C ’   0x0E '
    0x0A line end   0x0F before each character of a script without spaces   0x1F a space that may stand in a number
    0x21 other punctuation of Chinese and Japanese, which separates characters where a space does not

so that quotations of all national styles are told apart by their context in the second pass. Scripts without
spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) become overlapping character pairs. "1,376", "1 376" and
"1.376" are one number; a unit word after a number is replaced by its scale ("1.2 mln" = "1.2 million").
"""

import html.entities
import re
import sys
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels import folding
from wirecopy.detection.kernels import words as compiled_words
from wirecopy.detection.kernels.folding import fold
from wirecopy.detection.kernels.words import SPARE, scratch_for, traces
from wirecopy.detection.words import spellings

_SURROGATE = re.compile("[\ud800-\udfff]")

U8 = npt.NDArray[np.uint8]
U32 = npt.NDArray[np.uint32]
I64 = npt.NDArray[np.int64]

NORMALISATION = 3  # counted up with every change of what a text becomes: older traces cannot be compared with newer
_BEHIND = " " * 64  # what kernels may read behind the last text
_CHARACTERS_PER_WORD = 32  # of a long text that is read for its first words
LONGEST_QUOTE = 120  # words; an unbalanced quotation mark must not flag the rest of an article
SCALES = {
    "million": "mln mn mio mill million millions millionen millones millon milhoes milhao milioni milione miljoen "
    "миллион миллиона миллионов млн мільйон мільйона мільйонів مليون ملايين milyon juta m",
    "billion": "bln bn mrd mia mld billion billions milliarde milliarden milliard milliards miliardi miliardo miljard "
    "миллиард миллиарда миллиардов млрд مليار مليارات milyar miliar b",
    "thousand": "thousand tausend mille mil тысяч тысячи тыс الف bin ribu k",
    "percent": "pct percent prozent pourcent percento процент процента процентов",
}


class Traces(NamedTuple):
    """Traces of several articles: words[bounds[k]:bounds[k + 1]] belong to text k."""

    words: U32
    bounds: I64

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, k: Any) -> Any:
        return self.words[self.bounds[k] : self.bounds[k + 1]]

    @property
    def longest(self) -> int:
        """How many words the longest trace has, 0 without any."""
        return int((self.bounds[1:] - self.bounds[:-1]).max(initial=0))


def _fnv(name: str) -> int:
    h = 2166136261
    for byte in name.encode():
        h = (h ^ byte) * 16777619 & 0xFFFFFFFF
    return h


@cache
def fold_tables() -> tuple[Any, ...]:
    """Return the arrays that `folding.fold` reads: ASCII, pairs of bytes, two-level Unicode table, expansions,
    references.
    """
    with resources.files("wirecopy").joinpath("data/unicode.npz").open("rb") as file, np.load(file) as data:
        block_of, blocks, expansions = data["block_of"], data["blocks"], data["expansions"]
    ascii_fold = np.full(128, 0x20, dtype=np.uint8)
    for code in range(128):
        value = int(blocks[int(block_of[0]) * 256 + code])
        if value >> 24 in (1, 4):
            ascii_fold[code] = (code + value) & 0x7F
    values = blocks[block_of[: 0x800 >> 8].astype(np.int64)[:, None] * 256 + np.arange(256)].ravel()
    folded = (np.arange(0x800) + values) & 0x1FFFFF
    stays = ((values >> 24 == 1) | (values >> 24 == 4)) & (folded >= 0x80) & (folded < 0x800)
    pair_fold = np.where(stays, (0xC0 | folded >> 6) | (0x80 | folded & 0x3F) << 8, 0).astype(np.uint16)
    pair_fold[:0x80] = 0
    names = sorted((_fnv(name[:-1]), _code(chars)) for name, chars in html.entities.html5.items() if name[-1] == ";")
    hashes = np.array([h for h, _ in names], dtype=np.uint32)
    codes = np.array([code for _, code in names], dtype=np.int64)
    return ascii_fold, pair_fold, block_of, blocks, expansions, hashes, codes


def _code(chars: str) -> int:
    """Return what a reference is read as: its first character, as the second, if any, is a mark or a space; but
    for fj.
    """
    return _TWO_LETTERS if chars == "fj" else ord(chars[0])


_TWO_LETTERS = 0xE0F0  # of private use, see bench/make_unicode.py
_SCALE_SLOTS = 1024


@cache
def scale_tables() -> tuple[U32, U32]:
    """(hash table of the hashes of unit words, the hash that stands for each), as `words.scaled` reads them."""
    nothing = np.empty(0, dtype=np.uint32)
    pairs = {}
    for value, names in SCALES.items():
        for name in names.split():
            pairs[int(_trace([name], nothing, nothing, 4).words[0])] = int(
                _trace([value], nothing, nothing, 4).words[0]
            )
    units = np.array(list(pairs), dtype=np.uint32)
    odd = 1
    while len(set(places := units * np.uint32(odd) >> 22)) < len(units):
        odd += 2
    words, values = np.zeros((2, _SCALE_SLOTS + 1), dtype=np.uint32)
    words[places], values[places] = units, list(pairs.values())
    words[-1] = odd
    return words, values


def trace(texts: Sequence[str], max_words: int = 4096, heads: Sequence[str] = ()) -> Traces:
    """Return the traces of `texts`; words beyond `max_words` of a text are left out. Lone surrogates count as U+FFFD.

    With `heads` text k is heads[k] + texts[k]: joining them once for all texts spares a copy of each.
    """
    return _trace(texts, *scale_tables(), max_words, heads)


def encode(text: str) -> bytes:
    """Return the text as UTF-8; lone surrogates become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text).encode()


def _trace(
    texts: Sequence[str], scale_words: U32, scale_values: U32, max_words: int, heads: Sequence[str] = (),
    *, is_rewritten: bool = False
) -> Traces:  # fmt: skip
    pieces: Sequence[str] = texts
    if heads:
        pieces = [piece for both in zip(heads, texts, strict=True) for piece in both]
    source, bounds = _encoded(pieces)
    if heads:
        bounds = bounds[::2].copy()
    return _trace_encoded(source, bounds, scale_words, scale_values, max_words, is_rewritten=is_rewritten)


def trace_encoded(source: U8, bounds: I64, max_words: int = 4096) -> Traces:
    """Return the traces of texts in UTF-8: text k is source[bounds[k]:bounds[k + 1]].

    Behind the last there are 64 more bytes, which are spaces.
    """
    return _trace_encoded(source, bounds, *scale_tables(), max_words, is_rewritten=False)


def _trace_encoded(
    source: U8, bounds: I64, scale_words: U32, scale_values: U32, max_words: int, *, is_rewritten: bool
) -> Traces:
    words, out_bounds, failed = _cut(source, bounds, scale_words, scale_values, max_words, is_rewritten)
    if not failed.any():
        return Traces(words, out_bounds)
    parts = []
    for k in range(len(bounds) - 1):
        if failed[k]:
            whole = source[bounds[k] : bounds[k + 1]].tobytes().decode()
            parts.append(_rewritten(whole, scale_words, scale_values, max_words))
        else:
            parts.append(words[out_bounds[k] : out_bounds[k + 1]])
    np.cumsum([len(part) for part in parts], out=out_bounds[1:])
    return Traces(np.concatenate(parts), out_bounds)


def _rewritten(text: str, scale_words: U32, scale_values: U32, max_words: int) -> U32:
    """Return the trace of a text that must be rewritten; of a long one no more is looked at than its words need."""
    size = min(len(text), _CHARACTERS_PER_WORD * (max_words + 1))
    while True:
        found = _trace([spellings.rewrite(text[:size])], scale_words, scale_values, max_words, is_rewritten=True).words
        if len(found) >= max_words or size == len(text):
            return found
        size = min(len(text), 4 * size)


def _encoded(pieces: Sequence[str]) -> tuple[U8, I64]:
    """Return the pieces behind each other as UTF-8, lone surrogates as U+FFFD; where each begins, and the last ends."""
    sizes, bounds = np.fromiter(map(len, pieces), np.int64, len(pieces)), np.zeros(len(pieces) + 1, dtype=np.int64)
    joined = "".join([*pieces, _BEHIND])
    if joined.isascii():  # one copy of all instead of one of each
        encoded = joined.encode()
    elif _is_mostly_not_ascii(pieces, sizes) and (units := _units(joined)):
        source = np.empty(3 * len(units) // 2 + 64, dtype=np.uint8)
        folding.encode(np.frombuffer(units, dtype=np.uint16), sizes, source, bounds)
        return source, bounds
    else:
        parts = [encode(piece) for piece in pieces]
        encoded, sizes = b"".join([*parts, _BEHIND.encode()]), np.fromiter(map(len, parts), np.int64, len(parts))
    np.cumsum(sizes, out=bounds[1:])
    return np.frombuffer(encoded, dtype=np.uint8), bounds


def _is_mostly_not_ascii(pieces: Sequence[str], sizes: I64) -> bool:
    """Return whether most of the characters are in pieces that are not all ASCII."""
    is_ascii = np.fromiter(map(str.isascii, pieces), np.bool_, len(pieces))
    return bool(2 * sizes[is_ascii].sum() < sizes.sum())


def _units(text: str) -> bytes:
    """Return the text as UTF-16, which takes less than UTF-8 of what is not ASCII; nothing when surrogates stand
    alone.
    """
    try:
        return text.encode("utf-16-le" if sys.byteorder == "little" else "utf-16-be")
    except UnicodeEncodeError:
        return b""


def _cut(
    source: U8, bounds: I64, scale_words: U32, scale_values: U32, max_words: int, is_rewritten: bool
) -> tuple[U32, I64, U8]:
    sizes = np.diff(bounds)
    folded = np.empty(4 * int(sizes.max(initial=0)) + 144, dtype=np.uint8)
    out = np.empty(int(np.minimum(sizes, max_words).sum()) + SPARE, dtype=np.uint32)
    out_bounds = np.zeros(len(bounds), dtype=np.int64)
    failed = np.zeros(len(bounds), dtype=np.uint8)
    traces(
        source, bounds, 0, fold_tables(), scale_words, scale_values, LONGEST_QUOTE,
        max_words, is_rewritten, folded, out, out_bounds, failed
    )  # fmt: skip
    return out[: out_bounds[-1]].copy(), out_bounds, failed


class Spans(NamedTuple):
    """The trace of one text, and which of its characters each word was cut from: text[first[k]:last[k]]."""

    words: U32
    first: I64
    last: I64


def spans(text: str, max_words: int | None = None) -> Spans:
    """Return the trace of `text` with character offsets; words beyond `max_words` are left out.

    Of a long text no more is looked at than these words need.
    """
    size = len(text) if max_words is None else min(len(text), _CHARACTERS_PER_WORD * (max_words + 1))
    while True:
        found = _spans(text[:size])
        if max_words is not None and len(found.words) > max_words:
            return Spans(found.words[:max_words], found.first[:max_words], found.last[:max_words])
        if size == len(text):
            return found
        size = min(len(text), 4 * size)


def _spans(text: str) -> Spans:
    """`spans` of the whole text."""
    text = _SURROGATE.sub("\ufffd", text)
    begin, end = np.arange(len(text)), np.arange(1, len(text) + 1)
    found = _places(text, is_rewritten=False)
    if found is None:
        rewritten, begin, end = spellings.rewrite_in_place(text)
        found = _places(rewritten, is_rewritten=True)
    assert found is not None, "what is rewritten can be folded"
    words, at_first, at_last, at_next = found
    # A word reaches to what comes next: the rest of a character reference and marks that are not seen belong to it.
    return Spans(words, begin[at_first], np.maximum(np.append(begin, len(text))[at_next], end[at_last]))


class _Places(NamedTuple):
    """Words, and the characters in which each begins and ends, and that comes next."""

    words: U32
    first: I64
    last: I64
    next: I64


def _places(text: str, *, is_rewritten: bool) -> _Places | None:
    """Return the words of the whole text; None when it must be rewritten first."""
    source = np.frombuffer(text.encode(), dtype=np.uint8)
    folded = np.empty(4 * len(source) + 144, dtype=np.uint8)
    origin = np.zeros(len(folded), dtype=np.int64)
    readable = np.append(source, np.frombuffer(_BEHIND.encode(), dtype=np.uint8))
    size = int(fold(readable, 0, len(source), is_rewritten, *fold_tables(), folded, origin))
    if size < 0:
        return None
    folded[size] = 0x20
    out = np.empty(len(source) + SPARE, dtype=np.uint32)
    first, last = np.empty((2, len(source) + SPARE), dtype=np.int32)
    scratch = np.empty(scratch_for(size, len(source)), dtype=np.uint64)
    count = compiled_words.words(
        folded, size, is_rewritten, *scale_tables(), LONGEST_QUOTE, len(source), out, first, last, scratch
    )
    if count < 0:
        return None
    character = np.append(np.cumsum((source & 0xC0) != 0x80) - 1, len(text))  # for each byte
    origins = np.append(origin[:size], len(source))
    at_last = origin[last[:count] - 1]
    at_next = character[origins[np.searchsorted(origins, at_last, side="right")]]
    return _Places(out[:count], character[origin[first[:count]]], character[at_last], at_next)
