"""A plain twin of every kernel, of the same name: what the kernel means, written to be obvious and slow.

Twins take and return plain values where kernels fill arrays;
tests/detection/kernels/test_kernels.py brings the two together.
"""

import html.entities
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import xxhash

from bench import make_unicode

NUMBER, QUOTED = 1 << 30, 1 << 31
HASH, STEM = (1 << 30) - 1, (1 << 24) - 1
P1, P2 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F
U64 = (1 << 64) - 1

NAMES = {
    name[:-1]: make_unicode.TWO_LETTERS if name == "fjlig;" else ord(chars[0])
    for name, chars in html.entities.html5.items()
    if name.endswith(";")
}
_REFERENCE = re.compile(r"&(?:#([0-9]{1,8})|#[xX]([0-9A-Fa-f]{1,8})|([0-9A-Za-z]{1,31}));")


def mix(value: int) -> int:
    """The finalizer of MurmurHash3."""
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & U64
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & U64
    return value ^ value >> 33


# --- text -> words ----------------------------------------------------------------------------------------------------


def entity(text: str, start: int) -> tuple[int, int]:
    """-> (code point, position after it) of the character reference at text[start] == "&", or (-1, start + 1)."""
    found = _REFERENCE.match(text, start)
    if found is None:
        return -1, start + 1
    decimal, hexadecimal, name = found.groups()
    code = int(decimal) if decimal else int(hexadecimal, 16) if hexadecimal else NAMES.get(name, -1)
    return (code, found.end()) if 0 <= code <= 0x10FFFF else (-1, start + 1)


def put(code: int) -> bytes:
    """The code point as UTF-8."""
    return chr(code).encode("utf-8", "surrogatepass")


class Fold(NamedTuple):
    """Folded text, and for each of its bytes the position in the text of the character that it came from."""

    data: bytes
    origin: list[int]


def fold(text: str, *, is_rewritten: bool = False) -> Fold | None:
    """The folded text as make_unicode describes it; None when it must be rewritten first."""
    found = _fold(text, 0, is_rewritten)
    return _fold(text, found, is_rewritten) if isinstance(found, int) else found  # type: ignore[return-value]


def _fold(text: str, style: int, is_rewritten: bool) -> Fold | int | None:
    """The folded text in a style of spelling, or, where there is evidence for another, that style."""
    data = b""
    origin: list[int] = []
    seen = 0, 0, 0, 0
    broken, persian = 0, False
    at = 0
    while at < len(text):
        begin, code, named = at, ord(text[at]), False
        at += 1
        if text[begin] == "&":
            code, at = entity(text, begin)
            while code == ord("&") and entity("&" + text[at:], 0)[0] >= 0:  # escaped twice
                code, length = entity("&" + text[at:], 0)
                at += length - 1
            named = True
        elif 0x80 <= code < 0xC0 and code != 0xA0 and begin and 0xC0 <= ord(text[begin - 1]) < 0x100:
            broken += 1
            if broken == 4 and not is_rewritten:
                return None
        kind = make_unicode.classify(code)[0] if code >= 0 else make_unicode.SEPARATOR
        if kind in (make_unicode.COMPOSE, make_unicode.REWRITE) and not named and not is_rewritten:
            return None
        told = make_unicode.telling(chr(code)) if kind == make_unicode.TELLING else None
        if kind == make_unicode.LETTER:
            seen = max(seen[0] - 2, -4), *seen[1:]
        part = b" " if code < 0 else fold_character(chr(code))
        if told is not None:
            if code == 0x306 and data[-2:] == "у".encode() and not is_rewritten:
                return None
            previous = data[-1] if data else 0
            what, part = evidence_of(told[0], previous), told[1][style].encode()
            persian |= what == make_unicode.PERSIAN
            if not part and style == 2 and what in (make_unicode.UMLAUT, make_unicode.U_UMLAUT):
                part = b"e"
            elif not part and style == 1 and what == make_unicode.RING:
                part = b"a"
            elif not part and what == make_unicode.FOREIGN and not bytes([previous]).isalpha():
                what = make_unicode.RING_MARK
            if style == 0:
                found, *counts = weigh_evidence(what, seen)
                seen = tuple(counts)  # type: ignore[assignment]
                if found:
                    return found
        data += part
        origin += [begin] * len(part)
    if persian:
        kept = join_affixes(data)
        return Fold(bytes(data[k] for k in kept), [origin[k] for k in kept])
    return Fold(data, origin)


def evidence_of(what: int, before: int) -> int:
    """A trema is evidence where it makes a letter that German has, a ring where it makes å."""
    if what == make_unicode.DIAERESIS:
        letters = {"u": make_unicode.U_UMLAUT, "a": make_unicode.UMLAUT, "o": make_unicode.UMLAUT}
        return letters.get(chr(before), make_unicode.RING_MARK)
    if what == make_unicode.RING_MARK and before == ord("a"):
        return make_unicode.RING
    return what


def weigh_evidence(what: int, seen: tuple[int, int, int, int]) -> tuple[int, int, int, int, int]:
    german, with_u, umlauts, danish = seen
    is_umlaut = what in (make_unicode.UMLAUT, make_unicode.U_UMLAUT)
    german += is_umlaut + 3 * (what == make_unicode.SHARP_S)
    with_u += what in (make_unicode.U_UMLAUT, make_unicode.SHARP_S)
    umlauts += is_umlaut
    danish += what == make_unicode.DANISH
    if what in (make_unicode.FOREIGN, make_unicode.RING):
        german = max(german - 2, -4)
    style = 1 if danish >= 2 else 2 if german >= 4 and umlauts <= 4 * with_u else 0
    return style, german, with_u, umlauts, danish


_AFFIXES = ["ها", "هاي", "هايي", "هايش", "هايم", "تر", "ترين", "اي", "ام", "ات", "اش", "اند", "ايم", "ايد"]


def is_affix_before(folded: bytes, begin: int, end: int) -> bool:
    last = re.split(rb"[\x00-\x60]", folded[begin:end])[-1]
    return last in ("مي".encode(), "نمي".encode())


def is_affix_after(folded: bytes, begin: int, end: int) -> bool:
    return re.split(rb"[\x00-\x60]", folded[begin:end])[0].decode(errors="replace") in _AFFIXES


def join_affixes(folded: bytes) -> list[int]:
    """Which bytes stay where the spaces before and behind Persian affixes go."""
    kept: list[int] = []
    for k, byte in enumerate(folded):
        done = bytes(folded[j] for j in kept)
        is_between = byte == 0x20 and done and done[-1] >= 0x80
        if is_between and folded[k + 1 : k + 2] in (b"\xd8", b"\xd9", b"\xda", b"\xdb"):  # and what follows is Arabic
            is_between = is_affix_before(done, 0, len(done)) or is_affix_after(folded, k + 1, len(folded))
            if is_between:
                continue
        kept.append(k)
    return kept


def fold_character(char: str) -> bytes:
    """What one character becomes."""
    kind, folded = make_unicode.classify(ord(char))
    if kind in (make_unicode.SEPARATOR, make_unicode.COMPOSE):
        return b" "
    if kind == make_unicode.IGNORE:
        return b""
    if kind in (make_unicode.MARK, make_unicode.REWRITE):
        return folded.encode()
    while len(marked(folded)) > 3 * len(put(ord(char))):
        folded = folded[:-1]
    return marked(folded)


def encode(texts: Sequence[str]) -> list[bytes]:
    return [text.encode() for text in texts]


def encode_units(text: str) -> bytes:
    return text.encode()


def fold_pairs(char: str) -> bytes | None:
    """What a character of two bytes becomes if that has two bytes as well and needs no mark."""
    kind, folded = make_unicode.classify(ord(char))
    is_one = kind in (make_unicode.WORD, make_unicode.MARK)
    return folded.encode() if is_one and len(folded.encode()) == 2 else None


def marked(folded: str) -> bytes:
    """UTF-8 with 0x0F before each character of a script without spaces."""
    return "".join("\x0f" * make_unicode.is_pair(ord(char)) + char for char in folded).encode()


def word_hash(total: int, tail: int, length: int) -> int:
    return mix(total ^ tail * P2 & U64 ^ length << 56 & U64) >> 34


def hash_of(word: bytes) -> int:
    """`word_hash` of whole words: eight bytes at a time, the first byte highest."""
    total = 0
    whole = len(word) // 8 * 8
    for k in range(0, whole, 8):
        total = (total ^ int.from_bytes(word[k : k + 8], "big")) * P1 & U64
        total ^= total >> 29
    return word_hash(total, int.from_bytes(word[whole:], "big"), len(word))


def hash_of_letters(word: bytes) -> int:
    """Of longer words the low 24 bits are those of their first five letters."""
    letters = word.decode()
    if len(letters) <= 5:
        return hash_of(word)
    return hash_of(word) & ~STEM | hash_of(letters[:5].encode()) & STEM


def hash_letters(folded: bytes, begin: int, end: int) -> int:
    return hash_of_letters(folded[begin:end])


def hash_number(folded: bytes, begin: int, end: int) -> int:
    return hash_of(_without_thousands(folded[begin:end]).replace(b",", b".")) | NUMBER


def hash_words(folded: bytes, places: Sequence[tuple[int, int]], least: int) -> list[int | None]:
    """The hashes of words and numbers; None of those from `least` bytes on and of numbers with thousands."""
    hashes: list[int | None] = []
    for begin, end in places:
        part = folded[begin:end]
        if end - begin >= least or _THOUSANDS.search(part):
            hashes.append(None)
        else:
            hashes.append(hash_letters(folded, begin, end) if part[0] >= 0x61 else hash_number(folded, begin, end))
    return hashes


def hash_wide_words(folded: bytes, places: Sequence[tuple[int, int]], least: int) -> list[int | None]:
    return hash_words(folded, places, least)


def places_of(bits: int) -> list[int]:
    return [k for k in range(64) if bits >> k & 1]


class Word(NamedTuple):
    value: int
    first: int
    last: int


_TOKEN = re.compile(
    rb"(?P<letters>[\x61-\xff]+)"
    rb"|(?P<number>[0-9]+(?:[,.\x1f][0-9]{3}(?![0-9])|[,.][0-9]+)*)"
    rb"|(?P<pairs>(?:\x0f[\xe3-\xff][\x80-\xbf]*[\x20\x1f]+(?=\x0f[\xe3-\xff])|\x0f[^\x80-\xbf][\x80-\xbf]*)+)"
    rb"|(?P<twice>\x0e\x0e)"
    rb"|(?P<other>[\x00-\xff])"
)
_THOUSANDS = re.compile(rb"[,.\x1f]([0-9]{3})(?![0-9])")


def words(folded: bytes, longest_quote: int, scales: Mapping[int, int]) -> list[Word]:
    """The words of a folded text: hash, number and quotation flags, byte range."""
    found: list[Word] = []
    quote = b""  # the mark that opened the quotation
    since, ends_letters = 0, -1
    after_number = False
    for token in _TOKEN.finditer(folded):
        part, begin = token[0], token.start()
        flag = QUOTED if quote else 0
        if token["letters"]:
            ends_letters = token.end()
            value = hash_of_letters(part)
            if after_number:
                value = scales.get(value, value)
            found.append(Word(value | flag, begin, token.end()))
            after_number = False
        elif token["number"]:
            value = hash_number(part, 0, len(part))
            found.append(Word(value | flag, begin, token.end()))
            after_number = True
        elif token["pairs"]:
            found += [Word(word.value | flag, begin + word.first, begin + word.last) for word in _pairs(part)]
            after_number = False
        else:
            before = folded[begin - 1 : begin] if part == b"\x0b" and ends_letters == begin else b""
            opens = _quotation(
                part, quote, before or (b"" if part == b"\x0b" else folded[token.end() : token.end() + 1])
            )
            if opens is not None:
                quote, since = opens, len(found)
        if len(found) - since > longest_quote:
            quote = b""
    return found


def words_in_turn(folded: bytes, longest_quote: int, scales: Mapping[int, int]) -> list[Word]:
    return words(folded, longest_quote, scales)


class Found(NamedTuple):
    places: list[tuple[int, int]]
    grouped: list[int]  # those with thousands, one for each
    numbers: list[int]
    is_wide: bool
    is_marked: bool
    is_spaceless: bool
    is_mixed: bool


def find_words(folded: bytes) -> Found:
    """Where the words of letters and the numbers of a folded text without scripts that have no spaces are."""
    tokens = [token for token in _TOKEN.finditer(folded) if token["letters"] or token["number"]]
    return Found(
        places=[token.span() for token in tokens],
        grouped=[k for k, token in enumerate(tokens) if token["number"] for _ in _THOUSANDS.findall(token[0])],
        numbers=[k for k, token in enumerate(tokens) if token["number"]],
        is_wide=not folded.isascii(),
        is_marked=any(mark in folded for mark in MARKS),
        is_spaceless=b"\x0f" in folded,
        is_mixed=re.search(rb"[a-z][\xd0-\xd4]|[\xd0-\xd4][\x80-\xbf][a-z]", folded) is not None,
    )


MARKS = [bytes([mark]) for mark in range(1, 14) if mark not in (9, 10)] + [b"\x0e\x0e"]


def quotation_marks(row: bytes) -> list[int]:
    """Where marks of quotations stand in a row of 64 bytes; a half of '' at its ends may be one."""
    return [
        k
        for k, mark in enumerate(row)
        if bytes([mark]) in MARKS or (mark == 0x0E and (k in (0, 63) or 0x0E in (row[k - 1], row[k + 1])))
    ]


def mark_quoted(folded: bytes, longest_quote: int, count: int) -> list[bool]:
    """Which of the first words stand in quotation marks."""
    return [bool(word.value & QUOTED) for word in words(folded, longest_quote, {})[:count]]


def scaled(word: int, scales: Mapping[int, int]) -> int:
    return scales.get(word, word)


def scratch_for(size: int, most: int) -> int:
    """Two for each row, one for every four bytes, five for each word."""
    return 2 * (size // 64 + 1) + size // 4 + 5 * min(size, most)


def _without_thousands(number: bytes) -> bytes:
    return _THOUSANDS.sub(rb"\1", number)


def _pairs(run: bytes) -> Iterator[Word]:
    """Overlapping pairs of characters; a single character is a word of its own."""
    places = [match.span() for match in re.finditer(rb"\x0f[^\x80-\xbf][\x80-\xbf]*", run)]
    codes = [int.from_bytes(run[first + 1 : last], "big") for first, last in places]
    if len(codes) == 1:
        yield Word(mix(codes[0] * P2 & U64) >> 34, *places[0])
    for k in range(1, len(codes)):
        yield Word(mix(codes[k - 1] * P1 & U64 ^ codes[k]) >> 34, places[k - 1][0], places[k][1])


def quote_after(quote: int, mark: int, is_apostrophe: bool) -> int:
    """As `_quotation` in numbers; 0x0E are two, and -1 changes nothing."""
    part = b"\x0e\x0e" if mark == 0x0E else bytes([mark])
    opens = _quotation(part, bytes([quote]) if quote else b"", b"a" if is_apostrophe else b" ")
    return -1 if opens is None else opens[0] if opens else 0


def _quotation(mark: bytes, quote: bytes, beside: bytes) -> bytes | None:
    """`beside` is the letter that makes an apostrophe of a mark: what is before ‘, what follows all others.

    -> what the quotation is opened by after `mark`, b"" when it is closed, None when the mark changes nothing."""
    if mark == b"\n" or mark == b"\x08":  # a line ends, 」
        return b""
    if mark in (b"\x01", b"\x0e\x0e"):  # "two" or ''four'' opens and closes
        return b"" if quote == b"\x01" else b"\x01"
    if mark in (b"\x02", b"\x07"):  # „ 「
        return mark
    if mark == b"\x03":  # “ closes „ and opens otherwise
        return b"" if quote == b"\x02" else mark
    if mark == b"\x04":  # ” closes what is open and opens otherwise
        return b"" if quote else mark
    if mark in (b"\x05", b"\x06"):  # « and » close each other, whichever comes first
        return b"" if quote and quote != mark and quote in b"\x05\x06" else mark
    if mark == b"\x0b" and not quote and beside < b"\x61":  # ‘ that is no apostrophe
        return mark
    if mark == b"\x0c" and quote == b"\x0b" and beside < b"\x61":  # ’ that is no apostrophe
        return b""
    return None


def is_mixed(folded: bytes, text: str, max_words: int) -> bool:
    """Whether Latin stands beside Cyrillic in the rows of 64 bytes that are looked at for words."""
    found = find_words(folded)
    if not found.is_mixed:
        return False
    rows = len(folded) // 64 + 1
    for row in range(rows):
        upto = folded[: 64 * (row + 1)]
        if find_words(upto).is_mixed:
            return True
        ended = sum(last < 64 * (row + 1) for _, last in found.places)
        if ended >= min(max_words, len(text.encode())) or b"\x0f" in upto:
            return False
    return False


def traces(
    texts: Sequence[str], room: int, longest_quote: int, max_words: int, scales: Mapping[int, int]
) -> list[list[int] | None]:
    """The words of each text, None where it must be composed first; ends before a text that might not fit `room`."""
    done: list[list[int] | None] = []
    used = 0
    for text in texts:
        if used + min(max_words, len(text.encode())) > room:
            break
        folded = fold(text)
        if folded is None or is_mixed(folded.data, text, max_words):
            done.append(None)
        else:
            trace = [word.value for word in words(folded.data, longest_quote, scales)]
            done.append(trace[: min(max_words, len(text.encode()))])
            used += len(done[-1] or ())
    return done


# --- what stands twice ------------------------------------------------------------------------------------------------


def repeated_title(words: Sequence[int], title_words: int) -> int:
    """Of a title of 3 words or more, or of most of it but up to 6 words, how many the text begins with."""
    title, body = ([word & HASH for word in part] for part in (words[:title_words], words[title_words:]))
    length = 0
    while title[length : length + 1] == body[length : length + 1] != []:
        length += 1
    missing = len(title) - length
    is_most = missing == 0 or (length > missing if missing <= 6 else length > 6)
    return length if length >= 3 and is_most and missing <= 6 else 0


def run_hash(words: Sequence[int], i: int, count: int) -> int:
    h = 0
    for word in words[i : i + count]:
        h = (h ^ word & HASH) * P1 & U64
        h ^= h >> 32
    return mix(h)


def keep_passages_once(words: Sequence[int], first: int, places: int) -> list[int]:
    """The places of words[first:] that stay: all but those in runs of 24 words or more that stood before."""
    own = [word & HASH for word in words]
    seen: dict[int, int] = {}
    gone: set[int] = set()
    i = first
    while i + 8 <= len(own):
        slot = (run_hash(own, i, 8) * P2 & U64) >> 32 & (places - 1)
        if run_hash(own, i, 2) % 8:
            i += 1
            continue
        j = seen.setdefault(slot, i)
        ahead = next((k for k in range(len(own) - i) if own[i + k] != own[j + k]), len(own) - i)
        back = 0
        while back < 64 and j - back > first and i - back - 1 not in gone and own[i - back - 1] == own[j - back - 1]:
            back += 1
        if j < i and ahead >= 8 and ahead + back >= 24:
            gone.update(range(i - back, i + ahead))
            i += ahead
        else:
            i += 1
    return [k for k in range(first, len(own)) if k not in gone]


def keep_once(words: Sequence[int], title_words: int, places: int) -> tuple[list[int], int]:
    """The places of the words that stay, and how many are the title's."""
    repeated = repeated_title(words, title_words)
    if repeated and len(words) - title_words - repeated < 8:
        return keep_passages_once(words, title_words, places), 0
    return [*range(title_words), *keep_passages_once(words, title_words + repeated, places)], title_words


# --- term weights -----------------------------------------------------------------------------------------------------

TERM_SLOTS = 1 << 22


def count_terms(traces: Iterable[Sequence[int]]) -> dict[int, int]:
    """Slot -> in how many of the traces each stem of that slot stands."""
    counts: dict[int, int] = {}
    for trace in traces:
        for stem in {word & STEM for word in trace}:
            counts[stem % TERM_SLOTS] = counts.get(stem % TERM_SLOTS, 0) + 1
    return counts


def weigh(trace: Sequence[int], rarity: Mapping[int, int]) -> list[int]:
    """Rarity above 32, at most 127, a number at least 1; plus 128 where the stem stood earlier."""
    weights = []
    for k, word in enumerate(trace):
        weight = min(127, max(rarity[(word & STEM) % TERM_SLOTS] - 32, 1 if word & NUMBER else 0))
        repeated = any((earlier ^ word) & STEM == 0 for earlier in trace[:k])
        weights.append(weight + 128 * repeated)
    return weights


# --- boilerplate ------------------------------------------------------------------------------------------------------

GRAM = 6


def gram_hash(trace: Sequence[int], i: int, source: int) -> int:
    value = source
    for word in trace[i : i + GRAM]:
        value = (value ^ word & HASH) * P1 & U64
        value ^= value >> 32
    return value


def sample_passages(trace: Sequence[int], source: int, counters: int) -> list[tuple[int, int]]:
    """(position, counter) of each sampled passage: one in four, by the low bits of its hash."""
    hashes = [(i, gram_hash(trace, i, source)) for i in range(len(trace) - GRAM + 1)]
    return [(i, (value >> 8) % counters) for i, value in hashes if value % 4 == 0]


def mask_boilerplate(
    trace: Sequence[int], weights: Sequence[int], source: int, repeats: Sequence[int], least: int
) -> list[int]:
    """The weights, 0 (or 128, a repeated word) in passages that the source repeated."""
    masked: set[int] = set()
    end = None  # of the repeated passage before, when no other sampled passage came between
    for i, counter in sample_passages(trace, source, len(repeats)):
        if repeats[counter % len(repeats)] < least:
            end = None
            continue
        masked.update(range(i if end is None or i - end > 2 * GRAM else min(end, i), i + GRAM))
        end = i + GRAM
    return [weight & 128 if k in masked else weight for k, weight in enumerate(weights)]


def count_passages(trace: Sequence[int], source: int, repeats: Sequence[int]) -> list[int]:
    """The counters after an article, at most 255."""
    counts = list(repeats)
    for _, counter in sample_passages(trace, source, len(repeats)):
        counts[counter % len(counts)] = min(255, counts[counter % len(counts)] + 1)
    return counts


class Stretch(NamedTuple):
    article: int
    start: int
    end: int
    digest: int
    passages: list[int]


def repeated_stretches(
    articles: Iterable[Sequence[int]], source: int, repeats: Sequence[int], least: int
) -> list[Stretch]:
    """Maximal stretches of neighbouring masked words."""
    stretches = []
    for k, trace in enumerate(articles):
        masked = [weight == 0 for weight in mask_boilerplate(trace, [1] * len(trace), source, repeats, least)]
        start = 0
        while start < len(trace):
            end = start
            while end < len(trace) and masked[end]:
                end += 1
            if end > start:
                inside = [
                    at % len(repeats)
                    for i, at in sample_passages(trace, source, len(repeats))
                    if start <= i and i + GRAM <= end
                ]
                learnt = [at for at in inside if repeats[at] >= least]
                digest = source
                for word in trace[start:end]:
                    digest = (digest ^ word & HASH) * P1 & U64
                    digest ^= digest >> 32
                stretches.append(Stretch(k, start, end, digest, learnt))
            start = end + 1
    return stretches


def clear_passages(articles: Iterable[Sequence[int]], source: int, repeats: Sequence[int]) -> list[int]:
    """The counters after the articles' passages were taken back; full ones are emptied."""
    counts = list(repeats)
    for trace in articles:
        for _, counter in sample_passages(trace, source, len(repeats)):
            at = counter % len(counts)
            counts[at] = 0 if counts[at] == 255 else max(0, counts[at] - 1)
    return counts


# --- sketch -----------------------------------------------------------------------------------------------------------

KEYS, WORD_KEYS = 64, 31


class Key(NamedTuple):
    rank: float
    key: int
    weight: int


def keep_smallest(entries: Sequence[Key], most: int) -> list[Key]:
    """The `most` distinct keys of the smallest ranks, of equal ones the first; each with the smallest of its ranks."""
    distinct: dict[int, Key] = {}
    for entry in sorted(entries, key=lambda key: key.rank):  # stable
        distinct.setdefault(entry.key, entry)
    return list(distinct.values())[:most]


def keep_ranks(ranks: Sequence[int], limit: int) -> list[int]:
    """rank << 32 | position of those that are at most `limit`."""
    return [rank << 32 | k for k, rank in enumerate(ranks) if rank <= limit]


def keep_distinct(entries: Sequence[int], keys: Sequence[int]) -> list[int]:
    """The least entry of each key, where the first was."""
    least: dict[int, int] = {}
    for entry in entries:
        key = keys[entry & 0xFFFFFFFF]
        least[key] = min(least.get(key, entry), entry)
    return list(least.values())


def drop_greatest(entries: Sequence[int], most: int) -> list[int]:
    """The `most` least ones; the last takes the place of one that goes."""
    kept = list(entries)
    while len(kept) > most:
        worst = kept.index(max(kept))
        kept[worst] = kept[-1]
        kept.pop()
    return kept


def draft_for(words: int) -> int:
    """So many entries may be written."""
    return words + 64


def hash_trace(trace: Sequence[int], first: int) -> int:
    whole = len(trace) - first
    for word in trace[first:]:
        whole = (whole ^ word & HASH) * P1 & U64
        whole ^= whole >> 29
    return mix(whole)


def sketch(
    trace: Sequence[int], weights: Sequence[int], title_words: int, min_words: int, importance: Sequence[np.float32]
) -> tuple[int, set[tuple[int, int]], set[tuple[int, int]]]:
    """-> key of the whole text (0 without words), (key, rarity) of the rarest words, of the rarest pairs."""
    if not trace:
        return 0, set(), set()
    is_short = len(trace) - title_words < min_words
    whole = hash_trace(trace, 0 if is_short else title_words) >> 32 | 1
    if is_short:
        return whole, set(), set()
    rare_words: list[Key] = []
    for word, weight in zip(trace, weights, strict=True):
        if 0 < weight < 128:
            value = mix((word & STEM) * P2 & U64)
            rank = np.float32(value >> 40) * importance[weight]
            rare_words.append(Key(float(rank), value & 0xFFFFFFFF | 1, weight + 32))
    rare_pairs: list[Key] = []
    for k in range(len(trace) - 1):
        weight = (weights[k] & 127) + (weights[k + 1] & 127)
        if weight >= 2:
            value = mix((trace[k] & HASH) << 32 | trace[k + 1] & HASH)
            rank = np.float32(value >> 40) * importance[weight // 2]
            rare_pairs.append(Key(float(rank), value & 0xFFFFFFFF | 1, weight // 2 + 32))
    rare_words = keep_smallest(rare_words, WORD_KEYS)
    rare_pairs = keep_smallest(rare_pairs, KEYS - 1 - WORD_KEYS)
    return whole, {(key.key, key.weight) for key in rare_words}, {(key.key, key.weight) for key in rare_pairs}


def sketches(
    traces: Sequence[Sequence[int]], weights: Sequence[Sequence[int]], min_words: int, importance: Sequence[np.float32]
) -> list[set[int]]:
    """The keys of each trace."""
    found = [sketch(a, w, 0, min_words, importance) for a, w in zip(traces, weights, strict=True)]
    return [{whole, *(key for key, _ in words | pairs)} - {0} for whole, words, pairs in found]


def keys_of(
    traces: Sequence[Sequence[int]],
    weights: Sequence[Sequence[int]],
    titles: Sequence[int],
    min_words: int,
    importance: Sequence[np.float32],
) -> list[set[int]]:
    """The keys of each trace, whose first words are its title's."""
    several = zip(traces, weights, titles, strict=True)
    found = [sketch(a, w, title, min_words, importance) for a, w, title in several]
    return [{whole, *(key for key, _ in words | pairs)} - {0} for whole, words, pairs in found]


# --- index ------------------------------------------------------------------------------------------------------------


def chain_of(key: int, chains: int, split_from: int) -> int:
    """Linear hashing: modulo 2 * split_from; where that chain does not exist yet, modulo split_from."""
    odd = key | 1
    value = odd * 0x85EBCA6B & 0xFFFFFFFF ^ odd >> 15
    return value % (2 * split_from) if value % (2 * split_from) < chains else value % split_from


def number_at(slot: int, newest: int, capacity: int) -> int:
    """The largest number up to `newest` that belongs to the slot."""
    return next(number for number in range(newest, newest - capacity, -1) if number % capacity == slot)


class Posting(NamedTuple):
    number: int
    position: int
    key: int


Chains = list[list[Posting]]  # each the newest first


def split_from(chains: int) -> int:
    """The power of two from which the next chains are split: the largest below `chains`, or `chains` itself for 1."""
    power = 1
    while 2 * power < chains:
        power *= 2
    return power


def split_chain(chains: Chains) -> Chains:
    """One more chain: it takes those postings of its older half whose hash says so, in their order."""
    count = len(chains) + 1
    old = count - 1 - split_from(count)
    stay = [posting for posting in chains[old] if chain_of(posting.key, count, split_from(count)) == old]
    move = [posting for posting in chains[old] if chain_of(posting.key, count, split_from(count)) == count - 1]
    return [*chains[:old], stay, *chains[old + 1 :], move]


def insert(number: int, keys: Sequence[int], chains: Chains, live_articles: int, most_chains: int) -> Chains:
    """The chains with the keys of an article: one is split per key while there are fewer than live keys may need."""
    for position, key in enumerate(keys):
        if key:
            if len(chains) < min(live_articles * KEYS // 2, most_chains):
                chains = split_chain(chains)
            at = chain_of(key, len(chains), split_from(len(chains)))
            chains = [*chains[:at], [Posting(number, position, key), *chains[at]], *chains[at + 1 :]]
    return chains


def tag_of(key: int, tags: int) -> int:
    """An even place that depends on the key alone."""
    return (key * 0xC2B2AE35 % 2**32 >> 7) % tags // 2 * 2


def ring_of(key: int, tags: Sequence[int]) -> int:
    """The ring of a key, which has one of two places; -1 for none."""
    at = tag_of(key, len(tags))
    return next(((tag >> 32) - 1 for tag in tags[at : at + 2] if tag & 0xFFFFFFFF == key), -1)


def make_ring(key: int, buckets: Mapping[int, Sequence[int]]) -> list[int]:
    """The newest 128 articles with a key, the newest last."""
    return list(reversed(buckets.get(key, ())[:128]))


def drop_rings(keys: Iterable[int], rings: Mapping[int, list[int]]) -> dict[int, list[int]]:
    """The rings that are left, by key."""
    gone = {key | 1 for key in keys}
    return {key: ring for key, ring in rings.items() if key not in gone}


def candidates(
    keys: Mapping[int, int],
    published: int | None,
    window: int,
    buckets: Mapping[int, Sequence[int]],
    dates: Mapping[int, int | None],
    most_hits: int,
    least: int,
    most: int,
) -> tuple[list[int], int, list[int]]:
    """-> (the articles that share enough keys, best first and at most `most`, how many there are, sums of rarity).

    `keys` maps the article's keys to their rarity, `buckets` each key to the articles that have it, newest first.
    """
    shared: dict[int, int] = {}
    for key, rarity in keys.items():
        hits = 0
        for number in buckets.get(key, ())[:128]:
            if hits < most_hits and is_near(minute_of(published), minute_of(dates[number]), window // 60_000):
                shared[number] = shared.get(number, 0) + rarity
                hits += 1
    enough = sorted((number for number in shared if shared[number] >= least), key=lambda n: (-shared[n], -n))
    return enough[:most], len(enough), [shared[number] for number in enough[:most]]


def sum_in(sums: Mapping[int, int], number: int) -> int:
    """What the keys weigh that an article shares."""
    return sums.get(number, 0)


def leave_crowds(number: int, kin: Sequence[int], keys: Sequence[int]) -> list[int]:
    """The keys that an article adds itself to, 0 for the others: of a crowd's one in two, in four, and so on."""
    left = [keys[0]]
    for alike, key in list(zip(kin, keys, strict=True))[1:]:
        one_in = 1 if alike < 16 else 2 ** (1 + (alike - 16) // 4)
        left.append(key if mix(number << 32 | key) % one_in == 0 else 0)
    return left


def minute_of(date: int | None) -> int | None:
    """The minute of a date in milliseconds, within what 32 bits hold."""
    return None if date is None else min(max(date // 60_000, -(2**31) + 1), 2**31 - 1)


def is_near(minute: int | None, other: int | None, window: int) -> bool:
    return minute is None or other is None or abs(minute - other) <= window


def near_minutes(minute: int | None, reach: int, tried: Sequence[int | None]) -> list[bool]:
    """Which of some minutes are near."""
    return [is_near(minute, other, reach) for other in tried]


def minutes_of(dates: Sequence[int | None]) -> list[int | None]:
    return [minute_of(date) for date in dates]


class Post(NamedTuple):
    key: int
    number: int
    minute: int | None
    rarity: int
    is_context: bool


def shared_keys(
    posts: Sequence[Post], first: int, last: int, reach: int, most_hits: int, ring: int
) -> list[tuple[int, int, int]]:
    """(number, earlier number, rarity) of the newest earlier ones of a key, of the `ring` before it, that are near."""
    found = []
    for t in range(first, last):
        one = posts[t]
        before = [other for other in reversed(posts[max(t - ring, 0) : t]) if other.key == one.key]
        near = [other for other in before if is_near(one.minute, other.minute, reach)]
        if not one.is_context:
            found += [(one.number, other.number, one.rarity) for other in near[:most_hits]]
    return found


def join_ends(pairs: Sequence[tuple[int, int]], count: int) -> list[int]:
    """The smallest of all that each of `count` is connected with."""
    root = list(range(count))
    for _ in range(count):
        for a, b in pairs:
            root[a] = root[b] = min(root[a], root[b])
    return root


def near_in_ring(minutes: Sequence[int | None], first: int, last: int) -> list[bool]:
    """Which of a ring's articles, the newest last, are of minutes first .. last or unknown ones."""
    return [minute is None or first <= minute <= last for minute in minutes]


# --- verification -----------------------------------------------------------------------------------------------------


def index_words(trace: Sequence[int], weights: Sequence[int]) -> dict[int, list[int]]:
    """Stem -> the positions of the words with that stem that carry weight, the last first."""
    places: dict[int, list[int]] = {}
    for i in reversed(range(len(trace))):
        if weights[i] & 127:
            places.setdefault(trace[i] & STEM, []).append(i)
    return places


class Text(NamedTuple):
    """One side of a comparison."""

    trace: Sequence[int]
    weights: Sequence[int]
    title_words: int

    def weight(self, i: int) -> int:
        """Rarity above that of a common word; 0 in masked boilerplate."""
        return self.weights[i] & 127


def matching_words(a: Text, b: Text) -> list[tuple[int, int]]:
    """(position in a, position in b) of weighty words of one stem; of its occurrences in either the last eight."""
    in_a, in_b = index_words(a.trace, a.weights), index_words(b.trace, b.weights)
    return [(i, j) for stem, places in in_b.items() for j in places[:8] for i in in_a.get(stem, [])[:8]]


def meet(a: Text, b: Text) -> tuple[dict[int, int], dict[int, int], set[tuple[int, int]], int]:
    """-> (the first position of each word's stem in the other text, for a and b, equal words with an equal neighbour,
    the weight of incidental words)."""
    matching = matching_words(a, b)
    first_a = {i: min(y for x, y in matching if x == i) for i, _ in matching}
    first_b = {j: min(x for x, y in matching if y == j) for _, j in matching}
    near = {(i, j) for i, j in matching if are_same(a, i, b, j)}
    near = {(i, j) for i, j in near if are_same(a, i - 1, b, j - 1) or are_same(a, i + 1, b, j + 1)}
    return first_a, first_b, near, incidental(a, b)


def are_same(a: Text, i: int, b: Text, j: int) -> bool:
    return 0 <= i < len(a.trace) and 0 <= j < len(b.trace) and (a.trace[i] ^ b.trace[j]) & HASH == 0


def runs_around(a: Text, b: Text, matching: Iterable[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """(start in a, start in b, length) of the longest run of equal words around each pair of equal words."""
    runs = []
    for i, j in matching:
        if are_same(a, i, b, j):
            while are_same(a, i - 1, b, j - 1):
                i, j = i - 1, j - 1
            length = 1
            while are_same(a, i + length, b, j + length):
                length += 1
            runs.append((i, j, length))
    return runs


def alike_ahead(a: Sequence[int], b: Sequence[int]) -> int:
    """How many words two traces have in common at their beginnings."""
    equal = [(one ^ other) & HASH == 0 for one, other in zip(a, b, strict=False)]
    return [*equal, False].index(False)


def alike_behind(a: Sequence[int], b: Sequence[int]) -> int:
    """How many words two traces have in common at their ends."""
    return alike_ahead(a[::-1], b[::-1])


def mark_run(a: Text, i: int, b: Text, j: int, length: int) -> tuple[int, int]:
    """-> (the lesser weight of each pair of words, how many pairs are quoted on both sides)."""
    pairs = [(i + k, j + k) for k in range(length)]
    quoted = sum(bool(a.trace[one] & b.trace[other] & QUOTED) for one, other in pairs)
    return sum(min(a.weight(one), b.weight(other)) for one, other in pairs), quoted


def follow_runs(a: Text, b: Text, near: Iterable[tuple[int, int]]) -> tuple[set[int], set[int], int, int]:
    """-> (the words of a in runs, those of b, how long the longest run is, what the heaviest weighs)."""
    runs = [run for run in runs_around(a, b, near) if run[2] >= 3]
    longest = max((length for _, _, length in runs), default=0)
    heaviest = max((run_weight(a, b, run) for run in runs), default=0)
    return run_words(runs, 0), run_words(runs, 1), longest, heaviest


class Shared(NamedTuple):
    """What one side of a comparison shares: position -> the first position of the same stem in the other; runs."""

    text: Text
    first: Mapping[int, int]
    in_runs: set[int]

    def total(self, positions: Iterable[int]) -> int:
        return sum(self.text.weight(i) for i in positions)

    def positions(self) -> range:
        return range(len(self.text.trace))

    def firsts(self) -> list[int]:
        """The first occurrence of each stem; words without weight count only when they are numbers."""
        return [
            i for i in self.positions() if self.text.weights[i] < 128 and (self.text.weight(i) or self.is_number(i))
        ]

    def is_number(self, i: int) -> bool:
        return bool(self.text.trace[i] & NUMBER)

    def is_quoted(self, i: int) -> bool:
        return bool(self.text.trace[i] & QUOTED)

    def share(self, positions: Sequence[int], counting: Iterable[int]) -> float:
        """The weight of those of the positions that are in `counting`, smoothed by one nat."""
        wanted = set(counting)
        return self.total(i for i in positions if i in wanted) / (self.total(positions) + 16)

    def numbers(self) -> tuple[int, int, int]:
        """-> how many different numbers, their weight, the weight of the shared ones; one nat is added to each."""
        numbers = [i for i in self.firsts() if self.is_number(i)]
        shared = [i for i in numbers if i in self.first]
        return len(numbers), self.total(numbers) + 16 * len(numbers), self.total(shared) + 16 * len(shared)

    def lead(self, words: int) -> range:
        title = self.text.title_words
        return range(title, min(len(self.text.trace), title + words))


def blocks_of(text: Text) -> list[range]:
    """The words in blocks of sixteen, or of more so that there are about a hundred; the last may be empty."""
    size = max(16, len(text.trace) // 96 + 1)
    return [range(start, min(len(text.trace), start + size)) for start in range(0, len(text.trace) + 1, size)]


def local_shares(one: Text, other: Text, matching: Sequence[tuple[int, int]]) -> dict[str, float]:
    """How much of each block has its counterpart in the best two neighbouring blocks of the other text."""
    blocks, others = blocks_of(one), blocks_of(other)
    names = ("local", "hits", "local_tail", "local_lead")
    found, whole = dict.fromkeys(names, 0.0), dict.fromkeys(names, 0)
    for g, block in enumerate(blocks):
        weight = sum(one.weight(i) for i in block)
        if not weight:
            continue
        partners = [(i, j) for i, j in matching if i in block]
        in_block = [sum(one.weight(i) for i in {i for i, j in partners if j in counterpart}) for counterpart in others]
        best = max(here + before for here, before in zip(in_block, [0, *in_block], strict=False))
        score = min(best, weight)
        is_hit = np.float32(score) >= np.float32(0.4) * np.float32(weight)
        kinds = {
            "local": (True, score),
            "hits": (True, weight if is_hit else 0),
            "local_tail": (2 * g >= len(blocks), score),
            "local_lead": (block.start < one.title_words + 48, score),
        }
        for name, (is_meant, value) in kinds.items():
            if is_meant:
                whole[name] += weight
                found[name] += value
    return {name: found[name] / (whole[name] + 16) for name in names}


def groups_of(runs: set[int]) -> list[list[int]]:
    """Marked words that stand side by side."""
    groups: list[list[int]] = []
    for i in sorted(runs):
        if groups and groups[-1][-1] == i - 1:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


class Course(NamedTuple):
    """Where what one side shares lies along its text."""

    in_long_runs: float
    in_longer_runs: float
    groups: int
    grouped_words: int
    centre: float
    found_of_title: float


def follow_course(side: Shared) -> Course:
    text, groups = side.text, groups_of(side.in_runs)
    body = range(text.title_words, len(text.trace))
    behind = [i for i in body if i in side.first]
    moment = sum(text.weight(i) * side.total(range(text.title_words, i)) for i in behind)
    return Course(
        sum(side.total(group) for group in groups if len(group) >= 8),
        sum(side.total(group) for group in groups if len(group) >= 16),
        len(groups),
        sum(map(len, groups)),
        (moment / (side.total(body) + 1) + 8) / (side.total(behind) + 16),
        side.share(range(text.title_words), side.first),
    )


def compare_titles(a: Text, b: Text) -> tuple[float, float]:
    """The shares of both titles' distinct words, by weight, that stand in the other title; the smaller one first."""
    firsts = [[i for i in range(text.title_words) if text.weights[i] < 128] for text in (a, b)]
    common = 0
    for i in firsts[0]:
        same = [j for j in firsts[1] if (a.trace[i] ^ b.trace[j]) & STEM == 0]
        common += min(a.weights[i], b.weights[same[0]]) if same else 0
    totals = [sum(text.weights[i] for i in title) for text, title in zip((a, b), firsts, strict=True)]
    return common / (max(totals) + 16), common / (min(totals) + 16)


def verify(a: Text, b: Text, gap: float, same_outlet: bool = False) -> tuple[dict[str, float], dict[str, float]]:
    """-> the features by name, and the results by name; a is "this"; the gap is negative when a date is unknown."""
    matching = matching_words(a, b)
    first_a, first_b, near, passing = meet(a, b)
    runs_a, runs_b, longest, heaviest = follow_runs(a, b, near)
    in_a, in_b = Shared(a, first_a, runs_a), Shared(b, first_b, runs_b)
    short, long = (in_a, in_b) if in_a.total(in_a.firsts()) <= in_b.total(in_b.firsts()) else (in_b, in_a)
    flipped = [(j, i) for i, j in matching]
    local_a, local_b = local_shares(a, b, matching), local_shares(b, a, flipped)
    local_short, local_long = (local_a, local_b) if short is in_a else (local_b, local_a)

    along = Along(*map(sum, zip(look_along(in_a), look_along(in_b), strict=True)))
    every = list(short.positions())
    features = {
        "contained": short.share(short.firsts(), short.first),
        "contained_long": long.share(long.firsts(), long.first),
        "incidental": passing / (short.total(short.firsts()) + 16),
        "incidental_long": passing / (long.total(long.firsts()) + 16),
        "runs": short.share(unquoted(short), short.in_runs),
        "runs_long": long.share(unquoted(long), long.in_runs),
        "quoted_runs": short.share(every, {i for i in short.in_runs if short.is_quoted(i)}),
        "quotes": short.share(every, filter(short.is_quoted, every)),
        **number_features(short, long),
        "evidence": log1p(short.total(i for i in short.firsts() if i in short.first) / 16),
        "ratio": log((short.total(short.firsts()) + 16) / (long.total(long.firsts()) + 16)),
        "length": log1p(max(len(a.trace), len(b.trace))),
        "slots": along.numbers_changed / (along.numbers_changed + along.numbers_same + 4),
        "local": local_short["local"],
        "hits": local_short["hits"],
        "hits_long": local_long["hits"],
        "local_tail": local_short["local_tail"],
        "local_lead": local_short["local_lead"],
        "local_lead_long": local_long["local_lead"],
        "lead_long": long.share(long.lead(40), long.first),
        "lead_best": max(lead_found(in_a, in_b), lead_found(in_b, in_a)),
        "order": (along.rares_kept + 2) / (along.rares + 4) if along.rares > 2 else 0.6,
        "rare_run": log1p(heaviest / 16),
        "whole": float(0 < longest >= min(len(text.trace) - text.title_words for text in (a, b))),
        "template": along.in_gaps / (along.in_runs + 20),
    }
    results = {
        "shared_words": float(sum(i in short.first for i in short.firsts())),
        "this_in_other": in_a.total(i for i in in_a.firsts() if i in in_a.first) / max(1, in_a.total(in_a.firsts())),
        "other_in_this": in_b.total(i for i in in_b.firsts() if i in in_b.first) / max(1, in_b.total(in_b.firsts())),
        "covered": short.total(short.in_runs) / max(1, short.total(every)),
        "same_body": float(have_same_body(a, b)),
        "longest": float(longest),
    }
    if features["contained"] >= 0.5 and features["hits_long"] <= 0.35 and features["lead_long"] <= 0.35:
        lengths = sorted((len(a.trace), len(b.trace)))
        results["contains"] = 2.0 if lengths[1] >= max(3 * lengths[0], lengths[0] + 400) else 0.0
    if not results.get("contains"):
        is_short = 2 * results["longest"] < max(len(a.trace), len(b.trace))
        results["contains"] = float(is_short and (has_part_about(in_a, in_b) or has_part_about(in_b, in_a)))
    courses = [follow_course(side) for side in (in_a, in_b)]
    of_short, of_long = courses if short is in_a else courses[::-1]
    is_titled = a.title_words > 0 and b.title_words > 0
    titles, titles_best = compare_titles(a, b)
    features |= {
        "titled": float(is_titled),
        "titles": titles,
        "titles_best": titles_best,
        "title_found": min(course.found_of_title for course in courses) if is_titled else 0.0,
        "long_runs": of_short.in_long_runs / (short.total(every) + 16),
        "longer_runs_long": of_long.in_longer_runs / (long.total(long.positions()) + 16),
        "run_count": log1p(of_short.groups),
        "run_length": log1p(of_short.grouped_words / (of_short.groups + 1)),
        "centre_long": of_long.centre,
        "centres_apart": abs(of_short.centre - of_long.centre),
        "holds": float(results["contains"] == 2),
        "part": float(results["contains"] == 1),
        "dated": float(gap >= 0),
        "hours": log1p(min(24 * max(gap, 0.0), 336.0)),
        "gap": min(max(gap, 0.0), 6.0),
        "same_outlet": float(same_outlet),
    }
    return features, results


def incidental(a: Text, b: Text) -> int:
    """The weight of stems that come once in both texts, or twice in one of them: in passing, not as their topic."""
    in_a, in_b = index_words(a.trace, a.weights), index_words(b.trace, b.weights)
    passing = [stem for stem, places in in_a.items() if len(places) + len(in_b.get(stem, [0] * 3)) <= 3]
    return sum(min(a.weight(in_a[stem][0]), b.weight(in_b[stem][0])) for stem in passing)


def has_part_about(one: Shared, other: Shared) -> bool:
    """Whether one part of a text, of whole blocks, has nearly all that it shares, and the rest is about other things.

    Only a text that tells something can be told in a part of another.

    The part is the one whose shared weight, five times over, exceeds its weight by most; of equal ones that with the
    first end, then the shortest.
    """
    blocks = [(one.total(block), one.total(i for i in block if i in one.first)) for block in blocks_of(one.text)]
    blocks = [(weight, shared) for weight, shared in blocks if weight]
    spans = [(start, end) for end in range(1, len(blocks) + 1) for start in reversed(range(end))]
    sums = {span: [sum(column) for column in zip(*blocks[slice(*span)], strict=True)] for span in spans}
    best = max(spans, key=lambda span: 5 * sums[span][1] - sums[span][0], default=None)
    if best is None or 5 * sums[best][1] <= sums[best][0]:
        return False
    weight, shared = sums[best]
    whole = sum(weight for weight, _ in blocks)
    outside, shared_outside = whole - weight, sum(shared for _, shared in blocks) - shared
    is_foreign = 2 * (outside - 5 * shared_outside) >= whole + 16
    tells = other.total(other.positions()) >= 2240
    return tells and is_foreign and shared >= max(320, 2 * shared_outside) and 10 * shared >= 3 * weight


def log(value: float) -> float:
    return float(np.log(value))


def log1p(value: float) -> float:
    return float(np.log1p(value))


def run_words(runs: Iterable[tuple[int, int, int]], side: int) -> set[int]:
    return {run[side] + k for run in runs for k in range(run[2])}


def unquoted(side: Shared) -> list[int]:
    return [i for i in side.positions() if not side.is_quoted(i)]


def sum_words(side: Shared) -> list[int]:
    """The sums of one side, in the order of the kernel's."""
    every, firsts = list(side.positions()), side.firsts()
    quoted = list(filter(side.is_quoted, every))
    count, numbers, shared_numbers = side.numbers()
    lead = side.lead(40)
    shared = [i for i in firsts if i in side.first]
    plain = unquoted(side)
    return [
        side.total(firsts), side.total(shared), len(shared), numbers, shared_numbers, side.total(plain),
        side.total(side.in_runs.intersection(plain)), side.total(every), side.total(quoted),
        side.total(side.in_runs.intersection(quoted)), side.total(lead), side.total(i for i in lead if i in side.first),
        count,
    ]  # fmt: skip


def number_features(short: Shared, long: Shared) -> dict[str, float]:
    """Shares of shared numbers that begin at a half, how many there are, and the weight of those that are new."""
    count, weight, shared = short.numbers()
    _, weight_long, shared_long = long.numbers()
    return {
        "numbers": (shared + 32) / (weight + 64),
        "numbers_long": (shared_long + 32) / (weight_long + 64),
        "number_count": log1p(count),
        "new_numbers": log1p((weight - shared) / 16),
    }


class Along(NamedTuple):
    """What the words of a text in their order say: see `features.look_along`."""

    rares: int
    rares_kept: int
    numbers_same: int
    numbers_changed: int
    in_gaps: int
    in_runs: int


def look_along(side: Shared) -> Along:
    """Of steps between rare shared words, those that go forwards in the other text too; of numbers, those in runs and
    those that changed right beside them; unshared words in gaps of up to five words between runs; words in runs."""
    rare = [side.first[i] for i in sorted(side.first) if 48 < side.text.weights[i] < 128]
    steps = [after > before for before, after in pairwise(rare)]
    numbers = [i for i in side.positions() if side.is_number(i)]
    beside = [i for i in numbers if i not in side.in_runs and {i - 1, i + 1} & side.in_runs]
    gaps = [range(x + 1, y) for x, y in pairwise(sorted(side.in_runs)) if y - x <= 6]
    unshared = sum(side.text.weight(i) > 0 and i not in side.first for gap in gaps for i in gap)
    return Along(
        len(steps), sum(steps), len(side.in_runs.intersection(numbers)), sum(i not in side.first for i in beside),
        unshared, len(side.in_runs)
    )  # fmt: skip


def lead_found(one: Shared, other: Shared) -> float:
    """The share of the first thirty words that stand in the first sixty of the other."""
    reach = other.text.title_words + 60
    return one.share(one.lead(30), (i for i, place in one.first.items() if place < reach))


def run_weight(a: Text, b: Text, run: tuple[int, int, int]) -> int:
    """The weight of a run of more than three words, most of them outside quotation marks; 0 of others.

    A word weighs what it does in the text where it weighs less.
    """
    start_a, start_b, length = run
    quoted = sum(a.trace[start_a + k] & b.trace[start_b + k] & QUOTED > 0 for k in range(length))
    weights = (min(a.weight(start_a + k), b.weight(start_b + k)) for k in range(length))
    return sum(weights) if length > 3 and 2 * quoted < length else 0


def have_same_body(a: Text, b: Text) -> bool:
    body_a, body_b = ([word & HASH for word in text.trace[text.title_words :]] for text in (a, b))
    return body_a == body_b != []


class Model(NamedTuple):
    bias: float
    weights: Sequence[float]
    hinges: Sequence[tuple[int, float, float]]
    trees: Sequence[tuple[Sequence[int], Sequence[float], Sequence[float]]] = ()


SAME_TEXT = 7.0
HELD = -4.0


def judge(
    a: Text, b: Text, gap: float, same_outlet: bool, min_words: int, model: Model, names: Sequence[str]
) -> float:  # fmt: skip
    """The log-odds of a shared source; `names` are those of the features in the order of the model."""
    same = have_same_body(a, b)
    titles = [[word & HASH for word in text.trace[: text.title_words]] for text in (a, b)]
    if min(len(text.trace) - text.title_words for text in (a, b)) < min_words:
        return SAME_TEXT if same and titles[0] == titles[1] else -SAME_TEXT
    features, results = verify(a, b, gap, same_outlet)
    odds = log_odds([features[name] for name in names], *model)
    if odds < -0.9 and (results["contains"] == 2 or (results["contains"] and odds >= -6)):
        return HELD
    return max(odds, SAME_TEXT) if same and (titles[0] == titles[1] or odds > -1) else odds


def follow_up_odds(
    features: Mapping[int, float] | Sequence[float], bias: float, weights: Iterable[tuple[int, float]]
) -> float:
    """The log-odds that one of two texts goes on with the story of the other."""
    return bias + sum(weight * features[place] for place, weight in weights)


def days_between(date: int | None, other: int | None) -> float:
    """In days, from dates in milliseconds; -1 when one is unknown."""
    return -1.0 if date is None or other is None else abs(date - other) / 86_400_000


def judge_pairs(
    texts: Sequence[Text], dates: Sequence[int | None], outlets: Sequence[int], pairs: Iterable[tuple[int, int]],
    min_words: int, model: Model, names: Sequence[str]
) -> list[float]:  # fmt: skip
    """`judge` of each pair."""
    return [
        judge(
            texts[x], texts[y], days_between(dates[x], dates[y]), outlets[x] == outlets[y] != 0, min_words, model, names
        )
        for x, y in pairs
    ]  # fmt: skip


class Glance(NamedTuple):
    shared: int
    weight: int
    shared_numbers: int
    numbers: int
    number_count: int
    words: int


def stems_of(trace: Sequence[int], weights: Sequence[int]) -> set[int]:
    """The low bits of the weighty stems."""
    return {word & 0x7FFF for word, weight in zip(trace, weights, strict=True) if 0 < weight < 128}


def glance(trace: Sequence[int], weights: Sequence[int], stems: set[int]) -> Glance:
    """What first occurrences weigh, all and those in `stems`; numbers count one nat more."""
    first = [(word, weight) for word, weight in zip(trace, weights, strict=True) if weight < 128]
    shared = [(word, weight) for word, weight in first if word & 0x7FFF in stems]
    numbers, shared_numbers = ([weight + 16 for word, weight in some if word & NUMBER] for some in (first, shared))
    return Glance(
        sum(weight for _, weight in shared), sum(weight for _, weight in first), sum(shared_numbers), sum(numbers),
        len(numbers), len(trace)
    )  # fmt: skip


def mark_opening(of: Text) -> set[int]:
    """The low bits of the weighty words of a title and the sixty words behind it."""
    return {of.trace[i] & 0xFFF for i in range(len(of.trace))[: of.title_words + 60] if of.weight(i)}


def opening_in(of: Text, stems: set[int]) -> float:
    """How much of the first thirty words behind the title stands in another's opening."""
    lead = range(len(of.trace))[of.title_words : of.title_words + 30]
    found = sum(of.weight(i) for i in lead if of.trace[i] & 0xFFF in stems)
    return found / (sum(of.weight(i) for i in lead) + 16)


def may_match(own: Glance, other: Glance, lead_best: float, screen: Sequence[float]) -> bool:
    """Whether the screen lets a pair pass: (bias, weights, weights of squares), or nothing."""
    short, long = (own, other) if own.weight <= other.weight else (other, own)
    shared, numbers = other.shared / 16, other.shared_numbers / 16
    known = [
        shared / (short.weight / 16 + 1),
        shared / (long.weight / 16 + 1),
        log((short.weight + 16) / (long.weight + 16)),
        log1p(shared),
        log1p(max(own.words, other.words)),
        (numbers + 2) / (short.numbers / 16 + 4),
        (numbers + 2) / (long.numbers / 16 + 4),
        log1p(short.number_count),
        log1p(max(0.0, short.numbers / 16 - numbers)),
        lead_best,
    ]
    if not screen or known[0] >= 0.45 or short.weight < 160 or own.words == other.words:
        return True
    return screen[0] + sum(w * f + q * f * f for w, q, f in zip(screen[1:11], screen[11:], known, strict=True)) >= 0


def heads_for(words: int) -> int:
    """The smallest power of two above 2 * words, at least 64."""
    return max(64, 1 << (2 * words).bit_length())


def log_odds(
    features: Sequence[float],
    bias: float,
    weights: Sequence[float],
    hinges: Iterable[tuple[int, float, float]],
    trees: Iterable[tuple[Sequence[int], Sequence[float], Sequence[float]]] = (),
) -> float:
    """bias + weights . features + hinge weights . max(0, feature - knot), hinges being (feature, knot, weight).

    To that the leaf of each tree is added, trees being (7 features, 7 thresholds, 8 leaves), row by row.
    """
    leaves = 0.0
    for asked, thresholds, values in trees:
        first = features[asked[0]] > thresholds[0]
        second = features[asked[1 + first]] > thresholds[1 + first]
        third = 3 + 2 * first + second
        leaves += values[4 * first + 2 * second + (features[asked[third]] > thresholds[third])]
    linear = sum(weight * feature for weight, feature in zip(weights, features, strict=True))
    return bias + linear + sum(weight * max(0.0, features[k] - knot) for k, knot, weight in hinges) + leaves


# --- clusters, passages -----------------------------------------------------------------------------------------------


def cluster(odds: Sequence[Sequence[Fraction]], least: Fraction) -> list[int]:
    """Average linkage from its definition: join the two clusters with the highest mean over all pairs between them."""
    clusters = [[k] for k in range(len(odds))]  # kept in the order of their smallest rows
    while len(clusters) > 1:
        pairs = [(x, y) for y in range(len(clusters)) for x in range(y)]
        means = {pair: mean_between(odds, clusters[pair[0]], clusters[pair[1]]) for pair in pairs}
        x, y = max(pairs, key=lambda pair: means[pair])  # of equal ones the first
        if means[x, y] <= least:
            break
        clusters[x] = sorted(clusters[x] + clusters[y])
        del clusters[y]
    return [next(members[0] for members in clusters if k in members) for k in range(len(odds))]


def mean_between(odds: Sequence[Sequence[Fraction]], x: Sequence[int], y: Sequence[int]) -> Fraction:
    return Fraction(sum(odds[i][j] for i in x for j in y), len(x) * len(y))


def shared_runs(a: Sequence[int], b: Sequence[int], least: int, most: int) -> list[tuple[int, int, int]]:
    """(start in a, start in b, length) of runs that stand in both, found from the beginning of b, the longest first."""
    a, b = [word & HASH for word in a], [word & HASH for word in b]
    runs: list[tuple[int, int, int]] = []
    j = 0
    while j < len(b) and len(runs) < most:
        lengths = [common_length(a[i:], b[j:]) for i in range(len(a))]
        longest = max(lengths, default=0)
        if longest >= least:
            runs.append((lengths.index(longest), j, longest))
        j += longest if longest >= least else 1
    return runs


def common_length(a: Sequence[int], b: Sequence[int]) -> int:
    """How many words a and b share from their beginning."""
    return next((k for k, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


# --- the whole pass ---------------------------------------------------------------------------------------------------


class Arrival(NamedTuple):
    """An article that comes: its text as weighed, its date, the hash of its source."""

    text: Text
    published: int | None
    source: int


class Limits(NamedTuple):
    window: int
    min_words: int
    most_hits: int
    least: int
    most: int
    boilerplate: int


class Sought(NamedTuple):
    """What is known of an article before verification; `text` is as masked, `judged` are its likely copies."""

    text: Text
    candidates: list[int]
    qualified: int
    is_counted: bool
    judged: list[int]


def find_articles(
    arrivals: Sequence[Arrival], limits: Limits, repeats: list[int], importance: Sequence[np.float32], model: Model,
    names: Sequence[str]
) -> list[Sought]:  # fmt: skip
    """Mask, sketch, candidates of each article, in order; passages of what is no copy are counted."""
    outcomes: list[Sought] = []
    buckets: dict[int, list[int]] = {}
    dates = {number: arrival.published for number, arrival in enumerate(arrivals)}
    for number, (text, published, source) in enumerate(arrivals):
        if limits.boilerplate:
            masked = mask_boilerplate(text.trace, text.weights, source, repeats, limits.boilerplate)
            text = text._replace(weights=masked)
        whole, words, pairs = sketch(text.trace, text.weights, text.title_words, limits.min_words, importance)
        keys = {key: rarity for key, rarity in [(whole, 255), *words, *pairs] if key}
        window = limits.window
        found, qualified, sums = candidates(
            keys, published, window, buckets, dates, limits.most_hits, limits.least, limits.most
        )
        all_keys = sum(rarity for _, rarity in [*words, *pairs])
        alike = [other for other, shared in zip(found, sums, strict=True) if shared >= 0.25 * all_keys]
        gaps = [days_between(published, dates[other]) for other in alike]
        odds = [
            judge(text, outcomes[other].text, gap, source == arrivals[other].source, limits.min_words, model, names)
            for other, gap in zip(alike, gaps, strict=True)
        ]
        first_copy = next((k for k, value in enumerate(odds) if value >= 2.5), len(odds))
        is_counted = limits.boilerplate > 0 and first_copy == len(odds)
        if is_counted:
            repeats[:] = count_passages(text.trace, source, repeats)
        judged = alike[: first_copy + 1] if limits.boilerplate else []
        outcomes.append(Sought(text, found, qualified, is_counted, judged))
        for key in keys:
            buckets.setdefault(key, []).insert(0, number)
    return outcomes


def verify_articles(
    found: Sequence[Sought], dates: Sequence[int | None], outlets: Sequence[int], min_words: int, model: Model,
    names: Sequence[str], screen: Sequence[float]
) -> list[list[tuple[int, float]]]:  # fmt: skip
    """(number, log-odds) of the candidates that were compared, best candidates first; -9 for what was screened.

    Short texts and likely copies are compared in any case.
    """
    outcomes = []
    for number, (text, others, _, _, judged) in enumerate(found):
        compared = []
        for other in others:
            twin = found[other].text
            stems = stems_of(text.trace, text.weights)
            own = glance(text.trace, text.weights, stems)
            seen = glance(twin.trace, twin.weights, stems)
            shortest = min(len(side.trace) - side.title_words for side in (text, twin))
            is_certain = shortest < min_words or other in judged
            if is_certain or seen.shared >= 0.18 * min(own.weight, seen.weight):
                gap = days_between(dates[number], dates[other])
                odds = judge(text, twin, gap, outlets[number] == outlets[other], min_words, model, names)
                lead = max(opening_in(text, mark_opening(twin)), opening_in(twin, mark_opening(text)))
                compared.append((other, odds if is_certain or may_match(own, seen, lead, screen) else -9.0))
        outcomes.append(compared)
    return outcomes


def restore_articles(
    numbers: Sequence[int], keys: Sequence[Sequence[int]], count: int, capacity: int, most_chains: int
) -> int:
    """How many chains there are afterwards when there were `count`: what `insert` would have made of them."""
    chains: Chains = [[] for _ in range(count)]
    for number, own in zip(numbers, keys, strict=True):
        chains = insert(number, own, chains, min(number - numbers[0] + 1, capacity), most_chains)
    return len(chains)


def chain_articles(articles: Mapping[int, Sequence[int]], count: int) -> Chains:
    """`count` chains of the articles' keys."""
    chains: Chains = [[] for _ in range(count)]
    for number in sorted(articles):
        for position, key in enumerate(articles[number]):
            if key:
                chains[chain_of(key, count, split_from(count))].insert(0, Posting(number, position, key))
    return chains


def recount_passages(articles: Iterable[tuple[Sequence[int], int]], repeats: Sequence[int], step: int) -> list[int]:
    """The counters after (trace, source) were counted or taken back; those at 255 stay, as do those at 0."""
    counts = list(repeats)
    for trace, source in articles:
        for _, counter in sample_passages(trace, source, len(counts)) if source else ():
            at = counter % len(counts)
            if counts[at] < 255:
                counts[at] = max(0, counts[at] + step)
    return counts


# --- signatures for users of datasketch -------------------------------------------------------------------------------


def word_at(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def rotated(value: int, bits: int) -> int:
    return (value << bits | value >> 32 - bits) & 0xFFFFFFFF


def xxh32(data: bytes, start: int, end: int, seed: int) -> int:
    return xxhash.xxh32_intdigest(data[start:end], seed)


def finish(value: int) -> int:
    """The finalizer of MurmurHash3 for 32 bits."""
    value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    return value ^ value >> 16


def spaced_words(lowered: str) -> list[bytes]:
    r"""The words of a text in lower case: what \w+ matches."""
    return [word.encode() for word in re.findall(r"\w+", lowered)]


def hash_shingles(words: Sequence[bytes], width: int) -> list[int]:
    count = max(len(words) - width + 1, 1) if words else 0
    shingles = [b" ".join(words[k : k + width]) for k in range(count)]
    return [finish(xxhash.xxh32_intdigest(shingle)) for shingle in shingles]


def keep_minima(
    hashes: Sequence[int], multipliers: Sequence[int], summands: Sequence[int], minima: Sequence[int]
) -> list[int]:
    permutations = zip(multipliers, summands, minima, strict=True)
    return [min([least, *((a * h + b) % 2**32 for h in hashes)]) for a, b, least in permutations]


def sign(texts: Sequence[str], width: int, multipliers: Sequence[int], summands: Sequence[int]) -> list[list[int]]:
    nothing = [2**32 - 1] * len(multipliers)
    return [
        keep_minima(hash_shingles(spaced_words(lowered), width), multipliers, summands, nothing) for lowered in texts
    ]


def erase_keys(number: int, chains: Chains) -> Chains:
    """The chains without the postings of an article."""
    return [[posting for posting in chain if posting.number != number] for chain in chains]


def full_passages(trace: Sequence[int], source: int, repeats: Sequence[int]) -> list[int]:
    """The counters of a trace's passages that have reached 255, in the order of the passages."""
    places = [counter % len(repeats) for _, counter in sample_passages(trace, source, len(repeats))]
    return [place for place in places if repeats[place] == 255]
