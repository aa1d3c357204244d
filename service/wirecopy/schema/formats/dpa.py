"""dpa digitalwires: the entries of Deutsche Presse-Agentur in JSON, as its queues and pushes deliver them."""

from collections.abc import Mapping
from typing import Any

from wirecopy.errors import NotText
from wirecopy.schema.formats.found import Format, Found, Named, check_kind
from wirecopy.schema.markup import to_text

MEDIA_TYPE = "application/vnd.dpa.digitalwires+json"


def find(entry: Mapping[str, Any]) -> Found:
    """Return where an entry has our fields. Raises NotText for one without text, InvalidArticle."""
    named = {name: Named(name, value) for name, value in entry.items() if value is not None}
    check_kind(entry.get("type"))
    html = entry.get("article_html")
    text = to_text(html) if isinstance(html, str) else None
    status = entry.get("pubstatus")
    if not text and status != "canceled":
        raise NotText(str(entry.get("type") or "without article_html"))
    return {
        "id": named.get("urn") or named.get("entry_id") or Named("urn", None),
        "text": Named("article_html", text or None),
        "title": named.get("headline"),
        "source": named.get("creditline") or Named("creditline", "dpa"),
        "url": named.get("url"),
        "published": named.get("version_created") or named.get("updated"),
        "language": named.get("language"),
        "status": named.get("pubstatus"),
        "embargoed": named.get("embargoed"),
    }


def is_entry(item: Mapping[str, Any]) -> bool:
    """Return whether an object looks like an entry."""
    return str(item.get("format", "")).startswith("digitalwires") or ("article_html" in item and "urn" in item)


FORMAT = Format(
    name="dpa",
    title="dpa digitalwires",
    media_types=(MEDIA_TYPE,),
    endings=(".json", ".jsonl", ".ndjson"),
    where={
        "id": "`urn`, which all versions share; `entry_id`",
        "text": "`article_html`",
        "title": "`headline`",
        "source": "`creditline`, else dpa",
        "published": "`version_created`, `updated`",
        "language": "`language`",
        "status": "`pubstatus`",
        "embargoed": "`embargoed`",
    },
    skipped="entries without `article_html`; `associations`, `infobox_html`, `linkbox_html`, `notepad`",
    read_object=find,
)
