"""A Scrapy item pipeline: every item gets the story that it belongs to, when its article is on disk in the service.

In the settings of the project, with this file beside them as `scrapy_pipeline.py`:

    ITEM_PIPELINES = {"project.scrapy_pipeline.WirecopyPipeline": 800}
    WIRECOPY_URL = "http://127.0.0.1:8080"
    WIRECOPY_FIELDS = {"text": "body"}  # where items name a field in another way

An item needs `text`; its id is its `id`, else its `url`. An item that the service refuses raises ServiceRefused: Scrapy
writes it to its log with the reason, and goes on. A service that is busy or restarts is asked again `WIRECOPY_RETRIES`
times. Scrapy runs on asyncio's reactor, which is what new projects have.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any, Self

from wirecopy import AsyncClient

FIELDS = ("id", "text", "title", "source", "url", "published", "language")


class WirecopyPipeline:
    """Sends items to a service, and writes the id of the `story` into them."""

    def __init__(self, url: str, key: str | None, names: Mapping[str, str], retries: int) -> None:
        self._client = AsyncClient(url, key=key, retries=retries)
        self._names = {field: names.get(field, field) for field in FIELDS}

    @classmethod
    def from_crawler(cls, crawler: Any) -> Self:
        """Read the settings, as Scrapy asks for it."""
        settings = crawler.settings
        return cls(
            settings.get("WIRECOPY_URL", "http://127.0.0.1:8080"),
            settings.get("WIRECOPY_KEY"),
            settings.get("WIRECOPY_FIELDS", {}),
            int(settings.get("WIRECOPY_RETRIES", 8)),
        )

    async def process_item(self, item: MutableMapping[str, Any], spider: Any = None) -> MutableMapping[str, Any]:
        """Store an item's article. Raise ServiceError when that cannot be done."""
        article = {field: item[name] for field, name in self._names.items() if item.get(name) is not None}
        article.setdefault("id", article.get("url"))
        verdict = await self._client.post_article(article)
        item["story"] = verdict.story
        return item

    async def close_spider(self, spider: Any = None) -> None:
        """Close the connections."""
        await self._client.close()
