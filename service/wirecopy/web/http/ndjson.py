"""A stream of bytes -> lines -> articles; the framework's own reader stops at 512 KiB a line."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from wirecopy import errors
from wirecopy.config import Limits
from wirecopy.schema.article import Article, decode
from wirecopy.schema.formats import known
from wirecopy.web.http.call import check_body_id
from wirecopy.web.http.problems import TooLarge

HEAD_BYTES = 200  # of a line that is refused, for whoever looks for its sender's fault
_MARK = b"\xef\xbb\xbf"


class LineSplitter:
    """Lines without their newline. One over the limit comes as None, and is dropped while it passes."""

    def __init__(self, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._pieces: list[bytes] = []  # of the unfinished line, while it is within the limit
        self._size = 0
        self._is_first = True

    @property
    def unfinished_bytes(self) -> int:
        """Bytes in memory of the line that is not complete yet."""
        return min(self._size, self._max_line_bytes)

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Yield the lines that `data` completes. A byte order mark before the first is dropped."""
        start, *lines = data.split(b"\n")
        self._add(start)
        if lines:
            yield self._complete()
            unfinished = lines.pop()
            for line in lines:
                yield line if len(line) <= self._max_line_bytes else None
            self._add(unfinished)

    def finish(self) -> list[bytes | None]:
        """Return the last line, when it has no newline."""
        return [self._complete()] if self._size else []

    def _add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._max_line_bytes:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def _complete(self) -> bytes | None:
        line = b"".join(self._pieces) if self._size <= self._max_line_bytes else None
        self._pieces, self._size = [], 0
        if self._is_first:
            self._is_first = False
            return line.removeprefix(_MARK) if line else line
        return line


class BadLine(NamedTuple):
    """What is wrong with a line, its id where it has a good one, and how it begins."""

    error: errors.WirecopyError
    id: str | None = None
    head: bytes = b""


class Line(NamedTuple):
    """A line that was read: the article, or what is wrong, and which of its fields were left out; None: it is blank."""

    found: Article | BadLine | None
    warnings: list[str]


def parse_line(line: bytes | None, limits: Limits, parse: Callable[[bytes, list[str]], Article]) -> Line:
    """Return the article that `parse` finds in a line (None: it was too long), or what is wrong with it."""
    if line is None:
        return Line(BadLine(TooLarge(f"the line is longer than {limits.max_line_bytes} bytes")), [])
    if not line or line.isspace():
        return Line(None, [])
    warnings: list[str] = []
    try:
        return Line(check_body_id(parse(line, warnings)), warnings)
    except errors.ArticleError as error:
        return Line(BadLine(error, _id_in(line, limits), line[:HEAD_BYTES]), warnings)


def parse_items(request: known.WireRequest, lines: Sequence[bytes | None]) -> list[Line]:
    """Return the same for lines of a format of the wire, or for one document that may hold many items."""
    found: list[Line] = []
    for line in lines:
        if not line or line.isspace():
            found.append(parse_line(line, request.limits, _never))
            continue
        for item, warnings in known.read_all(request, line):
            if isinstance(item, errors.ArticleError):
                found.append(Line(BadLine(item, None, line[:HEAD_BYTES]), warnings))
            else:
                found.append(Line(_checked(item, line), warnings))
    return found


def _checked(article: Article, line: bytes) -> Article | BadLine:
    try:
        return check_body_id(article)
    except errors.InvalidArticle as error:
        return BadLine(error, article.id, line[:HEAD_BYTES])


def _never(line: bytes, warnings: list[str]) -> Article:
    raise errors.MalformedArticle("the line is blank")


class WholeBody:
    """A body that is one document: nothing comes before its end. One over the limit comes as None."""

    def __init__(self, max_line_bytes: int) -> None:
        self._max_bytes = max_line_bytes
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def unfinished_bytes(self) -> int:
        """Bytes in memory."""
        return min(self._size, self._max_bytes)

    def feed(self, data: bytes) -> Iterator[bytes | None]:
        """Keep `data`, while all of it is within the limit."""
        self._size += len(data)
        if self._size <= self._max_bytes:
            self._pieces.append(data)
        else:
            self._pieces.clear()
        return iter(())

    def finish(self) -> list[bytes | None]:
        """Return the document."""
        return [b"".join(self._pieces) if self._size <= self._max_bytes else None]


def _id_in(line: bytes, limits: Limits) -> str | None:
    """Return the id of a line that is no article, to find it by."""
    try:
        found = decode(line, limits).get("id")
    except errors.ArticleError:
        return None
    return found if isinstance(found, str) and 0 < len(found) <= limits.max_id_bytes else None
