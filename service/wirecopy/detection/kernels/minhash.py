"""The compiled loops of MinHash signatures as datasketch makes them: words, xxHash, permutations, minima.

Separate from `kernels`, because whoever asks for signatures needs nothing else, and nothing else needs signatures. The
rules of that module hold: callers validate, signatures are explicit, each has a plain twin in tests/reference.py.
Positions are unsigned, so that the compiler need not think of negative ones and joins four byte loads into one.
"""

from numba import types, uint32, uint64

from wirecopy.detection.kernels.compiling import njit

_U8 = types.Array(types.uint8, 1, "C", readonly=True)
_U32 = types.Array(types.uint32, 1, "C", readonly=True)
_I64 = types.Array(types.int64, 1, "C", readonly=True)
_u8, _u32 = types.uint8[::1], types.uint32[::1]

_P1, _P2, _P3 = uint32(0x9E3779B1), uint32(0x85EBCA77), uint32(0xC2B2AE3D)
_P4, _P5 = uint32(0x27D4EB2F), uint32(0x165667B1)
NOTHING = 0xFFFFFFFF  # every entry of the signature of a text without words
_ABREAST = 8  # hashes that are permuted together, so that multipliers and minima are loaded once for all of them


@njit(uint32(_U8, uint64), nogil=True, inline="always")
def word_at(data, at):
    """The four bytes from data[at] as a little-endian number."""
    return (
        uint32(data[at])
        | uint32(data[at + uint64(1)]) << uint32(8)
        | uint32(data[at + uint64(2)]) << uint32(16)
        | uint32(data[at + uint64(3)]) << uint32(24)
    )


@njit(uint32(uint32, uint32), nogil=True, inline="always")
def rotated(value, bits):
    """`value` rotated to the left by 1 to 31 bits."""
    return uint32(value << bits) | uint32(value >> (uint32(32) - bits))


@njit(uint32(_U8, uint64, uint64, uint32), nogil=True)
def xxh32(data, start, end, seed):
    """XXH32 of data[start:end] (xxHash specification 0.1.1, Collet)."""
    p = start
    if end - start >= uint64(16):
        v1, v2, v3, v4 = uint32(seed + _P1 + _P2), uint32(seed + _P2), seed, uint32(seed - _P1)
        while p + uint64(16) <= end:
            v1 = uint32(rotated(uint32(v1 + word_at(data, p) * _P2), uint32(13)) * _P1)
            v2 = uint32(rotated(uint32(v2 + word_at(data, p + uint64(4)) * _P2), uint32(13)) * _P1)
            v3 = uint32(rotated(uint32(v3 + word_at(data, p + uint64(8)) * _P2), uint32(13)) * _P1)
            v4 = uint32(rotated(uint32(v4 + word_at(data, p + uint64(12)) * _P2), uint32(13)) * _P1)
            p += uint64(16)
        h = uint32(rotated(v1, uint32(1)) + rotated(v2, uint32(7)) + rotated(v3, uint32(12)) + rotated(v4, uint32(18)))
    else:
        h = uint32(seed + _P5)
    h = uint32(h + uint32(end - start))
    while p + uint64(4) <= end:
        h = uint32(rotated(uint32(h + word_at(data, p) * _P3), uint32(17)) * _P4)
        p += uint64(4)
    while p < end:
        h = uint32(rotated(uint32(h + uint32(data[p]) * _P5), uint32(11)) * _P1)
        p += uint64(1)
    h = uint32((h ^ (h >> uint32(15))) * _P2)
    h = uint32((h ^ (h >> uint32(13))) * _P3)
    return h ^ (h >> uint32(16))


@njit(uint32(uint32), nogil=True, inline="always")
def finish(h):
    """A bijection of 32-bit values (the finalizer of MurmurHash3), which datasketch applies before it permutes."""
    h = uint32((h ^ (h >> uint32(16))) * uint32(0x85EBCA6B))
    h = uint32((h ^ (h >> uint32(13))) * uint32(0xC2B2AE35))
    return h ^ (h >> uint32(16))


@njit(types.int64(_U8, uint64, uint64, _U8, _U8, _u8, _u32), nogil=True)
def spaced_words(source, start, end, ascii_words, is_word, out, starts):
    """Write the words of the UTF-8 text source[start:end], each followed by one space; return how many words there are.

    ascii_words[b] is what the ASCII character b becomes within a word, 0 when it separates words; is_word[c] is 0 for
    other code points that separate. out[starts[k]:starts[k + 1] - 1] is word k. `out` needs room for one byte more than
    the text has, `starts` for half as many entries, and two.
    """
    n, words = uint64(0), uint64(0)
    inside = uint64(0)  # whether the last character belonged to a word
    p = start
    while p < end:
        b = source[p]
        if b < 0x80:
            letter = ascii_words[b]
            here = uint64(letter != 0)
            out[n] = letter if here else 0x20
            starts[words] = uint32(n)
            words += here & (inside ^ uint64(1))
            n += here | inside
            inside = here
            p += uint64(1)
            continue
        if b < 0xE0:
            size = uint64(2)
            code = uint64(b & 0x1F) << uint64(6) | uint64(source[p + uint64(1)] & 0x3F)
        else:
            low = uint64(source[p + uint64(1)] & 0x3F) << uint64(6) | uint64(source[p + uint64(2)] & 0x3F)
            if b < 0xF0:
                size = uint64(3)
                code = uint64(b & 0x0F) << uint64(12) | low
            else:
                size = uint64(4)
                code = uint64(b & 0x07) << uint64(18) | low << uint64(6) | uint64(source[p + uint64(3)] & 0x3F)
        here = uint64(is_word[code] != 0)
        starts[words] = uint32(n)
        words += here & (inside ^ uint64(1))
        if here:
            for k in range(size):
                out[n + uint64(k)] = source[p + uint64(k)]
            n += size
        else:
            out[n] = 0x20
            n += inside
        inside = here
        p += size
    if inside:
        out[n] = 0x20
        n += uint64(1)
    starts[words] = uint32(n)
    return types.int64(words)


@njit(types.int64(_U8, _U32, types.int64, types.int64, _u32), nogil=True)
def hash_shingles(spaced, starts, words, width, hashes):
    """Write the hash of every `width` words that stand together, as it is permuted; return how many there are.

    Fewer words than `width` are one shingle, no words are none.
    """
    if words == 0:
        return 0
    count = max(1, words - width + 1)
    behind = min(width, words)
    for k in range(count):
        first, last = uint64(starts[uint64(k)]), uint64(starts[uint64(k + behind)]) - uint64(1)
        hashes[k] = finish(xxh32(spaced, first, last, uint32(0)))
    return count


@njit(types.void(_U32, types.int64, _U32, _U32, _u32), nogil=True)
def keep_minima(hashes, count, multipliers, summands, minima):
    """minima[k] = the smallest of multipliers[k] * h + summands[k] (mod 2 ** 32) over hashes[:count], and of itself."""
    size = uint64(minima.shape[0])
    whole = count - count % _ABREAST
    for i in range(0, whole, _ABREAST):
        at = uint64(i)
        h0, h1, h2, h3 = hashes[at], hashes[at + uint64(1)], hashes[at + uint64(2)], hashes[at + uint64(3)]
        h4, h5, h6, h7 = hashes[at + uint64(4)], hashes[at + uint64(5)], hashes[at + uint64(6)], hashes[at + uint64(7)]
        for k in range(size):
            a, b = multipliers[k], summands[k]
            low = min(min(uint32(a * h0 + b), uint32(a * h1 + b)), min(uint32(a * h2 + b), uint32(a * h3 + b)))
            high = min(min(uint32(a * h4 + b), uint32(a * h5 + b)), min(uint32(a * h6 + b), uint32(a * h7 + b)))
            minima[k] = min(minima[k], min(low, high))
    for i in range(whole, count):
        h = hashes[uint64(i)]
        for k in range(size):
            minima[k] = min(minima[k], uint32(multipliers[k] * h + summands[k]))


@njit(
    types.void(_U8, _I64, _U8, _U8, types.int64, _U32, _U32, _u8, _u32, _u32, types.uint32[:, ::1]),
    nogil=True
)  # fmt: skip
def sign(source, bounds, ascii_words, is_word, width, multipliers, summands, spaced, starts, hashes, signatures):
    """Write the signature of each UTF-8 text source[bounds[k]:bounds[k + 1]] to signatures[k].

    `spaced` and `starts` are scratch as `spaced_words` needs it for the longest text, which is under 2 ** 32 bytes;
    `hashes` has as many entries as `starts`.
    """
    for k in range(bounds.shape[0] - 1):
        words = spaced_words(source, uint64(bounds[k]), uint64(bounds[k + 1]), ascii_words, is_word, spaced, starts)
        count = hash_shingles(spaced, starts, words, width, hashes)
        signatures[k, :] = uint32(NOTHING)
        keep_minima(hashes, count, multipliers, summands, signatures[k])
