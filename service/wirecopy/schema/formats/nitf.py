"""NITF, the News Industry Text Format (IPTC, 2.5 to 3.6): a document of one article, by itself or within NewsML."""

from wirecopy.config import Limits
from wirecopy.errors import ArticleError, MalformedArticle
from wirecopy.schema.formats import xml
from wirecopy.schema.formats.found import Format, Found, Items, Named

MEDIA_TYPE = "application/nitf+xml"
NOT_TEXT = ("media", "body.end", "body.head")


def read(data: bytes, limits: Limits) -> Items:
    """Yield what the document has. Raises nothing: what is wrong with it is yielded."""
    try:
        root = xml.parse(data)
        if xml.local(root).lower() != "nitf":
            raise MalformedArticle(f"not NITF: its root is {xml.local(root)!r}")
        yield find(root)
    except ArticleError as error:
        yield error


def find(root: xml.Element) -> Found:
    """Return where a document has our fields."""
    docdata, head = xml.child(root, "head/docdata"), xml.child(root, "body/body.head")
    status = (xml.attribute(docdata, "management-status") or "").lower()
    release = xml.attribute(xml.child(docdata, "date.release"), "norm")
    issue = xml.attribute(xml.child(docdata, "date.issue"), "norm")
    dateline = xml.attribute(xml.child(head, "dateline/story.date"), "norm")
    content = xml.child(root, "body/body.content")
    return {
        "id": Named("doc-id/@id-string", xml.attribute(xml.child(docdata, "doc-id"), "id-string")),
        "text": Named("body.content", text(root)),
        "title": Named("hedline/hl1", title(root)),
        "source": Named("distributor", _source(root)),
        "url": Named("pubdata/@ex-ref", xml.attribute(xml.child(root, "head/pubdata"), "ex-ref")),
        "published": Named("date.issue/@norm", issue or dateline or (None if status == "embargoed" else release)),
        "language": Named("@xml:lang", xml.language_of(content, xml.child(root, "body"), root)),
        "status": Named("docdata/@management-status", _status(status, release)),
        "embargoed": Named("date.release/@norm", release if status == "embargoed" else None),
    }


def text(root: xml.Element) -> str | None:
    """Return the text of a document, without pictures and their captions; None where it has none."""
    content = xml.child(root, "body/body.content")
    return None if content is None else xml.text_of(content, NOT_TEXT) or None


def title(root: xml.Element) -> str | None:
    """Return the headline of a document, None where it has none."""
    found = xml.child(root, "body/body.head/hedline/hl1"), xml.child(root, "head/title")
    return next((line for element in found if (line := xml.line(element))), None)


def _source(root: xml.Element) -> str | None:
    head, docdata = xml.child(root, "body/body.head"), xml.child(root, "head/docdata")
    found = (
        xml.line(xml.child(head, "distributor")),
        xml.attribute(xml.child(docdata, "doc.copyright"), "holder"),
        xml.attribute(xml.child(docdata, "doc-id"), "regsrc"),
        xml.attribute(xml.child(root, "head/pubdata"), "name"),
    )
    return next((source for source in found if source), None)


def _status(said: str, release: str | None) -> str | None:
    if said == "embargoed":
        return "usable" if release else "withheld"
    return said if said in ("usable", "withheld", "canceled") else None


FORMAT = Format(
    name="nitf",
    title="NITF 2.5 to 3.6 (IPTC)",
    media_types=(MEDIA_TYPE,),
    endings=(".xml", ".nitf"),
    where={
        "id": "`docdata/doc-id/@id-string`",
        "text": "`body/body.content`",
        "title": "`body.head/hedline/hl1`, `head/title`",
        "source": "`distributor`, `doc.copyright/@holder`, `doc-id/@regsrc`, `pubdata/@name`",
        "url": "`pubdata/@ex-ref`",
        "published": "`date.issue/@norm`, `story.date/@norm`, `date.release/@norm`",
        "language": "`xml:lang` of the content, the body or the document",
        "status": "`docdata/@management-status`",
        "embargoed": "`date.release/@norm` when the status is embargoed",
    },
    skipped="`media` with its captions, `body.end`",
    read=read,
)
