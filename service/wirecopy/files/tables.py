"""Tables -> rows: CSV (a header, then records that may hold newlines inside quotes) and parquet.

A row is a mapping from the file's own column names to values; what the names mean is not known here.
"""

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

from wirecopy.errors import InputFailed
from wirecopy.files.lines import opened, read_blocks, split_lines
from wirecopy.schema.dates import format_published

DELIMITERS = (",", ";", "\t", "|")
# What tables that are not UTF-8 are written in; a guess among all that Python knows goes astray on short ones.
_CHARSETS = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "cp874"),
    *("shift_jis", "euc_jp", "gb18030", "big5", "euc_kr"),
)
_PARQUET_BATCH_ROWS = 512
_NO_TIME = "\0a time outside the years 1 to 9999"  # begins with what no text begins with
_HEAD_BYTES = 2**18  # of a table, by which its charset is found


class TableRow(NamedTuple):
    """`fields`, or if None the `refusal` that says why; `line` is the physical line or the row number, from 1."""

    line: int
    fields: dict[str, Any] | None
    refusal: str = ""


Check = Callable[[Sequence[str]], object]  # of the names of the columns; raises InputFailed for what is missing


def read_csv(file: str, max_record_bytes: int, check: Check, note: Callable[[str], None]) -> Iterator[TableRow]:
    """Yield the records under the header; an empty cell is None, empty lines are skipped.

    The delimiter is the one of `DELIMITERS` by which the header has most cells; a charset other than UTF-8 is guessed
    and told to `note`. Raises InputFailed: unreadable, no header, or what `check` raises.
    """
    csv.field_size_limit(max(csv.field_size_limit(), max_record_bytes))  # counts characters; the lines count bytes
    source = _CsvLines(split_lines(_as_utf8(read_blocks(file), note), max_record_bytes), max_record_bytes)
    delimiter = _delimiter(source.peek(), file)
    reader = csv.reader(source, strict=True, delimiter=delimiter)
    header: list[str] = []
    while True:
        source.start_record()
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if not header:
                raise InputFailed(file, f"its header is not CSV: {error}") from None
            yield TableRow(source.first_line, None, f"not CSV: {error}")
            continue
        if cells and header:
            yield _csv_row(source, header, cells)
        elif cells:
            check(cells)
            header = cells
    if not header:
        raise InputFailed(file, "it has no header line")


def _delimiter(header: str, file: str) -> str:
    """Return the delimiter by which the header has most cells, outside of quotes; of equals the first of DELIMITERS."""
    counts = dict.fromkeys(DELIMITERS, 0)
    is_quoted = False
    for character in header:
        is_quoted ^= character == '"'
        if character in counts and not is_quoted:
            counts[character] += 1
    if not any(counts.values()) and ".tsv" in file.lower():
        return "\t"
    return max(counts, key=lambda each: counts[each])


def _as_utf8(blocks: Iterator[bytes], note: Callable[[str], None]) -> Iterator[bytes]:
    """Yield the blocks in UTF-8, whatever charset they are in; the first of them decides."""
    head = next(blocks, b"")
    while len(head) < _HEAD_BYTES and (more := next(blocks, b"")):
        head += more
    charset = _charset(head)
    if charset == "utf-8":
        yield head
        yield from blocks
        return
    note(f"read as {charset}, which its bytes look like: they are not UTF-8")
    decoder = codecs.getincrementaldecoder(charset)("replace")
    for block in chain((head,), blocks):
        yield decoder.decode(block).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _charset(head: bytes) -> str:
    """Return the charset of a text that begins so: UTF-8 unless more of it is none than is; then the best guess."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    text = head.decode("utf-8", "replace")
    wrong = text.count("\ufffd") - (1 if text.endswith("\ufffd") else 0)  # the last character may be cut
    if not wrong or wrong <= sum(character > "\x7f" and character != "\ufffd" for character in text):
        return "utf-8"
    from charset_normalizer import from_bytes  # only who has such a table pays for it

    guessed = from_bytes(head[:_HEAD_BYTES], cp_isolation=list(_CHARSETS)).best()
    return "cp1252" if guessed is None else guessed.encoding


class _CsvLines:
    """The physical lines that `csv.reader` asks for; knows where the record began and whether it is UTF-8."""

    def __init__(self, source: Iterable[bytes | None], max_record_bytes: int) -> None:
        self._source: Iterator[bytes | None] = iter(source)
        self._max_record_bytes = max_record_bytes
        self._number = 0
        self.start_record()

    def peek(self) -> str:
        """Return the first line that is not empty, which is still to come."""
        for line in self._source:
            if line is None or line.strip():
                self._source = chain((line,), self._source)
                return "" if line is None else line.decode(errors="replace")
            self._number += 1
        return ""

    def start_record(self) -> None:
        self.first_line = self._number + 1
        self._bytes = 0
        self.is_utf8 = True

    def __iter__(self) -> "_CsvLines":
        return self

    def __next__(self) -> str:
        line = next(self._source)
        self._number += 1
        self._bytes += 0 if line is None else len(line)
        if line is None or self._bytes > self._max_record_bytes:
            raise csv.Error(f"longer than {self._max_record_bytes} bytes")
        try:
            return line.decode() + "\n"
        except UnicodeDecodeError:
            self.is_utf8 = False  # the record is refused, but its end must be found all the same
            return line.decode(errors="replace") + "\n"


def _csv_row(source: _CsvLines, header: list[str], cells: list[str]) -> TableRow:
    if not source.is_utf8:
        return TableRow(source.first_line, None, "not UTF-8")
    if len(cells) != len(header):
        return TableRow(source.first_line, None, f"{len(cells)} cells under a header of {len(header)}")
    return TableRow(source.first_line, {name: cell or None for name, cell in zip(header, cells, strict=True)})


def read_parquet(file: str, check: Check, select: Callable[[Sequence[str]], list[str]]) -> Iterator[TableRow]:
    """Yield the rows, times as RFC 3339 strings, structs as objects; only the columns that `select` chooses.

    Raises InputFailed: unreadable, or pyarrow (the extra `parquet`) is not installed, and what `check` raises.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputFailed(file, "parquet needs pyarrow: pip install 'wirecopy[parquet]'") from None
    number = 0
    try:
        with opened(file) as stream, pyarrow.parquet.ParquetFile(_seekable(stream, pyarrow)) as table:
            columns = table.schema_arrow.names
            check(columns)
            for batch in table.iter_batches(batch_size=_PARQUET_BATCH_ROWS, columns=select(columns)):
                for row in _with_readable_times(pyarrow, batch).to_pylist():
                    number += 1
                    if impossible := next(
                        (v for v in row.values() if isinstance(v, str) and v.startswith(_NO_TIME)), ""
                    ):
                        yield TableRow(number, None, impossible[1:])
                    else:
                        yield TableRow(number, {name: _plain(value) for name, value in row.items()})
    except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        where = f"row {number + 1} or a later one is unreadable" if number else "it is not readable as parquet"
        raise InputFailed(file, f"{where}: {' '.join(str(error).split())}") from None


def _seekable(stream: BinaryIO, pyarrow: Any) -> Any:
    """Return the stream, or all of it in memory where it cannot be read in any order."""
    return stream if stream.seekable() else pyarrow.BufferReader(stream.read())


def _with_readable_times(pyarrow: Any, batch: Any) -> Any:
    """Cast times to milliseconds, UTC where they are zoned: nanoseconds cannot become Python values otherwise.

    A column with a time outside the years 1 to 9999 becomes text, that time a word that is no date: it costs its row.
    """
    columns = []
    for column in batch.columns:
        if pyarrow.types.is_timestamp(column.type):
            column = column.cast(pyarrow.timestamp("ms", "UTC" if column.type.tz else None), safe=False)
            try:
                column.to_pylist()
            except (ValueError, OverflowError):
                column = pyarrow.array([_time_or_word(value) for value in column.cast(pyarrow.int64()).to_pylist()])
        columns.append(column)
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _time_or_word(milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    try:
        return format_published(milliseconds)
    except OverflowError:
        return f"{_NO_TIME} ({milliseconds} ms since 1970)"


def _plain(value: Any) -> Any:
    """Return dates and times as the strings that JSON would hold, in structs and lists too."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, date) else value
