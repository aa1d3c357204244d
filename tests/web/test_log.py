"""GET /v1/log: who keeps a copy gets every record that is on disk, and can prove it; nobody else sees it."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from zstandard import ZstdDecompressor

from tests.conftest import Stored
from tests.exact_detector import Service
from tests.streams import written
from wirecopy import Article, AsyncClient, Client
from wirecopy.config import Auth, Config, Key
from wirecopy.detector.detector import SCHEME
from wirecopy.schema.log import LogRow
from wirecopy.storage import Entry, Store
from wirecopy.storage.rows import About, first_of, follow

TEXTS = {f"a{k}": written(k // 2, 0) for k in range(12)}


@pytest.fixture
def service(stored: Stored) -> Service:
    service = stored()
    with Client(service.url) as client:
        for name, text in TEXTS.items():
            client.put_article(Article(name, text, source=f"{name}.example"))
    return service


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client(service.url) as client:
        yield client


def read(client: Client, after: int = 0, **wishes: Any) -> list[LogRow]:
    """The rows of all pages, each held to the chain of those before it."""
    rows: list[LogRow] = []
    while True:
        page = client.log(after, **wishes)
        if not page.rows:
            assert page.next == after == page.last
            return rows
        chain, expected = page.before, after + 1
        if rows:
            assert page.before == rows[-1].chain
        elif after == 0:
            assert page.before == About(page.format, page.identity, page.scheme, 0).genesis()
        for row in page.rows:
            named = None if row.id is None else row.id.encode()
            follow(chain, expected, (row.number, row.kind, named, row.payload, row.text_digest, row.chain))
            chain, expected = row.chain, row.number + 1
        rows += page.rows
        after = page.next


def test_every_record_comes_in_order_and_vouches_for_those_before_it(client: Client) -> None:
    rows = read(client)
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert {row.id for row in rows} >= set(TEXTS)
    assert all(row.text is None for row in rows)
    assert read(client, limit=5) == rows
    assert read(client, after=7) == rows[7:]
    beyond = client.log(10_000)
    assert (beyond.rows, beyond.next, beyond.last) == ([], 10_000, len(rows))


def test_texts_come_when_they_are_asked_for(client: Client) -> None:
    texts = {row.id: ZstdDecompressor().decompress(row.text).decode() for row in read(client, texts=True) if row.text}
    assert texts == TEXTS


def test_a_page_of_long_texts_ends_early_and_the_next_goes_on(client: Client) -> None:
    noise = [hashlib.sha512(str(k).encode()).hexdigest() for k in range(70_000)]
    for name in ("long-1", "long-2", "long-3"):
        client.put_article(Article(name, f"{name} " + " ".join(noise)))
    page = client.log(limit=10_000, texts=True)
    assert page.next < page.last
    assert {row.id for row in read(client, texts=True)} >= {"long-1", "long-2", "long-3"}


def test_what_is_erased_leaves_no_text_in_the_log_and_the_chain_holds(client: Client) -> None:
    before = len(read(client))
    client.delete_article("a3")
    rows = read(client, texts=True, limit=4)
    assert len(rows) > before - 1
    assert "a3" not in {row.id for row in rows if row.text is not None}
    assert [row.kind for row in rows].count(None) == 1


def test_rows_beyond_a_pruned_run_are_there_for_who_stands_within_it(tmp_path: Path) -> None:
    with Store.open(tmp_path / "pruned", scheme=SCHEME) as store:
        store.append([Entry(1, f"a{k}", b"x", None) for k in range(12)], prune=())
        store.prune(range(2, 9))
        page = store.page_after(5, 2, 1000)
        assert [(row[0], row[1]) for row, _ in page.rows] == [(8, None), (9, 1)]
        assert first_of(page.rows[0][0]) == 2
        assert follow(page.before, 6, page.rows[0][0]) is None
        assert store.page_after(12, 2, 1000).rows == []
        assert len(store.page_after(8, 10, 1).rows) == 1


def test_only_a_key_of_the_operator_reads_the_log(stored: Stored) -> None:
    digests = [hashlib.sha256(name.encode()).hexdigest() for name in ("reader", "operator")]
    keys = [
        Key("reader", digests[0], ["read", "write", "edit", "erase", "metrics"]),
        Key("operator", digests[1], ["admin"]),
    ]
    service = stored(Config(auth=Auth(keys)))
    with service.client() as http:
        for key, status in (("reader", 403), ("operator", 200)):
            assert http.get("/v1/log", headers={"Authorization": f"Bearer {key}"}).status_code == status
        assert http.get("/v1/log").status_code == 401


@pytest.mark.parametrize("query", ["after=-1", "after=x", "limit=0", "limit=10001", "texts=yes", "until=3"])
def test_a_wrong_parameter_is_named(service: Service, query: str) -> None:
    with service.client() as http:
        refused = http.get(f"/v1/log?{query}")
        assert (refused.status_code, query.partition("=")[0] in refused.json()["detail"]) == (422, True)


async def test_the_client_for_asyncio_reads_the_log_too(service: Service) -> None:
    async with AsyncClient(service.url) as client:
        page = await client.log(3, limit=2, texts=True)
        assert [row.number for row in page.rows] == [4, 5]
        assert page.next == 5


def test_the_log_is_read_while_articles_come(service: Service, client: Client) -> None:
    async def both() -> None:
        async with AsyncClient(service.url) as writer, AsyncClient(service.url) as reader:
            puts = asyncio.gather(*[writer.put_article(Article(f"new{k}", written(k % 9, 1))) for k in range(40)])
            while not puts.done():
                page = await reader.log(0, limit=10_000)
                assert [row.number for row in page.rows] == list(range(1, page.last + 1))
            await puts

    asyncio.run(both())
    assert {row.id for row in read(client)} >= {f"new{k}" for k in range(40)}
