"""What editors do and search for over the typed clients."""

import msgspec

from tests.conftest import Stored
from tests.streams import written
from tests.web.test_page import Open, caught_up, page
from wirecopy import Article, AsyncClient, Client

__all__ = ["page"]  # a fixture


def test_an_editor_works_over_the_client(stored: Stored) -> None:
    with Client(stored().url) as client:
        for k, name in enumerate("abc"):
            client.put_article(Article(name, written(k, 0), source=f"{name}.example"))
        client.put_article(Article("d", written(1, 0), source="d.example"))
        first, second = (client.article(name).story for name in "ab")
        client.merge_stories(first, second, reason="one dispatch")
        merged = next(client.edits(page_size=1))
        assert (merged.kind, merged.reason) == ("merged", "one dispatch")
        assert client.undo(merged.id, reason="no, two").undoes == merged.id
        assert client.article("b").story == second
        assert [edit.kind for edit in client.edits(page_size=1)] == ["undone", "merged"]
        kept, new = msgspec.structs.astuple(client.split_story(second, ["d"], reason="another town"))
        assert ([one.id for one in kept.members], [one.id for one in new.members]) == (["b"], ["d"])
        client.pin(["a", "c"], together=True, reason="the desk says so")
        assert client.correct_canonical(first, "c", reason="the longer one").canonical == "c"


def test_articles_and_stories_are_found_by_words_over_the_client(page: Open) -> None:
    service = page()
    with Client(service.url) as client:
        for k in range(5):
            client.put_article(Article(f"a{k}", f"The harbour bridge number{k} was closed to {written(k, 0)}"))
        caught_up(service)
        assert [found.id for found in client.find_articles("harbour bridge", page_size=2)] == [
            "a4",
            "a3",
            "a2",
            "a1",
            "a0",
        ]
        assert [found.id for found in client.find_articles("number3")] == ["a3"]
        assert [story.canonical for story in client.stories(q="number2")] == ["a2"]


async def test_an_editor_works_over_the_client_for_asyncio(stored: Stored) -> None:
    async with AsyncClient(stored().url) as client:
        for k, name in enumerate("ab"):
            await client.put_article(Article(name, written(k, 0)))
        one, other = [(await client.article(name)).story for name in "ab"]
        await client.merge_stories(one, other, reason="why")
        [done] = [edit async for edit in client.edits()]
        assert (await client.undo(done.id)).undoes == done.id
        assert (await client.article("b")).story == other
