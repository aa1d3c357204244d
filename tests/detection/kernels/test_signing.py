"""Signatures are datasketch's own, bit for bit; each compiled loop behind them does what its plain twin does.

Run with NUMBA_DISABLE_JIT=1 the loops are plain Python too; `make test` does so with a few examples of each law.
"""

import ast
import re
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import xxhash
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import reference
from tests.writings import any_texts, some_texts
from wirecopy import minhash, signatures
from wirecopy.detection.kernels import minhash as signing
from wirecopy.detection.words import minhash as minhashing

JIT = hasattr(signing.xxh32, "py_func")
law: Callable[[Any], Any] = settings(max_examples=150 if JIT else 10, deadline=None)
kernels: Any = signing

# Without the compiler NumPy tells of every product that wraps around, which hashing wants.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")

u32s = st.integers(0, 2**32 - 1)
texts = any_texts if JIT else some_texts


def u8(data: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(data, dtype=np.uint8)


def u32(values: Sequence[int]) -> npt.NDArray[np.uint32]:
    return np.array(values, dtype=np.uint32)


def functions(file: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def shingles(text: str, width: int) -> list[bytes]:
    """The recipe as the documentation gives it."""
    words = re.findall(r"\w+", text.lower())
    found = [" ".join(words[k : k + width]).encode() for k in range(len(words) - width + 1)]
    if words and not found:
        found = [" ".join(words).encode()]
    return found


def datasketch_of(text: str, num_perm: int, width: int, seed: int) -> MinHash:
    sketch = MinHash(num_perm=num_perm, seed=seed, scheme="affine32", hashfunc=xxhash.xxh32_intdigest)
    sketch.update_batch(shingles(text, width))
    return sketch


def test_every_kernel_has_a_twin_and_a_test() -> None:
    compiled = set(functions(Path(signing.__file__)))
    assert len(compiled) == 8
    assert compiled - set(functions(Path(reference.__file__))) == set()
    used = {
        node.attr for node in ast.walk(ast.parse(Path(__file__).read_text("utf-8"))) if isinstance(node, ast.Attribute)
    }
    assert compiled - used == set()


@law
@given(st.binary(min_size=4, max_size=40), st.data())
def test_word_at(data: bytes, choice: st.DataObject) -> None:
    at = choice.draw(st.integers(0, len(data) - 4))
    assert int(kernels.word_at(u8(data), np.uint64(at))) == reference.word_at(data, at)


@law
@given(u32s, st.integers(1, 31))
def test_rotated(value: int, bits: int) -> None:
    assert int(kernels.rotated(np.uint32(value), np.uint32(bits))) == reference.rotated(value, bits)


@law
@given(u32s)
def test_finish(value: int) -> None:
    assert int(kernels.finish(np.uint32(value))) == reference.finish(value)


@pytest.mark.parametrize("seed", [0, 1, 2**31, 2**32 - 1])
def test_xxh32_of_every_length(seed: int) -> None:
    data = np.random.default_rng(seed).integers(0, 256, 310).astype(np.uint8)
    for length in range(301):
        start = length % 7  # loads must not depend on where the data stand
        expected = xxhash.xxh32_intdigest(data[start : start + length].tobytes(), seed)
        found = kernels.xxh32(data, np.uint64(start), np.uint64(start + length), np.uint32(seed))
        assert int(found) == expected, length


@law
@given(st.binary(max_size=400), u32s, st.data())
def test_xxh32(data: bytes, seed: int, choice: st.DataObject) -> None:
    start = choice.draw(st.integers(0, len(data)))
    end = choice.draw(st.integers(start, len(data)))
    found = kernels.xxh32(u8(data), np.uint64(start), np.uint64(end), np.uint32(seed))
    assert int(found) == reference.xxh32(data, start, end, seed)


@law
@given(texts)
def test_spaced_words(text: str) -> None:
    lowered = text.lower()
    source = ("€" + lowered + "é1").encode()  # nothing before or behind may be read
    size = len(lowered.encode())
    out, starts = np.full(size + 1, 0xEE, np.uint8), np.zeros(size // 2 + 2, np.uint32)
    tables = minhashing._ascii_words(), minhashing._is_word()
    count = int(kernels.spaced_words(u8(source), np.uint64(3), np.uint64(3 + size), *tables, out, starts))
    words = [out[starts[k] : starts[k + 1]].tobytes() for k in range(count)]
    assert words == [word + b" " for word in reference.spaced_words(lowered)]


some_words = st.lists(st.sampled_from([b"a", b"harbour", "ж".encode(), b"x" * 50]), max_size=12)


@law
@given(some_words, st.integers(1, 6))
def test_hash_shingles(words: list[bytes], width: int) -> None:
    spaced = b"".join(word + b" " for word in words)
    starts = u32(np.cumsum([0, *(len(word) + 1 for word in words)]).tolist())
    hashes = np.zeros(len(words) + 1, np.uint32)
    count = int(kernels.hash_shingles(u8(spaced), starts, len(words), width, hashes))
    assert hashes[:count].tolist() == reference.hash_shingles(words, width)


@law
@given(st.lists(u32s, max_size=20), st.lists(st.tuples(u32s, u32s, u32s), min_size=1, max_size=40))
def test_keep_minima(hashes: list[int], permutations: list[tuple[int, int, int]]) -> None:
    multipliers, summands, before = (u32(column) for column in zip(*permutations, strict=True))
    minima = before.copy()
    kernels.keep_minima(u32([*hashes, 0]), len(hashes), multipliers, summands, minima)
    assert minima.tolist() == reference.keep_minima(hashes, multipliers.tolist(), summands.tolist(), before.tolist())


@law
@given(st.lists(texts, max_size=4), st.integers(1, 4))
def test_sign(several: list[str], width: int) -> None:
    lowered = [text.lower() for text in several]
    parts = [text.encode() for text in lowered]
    bounds = np.cumsum([0, *map(len, parts)]).astype(np.int64)
    longest = max(map(len, parts), default=0)
    multipliers, summands = minhashing.permutations(20, 3)
    out = np.zeros((len(parts), 20), np.uint32)
    starts = np.zeros(longest // 2 + 2, np.uint32)
    kernels.sign(
        u8(b"".join(parts)), bounds, minhashing._ascii_words(), minhashing._is_word(), width, multipliers, summands,
        np.zeros(longest + 1, np.uint8), starts, starts.copy(), out
    )  # fmt: skip
    assert out.tolist() == reference.sign(lowered, width, multipliers.tolist(), summands.tolist())


# --- the promise: what datasketch makes -------------------------------------------------------------------------------


@law
@given(st.lists(any_texts, max_size=5), st.integers(1, 300), st.integers(1, 5), u32s)
def test_signatures_are_those_of_datasketch(several: list[str], num_perm: int, width: int, seed: int) -> None:
    found = minhash(several, num_perm, width, seed)
    for text, sketch in zip(several, found, strict=True):
        expected = datasketch_of(text, num_perm, width, seed)
        assert sketch.hashvalues.tolist() == expected.hashvalues.tolist()
        assert sketch.jaccard(expected) == 1.0
        assert sketch.is_empty() == expected.is_empty()
    rows = signatures(several, num_perm, width, seed)
    assert rows.dtype == np.uint32
    assert rows.shape == (len(several), num_perm)
    assert rows.tolist() == [sketch.hashvalues.tolist() for sketch in found]


@pytest.mark.skipif(not JIT, reason="a million characters, once is enough")
def test_every_character_separates_or_belongs_as_for_datasketch() -> None:
    for first in range(0, sys.maxunicode + 1, 4096):
        text = "".join(f"a{chr(code)}b " for code in range(first, first + 4096))
        expected = datasketch_of(text, 16, 2, 1)
        assert signatures([text], 16, 2)[0].tolist() == expected.hashvalues.tolist(), hex(first)


@pytest.mark.skipif(not JIT, reason="megabytes")
def test_long_texts_and_many_texts() -> None:
    words = [f"w{k * 7919 % 10007}" for k in range(500_000)]
    several = ["", "one", " ".join(words), "ÄÖÜ " * 1000, *(f"text {k} of many" for k in range(3000)), ""]
    rows = signatures(several)
    for k in (0, 1, 2, 3, 4, 1500, len(several) - 1):
        assert rows[k].tolist() == datasketch_of(several[k], 128, 3, 1).hashvalues.tolist()


def test_one_line_changes_for_a_user_of_an_index() -> None:
    stored = "The harbour bridge was closed to all traffic on Monday after inspectors found a crack in its pylon."
    index = MinHashLSH(threshold=0.5, num_perm=128)
    index.insert("stored", datasketch_of(stored, 128, 3, 1))
    query = minhash(["Update: " + stored, "Nothing of that sort happened anywhere else at all today."])
    assert [index.query(sketch) for sketch in query] == [["stored"], []]


def test_several_threads_get_what_one_gets() -> None:
    several = [f"Text number {k} about the harbour bridge at port {k % 7}" for k in range(200)]
    expected = signatures(several).tolist()
    found: list[list[list[int]]] = []
    threads = [threading.Thread(target=lambda: found.append(signatures(several).tolist())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((0, 3, 1), "num_perm and shingle_width must be at least 1, not 0 and 3"),
        ((128, 0, 1), "num_perm and shingle_width must be at least 1, not 128 and 0"),
        ((128, 3, -1), "seed must be at least 0 and below 2 ** 32, not -1"),
        ((128, 3, 1 << 32), "seed must be at least 0 and below 2 ** 32, not 4294967296"),
    ],
)
def test_numbers_out_of_range_are_named(numbers: tuple[int, int, int], sentence: str) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)):
        signatures(["text"], *numbers)
