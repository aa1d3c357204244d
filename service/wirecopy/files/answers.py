"""Rows of answers in the format that an output's ending names: JSON lines, CSV, parquet; compressed or not."""

import csv
import gzip
import io
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO, cast

import msgspec

from wirecopy.errors import InputFailed, OutputFailed, UsageError
from wirecopy.files.writing import Output, is_stream

_LINES, _TABLES, _PARQUET = ("jsonl", "ndjson"), {"csv": ",", "tsv": "\t"}, "parquet"
_CODINGS = ("gz", "zst")
ROW_FIELDS = ("id", "story", "canonical", "relation", "match", "score")
_BLOCK_ROWS = 4096


def check_ending(target: str, *, lines_only: bool = False) -> None:
    """Raise UsageError for the name of a file whose ending names no format, or not one of JSON lines."""
    if is_stream(target) or (os.path.exists(target) and not os.path.isfile(target)):
        return
    name, coding = _split(target)
    if lines_only and name and name not in _LINES:
        raise UsageError(f"{target}: lines of JSON are written as .jsonl or .ndjson, also .gz or .zst")
    if name and name not in (*_LINES, *_TABLES) and not (name == _PARQUET and not coding):
        raise UsageError(f"{target}: wirecopy writes .jsonl, .ndjson, .csv and .tsv (also .gz, .zst) and .parquet")


def write_rows(output: Output, rows: Iterable[msgspec.Struct]) -> None:
    """Write rows, which have `ROW_FIELDS`, in the format of the output's name. Raises OutputFailed."""
    name, coding = ("", "") if is_stream(output.name) else _split(output.name)
    if name == _PARQUET:
        _write_parquet(output, rows)
        return
    lines = _csv(rows, ROW_FIELDS, _TABLES[name]) if name in _TABLES else map(msgspec.json.Encoder().encode, rows)
    write_lines(output, lines, coding)


def write_lines(output: Output, lines: Iterable[bytes], coding: str | None = None) -> None:
    """Write lines, compressed as the output's name says. Raises OutputFailed."""
    if coding is None:
        coding = "" if is_stream(output.name) else _split(output.name)[1]
    if not coding:
        output.write_lines(lines)
        return
    with _compressing(output, coding) as stream:
        for line in lines:
            stream.write(line + b"\n")


def _split(target: str) -> tuple[str, str]:
    """Return the endings that tell the format and the compression."""
    stem, dot, last = os.path.basename(target).lower().rpartition(".")
    if not dot:
        return "", ""  # without an ending: JSON lines
    return (stem.rpartition(".")[2] if "." in stem else "", last) if last in _CODINGS else (last, "")


def _csv(rows: Iterable[msgspec.Struct], fields: Sequence[str], delimiter: str) -> Iterator[bytes]:
    def line(cells: Iterable[Any]) -> bytes:
        buffer = io.StringIO()
        csv.writer(buffer, delimiter=delimiter, lineterminator="").writerow(cells)
        return buffer.getvalue().encode()

    yield line(fields)
    for row in rows:
        values = [getattr(row, name) for name in fields]
        yield line([str(value).lower() if isinstance(value, bool) else value for value in values])


class _Sink(io.RawIOBase):
    """An output as the file that libraries write to; they may close it, the output stays open."""

    def __init__(self, output: Output) -> None:
        super().__init__()
        self._output = output

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._output.write(bytes(data))
        return len(data)


def _compressing(output: Output, coding: str) -> Any:
    sink = _Sink(output)
    if coding == "gz":
        return gzip.GzipFile("", "wb", 6, sink, mtime=0)
    import zstandard

    return zstandard.ZstdCompressor().stream_writer(cast(BinaryIO, sink))


def _write_parquet(output: Output, rows: Iterable[msgspec.Struct]) -> None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InputFailed(output.name, "parquet needs pyarrow: pip install 'wirecopy[parquet]'") from None
    text, number = pyarrow.string(), pyarrow.float64()
    columns = {
        "id": text,
        "story": text,
        "canonical": pyarrow.bool_(),
        "relation": text,
        "match": text,
        "score": number,
    }
    schema = pyarrow.schema(list(columns.items()))
    remaining = iter(rows)
    try:
        with pyarrow.parquet.ParquetWriter(pyarrow.PythonFile(_Sink(output), "w"), schema) as writer:
            while block := list(islice(remaining, _BLOCK_ROWS)):
                writer.write_batch(pyarrow.RecordBatch.from_pylist(list(map(msgspec.structs.asdict, block)), schema))
    except pyarrow.ArrowException as error:
        raise OutputFailed(output.name, " ".join(str(error).split())) from None
