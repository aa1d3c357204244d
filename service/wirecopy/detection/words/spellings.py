"""Spellings that need their context: a text is rewritten before it is folded where `folding.fold` asks for that.

    broken encodings    UTF-8 that was read as Windows-1252, Latin-1 or Windows-1251 is read again as what it is
    composition         one character for each kana with its mark, also a half-width one, and for each Hangul syllable
    two scripts         Serbian, Macedonian and Uzbek in Cyrillic letters become the same in Latin ones
    look-alikes         Latin letters in a Cyrillic word, and Cyrillic ones in a Latin word, become what they look like

Every step looks at a text once or twice, whatever stands in it, and goes by the whole text, so that equal texts stay
equal. `rewrite` gives the text; `rewrite_in_place` also from where each of its characters came.
"""

import html.entities
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
Edit = tuple[int, int, str]  # text[begin:end] becomes the third
Step = Callable[[str], "Mapping[int, str] | Iterator[Edit] | None"]  # single characters, or stretches, or nothing


def rewrite(text: str) -> str:
    """Return the text as it is to be folded."""
    for step in _STEPS:
        changes = step(text)
        if changes is None:
            continue
        if isinstance(changes, Mapping):
            text = text.translate(changes)
        else:
            pieces: list[str] = []
            at = 0
            for begin, end, new in changes:
                pieces += text[at:begin], new
                at = end
            text = "".join([*pieces, text[at:]])
    return text


def rewrite_in_place(text: str) -> tuple[str, I64, I64]:
    """Return the text as it is to be folded, and from where to where in `text` each of its characters was."""
    begins, ends = np.arange(len(text)), np.arange(1, len(text) + 1)
    for step in _STEPS:
        changes = step(text)
        if changes is None:
            continue
        edits = _edits(text, changes) if isinstance(changes, Mapping) else changes
        new: list[str] = []
        sources: list[tuple[int, int]] = []  # for each new character the stretch that it came from
        at = 0
        for begin, end, piece in chain(edits, [(len(text), len(text), "")]):
            new += text[at:begin], piece
            sources += [(k, k) for k in range(at, begin)]
            sources += [(begin, end - 1)] * len(piece)
            at = end
        places = np.array(sources, dtype=np.int64).reshape(-1, 2)
        text, begins, ends = "".join(new), begins[places[:, 0]], ends[places[:, 1]]
    return text, begins, ends


def _edits(text: str, table: Mapping[int, str]) -> Iterator[Edit]:
    return ((k, k + 1, table[ord(char)]) for k, char in enumerate(text) if ord(char) in table)


# --- what is written around the letters -------------------------------------------------------------------------------

# Default_Ignorable_Code_Point of Unicode 16, DerivedCoreProperties.txt.
IGNORABLE_RANGES = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
    (0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0), (0xFFF0, 0xFFF8), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)  # fmt: skip
_IGNORABLE = {code: "" for first, last in IGNORABLE_RANGES for code in range(first, last + 1)}
_IGNORABLE_CHARACTER = re.compile("[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in IGNORABLE_RANGES) + "]")
_REFERENCE = re.compile(r"&(?:amp;)*(?:#([0-9]{1,8})|#[xX]([0-9A-Fa-f]{1,8})|([0-9A-Za-z]{1,31}));")


def _without_references(text: str) -> Iterator[Edit]:
    for match in _REFERENCE.finditer(text):
        decimal, hexadecimal, name = match.groups()
        if name:
            chars = html.entities.html5.get(f"{name};", "")
        else:
            code = int(decimal) if decimal else int(hexadecimal, 16)
            chars = chr(code) if code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else ""
        if chars:
            yield *match.span(), chars


def _without_ignorable(text: str) -> Mapping[int, str] | None:
    return _IGNORABLE if _IGNORABLE_CHARACTER.search(text) else None


# --- broken encodings -------------------------------------------------------------------------------------------------

_LEAST_BROKEN = 4  # characters, before a text is taken for broken
_NOT_ASCII = re.compile("[\u0080-\U0010ffff]")
_LOST = "\ufffd"  # stands for bytes that have no character in Windows-1252


# What is in every longer text that is broken: a Latin-1 letter with a mark or symbol behind it; о, а or е.
_LOOKS_BROKEN = {
    "cp1252": re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u2122\ufffd]"), "cp1251": re.compile("Р[ѕ°µ]")
}  # fmt: skip


@cache
def _bytes_of(encoding: str) -> dict[str, int]:
    """Return the bytes from 0x80 on by the characters that they are read as; where there is none, by those of
    Latin-1.
    """
    table = {chr(byte): byte for byte in range(0x80, 0x100)} if encoding == "cp1252" else {}
    for byte in range(0x80, 0x100):
        char = bytes([byte]).decode(encoding, "replace")
        if char != _LOST:
            table[char] = byte
    return table


@cache
def _sequences(encoding: str) -> "re.Pattern[str]":
    """Return characters that are together one of UTF-8, in a wrong encoding."""

    def among(first: int, last: int, more: str = "") -> str:
        return (
            "[" + re.escape("".join(c for c, byte in _bytes_of(encoding).items() if first <= byte <= last)) + more + "]"
        )

    follows = among(0x80, 0xBF, _LOST)
    return re.compile(
        f"{among(0xC2, 0xDF)}{follows}|{among(0xE0, 0xEF)}{follows}{follows}"
        f"|{among(0xF0, 0xF4)}{follows}{follows}{follows}"
    )


def _unbroken(text: str) -> Iterator[Edit] | None:
    """Undo the reading of UTF-8 as something else, where most of what is not ASCII can be."""
    for encoding, looks_broken in _LOOKS_BROKEN.items():
        if not looks_broken.search(text):
            continue
        found = list(_sequences(encoding).finditer(text))
        undone = [(*match.span(), _decoded(match[0], encoding)) for match in found]
        undone = [edit for edit in undone if edit[2]]
        covered = sum(end - begin for begin, end, _ in undone)
        if len(undone) >= _LEAST_BROKEN and 4 * covered >= 3 * len(_NOT_ASCII.findall(text)):
            return _with_lost_letters(text, undone)
    return None


def _decoded(sequence: str, encoding: str) -> str:
    """Return the character, "" when it is none; one of the lost bytes leaves _LOST."""
    if _LOST in sequence:
        return _LOST
    try:
        return bytes(_bytes_of(encoding)[char] for char in sequence).decode()
    except UnicodeDecodeError:
        return ""


def _with_lost_letters(text: str, undone: list[Edit]) -> Iterator[Edit]:
    """Guess Cyrillic letters one of whose bytes is lost: с, or я where a word ends; Н. Others stay lost."""
    for begin, end, char in undone:
        if char == _LOST and text[begin] == "Ñ":
            goes_on = end < len(text) and text[end] in "ÐÑ"
            stands_alone = begin == 0 or text[begin - 1].isspace()
            char = "с" if goes_on or stands_alone else "я"
        elif char == _LOST and text[begin] == "Ð":
            char = "Н"
        yield begin, end, char


# --- composition ------------------------------------------------------------------------------------------------------

_WIDE = {chr(code): unicodedata.normalize("NFKC", chr(code)) for code in range(0xFF66, 0xFF9E)}
_MARKS = {"\uff9e": "\u3099", "\uff9f": "\u309a"}
_KANA = re.compile("[\u3046-\u30fd\uff66-\uff9d][\u0300-\u036f]{0,8}[\u3099\u309a\uff9e\uff9f]")
_HANGUL = re.compile("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?|[\uac00-\ud7a3][\u11a8-\u11c2]")


_SHORT_U = re.compile("[уУ]\u0306")


def _composed(text: str) -> Iterator[Edit]:
    for match in _KANA.finditer(text):
        base, mark = match[0][0], match[0][-1]
        whole = unicodedata.normalize("NFC", _WIDE.get(base, base) + _MARKS.get(mark, mark))
        if len(whole) == 1:
            yield *match.span(), whole


def _syllables(text: str) -> Iterator[Edit]:
    for match in _HANGUL.finditer(text):
        first, *more = map(ord, match[0])
        if first < 0xAC00:
            first = 0xAC00 + ((first - 0x1100) * 21 + more.pop(0) - 0x1161) * 28
        elif (first - 0xAC00) % 28:
            continue  # has a last consonant already
        yield *match.span(), chr(first + (more[0] - 0x11A7 if more else 0))


def _short_u(text: str) -> Iterator[Edit]:
    return ((*match.span(), "ў" if match[0][0] == "у" else "Ў") for match in _SHORT_U.finditer(text))


# --- two scripts ------------------------------------------------------------------------------------------------------

_LEAST_TELLING = 2  # letters of one language alone, before a text is taken for it


def _both_cases(pairs: Mapping[str, str]) -> dict[int, str]:
    table = {ord(letter): latin for letter, latin in pairs.items()}
    return table | {ord(letter.upper()): latin.title() for letter, latin in pairs.items()}


_SERBIAN = _both_cases(
    dict(zip("абвгдђежзијклмнопрстћуфхцчшѓќ", "abvgdđežzijklmnoprstćufhcčšgk", strict=True))
    | {"љ": "lj", "њ": "nj", "џ": "dž", "ѕ": "dz", "ы": "y", "э": "e", "щ": "šč", "ь": "", "ъ": "", "ю": "ju"}
    | {"я": "ja", "й": "j", "ё": "jo", "і": "i", "ї": "ji", "є": "je", "ґ": "g"}
)
_UZBEK = _both_cases(
    dict(zip("абвгдежзийклмнопрстуфхцэқҳы", "abvgdejziyklmnoprstufxseqhi", strict=True))
    | {"ў": "o'", "ғ": "g'", "ё": "yo", "ч": "ch", "ш": "sh", "ъ": "'", "ь": "", "ю": "yu", "я": "ya", "щ": "sh"}
)
_UZBEK_YE = re.compile("(?<![бвгджзйклмнпрстфхцчшқғҳБВГДЖЗЙКЛМНПРСТФХЦЧШҚҒҲ])[еЕ]|(?<=[аеёиоуэюяўАЕЁИОУЭЮЯЎ])[цЦ]")


def _told(text: str, letters: str) -> int:
    return sum(map(text.count, letters))


def _is_serbian(text: str) -> bool:
    return _told(text, "јљњђћџѕЈЉЊЂЋЏЅ") >= _LEAST_TELLING and not _told(text, "ўҳЎҲ")


def _is_uzbek(text: str) -> bool:
    return _told(text, "ўҳЎҲ") >= _LEAST_TELLING and not _told(text, "іәңөүұӣӯҷІӘҢӨҮҰӢӮҶјЈ")


def _uzbek_letters_by_place(text: str) -> Iterator[Edit] | None:
    """Cyrillic letters that are two in Latin script at some places, and one at others."""
    if not _is_uzbek(text):
        return None
    return ((*match.span(), "ye" if match[0] in "еЕ" else "ts") for match in _UZBEK_YE.finditer(text))


def _latin(text: str) -> Mapping[int, str] | None:
    if _is_serbian(text):
        return _SERBIAN
    return _UZBEK if _is_uzbek(text) else None


# --- look-alikes ------------------------------------------------------------------------------------------------------

_LETTERS = re.compile("[A-Za-z\u00c0-\u024f\u0300-\u036f\u0400-\u052f]+")
_BORDER = re.compile(
    "[A-Za-z\u00c0-\u024f][\u0300-\u036f]{0,8}[\u0400-\u052f]|[\u0400-\u052f][\u0300-\u036f]{0,8}[A-Za-z\u00c0-\u024f]"
)
_CYRILLIC_OF = dict(zip("aceopxykmtbhi", "асеорхукмтвні", strict=True))
_LATIN_OF = {cyrillic: latin for latin, cyrillic in _CYRILLIC_OF.items()}


def _unmixed(text: str) -> Iterator[Edit]:
    """Yield words of Latin and Cyrillic letters whose letters of one script all look like ones of the other.

    Case and marks play no part, as they play none in what a word becomes.
    """
    end = 0
    for border in _BORDER.finditer(text):
        if border.start() < end:
            continue
        begin = border.start()
        while begin > end and _LETTERS.match(text, begin - 1):
            begin -= 1
        match = _LETTERS.match(text, begin)
        assert match is not None, "the border is between letters"
        end = match.end()
        bases = _bases(match[0])
        latin = [char for char in bases if char < "\u0400"]
        cyrillic = [char for char in bases if char >= "\u0400"]
        can_be_cyrillic = all(map(_CYRILLIC_OF.__contains__, latin))
        if cyrillic and can_be_cyrillic and (len(cyrillic) >= len(latin) or not all(c in _LATIN_OF for c in cyrillic)):
            yield *match.span(), "".join(_CYRILLIC_OF.get(char, char) for char in bases)
        elif cyrillic and all(map(_LATIN_OF.__contains__, cyrillic)):
            yield *match.span(), "".join(_LATIN_OF.get(char, char) for char in bases)


def _bases(word: str) -> str:
    """Return the letters of a word in small, without their marks."""
    letters = (unicodedata.normalize("NFD", char)[0] for char in word)  # one by one: what takes long is many marks
    return "".join(char for char in letters if not "\u0300" <= char <= "\u036f").lower()


_STEPS: tuple[Step, ...] = (
    _unbroken, _without_references, _without_ignorable, _short_u, _composed, _syllables, _unmixed,
    _uzbek_letters_by_place, _latin,
)  # fmt: skip
