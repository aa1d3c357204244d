"""Compressed request bodies, in pieces of bounded size.

A few kilobytes can expand to gigabytes. So compressed bytes go in by small steps, each of which yields at most some
megabytes, and a body that expands more than 1,000 times is given up once it is large; honest text expands 3 to 10
times. Windows of zstd are at most 8 MiB, as RFC 9659 has it for HTTP.
"""

import zlib
from collections.abc import Iterator
from typing import Protocol

import zstandard

from wirecopy.web.http.problems import MalformedRequest, TooLarge, UnsupportedType

_GZIP_WBITS = 31  # zlib's code for "gzip header and trailer expected"
_PIECE_BYTES = 2**20
_ZSTD_STEP_BYTES = 256  # zstd at its densest makes 128 KiB of 4 bytes: 8 MiB a step
_ZSTD_WINDOW_BYTES = 8 * 2**20
_MAX_EXPANSION = 1000
_ALWAYS_ALLOWED_BYTES = 64 * 2**20
_DAMAGED = "the compressed body is damaged"


class Decoder(Protocol):
    """Turns the bytes of a body into the bytes that were meant."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` adds, in pieces of a few MiB at most. Raises MalformedRequest, TooLarge."""

    def finish(self) -> None:
        """Raise MalformedRequest when the body ended too early."""


def decoder_for(coding: str) -> Decoder:
    """Return the decoder for a Content-Encoding (empty: none). Raises UnsupportedType."""
    match coding.strip().lower():
        case "" | "identity":
            return _Identity()
        case "gzip" | "x-gzip":
            return _Gzip()
        case "zstd":
            return _Zstd()
    raise UnsupportedType("a body may be sent as it is, or coded as gzip or zstd", Accept_Encoding="gzip, zstd")


class _Identity:
    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> None:
        """Do nothing: nothing can be missing."""


class _Expansion:
    """Counts both sides and gives up on bombs."""

    def __init__(self) -> None:
        self.received = 0
        self.produced = 0

    def count(self, produced: int) -> None:
        self.produced += produced
        if self.produced > max(_ALWAYS_ALLOWED_BYTES, self.received * _MAX_EXPANSION):
            raise TooLarge(f"the compressed body expands more than {_MAX_EXPANSION} times")


class _Gzip:
    def __init__(self) -> None:
        self._member = zlib.decompressobj(_GZIP_WBITS)
        self._expansion = _Expansion()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._expansion.received += len(data)
        is_cut = False  # by the size of a piece: zlib may hold more even when it has taken all input
        while data or is_cut:
            if self._member.eof:
                data = data.lstrip(b"\0")  # members may be padded with zeros
                if not data:
                    return
                self._member = zlib.decompressobj(_GZIP_WBITS)
            try:
                piece = self._member.decompress(data, _PIECE_BYTES)
            except zlib.error:
                raise MalformedRequest(_DAMAGED) from None
            self._expansion.count(len(piece))
            yield piece
            is_cut = len(piece) == _PIECE_BYTES
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def finish(self) -> None:
        if not self._member.eof:
            raise MalformedRequest("the compressed body ends too early")


class _Zstd:
    def __init__(self) -> None:
        self._shared = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        self._frame = self._shared.decompressobj()
        self._expansion = _Expansion()

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._expansion.received += len(data)
        for start in range(0, len(data), _ZSTD_STEP_BYTES):
            step = data[start : start + _ZSTD_STEP_BYTES]
            while step:
                if self._frame.eof:
                    self._frame = self._shared.decompressobj()
                try:
                    piece = self._frame.decompress(step)
                except zstandard.ZstdError:
                    raise MalformedRequest(_DAMAGED) from None
                self._expansion.count(len(piece))
                yield piece
                step = self._frame.unused_data

    def finish(self) -> None:
        if not self._frame.eof:
            raise MalformedRequest("the compressed body ends too early")
