"""Each operation on a row of bytes does in compiled code what its plain Python says.

Run with NUMBA_DISABLE_JIT=1 both are the same, and nothing is tested.
"""

import os
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wirecopy.detection.kernels import lanes as typed_by_the_compiler

lanes: Any = typed_by_the_compiler

pytestmark = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled")


@numba.njit
def compiled(data: Any, at: int) -> Any:
    low, high = lanes.number_low(data, at), lanes.number_high(data, at)
    bits = lanes.row_between(data, at, 0x61, 0xFF), lanes.row_between(data, at, 0x09, 0x0A)
    return low, high, *bits, lanes.zeros_below(low), lanes.ones(low), lanes.zeros_below(bits[1]), lanes.ones(bits[0])


@numba.njit
def compiled_fold(data: Any, at: int, out: Any, to: int) -> Any:
    return lanes.fold_row(data, at, out, to)


@numba.njit
def compiled_bits(data: Any, at: int, mask: int) -> Any:
    return lanes.bits_of_row(data, at, mask), lanes.zeros_above(lanes.bits_of_row(data, at, mask))


@numba.njit
def compiled_numbers(a: Any, i: int, b: Any, j: int, mask: int, first: int, last: int) -> Any:
    at_most = lanes.row_at_most(a, i, mask)
    return lanes.differing_in_row(a, i, b, j, mask), lanes.within_row(a, i, first, last), at_most


@numba.njit
def compiled_places(bits: Any, base: Any, out: Any, to: Any) -> None:
    lanes.put_places(bits, base, out, to)


rows = st.binary(min_size=70, max_size=80) | st.binary(min_size=2, max_size=2).map(lambda pair: pair * 40)


@settings(deadline=None)
@given(rows, st.integers(0, 6))
def test_what_is_read_of_a_row(row: bytes, at: int) -> None:
    data = np.frombuffer(row, dtype=np.uint8)
    low, high = lanes.number_low(data, at), lanes.number_high(data, at)
    bits = lanes.row_between(data, at, 0x61, 0xFF), lanes.row_between(data, at, 0x09, 0x0A)
    plain = (low, high, *bits, lanes.zeros_below(low), lanes.ones(low), lanes.zeros_below(bits[1]), lanes.ones(bits[0]))
    assert tuple(map(int, compiled(data, at))) == plain


@settings(deadline=None)
@given(rows | st.binary(min_size=70, max_size=80).map(lambda row: bytes(b & 127 for b in row)), st.integers(0, 6))
def test_a_row_is_folded(row: bytes, at: int) -> None:
    data = np.frombuffer(row, dtype=np.uint8)
    out, twin = np.full(80, 7, np.uint8), np.full(80, 7, np.uint8)
    assert int(compiled_fold(data, at, out, 5)) == lanes.fold_row(data, at, twin, 5)
    assert out.tolist() == twin.tolist()


@settings(deadline=None)
@given(rows, st.integers(0, 6), st.integers(0, 255))
def test_which_bytes_of_a_row_have_a_bit(row: bytes, at: int, mask: int) -> None:
    data = np.frombuffer(row, dtype=np.uint8)
    bits = lanes.bits_of_row(data, at, mask)
    assert tuple(map(int, compiled_bits(data, at, mask))) == (bits, lanes.zeros_above(bits))


numbers = st.sampled_from([0, 5, 6, 2**31 - 1, 2**31, 2**31 + 1, 2**32 - 9, 2**32 - 1])
bounds = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([-9, 0, 5])


@settings(deadline=None)
@given(
    st.lists(numbers, min_size=70, max_size=70), st.lists(numbers, min_size=20, max_size=20), st.integers(0, 4),
    st.integers(0, 2**32 - 1), bounds, bounds
)  # fmt: skip
def test_numbers_of_a_row(a: list[int], b: list[int], at: int, mask: int, first: int, last: int) -> None:
    one, other = np.array(a, dtype=np.uint32), np.array(b, dtype=np.uint32)
    compiled = compiled_numbers(one, at, other, 4 - at, mask, first, last)
    near, at_most = lanes.within_row(one, at, first, last), int(lanes.row_at_most(one, at, mask))
    plain = lanes.differing_in_row(one, at, other, 4 - at, mask), near, at_most
    assert tuple(map(int, compiled)) == plain


@numba.njit
def compiled_units(units: Any, at: int, low: int, high: int, out: Any, to: int) -> Any:
    lanes.narrow_row(units, at, out, to)
    return lanes.units_between(units, at, low, high)


units = st.sampled_from([0, 0x7F, 0x80, 0x7FF, 0x800, 0xD800, 0xDFFF, 0xFFFF]) | st.integers(0, 0xFFFF)


@settings(deadline=None)
@given(st.lists(units, min_size=70, max_size=70), st.integers(0, 6), units, units)
def test_units_of_a_row(row: list[int], at: int, one: int, other: int) -> None:
    data, low, high = np.array(row, dtype=np.uint16), min(one, other), max(one, other)
    out, twin = np.full(80, 7, np.uint8), np.full(80, 7, np.uint8)
    found = int(compiled_units(data, at, low, high, out, 5))
    lanes.narrow_row(data, at, twin, 5)
    assert found == int(lanes.units_between(data, at, low, high))
    assert out.tolist() == twin.tolist()


@settings(deadline=None)
@given(st.integers(0, 2**64 - 1) | st.sampled_from([0, 2**64 - 1, 1 << 63]), st.integers(0, 2**31 - 64))
def test_places_of_bits(bits: int, base: int) -> None:
    out, twin = np.full(68, 7, np.int32), np.full(68, 7, np.int32)
    compiled_places(np.uint64(bits), np.uint64(base), out, np.uint64(3))
    lanes.put_places(bits, base, twin, 3)
    assert out[: 3 + bits.bit_count()].tolist() == twin[: 3 + bits.bit_count()].tolist()
    assert out[67] == 7
