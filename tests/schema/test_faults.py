"""What senders get wrong: versions out of order, dates that cannot be, notices in the place of texts, words twice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from wirecopy.config import Limits
from wirecopy.detection.words import repeats, text
from wirecopy.detector.detector import Detector
from wirecopy.errors import InvalidArticle
from wirecopy.files.lines import read_lines
from wirecopy.schema.article import Article, parse
from wirecopy.schema.dates import format_published
from wirecopy.schema.formats import ninjs

BODY = (
    "The lock gates of Marsh End will stay open until Sunday, the canal trust said, after a barge of gravel sank "
    "across both chambers on Thursday night. Nobody was hurt. Forty boats are waiting above the flight, and the trust "
    "asks crews to moor at Tolby. A crane from Harwick is to lift the wreck once divers have sealed its hull."
)
NOTICE = (
    "To read on you need a subscription. It costs two crowns a week, supports our reporters, and can be ended whenever "
    "you like. Sign in if you have an account, or choose one of our offers below."
)


def words(written: str) -> list[int]:
    return [word & 0x3FFFFFFF for word in text.trace([written])[0].tolist()]


def stories(articles: Sequence[Article]) -> list[str]:
    return [verdict.story for verdict in Detector().ingest(articles)]


# --- order of versions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [{"version": 3}, {"updated": 5_000}])
def test_a_late_older_version_brings_no_killed_article_back(order: dict[str, Any]) -> None:
    detector = Detector()
    detector.ingest([Article("a", "This is killed.", status="canceled", **order)])
    late = {name: value - 1 for name, value in order.items()}
    (verdict,) = detector.ingest([Article("a", BODY, **late)])
    assert (verdict.superseded, verdict.replayed, verdict.revision) == (True, False, 1)
    assert detector.article("a").status == "canceled"


def test_a_newer_version_replaces_an_older_one_and_nothing_is_said_without_both() -> None:
    detector = Detector()
    detector.ingest([Article("a", "One.", version=1)])
    assert detector.ingest([Article("a", "Two.", version=2)])[0].revision == 2
    assert detector.ingest([Article("a", "Three.")])[0].revision == 3
    assert detector.ingest([Article("a", "One again.", version=1)])[0].superseded


def test_versions_in_one_batch_are_taken_by_their_order_too() -> None:
    verdicts = Detector().ingest([Article("a", "Two.", version=2), Article("b", "B."), Article("a", "One.", version=1)])
    assert [verdict.superseded for verdict in verdicts] == [False, False, True]


def test_ninjs_says_its_version_and_when_it_was_made() -> None:
    item = b'{"uri": "u", "version": "7", "versioncreated": "2026-03-01T10:00:00+0100", "body_text": "Words."}'
    found = ninjs.parse(item, Limits())
    assert (found.version, found.updated) == (7, found.published)
    assert ninjs.parse(item.replace(b'"7"', b'"draft 7"'), Limits()).version is None


# --- dates that cannot be ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("date", ["1970-01-01", "0001-01-01", "0024-03-10", "1601-01-01", "2399-12-31", "9999-12-31"])
def test_a_date_that_cannot_be_is_unknown(date: str) -> None:
    assert parse(b'{"id": "a", "text": "x", "published": "%s"}' % date.encode(), Limits()).published is None


def test_bounds_of_dates_are_settings() -> None:
    line = b'{"id": "a", "text": "x", "published": "1931-05-01"}'
    found = parse(line, Limits(earliest_published="1900-01-01")).published
    assert found is not None
    assert format_published(found) == "1931-05-01T00:00:00Z"


# --- notices ----------------------------------------------------------------------------------------------------------


def test_a_notice_under_headlines_that_share_nothing_is_no_story() -> None:
    headlines = ["Barge sinks in Marsh End lock", "Orchard festival draws record crowd", "Mayor of Tolby steps down"]
    assert len(set(stories([Article(title, NOTICE, title) for title in headlines]))) == 3


def test_a_text_that_speaks_of_its_headline_is_found_under_another_one() -> None:
    headlines = ["Barge sinks at Marsh End lock gates", "Gravel wreck to be lifted by crane"]
    assert len(set(stories([Article(title, BODY, title) for title in headlines]))) == 1


def test_a_notice_under_one_headline_is_the_same_page() -> None:
    headlines = ["Orchard festival draws record crowd", "Record crowd at orchard festival"]
    assert len(set(stories([Article(title, NOTICE, title) for title in headlines]))) == 1


# --- what stands twice ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["Barge sinks at Marsh End lock and blocks the flight", "Łódź zalana po nocnej ulewie w centrum miasta"]
)
@pytest.mark.xfail(reason="known: the model fitted anew judges this pair below the line", strict=False)
def test_items_that_are_their_title_are_one_story_whatever_the_outlet(written: str) -> None:
    names = [f"{written} - The Tolby Echo", f"{written} | Kanal 9", written]
    assert len(set(stories([Article(name, name, name) for name in names]))) == 1


def test_a_title_that_the_text_repeats_counts_once() -> None:
    title = "Barge sinks at Marsh End lock"
    once, twice = (repeats.spans(title, body, 4096) for body in (BODY, f"{title}\n\n{BODY}"))
    assert once.spans.words.tolist() == twice.spans.words.tolist()
    assert once.title_words == twice.title_words == 6


@pytest.mark.parametrize("body", [f"{BODY}\n\n{BODY}", f"{BODY} {BODY} {BODY}"])
def test_a_body_that_was_extracted_twice_counts_once(body: str) -> None:
    assert repeats.spans(None, body, 4096).spans.words.tolist() == text.trace([BODY])[0].tolist()


def test_a_short_refrain_stays() -> None:
    body = "Row, row, row your boat, gently down the stream. Row, row, row your boat, gently down the stream."
    assert len(repeats.spans(None, body, 4096).spans.words) == len(words(body))


# --- spellings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Oʻzbekiston maʼlum", "O'zbekiston ma’lum"),
        ("O‘zbekiston", "O'zbekiston"),
        ("Københavns åbne gader ærgrer Sørens måge", "Koebenhavns aabne gader aergrer Soerens maage"),
        ("Über die Brücke müssen größere Züge", "Ueber die Bruecke muessen groessere Zuege"),
        ("Türkiye'nin güneydoğusu ışıklı", "Turkiye'nin guneydogusu isikli"),
        ("l’œuvre du cœur", "l’oeuvre du coeur"),
        ("Наводнење је затворило пут до Ђурђевца", "Navodnenje je zatvorilo put do Đurđevca"),
        ("Ўзбекистонда йўл ёпилди, деди ҳоким", "O‘zbekistonda yo‘l yopildi, dedi hokim"),
        ("颱風過後漁港開放", "台风过后渔港开放"),
        ("台 风 过 后 ， 渔 港 开 放", "台风过后，渔港开放"),
        ("東 京 で 地 震", "東京で地震"),
        ("അവര്\u200d പറഞ്ഞു", "അവർ പറഞ്ഞു"),
        ("شہر میں بہت", "شهر ميں بهت"),
        ("پل می‌رود و خانه‌ها", "پل می رود و خانه ها"),
        ("пoезд нa Мocкву", "поезд на Москву"),
        ("wi\u034fre\u2065copy\U000e0fff", "wirecopy"),
        ("It&apos;s done&comma; &fjlig;ord&period;", "It's done, fjord."),
        ("реки моря поезда".encode().decode("latin-1"), "реки моря поезда"),
    ],
)
def test_spellings_that_say_the_same_have_the_same_words(one: str, other: str) -> None:
    assert words(one) == words(other) != []


def test_latin_words_beside_cyrillic_ones_stay_latin() -> None:
    assert words("новый iPhone от Apple") == [*words("новый"), *words("iPhone"), *words("от"), *words("Apple")]


# --- at the door ------------------------------------------------------------------------------------------------------


def test_ids_that_could_not_be_read_never_become_one() -> None:
    for line in (b'{"id": "x\\ud800", "text": "one"}', b'{"id": "x\\ud801", "text": "two"}'):
        with pytest.raises(InvalidArticle, match="could not be read"):
            parse(line, Limits())


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf_16_that_says_so_is_read(tmp_path: Path, encoding: str) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    (tmp_path / "in.jsonl").write_bytes((mark + '{"text": "Łódź"}\n{"text": "二"}\n').encode(encoding))
    lines = list(read_lines(str(tmp_path / "in.jsonl"), 1000))
    assert [line and line.decode() for line in lines] == ['{"text": "Łódź"}', '{"text": "二"}']


def test_a_byte_order_mark_before_a_record_is_passed_over() -> None:
    assert parse(b'\xef\xbb\xbf{"id": "a", "text": "x"}', Limits()).id == "a"
