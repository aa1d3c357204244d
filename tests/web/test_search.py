"""Search: what is found by which words, in all scripts; the file follows the feed, and is made again when lost."""

import sqlite3
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.exact_detector import wait_until
from tests.streams import written
from tests.web.test_page import Open, caught_up, page
from wirecopy import Article, Client
from wirecopy.config import Config, Page
from wirecopy.schema.events import Event
from wirecopy.schema.listing import Document
from wirecopy.web.search.index_file import IndexFile, Wanted
from wirecopy.web.search.terms import indexed, question

__all__ = ["page"]  # a fixture

DAY = 86_400_000
TEXTS = {
    "en": "The harbour bridge was closed to all traffic on Monday",
    "de": "Die Brücke über den Fluß bleibt gesperrt",
    "zh": "东京都知事周一宣布关闭港口大桥",
    "ja": "港の橋が閉鎖された",
    "ru": "Мост в гавани закрыт для движения",
    "ar": "أغلقت السلطات جسر الميناء",
    "hi": "बंदरगाह का पुल बंद कर दिया गया",
    "ko": "항구의 다리가 폐쇄되었다",
    "th": "สะพานท่าเรือถูกปิด",
}


def document(name: str, text: str, day: int = 0, source: str | None = None) -> Document:
    language = name if name in TEXTS else "en"
    return Document(name, "s0", f"Title {name}", source, None, language, None, day * DAY, "usable", text)


def told(*documents: Document, first: int = 1) -> list[Event[int]]:
    return [Event(first + k, "created", 1000 + k, f"s{k}", one.id) for k, one in enumerate(documents)]


@pytest.fixture
def file(tmp_path: Path) -> IndexFile:
    file = IndexFile(tmp_path / "search.sqlite3")
    documents = [document(name, text, day, f"{name}.example") for day, (name, text) in enumerate(TEXTS.items())]
    file.apply(told(*documents), documents)
    return file


def found(file: IndexFile, words: str, **wanted: object) -> list[str]:
    return [hit.id for hit in file.find(Wanted(words, **wanted), 50)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("bridge", ["en"]),
        ("BRIDGE harbour", ["en"]),
        ('"harbour bridge"', ["en"]),
        ('"bridge harbour"', []),
        ("harb*", ["en"]),
        ("brucke", ["de"]),
        ("Brücke", ["de"]),
        ("东京", ["zh"]),
        ("东", ["zh"]),
        ("大桥", ["zh"]),
        ("桥", ["zh"]),
        ("东京都知事", ["zh"]),
        ("京东", []),
        ("橋", ["ja"]),
        ("閉鎖", ["ja"]),
        ("мост", ["ru"]),
        ("جسر", ["ar"]),
        ("पुल", ["hi"]),
        ("다리", ["ko"]),
        ("ท่าเรือ", ["th"]),
        ("title", list(TEXTS)[::-1]),
        ("title -bridge -мост", [name for name in list(TEXTS)[::-1] if name not in ("en", "ru")]),
        ("title:bridge", []),
        ("-bridge", []),
        ("", list(TEXTS)[::-1]),
        ("...", []),
    ],
)
def test_words_are_found_in_every_script(file: IndexFile, asked: str, expected: list[str]) -> None:
    assert found(file, asked) == expected


def test_sources_languages_and_days_narrow_what_is_found(file: IndexFile) -> None:
    assert found(file, "title", sources=("de.example", "zh.example")) == ["zh", "de"]
    assert found(file, "", language="ar") == ["ar"]
    assert found(file, "title", language="AR") == ["ar"]
    assert found(file, "title", since=7 * DAY) == ["th", "ko"]
    assert found(file, "", until=1 * DAY + 5) == ["de", "en"]
    assert found(file, "bridge", sources=("de.example",)) == []
    assert file.languages() == sorted(TEXTS)
    assert file.volume(7 * DAY) == [(7 * DAY, 1), (8 * DAY, 1)]


def test_pages_follow_each_other_without_gap_or_overlap(file: IndexFile) -> None:
    pages, before = [], None
    while hits := file.find(Wanted("title"), 2, before):
        pages += [hit.id for hit in hits]
        before = hits[-1].number
    assert pages == list(TEXTS)[::-1]


def test_a_revision_replaces_and_what_is_gone_is_not_found(file: IndexFile) -> None:
    again = document("en", "The ferry runs instead", 0)
    file.apply([Event(50, "revised", 2000, "s0", "en", revision=2)], [again])
    assert (found(file, "bridge"), found(file, "ferry")) == ([], ["en"])
    file.apply([Event(51, "deleted", 2001, "s0", "en")], [], ["en"])
    assert found(file, "ferry") == []
    file.forget("de")
    assert found(file, "brucke") == []
    assert file.place == (51, 2001)


def test_no_word_of_what_was_removed_is_left_after_a_purge(file: IndexFile, tmp_path: Path) -> None:
    secret = document("secret", "zanzibarlike quixotry " * 20)
    file.apply(told(secret, first=60), [secret])
    file.forget("secret")
    file.purge()
    file.close()
    assert all(b"zanzibarlike" not in path.read_bytes() for path in tmp_path.iterdir())


def test_the_life_of_a_story_is_told_from_both_sides(file: IndexFile) -> None:
    file.apply([Event(70, "merged", 3000, "s0", other="s1")], [])
    assert [(e.type, e.story, e.other) for e in file.life("s0", 10)][-1] == ("merged", "s0", "s1")
    assert [(e.type, e.story, e.other) for e in file.life("s1", 10)][-1] == ("merged", "s1", "s0")


@pytest.mark.parametrize("content", [b"", b"no database at all" * 300, None])
def test_a_file_that_is_damaged_or_of_another_version_is_made_anew(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "search.sqlite3"
    if content is None:
        with sqlite3.connect(path) as other:
            other.execute("PRAGMA user_version = 999")
            other.execute("CREATE TABLE reached (x)")
        other.close()
    else:
        path.write_bytes(content)
    file = IndexFile(path)
    assert (file.place, file.find(Wanted(""), 10)) == ((0, 0), [])
    one = document("a", "words")
    file.apply(told(one), [one])
    assert found(file, "words") == ["a"]
    file.close()


def test_a_file_that_is_damaged_while_it_is_open_is_replaced_under_its_readers(file: IndexFile, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as other:
        assert other.submit(found, file, "bridge").result() == ["en"]
        file.start_anew()
        assert other.submit(found, file, "bridge").result() == []
        one = document("en", TEXTS["en"])
        file.apply(told(one), [one])
        assert other.submit(found, file, "bridge").result() == ["en"]
    file.close()


def test_a_service_whose_file_is_damaged_makes_it_again(page: Open, tmp_path: Path) -> None:
    service = page()
    with service.client() as client:
        for k in range(40):
            client.put(f"/v1/articles/{k}", json={"text": written(k, 0), "title": f"Zebra {k}"})
        caught_up(service)
        indexing = service.app.indexing
        assert indexing is not None
        path = tmp_path / "search.sqlite3"
        indexing.file.purge()  # all is in the file itself, nothing in its log
        path.write_bytes(b"\x00" * path.stat().st_size)
        client.put("/v1/articles/late", json={"text": written(99, 0), "title": "Zebra late"})

        def is_found() -> bool:
            answer = client.get("/v1/articles?q=zebra&limit=500")
            assert answer.status_code in (200, 503)
            return answer.status_code == 200 and len(answer.json()["articles"]) == 41

        wait_until(is_found, 40)


@given(st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_no_question_breaks_the_search(asked: str) -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5(title, text)")
        made = question(asked)
        if made is not None:
            connection.execute(
                "SELECT rowid FROM words WHERE words MATCH ?", (f"{{title text}} : ({made})",)
            ).fetchall()
    connection.close()


def test_the_file_goes_on_after_a_restart_and_is_made_again_when_it_is_lost(page: Open, tmp_path: Path) -> None:
    service = page()
    with Client(service.url) as client:
        client.put_article(Article("a", written(1, 0), title="Zebra crossing"))
    caught_up(service)
    service.stop()
    service.wait_stopped()
    for path in tmp_path.glob("search.sqlite3*"):
        path.unlink()
    again = page()
    caught_up(again)
    with again.client() as plain:
        assert [one["id"] for one in plain.get("/v1/articles?q=zebra").json()["articles"]] == ["a"]
        [story] = plain.get("/v1/stories?q=zebra").json()["stories"]
        assert story["canonical"] == "a"


def test_a_file_of_another_feed_is_not_believed(page: Open, tmp_path: Path) -> None:
    stranger = IndexFile(tmp_path / "search.sqlite3")
    one = document("stranger", "A text that this service never had")
    stranger.apply(told(one, first=900), [one])
    stranger.close()
    service = page()
    with service.client() as client:
        client.put("/v1/articles/own", json={"text": "A text of our own", "title": "Own"})
        wait_until(lambda: client.get("/v1/articles?q=text").json()["articles"])
        assert [one["id"] for one in client.get("/v1/articles?q=text").json()["articles"]] == ["own"]


def test_a_story_is_listed_once_however_many_pages_there_are(page: Open) -> None:
    service = page()
    with service.client() as client:
        for k in range(12):
            wire = k % 3
            client.put(f"/v1/articles/{k}", json={"text": written(wire, 0), "title": "Same headline"})
        caught_up(service)
        seen, cursor = [], ""
        while cursor is not None:
            query = {"q": "headline", "limit": "1", **({"cursor": cursor} if cursor else {})}
            answer = client.get("/v1/stories", params=query).json()
            seen += [story["id"] for story in answer["stories"]]
            cursor = answer["cursor"]
        assert sorted(seen) == ["s0", "s1", "s2"]


def test_where_search_is_off_whoever_searches_is_told(page: Open) -> None:
    service = page(Config(page=Page(search=False)))
    with service.client() as client:
        answer = client.get("/v1/stories?q=x")
        assert (answer.status_code, answer.json()["detail"]) == (
            422,
            "nothing can be searched here: page.search is off",
        )


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_long_texts_are_normalised_as_if_they_were_short(text: str) -> None:
    apart = unicodedata.normalize("NFD", text)
    for shift in range(0, 60, 7):
        written = "x" * shift + apart * 30
        assert indexed(written) == indexed(unicodedata.normalize("NFKC", written))
