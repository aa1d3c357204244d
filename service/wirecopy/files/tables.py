"""Tables -> rows: CSV (a header, then records that may hold newlines inside quotes) and parquet.

A row is a mapping from the file's own column names to values; what the names mean is not known here.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple

from wirecopy.errors import InputFailed
from wirecopy.files.lines import read_lines

_PARQUET_BATCH_ROWS = 512


class TableRow(NamedTuple):
    """`fields`, or if None the `refusal` that says why; `line` is the physical line or the row number, from 1."""

    line: int
    fields: dict[str, Any] | None
    refusal: str = ""


def read_csv(file: str, max_record_bytes: int, required: Sequence[str], optional: Sequence[str]) -> Iterator[TableRow]:
    """Yield the records under the header; an empty cell is None, empty lines are skipped.

    Raises InputFailed: unreadable, no header, or a header without the required columns.
    """
    csv.field_size_limit(max(csv.field_size_limit(), max_record_bytes))  # counts characters; the lines count bytes
    source = _CsvLines(read_lines(file, max_record_bytes), max_record_bytes)
    reader = csv.reader(source, strict=True)
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
            _check_columns(file, cells, required, optional)
            header = cells
    if not header:
        raise InputFailed(file, "it has no header line")


class _CsvLines:
    """The physical lines that `csv.reader` asks for; knows where the record began and whether it is UTF-8."""

    def __init__(self, source: Iterable[bytes | None], max_record_bytes: int) -> None:
        self._source = iter(source)
        self._max_record_bytes = max_record_bytes
        self._number = 0
        self.start_record()

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


def _check_columns(file: str, names: Sequence[str], required: Sequence[str], optional: Sequence[str]) -> None:
    """Raise InputFailed when a required column is missing or one that is read is there twice."""
    for name in required:
        if name not in names:
            found = ", ".join(names)
            raise InputFailed(file, f"it has no column {name!r}, only {found} (--map text=body gives other names)")
    for name in (*required, *optional):
        if names.count(name) > 1:
            raise InputFailed(file, f"it has more than one column {name!r}")


def read_parquet(
    file: str, required: Sequence[str], optional: Sequence[str], keep_all_columns: bool
) -> Iterator[TableRow]:
    """Yield the rows, times as RFC 3339 strings; only the named columns unless all are wanted.

    Raises InputFailed: unreadable, without the required columns, or pyarrow (the extra `parquet`) is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputFailed(file, "parquet needs pyarrow: pip install 'wirecopy[parquet]'") from None
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(file) as table:
            columns = table.schema_arrow.names
            _check_columns(file, columns, required, optional)
            if not keep_all_columns:
                columns = [name for name in columns if name in required or name in optional]
            for batch in table.iter_batches(batch_size=_PARQUET_BATCH_ROWS, columns=columns):
                for row in _with_millisecond_times(pyarrow, batch).to_pylist():
                    number += 1
                    yield TableRow(number, {name: _plain(value) for name, value in row.items()})
    except (OSError, ValueError, OverflowError, pyarrow.ArrowException) as error:
        where = f"row {number + 1} or a later one is unreadable" if number else "it is not readable as parquet"
        raise InputFailed(file, f"{where}: {' '.join(str(error).split())}") from None


def _with_millisecond_times(pyarrow: Any, batch: Any) -> Any:
    """Cast times to milliseconds, UTC where they are zoned: nanoseconds cannot become Python values otherwise."""
    columns = []
    for column in batch.columns:
        if pyarrow.types.is_timestamp(column.type):
            column = column.cast(pyarrow.timestamp("ms", "UTC" if column.type.tz else None), safe=False)
        columns.append(column)
    return pyarrow.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain(value: Any) -> Any:
    """Dates and times as the strings that JSON would hold."""
    return value.isoformat() if isinstance(value, date) else value
