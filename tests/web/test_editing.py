"""Merge, split and pins over a real socket, with the real Detector and a store on disk."""

from typing import Any

import httpx
import pytest

from tests.conftest import Stored
from tests.exact_detector import Service
from tests.streams import written
from wirecopy import Article, AsyncClient, Client, errors

WIRES = (("a", 1), ("b", 1), ("c", 3), ("d", 3), ("e", 4))


@pytest.fixture
def service(stored: Stored) -> Service:
    service = stored()
    with Client(service.url) as client:
        for name, wire in WIRES:
            client.put_article(Article(name, written(wire, 0)))
    return service


def ids(story: Any) -> list[str]:
    return [member.id for member in story.members]


def post(service: Service, path: str, body: Any) -> httpx.Response:
    with service.client() as client:
        return client.post(path, json=body)


def test_a_merged_story_leads_to_the_older_for_good(service: Service, stored: Stored) -> None:
    with Client(service.url) as client:
        assert ids(client.merge_stories("s2", "s4")) == ["c", "d", "e"]
        assert ids(client.merge_stories("s2", "s0")) == ["a", "b", "c", "d", "e"]
    service.stop()
    service.wait_stopped()
    again = stored()
    with again.client() as plain:
        answer = plain.get("/v1/stories/s4")
        assert (answer.status_code, answer.headers["Location"]) == (308, "/v1/stories/s0")
        assert answer.json() == {"story": "s0"}
        assert plain.get("/v1/stories/s2").status_code == 308
    with Client(again.url) as client:
        assert client.story("s4").id == "s0"
        assert [e.type for e in client.events(5).events if e.type == "merged"] == ["merged", "merged"]


def test_a_split_holds_and_its_smaller_part_has_a_new_id(service: Service) -> None:
    with Client(service.url) as client:
        done = client.split_story("s0", ["b"])
        assert (done.kept.id, ids(done.kept), ids(done.new)) == ("s0", ["a"], ["b"])
        client.put_article(Article("f", written(1, 0)))
        assert client.article("a").story != client.article("b").story
        [event] = [e for e in client.events(5).events if e.type == "split"]
        assert (event.story, event.other, event.articles) == ("s0", done.new.id, ("b",))


def test_pins_are_listed_refused_and_deleted(service: Service) -> None:
    with Client(service.url) as client:
        pin = client.pin(["a", "b"], together=False)
        assert client.pins() == [pin]
        assert client.article("a").story != client.article("b").story
        with pytest.raises(errors.ServiceRefused, match=f"409 Pinned: .* contradicts the pin {pin.id}"):
            client.merge_stories(client.article("a").story, client.article("b").story)
        client.pin(["a", "c"], together=True)
        with pytest.raises(errors.ServiceRefused, match="409"):
            client.pin(["b", "c"], together=True)
        client.unpin(pin.id)
        assert client.article("a").story == client.article("b").story
        with pytest.raises(errors.ServiceRefused, match="404 Unknown pin"):
            client.unpin(pin.id)


def test_pins_survive_restarts_and_revisions_and_go_with_erased_articles(service: Service, stored: Stored) -> None:
    with Client(service.url) as client:
        client.pin(["a", "b"], together=False)
    service.stop()
    service.wait_stopped()
    with Client(stored().url) as client:
        client.put_article(Article("b", written(1, 0) + " Corrected."))
        assert client.article("a").story != client.article("b").story
        assert len(client.pins()) == 1
        client.delete_article("b")
        assert client.pins() == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/stories/s0/merge", {}, 422),
        ("/v1/stories/s0/merge", {"with": "s99"}, 404),
        ("/v1/stories/s0/merge", {"with": "s0"}, 200),
        ("/v1/stories/s0/split", {"articles": ["a", "b"]}, 422),
        ("/v1/stories/s0/split", {"articles": ["c"]}, 422),
        ("/v1/stories/s0/split", {"articles": ["z"]}, 404),
        ("/v1/pins", {"articles": ["a"]}, 422),
        ("/v1/pins", {"articles": ["a", "a"]}, 422),
        ("/v1/pins", {"articles": ["a", "b", "c"]}, 422),
        ("/v1/pins", {"articles": ["a", "z"]}, 404),
    ],
)
def test_what_cannot_be_done_is_refused(service: Service, path: str, body: Any, status: int) -> None:
    assert post(service, path, body).status_code == status


async def test_the_client_for_asyncio_does_the_same(service: Service) -> None:
    async with AsyncClient(service.url) as client:
        assert ids(await client.merge_stories("s0", "s2")) == ["a", "b", "c", "d"]
        [pin] = await client.pins()
        await client.unpin(pin.id)
        done = await client.split_story("s0", ["a"])
        assert ids(done.new) == ["a"]
        await client.pin(["c", "e"], together=True)
