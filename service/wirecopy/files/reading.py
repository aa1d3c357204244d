"""Input files -> chunks of articles, with a refusal for every record that is none.

    .jsonl .ndjson .csv   each also as .gz or .zst
    .parquet              with the extra `parquet`
    .json                 ninjs only: an item, an array of items, an answer of AP's; also as .gz or .zst
    -                     JSON lines on standard input

Files are read once, front to back, in bounded memory. A failing file ends the reading; everything before the failure
has been yielded by then.
"""

import glob
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from wirecopy.config import Limits
from wirecopy.errors import ArticleError, InputFailed, MalformedArticle, Refusal, UsageError
from wirecopy.files.lines import STDIN, read_lines
from wirecopy.files.tables import TableRow, read_csv, read_parquet
from wirecopy.schema.article import FIELDS, Article, decode, from_fields, parse

__all__ = ["Chunk", "RecordLocation", "Refusal", "expand", "read", "read_article"]

_MAX_CHUNK_CHARACTERS = 2**24  # a chunk of very long articles is cut short
_JSONL, _CSV, _PARQUET = "jsonl", "csv", "parquet"
_JSON = "json"
_FORMATS = {"jsonl": _JSONL, "ndjson": _JSONL, "csv": _CSV, "parquet": _PARQUET, "json": _JSON}
Schema = Literal["own", "ninjs"]
_FORMATS_OF = {"own": (_JSONL, _CSV, _PARQUET), "ninjs": (_JSONL, _JSON)}
_READABLE = {
    "own": ".jsonl, .ndjson, .csv (also .gz, .zst) and .parquet",
    "ninjs": "ninjs in .json, .jsonl and .ndjson (also .gz, .zst)",
}


class RecordLocation(NamedTuple):
    """Where a record starts; `line` counts physical lines (for parquet: rows) from 1."""

    file: str
    line: int


@dataclass(slots=True)
class Chunk:
    """Records that follow each other in the input.

    `places` and, when lines were asked for, `lines` run parallel to `articles`; a line is the whole input line
    without its newline, or the row as a JSON object where the format has no such lines. `refusals` are in input order.
    """

    articles: list[Article] = field(default_factory=list)
    places: list[RecordLocation] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    lines: list[bytes] | None = None


# Its line, the article or, if None, the refusal that says why, the line to keep. A plain tuple: there is one per line.
_Record = tuple[int, Article | None, str, bytes]


def read(
    inputs: Sequence[str],
    *,
    limits: Limits,
    mapping: Mapping[str, str],
    chunk_size: int = 512,
    keep_lines: bool = False,
    schema: Schema = "own",
) -> Iterator[Chunk]:
    """Yield the records of all inputs, in order, in chunks of at most `chunk_size`.

    `mapping` gives other names for fields: {"text": "body"}. `schema`: whether records have our fields, or are items of
    ninjs or AP, which have no mapping. Raises UsageError (a format that is not read) and
    InputFailed (missing, unreadable, truncated or damaged; a pattern that matches nothing). What can be seen from
    outside is refused before anything is read.
    """
    chunk, characters = Chunk(lines=[] if keep_lines else None), 0
    try:
        for file in expand(inputs, schema):
            records = _read_items(file, limits) if schema == "ninjs" else _read_file(file, limits, mapping, keep_lines)
            for line, article, refusal, raw in records:
                if article is None:
                    chunk.refusals.append(Refusal(file, line, refusal))
                else:
                    chunk.articles.append(article)
                    chunk.places.append(RecordLocation(file, line))
                    if chunk.lines is not None:
                        chunk.lines.append(raw)
                    characters += len(article.text)
                if len(chunk.articles) + len(chunk.refusals) >= chunk_size or characters >= _MAX_CHUNK_CHARACTERS:
                    yield chunk
                    chunk, characters = Chunk(lines=[] if keep_lines else None), 0
    except InputFailed:
        if chunk.articles or chunk.refusals:
            yield chunk
        raise
    if chunk.articles or chunk.refusals:
        yield chunk


def read_article(file: str, limits: Limits) -> Article:
    """Return the one article in `file`: a JSON object (always for .json), or else the whole text.

    Its id is the file's name unless it says otherwise. Raises InputFailed.
    """
    _check_exists(file)
    try:
        with open(file, "rb") as stream:
            data = stream.read(limits.max_line_bytes + 1).removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputFailed(file, (error.strerror or str(error)).lower()) from None
    if len(data) > limits.max_line_bytes:
        raise InputFailed(file, f"it is longer than {limits.max_line_bytes} bytes")
    try:
        fields = _decode_or_text(data, limits, must_be_json=file.lower().endswith(".json"))
        return from_fields({**fields, "id": fields.get("id") or file}, limits)
    except ArticleError as error:
        raise InputFailed(file, str(error)) from None


def _decode_or_text(data: bytes, limits: Limits, must_be_json: bool) -> dict[str, Any]:
    try:
        return decode(data, limits)
    except ArticleError:
        if must_be_json:
            raise
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError as error:
        raise MalformedArticle(f"not UTF-8: {error.reason} at byte {error.start}") from None


def expand(inputs: Sequence[str], schema: Schema = "own") -> list[str]:
    """Return the files that `inputs` name: patterns expanded and sorted, `-` as `<stdin>`.

    Raises UsageError for a format that is not read and for `-` given twice, InputFailed for a file that is missing or
    a folder and for a pattern that matches nothing.
    """
    if list(inputs).count("-") > 1:
        raise UsageError("standard input (-) can be read only once")
    files = []
    for name in inputs:
        if name == "-":
            files.append(STDIN)
        elif glob.has_magic(name) and not os.path.lexists(name):
            files += _matching(name)
        else:
            files.append(name)
    for file in files:
        if file != STDIN:
            _check_exists(file)
            if _format_of(file) not in _FORMATS_OF[schema]:
                raise UsageError(f"{file}: wirecopy reads {_READABLE[schema]}")
    return files


def _matching(pattern: str) -> list[str]:
    found = sorted(file for file in glob.glob(pattern, recursive=True) if not os.path.isdir(file))
    if not found:
        raise InputFailed(pattern, "no file matches this pattern")
    return found


def _check_exists(file: str) -> None:
    """Raise InputFailed when `file` is missing or a folder."""
    try:
        mode = os.stat(file).st_mode
    except (OSError, ValueError) as error:
        raise InputFailed(file, (getattr(error, "strerror", None) or str(error)).lower()) from None
    if stat.S_ISDIR(mode):
        raise InputFailed(file, "it is a folder; name files, or a pattern such as 'folder/*.jsonl'")


def _format_of(file: str) -> str | None:
    """The format by the name's ending, None for one that is not known; pipes and devices without hold JSON lines."""
    stem, _, suffix = file.lower().rpartition(".")
    is_compressed = suffix in ("gz", "zst")
    found = _FORMATS.get(stem.rpartition(".")[2] if is_compressed else suffix)
    if found is None or (is_compressed and found == _PARQUET):
        if file == STDIN or not os.path.isfile(file):
            return _JSONL
        return None
    return found


def _read_file(file: str, limits: Limits, mapping: Mapping[str, str], keep_lines: bool) -> Iterator[_Record]:
    file_format = _format_of(file)
    if file_format == _JSONL:
        return _read_jsonl(file, limits, mapping)
    required, optional = ([mapping.get(name, name) for name in names] for names in (FIELDS[:2], FIELDS[2:]))
    if file_format == _CSV:
        rows = read_csv(file, limits.max_line_bytes, required, optional)
    else:
        rows = read_parquet(file, required, optional, keep_all_columns=keep_lines)
    return _read_rows(rows, limits, mapping, keep_lines)


def _read_jsonl(file: str, limits: Limits, mapping: Mapping[str, str]) -> Iterator[_Record]:
    for number, line in enumerate(read_lines(file, limits.max_line_bytes), 1):
        if line is None:
            yield number, None, f"longer than {limits.max_line_bytes} bytes", b""
        elif line and not line.isspace():
            try:
                yield number, parse(line, limits, mapping), "", line.removesuffix(b"\r")
            except ArticleError as error:
                yield number, None, str(error), b""


def _read_items(file: str, limits: Limits) -> Iterator[_Record]:
    """The records of a file of ninjs items: one a line, or all of them in one JSON document, counted from 1."""
    from wirecopy.schema.formats import ninjs  # only who reads ninjs pays for its library

    if _format_of(file) == _JSONL:
        for number, line in enumerate(read_lines(file, limits.max_line_bytes), 1):
            if line is None:
                yield number, None, f"longer than {limits.max_line_bytes} bytes", b""
            elif line and not line.isspace():
                try:
                    yield number, ninjs.parse(line, limits), "", line.removesuffix(b"\r")
                except ArticleError as error:
                    yield number, None, str(error), b""
        return
    for number, item in enumerate(ninjs.items_in(_read_document(file, limits)), 1):
        try:
            raw = orjson.dumps(item)
            yield number, ninjs.parse(raw, limits), "", raw
        except ArticleError as error:
            yield number, None, str(error), b""


def _read_document(file: str, limits: Limits) -> Any:
    """The JSON value that a file holds. Raises InputFailed."""
    pieces: list[bytes] = []
    size = 0
    for line in read_lines(file, limits.max_line_bytes):
        size += len(line or b"") + 1
        if line is None or size > limits.max_line_bytes:
            raise InputFailed(file, f"it is longer than {limits.max_line_bytes} bytes (limits.max_line_bytes)")
        pieces.append(line)
    try:
        return orjson.loads(b"\n".join(pieces))
    except orjson.JSONDecodeError as error:
        raise InputFailed(file, f"it is not JSON: {error}") from None


def _read_rows(
    rows: Iterable[TableRow], limits: Limits, mapping: Mapping[str, str], keep_lines: bool
) -> Iterator[_Record]:
    for line, fields, refusal in rows:
        if fields is None:
            yield line, None, refusal, b""
            continue
        try:
            article = from_fields(fields, limits, mapping)
        except ArticleError as error:
            yield line, None, str(error), b""
        else:
            yield line, article, "", orjson.dumps(fields, default=str) if keep_lines else b""
