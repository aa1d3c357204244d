"""Names that texts credit, each in every way in which it is written: those of agencies, and those of sources."""

import tomllib
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib import resources
from typing import Any, NamedTuple

import numpy as np

from wirecopy.detection.kernels.layout import HASH
from wirecopy.detection.words.text import trace

_ARABIC_PARTICLES = "وبفك"  # and, by, so, as: written before a word without a space
_KOREAN_PARTICLES = ("에", "는", "은", "가", "이", "와", "과", "의", "를", "도", "에게")


_EVERYBODYS = frozenset(
    {"news", "times", "post", "press", "today", "daily", "agency", "journal"}
)  # words of many names


class Name(NamedTuple):
    """A way to write a name: the hashes of its words in a trace, how it stands in texts, under which name it is told.

    `place` is that of its longest word, by which it is found. `is_addressed`: written so, it is somebody who was told
    something.
    """

    words: tuple[int, ...]
    place: int
    spelt: str
    told: str
    is_agency: bool
    is_addressed: bool

    @property
    def longest(self) -> int:
        """The hash of its longest word."""
        return self.words[self.place]


@lru_cache(4096)
def agency_of(source: str) -> str | None:
    """Return the name under which an agency is credited, by the source of its own articles; None for other sources."""
    return _agencies_by_source().get(_fold(source))


@cache
def agency_names() -> list[Name]:
    """Return the names of all agencies."""
    return _names([(spelt, agency["name"], True) for agency in _table()["agency"] for spelt in agency["texts"]])


def names_of(sources: Sequence[str]) -> list[Name]:
    """Return the names of sources that are no agencies."""
    return _names([(text, name, False) for name in sources if agency_of(name) is None for text in _spellings(name)])


@cache
def _table() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(resources.files("wirecopy").joinpath("data/agencies.toml").read_text("utf-8"))


@cache
def _agencies_by_source() -> dict[str, str]:
    named: dict[str, str] = {}
    for agency in _table()["agency"]:
        for name in (agency["name"], *agency["texts"], *agency.get("sources", ())):
            named.setdefault(_fold(name), agency["name"])
    return named


@cache
def _outlets_by_source() -> dict[str, list[str]]:
    outlets = _table()["outlet"]
    return {_fold(name): outlet["texts"] for outlet in outlets for name in (*outlet["sources"], *outlet["texts"])}


def _spellings(source: str) -> list[str]:
    """How texts may write the name of a source: a domain also by its first label, small letters with capitals."""
    spelt = [*_outlets_by_source().get(_fold(source), ())]
    bare = source.removeprefix("www.")
    if "." in bare and " " not in bare:
        label = bare.partition(".")[0]
        spelt += [bare, *([label.capitalize(), label.upper()] if len(label) > 2 else ())]
    elif bare.islower():
        spelt += [bare.title(), bare.upper()]
    else:
        spelt.append(bare)
    return [text for text in dict.fromkeys(spelt) if len(text) > 1]


def _names(spelt: Sequence[tuple[str, str, bool]]) -> list[Name]:
    """Names with their words, also with the particles that are written together with them."""
    every = [
        (form, told, is_agency, is_addressed) for text, told, is_agency in spelt for form, is_addressed in _forms(text)
    ]
    traces, names = trace([form for form, *_ in every]), []
    for k, (form, told, is_agency, is_addressed) in enumerate(every):
        words = tuple((traces[k] & np.uint32(HASH)).tolist())
        if words:
            names.append(
                Name(words, _longest(form, words), unicodedata.normalize("NFC", form), told, is_agency, is_addressed)
            )
    return names


def _longest(form: str, words: tuple[int, ...]) -> int:
    """Return the place of the longest word; the first where words are not those between spaces."""
    spaced = form.split()
    return (
        max(range(len(words)), key=lambda k: (spaced[k].casefold() not in _EVERYBODYS, len(spaced[k])))
        if len(spaced) == len(words)
        else 0
    )


def _forms(spelt: str) -> list[tuple[str, bool]]:
    """Return a spelling with its particles, and whether it is then somebody who was told something."""
    if "\u0600" <= spelt[0] <= "\u06ff":
        to = "لل" + spelt[2:] if spelt.startswith("ال") else "ل" + spelt
        return [(spelt, False), (to, True), *((particle + spelt, False) for particle in _ARABIC_PARTICLES)]
    if "\uac00" <= spelt[-1] <= "\ud7a3":
        return [(spelt, False), *((spelt + particle, False) for particle in _KOREAN_PARTICLES)]
    return [(spelt, False)]


def _fold(name: str) -> str:
    folded = unicodedata.normalize("NFKC", name).casefold().replace("ı", "i").replace("\u0307", "")
    return folded.strip().removeprefix("www.")
