"""The feed over a real socket, with the real Detector and a store on disk."""

from typing import Any

import httpx
import pytest

from tests.conftest import RunService, Stored
from tests.exact_detector import Service
from tests.feed_reader import FeedReader
from tests.streams import stream
from wirecopy import Article, AsyncClient, Client, errors
from wirecopy.detector.detector import Detector


def get(service: Service, path: str, **options: Any) -> httpx.Response:
    with service.client() as client:
        return client.get(path, **options)


def stories_of(client: Client) -> dict[str, tuple[str, frozenset[str]]]:
    return {story.id: (story.canonical, frozenset(m.id for m in story.members)) for story in client.stories()}


def read_all(client: Client, after: int = 0) -> list[Any]:
    events: list[Any] = []
    while (page := client.events(after, limit=7)).events:
        events += page.events
        after = page.next
    return events


def test_applying_the_feed_gives_the_stories_before_and_after_a_restart(stored: Stored) -> None:
    service, taken = stored(), stream(40)
    with Client(service.url) as client:
        for article in taken[:10]:
            client.put_article(article)
        list(client.bulk(taken[10:]))
        events, stories = read_all(client), stories_of(client)
    reader = FeedReader()
    reader.apply(events)
    assert reader.stories() == stories
    service.stop()
    service.wait_stopped()
    with Client(stored().url) as client:
        assert read_all(client) == events
        client.put_article(Article("n3", taken[8].text))
        reader.apply(read_all(client, reader.seen))
        assert reader.stories() == stories_of(client)


def test_a_page_in_json(service: Service) -> None:
    with Client(service.url) as client:
        client.put_article(Article("a", "One two three."))
        client.put_article(Article("b", "One two three."))
    page = get(service, "/v1/events", params={"after": 1}).json()
    [event] = page["events"]
    assert event.pop("at").endswith("Z")
    assert event == {"seq": 2, "type": "joined", "story": "a", "article": "b"}
    assert page["next"] == 2
    assert get(service, "/v1/events", params={"after": 2}).json() == {"events": [], "next": 2}
    assert len(get(service, "/v1/events", params={"limit": 1}).json()["events"]) == 1


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=10001", "from=3", "after=1"])
def test_a_wrong_position_is_refused(service: Service, query: str) -> None:
    answer = get(service, f"/v1/events?{query}")
    assert answer.status_code == 422
    assert answer.json()["type"] == "/docs#invalid-parameter"


def test_pruned_events_are_410(run_service: RunService) -> None:
    detector = Detector()
    detector.ingest([Article("old", "Once there was a harbour with a bridge.")], 1)
    detector.prune(10**13)
    detector.ingest([Article("new", "Now there is none.")], 10**13)
    service = run_service(detector=detector)
    answer = get(service, "/v1/events")
    assert answer.status_code == 410
    assert answer.json()["type"] == "/docs#events-gone"
    assert "from event 2 on" in answer.json()["detail"]
    assert [event["seq"] for event in get(service, "/v1/events?after=1").json()["events"]] == [2]
    with Client(service.url) as client, pytest.raises(errors.ServiceRefused, match="410 Events gone"):
        client.events()


async def test_the_client_for_asyncio_reads_the_same(service: Service) -> None:
    async with AsyncClient(service.url) as client:
        await client.put_article(Article("a", "One two three."))
        page = await client.events()
    assert [(event.seq, event.type) for event in page.events] == [(1, "created")]
