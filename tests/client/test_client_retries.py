"""Clients try again what passes, as push does, and nothing that may be done twice."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.conftest import RunService
from wirecopy import AsyncClient, Client, errors
from wirecopy.client import calls
from wirecopy.schema.article import Article, FieldLeftOut
from wirecopy.schema.dates import parse_published

PROBLEM = {"type": "/docs#x", "title": "X", "status": 503, "detail": "later"}


class Answers:
    """Stands in for the network: what each request gets, in order; then all of them 200."""

    def __init__(self, *answers: int | Exception) -> None:
        self._answers: Iterator[int | Exception] = iter(answers)
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        answer = next(self._answers, 200)
        if isinstance(answer, Exception):
            raise answer
        if answer == 200:
            return httpx.Response(200, json={"id": "a", "revisions": []})
        return httpx.Response(answer, json={**PROBLEM, "status": answer}, headers={"Retry-After": "0"})


def client_of(answers: Answers, retries: int = 3) -> Client:
    client = Client("http://service", retries=retries)
    client._http = httpx.Client(base_url="http://service", transport=httpx.MockTransport(answers))
    return client


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_FIRST_RETRY_SECONDS", 0.0)


@pytest.mark.parametrize("passing", [429, 503, 502, httpx.ConnectError("refused"), httpx.ReadError("lost")])
def test_what_passes_is_tried_again(passing: Any) -> None:
    answers = Answers(passing, passing)
    with client_of(answers) as client:
        assert client.revisions("a") == []
    assert len(answers.paths) == 3


@pytest.mark.parametrize("lasting", [400, 404, 409, 422, 500])
def test_what_does_not_pass_is_told_at_once(lasting: int) -> None:
    answers = Answers(lasting)
    with client_of(answers) as client, pytest.raises(errors.ServiceRefused):
        client.revisions("a")
    assert len(answers.paths) == 1


def test_tries_are_counted_and_may_be_none() -> None:
    for retries in (0, 2):
        answers = Answers(*[503] * 9)
        with client_of(answers, retries) as client, pytest.raises(errors.ServiceRefused):
            client.revisions("a")
        assert len(answers.paths) == retries + 1


def test_an_edit_whose_answer_was_lost_is_not_done_twice() -> None:
    answers = Answers(httpx.ReadError("lost"))
    with client_of(answers) as client, pytest.raises(errors.ServiceUnreachable):
        client.pin(["a", "b"], together=True)
    assert len(answers.paths) == 1
    assert calls.is_repeatable("PUT", "/v1/articles/a")
    assert calls.is_repeatable("POST", "/v1/articles")
    assert not calls.is_repeatable("DELETE", "/v1/articles/a")


async def test_the_client_for_asyncio_tries_again_too() -> None:
    answers = Answers(503, httpx.ConnectError("refused"))
    async with AsyncClient("http://service") as client:
        client._http = httpx.AsyncClient(base_url="http://service", transport=httpx.MockTransport(answers))
        assert await client.revisions("a") == []
    assert len(answers.paths) == 3


def test_a_bulk_stream_that_is_lost_goes_on_behind_its_last_answer(run_service: RunService) -> None:
    service = run_service()
    with Client(service.url) as client:
        whole = client.bulk_lines
        broken = iter([2, 0])

        def lossy(lines: list[bytes]) -> Iterator[Any]:
            left = next(broken, None)
            for number, answer in enumerate(whole(lines)):
                if number == left:
                    raise errors.ServiceUnreachable(service.url, "lost")
                yield answer

        client.bulk_lines = lossy  # type: ignore[method-assign]
        found = list(client.bulk([Article(f"a{n}", f"Text {n}") for n in range(5)]))
    assert [(answer.line, answer.id) for answer in found] == [(n + 1, f"a{n}") for n in range(5)]


def test_an_article_takes_times_in_the_forms_that_programs_have() -> None:
    moment = parse_published("2026-03-02T09:30:00Z")
    for published in (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "Mon, 02 Mar 2026 09:30:00 GMT", moment):
        assert Article("a", "T.", published=published).published == moment
    with pytest.raises(errors.InvalidArticle, match="embargoed must be"):
        Article("a", "T.", embargoed="soon")


def test_an_article_is_made_of_a_record_with_the_tolerance_of_every_edge() -> None:
    record = {"_id": 7, "content": "T.", "source": {"name": "Post"}, "pubDate": "Mon, 02 Mar 2026 09:30:00 GMT"}
    assert Article.from_dict(record) == Article("7", "T.", None, "Post", None, parse_published("2026-03-02T09:30:00Z"))
    with pytest.warns(FieldLeftOut, match="title must be a string"):
        assert Article.from_dict({"id": "a", "text": "T.", "title": 3}) == Article("a", "T.")
    with pytest.raises(errors.InvalidArticle, match="title must be a string"):
        Article.from_dict({"id": "a", "text": "T.", "title": 3}, strict=True)
    with pytest.raises(errors.InvalidArticle, match="text is missing"):
        Article.from_dict({"id": "a"})
