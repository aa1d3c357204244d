"""What stands around a name in a text, and whether that makes it a credit (phrases: data/credit_phrases.toml)."""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import NamedTuple

_AROUND = 64  # characters on either side of a name that are looked at
_HEAD = 200  # characters of a text in which a dateline ends
_LONGEST_LINE = 90  # characters of a line that is a signature
_MOST_SKIPPED = 4  # words between a phrase and a name
_OPENS, _CLOSES = tuple("([（【［〔/"), tuple(")]）】］〕/")
_DASHES = tuple("-–—−‐:：=")
_BEFORE_A_NAME = (*_DASHES[:5], ",", ".", "/")
_ENDS = tuple('.!?"»”」。！？।')  # of a sentence
_QUOTES = "'\"’‘“”„«»‚「」『』()"
_NEIGHBOUR = r"[\w.\- ]{1,24}"
_MORE_NAMES = re.compile(r"\s*+(?:[/,+&] ?[\w\-]{2,16}){0,3}\.?\s*")
_CONTRIBUTED = re.compile(r"(?:['’]s)?(?:\s+[\w.,]+){0,6}?\s+contributed\b", re.IGNORECASE)
_WRITER = re.compile(
    r"\s*(?:by|von|par|por|di|av|af|door|przez|автор:?)\s[^\n]{2,60}$|\s*\w[^\n.]{2,60},\s*$", re.IGNORECASE
)


def stands_alone(text: str, begin: int, end: int) -> bool:
    """Whether no letter touches a name, where the script has spaces."""
    before, after = text[begin - 1 : begin], text[end : end + 1]
    return not (_touches(before, text[begin]) or _touches(after, text[end - 1]))


def is_wire(text: str, begin: int, end: int, *, is_agency: bool) -> bool:
    """Whether a text says at a place that it is theirs whose name stands there.

    Of an outlet only where it is said in words; an agency is also named in datelines, brackets and signatures.
    """
    before, after = _line_around(text, begin, end)
    if _is_labelled(before) or _phrases().material.search(before.lower()) or _CONTRIBUTED.match(after):
        return True
    return is_agency and (
        _is_dateline(text, begin, end, before, after) or _is_signature(text, begin, end, before, after)
    )


def is_reported(text: str, begin: int, end: int) -> bool:
    """Whether a text says at a place that it tells what they reported whose name stands there."""
    phrases = _phrases()
    before, after = _line_around(text, begin, end)
    if before.endswith(phrases.unspaced_before) or after.startswith(phrases.unspaced_after):
        return True
    return _leads_to(_words(before)[::-1], phrases.before, phrases.between, is_reversed=True) or _leads_to(
        _words(after), phrases.after, phrases.fillers
    )


def _line_around(text: str, begin: int, end: int) -> tuple[str, str]:
    """Return what stands before and behind a place in its line, as far as it is looked at."""
    before, after = text[max(0, begin - _AROUND) : begin], text[end : end + _AROUND]
    return before.rpartition("\n")[2], after.partition("\n")[0]


def _is_labelled(before: str) -> bool:
    bare = before.rstrip()
    return bare.endswith((":", "：")) and bool(words := _words(bare[:-1].lower())) and words[-1] in _phrases().labels


def _is_dateline(text: str, begin: int, end: int, before: str, after: str) -> bool:
    """Whether a name ends or begins a dateline, or the line of the writer."""
    is_whole = begin <= _AROUND or "\n" in text[begin - _AROUND : begin]  # `before` is all that stands in its line
    if is_whole and not before.strip("（【(") and any(mark in after[:16] for mark in _phrases().unspaced_datelines):
        return True
    if begin >= _HEAD or not is_whole:
        return False
    bare, rest = before.rstrip(), after.strip()
    follows = not bare or bare.endswith(_BEFORE_A_NAME)
    if follows and rest.startswith(_DASHES):
        return True
    return (not rest and bool(_WRITER.match(before))) or (bare.endswith(_DASHES[:5]) and after.startswith("."))


def _is_signature(text: str, begin: int, end: int, before: str, after: str) -> bool:
    """Whether an agency's name stands in brackets, in a line of names, or behind the last sentence."""
    opened, closed = before.rstrip(" '\"«„“"), after.lstrip(" '\"»“”")
    for _ in range(3):
        if opened.endswith(_OPENS) and closed.startswith(_CLOSES):
            return not _may_abbreviate(text[begin:end]) or _is_apart(opened[:-1], closed[1:])
        opened, closed = _without_neighbours(opened, closed)
    if not before.strip() and not after.strip(" .\r"):
        return True
    if before.rstrip(" ").endswith(_ENDS) and len(text) - end < _AROUND and _MORE_NAMES.fullmatch(text, end):
        return True
    if opened.rstrip().endswith(_ENDS) and len(text) - end < _AROUND and _MORE_NAMES.fullmatch(text, end):
        return True
    return len(before) + end - begin + len(after) < _LONGEST_LINE and _is_line_of_names(before, after)


def _may_abbreviate(name: str) -> bool:
    """Whether a name in brackets may be a place or a party as well: (AP)."""
    return len(name) <= 4 and name.isascii() and name.isupper()


def _is_apart(before: str, after: str) -> bool:
    """Whether brackets stand at an edge of a line, behind a sentence, or before a dash."""
    rest = after.strip(" .\r")
    return not before.strip() or not rest or rest.startswith(_DASHES) or before.rstrip().endswith(_ENDS)


def _without_neighbours(before: str, after: str) -> tuple[str, str]:
    """Return the same without the next name on either side, where a separator stands between: (AFP/dpa)."""
    separators = tuple("/,;+&·、|")
    if before.endswith(separators):
        before = re.sub(_NEIGHBOUR + "$", "", before[:-1])
    if after.startswith(separators):
        after = re.sub("^" + _NEIGHBOUR, "", after[1:])
    return before, after


def _is_line_of_names(before: str, after: str) -> bool:
    """Whether a line holds nothing but short names with separators between, one of which is the name."""
    parts = [part.strip() for part in re.split(r"[/,;+&·、|]", f"{before}\0{after}")]
    if len(parts) < 2 or "\0" not in parts:
        return False
    return all(len(part.split()) <= 3 and not re.search(r"[.!?:\d]", part) for part in parts)


def _touches(neighbour: str, char: str) -> bool:
    if not neighbour or _is_unspaced(neighbour) or _is_unspaced(char):
        return False
    return neighbour.isalnum() or unicodedata.category(neighbour).startswith("M")


def _is_unspaced(char: str) -> bool:
    """Whether a character is Chinese, Japanese or Korean, where particles touch names."""
    return "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff" or "\uac00" <= char <= "\ud7a3"


class _Phrases(NamedTuple):
    """The phrases as they are asked for: words by their number, those that stand for any ending apart."""

    before: "_Wanted"
    between: "_Wanted"
    after: "_Wanted"
    fillers: "_Wanted"
    labels: frozenset[str]
    material: re.Pattern[str]
    unspaced_before: tuple[str, ...]
    unspaced_after: tuple[str, ...]
    unspaced_datelines: tuple[str, ...]


class _Wanted(NamedTuple):
    """Phrases, how many words the longest has, and beginnings of words."""

    phrases: frozenset[tuple[str, ...]]
    longest: int
    beginnings: tuple[str, ...]


@cache
def _phrases() -> _Phrases:
    table = tomllib.loads(resources.files("wirecopy").joinpath("data/credit_phrases.toml").read_text("utf-8"))
    material = "|".join(map(re.escape, table["material"]))
    return _Phrases(
        before=_wanted(table["before"]),
        between=_wanted(table["between"]),
        after=_wanted(table["after"]),
        fillers=_wanted(table["fillers"]),
        labels=frozenset(table["labels"]),
        material=re.compile(rf"(?:{material})[^\n.]{{0,40}}$"),
        unspaced_before=tuple(table["unspaced_before"]),
        unspaced_after=tuple(table["unspaced_after"]),
        unspaced_datelines=tuple(table["unspaced_datelines"]),
    )


def _wanted(phrases: Sequence[str]) -> _Wanted:
    whole = frozenset(tuple(phrase.split()) for phrase in phrases if not phrase.endswith("*"))
    beginnings = tuple(phrase[:-1] for phrase in phrases if phrase.endswith("*"))
    return _Wanted(whole, max(map(len, whole)), beginnings)


def _words(line: str) -> list[str]:
    """Return the words of a line in small letters, without quotation marks; an apostrophe parts them."""
    return [bare for word in line.lower().replace("'", " ").replace("’", " ").split() if (bare := word.strip(_QUOTES))]


def _leads_to(words: list[str], wanted: _Wanted, skipped: _Wanted, *, is_reversed: bool = False) -> bool:
    """Whether the words are a phrase, or one stands behind a few that may stand between."""
    for k, word in enumerate(words[: _MOST_SKIPPED + 1]):
        if wanted.beginnings and word.startswith(wanted.beginnings):
            return True
        for size in range(1, wanted.longest + 1):
            phrase = words[k : k + size]
            if tuple(phrase[::-1] if is_reversed else phrase) in wanted.phrases:
                return True
        if (word,) not in skipped.phrases and not (skipped.beginnings and word.startswith(skipped.beginnings)):
            return False
    return False
