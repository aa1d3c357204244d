"""Make unicode.npz: what each code point becomes in the folded text that words are cut from.

    python -m bench.make_unicode

Shipped as data, not computed at start-up, so that every Python version folds alike (the standard library's
Unicode tables change with it) and so that loading costs a millisecond. The rules, per code point:

* compatibility decomposition, removal of marks that only decorate (accents, Arabic and Hebrew vowel points, the
  Indic nukta; before case folding, which would make a letter of the Greek iota subscript), and case folding, so that
  composed and decomposed spellings agree;
* every decimal digit of every script becomes its ASCII digit;
* marks that carry the word (Indic vowel signs, virama) stay;
* kana and Hangul stay composed: text that spells them decomposed is reported by `fold` and normalised first;
* characters of scripts written without spaces are marked, their words become overlapping pairs;
* traditional Chinese characters become simplified ones, by the tables of OpenCC (Apache License 2.0);
* letters that one keyboard has and the other has not become one: Urdu and Persian forms of Arabic letters, Malayalam
  chillus, modifier letters that stand for an apostrophe;
* all code points that Unicode calls default-ignorable are ignored;
* letters that languages spell differently in ASCII (German ü is ue, Danish å is aa, Turkish ü is u) tell of their
  language, and have one spelling for each of `STYLES`.
"""

import sys
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np
from opencc import OpenCC

from wirecopy.detection.words.spellings import IGNORABLE_RANGES

SEPARATOR, WORD, IGNORE, PAIR, MARK, EXPAND, COMPOSE, TELLING, REWRITE, LETTER = range(10)
BLOCK = 256

STYLES = ("any", "danish", "german")
# What a TELLING character is evidence of, see kernels/folding.py.
FOREIGN, UMLAUT, U_UMLAUT, SHARP_S, DANISH, RING, DIAERESIS, RING_MARK, PERSIAN = range(9)

# Folded-text control bytes, see wirecopy/detection/text.py.
CONTROL = {
    '"': 0x01, "＂": 0x01, "〝": 0x07, "〞": 0x08, "〟": 0x08,
    "„": 0x02, "‟": 0x03, "“": 0x03, "”": 0x04,
    "«": 0x05, "»": 0x06, "‹": 0x05, "›": 0x06,
    "「": 0x07, "」": 0x08, "『": 0x07, "』": 0x08, "﹁": 0x07, "﹂": 0x08, "﹃": 0x07, "﹄": 0x08,
    "｢": 0x07, "｣": 0x08,
    "‘": 0x0B, "‚": 0x0B, "‛": 0x0B, "’": 0x0C, "'": 0x0E, "`": 0x0E,
    **dict.fromkeys("ʹʺʻʼʽʾʿˈˊˋꞋꞌߴߵ՚׳＇", 0x0E),  # letters and marks that stand for an apostrophe
    **dict.fromkeys("、。〃〈〉《》【】〔〕〖〗〘〙〚〛〜！（）：；？［］～｟｠｡､･・‥…—―", 0x21),
    "\n": 0x0A, "\v": 0x0A, "\f": 0x0A, "\r": 0x0A, "\x85": 0x0A, "\u2028": 0x0A, "\u2029": 0x0A,
    "\u00a0": 0x1F, "\u202f": 0x1F, "\u2009": 0x1F, "\u2007": 0x1F,
    ",": 0x2C, ".": 0x2E, "٫": 0x2E, "٬": 0x2C, "，": 0x2C, "．": 0x2E, "&": 0x26, "＆": 0x20,
}  # fmt: skip
PAIR_RANGES = (
    (0x0E00, 0x0E7F), (0x0E80, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3040, 0x30FF),
    (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F), (0xF900, 0xFAFF),
    (0x1B000, 0x1B16F), (0x20000, 0x3FFFF),
)  # fmt: skip


def is_pair(code: int) -> bool:
    return any(first <= code <= last for first, last in PAIR_RANGES)


TWO_LETTERS = 0xE0F0  # of private use: what &fjlig; is read as, the one reference of two letters


def is_ignorable(code: int) -> bool:
    return any(first <= code <= last for first, last in IGNORABLE_RANGES)


def is_decoration(char: str) -> bool:
    """Mark that are often left out or spelled differently: accents, vowel points, nukta, enclosing marks."""
    category, order = unicodedata.category(char), unicodedata.combining(char)
    if category == "Me":
        return True
    return category == "Mn" and (order >= 200 or 10 <= order <= 36 or order in (1, 7))


def is_composing(char: str) -> bool:
    """Code points that belong to a composed character we keep composed: voiced kana, half-width too, Hangul jamo."""
    code = ord(char)
    return (
        code in (0x3099, 0x309A, 0xFF9E, 0xFF9F)
        or 0x1100 <= code <= 0x11FF
        or 0xA960 <= code <= 0xA97F
        or 0xD7B0 <= code <= 0xD7FF
    )


def is_word(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN" and unicodedata.category(char) != "No"


def folded(char: str) -> str:
    """Return the characters that `char` becomes; empty when it is dropped."""
    code = ord(char)
    if 0xAC00 <= code <= 0xD7A3 or 0x3041 <= code <= 0x30FF:
        return char
    plain = "".join(c for c in unicodedata.normalize("NFKD", char) if not is_decoration(c))
    text = unicodedata.normalize("NFKD", plain.casefold())
    kept = "".join(c for c in text if not is_decoration(c))
    kept = "".join(str(unicodedata.decimal(c)) if unicodedata.category(c) == "Nd" else c for c in kept)
    if any(0x3040 <= ord(c) <= 0x30FF or is_composing(c) for c in kept):
        kept = unicodedata.normalize("NFC", kept)
    return "".join(simplified(c) for c in kept.replace("ـ", "").translate(LOOKALIKE))


# Letters that newspapers use one for the other: Arabic alef, heh, yeh and kaf forms; final sigma is done by case
# folding. Malayalam chillus and the Bengali khanda ta are a consonant with a virama, and a joiner that is ignored.
LOOKALIKE = str.maketrans(
    {
        **dict.fromkeys("ىیےېۍ", "ي"), **dict.fromkeys("کڪ", "ك"), **dict.fromkeys("ەةہۃھ", "ه"), "ٱ": "ا",
        "ı": "i", "ł": "l", "đ": "d", "œ": "oe",
        **dict(zip("ൺൻർൽൾൿൔൕൖ", (c + "്" for c in "ണനരലളകമയഴ"), strict=True)), "ৎ": "ত্",
    }
)  # fmt: skip


@cache
def _chinese() -> tuple[OpenCC, ...]:
    """Hong Kong's and Taiwan's forms to OpenCC's, and those to simplified ones."""
    return OpenCC("hk2t"), OpenCC("tw2t"), OpenCC("t2s")


def simplified(char: str) -> str:
    """Return the simplified form of a Chinese character; where there are several, the first."""
    if char < "\u3400":
        return char
    for converter in _chinese():
        char = converter.convert(char)
    return char


# Letters of Serbian and Macedonian, and of Uzbek, which also write Latin letters: such texts are rewritten first.
TWO_SCRIPTS = frozenset("јљњђћџѕЈЉЊЂЋЏЅўҳЎҲ")


def telling(char: str) -> tuple[int, tuple[str, str, str]] | None:
    """Return of what a letter or mark is evidence, and its spelling in each style; None for all others."""
    plain = char.lower()
    if plain in "äöü":
        base = {"ä": "a", "ö": "o", "ü": "u"}[plain]
        return U_UMLAUT if plain == "ü" else UMLAUT, (base, base, base + "e")
    if char in "ßẞ":
        return SHARP_S, ("ss",) * 3
    if plain in "æø":
        return DANISH, ("ae" if plain == "æ" else "oe",) * 3
    if plain == "å":
        return RING, ("a", "aa", "a")
    if char in "پچژگ":
        return PERSIAN, (char,) * 3
    if char in "\u0308\u030a":
        return DIAERESIS if char == "\u0308" else RING_MARK, ("",) * 3
    if "\u0300" <= char <= "\u036f" and is_decoration(char) and not is_ignorable(ord(char)):
        return FOREIGN, ("",) * 3
    decomposed = unicodedata.normalize("NFD", plain)
    base, marks = decomposed[0], decomposed[1:]
    if marks and base.isascii() and base.isalpha() and all("\u0300" <= mark <= "\u036f" for mark in marks):
        return FOREIGN, (base, base, base + "e" if base in "aou" and "\u0308" in marks else base)
    return None


def classify(code: int) -> tuple[int, str]:
    """Return (class, folded text)."""
    char = chr(code)
    if 0xD800 <= code <= 0xDFFF:
        return SEPARATOR, ""
    if char in CONTROL:
        return MARK, chr(CONTROL[char])
    category = unicodedata.category(char)
    if char.isascii():
        return (WORD, char.lower()) if char.isalnum() else (SEPARATOR, "")
    if is_composing(char) and not is_ignorable(code):
        return COMPOSE, ""
    if is_ignorable(code):
        return IGNORE, ""
    if char in TWO_SCRIPTS:
        return REWRITE, folded(char)
    if (told := telling(char)) is not None:
        is_letter = told[0] == FOREIGN and len(set(told[1])) == 1 and told[1][0]
        return LETTER if is_letter else TELLING, told[1][0]
    if code == TWO_LETTERS:
        return EXPAND, "fj"
    if (category in ("Cf", "Mn", "Me", "Mc") and (category == "Cf" or is_decoration(char))) or code == 0x0640:
        return IGNORE, ""
    text = folded(char)
    if not text or not all(is_word(c) and c not in CONTROL for c in text):
        text = "".join(c if is_word(c) and c not in CONTROL else " " for c in text).strip()
        if not text or category[0] not in "LMN":
            return SEPARATOR, ""
        text = text.replace("  ", " ")
    if len(text) == 1:
        return (PAIR if is_pair(ord(text)) else WORD), text
    return EXPAND, text


def _spellings(char: str) -> list[int]:
    """Return the spelling of a telling letter in each style, two characters in one number."""
    _, spellings = telling(char) or (0, ("",))
    return [sum(ord(letter) << 16 * k for k, letter in enumerate(spelling)) for spelling in spellings]


def main() -> None:
    expansions: list[int] = []
    values = np.zeros(sys.maxunicode + 1, dtype=np.uint32)
    for code in range(sys.maxunicode + 1):
        kind, text = classify(code)
        if kind in (WORD, PAIR, MARK, REWRITE, LETTER):
            value = (ord(text) - code) & 0x1FFFFF
        elif kind == EXPAND:
            limit = 3 * len(chr(code).encode())
            while len("".join(("\x0f" if is_pair(ord(c)) else "") + c for c in text).encode()) > limit:
                text = text[:-1]
            value = len(expansions) << 5 | len(text)
            expansions += [ord(c) | (is_pair(ord(c)) << 31) for c in text]
        elif kind == TELLING:
            value = len(expansions) << 5 | (telling(chr(code)) or (0,))[0]
            expansions += _spellings(chr(code))
        else:
            value = 0
        values[code] = kind << 24 | value
    blocks = values.reshape(-1, BLOCK)
    unique, block_of = np.unique(blocks, axis=0, return_inverse=True)
    target = Path(__file__).parent.parent / "service" / "wirecopy" / "data" / "unicode.npz"
    np.savez_compressed(
        target,
        block_of=block_of.reshape(-1).astype(np.uint16),
        blocks=unique.reshape(-1).astype(np.uint32),
        expansions=np.array(expansions, dtype=np.uint32),
        version=np.array([int(part) for part in unicodedata.unidata_version.split(".")], dtype=np.int32),
    )
    print(f"{target}: Unicode {unicodedata.unidata_version}, {len(unique)} blocks, {len(expansions)} expanded")


if __name__ == "__main__":
    main()
