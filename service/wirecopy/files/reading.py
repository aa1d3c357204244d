"""Input files -> chunks of articles, with a refusal for every record that is none.

Which ending is read how: `inputs`. Files are read once, front to back, in bounded memory. A failing file ends the
reading; everything before the failure has been yielded by then.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from wirecopy.config import Limits
from wirecopy.errors import ArticleError, InputFailed, InvalidArticle, MalformedArticle, NotText, Refusal
from wirecopy.files.archives import read_archive
from wirecopy.files.documents import FetchNitf, InputRecord, read_json, read_named_lines, read_whole, read_wire
from wirecopy.files.feeds import is_feed, read_feed
from wirecopy.files.inputs import Container, Schema, check_exists, container_of, expand, form_of
from wirecopy.files.tables import TableRow, read_csv, read_parquet
from wirecopy.schema.article import Article, decode, from_fields
from wirecopy.schema.intake import IntakeParser

__all__ = ["Chunk", "RecordLocation", "Refusal", "Schema", "expand", "read", "read_article"]

_MAX_CHUNK_CHARACTERS = 2**24  # a chunk of very long articles is cut short


class RecordLocation(NamedTuple):
    """Where a record starts; `line` counts physical lines (for other formats: rows, elements, items) from 1."""

    file: str
    line: int


@dataclass(slots=True)
class Chunk:
    """Records that follow each other in the input.

    `places` and, when lines were asked for, `lines` run parallel to `articles`; a line is the whole input line
    without its newline, or the record as a JSON object where the format has no such lines. `refusals` are in input
    order, as are `warnings`, which name fields that were left out. `skipped` counts items that are no text by their
    kind; `notes` are about whole files, and about paths of a mapping that matched nothing.
    """

    articles: list[Article] = field(default_factory=list)
    places: list[RecordLocation] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    warnings: list[Refusal] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    lines: list[bytes] | None = None

    def __bool__(self) -> bool:
        """Return whether there is anything in it."""
        return bool(self.articles or self.refusals or self.skipped or self.notes)


def read(
    inputs: Sequence[str],
    *,
    limits: Limits,
    mapping: Mapping[str, str],
    chunk_size: int = 512,
    keep_lines: bool = False,
    schema: Schema = "own",
    intake: IntakeParser | None = None,
    fetch_nitf: FetchNitf | None = None,
) -> Iterator[Chunk]:
    """Yield the records of all inputs, in order, in chunks of at most `chunk_size`.

    `mapping` gives other names for fields: {"text": "body"}; an `intake` is used in place of both. `schema`: whether
    records have fields of their own, or are items of one of the wire's formats, which have no mapping. `fetch_nitf`
    gets what items of AP link to. Raises UsageError (a format that is not read) and InputFailed (missing, unreadable,
    truncated or damaged; a pattern that matches nothing). What can be seen from outside is refused before anything is
    read.
    """
    intake = intake or IntakeParser(limits, mapping)
    chunk, characters = Chunk(lines=[] if keep_lines else None), 0
    try:
        for file in expand(inputs, schema):
            notes: list[str] = []
            for record in _read_file(file, intake, schema, keep_lines, fetch_nitf, notes):
                characters += _add(chunk, file, record)
                if len(chunk.articles) + len(chunk.refusals) >= chunk_size or characters >= _MAX_CHUNK_CHARACTERS:
                    chunk.notes += [*notes, *_unmatched(intake, is_over=False)]
                    notes.clear()
                    yield chunk
                    chunk, characters = Chunk(lines=[] if keep_lines else None), 0
            chunk.notes += notes
    except InputFailed:
        if chunk:
            yield chunk
        raise
    chunk.notes += _unmatched(intake, is_over=True)
    if chunk:
        yield chunk


def _add(chunk: Chunk, file: str, record: InputRecord) -> int:
    """Put a record into its place; return the characters of its text."""
    number, found, raw, warnings = record
    if isinstance(found, Article):
        chunk.articles.append(found)
        chunk.places.append(RecordLocation(file, number))
        if chunk.lines is not None:
            chunk.lines.append(raw)
        if warnings:
            chunk.warnings += [Refusal(file, number, f"left out: {warning}") for warning in warnings]
        return len(found.text)
    if isinstance(found, NotText):
        chunk.skipped[found.kind] += 1
    else:
        chunk.refusals.append(Refusal(file, number, str(found)))
    return 0


def _unmatched(intake: IntakeParser, *, is_over: bool) -> list[str]:
    return [f"--map {path} matched nothing in {intake.seen:,} records" for path in intake.unmatched(is_over=is_over)]


def _read_file(
    file: str, intake: IntakeParser, schema: Schema, keep_lines: bool, fetch: FetchNitf | None, notes: list[str]
) -> Iterator[InputRecord]:
    container, form = container_of(file, schema), form_of(schema)
    if container is Container.JSON:
        return read_json(file, intake, form, fetch)
    if container is Container.JSON_LINES:
        return read_named_lines(file, intake, form, fetch)
    if container is Container.DOCUMENT:
        return _read_document(file, intake, schema)
    if container is Container.WARC:
        return read_archive(file, intake)

    def check(columns: Sequence[str]) -> None:
        _check_columns(file, columns, intake)

    if container is Container.CSV:
        rows = read_csv(file, intake.limits.max_line_bytes, check, lambda said: notes.append(f"{file}: {said}"))
    else:
        rows = read_parquet(file, check, list if keep_lines else intake.wanted)
    return _read_rows(rows, intake, keep_lines)


def _read_document(file: str, intake: IntakeParser, schema: Schema) -> Iterator[InputRecord]:
    try:
        data = read_whole(file, intake)
    except ArticleError as error:
        return iter((InputRecord(1, error),))
    if schema == "own" and is_feed(data):
        return read_feed(file, data, intake)
    return read_wire(file, data, intake, form_of(schema))


def _check_columns(file: str, names: Sequence[str], intake: IntakeParser) -> None:
    """Raise InputFailed when a required column is missing or one that is read is there twice."""
    wanted = intake.wanted(names)
    missing = intake.missing(names)
    if missing:
        found = ", ".join(names)
        raise InputFailed(file, f"it has no column {missing[0]!r}, only {found} (--map text=body gives other names)")
    for name in wanted:
        if names.count(name) > 1:
            raise InputFailed(file, f"it has more than one column {name!r}")


def _read_rows(rows: Iterable[TableRow], intake: IntakeParser, keep_lines: bool) -> Iterator[InputRecord]:
    for line, fields, refusal in rows:
        if fields is None:
            yield InputRecord(line, InvalidArticle(refusal))
            continue
        warnings: list[str] = []
        try:
            article = intake.read(fields, warnings)
        except ArticleError as error:
            yield InputRecord(line, error)
        else:
            raw = orjson.dumps(fields, default=str) if keep_lines else b""
            yield InputRecord(line, article, raw, warnings)


def read_article(file: str, limits: Limits) -> Article:
    """Return the one article in `file`: a JSON object (always for .json), or else the whole text.

    Its id is the file's name unless it says otherwise. Raises InputFailed.
    """
    check_exists(file)
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
