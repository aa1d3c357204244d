"""The typed clients, the waiting one and the one for asyncio, against a running service."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

import wirecopy
from tests.conftest import RunService
from tests.exact_detector import ExactDetector, Service
from wirecopy import Article, AsyncClient, Client, errors
from wirecopy.client.calls import MAX_CHUNK_LINES
from wirecopy.config import Auth, Config, Key, Web
from wirecopy.schema import wire
from wirecopy.schema.answers import Stored

MOMENT = datetime(2026, 3, 2, 8, 30, 0, 123000, tzinfo=UTC)
ARTICLE = Article("a/1 é", "The same text.", "Title", "wire", "https://example.org", 1772440200123, "en")


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


def test_what_is_put_can_be_read(client: Client) -> None:
    verdict = client.put_article(ARTICLE)
    assert (verdict.id, verdict.story, verdict.replayed) == (ARTICLE.id, ARTICLE.id, False)
    assert client.post_article(ARTICLE).replayed
    stored = client.article(ARTICLE.id)
    assert isinstance(stored, Stored)
    assert (stored.title, stored.published, stored.text) == ("Title", MOMENT, "The same text.")
    assert stored.first_seen.tzinfo is not None
    assert client.article(ARTICLE.id, by_query=True) == stored
    assert client.matches(ARTICLE.id) == ()
    assert client.story(ARTICLE.id).members[0].published == MOMENT


def test_a_mapping_is_sent_as_it_is(client: Client) -> None:
    verdict = client.put_article({"id": "m1", "text": "x", "published": MOMENT, "extra": [1]})
    assert verdict.id == "m1"
    assert client.article("m1").published == MOMENT


def test_check_stores_nothing(client: Client) -> None:
    client.put_article(Article("a1", "x"))
    assert client.check_article(Article("a2", "x")).match == "a1"
    with pytest.raises(errors.ServiceRefused):
        client.article("a2")


def test_stories_are_all_there_over_all_pages(client: Client) -> None:
    for number in range(7):
        client.put_article(Article(f"a{number}", f"Text {number}.", source="wire"))
    client.put_article(Article("copy", "Text 3.", source="daily"))
    assert [story.id for story in client.stories(page_size=3)] == [f"a{number}" for number in reversed(range(7))]
    assert [story.id for story in client.stories(min_size=2, source="daily", since=MOMENT)] == ["a3"]
    assert list(client.stories(since=datetime(2999, 1, 1, tzinfo=UTC))) == []


def test_bulk_answers_for_every_article_in_order(client: Client) -> None:
    count = MAX_CHUNK_LINES + 10
    articles: list[Any] = [Article(f"a{number}", f"Text {number}\u2028\u0085.") for number in range(count)]
    articles[5] = {"id": "bad"}
    answers = list(client.bulk(iter(articles)))
    assert [answer.line for answer in answers] == list(range(1, count + 1))
    assert [answer.line for answer in answers if answer.problem] == [6]
    assert answers[-1].verdict is not None
    assert answers[-1].verdict.id == f"a{count - 1}"
    assert list(client.bulk([])) == []


def test_a_refusal_carries_the_problem(client: Client) -> None:
    with pytest.raises(errors.ServiceRefused, match=r"404 Unknown article: no article has the id 'nobody'") as refusal:
        client.article("nobody")
    assert (refusal.value.status, refusal.value.type) == (404, "/docs#unknown-article")
    with pytest.raises(errors.ServiceRefused, match="422 Invalid article: text is missing"):
        client.put_article({"id": "a1"})
    for article_id in ("", ".", ".."):
        with pytest.raises(errors.InvalidArticle):
            client.put_article(Article(article_id, "x"))


def test_a_busy_service_says_when_to_come_again(run_service: RunService) -> None:
    service = run_service(Config(web=Web(max_bulk_streams=1)))
    service.app.streams.add(None)  # type: ignore[arg-type]
    with Client(service.url) as client, pytest.raises(errors.ServiceRefused) as refusal:
        list(client.bulk([ARTICLE]))
    assert (refusal.value.status, refusal.value.retry_after) == (503, 1.0)
    service.app.streams.clear()


def test_a_stream_that_ends_early_raises_after_the_answers_it_gave(run_service: RunService) -> None:
    class Failing(ExactDetector):
        def ingest(self, articles: Any, *arguments: Any, **options: Any) -> Any:
            if any(article.text == "poison" for article in articles):
                raise errors.StorageFailed("no space left on device")
            return super().ingest(articles, *arguments, **options)

    service = run_service(detector=Failing())
    articles = [Article(f"a{number}", "poison" if number == 1000 else "x" * (number + 1)) for number in range(1500)]
    answers: list[wire.BulkAnswer] = []
    with Client(service.url, retries=0) as client, pytest.raises(errors.ServiceRefused, match="503 Storage failed"):
        answers.extend(client.bulk(articles))
    assert len(answers) <= 1001
    assert all(answer.verdict for answer in answers[:-1])


def test_a_key_is_sent(run_service: RunService) -> None:
    key = Key("desk", "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b")  # of "secret"
    service = run_service(Config(auth=Auth([key])))
    with Client(service.url, key="secret") as client:
        assert client.put_article(ARTICLE).id == ARTICLE.id
    with Client(service.url) as client, pytest.raises(errors.ServiceRefused, match="401 Not authorized"):
        client.put_article(ARTICLE)


def test_health_metrics_and_description_are_there(client: Client) -> None:
    assert client.is_live()
    assert client.is_ready()
    assert "wirecopy_requests_total" in client.metrics()
    assert client.openapi()["openapi"] == "3.1.0"


def test_a_service_that_does_not_answer_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Client(f"http://127.0.0.1:{port}") as client:
        assert not client.is_live()
        with pytest.raises(errors.ServiceUnreachable, match=f"cannot reach http://127.0.0.1:{port}: "):
            client.put_article(ARTICLE)
        with pytest.raises(errors.ServiceUnreachable):
            list(client.bulk([ARTICLE]))
    with Client("http://[") as client, pytest.raises(errors.ServiceUnreachable):
        client.put_article(ARTICLE)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
    ],
)
def test_something_else_that_answers_is_told_from_the_service(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer_once() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                connection.recv(65536)
                connection.sendall(answer)
                connection.close()

        thread = threading.Thread(target=answer_once)
        thread.start()
        with Client(f"http://127.0.0.1:{server.getsockname()[1]}", retries=0) as client:
            with pytest.raises(errors.ServiceError):
                client.put_article(ARTICLE)
            with pytest.raises(errors.ServiceError):
                list(client.bulk([ARTICLE]))
        thread.join(20)


async def test_the_client_for_asyncio_does_the_same(service: Service) -> None:
    async def articles() -> AsyncIterator[Article]:
        for number in range(MAX_CHUNK_LINES + 10):
            yield Article(f"a{number}", f"Text {number}.")

    async with AsyncClient(service.url) as client:
        assert (await client.put_article(ARTICLE)).id == ARTICLE.id
        assert (await client.post_article(ARTICLE)).replayed
        assert (await client.check_article(Article("x", "The same text."))).match == ARTICLE.id
        assert (await client.article(ARTICLE.id)).published == MOMENT
        assert await client.matches(ARTICLE.id) == ()
        assert (await client.story(ARTICLE.id)).canonical == ARTICLE.id
        answers = [answer async for answer in client.bulk(articles())]
        assert [answer.line for answer in answers] == list(range(1, MAX_CHUNK_LINES + 11))
        assert len([story async for story in client.stories(page_size=500)]) == MAX_CHUNK_LINES + 11
        assert [answer.status async for answer in client.bulk([ARTICLE])] == [200]
        assert await client.is_live()
        assert await client.is_ready()
        assert "wirecopy_requests_total" in await client.metrics()
        assert (await client.openapi())["openapi"] == "3.1.0"
        with pytest.raises(errors.ServiceRefused):
            await client.article("nobody")


def test_both_clients_have_the_same_methods() -> None:
    def methods(kind: type) -> set[str]:
        return {name for name in vars(kind) if not name.startswith("_")}

    assert methods(Client) == methods(AsyncClient)
    assert wirecopy.Client is Client
