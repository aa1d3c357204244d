"""Input files as bytes: open, decompress, split into lines.

Files are read in big blocks and split by `bytes.find`, never byte by byte. Memory is bounded by the line limit and
the block size, whatever the file holds: a line over the limit is dropped while it passes, and compressed data is fed
in small steps: 64 KiB of gzip can grow to at most 66 MiB, 4 KiB of zstd to at most 128 MiB (the densest they can be),
bzip2 and xz to a block at a time.

Gzip is read by `isal`, which needs half the processor time of zlib, 5 us of the 26 that reading an article took.
"""

import bz2
import codecs
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import BinaryIO, Protocol, cast

from isal import isal_zlib

from wirecopy.errors import InputFailed
from wirecopy.files import remote

STDIN = "<stdin>"

CODINGS = {"gz": b"\x1f\x8b", "zst": b"\x28\xb5\x2f\xfd", "bz2": b"BZh", "xz": b"\xfd7zXZ\0"}  # and how they begin
_BLOCK_BYTES = 2**20
_HEAD_BYTES = 2**16
_MAX_XZ_MEMORY_BYTES = 2**30  # `xz -9` needs 65 MiB; more is what only hostile files ask for
_GZIP_STEP_BYTES, _ZSTD_STEP_BYTES = 2**16, 2**12
_GZIP_WBITS = 31  # its code, as zlib's, for "gzip header and trailer expected"
_GZIP_DAMAGE = cast(type[Exception], isal_zlib.error)  # the library's types say: an instance
_MAX_ZSTD_WINDOW_BYTES = 2**31  # dumps made with `zstd --long=31` need it


class _Decompressor(Protocol):
    """What zlib and zstandard have in common: one object per gzip member or zstd frame."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def read_lines(file: str, max_line_bytes: int) -> Iterator[bytes | None]:
    """Yield the lines of `file` (`<stdin>`: standard input; compressed ones decompressed) without their newline.

    A line longer than `max_line_bytes` is yielded as None. A byte order mark at the start of the file is dropped; a
    carriage return at the end of a line is kept. Raises InputFailed after the complete lines before the failure.
    """
    return split_lines(read_blocks(file), max_line_bytes)


def split_lines(blocks: Iterable[bytes], max_line_bytes: int) -> Iterator[bytes | None]:
    """Yield the lines of blocks of bytes, as `read_lines` does."""
    return _split(_without_mark(_as_utf_8(blocks)), max_line_bytes)


def read_blocks(file: str) -> Iterator[bytes]:
    """Yield the bytes of `file`, decompressed, in blocks. Raises InputFailed."""
    try:
        with opened(file) as stream:
            yield from _decompressed(file, stream)
    except OSError as error:
        raise InputFailed(file, (error.strerror or str(error)).lower()) from None
    except EOFError:
        raise InputFailed(file, "the compressed data ends too early; the file is truncated") from None


@contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """Open a file, standard input, or an address, as it is. Raises OSError, and InputFailed for addresses."""
    if file == STDIN:
        yield cast(BinaryIO, sys.stdin.buffer)
    elif "://" in file:
        with remote.opened(file) as stream:
            yield stream
    else:
        with open(file, "rb") as stream:
            yield stream


def _decompressed(file: str, stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes as they were before they were compressed: by the name's ending, else by how they begin."""
    read = cast(Callable[[int], bytes], getattr(stream, "read1", stream.read))  # what is there, as it comes
    head = read(_HEAD_BYTES)
    suffix = file.lower().rpartition(".")[2]
    coding = suffix if suffix in CODINGS else _coding_of(head)
    blocks = chain((head,), iter(lambda: read(_BLOCK_BYTES), b"")) if head else iter(())
    if coding == "gz":
        steps = _in_steps(blocks, _GZIP_STEP_BYTES)
        yield from _decompress(steps, lambda: isal_zlib.decompressobj(_GZIP_WBITS), _GZIP_DAMAGE, file)
    elif coding == "zst":
        import zstandard

        shared = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW_BYTES)
        yield from _decompress(_in_steps(blocks, _ZSTD_STEP_BYTES), shared.decompressobj, zstandard.ZstdError, file)
    elif coding == "bz2":
        yield from _decompress_bounded(blocks, bz2.BZ2Decompressor, OSError, file)
    elif coding == "xz":
        new = partial(lzma.LZMADecompressor, lzma.FORMAT_AUTO, _MAX_XZ_MEMORY_BYTES)
        yield from _decompress_bounded(blocks, new, lzma.LZMAError, file)
    else:
        yield from blocks


def _coding_of(head: bytes) -> str:
    return next((coding for coding, magic in CODINGS.items() if head.startswith(magic)), "")


def _in_steps(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    for block in blocks:
        yield from (block[start : start + size] for start in range(0, len(block), size))


class _Bounded(Protocol):
    """What bz2 and lzma have in common: what a step may grow to is given."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def _decompress_bounded(
    blocks: Iterable[bytes], new_decompressor: Callable[[], _Bounded], damage: type[Exception], file: str
) -> Iterator[bytes]:
    """Yield what the streams in the data hold, in blocks; raises EOFError when the last one is not complete."""
    decompressor = new_decompressor()
    try:
        for compressed in blocks:
            while compressed or not (decompressor.needs_input or decompressor.eof):
                if decompressor.eof:
                    if not (compressed := compressed.lstrip(b"\0")):
                        break  # streams may be padded with zeros
                    decompressor = new_decompressor()
                yield decompressor.decompress(compressed, _BLOCK_BYTES)
                compressed = decompressor.unused_data if decompressor.eof else b""
    except damage:
        raise InputFailed(file, "the compressed data is damaged") from None
    if not decompressor.eof:
        raise EOFError


def _decompress(
    steps: Iterable[bytes], new_decompressor: Callable[[], _Decompressor], damage: type[Exception], file: str
) -> Iterator[bytes]:
    """Yield what the members or frames in the data hold; raises EOFError when the last one is not complete."""
    decompressor = new_decompressor()
    try:
        for compressed in steps:
            while compressed:
                if decompressor.eof:
                    if damage is _GZIP_DAMAGE and not (compressed := compressed.lstrip(b"\0")):
                        break  # gzip files may be padded with zeros
                    decompressor = new_decompressor()
                yield decompressor.decompress(compressed)
                compressed = decompressor.unused_data
    except damage:
        raise InputFailed(file, "the compressed data is damaged") from None
    if not decompressor.eof:
        raise EOFError


def _as_utf_8(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Turn UTF-16 that says so by its byte order mark into UTF-8; half a character becomes U+FFFD."""
    coming = iter(blocks)
    head = b""
    while len(head) < 2 and (block := next(coming, b"")):
        head += block
    if not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        yield from chain((head,) if head else (), coming)
        return
    decoder = codecs.getincrementaldecoder("utf-16")("replace")
    for block in chain((head,), coming):
        yield decoder.decode(block).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")


def _without_mark(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Drop a UTF-8 byte order mark from the start, however small the first blocks are."""
    mark = b"\xef\xbb\xbf"
    start: bytes | None = b""
    for block in blocks:
        if start is None:
            yield block
        elif len(start) + len(block) >= len(mark):
            yield (start + block).removeprefix(mark)
            start = None
        else:
            start += block
    if start:
        yield start.removeprefix(mark)


def _split(blocks: Iterable[bytes], max_line_bytes: int) -> Iterator[bytes | None]:
    """Yield lines; `pieces` hold the unfinished one while it is within the limit, `size` counts it in any case.

    `find` reads many bytes at a time, `bytes.split` one after the other.
    """
    pieces: list[bytes] = []
    size = 0
    for block in blocks:
        begin = 0
        while (end := block.find(b"\n", begin)) >= 0:
            size += end - begin
            pieces.append(block[begin:end])
            if size > max_line_bytes:
                yield None
            else:
                yield pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
            size, begin = 0, end + 1
        if begin < len(block):
            size += len(block) - begin
            if size <= max_line_bytes:
                pieces.append(block[begin:])
            else:
                pieces.clear()
    if size:
        yield b"".join(pieces) if size <= max_line_bytes else None
