"""Documents -> records: JSON lines, arrays and wrapped lists, XML and text of the wire.

Records are yielded as they are found: their number (of the line, or of the element), the article or why it is none, the
record itself as one line of JSON, and the fields that were left out.
"""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import PurePath
from typing import NamedTuple

import msgspec
import orjson

from wirecopy.errors import ArticleError, InputFailed, MalformedArticle
from wirecopy.files.lines import read_blocks, split_lines
from wirecopy.schema.article import Article, decode
from wirecopy.schema.dates import format_published
from wirecopy.schema.elements import ElementSplitter
from wirecopy.schema.formats import dpa, known, ninjs
from wirecopy.schema.formats.found import Format
from wirecopy.schema.intake import IntakeParser

_HEAD_BYTES = 2**16
FetchNitf = Callable[[str], str]  # the text behind an address; raises ArticleError


class InputRecord(NamedTuple):
    """One record of an input; `raw` is a line of JSON, empty where the article is missing."""

    number: int
    found: Article | ArticleError
    raw: bytes = b""
    warnings: list[str] | None = None


def read_json(file: str, intake: IntakeParser, form: Format | None, fetch: FetchNitf | None) -> Iterator[InputRecord]:
    """Yield the records of a file of JSON, whether lines, an array, a list within an object, or one object.

    Raises InputFailed for a file that cannot be read.
    """
    head, whole = _with_head(read_blocks(file), and_more=True)
    if _is_lines(head):
        yield from read_json_lines(whole, intake, form, fetch)
    else:
        yield from _read_elements(file, whole, intake, form, fetch)


def read_named_lines(
    file: str, intake: IntakeParser, form: Format | None, fetch: FetchNitf | None
) -> Iterator[InputRecord]:
    """Yield the records of a file that is called JSON lines, which may be an array over several lines all the same.

    Raises InputFailed for a file that cannot be read.
    """
    head, whole = _with_head(read_blocks(file))
    first = head.lstrip().partition(b"\n")[0].strip()
    if first == b"[" or (first[:1] == b"[" and first[1:].lstrip()[:1] == b"{" and first[-1:] == b","):
        yield from _read_elements(file, whole, intake, form, fetch)
    else:
        yield from read_json_lines(whole, intake, form, fetch)


def _with_head(blocks: Iterator[bytes], *, and_more: bool = False) -> tuple[bytes, Iterator[bytes]]:
    """Return how the blocks begin, all of the first line where it is not too long (`and_more`), and all blocks."""
    head = b""
    for block in blocks:
        head += block
        if len(head) >= _HEAD_BYTES or b"\n" in (head.strip() if and_more else head.lstrip()):
            break
    return head, chain((head,) if head else (), blocks)


def read_json_lines(
    blocks: Iterator[bytes], intake: IntakeParser, form: Format | None = None, fetch: FetchNitf | None = None
) -> Iterator[InputRecord]:
    """Yield a record for each line that is not blank."""
    most = intake.limits.max_line_bytes
    for number, line in enumerate(split_lines(blocks, most), 1):
        if line is None:
            yield InputRecord(number, MalformedArticle(f"longer than {most} bytes"))
        elif line and not line.isspace():
            yield _record(number, line.removesuffix(b"\r"), intake, form, fetch)


def read_whole(file: str, intake: IntakeParser) -> bytes:
    """Return all that a file holds. Raises InputFailed, MalformedArticle for more than a document may have."""
    data = bytearray()
    most = intake.limits.max_line_bytes
    for block in read_blocks(file):
        data += block
        if len(data) > most:
            raise MalformedArticle(f"the document is longer than {most} bytes (limits.max_line_bytes)")
    return bytes(data)


def read_wire(file: str, data: bytes, intake: IntakeParser, form: Format | None) -> Iterator[InputRecord]:
    """Yield the items of a document of XML or IPTC 7901; an item without an id has the file's name."""
    form = form or known.recognise(data)
    if form is None:
        yield InputRecord(1, MalformedArticle("neither NewsML, NITF, RSS, Atom nor IPTC 7901, by how it begins"))
        return
    name = PurePath(file).name
    for number, (found, warnings) in enumerate(known.read(form, data, intake, otherwise=name), 1):
        yield InputRecord(number, found, b"" if isinstance(found, ArticleError) else line_of(found), warnings)


def line_of(article: Article) -> bytes:
    """Return an article as a line of JSON, for a record that is none itself."""
    fields = {name: value for name, value in msgspec.structs.asdict(article).items() if value is not None}
    for name in ("published", "embargoed"):
        if name in fields:
            fields[name] = format_published(fields[name])
    return orjson.dumps(fields)


def _is_lines(head: bytes) -> bool:
    """Return whether a file that begins so holds a JSON value a line."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    first, newline, rest = start.partition(b"\n")
    if start.startswith(b"[") or not newline or not rest.strip():
        return False
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        return first.strip() not in (b"{", b"") and rest.lstrip().startswith(b"{")
    return True


def _read_elements(
    file: str, blocks: Iterator[bytes], intake: IntakeParser, form: Format | None, fetch: FetchNitf | None
) -> Iterator[InputRecord]:
    most = intake.limits.max_line_bytes
    splitter = ElementSplitter(most)
    number = 0

    def elements() -> Iterator[bytes | None]:
        for block in blocks:
            yield from splitter.feed(block)
        yield from splitter.finish()

    try:
        for element in elements():
            number += 1
            if element is None:
                yield InputRecord(number, MalformedArticle(f"longer than {most} bytes"))
            else:
                yield _record(number, element, intake, form, fetch)
    except MalformedArticle as error:
        raise InputFailed(file, f"{error} (behind element {number})") from None


def _record(
    number: int, data: bytes, intake: IntakeParser, form: Format | None, fetch: FetchNitf | None
) -> InputRecord:
    warnings: list[str] = []
    try:
        if form is None:
            article = intake.parse(data, warnings)
        else:
            item = decode(data, intake.limits)
            if fetch is not None and form is ninjs.FORMAT and (link := ninjs.nitf_link(item)) is not None:
                item = ninjs.with_nitf(item, fetch(link))
            form = dpa.FORMAT if dpa.is_entry(item) else form
            found, warnings = known.read_object(form, item, intake)
            if isinstance(found, ArticleError):
                return InputRecord(number, found)
            article = found
    except ArticleError as error:
        return InputRecord(number, error)
    return InputRecord(number, article, data if b"\n" not in data else orjson.dumps(orjson.loads(data)), warnings)
