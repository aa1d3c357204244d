"""What sources repeat is found in their articles, shown with its words, and can be forgotten."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service
from tests.streams import wire
from wirecopy import errors
from wirecopy.cli.commands import main
from wirecopy.client.client import AsyncClient, Client
from wirecopy.config import Config
from wirecopy.config import Service as ServiceSettings
from wirecopy.detector.answers import boilerplate
from wirecopy.detector.detector import SCHEME, Detector, scheme_of
from wirecopy.schema.article import Article
from wirecopy.storage import Store

# Not all of a passage is drawn: what is learnt of it, and listed, may lack some words at either end.
ASK = "Sign up for our free morning newsletter and never miss a story from your own county again"
MORE = "Mehr zum Thema lesen Sie jeden Samstag in unserer gedruckten Ausgabe oder als E-Paper"


def article(k: int, source: str | None = "daily.example", *clutter: str, title: str | None = None) -> Article:
    """An article about something of its own, with clutter before and behind."""
    return Article(f"{source}-{k}", " ".join([*clutter, *wire(1000 * k)]), title=title, source=source, published=k)


@pytest.fixture
def detector(tmp_path: Path) -> Iterator[Detector]:
    """Six articles of one source with two passages of clutter, five of another with one, in a store with texts."""
    made = Detector(store=Store.open(tmp_path / "data", scheme=SCHEME))
    made.ingest([article(k, "daily.example", f"{ASK}.\n", *([MORE] if k % 2 else [])) for k in range(1, 13)], 1)
    made.ingest([article(k, "blatt.example", MORE) for k in range(20, 25)], 1)
    made.ingest([article(k, None, MORE) for k in range(30, 33)], 1)
    yield made
    made.close()


def test_passages_are_listed_by_source_with_their_words_and_how_often_they_stand(detector: Detector) -> None:
    found, cursor = detector.boilerplate(source="daily.example")
    assert cursor is None
    ask, both = found
    assert (ask.articles, ask.example, both.articles, both.example) == (12, "daily.example-12", 6, "daily.example-11")
    assert ask.text is not None
    assert both.text is not None
    assert ask.text in ASK
    assert both.text in f"{ASK}.\n {MORE}"
    assert (both.text.startswith(ask.text), ".\n Mehr" in both.text) == (True, True)
    assert ask.words == len(ask.text.split()) >= len(ASK.split()) - 4
    assert ASK.split()[ask.first_word] == ask.text.split()[0]
    (other,) = detector.boilerplate(source="blatt.example")[0]
    assert (other.source, other.articles) == ("blatt.example", 5)
    assert (other.text or "-") in MORE
    assert detector.boilerplate(source="") == ([], None)  # in three articles only
    assert detector.boilerplate(source="nobody.example") == ([], None)


def test_all_sources_are_listed_page_by_page(detector: Detector) -> None:
    whole, _ = detector.boilerplate()
    assert len(whole) == 3
    paged, cursor = detector.boilerplate(limit=1)
    while cursor is not None:
        page, cursor = detector.boilerplate(limit=1, cursor=cursor)
        paged += page
    assert paged == whole


def test_a_page_ends_behind_the_source_that_was_too_long(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = detector.boilerplate()
    monkeypatch.setattr(boilerplate, "_PAGE_WORDS", 1)
    paged, cursor = detector.boilerplate()
    pages = 1
    while cursor is not None:
        page, cursor = detector.boilerplate(cursor=cursor)
        paged += page
        pages += 1
    assert paged == whole
    assert pages == 4  # a source each, and the one that says that there are no more


def test_what_is_found_does_not_depend_on_the_size_of_parts(
    detector: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = detector.boilerplate()
    monkeypatch.setattr(boilerplate, "PART_WORDS", 1)
    parts = detector.boilerplate_in_parts()
    assert sum(1 for _ in parts) >= 17
    assert detector.boilerplate() == whole


def test_articles_may_come_and_go_between_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boilerplate, "PART_WORDS", 1)
    detector = Detector(Config(service=ServiceSettings(max_indexed_articles=1024, index_days=1.0)))
    detector.ingest([article(k, "daily.example", ASK) for k in range(12)], 1)
    parts = detector.boilerplate_in_parts()
    for _ in range(3):
        next(parts)
    detector.expire(40 * 86_400_000)
    detector.ingest([article(k, "daily.example", ASK) for k in range(12, 20)], 40 * 86_400_000)
    found, cursor = boilerplate.finish(parts)
    assert (len(found), cursor) in [(0, None), (1, None)]
    assert detector.boilerplate()[0][0].articles == 8


def test_a_passage_of_the_title_is_shown(detector: Detector) -> None:
    heading = "Weather for the county today and tomorrow and the day after that"
    detector.ingest([article(k, "wetter.example", title=heading) for k in range(40, 46)], 2)
    (passage,) = detector.boilerplate(source="wetter.example")[0]
    assert passage.text is not None
    assert passage.text in heading
    assert heading.split()[passage.first_word] == passage.text.split()[0]


def test_without_kept_texts_it_is_said_where_a_passage_stands() -> None:
    detector = Detector()
    detector.ingest([article(k, "daily.example", "Council:", ASK) for k in range(8)], 1)
    (passage,) = detector.boilerplate()[0]
    assert (passage.source, passage.articles, passage.text) == ("daily.example", 8, None)
    assert passage.first_word >= 0
    assert 10 < passage.words <= len(ASK.split()) + 1 - passage.first_word


def test_a_cleared_source_is_learnt_anew_and_others_are_not_touched(detector: Detector) -> None:
    assert detector.clear_boilerplate("daily.example", 5) == 12
    assert detector.boilerplate(source="daily.example") == ([], None)
    assert len(detector.boilerplate()[0]) == 1
    assert detector.clear_boilerplate("daily.example", 5) == 0
    detector.ingest([article(k, "daily.example", ASK) for k in range(50, 53)], 6)
    assert detector.boilerplate(source="daily.example") == ([], None)
    detector.ingest([article(53, "daily.example", ASK)], 6)
    assert [passage.articles for passage in detector.boilerplate(source="daily.example")[0]] == [4]


def test_full_counters_are_emptied() -> None:
    detector = Detector()
    detector.ingest([article(k, None, ASK) for k in range(300)], 1)
    assert detector.boilerplate(source="")[0][0].articles == 300
    assert detector.clear_boilerplate(None) == 300
    assert not detector._state.window.repeats.any()


def test_a_cleared_passage_counts_as_evidence_again() -> None:
    detector = Detector()
    detector.ingest([article(k, "daily.example", ASK) for k in range(8)], 1)
    window = detector._state.window
    passage = detector.boilerplate()[0][0]
    words = slice(passage.first_word, passage.first_word + passage.words)
    assert not any(window.written(7).weights[words])
    detector.clear_boilerplate("daily.example")
    detector.ingest([article(9, "daily.example", ASK)], 1)
    assert any(window.written(8).weights[words])
    assert not any(window.written(7).weights[words])  # what was decided stays


def test_where_nothing_is_masked_nothing_is_listed() -> None:
    config = Config()
    config = type(config)(detection=type(config.detection)(boilerplate_stories=0))
    detector = Detector(config)
    detector.ingest([article(k, "daily.example", ASK) for k in range(8)], 1)
    assert detector.boilerplate() == ([], None)


@pytest.mark.parametrize("cursor", ["", "x", "0" * 47, "0" * 49, "٣" * 48])
def test_a_cursor_of_no_page_is_refused(cursor: str) -> None:
    with pytest.raises(errors.UsageError, match="no page has the cursor"):
        Detector().boilerplate(cursor=cursor)


# --- over HTTP --------------------------------------------------------------------------------------------------------


def fill(service: Service) -> None:
    with Client(service.url) as client:
        for k in range(6):
            client.put_article(Article(f"{k}", f"text {k}", source=f"s{k % 3}" if k % 3 else None))


def test_a_client_lists_and_clears(service: Service) -> None:
    fill(service)
    with Client(service.url) as client:
        assert [passage.source for passage in client.boilerplate(page_size=1)] == [None, "s1", "s2"]
        assert [passage.example for passage in client.boilerplate(source="s1")] == ["1"]
        assert [passage.example for passage in client.boilerplate(source="")] == ["0"]
        assert client.clear_boilerplate("s1") == 2
        assert client.clear_boilerplate("") == 2
        assert [passage.source for passage in client.boilerplate()] == ["s2"]


def test_so_does_the_client_for_asyncio(service: Service) -> None:
    fill(service)

    async def use() -> tuple[int, list[str | None]]:
        async with AsyncClient(service.url) as client:
            cleared = await client.clear_boilerplate("s2")
            return cleared, [passage.source async for passage in client.boilerplate(page_size=1)]

    assert asyncio.run(use()) == (2, [None, "s1"])


def test_the_answers_are_json_and_a_wrong_question_is_told(service: Service) -> None:
    fill(service)
    with service.client() as client:
        page = client.get("/v1/boilerplate", params={"source": "s1"}).json()
        assert page == {
            "passages": [
                {"source": "s1", "articles": 2, "words": 3, "text": "Read more here.", "example": "1", "first_word": 7}
            ],
            "cursor": None,
        }
        assert client.delete("/v1/boilerplate").json()["detail"].startswith("the parameter source is missing")
        assert client.delete("/v1/boilerplate", params={"source": ""}).json() == {"source": None, "articles": 2}
        assert client.get("/v1/boilerplate", params={"limit": "0"}).status_code == 422
        assert client.put("/v1/boilerplate").headers["Allow"] == "GET, DELETE, HEAD"


def test_a_real_detector_answers_over_http(run_service: RunService, tmp_path: Path) -> None:
    config = Config(service=ServiceSettings(data=str(tmp_path / "data")))
    service = run_service(
        config, open_detector=lambda: Detector(config, Store.open(tmp_path / "data", scheme=scheme_of(config)))
    )
    with Client(service.url) as client:
        service.wait_ready()
        assert all(answer.verdict for answer in client.bulk(article(k, "daily.example", ASK) for k in range(8)))
        (passage,) = client.boilerplate()
        assert (passage.source, passage.articles) == ("daily.example", 8)
        assert (passage.text or "-") in ASK
        assert client.clear_boilerplate("daily.example") == 8
        assert not list(client.boilerplate())


def test_a_clearing_that_cannot_be_stored_ends_the_service(run_service: RunService) -> None:
    detector = ExactDetector()
    service = run_service(detector=detector)
    fill(service)
    detector.failure = errors.StorageFailed("the disk is full")
    with Client(service.url) as client, pytest.raises(errors.ServiceRefused) as refused:
        client.clear_boilerplate("s1")
    assert refused.value.status == 503
    service.wait_ended()


# --- on a folder ------------------------------------------------------------------------------------------------------


def test_the_command_lists_and_clears(detector: Detector, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    detector.close()
    data = ["--data", str(tmp_path / "data")]
    assert main(["boilerplate", *data]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert any(line.startswith("daily.example                  12 articles ") for line in lines)
    assert main(["boilerplate", *data, "--source", "daily.example", "--clear"]) == 0
    assert "forgotten what stood in 12 articles" in capsys.readouterr().out
    assert main(["boilerplate", *data, "--source", "daily.example"]) == 0
    assert "no passage stands in 4 indexed articles of one source" in capsys.readouterr().out


def test_the_command_refuses_to_clear_everything_and_a_folder_without_articles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["boilerplate", "--data", str(tmp_path), "--clear"]) == 2
    assert "--clear needs --source" in capsys.readouterr().err
    assert main(["boilerplate", "--data", str(tmp_path / "none")]) == 3
    assert capsys.readouterr().err == f"wirecopy: {tmp_path / 'none'} holds no stored articles\n"
    assert not (tmp_path / "none").exists()


def test_the_command_says_where_a_passage_stands_when_texts_are_not_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = Config(service=ServiceSettings(keep_text=False))
    detector = Detector(config, Store.open(tmp_path / "data", scheme=SCHEME))
    detector.ingest([article(k, "daily.example", ASK) for k in range(6)], 1)
    detector.close()
    assert main(["boilerplate", "--data", str(tmp_path / "data")]) == 0
    assert "(in daily.example-5 from word " in capsys.readouterr().out
