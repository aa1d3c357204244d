"""IPTC 7901, and dpa's use of it: messages in a stream of text, set off by control characters.

SOH source number priority category words ...      the first line of a message
keywords, until STX                                the slug
STX lines that end with =                          headlines, the last of which but a byline is the title
text, until ETX
ETX 212322 GMT Nov 18 ... EOT                      day and time, month, year
"""

import re
from collections.abc import Iterator
from hashlib import sha256

from wirecopy.config import Limits
from wirecopy.errors import MalformedArticle
from wirecopy.schema.formats.found import Format, Found, Items, Named

MEDIA_TYPE = "application/vnd.iptc.7901"
_SOH, _STX, _ETX = b"\x01", b"\x02", b"\x03"
_HEAD = re.compile(rb"([A-Za-z]{2,8})([0-9]{1,6})[ \t]+(\S)[ \t]+([A-Za-z]{1,3})[ \t]+([0-9]+)[ \t]*([^\r\n]*)")
_SENT = re.compile(rb"[\r\n ]*([0-3][0-9])([0-2][0-9])([0-5][0-9])[ A-Z]*([A-Z][a-zA-Z]{2}) ([0-9]{2})")
_BYLINE = re.compile(r"(?i)(by|von|de|par|por|di) ")
_MOST_HEADLINES = 8


def read(data: bytes, limits: Limits) -> Items:
    """Yield what each message has; what is no message is yielded as an error."""
    messages = data.split(_SOH)
    if len(messages) == 1:
        yield MalformedArticle("not IPTC 7901: no message begins with SOH (0x01)")
    for message in messages[1:]:
        yield from _message(message)


def _message(message: bytes) -> Iterator[Found | MalformedArticle]:
    head, stx, rest = message.partition(_STX)
    body, etx, end = rest.partition(_ETX)
    found = _HEAD.match(head)
    if not stx or found is None:
        yield MalformedArticle("not IPTC 7901: a message has no head, or no text that begins with STX (0x02)")
        return
    if not etx:
        yield MalformedArticle("the message ends too early: no ETX (0x03) behind its text")
        return
    title, text = _headline(_decoded(body))
    agency = found[6].decode("latin-1").split()
    source, number = found[1].decode(), found[2].decode()
    published = _moment(end)
    day = (published or "")[:10] or sha256(body).hexdigest()[:12]  # numbers begin anew, often every day
    yield {
        "id": Named("number", f"{source}{number}-{day}"),
        "text": Named("text", text),
        "title": Named("headline", title),
        "source": Named("source", agency[0] if agency and agency[0].isalpha() else source),
        "published": Named("time", published),
    }


def _headline(body: str) -> tuple[str | None, str]:
    """Return the title and the text. Headlines end with a line that ends with =; without one the first line is the
    title.
    """
    lines = [line.strip() for line in body.strip().splitlines()]
    ends = [k for k, line in enumerate(lines[:_MOST_HEADLINES]) if line.endswith("=")]
    last = ends[0] if ends else 0
    above = [line.removesuffix("=").strip() for line in lines[: last + 1]]
    named = [line for line in above if line and not _BYLINE.match(line)]
    text = "\n".join(lines[last + 1 :]).strip()
    return (named[-1] if named else None), text or "\n".join(above).strip()


def _moment(end: bytes) -> str | None:
    found = _SENT.match(end)
    if found is None:
        return None
    day, hour, minute, month, year = (part.decode() for part in found.groups())
    months = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    if month.lower() not in months:
        return None
    return f"20{year}-{months.index(month.lower()) + 1:02}-{day}T{hour}:{minute}:00Z"


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


FORMAT = Format(
    name="iptc7901",
    title="IPTC 7901, also as dpa writes it",
    media_types=(MEDIA_TYPE,),
    endings=(".iptc", ".7901", ".txt"),
    where={
        "id": "source and number of the first line, and the day it was sent (without one, the digest of the text)",
        "text": "between STX and ETX, below the headlines",
        "title": "the last line above the one that ends with `=`, bylines aside; else the first line",
        "source": "the agency named in the first line, else the source's letters",
        "published": "behind ETX",
    },
    skipped="priority, category, word count, slug",
    read=read,
)
