"""NewsML-G2 (IPTC): a news item, or a message with many."""

from wirecopy.config import Limits
from wirecopy.errors import ArticleError, MalformedArticle, NotText
from wirecopy.schema.formats import nitf, xml
from wirecopy.schema.formats.found import Format, Found, Items, Named, check_kind
from wirecopy.schema.markup import to_text

MEDIA_TYPE = "application/vnd.iptc.g2.newsitem+xml"
MESSAGE_MEDIA_TYPE = "application/vnd.iptc.g2.newsmessage+xml"
ROOTS = ("newsItem", "newsMessage", "packageItem", "planningItem", "conceptItem", "knowledgeItem", "catalogItem")


def read(data: bytes, limits: Limits) -> Items:
    """Yield what each item of a document has. Raises nothing: what is wrong is yielded in its place."""
    try:
        root = xml.parse(data)
        if xml.local(root) not in ROOTS:
            raise MalformedArticle(f"not NewsML-G2: its root is {xml.local(root)!r}")
    except ArticleError as error:
        yield error
        return
    items = (
        [root] if xml.local(root) != "newsMessage" else [item for each in xml.each(root, "itemSet") for item in each]
    )
    for item in items:
        if xml.local(item):
            try:
                yield find(item)
            except ArticleError as error:
                yield error


def find(item: xml.Element) -> Found:
    """Return where an item has our fields. Raises NotText for one that is no text."""
    if xml.local(item) != "newsItem":
        raise NotText(xml.local(item).removesuffix("Item"))
    meta, about = xml.child(item, "itemMeta"), xml.child(item, "contentMeta")
    check_kind(_code(xml.child(meta, "itemClass")))
    status, embargoed = _code(xml.child(meta, "pubStatus")), xml.line(xml.child(meta, "embargoed"))
    text = _text(item)
    if text is None and status != "canceled" and _is_remote(item):
        raise NotText("remote content")
    language = xml.attribute(xml.child(about, "language"), "tag")
    return {
        "id": Named("@guid", xml.attribute(item, "guid")),
        "text": Named("contentSet", text),
        "title": Named("headline", _title(meta, about)),
        "source": Named("provider", _source(meta, about)),
        "published": Named("versionCreated", _published(meta, about)),
        "language": Named("language/@tag", language or xml.language_of(xml.child(item, "contentSet/inlineXML"), item)),
        "status": Named("pubStatus/@qcode", status),
        "embargoed": Named("embargoed", embargoed),
    }


def _text(item: xml.Element) -> str | None:
    """Return the longest text among the equal forms of the content: XML before HTML and plain text."""
    texts = [
        _of_xml(each) for content in xml.children(item, "contentSet") for each in xml.children(content, "inlineXML")
    ]
    texts = [text for text in texts if text]
    if not texts:
        data = [each for content in xml.children(item, "contentSet") for each in xml.children(content, "inlineData")]
        texts = [_of_data(each) for each in data]
    return max(texts, key=len, default=None) or None


def _of_xml(content: xml.Element) -> str:
    inner = next(iter(xml.children(content)), None)
    if inner is not None and xml.local(inner).lower() == "nitf":
        return nitf.text(inner) or ""
    return xml.text_of(content, ("figure", *nitf.NOT_TEXT))


def _of_data(content: xml.Element) -> str:
    written = "".join(content.itertext())
    return to_text(written) if "html" in (xml.attribute(content, "contenttype") or "") else written.strip()


def _is_remote(item: xml.Element) -> bool:
    return any(True for content in xml.children(item, "contentSet") for _ in xml.children(content, "remoteContent"))


def _title(meta: xml.Element | None, about: xml.Element | None) -> str | None:
    headlines = list(xml.children(about, "headline"))
    main = [
        each for each in headlines if (xml.attribute(each, "role") or "main").rpartition(":")[2] in ("main", "title")
    ]
    found = [*main, *headlines, *xml.children(meta, "title")]
    return next((line for each in found if (line := xml.line(each))), None)


def _source(meta: xml.Element | None, about: xml.Element | None) -> str | None:
    parties = [*xml.children(meta, "provider"), *xml.children(about, "infosource"), *xml.children(about, "creditline")]
    for party in parties:
        name = xml.line(xml.child(party, "name")) or xml.attribute(party, "literal")
        if name := name or xml.line(party) or _code(party):
            return name
    return None


def _published(meta: xml.Element | None, about: xml.Element | None) -> str | None:
    paths = ((meta, "versionCreated"), (about, "contentModified"), (about, "contentCreated"), (meta, "firstCreated"))
    return next((found for of, path in paths if (found := xml.line(xml.child(of, path)))), None)


def _code(element: xml.Element | None) -> str | None:
    """Return the code of a concept without its scheme: `usable` of stat:usable or of an address that ends so."""
    found = xml.attribute(element, "qcode") or xml.attribute(element, "uri") or xml.attribute(element, "literal")
    return None if found is None else found.rpartition(":")[2].rpartition("/")[2] or None


FORMAT = Format(
    name="newsml-g2",
    title="NewsML-G2 (IPTC)",
    media_types=(MEDIA_TYPE, MESSAGE_MEDIA_TYPE),
    endings=(".xml",),
    where={
        "id": "`newsItem/@guid`, which all versions share",
        "text": "`contentSet`: `inlineXML` with XHTML or NITF, else `inlineData`; the longest",
        "title": "`contentMeta/headline` of role main, any `headline`, `itemMeta/title`",
        "source": "`provider`, `infosource`, `creditline`: name, literal or code",
        "published": "`versionCreated`, `contentModified`, `contentCreated`, `firstCreated`",
        "language": "`contentMeta/language/@tag`, `xml:lang`",
        "status": "`pubStatus`",
        "embargoed": "`embargoed`",
    },
    skipped="items whose `itemClass` is no text; packages, planning, concepts, knowledge; `remoteContent`",
    read=read,
)
