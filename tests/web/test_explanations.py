"""The routes that say why, over a real socket: with kept texts, with the caller's, with none."""

from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from tests.conftest import Stored
from tests.detection.test_comparison import AGENCY, OUTLET
from tests.exact_detector import Service
from wirecopy import Article, Client, errors
from wirecopy.config import Config
from wirecopy.config import Service as ServiceSettings
from wirecopy.detection.evidence.model import FEATURES

IDS = ("wire/1 é", "daily")
PATH = f"/v1/articles/{quote(IDS[0], safe='')}/matches/{IDS[1]}"

Start = Callable[[bool], Service]


@pytest.fixture
def start(stored: Stored) -> Start:
    """Starts a service with the real Detector, that keeps texts or not, and two articles in it."""

    def run(keep_text: bool) -> Service:
        service = stored(Config(service=ServiceSettings(keep_text=keep_text)))
        with Client(service.url) as client:
            client.put_article(Article(IDS[0], AGENCY, title="Bridge closed"))
            client.put_article(Article(IDS[1], AGENCY + "\n\n" + OUTLET.split("\n\n")[2]))
        return service

    return run


def test_a_pair_is_explained_by_its_kept_texts(start: Start) -> None:
    service = start(True)
    with service.client() as client:
        answer = client.get(PATH)
        match = client.get(f"/v1/articles/{IDS[1]}/matches").json()["matches"][0]
    assert answer.status_code == 200
    told = answer.json()
    assert (told["a"], told["b"], told["score"], told["relation"]) == (*IDS, match["score"], match["relation"])
    passage = told["passages"][0]
    assert passage["text"] == AGENCY[passage["a_start"] : passage["a_end"]]
    assert [paragraph["mark"] for paragraph in told["paragraphs"]["b"]] == ["shared"] * 4 + ["only here"]
    assert told["numbers"] == [{"a": None, "b": {"text": "300", "start": 559, "end": 562, "word": 95, "words": 1}}]
    assert len(told["features"]) == len(FEATURES)


def test_without_texts_words_are_told_and_the_callers_texts_are_aligned(start: Start) -> None:
    service = start(False)
    texts = {"a": AGENCY, "b": AGENCY + "\n\n" + OUTLET.split("\n\n")[2]}
    with service.client() as client:
        bare = client.get(PATH).json()
        given = client.post(PATH, json=texts)
        swapped = client.post(PATH, json={"a": texts["b"], "b": texts["a"]})
    assert bare["paragraphs"] is None
    assert (bare["passages"][0]["text"], bare["passages"][0]["a_word"]) == (None, 0)
    assert given.status_code == 200
    told = given.json()
    assert told["passages"][0]["text"] == AGENCY[: told["passages"][0]["a_end"]]
    assert told["passages"][0]["words"] == bare["passages"][0]["words"]
    assert told["features"] == bare["features"]
    assert (swapped.status_code, swapped.json()["type"]) == (422, "/docs#invalid-article")
    assert IDS[0] in swapped.json()["detail"]


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/v1/articles/nobody/matches/daily", 404, "'nobody'"),
        ("/v1/articles/daily/matches/nobody", 404, "'nobody'"),
        ("/v1/articles/daily/matches/daily", 422, "'daily'"),
        ("/v1/articles/daily/matches/a/b", 404, "%2F"),
        ("/v1/articles/daily/matches/", 404, "nothing"),
        ("/v1/articles/daily/nothing/daily", 404, "nothing"),
        ("/v1/stories/s99/why", 404, "'s99'"),
    ],
)
def test_what_is_not_there_is_named(start: Start, path: str, status: int, named: str) -> None:
    with start(True).client() as client:
        answer = client.get(path)
    assert answer.status_code == status
    assert named in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"a": "x"}, 422, "b must be the text of the second article"),
        ({"a": 1, "b": "x"}, 422, "a must be the text of the first article"),
        ([], 422, "object"),
        ("", 422, "object"),
    ],
)
def test_texts_that_are_none_are_refused_by_name(service: Service, body: object, status: int, named: str) -> None:
    with service.client() as client:
        for article in ("1", "2"):
            client.put(f"/v1/articles/{article}", json={"text": "Some text."})
        answer: httpx.Response = client.post("/v1/articles/1/matches/2", json=body)
    assert answer.status_code == status
    assert named in answer.json()["detail"]


def test_clients_ask_why(start: Start) -> None:
    with Client(start(True).url) as client:
        explained = client.explain(*IDS)
        assert explained.passages[0].text == AGENCY[: explained.passages[0].a_end]
        story = client.article(IDS[0]).story
        reasons = client.why(story)
        assert [(tie.id, tie.match, tie.compared) for tie in reasons.members] == [(*IDS, 1), (*reversed(IDS), 1)]
        assert all(tie.average_odds is not None and tie.average_odds > reasons.least_odds for tie in reasons.members)
        with pytest.raises(errors.ServiceRefused, match="text given for 'daily'"):
            client.explain(*IDS, texts=(AGENCY, "Something else."))
