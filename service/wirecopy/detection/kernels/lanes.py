"""What the kernels need of the processor beyond Python's terms: sixty-four bytes at a time, and memory ahead of time.

Each operation is plain Python here, which is what it means and what runs without the compiler; within compiled code it
becomes vector instructions of LLVM, which every target has in its own width. Nothing is checked: callers see to it that
all bytes can be read, and written.
"""

import sys

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic, overload

LANES, ROW = 64, 16  # bytes; numbers of 32 bits
_BYTE, _LONG = ir.IntType(8), ir.IntType(64)
_ROW = ir.VectorType(_BYTE, LANES)
_NUMBER = ir.IntType(32)
_NUMBERS, _UNITS = ir.VectorType(_NUMBER, LANES), ir.VectorType(ir.IntType(16), LANES)
# What the compiler compiles for: this processor, unless it is told otherwise.
_FEATURES = get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES


def fold_row(source, at, out, to):
    """Fold source[at:at + 64], taken for ASCII, to out[to:to + 64]; return the bits of bytes that need another rule.

    These are "&" and what is not ASCII; bit 0 belongs to the first byte.
    """
    odd = 0
    for k in range(LANES):
        b = int(source[at + k])
        low = b | 0x20
        if 0x61 <= low <= 0x7A:
            out[to + k] = low
        elif 0x30 <= b <= 0x39 or b in (0x2C, 0x2E):
            out[to + k] = b
        elif 0x0A <= b <= 0x0D:
            out[to + k] = 0x0A
        elif b == 0x22:
            out[to + k] = 0x01
        elif b in (0x27, 0x60):
            out[to + k] = 0x0E
        else:
            out[to + k] = 0x20
        odd |= (b >= 0x80 or b == 0x26) << k
    return odd


def row_between(data, at, low, high):
    """Return the bits of the bytes of data[at:at + 64] from `low` to `high`; bit 0 belongs to the first byte."""
    return np.uint64(sum((low <= int(data[at + k]) <= high) << k for k in range(LANES)))


def bits_of_row(data, at, mask):
    """Return the bits of the bytes from data[at] on that have a bit of `mask`."""
    return sum((int(data[at + k]) & mask != 0) << k for k in range(LANES))


def differing_in_row(a, i, b, j, mask):
    """Return the bits of the ROW numbers of 32 bits from a[i] and b[j] on that differ in a bit of `mask`."""
    return sum(((int(a[i + k]) ^ int(b[j + k])) & mask != 0) << k for k in range(ROW))


def within_row(values, at, first, last):
    """Return the bits of values[at:at + 64], as signed numbers of 32 bits, in first .. last or the least that there
    is.
    """
    row = [int(value) - ((int(value) & 0x80000000) << 1) for value in values[at : at + LANES]]
    return sum((value == -(1 << 31) or first <= value <= last) << k for k, value in enumerate(row))


def units_between(units, at, low, high):
    """Return the bits of the numbers of 16 bits of units[at:at + 64] from `low` to `high`."""
    return np.uint64(sum((low <= int(units[at + k]) <= high) << k for k in range(LANES)))


def narrow_row(units, at, out, to):
    """Write the low halves of the numbers of 16 bits units[at:at + 64] to out[to:to + 64]."""
    out[to : to + LANES] = units[at : at + LANES] & 0xFF


def row_at_most(values, at, most):
    """Return the bits of the numbers of 32 bits of values[at:at + 64] that are at most `most`."""
    return np.uint64(sum((int(values[at + k]) <= most) << k for k in range(LANES)))


def zeros_below(bits):
    """Return how many zeros stand below the lowest bit that is set; 64 when none is."""
    bits = int(bits)
    return (bits & -bits).bit_length() - 1 if bits else 64


def zeros_above(bits):
    """Return how many zeros stand above the highest bit that is set; 64 when none is."""
    return 64 - int(bits).bit_length()


def ones(bits):
    """Return how many bits are set."""
    return int(bits).bit_count()


def number_low(data, at):
    """Return the eight bytes from data[at] on as a number, the first byte lowest."""
    return int.from_bytes(bytes(data[at : at + 8]), "little")


def number_high(data, at):
    """Return the eight bytes from data[at] on as a number, the first byte highest."""
    return int.from_bytes(bytes(data[at : at + 8]), "big")


def put_places(bits, base, out, to):
    """Write `base` + the place of each bit that is set, in order, to out[to:]; anything to the rest of 64 entries."""
    places = [base + k for k in range(LANES) if int(bits) >> k & 1]
    out[to : to + LANES] = -1
    out[to : to + len(places)] = places


def fetch(array, at):
    """Let the memory of array[at] be on its way while something else is done; changes nothing."""


# --- the same for the compiler ----------------------------------------------------------------------------------------


def _row_at(context, builder, array_type, array, at, kind):
    data = cgutils.create_struct_proxy(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())


def _all(value):
    return ir.Constant(_ROW, [value] * LANES)


def _splat(builder, value, kind):
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, _NUMBER(0))
    return builder.shuffle_vector(one, one, ir.Constant(ir.VectorType(_NUMBER, kind.count), [0] * kind.count))


def _within(builder, row, low, high):
    return builder.icmp_unsigned("<=", builder.sub(row, _all(low)), _all(high - low))


@intrinsic
def _fold_row(typing, source, at, out, to):
    def generate(context, builder, signature, arguments):
        kinds = signature.args
        row = builder.load(_row_at(context, builder, kinds[0], arguments[0], arguments[1], _ROW), align=1)
        low = builder.or_(row, _all(0x20))
        is_letter = _within(builder, low, 0x61, 0x7A)
        stays = _within(builder, row, 0x30, 0x39)
        for byte in (0x2C, 0x2E):
            stays = builder.or_(stays, builder.icmp_unsigned("==", row, _all(byte)))
        folded = builder.select(stays, row, _all(0x20))
        folded = builder.select(is_letter, low, folded)
        folded = builder.select(_within(builder, row, 0x0A, 0x0D), _all(0x0A), folded)
        folded = builder.select(builder.icmp_unsigned("==", row, _all(0x22)), _all(0x01), folded)
        quote = builder.icmp_unsigned("==", row, _all(0x27))
        quote = builder.or_(quote, builder.icmp_unsigned("==", row, _all(0x60)))
        folded = builder.select(quote, _all(0x0E), folded)
        builder.store(folded, _row_at(context, builder, kinds[2], arguments[2], arguments[3], _ROW), align=1)
        odd = builder.icmp_unsigned(">=", row, _all(0x80))
        odd = builder.or_(odd, builder.icmp_unsigned("==", row, _all(0x26)))
        return builder.bitcast(odd, _LONG)

    return types.uint64(source, types.uint64, out, types.uint64), generate


def _between(kind, number):
    @intrinsic
    def between(typing, values, at, low, high):
        def generate(context, builder, signature, arguments):
            array, at, low, high = arguments
            row = builder.load(_row_at(context, builder, signature.args[0], array, at, kind), align=1)
            above = builder.sub(row, _splat(builder, low, kind))
            span = _splat(builder, builder.sub(high, low), kind)
            return builder.bitcast(builder.icmp_unsigned("<=", above, span), _LONG)

        return types.uint64(values, types.uint64, number, number), generate

    return between


_row_between, _units_between = _between(_ROW, types.uint8), _between(_UNITS, types.uint16)


@intrinsic
def _narrow_row(typing, units, at, out, to):
    def generate(context, builder, signature, arguments):
        units, at, out, to = arguments
        row = builder.load(_row_at(context, builder, signature.args[0], units, at, _UNITS), align=1)
        builder.store(builder.trunc(row, _ROW), _row_at(context, builder, signature.args[2], out, to, _ROW), align=1)
        return context.get_dummy_value()

    return types.void(units, types.uint64, out, types.uint64), generate


@intrinsic
def _row_at_most(typing, values, at, most):
    def generate(context, builder, signature, arguments):
        row = builder.load(_row_at(context, builder, signature.args[0], *arguments[:2], _NUMBERS), align=1)
        return builder.bitcast(builder.icmp_unsigned("<=", row, _splat(builder, arguments[2], _NUMBERS)), _LONG)

    return types.uint64(values, types.uint64, types.uint32), generate


@intrinsic
def _put_places(typing, bits, base, out, to):
    def generate(context, builder, signature, arguments):
        bits, base, out, to = arguments
        kind = ir.FunctionType(_ROW, [_ROW, ir.VectorType(ir.IntType(1), LANES), _ROW])
        compress = cgutils.get_or_insert_function(builder.module, kind, "llvm.experimental.vector.compress.v64i8")
        chosen = builder.bitcast(bits, ir.VectorType(ir.IntType(1), LANES))
        places = builder.call(compress, [ir.Constant(_ROW, list(range(LANES))), chosen, ir.Constant(_ROW, None)])
        places = builder.add(builder.zext(places, _NUMBERS), _splat(builder, builder.trunc(base, _NUMBER), _NUMBERS))
        builder.store(places, _row_at(context, builder, signature.args[2], out, to, _NUMBERS), align=1)
        return context.get_dummy_value()

    return types.void(types.uint64, types.uint64, out, types.uint64), generate


@intrinsic
def _zeros_below(typing, bits):
    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], cgutils.false_bit)

    return types.uint64(types.uint64), generate


@intrinsic
def _bits_of_row(typing, data, at, mask):
    def generate(context, builder, signature, arguments):
        row = builder.load(_row_at(context, builder, signature.args[0], *arguments[:2], _ROW), align=1)
        masks = _splat(builder, arguments[2], _ROW)
        return builder.bitcast(builder.icmp_unsigned("!=", builder.and_(row, masks), _all(0)), _LONG)

    return types.uint64(data, types.uint64, types.uint8), generate


@intrinsic
def _differing_in_row(typing, a, i, b, j, mask):
    def generate(context, builder, signature, arguments):
        kind = ir.VectorType(_NUMBER, ROW)
        one = builder.load(_row_at(context, builder, signature.args[0], *arguments[:2], kind), align=1)
        other = builder.load(_row_at(context, builder, signature.args[2], *arguments[2:4], kind), align=1)
        differing = builder.and_(builder.xor(one, other), _splat(builder, arguments[4], kind))
        bits = builder.icmp_unsigned("!=", differing, ir.Constant(kind, [0] * ROW))
        return builder.zext(builder.bitcast(bits, ir.IntType(ROW)), _LONG)

    return types.uint64(a, types.uint64, b, types.uint64, types.uint32), generate


@intrinsic
def _zeros_above(typing, bits):
    def generate(context, builder, signature, arguments):
        return builder.ctlz(arguments[0], cgutils.false_bit)

    return types.uint64(types.uint64), generate


@intrinsic
def _within_row(typing, values, at, first, last):
    def generate(context, builder, signature, arguments):
        row = builder.load(_row_at(context, builder, signature.args[0], *arguments[:2], _NUMBERS), align=1)
        first, last = (_splat(builder, number, _NUMBERS) for number in arguments[2:])
        near = builder.and_(builder.icmp_signed(">=", row, first), builder.icmp_signed("<=", row, last))
        is_least = builder.icmp_signed("==", row, ir.Constant(_NUMBERS, [1 << 31] * LANES))
        return builder.bitcast(builder.or_(near, is_least), _LONG)

    return types.uint64(values, types.uint64, types.int32, types.int32), generate


@intrinsic
def _ones(typing, bits):
    def generate(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), generate


@intrinsic
def _fetch(typing, array, at):
    def generate(context, builder, signature, arguments):
        data = cgutils.create_struct_proxy(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), _BYTE.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _NUMBER, _NUMBER, _NUMBER])
        call = builder.module.declare_intrinsic("llvm.prefetch", [_BYTE.as_pointer()], kind)
        builder.call(call, [place, _NUMBER(0), _NUMBER(3), _NUMBER(1)])  # to be read, often, as data
        return context.get_dummy_value()

    return types.void(array, types.uint64), generate


def _number(*, swap):
    @intrinsic
    def number(typing, data, at):
        def generate(context, builder, signature, arguments):
            value = builder.load(_row_at(context, builder, signature.args[0], *arguments, _LONG), align=1)
            return builder.bswap(value) if swap == (sys.byteorder == "little") else value

        return types.uint64(data, types.uint64), generate

    return number


_number_low, _number_high = _number(swap=False), _number(swap=True)


@overload(fold_row)
def _compile_fold_row(source, at, out, to):
    return lambda source, at, out, to: _fold_row(source, types.uint64(at), out, types.uint64(to))


@overload(row_between)
def _compile_row_between(data, at, low, high):
    return lambda data, at, low, high: _row_between(data, types.uint64(at), types.uint8(low), types.uint8(high))


@overload(units_between)
def _compile_units_between(units, at, low, high):
    return lambda units, at, low, high: _units_between(units, types.uint64(at), types.uint16(low), types.uint16(high))


@overload(narrow_row)
def _compile_narrow_row(units, at, out, to):
    return lambda units, at, out, to: _narrow_row(units, types.uint64(at), out, types.uint64(to))


@overload(row_at_most)
def _compile_row_at_most(values, at, most):
    return lambda values, at, most: _row_at_most(values, types.uint64(at), types.uint32(most))


@overload(put_places)
def _compile_put_places(bits, base, out, to):
    if "+avx512vbmi2" in _FEATURES:  # the instruction that moves chosen bytes together
        return lambda bits, base, out, to: _put_places(types.uint64(bits), types.uint64(base), out, types.uint64(to))

    def put_one_by_one(bits, base, out, to):
        end = to + ones(bits)
        while to < end:
            for _ in range(8):  # more than there are, so that their number is guessed less often wrongly
                out[to] = base + zeros_below(bits)
                bits &= bits - types.uint64(1)
                to += types.uint64(1)

    return put_one_by_one


@overload(zeros_below)
def _compile_zeros_below(bits):
    return lambda bits: _zeros_below(types.uint64(bits))


@overload(bits_of_row)
def _compile_bits_of_row(data, at, mask):
    return lambda data, at, mask: _bits_of_row(data, types.uint64(at), types.uint8(mask))


@overload(differing_in_row)
def _compile_differing_in_row(a, i, b, j, mask):
    return lambda a, i, b, j, mask: _differing_in_row(a, types.uint64(i), b, types.uint64(j), types.uint32(mask))


@overload(zeros_above)
def _compile_zeros_above(bits):
    return lambda bits: _zeros_above(types.uint64(bits))


@overload(within_row)
def _compile_within_row(values, at, first, last):
    return lambda values, at, first, last: _within_row(values, types.uint64(at), types.int32(first), types.int32(last))


@overload(ones)
def _compile_ones(bits):
    return lambda bits: _ones(types.uint64(bits))


@overload(fetch)
def _compile_fetch(array, at):
    return lambda array, at: _fetch(array, types.uint64(at))


@overload(number_low)
def _compile_number_low(data, at):
    return lambda data, at: _number_low(data, types.uint64(at))


@overload(number_high)
def _compile_number_high(data, at):
    return lambda data, at: _number_high(data, types.uint64(at))
