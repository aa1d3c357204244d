"""What inputs name: files, folders, patterns, addresses; and which format each has, by its ending."""

import glob
import os
import stat
from collections.abc import Sequence
from enum import Enum

from wirecopy.errors import InputFailed, UsageError
from wirecopy.files import remote
from wirecopy.files.lines import CODINGS, STDIN
from wirecopy.schema.formats import known
from wirecopy.schema.formats.found import Format

Schema = str  # "own", or the name of one of the wire's formats


class Container(Enum):
    """What holds the records of a file."""

    JSON_LINES = "JSON lines"
    JSON = "JSON: lines, an array, or an object with a list"
    CSV = "CSV: a header, then records"
    PARQUET = "parquet"
    DOCUMENT = "XML or text: a document of the wire, or a feed"
    WARC = "WARC"


ENDINGS = {
    **dict.fromkeys(("jsonl", "ndjson"), Container.JSON_LINES),
    "json": Container.JSON,
    **dict.fromkeys(("csv", "tsv"), Container.CSV),
    "parquet": Container.PARQUET,
    **dict.fromkeys(("xml", "nitf", "iptc", "7901", "rss", "atom"), Container.DOCUMENT),
    "warc": Container.WARC,
}
SCHEMAS = ("own", *known.BY_NAME)
READABLE = (
    ".jsonl, .ndjson, .json, .csv, .tsv, .xml, .nitf, .iptc, .rss, .atom, .warc (also .gz, .zst, .bz2, .xz), .parquet"
)


def form_of(schema: Schema) -> Format | None:
    """Return the wire's format that a schema names, None for records with fields of their own."""
    return known.BY_NAME.get(schema)


def container_of(file: str, schema: Schema = "own") -> Container | None:
    """Return what holds the records of a file, None for an ending that is not known.

    Standard input, pipes and devices hold JSON, or documents where the schema is of such.
    """
    form = form_of(schema)
    is_wire = form is not None and form.read is not None
    stem, _, suffix = remote.path_of(file).lower().rpartition(".")
    is_compressed = suffix in CODINGS
    found = ENDINGS.get(stem.rpartition(".")[2] if is_compressed else suffix)
    if is_wire:
        is_text = found is None and suffix in ("txt", "tst")
        return Container.DOCUMENT if found is Container.DOCUMENT or is_text or not _is_regular(file) else None
    if form is not None and found not in (None, Container.JSON, Container.JSON_LINES):
        return None
    if found is None or (is_compressed and found is Container.PARQUET):
        return None if _is_regular(file) or remote.is_address(file) else Container.JSON
    return found


def expand(inputs: Sequence[str], schema: Schema = "own") -> list[str]:
    """Return the files that `inputs` name: patterns and folders expanded and sorted, `-` as `<stdin>`.

    Raises UsageError for a format that is not read and for `-` given twice, InputFailed for a file that is missing, for
    a pattern that matches nothing and for a folder without a file that is read.
    """
    names = list(inputs)
    if names.count("-") > 1:
        raise UsageError("standard input (-) can be read only once")
    files: list[str] = []
    for name in names:
        if name == "-":
            files.append(STDIN)
        elif remote.is_address(name):
            files += remote.matching(name) if glob.has_magic(remote.path_of(name)) else [name]
        elif glob.has_magic(name) and not os.path.lexists(name):
            files += _matching(name)
        elif os.path.isdir(name):
            files += _within(name, schema)
        else:
            files.append(name)
    for file in files:
        if file != STDIN and not remote.is_address(file):
            check_exists(file)
        if container_of(file, schema) is None:
            raise UsageError(f"{file}: wirecopy reads {_readable(schema)}")
    return files


def check_exists(file: str) -> None:
    """Raise InputFailed when `file` is missing or a folder."""
    try:
        mode = os.stat(file).st_mode
    except (OSError, ValueError) as error:
        raise InputFailed(file, (getattr(error, "strerror", None) or str(error)).lower()) from None
    if stat.S_ISDIR(mode):
        raise InputFailed(file, "it is a folder")


def _readable(schema: Schema) -> str:
    form = form_of(schema)
    return READABLE if form is None else f"{form.name} in {', '.join(form.endings)} (also .gz, .zst, .bz2, .xz)"


def _matching(pattern: str) -> list[str]:
    found = sorted(file for file in glob.glob(pattern, recursive=True) if not os.path.isdir(file))
    if not found:
        raise InputFailed(pattern, "no file matches this pattern")
    return found


def _within(folder: str, schema: Schema) -> list[str]:
    """Return the files of a folder, and of those below it, whose format is read; hidden ones are left out."""
    found = [
        os.path.join(where, name)
        for where, _, names in os.walk(folder)
        for name in names
        if not name.startswith(".") and container_of(os.path.join(where, name), schema) is not None
    ]
    if not found:
        raise InputFailed(folder, f"no file in this folder is read: {_readable(schema)}")
    return sorted(found)


def _is_regular(file: str) -> bool:
    return file != STDIN and os.path.isfile(file)
