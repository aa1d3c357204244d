"""The parts of a bulk stream by themselves: decoding, splitting, spooling; each against the obvious way."""

import gzip
import os
import zlib
from collections.abc import Callable, Iterator

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from wirecopy.web.http.answer_spool import AnswerSpool
from wirecopy.web.http.decompression import decoder_for
from wirecopy.web.http.ndjson import LineSplitter
from wirecopy.web.http.problems import MalformedRequest, TooLarge, UnsupportedType

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "zstd": zstandard.compress,
    "": bytes,
    "identity": bytes,
}


def pieces_of(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """`data` cut at the given sizes, repeated as needed."""
    start = 0
    while start < len(data):
        size = sizes[start % len(sizes)]
        yield data[start : start + size]
        start += size


def decode(coding: str, data: bytes, sizes: list[int]) -> bytes:
    decoder = decoder_for(coding)
    decoded = b"".join(piece for part in pieces_of(data, sizes) for piece in decoder.feed(part))
    decoder.finish()
    return decoded


SIZES = st.lists(st.integers(1, 300), min_size=1, max_size=5)


@given(st.sampled_from(sorted(PACKERS)), st.lists(st.binary(max_size=500), min_size=1, max_size=3), SIZES)
def test_decoding_undoes_the_coding_however_it_is_cut(coding: str, members: list[bytes], sizes: list[int]) -> None:
    packed = b"".join(PACKERS[coding](member) for member in members)
    assert decode(coding, packed, sizes) == b"".join(members)


@pytest.mark.parametrize("size", [2**20 - 1, 2**20, 2**20 + 1, 3 * 2**20 + 17])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_nothing_is_lost_at_the_size_of_a_piece(coding: str, size: int) -> None:
    for data in (bytes(size), os.urandom(size)):
        assert decode(coding, PACKERS[coding](data), [65536]) == data


@given(st.sampled_from(["gzip", "zstd"]), st.binary(min_size=1, max_size=300), st.data())
def test_a_body_that_is_cut_is_noticed(coding: str, data: bytes, drawn: st.DataObject) -> None:
    packed = PACKERS[coding](data)
    kept = drawn.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(MalformedRequest):
        decode(coding, packed[:kept], [50])


@given(st.sampled_from(["gzip", "zstd"]), st.binary(min_size=1, max_size=200))
def test_any_bytes_decode_or_are_refused(coding: str, data: bytes) -> None:
    try:
        decode(coding, data, [50])
    except MalformedRequest:
        return


def test_padding_after_gzip_is_ignored() -> None:
    assert decode("gzip", gzip.compress(b"x") + bytes(1000), [64]) == b"x"


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_pieces_are_bounded_and_bombs_given_up(coding: str) -> None:
    size = 2**28 if coding == "zstd" else 2**26
    packed = PACKERS[coding](bytes(size))
    decoder = decoder_for(coding)
    largest = total = 0
    try:
        for piece in decoder.feed(packed):
            largest = max(largest, len(piece))
            total += len(piece)
    except TooLarge:
        assert total >= 2**25
    else:
        assert coding == "gzip"  # at most 1,032 times: never a bomb by our measure
    assert largest <= 8 * 2**20 + 2**17


def test_a_window_over_8_mib_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=25)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = compressor.compress(os.urandom(2**16)) + compressor.flush()
    with pytest.raises(MalformedRequest):
        decode("zstd", packed, [65536])


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "compress"])
def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(UnsupportedType):
        decoder_for(coding)


def test_zlib_without_its_gzip_header_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        decode("gzip", zlib.compress(b"x"), [64])


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"?")), max_size=10), SIZES, st.booleans())
def test_lines_come_out_as_they_went_in_however_the_bytes_are_cut(
    lines: list[bytes], sizes: list[int], ends_with_newline: bool
) -> None:
    data = b"\n".join(lines) + (b"\n" if ends_with_newline and lines else b"")
    expected = data.split(b"\n")
    if expected[-1] == b"":
        expected.pop()
    expected[:1] = [line.removeprefix(b"\xef\xbb\xbf") for line in expected[:1]]
    splitter = LineSplitter(1000)
    found = [line for piece in pieces_of(data, sizes) for line in splitter.feed(piece)] + splitter.finish()
    assert found == expected


@given(st.lists(st.integers(0, 40), max_size=10), SIZES)
def test_a_line_over_the_limit_is_none_and_never_held(lengths: list[int], sizes: list[int]) -> None:
    data = b"".join(b"x" * length + b"\n" for length in lengths)
    splitter = LineSplitter(20)
    found: list[bytes | None] = []
    for piece in pieces_of(data, sizes):
        found += splitter.feed(piece)
        assert splitter.unfinished_bytes <= 20
    assert found == [b"x" * length if length <= 20 else None for length in lengths]


class SpoolMachine(RuleBasedStateMachine):
    """A spool is a queue of bytes, wherever they wait; it is full only when its file had no room."""

    CAPACITY = 3 * 2**20

    def __init__(self) -> None:
        super().__init__()
        self.spool = AnswerSpool(self.CAPACITY)
        self.expected = bytearray()
        self.count = 0

    @rule(size=st.sampled_from([1, 1000, 2**19, 2**20 + 1, 2**21]))
    def put(self, size: int) -> None:
        if self.spool.is_full:
            return
        self.count += 1
        data = bytes([self.count % 251]) * size
        had_room = len(self.expected) + size <= self.CAPACITY
        self.spool.put(data)
        self.expected += data
        assert not (self.spool.is_full and had_room)

    @rule(times=st.integers(1, 12))
    def take(self, times: int) -> None:
        for _ in range(times):
            data = self.spool.take()
            assert bytes(self.expected[: len(data)]) == data
            assert data or not self.expected
            del self.expected[: len(data)]

    @invariant()
    def memory_and_file_are_bounded(self) -> None:
        if not self.spool.is_full:
            assert len(self.expected) <= self.CAPACITY + 2**20

    def teardown(self) -> None:
        while data := self.spool.take():
            assert bytes(self.expected[: len(data)]) == data
            del self.expected[: len(data)]
        assert not self.expected
        self.spool.close()


TestSpool = SpoolMachine.TestCase
TestSpool.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)


def test_a_disk_that_is_full_makes_the_spool_full_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(28, "no space left on device")

    spool = AnswerSpool(2**30)
    spool.put(b"a" * 2**20)
    monkeypatch.setattr("os.pwrite", refuse)
    spool.put(b"b" * 10)
    spool.put(b"c" * 10)
    assert spool.is_full
    taken = b"".join(iter(spool.take, b""))
    assert taken == b"a" * 2**20 + b"b" * 10 + b"c" * 10
    spool.close()


def test_a_spool_without_a_file_is_full_after_its_memory() -> None:
    spool = AnswerSpool(0)
    spool.put(b"a" * 2**20)
    assert not spool.is_full
    spool.put(b"b")
    assert spool.is_full
    spool.close()
