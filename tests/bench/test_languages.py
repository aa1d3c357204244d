"""In every language a reprint, a trimmed and a re-punctuated copy are found, and no other story is.

The texts are our own: bench/languages holds, per language, stories of an invented agency.
"""

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wirecopy.detector.answers.explain import compare
from wirecopy.detector.detector import Detector
from wirecopy.schema.article import Article

FOLDER = Path(__file__).parent.parent.parent / "bench" / "languages"
LANGUAGES = ["ar", "de", "es", "fr", "hi", "ja", "pt", "ru", "tr", "zh"]
law: Callable[[Any], Any] = settings(deadline=None, max_examples=25, derandomize=True)


@cache
def originals(language: str) -> tuple[Article, ...]:
    """The agency's own reports, one per story."""
    rows = map(orjson.loads, (FOLDER / f"{language}.jsonl").read_bytes().splitlines())
    return tuple(Article(row["id"], row["text"], row["title"]) for row in rows if row["id"].endswith(":original"))


CLUTTER = {
    "ar": ("شارك هذا المقال", "اقرأ أيضا", "اشترك في النشرة البريدية"),
    "de": ("Artikel teilen", "Lesen Sie auch", "Jetzt den Newsletter abonnieren"),
    "es": ("Compartir este artículo", "Lea también", "Suscríbase a nuestro boletín"),
    "fr": ("Partager cet article", "À lire aussi", "Abonnez-vous à notre lettre"),
    "hi": ("यह लेख साझा करें", "यह भी पढ़ें", "हमारे समाचार पत्र की सदस्यता लें"),
    "ja": ("この記事をシェアする", "あわせて読みたい", "メールマガジンに登録"),
    "pt": ("Partilhar este artigo", "Leia também", "Assine a nossa newsletter"),
    "ru": ("Поделиться статьёй", "Читайте также", "Подпишитесь на рассылку"),
    "tr": ("Bu haberi paylaş", "Ayrıca okuyun", "Bültenimize abone olun"),
    "zh": ("分享本文", "延伸阅读", "订阅我们的通讯"),
}
STYLES = ["“”", "„“", "«»", "»«", "「」", '""', "‘’"]
_QUOTES = re.compile('[“”„«»「」『』"‹›]')
_SENTENCE_END = re.compile(r"(?<=[.!?。！？।؟])(?!\d)\s*")  # not within 52.000


def reprint(article: Article, data: st.DataObject) -> Article:
    """The same text with another page around it, under the same, another or no title."""
    share, read, subscribe = CLUTTER[article.id[:2]]
    related = data.draw(st.sampled_from(originals(article.id[:2])))
    title = data.draw(st.sampled_from([article.title, share, None]))
    text = f"{share}\n\n{article.text}\n\n{subscribe}\n{read}: {related.title}"
    return Article("copy", text, title)


def trim(article: Article, data: st.DataObject) -> Article:
    """The first sentences, at least half of the text, as an editor cuts from the end."""
    sentences = [sentence for sentence in _SENTENCE_END.split(article.text) if sentence]
    least = next(k for k in range(len(sentences) + 1) if 2 * len("".join(sentences[:k])) >= len("".join(sentences)))
    count = data.draw(st.integers(least, len(sentences)))
    space = "" if article.id[:2] in ("ja", "zh") else " "
    return Article("copy", space.join(sentences[:count]), data.draw(st.sampled_from([article.title, None])))


def repunctuate(article: Article, data: st.DataObject) -> Article:
    """Other quotation marks, dashes, spaces, line ends, and another Unicode form."""
    marks = data.draw(st.sampled_from(STYLES))
    odd = False

    def mark(_: re.Match[str]) -> str:
        nonlocal odd
        odd = not odd
        return marks[0 if odd else 1]

    text = _QUOTES.sub(mark, article.text)
    text = text.replace(" – ", data.draw(st.sampled_from([" - ", " — ", "--"])))
    text = text.replace("\n\n", data.draw(st.sampled_from(["\n", " ", "\r\n\r\n"])))
    text = text.replace(" ", data.draw(st.sampled_from([" ", "\u00a0", "  "])))
    composed = data.draw(st.booleans())
    return Article("copy", unicodedata.normalize("NFC" if composed else "NFD", text), article.title)


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_stories_of_our_own_in_every_language(language: str) -> None:
    assert len(originals(language)) >= 5


@pytest.mark.parametrize("change", [reprint, trim, repunctuate])
@pytest.mark.parametrize("language", LANGUAGES)
@law
@given(st.data())
def test_a_changed_copy_finds_its_story_and_no_other(
    language: str, change: Callable[[Article, st.DataObject], Article], data: st.DataObject
) -> None:
    articles = originals(language)
    chosen = data.draw(st.sampled_from(articles), label="original")
    copy = change(chosen, data)
    place = data.draw(st.integers(0, len(articles)), label="arrives as number")
    detector = Detector()
    detector.ingest([*articles[:place], copy, *articles[place:]])
    stories = {article.id: detector.article(article.id).story for article in articles}
    assert detector.article("copy").story == stories[chosen.id]
    assert len(set(stories.values())) == len(articles)


@pytest.mark.parametrize("change", [reprint, trim, repunctuate])
@pytest.mark.parametrize("language", LANGUAGES)
@law
@given(st.data())
def test_a_changed_copy_compared_alone_is_a_copy_and_more_likely_no_other_story(
    language: str, change: Callable[[Article, st.DataObject], Article], data: st.DataObject
) -> None:
    articles = originals(language)
    chosen, other = (data.draw(st.sampled_from(articles)) for _ in range(2))
    assume(chosen is not other)
    copy = change(chosen, data)
    assert compare(chosen, copy).relation in ("identical", "copy")
    assert compare(other, copy).score < 0.5
