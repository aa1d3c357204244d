"""What no input may do: cost more than its length. Every parser and stage is driven with texts that repeat one unit.

`python -m tests.lengths`, which `make fuzz` runs too, tries every unit with texts of 300 KB, or of as many bytes as its
first argument says, and prints what each stage costs at most per byte, at a length and at a larger one.
"""

import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

from wirecopy.config import Config, Intake, Limits
from wirecopy.detection.words import repeats, spellings, text
from wirecopy.detection.words.credits import CreditNames
from wirecopy.detector.answers import explain, revisions
from wirecopy.detector.detector import Detector
from wirecopy.errors import ArticleError, InvalidArticle
from wirecopy.files import feeds
from wirecopy.schema import dates, markup
from wirecopy.schema.article import Article, parse
from wirecopy.schema.elements import ElementSplitter
from wirecopy.schema.formats import known
from wirecopy.schema.intake import IntakeParser
from wirecopy.schema.normal_form import composed
from wirecopy.web.search import terms

Stage = Callable[[str], object]

SLACK = (
    4.0  # how many times as much a byte of the larger size may cost; a quadratic stage costs as many as it is larger
)
LEAST_SECONDS = 0.1  # what is less at the larger size says nothing
_LIMITS = Limits()
_INTAKE = IntakeParser.of(_LIMITS, Intake())
_NAMES = CreditNames(composed)
_AGENCY = text.trace(["Reuters"])[0]  # tells that the name may be there; its making is another stage

# One character of each class that some rule treats apart.
CLASSES = (
    "a1 \n\t.,:;'\"“’-/<>&=!?#(){}[]\\"
    "éßЖуєІعی\u200cक\u094d中、カばハ\u3099한ᄒ\u1161\u11a8\u0301\u0306\u00a0\u00ad\u200bʻÂ\x00"
)
KNOWN = (
    *(",234", ".234", "\u00a0234", "1,", "T+12", "<td>", "</td>", "<p>", "<b>", "<!--", "-->", '="', "<a b", "&amp;"),
    *("&#39;", "&amp;amp;", "\u3099\u0301", "ᄒ\u1161", "한\u11a8", "у\u0306", "\\u00", '\\"', '{"', "[{", '["', "]}"),
    *("Ð°", "РЅ", "â€™", "<?", "<![CDA", "\x01", "http:/", "'\\", "\n \n", "\r\n", "“a ”", "a-\n", "O'", "1/2 "),
)


class Cost(NamedTuple):
    """Processor seconds of one stage for texts of one unit, at two lengths in bytes."""

    stage: str
    unit: str
    small: int
    large: int
    small_seconds: float
    large_seconds: float

    @property
    def growth(self) -> float:
        """How many times as much a byte costs at the larger length."""
        return (self.large_seconds / self.large) / (max(self.small_seconds, 1e-4) / self.small)

    @property
    def is_linear(self) -> bool:
        return self.large_seconds < LEAST_SECONDS or self.growth <= SLACK


def units(count: int, seed: int = 1) -> list[str]:
    """What is known to have been dear, each class alone, and `count` other units of 2 to 6 characters."""
    chance = random.Random(seed)
    mixed = ["".join(chance.choices(CLASSES, k=chance.randint(2, 6))) for _ in range(count)]
    return [*KNOWN, *CLASSES, *mixed]


def shapes(unit: str, size: int) -> Iterator[str]:
    """A text of about `size` bytes that repeats the unit, and one that nests it, first half and its mirror image."""
    times = max(1, size // len(unit.encode()))
    yield unit * times
    yield "a" + unit * (times // 2) + " " + unit[::-1] * (times // 2)


def costs(names: list[str], tried: list[str], small: int, large: int) -> Iterator[Cost]:
    """Measure stages with units, both shapes."""
    for name, unit in itertools.product(names, tried):
        stage = STAGES[name]
        for short, long in zip(shapes(unit, small), shapes(unit, large), strict=True):
            cost = Cost(name, unit, small, large, _seconds(stage, short), _seconds(stage, long))
            if not cost.is_linear:  # once more: something else may have come between
                again = min(cost.large_seconds, _seconds(stage, long))
                cost = cost._replace(small_seconds=max(cost.small_seconds, _seconds(stage, short)), large_seconds=again)
            yield cost


def _seconds(stage: Stage, given: str) -> float:
    started = time.process_time()
    with suppress(ArticleError, InvalidArticle):
        stage(given)
    return time.process_time() - started


def _fields(given: str) -> None:
    for name in ("id", "source", "title", "text", "url", "published", "language", "status", "updated"):
        with suppress(ArticleError):
            parse(json.dumps({"id": "a", "text": "b", name: given}).encode("utf-8", "surrogatepass"), _LIMITS)


def _bare(given: str) -> None:
    parse(given.encode(), _LIMITS)


def _elements(given: str) -> None:
    splitter = ElementSplitter(_LIMITS.max_text_bytes)
    for whole in (given.encode(), b'{"data": [' + given.encode()):
        for _ in splitter.feed(whole):
            pass
        splitter.finish()
        splitter = ElementSplitter(_LIMITS.max_text_bytes)


def _document(head: str, tail: str, name: str) -> Stage:
    def stage(given: str) -> None:
        for inner in (given, given.replace("&", "&amp;").replace("<", "&lt;")):
            data = (head + inner + tail).encode()
            known.recognise(data)
            for _ in known.read(known.BY_NAME[name], data, _INTAKE):
                pass

    return stage


def _ninjs(given: str) -> None:
    for name in ("body_html", "body_text", "headline", "versioncreated", "firstcreated", "language", "uri"):
        item = {"uri": "a", "type": "text", "body_text": "b", name: given}
        for _ in known.read(known.BY_NAME["ninjs"], json.dumps(item).encode(), _INTAKE):
            pass


def _date(given: str) -> None:
    for value in (given, "2026-01-01T00:00:00" + given, "Thu, 1 Jan 2026 00:00" + given):
        with suppress(ArticleError):
            dates.parse_published(value)


def _detect(given: str) -> None:
    Detector().ingest([Article("a", given, title=given[:500], source="s"), Article("b", f"x {given}", source="s")])


def _credits(given: str) -> None:
    for held in (f"According to Reuters {given}", f"{given} (Reuters) {given}"):
        _NAMES.find(held, _AGENCY)


def _explain(given: str) -> None:
    explain.compare(Article("a", given), Article("b", f"Other words. {given}"), Config())


STAGES: dict[str, Stage] = {
    "fields": _fields,
    "a bare body": _bare,
    "elements": _elements,
    "ninjs": _ninjs,
    "newsml-g2": _document('<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/"><contentSet>', "", "newsml-g2"),
    "newsml-1": _document("<NewsML><NewsItem>", "</NewsItem></NewsML>", "newsml-1"),
    "nitf": _document("<nitf><body><body.content><p>", "</p></body.content></body></nitf>", "nitf"),
    "iptc7901": _document("\x01ABC0001 4 X 10 Slug\r\n\x02", "\x03", "iptc7901"),
    "markup": markup.to_text,
    "feed": lambda given: feeds.is_feed(given.encode()),
    "dates": _date,
    "spellings": spellings.rewrite,
    "places of rewritten words": spellings.rewrite_in_place,
    "traces": lambda given: text.trace([given], heads=[given[:500]]),
    "repeated text": lambda given: repeats.spans(given[:500], given, 4096),
    "credits": _credits,
    "decisions": _detect,
    "explanations": _explain,
    "revisions": lambda given: revisions.changes(given[:500], given, "b", f"{given} c"),
    "search terms": lambda given: (terms.indexed(given), terms.question(given[:2000])),
}


def main(largest: int) -> int:
    """Try all units with every stage; return how many cost more than their length."""
    failures = 0
    for name in STAGES:
        worst = None
        for cost in costs([name], units(200, seed=int(time.time())), 10_000, largest):
            failures += not cost.is_linear
            worst = max(worst or cost, cost, key=lambda each: each.large_seconds)
            if not cost.is_linear:
                print(f"  {name}: {cost}", flush=True)
        if worst is not None:
            print(f"{name}: at most {worst.large_seconds / largest * 1e9:.0f} ns a byte ({worst.unit!r})", flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000) > 0)
