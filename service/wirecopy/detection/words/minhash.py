"""Signatures for users of datasketch: bit for bit its own, from texts, at a small part of the time."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from wirecopy.detection.kernels.minhash import sign
from wirecopy.detection.words import text

if TYPE_CHECKING:
    from datasketch import LeanMinHash

_CHUNK_CHARACTERS = 1 << 18  # of the texts that are signed in one call: what stays in the processor's caches
_MOST_CHARACTERS = (1 << 32) // 5  # of one text; positions in its words have 32 bits

U32 = npt.NDArray[np.uint32]


def minhash(texts: Sequence[str], num_perm: int = 128, shingle_width: int = 3, seed: int = 1) -> "list[LeanMinHash]":
    """Return for each text the LeanMinHash that datasketch makes of its shingles; see `signatures` for these."""
    from datasketch import LeanMinHash

    rows = signatures(texts, num_perm, shingle_width, seed)
    return [LeanMinHash(seed=seed, hashvalues=row, scheme="affine32") for row in rows]


def signatures(texts: Sequence[str], num_perm: int = 128, shingle_width: int = 3, seed: int = 1) -> U32:
    """Return (len(texts), num_perm), the hash values of datasketch for each text.

    They equal, bit for bit, those of

        words = re.findall(r"\\w+", text.lower())
        shingles = [" ".join(words[k : k + shingle_width]).encode() for k in range(len(words) - shingle_width + 1)]
        if words and not shingles:
            shingles = [" ".join(words).encode()]  # a text shorter than one shingle is its own
        minhash = MinHash(num_perm=num_perm, seed=seed, scheme="affine32", hashfunc=xxhash.xxh32_intdigest)
        minhash.update_batch(shingles)

    with datasketch 2 and the Unicode tables of the running Python. A text without words gets what an empty MinHash has,
    2 ** 32 - 1 everywhere. The interpreter is released while hashes are made. Raises ValueError for numbers out of
    range and for a text of more than some 800 million characters.
    """
    if num_perm < 1 or shingle_width < 1:
        raise ValueError(f"num_perm and shingle_width must be at least 1, not {num_perm} and {shingle_width}")
    multipliers, summands = permutations(num_perm, seed)
    result = np.empty((len(texts), num_perm), dtype=np.uint32)
    for first, last in _chunks(texts):
        _sign(texts[first:last], shingle_width, multipliers, summands, result[first:last])
    return result


def permutations(num_perm: int, seed: int) -> tuple[U32, U32]:
    """Return (multipliers, summands): the permutations that datasketch draws for a seed."""
    if not 0 <= seed < 1 << 32:
        raise ValueError(f"seed must be at least 0 and below 2 ** 32, not {seed}")
    draw = np.random.RandomState(seed)
    multipliers = draw.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    return multipliers, draw.randint(0, 1 << 32, num_perm, dtype=np.uint32)


def _chunks(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    first, characters = 0, 0
    for k, one in enumerate(texts):
        if len(one) > _MOST_CHARACTERS:
            raise ValueError(
                f"text {k} has {len(one):,} characters, the most that can be signed is {_MOST_CHARACTERS:,}"
            )
        characters += len(one)
        if characters > _CHUNK_CHARACTERS and k > first:
            yield first, k
            first, characters = k, len(one)
    if first < len(texts):
        yield first, len(texts)


def _sign(texts: Sequence[str], width: int, multipliers: U32, summands: U32, out: U32) -> None:
    together = "".join(texts)
    if together.isascii():
        source, is_word = together.encode(), _no_words()
        sizes = [len(one) for one in texts]
    else:
        parts = [text.encode(one if one.isascii() else one.lower()) for one in texts]
        source, is_word = b"".join(parts), _is_word()
        sizes = [len(part) for part in parts]
    bounds = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(sizes, out=bounds[1:])
    longest = max(sizes)
    starts = np.empty(longest // 2 + 2, dtype=np.uint32)
    sign(
        np.frombuffer(source, dtype=np.uint8), bounds, _ascii_words(), is_word, width, multipliers, summands,
        np.empty(longest + 1, dtype=np.uint8), starts, np.empty_like(starts), out
    )  # fmt: skip


@cache
def _ascii_words() -> npt.NDArray[np.uint8]:
    """(128,) what ASCII characters become within a word, 0 for those that separate words."""
    letters = [chr(code).lower() if chr(code).isalnum() or chr(code) == "_" else "\0" for code in range(128)]
    return np.frombuffer("".join(letters).encode(), dtype=np.uint8)


@cache
def _is_word() -> npt.NDArray[np.uint8]:
    r"""(1,114,112) 1 for every character that \w matches, as the running Python knows Unicode."""
    return np.array([chr(code).isalnum() for code in range(0x110000)], dtype=np.uint8)


@cache
def _no_words() -> npt.NDArray[np.uint8]:
    """Stand for the table that ASCII texts do not need, and which takes a moment to make."""
    return np.zeros(1, dtype=np.uint8)
