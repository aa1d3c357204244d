"""WARC (the extra `web`) -> records: the articles in the pages that a crawler kept.

warcio reads the records, trafilatura finds the article in a page. What is no page, and pages without an article, are
skipped and counted.
"""

from collections.abc import Iterator
from typing import Any

from wirecopy.errors import ArticleError, InputFailed, MalformedArticle, NotText
from wirecopy.files.documents import InputRecord, line_of
from wirecopy.files.lines import opened
from wirecopy.schema.intake import IntakeParser

_HTML = ("text/html", "application/xhtml+xml")
WHERE = {
    "id": "the address, `WARC-Target-URI`",
    "text": "the article that trafilatura finds in the page",
    "title": "trafilatura's `title`",
    "source": "trafilatura's `sitename`, `hostname`",
    "url": "the address",
    "published": "trafilatura's `date`, else `WARC-Date`",
    "language": "trafilatura's `language`",
}


def read_archive(file: str, intake: IntakeParser) -> Iterator[InputRecord]:
    """Yield the pages of responses, numbered by record. Raises InputFailed."""
    try:
        import trafilatura
        from warcio.archiveiterator import ArchiveIterator
        from warcio.exceptions import ArchiveLoadFailed
    except ImportError:
        raise InputFailed(file, "WARC needs warcio and trafilatura: pip install 'wirecopy[web]'") from None
    number = 0
    try:
        with opened(file) as stream:
            for number, record in enumerate(ArchiveIterator(stream), 1):
                if record.rec_type == "response":
                    yield _page(number, record, intake, trafilatura)
    except (ArchiveLoadFailed, EOFError, OSError, ValueError) as error:
        raise InputFailed(file, f"record {number + 1} is unreadable: {' '.join(str(error).split())[:200]}") from None


def _page(number: int, record: Any, intake: IntakeParser, trafilatura: Any) -> InputRecord:
    headers = record.http_headers
    kind = (headers.get_header("Content-Type", "") if headers else "").partition(";")[0].strip().lower()
    status = headers.get_statuscode() if headers else ""
    if kind not in _HTML or not status.startswith("2"):
        return InputRecord(number, NotText(kind if status.startswith("2") else f"status {status}"))
    most = intake.limits.max_line_bytes
    html = record.content_stream().read(most + 1)
    if len(html) > most:
        return InputRecord(number, MalformedArticle(f"longer than {most} bytes"))
    address = record.rec_headers.get_header("WARC-Target-URI")
    found = trafilatura.bare_extraction(html, url=address, with_metadata=True)
    fields = found if isinstance(found, dict) or found is None else found.as_dict()
    if not fields or not fields.get("text"):
        return InputRecord(number, NotText("page without an article"))
    warnings: list[str] = []
    values = {
        "id": address,
        "text": fields["text"],
        "title": fields.get("title"),
        "source": fields.get("sitename") or fields.get("hostname"),
        "url": address,
        "published": fields.get("date") or record.rec_headers.get_header("WARC-Date"),
        "language": fields.get("language"),
    }
    try:
        article = intake.read(values, warnings)
    except ArticleError as error:
        return InputRecord(number, error)
    return InputRecord(number, article, line_of(article), warnings)
