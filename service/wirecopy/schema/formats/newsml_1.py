"""NewsML 1.0 to 1.2 (IPTC): documents with news items, their components nested as deep as their authors liked."""

from wirecopy.config import Limits
from wirecopy.errors import ArticleError, MalformedArticle, NotText
from wirecopy.schema.formats import nitf, xml
from wirecopy.schema.formats.found import Format, Found, Items, Named
from wirecopy.schema.markup import to_text

MEDIA_TYPE = "application/vnd.iptc.newsml+xml"


def read(data: bytes, limits: Limits) -> Items:
    """Yield what each item of a document has. Raises nothing: what is wrong is yielded in its place."""
    try:
        root = xml.parse(data)
        if xml.local(root) != "NewsML":
            raise MalformedArticle(f"not NewsML 1: its root is {xml.local(root)!r}")
    except ArticleError as error:
        yield error
        return
    for item in xml.children(root, "NewsItem"):
        try:
            yield find(item)
        except ArticleError as error:
            yield error


def find(item: xml.Element) -> Found:
    """Return where an item has our fields. Raises NotText for one that is no text."""
    management = xml.child(item, "NewsManagement")
    status = (xml.attribute(xml.child(management, "Status"), "FormalName") or "").lower()
    document, text = _content(item)
    if text is None and status != "canceled":
        kinds = [xml.attribute(each, "FormalName") for each in xml.each(item, "MediaType")]
        raise NotText(kinds[0].lower() if kinds and kinds[0] else "without text")
    return {
        "id": Named("NewsIdentifier", _id(xml.child(item, "Identification/NewsIdentifier"))),
        "text": Named("DataContent", text),
        "title": Named(
            "HeadLine", _first_line(item, "HeadLine") or (None if document is None else nitf.title(document))
        ),
        "source": Named("Provider", _party(item, "Provider") or _party(item, "Source")),
        "published": Named("ThisRevisionCreated", _created(management)),
        "language": Named("Language/@FormalName", _language(item)),
        "status": Named("Status/@FormalName", _status(status, management)),
        "embargoed": Named("StatusWillChange", _release(management)),
    }


def _id(identifier: xml.Element | None) -> str | None:
    """Return what all revisions share: provider, date and item; else the public identifier."""
    parts = [xml.line(xml.child(identifier, name)) for name in ("ProviderId", "DateId", "NewsItemId")]
    if all(parts):
        return "urn:newsml:" + ":".join(part for part in parts if part)
    return xml.line(xml.child(identifier, "PublicIdentifier"))


def _content(item: xml.Element) -> tuple[xml.Element | None, str | None]:
    """Return the longest text among the content items, with its NITF if it is in such a document."""
    found: list[tuple[xml.Element | None, str]] = []
    for content in xml.each(item, "ContentItem"):
        kind = (xml.attribute(xml.child(content, "MediaType"), "FormalName") or "Text").lower()
        data = xml.child(content, "DataContent")
        if data is not None and kind in ("text", "complexdata", "compositemedia"):
            found.append(_of_data(data, xml.attribute(xml.child(content, "Format"), "FormalName") or ""))
    document, text = max(found, key=lambda each: len(each[1]), default=(None, ""))
    return document, text or None


def _of_data(data: xml.Element, form: str) -> tuple[xml.Element | None, str]:
    inner = next(iter(xml.children(data)), None)
    if inner is not None and xml.local(inner).lower() == "nitf":
        return inner, nitf.text(inner) or ""
    if inner is not None:
        return None, xml.text_of(data, nitf.NOT_TEXT)
    written = "".join(data.itertext())
    return None, to_text(written) if "html" in form.lower() else written.strip()


def _first_line(item: xml.Element, name: str) -> str | None:
    return next((line for each in xml.each(item, name) if (line := xml.line(each))), None)


def _party(item: xml.Element, name: str) -> str | None:
    for each in xml.each(item, name):
        party = xml.child(each, "Party")
        names = [xml.attribute(each, "Value") for each in xml.children(party, "Property")]
        if found := next((name for name in names if name), None) or xml.attribute(party, "FormalName"):
            return found
    return None


def _language(item: xml.Element) -> str | None:
    found = [xml.attribute(each, "FormalName") for each in xml.each(item, "Language")]
    return next((each for each in found if each), None) or xml.language_of(item)


def _created(management: xml.Element | None) -> str | None:
    return xml.line(xml.child(management, "ThisRevisionCreated")) or xml.line(xml.child(management, "FirstCreated"))


def _status(said: str, management: xml.Element | None) -> str | None:
    if said == "embargoed":
        return "usable" if _release(management) else "withheld"
    return said if said in ("usable", "withheld", "canceled") else None


def _release(management: xml.Element | None) -> str | None:
    """When an embargoed item becomes usable."""
    change = xml.child(management, "StatusWillChange")
    future = (xml.attribute(xml.child(change, "FutureStatus"), "FormalName") or "").lower()
    status = (xml.attribute(xml.child(management, "Status"), "FormalName") or "").lower()
    return xml.line(xml.child(change, "DateAndTime")) if (status, future) == ("embargoed", "usable") else None


FORMAT = Format(
    name="newsml-1",
    title="NewsML 1.0 to 1.2 (IPTC)",
    media_types=(MEDIA_TYPE,),
    endings=(".xml",),
    where={
        "id": "`ProviderId`, `DateId` and `NewsItemId`, which all revisions share; `PublicIdentifier`",
        "text": "`ContentItem/DataContent` of media type Text: NITF, XHTML, HTML or plain; the longest",
        "title": "the first `HeadLine`; NITF's `hl1`",
        "source": "`Provider/Party`, `Source/Party`",
        "published": "`ThisRevisionCreated`, `FirstCreated`",
        "language": "`Language/@FormalName`, `xml:lang`",
        "status": "`Status/@FormalName`",
        "embargoed": "`StatusWillChange` to usable of an embargoed item",
    },
    skipped="items without text: pictures, graphics, videos, collections of links",
    read=read,
)
