"""The Scrapy pipeline of docs/examples, called as Scrapy calls it, against a service; and by Scrapy where it is."""

import asyncio
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from docs.examples.scrapy_pipeline import WirecopyPipeline
from tests.exact_detector import Service
from wirecopy.errors import ServiceRefused

ROOT = Path(__file__).parent.parent.parent
SPIDER = """
import sys
import scrapy
from scrapy.crawler import CrawlerProcess
from docs.examples.scrapy_pipeline import WirecopyPipeline

class Port(scrapy.Spider):
    name = "port"
    start_urls = ["data:,one"]

    def parse(self, response):
        yield {"url": "https://port.example/1", "body": "The ferry left the harbour at noon."}
        yield {"url": "https://port.example/2", "body": ""}
        yield {"url": "https://port.example/3", "body": "The ferry left the harbour at noon."}

process = CrawlerProcess({
    "ITEM_PIPELINES": {WirecopyPipeline: 800}, "WIRECOPY_URL": sys.argv[1], "WIRECOPY_FIELDS": {"text": "body"},
    "FEEDS": {sys.argv[2]: {"format": "jsonlines"}}, "TELNETCONSOLE_ENABLED": False,
    "TWISTED_REACTOR": "twisted.internet.asyncioreactor.AsyncioSelectorReactor",
})
process.crawl(Port)
process.start()
"""


def test_items_get_the_story_of_their_article_and_what_is_refused_is_told(service: Service) -> None:
    settings = {"WIRECOPY_URL": service.url, "WIRECOPY_FIELDS": {"text": "body"}}

    async def run() -> list[dict[str, Any]]:
        pipeline = WirecopyPipeline.from_crawler(SimpleNamespace(settings=settings))
        items: list[dict[str, Any]] = [
            {"id": name, "url": f"https://port.example/{name}", "body": "Паром вышел из гавани в полдень.", "pages": 2}
            for name in ("p1", "p2")
        ]
        try:
            for item in items:
                assert await pipeline.process_item(item, None) is item
            with pytest.raises(ServiceRefused, match="text"):
                await pipeline.process_item({"url": "https://port.example/3"}, None)
        finally:
            await pipeline.close_spider(None)
        return items

    first, second = asyncio.run(run())
    assert first["story"] == second["story"]
    assert list(service.detector.articles) == ["p1", "p2"]


@pytest.mark.skipif(find_spec("scrapy") is None, reason="Scrapy is not installed (pip install scrapy)")
def test_a_crawl_goes_on_behind_an_item_that_is_refused(service: Service, tmp_path: Path) -> None:
    items = tmp_path / "items.jsonl"
    command = [sys.executable, "-c", SPIDER, service.url, str(items)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    found = [orjson.loads(line) for line in items.read_bytes().splitlines()]
    assert [item["url"][-1] for item in found] == ["1", "3"]
    assert len({item["story"] for item in found}) == 1
    assert "ServiceRefused" in done.stderr
