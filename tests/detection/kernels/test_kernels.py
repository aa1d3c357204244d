"""Each compiled loop does what its plain twin in tests/reference.py does.

Run with NUMBA_DISABLE_JIT=1 the kernels are plain Python too; `make test` does so with a few examples of each law.
"""

import ast
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bench import make_unicode
from tests import compiled as kernels
from tests import reference
from tests.writings import PIECES, any_texts, some_texts
from wirecopy.detection.evidence.model import FEATURES, Model, shipped_model
from wirecopy.detection.index.index import LshIndex
from wirecopy.detection.kernels import affairs
from wirecopy.detection.words import spellings, text
from wirecopy.detection.words.rarity import importance

JIT = hasattr(kernels.mix, "py_func")
law: Callable[[Any], Any] = settings(max_examples=150 if JIT else 25, deadline=None)

# Without the compiler NumPy tells of every product that wraps around, which hashing wants.
pytestmark = [
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),  # 0 * infinity, a rank that is none
]

u32s = st.integers(0, 2**32 - 1)
u64s = st.integers(0, 2**64 - 1)


def u8(values: Sequence[int]) -> npt.NDArray[np.uint8]:
    return np.array(values, dtype=np.uint8)


def u32(values: Sequence[int]) -> npt.NDArray[np.uint32]:
    return np.array(values, dtype=np.uint32)


def i64(values: Sequence[int]) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def functions(file: Path) -> dict[str, ast.FunctionDef]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_every_kernel_has_a_twin_and_a_test() -> None:
    compiled = {
        name
        for file in kernels.FILES.values()
        for name, function in functions(Path(str(file.__file__))).items()
        if file.__name__.rpartition(".")[2] != "lanes"
        if any(isinstance(call, ast.Call) and ast.unparse(call.func) == "njit" for call in function.decorator_list)
    }
    assert len(compiled) > 25
    assert compiled - set(functions(Path(reference.__file__))) == set()
    used = {
        node.attr for node in ast.walk(ast.parse(Path(__file__).read_text("utf-8"))) if isinstance(node, ast.Attribute)
    }
    assert compiled - used == set()


# --- text -> words ----------------------------------------------------------------------------------------------------

texts = any_texts if JIT else some_texts

*_, ENTITY_HASHES, ENTITY_CODES = text.fold_tables()


@cache
def scales() -> dict[int, int]:
    """What the hash of a unit word becomes after a number."""
    words, values = (table[:-1].tolist() for table in text.scale_tables())
    return {word: value for word, value in zip(words, values, strict=True) if word}


@law
@given(u64s)
def test_mix(value: int) -> None:
    assert int(kernels.mix(np.uint64(value))) == reference.mix(value)


@law
@given(
    st.sampled_from(PIECES).map(lambda piece: "&" + piece)
    | st.builds(
        "&{}{};".format,
        st.sampled_from(["", "#", "#x", "#X"]),
        st.sampled_from([*reference.NAMES, *map(str, range(300))]) | st.text("0123456789abcXx", max_size=9),
    ),
    texts,
)
def test_entity(start: str, rest: str) -> None:
    whole = start + rest
    source = np.frombuffer(("é" + whole + "1;").encode(), dtype=np.uint8)  # nothing beyond the end may be read
    code, after = kernels.entity(source, 2, len(source) - 2, ENTITY_HASHES, ENTITY_CODES)
    assert (int(code), int(after) - 2) == reference.entity(whole, 0)


def test_names_of_characters_have_different_hashes() -> None:
    assert len(set(ENTITY_HASHES.tolist())) == len(reference.NAMES)


@law
@given(st.integers(0, 0x10FFFF))
def test_put(code: int) -> None:
    out = np.zeros(8, dtype=np.uint8)
    end = kernels.put(out, 2, code)
    assert out[2:end].tobytes() == reference.put(code)
    assert out[:2].tobytes() + out[end:].tobytes() == bytes(8 - end + 2)


# Of one, two and three bytes, in runs and alone.
bmp_texts = st.lists(
    st.builds(
        lambda char, count: char * count,
        st.sampled_from("a\x7f\x80я\u07ff\u0800中\ud7ff\ue000\uffff"),
        st.integers(1, 20),
    )
).map("".join)


def units_of(whole: str) -> npt.NDArray[np.uint16]:
    return np.frombuffer((whole + "é中" * 32).encode("utf-16-le"), dtype="<u2")  # may be read, must not matter


@law
@given(bmp_texts, st.integers(0, 3))
def test_encode_units(whole: str, to: int) -> None:
    whole = whole[:64]
    out = np.zeros(3 * 64 + 6, dtype=np.uint8)
    end = kernels.encode_units(units_of(whole), np.uint64(0), np.uint64(len(whole)), out, np.uint64(to))
    assert out[to : int(end)].tobytes() == reference.encode_units(whole)


@law
@given(st.lists(texts | bmp_texts | st.text(max_size=5) | st.just("x" * 70 + "😀"), max_size=5), st.integers(0, 3))
def test_encode(several: list[str], first: int) -> None:
    units = units_of("".join(several))
    out, bounds = np.zeros(3 * len(units) + first + 64, dtype=np.uint8), i64([first, *[0] * len(several)])
    kernels.encode(units, i64(list(map(len, several))), out, bounds)
    parts = [out[bounds[k] : bounds[k + 1]].tobytes() for k in range(len(several))]
    assert parts == reference.encode(several)


@law
@given(st.lists(st.integers(0x80, 0x7FF).map(chr) | st.just(" "), min_size=1, max_size=31), st.integers(0, 3))
def test_fold_pairs(chars: list[str], to: int) -> None:
    row = "".join(chars).encode()
    leads = [k for k, byte in enumerate(row) if byte >= 0xC0]
    out = np.zeros(80, dtype=np.uint8)
    _, pair_fold, *_ = text.fold_tables()
    source = np.frombuffer(b"--" + row, dtype=np.uint8)
    bits = np.uint64(sum(1 << k for k in leads))
    first = int(kernels.fold_pairs(source, np.uint64(2), out, np.uint64(to), bits, pair_fold))
    known = [char for char in row[:first].decode() if char != " "]
    twin = [reference.fold_pairs(char) for char in known]
    assert None not in twin
    places = [k for k in leads if k < first]
    assert [out[to + k : to + k + 2].tobytes() for k in places] == twin
    assert first == 64 or reference.fold_pairs(row[first : first + 2].decode()) is None


def fold(
    source: bytes, start: int, end: int, *, track: bool, is_rewritten: bool = False
) -> tuple[int, bytes, list[int]]:
    out = np.full(4 * (end - start) + 80, 0xEE, dtype=np.uint8)
    origin = np.zeros(len(out) if track else 0, dtype=np.int64)
    call: Any = kernels.fold
    source += "é&".encode() * 32  # may be read, must not matter
    size = int(call(np.frombuffer(source, dtype=np.uint8), start, end, is_rewritten, *text.fold_tables(), out, origin))
    assert size < len(out)
    return size, out[: max(size, 0)].tobytes(), origin[: max(size, 0)].tolist()


# Letters that tell of their language, and what is written otherwise beside them.
telling_texts = st.lists(
    st.sampled_from([*"äöüßÄÖÜ", *"æøåÆØÅ", *"éşğőñ", "a\u0308", "u\u0308", "a\u030a", "e\u0301", "у\u0306", "\u0308"])
    | st.sampled_from(["پل", "می کند", "نمی دانیم", "کتاب ها", "راه های", "می", " ", "ها", "میز", "abc", "ў", "ј"])
    | st.sampled_from(["Ð°", "я"])
    | st.sampled_from(PIECES),
    max_size=30,
).map("".join)  # fmt: skip


@law
@given(texts | telling_texts, st.booleans(), st.booleans())
def test_fold(whole: str, track: bool, is_rewritten: bool) -> None:
    begins = np.cumsum([0, *(len(char.encode()) for char in whole)]) + 3
    size, folded, origin = fold(
        ("€" + whole + "amp;").encode(), 3, int(begins[-1]), track=track, is_rewritten=is_rewritten
    )
    twin = reference.fold(whole, is_rewritten=is_rewritten)
    if twin is None:
        assert size == -1
    else:
        assert folded == twin.data
        assert origin == ([begins[k] for k in twin.origin] if track else [])


@law
@given(st.integers(0, 8), st.sampled_from([0, *b"aoue "]))
def test_evidence_of(what: int, before: int) -> None:
    assert kernels.evidence_of(what, before) == reference.evidence_of(what, before)


@law
@given(st.integers(0, 8), st.tuples(st.integers(-4, 6), *[st.integers(0, 9)] * 3))
def test_weigh_evidence(what: int, seen: tuple[int, int, int, int]) -> None:
    assert kernels.weigh_evidence(what, seen) == reference.weigh_evidence(what, seen)


persian = st.lists(
    st.sampled_from(["مي", "نمي", "ها", "هايي", "ترين", "كتاب", "م", " ", " ", "\n", "a", "1"]), max_size=20
)


@law
@given(persian.map("".join))
def test_affixes(whole: str) -> None:
    folded = whole.encode()
    source = source_of(folded)
    for place in range(len(folded) + 1):
        before = bool(kernels.is_affix_before(source, np.uint64(0), np.uint64(place)))
        after = bool(kernels.is_affix_after(source, np.uint64(place), np.uint64(len(folded))))
        assert before == reference.is_affix_before(folded, 0, place)
        assert after == reference.is_affix_after(folded, place, len(folded))
    out, origin = source.copy(), np.arange(len(source))
    size = kernels.join_affixes(out, np.uint64(len(folded)), origin)
    assert origin[:size].tolist() == reference.join_affixes(folded)
    assert out[:size].tobytes() == bytes(folded[k] for k in reference.join_affixes(folded))


@pytest.mark.skipif(not JIT, reason="as many characters as there are, once is enough")
@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="the shipped table is of another Unicode version")
def test_the_shipped_table_is_what_its_script_makes() -> None:
    _, _, block_of, blocks, *_ = text.fold_tables()
    kinds = (blocks.reshape(-1, make_unicode.BLOCK)[block_of] >> 24).ravel()
    for code in [*range(0x3400), *range(0xA000, 0x20000, 7)]:
        assert kinds[code] == make_unicode.classify(code)[0], hex(code)


@law
@given(st.binary(max_size=40) | st.sampled_from([b"\xff" * 300, b"12345678", b""]))
def test_word_hash(word: bytes) -> None:
    parts = len(word) // 8 * 8
    total = np.uint64(0)
    for k in range(0, parts, 8):
        total = (total ^ np.uint64(int.from_bytes(word[k : k + 8], "big"))) * np.uint64(reference.P1)
        total ^= total >> np.uint64(29)
    tail = int.from_bytes(word[parts:], "big")
    assert int(kernels.word_hash(total, np.uint64(tail), len(word))) == reference.word_hash(int(total), tail, len(word))
    assert reference.hash_of(word) == reference.word_hash(int(total), tail, len(word))


BEHIND = b" " + b"a1" * 64  # what may be read behind a text, but must not matter


def source_of(folded: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(folded + BEHIND, dtype=np.uint8)


folded_texts = st.lists(
    st.sampled_from([b"a", b"wire", b"stories", "агентство".encode(), b"million", b"mln", b"1", b"12", b"345", b"6789"])
    | st.sampled_from([b" ", b" ", b".", b",", b"\x1f", *(("\x0f" + char).encode() for char in "中文ก")])
    | st.sampled_from([bytes([mark]) for mark in range(0x10) if mark != 0x0F] + [b"\x0e\x0e"]),
    max_size=60,
).map(b"".join)  # fmt: skip
folded_words = folded_texts.map(lambda folded: folded.translate(None, b"\x0f"))  # spaceless ones become letters
real_texts = texts.map(lambda whole: fold(whole.encode(), 0, len(whole.encode()), track=False)[1])
long_words = st.sampled_from(
    [b"x" * 15, b"x" * 16, b"x" * 31, b"y" * 70, b"1" * 16, "ä".encode() * 12, "éa".encode() * 20]
)


@law
@given(
    st.sampled_from([b"", b"in ", b"b52"]), st.text("abcäяé€😀", min_size=1, max_size=40).filter(lambda w: w[0] != "€")
)
def test_hash_letters(before: bytes, word: str) -> None:
    end = len(before) + len(word.encode())
    folded = before + word.encode()
    assert int(kernels.hash_letters(source_of(folded), len(before), end)) == reference.hash_letters(
        folded, len(before), end
    )


@law
@given(st.from_regex(rb"[0-9]{1,5}([,.][0-9]{1,5}|[,.\x1f][0-9]{3}){0,5}", fullmatch=True))
def test_hash_number(number: bytes) -> None:
    assert int(kernels.hash_number(source_of(number), 0, len(number))) == reference.hash_number(number, 0, len(number))


@law
@given(st.lists(folded_words | long_words, max_size=8).map(b"".join))
def test_hash_words_and_hash_wide_words(folded: bytes) -> None:
    places = reference.find_words(folded).places
    first, last = np.array(places, dtype=np.int32).reshape(-1, 2).T.copy()
    for hash_them, twin, least in (
        (kernels.hash_words, reference.hash_words, 16), (kernels.hash_wide_words, reference.hash_wide_words, 32)
    ):  # fmt: skip
        if least == 16 and not folded.isascii():
            continue
        out = np.zeros(len(places), dtype=np.uint32)
        parts = np.zeros(5 * len(places), dtype=np.uint64)
        longest = hash_them(source_of(folded), len(places), first, last, parts, out)
        assert longest == max((end - begin for begin, end in places), default=0)
        for found, expected in zip(out.tolist(), twin(folded, places, least), strict=True):
            assert expected in (None, found)


@law
@given(st.integers(0, 0x0C), st.sampled_from([*range(0x0F), 0x1F]), st.booleans())
def test_quote_after(quote: int, mark: int, is_apostrophe: bool) -> None:
    assert kernels.quote_after(quote, mark, is_apostrophe) == reference.quote_after(quote, mark, is_apostrophe)


@law
@given(st.binary(min_size=64, max_size=64) | st.lists(st.integers(0, 16), min_size=64, max_size=64).map(bytes))
def test_quotation_marks(row: bytes) -> None:
    bits = int(kernels.quotation_marks(np.frombuffer(row, dtype=np.uint8), np.uint64(0)))
    assert reference.places_of(bits) == reference.quotation_marks(row)


@law
@given(folded_words | real_texts, st.integers(0, 40) | st.just(10_000))
def test_find_words(folded: bytes, most: int) -> None:
    twin = reference.find_words(folded)
    assume(not twin.is_spaceless)
    first, last = (np.zeros(min(most, len(folded)) + kernels.SPARE, dtype=np.int32) for _ in range(2))
    rows, grouped = np.full(2 * (len(folded) // 64 + 1), 7, np.uint64), np.zeros(len(folded) // 4, np.uint64)
    count, groups, traits = kernels.find_words(source_of(folded), len(folded), most, first, last, rows, grouped)
    assert list(zip(first[:count].tolist(), last[:count].tolist(), strict=True)) == twin.places[:most]
    assert [k for k in grouped[:groups].tolist() if k < count] == [k for k in twin.grouped if k < count]
    starts: list[int] = []
    for bits, before in rows.reshape(-1, 2).tolist():
        assert before == len(starts) or before >= count
        if before >= count:
            break
        starts += reference.places_of(bits)
    assert len(starts) >= count
    if len(twin.places) < most:
        assert bool(traits & kernels.WIDE) == twin.is_wide
        assert bool(traits & kernels.MIXED) == twin.is_mixed
        assert traits & kernels.MARKED or not twin.is_marked
        assert not traits & kernels.SPACELESS


@law
@given(st.deferred(lambda: st.sampled_from([*scales()])) | st.integers(1, 2**31 - 1))
def test_scaled(word: int) -> None:
    tables = text.scale_tables()
    assert int(kernels.scaled(np.uint32(word), *tables)) == reference.scaled(word, scales())
    assert int(kernels.scaled(np.uint32(word), *(table[:0] for table in tables))) == word


@law
@given(folded_words | real_texts, st.sampled_from([0, 1, 3, 120]), st.integers(0, 40) | st.just(10_000))
def test_mark_quoted(folded: bytes, longest_quote: int, most: int) -> None:
    assume(b"\x0f" not in folded)
    first, last = (np.zeros(min(most, len(folded)) + kernels.SPARE, dtype=np.int32) for _ in range(2))
    rows, grouped = np.full(2 * (len(folded) // 64 + 1), 7, np.uint64), np.zeros(len(folded) // 4, np.uint64)
    count, _, _ = kernels.find_words(source_of(folded), len(folded), most, first, last, rows, grouped)
    out = np.zeros(count, dtype=np.uint32)
    kernels.mark_quoted(source_of(folded), len(folded), longest_quote, count, rows, out)
    assert (out == kernels.QUOTED).tolist() == reference.mark_quoted(folded, longest_quote, count)


@law
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_scratch_for(size: int, most: int) -> None:
    assert kernels.scratch_for(size, most) == reference.scratch_for(size, most)


def cut(how: Any, folded: bytes, longest_quote: int, room: int, *scratch: Any) -> list[reference.Word]:
    out = np.full(min(room, len(folded)) + kernels.SPARE, kernels.NUMBER, dtype=np.uint32)
    first, last = (np.full(min(room, len(folded)) + kernels.SPARE, -1, dtype=np.int32) for _ in range(2))
    first_of = [True] if how is kernels.words else []  # rewritten already
    count = how(
        source_of(folded), len(folded), *first_of, *text.scale_tables(), longest_quote, room, out, first, last, *scratch
    )
    columns = (column[:count].tolist() for column in (out, first, last))
    return [reference.Word(*word) for word in zip(*columns, strict=True)]


several_texts = st.lists(folded_texts | real_texts | long_words, max_size=4).map(b"".join)


@law
@given(several_texts, st.sampled_from([0, 1, 3, 120]), st.integers(0, 40) | st.just(10_000))
def test_words(folded: bytes, longest_quote: int, room: int) -> None:
    scratch = np.full(kernels.scratch_for(len(folded), room), 7, dtype=np.uint64)
    twin = reference.words(folded, longest_quote, scales())[:room]
    assert cut(kernels.words, folded, longest_quote, room, scratch) == twin


@law
@given(several_texts, st.sampled_from([0, 1, 3, 120]), st.integers(0, 40) | st.just(10_000))
def test_words_in_turn(folded: bytes, longest_quote: int, room: int) -> None:
    twin = reference.words_in_turn(folded, longest_quote, scales())[:room]
    assert cut(kernels.words_in_turn, folded, longest_quote, room) == twin


@law
@given(st.lists(texts, max_size=5), st.integers(1, 50), st.integers(0, 200), st.integers(0, 1))
def test_traces(several: list[str], max_words: int, room: int, begin: int) -> None:
    begin = min(begin, len(several))
    parts = [whole.encode() for whole in several]
    bounds = i64([0, *np.cumsum([len(part) for part in parts])])
    longest = max(map(len, parts), default=0)
    out = np.zeros(room + 3 + kernels.SPARE, dtype=np.uint32)
    out_bounds = np.zeros(len(parts) + 1, dtype=np.int64)
    out_bounds[begin] = 3  # what was written by a call before
    failed = np.zeros(len(parts), dtype=np.uint8)
    done = kernels.traces(
        np.frombuffer(b"".join([*parts, BEHIND]), dtype=np.uint8), bounds, begin, text.fold_tables(),
        *text.scale_tables(), 120, max_words, False, np.zeros(4 * longest + 144, dtype=np.uint8), out, out_bounds,
        failed
    )  # fmt: skip
    twin = reference.traces(several[begin:], room, 120, max_words, scales())
    assert done == begin + len(twin)
    for k, words in enumerate(twin, begin):
        assert bool(failed[k]) == (words is None)
        assert out[out_bounds[k] : out_bounds[k + 1]].tolist() == (words or [])
    assert not out[:3].any()


@law
@given(texts | telling_texts)
def test_text_trace_rewrites_what_must_be_rewritten_and_cuts_the_rest(whole: str) -> None:
    folded = reference.fold(whole)
    if folded is None or reference.is_mixed(folded.data, whole, 4096):
        folded = reference.fold(spellings.rewrite(whole), is_rewritten=True)
    assert folded is not None
    assert text.trace([whole])[0].tolist() == [word.value for word in reference.words(folded.data, 120, scales())]


# --- what stands twice ------------------------------------------------------------------------------------------------

some_words = st.lists(st.integers(1, 40), max_size=12)


@law
@given(some_words, some_words, some_words)
def test_repeated_title(title: list[int], own: list[int], rest: list[int]) -> None:
    for whole in ([*title, *own, *rest], [*title, *title, *rest], [*title, *own, *title, *own], [*title, *title[:-1]]):
        assert kernels.repeated_title(u32(whole), len(title)) == reference.repeated_title(whole, len(title))


@law
@given(st.lists(u32s, min_size=1, max_size=9), st.data())
def test_run_hash(trace: list[int], data: st.DataObject) -> None:
    i = data.draw(st.integers(0, len(trace) - 1))
    count = data.draw(st.integers(0, len(trace) - i))
    assert int(kernels.run_hash(u32(trace), i, count)) == reference.run_hash(trace, i, count)


@st.composite
def repeating(draw: st.DrawFn) -> list[int]:
    """Words among which longer passages stand more than once."""
    passages = draw(st.lists(st.lists(st.integers(1, 30), min_size=10, max_size=60), min_size=1, max_size=3))
    order = draw(st.lists(st.sampled_from(passages) | some_words, max_size=6))
    return [word for part in order for word in part]


@law
@given(st.lists(st.tuples(repeating(), st.integers(0, 12)), max_size=3), st.booleans())
def test_keep_once_and_keep_passages_once(articles: list[tuple[list[int], int]], with_places: bool) -> None:
    parts = [part for part, _ in articles]
    titles = [min(title, len(part)) for part, title in articles]
    total = sum(map(len, parts))
    out, out_bounds = np.zeros(total, dtype=np.uint32), np.zeros(len(parts) + 1, dtype=np.int64)
    out_titles, places = np.zeros(len(parts), dtype=np.int64), np.full(total if with_places else 0, -1)
    seen = np.zeros(64, dtype=np.uint64)
    kernels.keep_once(joined(parts), bounds_of(parts), i64(titles), seen, 1, out, out_bounds, out_titles, places)
    for k, (part, title) in enumerate(zip(parts, titles, strict=True)):
        kept, title_words = reference.keep_once(part, title, 64)
        own = slice(int(out_bounds[k]), int(out_bounds[k + 1]))
        assert out[own].tolist() == [part[place] for place in kept]
        assert out_titles[k] == title_words
        if with_places:
            assert places[own].tolist() == kept
        alone = np.zeros(len(part), dtype=np.uint32)
        size = kernels.keep_passages_once(
            u32(part), title, 0, np.zeros(64, dtype=np.uint64), 1, alone, np.zeros(0, dtype=np.int64)
        )
        assert alone[:size].tolist() == [part[place] for place in reference.keep_passages_once(part, title, 64)]


# --- term weights -----------------------------------------------------------------------------------------------------

# Few stems, several of one counter, with every flag.
trace_words = st.builds(
    lambda stem, high, flags: stem | high << 24 | flags << 30,
    st.sampled_from([*range(12), *(k + kernels.TERM_SLOTS for k in range(4)), 2**24 - 1]),
    st.integers(0, 2),
    st.integers(0, 3),
)
traces = st.lists(trace_words, max_size=60)


def table_of(longest: int) -> npt.NDArray[np.uint64]:
    return np.zeros(1 << (2 * longest).bit_length(), dtype=np.uint64)


def bounds_of(parts: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    return i64([0, *np.cumsum([len(part) for part in parts])])


def joined(parts: Sequence[Sequence[int]]) -> npt.NDArray[np.uint32]:
    return u32([word for part in parts for word in part])


@cache
def counters() -> npt.NDArray[np.uint32]:
    return np.zeros(kernels.TERM_SLOTS, dtype=np.uint32)


@cache
def rarity_of_ninety() -> npt.NDArray[np.uint8]:
    return np.full(kernels.TERM_SLOTS, 90, dtype=np.uint8)


@law
@given(st.lists(traces, max_size=5), st.sampled_from([0, 7, 2**32 - 10]))
def test_count_terms(several: list[list[int]], stamp: int) -> None:
    counts, stamps = counters(), i64([stamp])
    counts[:] = 0
    kernels.count_terms(joined(several), bounds_of(several), counts, table_of(60), stamps)
    twin = reference.count_terms(several)
    assert {slot: int(counts[slot]) for slot in twin} == twin
    assert counts.sum() == sum(twin.values())
    assert stamps[0] == stamp + len(several)


@law
@given(st.lists(traces, max_size=4), st.lists(st.integers(0, 255), min_size=17, max_size=17))
def test_weigh(several: list[list[int]], rarities: list[int]) -> None:
    rarity = rarity_of_ninety()
    rarity[:17] = rarities
    weights = np.full(sum(map(len, several)), 0xEE, dtype=np.uint8)
    kernels.weigh(joined(several), bounds_of(several), rarity, weights, table_of(60), i64([0]))
    by_slot = dict(enumerate(rarity[:17].tolist())) | {2**24 - 1 & kernels.TERM_SLOTS - 1: 90}
    assert weights.tolist() == [weight for trace in several for weight in reference.weigh(trace, by_slot)]


# --- boilerplate ------------------------------------------------------------------------------------------------------


@law
@given(st.lists(trace_words, min_size=6, max_size=12), st.integers(0, 5), u64s)
def test_gram_hash(trace: list[int], i: int, source: int) -> None:
    assume(i + kernels.GRAM <= len(trace))
    assert int(kernels.gram_hash(u32(trace), i, np.uint64(source))) == reference.gram_hash(trace, i, source)


def sampled(trace: list[int], source: int, counters: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    starts, places = np.zeros(len(trace) + 1, np.int64), np.zeros(len(trace) + 1, np.int64)
    count = kernels.sample_passages(u32(trace), np.uint64(source), counters, starts, places)
    return starts[:count], places[:count]


@law
@given(traces, u64s, st.sampled_from([1, 8, 1 << 20]))
def test_sample_passages(trace: list[int], source: int, counters: int) -> None:
    starts, places = sampled(trace, source, counters)
    found = list(zip(starts.tolist(), places.tolist(), strict=True))
    assert found == reference.sample_passages(trace, source, counters)


@law
@given(st.data(), traces, u64s, st.integers(1, 3))
def test_mask_boilerplate(data: st.DataObject, trace: list[int], source: int, least: int) -> None:
    weights = data.draw(st.lists(st.integers(0, 255), min_size=len(trace), max_size=len(trace)))
    repeats = data.draw(st.lists(st.integers(0, 4), min_size=8, max_size=8))
    masked = u8(weights)
    starts, places = sampled(trace, source, len(repeats))
    count = kernels.mask_boilerplate(masked, starts, places, u8(repeats), least)
    twin = reference.mask_boilerplate(trace, weights, source, repeats, least)
    assert masked.tolist() == twin
    assert count == sum(after & 127 != before & 127 for before, after in zip(weights, twin, strict=True))


@law
@given(st.lists(traces, max_size=3), u64s, st.sampled_from([0, 253, 255]))
def test_count_passages(several: list[list[int]], source: int, before: int) -> None:
    repeats, twin = np.full(8, before, dtype=np.uint8), [before] * 8
    for trace in several:
        kernels.count_passages(sampled(trace, source, len(repeats))[1], repeats)
        twin = reference.count_passages(trace, source, twin)
    assert repeats.tolist() == twin


@law
@given(
    st.lists(traces, max_size=4), u64s, st.lists(st.sampled_from([0, 1, 2, 3, 255]), min_size=8, max_size=8),
    st.integers(1, 3)
)  # fmt: skip
def test_repeated_stretches(several: list[list[int]], source: int, repeats: list[int], least: int) -> None:
    store = store_of([reference.Text(trace, [1] * len(trace), 0) for trace in several], len(several))
    words = sum(map(len, several))
    room = words // kernels.GRAM + 1
    articles, starts, ends, bounds = (np.zeros(room + 1, np.int64) for _ in range(4))
    digests, passages = np.zeros(room, np.uint64), np.zeros(words, np.int64)
    found, total = kernels.repeated_stretches(
        np.arange(len(several)), np.uint64(source), store, u8(repeats), least, articles, starts, ends, digests, bounds,
        passages
    )  # fmt: skip
    twin = reference.repeated_stretches(several, source, repeats, least)
    assert found == len(twin)
    for k, stretch in enumerate(twin):
        own = passages[bounds[k] : bounds[k + 1]].tolist()
        whole = (articles[k], starts[k], ends[k], int(digests[k]), own)
        assert whole == tuple(stretch)
    assert total == sum(len(stretch.passages) for stretch in twin)


@law
@given(st.lists(traces, max_size=4), u64s, st.lists(st.sampled_from([0, 1, 2, 254, 255]), min_size=8, max_size=8))
def test_clear_passages(several: list[list[int]], source: int, before: list[int]) -> None:
    store = store_of([reference.Text(trace, [1] * len(trace), 0) for trace in several], len(several))
    repeats = u8(before)
    kernels.clear_passages(np.arange(len(several)), np.uint64(source), store, repeats)
    assert repeats.tolist() == reference.clear_passages(several, source, before)


odd_keys = st.integers(0, 2**31 - 1).map(lambda half: 2 * half + 1)


# --- sketch -----------------------------------------------------------------------------------------------------------


@law
@given(st.integers(0, 5000))
def test_draft_for(words: int) -> None:
    *numbers, seen = kernels.draft_for(words)
    assert {len(part) for part in numbers} == {reference.draft_for(words)}
    assert len(seen) == 1024


ranks_of_words = st.lists(st.integers(0, 30) | u32s, max_size=150)


@law
@given(ranks_of_words, st.integers(0, 31) | u32s)
def test_keep_ranks(ranks: list[int], limit: int) -> None:
    kept, places = np.zeros(len(ranks), np.uint64), np.zeros(len(ranks) + 64, np.int32)
    count = kernels.keep_ranks(u32(ranks + [0] * 64), len(ranks), np.uint32(limit), places, kept)
    assert kept[:count].tolist() == reference.keep_ranks(ranks, limit)


# Keys of one part of their range, and of several; more than there are places that the table can tell.
several_keys = st.lists(st.integers(0, 3) | st.sampled_from([1 << 31, 1 << 31 | 7]) | u32s, max_size=40) | st.builds(
    lambda count, step: [k * step for k in range(count)], st.integers(250, 300), st.sampled_from([1, 1 << 23])
)


@law
@given(several_keys, st.randoms(use_true_random=False))
def test_keep_distinct(keys: list[int], random: Any) -> None:
    keys = [key & 0xFFFFFFFF for key in keys + keys[:20]]
    entries = [random.randrange(1 << 31) << 32 | k for k in range(len(keys))]
    kept = np.array(entries, dtype=np.uint64)
    count = kernels.keep_distinct(u32(keys), len(keys), kept, u8([7] * 1024))
    assert kept[:count].tolist() == reference.keep_distinct(entries, keys)


@law
@given(st.lists(u64s.filter(bool), unique=True, max_size=150), st.integers(1, 40))
def test_drop_greatest(entries: list[int], most: int) -> None:
    kept = np.array([*entries, *[7] * 64], dtype=np.uint64)
    kernels.drop_greatest(kept, len(entries), most)
    assert kept[: min(most, len(entries))].tolist() == reference.drop_greatest(entries, most)


@law
@given(
    st.lists(st.tuples(st.floats(0, 1e6, width=32) | st.sampled_from([1.0, 2.0]), odd_keys, st.integers(0, 255))),
    st.integers(1, 12),
    st.sampled_from([0.0, 1e-30, 1e-9, 1e-3, 1.0, 1e9]),
    st.lists(st.sampled_from([np.inf, np.nan]), max_size=3),
)
def test_keep_smallest(entries: list[tuple[float, int, int]], most: int, density: float, left_out: list[float]) -> None:
    ranks = np.array([*left_out, *(rank for rank, _, _ in entries), *[0.0] * kernels.SPARE], dtype=np.float32)
    size = len(left_out) + len(entries)
    out_keys, out_weights = np.zeros(most, dtype=np.uint32), np.zeros(most, dtype=np.uint8)
    places, kept = np.zeros(size + kernels.SPARE, np.int32), np.zeros(size + kernels.SPARE, np.uint64)
    count = kernels.keep_smallest(
        ranks.view(np.uint32), u32([1] * len(left_out) + [key for _, key, _ in entries]),
        u8([0] * len(left_out) + [weight for _, _, weight in entries]), size, most, density, places, kept,
        np.zeros(1024, np.uint8), out_keys, out_weights
    )  # fmt: skip
    twin = reference.keep_smallest([reference.Key(*entry) for entry in entries], most)
    found = zip(out_keys[:count].tolist(), out_weights[:count].tolist(), strict=True)
    assert sorted(found) == sorted((key.key, key.weight) for key in twin)


@law
@given(traces, st.integers(0, 60))
def test_hash_trace(trace: list[int], first: int) -> None:
    first = min(first, len(trace))
    assert int(kernels.hash_trace(u32(trace), first)) == reference.hash_trace(trace, first)


@law
@given(st.data(), traces | st.lists(u32s, max_size=150), st.integers(0, 20), st.integers(1, 20))
def test_sketch(data: st.DataObject, trace: list[int], title_words: int, min_words: int) -> None:
    title_words = min(title_words, len(trace))
    weights = data.draw(
        st.lists(st.sampled_from([0, 1, 2, 60, 127, 128, 129, 255]), min_size=len(trace), max_size=len(trace))
    )
    keys, rarities = np.full(kernels.KEYS, 7, dtype=np.uint32), np.full(kernels.KEYS, 7, dtype=np.uint8)
    draft = kernels.draft_for(len(trace))
    kernels.sketch(u32(trace), u8(weights), title_words, min_words, importance(), draft, keys, rarities)
    whole, words, pairs = reference.sketch(trace, weights, title_words, min_words, list(importance()))
    assert int(keys[0]) == whole
    found = list(zip(keys.tolist(), rarities.tolist(), strict=True))
    split = 1 + kernels.WORD_KEYS
    for part, twin in ((found[1:split], words), (found[split:], pairs)):
        assert {pair for pair in part if pair[0]} == twin
        assert len([pair for pair in part if pair[0]]) == len(twin)


@law
@given(st.lists(st.lists(st.tuples(u32s, st.sampled_from([0, 1, 60, 127, 128, 188])), max_size=60), max_size=4))
def test_sketches(several: list[list[tuple[int, int]]]) -> None:
    traces, weights = ([[entry[side] for entry in trace] for trace in several] for side in range(2))
    keys = np.full((len(several), kernels.KEYS), 7, dtype=np.uint32)
    kernels.sketches(
        joined(traces), u8([weight for part in weights for weight in part]), bounds_of(traces), 5, importance(), keys,
        np.zeros(kernels.KEYS, dtype=np.uint8)
    )  # fmt: skip
    assert [set(row.tolist()) - {0} for row in keys] == reference.sketches(traces, weights, 5, list(importance()))


@law
@given(
    st.lists(
        st.tuples(
            st.lists(st.tuples(u32s, st.sampled_from([0, 1, 60, 127, 128, 188])), max_size=60), st.integers(0, 9)
        ),
        max_size=4,
    )
)
def test_keys_of(several: list[tuple[list[tuple[int, int]], int]]) -> None:
    traces, weights = ([[entry[side] for entry in trace] for trace, _ in several] for side in range(2))
    titles = [min(title, len(trace)) for trace, title in several]
    keys = np.full((len(several), kernels.KEYS), 7, dtype=np.uint32)
    kernels.keys_of(
        joined(traces), u8([weight for part in weights for weight in part]), bounds_of(traces), i64(titles), 5,
        importance(), keys, np.zeros(keys.shape, dtype=np.uint8)
    )  # fmt: skip
    found = [set(row.tolist()) - {0} for row in keys]
    assert found == reference.keys_of(traces, weights, titles, 5, list(importance()))


# --- index ------------------------------------------------------------------------------------------------------------


@law
@given(u32s, st.integers(1, 5000))
def test_chain_of(key: int, chains: int) -> None:
    power = reference.split_from(chains)
    chain = kernels.chain_of(np.uint32(key), chains, power)
    assert int(chain) == reference.chain_of(key, chains, power)
    assert 0 <= chain < chains


@law
@given(st.integers(1, 50), st.integers(-1, 10_000), st.data())
def test_number_at(capacity: int, newest: int, data: st.DataObject) -> None:
    slot = data.draw(st.integers(0, capacity - 1))
    assert int(kernels.number_at(slot, newest, capacity)) == reference.number_at(slot, newest, capacity)


def small_index(capacity: int) -> LshIndex:
    """An index that begins with two chains, so that a few articles make it grow."""
    index = LshIndex(capacity)
    index.heads = np.zeros(1 << (capacity * kernels.KEYS - 1).bit_length(), dtype=np.uint32)
    index.state[kernels.CHAINS] = index.state[kernels.SPLIT_FROM] = 2
    return index


def sketch_of(placed: dict[int, int]) -> npt.NDArray[np.uint32]:
    keys = np.zeros(kernels.KEYS, dtype=np.uint32)
    for position, key in placed.items():
        keys[position] = key
    return keys


def chains_of(index: LshIndex) -> reference.Chains:
    """What one finds on going along each chain."""
    chains: reference.Chains = []
    for head in index.heads[: index.state[kernels.CHAINS]].tolist():
        chain: list[reference.Posting] = []
        at = head - 1
        while at >= 0:
            number = reference.number_at(at // kernels.KEYS, int(index.state[kernels.NEWEST]), index.capacity)
            chain.append(reference.Posting(number, at % kernels.KEYS, int(index.postings[at] & 0xFFFFFFFF)))
            at = int(index.postings[at] >> 32) - 1
        chains.append(chain)
    return chains


# Articles whose keys come from a small pool, so that they share some; {position: key}.
POOL = [reference.mix(k) >> 33 | 1 for k in range(40)]
placed_keys = st.dictionaries(st.integers(0, kernels.KEYS - 1), st.sampled_from(POOL), max_size=12)


@law
@given(st.lists(placed_keys, max_size=12))
def test_insert_and_split_chain(articles: list[dict[int, int]]) -> None:
    index, twin = small_index(12), reference.Chains([[], []])
    for number, placed in enumerate(articles):
        index.add(number, sketch_of(placed), 0)
        twin = reference.insert(number, sketch_of(placed).tolist(), twin, number + 1, len(index.heads))
        assert chains_of(index) == twin
    while len(twin) < len(index.heads) // 8:
        kernels.split_chain(index.postings, index.heads, index.state)
        twin = reference.split_chain(twin)
        assert chains_of(index) == twin


class Buckets:
    """A dictionary of lists that follows an index."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.keys = capacity, dict[int, dict[int, int]]()
        self.dates: dict[int, int | None] = {}

    def add(self, number: int, placed: dict[int, int], date: int | None) -> None:
        self.keys[number], self.dates[number] = placed, date
        self.keys.pop(number - self.capacity, None)

    def expire(self, oldest: int) -> None:
        self.keys = {number: placed for number, placed in self.keys.items() if number >= oldest}

    def lists(self) -> dict[int, list[int]]:
        lists: dict[int, list[int]] = {}
        for number, placed in sorted(self.keys.items(), reverse=True):
            for key in placed.values():
                lists.setdefault(key, []).append(number)
        return lists


dates = st.none() | st.integers(0, 30).map(lambda minutes: minutes * 60_000)
steps = st.lists(
    st.tuples(st.just("add"), placed_keys, dates)
    | st.tuples(st.just("remove"), st.integers(0, 12), dates)
    | st.tuples(st.just("expire"), st.integers(0, 12), dates),
    max_size=60 if JIT else 15,
)
limits = st.tuples(
    st.integers(0, 12).map(lambda minutes: minutes * 60_000), st.integers(1, 50), st.integers(1, 40), st.integers(1, 10)
)


def seeking(most_hits: int) -> tuple[npt.NDArray[Any], ...]:
    """What `candidates` needs room for."""
    hits = np.empty(2 * kernels.KEYS * most_hits + 1, dtype=np.int64)
    walked, kin = np.empty((2, kernels.KEYS), np.int64)
    return np.zeros(8192, np.int64), np.zeros(kernels.COUNTERS, np.uint32), hits, walked, kin


@law
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 1024, 1 << 20]))
def test_tag_of(key: int, tags: int) -> None:
    assert int(kernels.tag_of(np.uint32(key), tags)) == reference.tag_of(key, tags)


@law
@given(st.lists(st.sampled_from([7, 9, 11]), min_size=1, max_size=4), st.sampled_from([2, 4]), st.integers(0, 9))
def test_ring_of(keys: list[int], tags: int, first: int) -> None:
    held = [0] * tags
    for k, key in enumerate(keys):
        held[reference.tag_of(key, tags) + k % 2] = key | (first + k + 1) << 32
    for key in (7, 9, 11, 13):
        found = int(kernels.ring_of(np.uint32(key), np.array(held, dtype=np.uint64)))
        assert found == reference.ring_of(key, held)


@given(st.none() | st.integers(-(10**15), 10**15) | st.sampled_from([2**61, -(2**61)]))
def test_minute_of(date: int | None) -> None:
    found = int(kernels.minute_of(kernels.UNKNOWN if date is None else date))
    twin = reference.minute_of(date)
    assert found == (kernels.UNKNOWN_MINUTE if twin is None else twin)


minutes = st.none() | st.integers(-10, 10) | st.sampled_from([-(2**31) + 1, 2**31 - 1])


def as_minute(minute: int | None) -> int:
    return kernels.UNKNOWN_MINUTE if minute is None else minute


@given(minutes, st.lists(minutes, min_size=1, max_size=9), st.integers(0, 30) | st.just(2**40))
def test_near_minutes(minute: int | None, others: list[int | None], reach: int) -> None:
    first, last = kernels.near_minutes(as_minute(minute), reach)
    found = [other is None or first <= other <= last for other in others]
    assert found == reference.near_minutes(minute, reach, others)


@law
@given(st.lists(st.none() | st.integers(-(10**15), 10**15), max_size=9))
def test_minutes_of(dates: list[int | None]) -> None:
    found = np.zeros(len(dates), dtype=np.int64)
    kernels.minutes_of(i64([kernels.UNKNOWN if date is None else date for date in dates]), found)
    assert found.tolist() == [as_minute(minute) for minute in reference.minutes_of(dates)]


@law
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.none() | st.integers(-9, 9), st.integers(1, 9), st.booleans()), max_size=40
    ),
    st.integers(0, 12), st.integers(1, 5), st.data(),
)  # fmt: skip
def test_shared_keys(
    drawn: list[tuple[int, int | None, int, bool]], reach: int, most_hits: int, data: st.DataObject
) -> None:
    by_key = sorted(drawn, key=lambda post: post[0])
    several = [reference.Post(post[0], 3 * k, post[1], post[2], post[3]) for k, post in enumerate(by_key)]
    first = data.draw(st.integers(0, len(several)))
    last = data.draw(st.integers(first, len(several)))
    own, others, shared = (np.zeros(most_hits * len(several), dtype=np.int64) for _ in range(3))
    found = kernels.shared_keys(
        first, last, u32([post.key for post in several]), i64([post.number for post in several]),
        i64([as_minute(post.minute) for post in several]), u8([post.rarity for post in several]),
        u8([post.is_context for post in several]), reach, most_hits, own, others, shared
    )  # fmt: skip
    told = list(zip(own[:found].tolist(), others[:found].tolist(), shared[:found].tolist(), strict=True))
    assert told == reference.shared_keys(several, first, last, reach, most_hits, kernels.RING)


@law
@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=15))
def test_join_ends(count: int, drawn: list[tuple[int, int]]) -> None:
    pairs = [(a % count, b % count) for a, b in drawn]
    root = np.zeros(count, dtype=np.int64)
    kernels.join_ends(i64([a for a, _ in pairs]), i64([b for _, b in pairs]), root)
    assert root.tolist() == reference.join_ends(pairs, count)


@law
@given(st.lists(minutes, max_size=300), st.integers(0, 2), minutes, st.integers(0, 12))
def test_near_in_ring(pushed: list[int | None], ring: int, minute: int | None, reach: int) -> None:
    rings = np.full(3 * 2 * kernels.RING, 7, dtype=np.uint32)
    for place, value in enumerate(pushed):
        rings[2 * kernels.RING * ring + place % kernels.RING] = as_minute(value) & 0xFFFFFFFF
    first, last = kernels.near_minutes(as_minute(minute), reach)
    older, newer = kernels.near_in_ring(rings, ring, len(pushed), first, last)
    found = [bool((int(newer) << 64 | int(older)) >> bit & 1) for bit in range(128)]
    kept = reference.near_in_ring(pushed[-128:], first, last)
    assert found == [False] * (128 - len(kept)) + kept


def ring_of(index: LshIndex, key: int) -> list[int]:
    """The articles in a key's ring, the newest last."""
    ring = reference.ring_of(key, index.tags.tolist())
    if ring < 0:
        return []
    pushes = int(index.pushed[2 * ring])
    numbers = index.rings[(2 * ring + 1) * kernels.RING : (2 * ring + 2) * kernels.RING]
    return [int(numbers[e % kernels.RING]) for e in range(max(0, pushes - 128), pushes)]


@pytest.mark.parametrize("size", [3, 127, 128, 129, 300])
def test_make_ring_and_drop_rings(size: int) -> None:
    """A ring holds what its key's chain holds, takes what comes, and changes no result, whatever is behind its end."""
    index, twin = small_index(400), Buckets(400)
    for number in range(size + 40):
        if number == size:
            kernels.make_ring(np.uint32(POOL[0]), index.arrays)
            assert ring_of(index, POOL[0]) == reference.make_ring(POOL[0], twin.lists())
        date = None if number % 5 == 0 else number // 2 * 60_000
        placed = {number % 64: POOL[0], (number + 9) % 64: POOL[1 + number % 3]}
        index.add(number, sketch_of(placed), kernels.UNKNOWN if date is None else date)
        twin.add(number, placed, date)
    assert ring_of(index, POOL[0]) == reference.make_ring(POOL[0], twin.lists())[-(size + 40) :]
    for middle, minutes, most_hits in [(size // 2, 10, 100), (0, 3, 100), (10**6, 5, 100), (size // 2, 400, 200)]:
        published, window = middle * 60_000, minutes * 60_000
        for oldest in (0, size // 3):
            index.expire(oldest)
            twin.expire(oldest)
            out, sums = np.zeros((2, 300), dtype=np.int64)
            keys, shared = {0: POOL[0], 9: POOL[2]}, {POOL[0]: 5, POOL[2]: 5}
            kept, found = kernels.candidates(
                sketch_of(keys),
                u8([5] * 64),
                published,
                window,
                index.arrays,
                most_hits,
                5,
                300,
                seeking(most_hits),
                out,
                sums,
            )
            lists = twin.lists()
            assert (out[:kept].tolist(), found, sums[:kept].tolist()) == reference.candidates(
                shared, published, window, lists, twin.dates, most_hits, 5, 300
            )
    rings = {key: ring_of(index, key) for key in POOL[:4] if ring_of(index, key)}
    assert list(rings) == [POOL[0]]
    index.remove(size + 3)
    left = reference.drop_rings([POOL[0]], rings)
    assert {key: ring_of(index, key) for key in POOL[:4] if ring_of(index, key)} == left == {}


@pytest.mark.parametrize("has_ring", [False, True])
def test_candidates_tell_how_many_of_the_many_that_have_a_key_are_like_the_article(has_ring: bool) -> None:
    index = small_index(400)
    for number in range(40):  # of 40 with one key 20 have a second; a third has 15
        index.add(
            number,
            sketch_of({2: POOL[0], **({7: POOL[1]} if number % 2 else {}), number + 20: number * 2 + 1_000_001}),
            0,
        )
    for number in range(40, 55):
        index.add(number, sketch_of({5: POOL[2]}), 0)
    if has_ring:
        kernels.make_ring(np.uint32(POOL[0]), index.arrays)
    room, (out, sums) = seeking(48), np.zeros((2, 99), dtype=np.int64)
    keys = sketch_of({1: POOL[0], 2: POOL[1], 3: POOL[2]})
    kernels.candidates(keys, u8([9] * 64), 0, 50, index.arrays, 48, 15, 99, room, out, sums)
    assert room[4].tolist() == [0, 20, 20, 0] + [0] * 60
    kernels.candidates(keys, u8([9] * 64), 0, 50, index.arrays, 48, 9, 99, room, out, sums)
    assert room[4].tolist() == [0, 40, 20, 0] + [0] * 60


def test_leave_crowds() -> None:
    kept = dict.fromkeys([0, 15, 16, 20, 24, 48], 0)
    for kin in kept:
        for number in range(50):
            keys = np.arange(1, 129, 2, dtype=np.uint32)
            expected = reference.leave_crowds(number, [kin] * 64, keys.tolist())
            kernels.leave_crowds(number, i64([kin] * 64), keys)
            assert keys.tolist() == expected
            assert keys[0] == 1, "the key of the whole text stays"
            kept[kin] += int((keys[1:] != 0).sum())
    shares = [kept[kin] / (50 * 63) for kin in kept]
    assert shares == pytest.approx([1, 1, 1 / 2, 1 / 4, 1 / 8, 1 / 512], rel=0.2, abs=0.004)


@given(st.dictionaries(st.integers(0, 2**40 - 1), st.integers(1, 2**20 - 1), max_size=8), st.integers(0, 2**40 - 1))
def test_sum_in(sums: dict[int, int], number: int) -> None:
    table = np.zeros(16, dtype=np.int64)
    for known, total in sums.items():
        at = (known * 0x9E3779B1 >> 8) & 15
        while table[at]:
            at = (at + 1) & 15
        table[at] = (known + 1) << 20 | total
    for asked in (number, *sums):
        assert kernels.sum_in(table, asked) == reference.sum_in(sums, asked)


@pytest.mark.parametrize("has_ring", [False, True])
@pytest.mark.parametrize(("far", "near"), [(0, 5), (60, 5), (125, 3), (128, 0), (200, 0)])
def test_candidates_among_articles_of_other_times(far: int, near: int, has_ring: bool) -> None:
    """The search of a key ends where so many newer articles have it, near or not."""
    index, twin = small_index(400), Buckets(400)
    for number in range(5 + far):
        date = 0 if number < 5 else 10**9
        index.add(number, sketch_of({3: POOL[0]}), date)
        twin.add(number, {3: POOL[0]}, date)
    if has_ring:
        kernels.make_ring(np.uint32(POOL[0]), index.arrays)
    out, sums = np.zeros((2, 9), dtype=np.int64)
    kept, found = kernels.candidates(
        sketch_of({1: POOL[0]}), u8([9] * 64), 0, 50, index.arrays, 100, 5, 9, seeking(100), out, sums
    )
    expected = reference.candidates({POOL[0]: 9}, 0, 50, twin.lists(), twin.dates, 100, 5, 9)
    assert (out[:kept].tolist(), found, sums[:kept].tolist()) == expected
    assert found == near


@law
@given(st.integers(2, 10), steps, st.lists(st.integers(1, 20), min_size=64, max_size=64), limits)
def test_candidates(capacity: int, history: list[Any], rarities: list[int], bounds: tuple[int, int, int, int]) -> None:
    window, most_hits, least, most = bounds
    index, twin, number = small_index(capacity), Buckets(capacity), 0
    room = seeking(most_hits)
    for step, value, date in history:
        if step == "expire":
            index.expire(number - value)
            twin.expire(number - value)
        elif step == "remove":
            if number - 1 - value in twin.keys:
                index.remove(number - 1 - value)
                del twin.keys[number - 1 - value]
        else:
            # Each key once: this is what a sketch is.
            placed = {position: key for key, position in {key: position for position, key in value.items()}.items()}
            out, sums = np.zeros((2, most), dtype=np.int64)
            published = kernels.UNKNOWN if date is None else date
            kept, found = kernels.candidates(
                sketch_of(placed),
                u8(rarities),
                published,
                window,
                index.arrays,
                most_hits,
                least,
                most,
                room,
                out,
                sums,
            )
            shared = {key: rarities[position] for position, key in placed.items()}
            expected = reference.candidates(shared, date, window, twin.lists(), twin.dates, most_hits, least, most)
            assert (out[:kept].tolist(), found, sums[:kept].tolist()) == expected
            assert not room[0].any()
            assert not room[1].any()
            index.add(number, sketch_of(placed), published)
            twin.add(number, placed, date)
            number += 1
            for key in list(placed.values())[::2]:
                if reference.ring_of(key, index.tags.tolist()) < 0:
                    kernels.make_ring(np.uint32(key), index.arrays)


@law
@given(st.lists(st.tuples(placed_keys, dates), max_size=20), st.integers(0, 20))
def test_a_grown_index_and_one_made_for_many_have_the_same_candidates(articles: list[Any], oldest: int) -> None:
    index, prepared = small_index(20), LshIndex(4000)
    prepared.expect(3000)
    assert prepared.state[kernels.CHAINS] == 3000 * 32
    for number, (placed, date) in enumerate(articles):
        for one in (index, prepared):
            one.add(number, sketch_of(placed), kernels.UNKNOWN if date is None else date)
    for one in (index, prepared):
        one.expire(min(oldest, len(articles)))
    prepared.expect(3200)
    assert (prepared.state[kernels.CHAINS] == 3200 * 32) == (not any(placed for placed, _ in articles))
    answers = []
    for one in (index, index.grow(50), prepared):
        out = np.zeros(20, dtype=np.int64)
        kept, _ = kernels.candidates(
            sketch_of(dict(enumerate(POOL))), u8([5] * 64), 10, 9, one.arrays, 50, 5, 20, seeking(50), out, out.copy()
        )
        answers.append((out[:kept].tolist(), len(one)))
    assert answers[0] == answers[1]


# --- verification -----------------------------------------------------------------------------------------------------


@law
@given(st.data(), traces)
def test_index_words(data: st.DataObject, trace: list[int]) -> None:
    weights = data.draw(st.lists(st.sampled_from([0, 1, 127, 128, 200]), min_size=len(trace), max_size=len(trace)))
    heads = np.full(kernels.heads_for(len(trace)), 99, dtype=np.int32)
    following = np.full(len(trace), 99, dtype=np.int32)
    kernels.index_words(u32(trace), u8(weights), heads, following)
    twin = reference.index_words(trace, weights)
    chains: dict[int, list[int]] = {}
    for head in heads.tolist():
        at = head
        while at >= 0:
            chains.setdefault(trace[at] & kernels.STEM, []).append(at)
            at = int(following[at])
    assert chains == twin


@law
@given(st.integers(0, 1_000_000))
def test_heads_for(words: int) -> None:
    assert int(kernels.heads_for(words)) == reference.heads_for(words)


finite = st.floats(-5, 5)


@law
@given(
    st.lists(st.floats(-5, 5, width=32), min_size=kernels.FEATURES, max_size=kernels.FEATURES),
    finite,
    st.lists(finite, min_size=kernels.FEATURES, max_size=kernels.FEATURES),
    st.lists(st.tuples(st.integers(0, kernels.FEATURES - 1), finite, finite), max_size=5),
    st.lists(
        st.tuples(
            st.lists(st.integers(0, kernels.FEATURES - 1), min_size=7, max_size=7),
            st.lists(finite | st.just(float("inf")), min_size=7, max_size=7),
            st.lists(finite, min_size=8, max_size=8),
        ),
        max_size=4,
    ),
)
def test_log_odds(
    features: list[float], bias: float, weights: list[float], hinges: list[tuple[int, float, float]],
    trees: list[tuple[list[int], list[float], list[float]]]
) -> None:  # fmt: skip
    hinged = i64([k for k, _, _ in hinges])
    knots, slopes = np.array([knot for _, knot, _ in hinges]), np.array([slope for _, _, slope in hinges])
    asked = i64([k for tree in trees for k in tree[0]])
    thresholds, leaves = (np.array([v for tree in trees for v in tree[part]], dtype=np.float64) for part in (1, 2))
    model = (
        bias,
        np.array(weights),
        hinged,
        knots.astype(np.float64),
        slopes.astype(np.float64),
        asked,
        thresholds,
        leaves,
    )
    odds = kernels.log_odds(np.array(features, dtype=np.float32), model)
    assert odds == pytest.approx(reference.log_odds(features, bias, weights, hinges, trees), abs=1e-9)


# Articles are made of sentences of a small pool, so that they share runs, words, numbers and quotations.


def word_of(k: int) -> int:
    flag = reference.NUMBER if k % 7 == 3 else 0
    return reference.mix(k) & reference.HASH & ~reference.NUMBER | flag


SENTENCES = [[word_of((k * 17 + i * (k % 3 + 1)) % 200) for i in range(4 + k % 9)] for k in range(25)]
sentences = st.sampled_from(SENTENCES) | st.lists(st.integers(0, 250).map(word_of), min_size=1, max_size=6)


@st.composite
def weighed_texts(draw: st.DrawFn) -> reference.Text:
    trace: list[int] = []
    for sentence in draw(st.lists(sentences, max_size=12)):
        quoted = reference.QUOTED if draw(st.integers(0, 4)) == 0 else 0
        trace += [word | quoted for word in sentence]
    rarity = {(word & reference.STEM) % reference.TERM_SLOTS: 20 + (word & reference.STEM) % 140 for word in trace}
    weights = reference.weigh(trace, rarity)
    if draw(st.booleans()):  # boilerplate: a masked stretch; numbers keep their weight, see number_features
        first, last = sorted(draw(st.tuples(*[st.integers(0, len(trace))] * 2)))
        for k in range(first, last):
            weights[k] &= 128 if not trace[k] & reference.NUMBER else 255
    return reference.Text(trace, weights, draw(st.integers(0, min(8, len(trace)))))


@st.composite
def pairs_of_texts(draw: st.DrawFn) -> tuple[reference.Text, reference.Text]:
    """Two texts, often the second a version of the first."""
    one, other = draw(weighed_texts()), draw(weighed_texts())
    if draw(st.booleans()):
        cut = draw(st.integers(0, len(one.trace)))
        other = reference.Text(
            [*one.trace[:cut], *other.trace], [*one.weights[:cut], *other.weights], min(one.title_words, cut)
        )
    return one, other


@law
@given(pairs_of_texts(), st.integers(0, 50), st.integers(0, 9), st.integers(0, 9))
def test_alike_ahead_and_behind_and_mark_run(
    texts: tuple[reference.Text, reference.Text], more: int, before: int, behind: int
) -> None:
    """Two copies of one text, and of another, side by side between what they do not share."""
    middle = [*texts[0].trace, *([7] * more)]
    a, b = [*range(100, 100 + before), *middle], [*range(200, 200 + behind), *middle, *texts[1].trace]
    i, j = len(a) - len(middle) // 2, len(b) - len(texts[1].trace) - len(middle) // 2
    ahead, back = kernels.alike_ahead(u32(a), i, u32(b), j), kernels.alike_behind(u32(a), i, u32(b), j)
    assert (ahead, back) == (reference.alike_ahead(a[i:], b[j:]), reference.alike_behind(a[:i], b[:j]))
    assert ahead + back >= len(middle)
    one, other = (reference.Text(trace, [k * 7 % 256 for k in range(len(trace))], 0) for trace in (a, b))
    marks = np.zeros((2, max(len(a), len(b)) + 1), dtype=np.uint8)
    length = len(middle)
    told = kernels.mark_run(
        u32(a), u8(one.weights), marks[0], before, u32(b), u8(other.weights), marks[1], behind, length
    )
    assert told == reference.mark_run(one, before, other, behind, length)
    assert [np.flatnonzero(row).tolist() for row in marks] == [
        list(range(start, start + length)) for start in (before, behind)
    ]


def is_within_budget(a: reference.Text, b: reference.Text) -> bool:
    """Whether the kernel can look at all runs: it gives up on texts that only repeat themselves."""
    runs = reference.runs_around(a, b, reference.matching_words(a, b))
    return sum(length + 1 for _, _, length in runs) <= 16 * (len(a.trace) + len(b.trace))


def indexed(a: reference.Text) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    heads = np.full(kernels.heads_for(len(a.trace)), 99, dtype=np.int32)
    following = np.full(len(a.trace), 99, dtype=np.int32)
    kernels.index_words(u32(a.trace), u8(a.weights), heads, following)
    return heads, following


def verified(
    a: reference.Text, b: reference.Text, gap: float, same_outlet: bool = False
) -> tuple[dict[str, float], npt.NDArray[np.float32]]:
    features, results = np.full(kernels.FEATURES, 9, np.float32), np.full(kernels.RESULTS, 9, np.float32)
    kernels.verify(
        u32(a.trace), u8(a.weights), a.title_words, *indexed(a), u32(b.trace), u8(b.weights), b.title_words, gap,
        same_outlet, features, results
    )  # fmt: skip
    return dict(zip(FEATURES, features.tolist(), strict=True)), results


def stretched(texts: tuple[reference.Text, reference.Text], times: int) -> tuple[reference.Text, reference.Text]:
    """Longer texts of the same words: with rows and blocks that are full."""
    a, b = (reference.Text([*t.trace] * times, [*t.weights] * times, t.title_words) for t in texts)
    return a, b


class Met:
    """What `shared.meet` and `shared.follow_runs` make of two texts, and their twins."""

    def __init__(self, a: reference.Text, b: reference.Text) -> None:
        n, m = len(a.trace), len(b.trace)
        self.windows = [max(16, count // 96 + 1) for count in (n, m)]
        blocks = [count // window + 1 for count, window in zip((n, m), self.windows, strict=True)]
        self.shared = np.full(n, -1, np.int32), np.full(m, -1, np.int32)
        self.found = np.zeros(blocks, np.int32), np.zeros(blocks[::-1], np.int32)
        near_a, near_b = np.empty(8 * m + 1, np.int32), np.empty(8 * m + 1, np.int32)
        one, other = (u32(a.trace), u8(a.weights)), (u32(b.trace), u8(b.weights))
        nears, self.incidental = kernels.meet(
            *one, *indexed(a), self.windows[0], *other, self.windows[1], self.shared, self.found, near_a, near_b
        )
        self.near = list(zip(near_a[:nears].tolist(), near_b[:nears].tolist(), strict=True))
        self.runs = np.zeros(n, np.uint8), np.zeros(m, np.uint8)
        self.longest, self.heaviest = kernels.follow_runs(
            *one, self.runs[0], *other, self.runs[1], near_a, near_b, nears
        )
        first_a, first_b, self.near_twin, self.incidental_twin = reference.meet(a, b)
        *in_runs, self.longest_twin, self.heaviest_twin = reference.follow_runs(a, b, self.near_twin)
        self.sides = reference.Shared(a, first_a, in_runs[0]), reference.Shared(b, first_b, in_runs[1])


@law
@given(pairs_of_texts(), st.integers(1, 4))
def test_meet_and_follow_runs(texts: tuple[reference.Text, reference.Text], times: int) -> None:
    a, b = stretched(texts, times)
    assume(is_within_budget(a, b))
    met = Met(a, b)
    assert len(met.near) == len(set(met.near))
    assert (set(met.near), met.incidental) == (met.near_twin, met.incidental_twin)
    assert (met.longest, met.heaviest) == (met.longest_twin, met.heaviest_twin)
    for side, shared, runs in zip(met.sides, met.shared, met.runs, strict=True):
        assert {i: place for i, place in enumerate(shared.tolist()) if place >= 0} == side.first
        assert set(np.flatnonzero(runs).tolist()) == side.in_runs


@law
@given(pairs_of_texts(), st.integers(1, 4))
def test_what_one_side_of_a_pair_says(texts: tuple[reference.Text, reference.Text], times: int) -> None:
    pair = stretched(texts, times)
    assume(is_within_budget(*pair))
    met, matching = Met(*pair), reference.matching_words(*pair)
    for k, side in enumerate(met.sides):
        one, other = side.text, pair[1 - k]
        words, weights, shared, run = u32(one.trace), u8(one.weights), met.shared[k], met.runs[k]
        sums = np.full(kernels.SUMS, 9, np.float32)
        kernels.sum_words(words, weights, one.title_words, shared, run, sums)
        assert sums.tolist() == reference.sum_words(side)
        shares = np.full(4, 9, np.float32)
        is_in_part = kernels.local_shares(weights, one.title_words, met.windows[k], shared, met.found[k], shares)
        twin = reference.local_shares(one, other, matching if k == 0 else [(j, i) for i, j in matching])
        assert shares.tolist() == pytest.approx(list(twin.values()), rel=1e-4, abs=1e-5)
        teller = reference.Shared(reference.Text([1] * 40, [127] * 40, 0), {}, set())
        assert bool(is_in_part) == reference.has_part_about(side, teller)
        reach = other.title_words + 60
        found = kernels.lead_found(weights, one.title_words, shared, reach)
        assert found == pytest.approx(reference.lead_found(side, met.sides[1 - k]))
        course = np.full(kernels.COURSE, 9, np.float32)
        kernels.follow_course(weights, one.title_words, shared, run, course)
        assert course.tolist() == pytest.approx(list(reference.follow_course(side)), rel=1e-4, abs=1e-5)
        counts = np.zeros(kernels.ALONG, np.int64)
        kernels.look_along(words, weights, shared, run, np.full(len(words) + 64, 255, np.uint8), counts)
        assert tuple(counts.tolist()) == reference.look_along(side)


@law
@given(pairs_of_texts())
def test_compare_titles(texts: tuple[reference.Text, reference.Text]) -> None:
    a, b = texts
    shares = kernels.compare_titles(
        u32(a.trace), u8(a.weights), a.title_words, u32(b.trace), u8(b.weights), b.title_words
    )
    assert shares == pytest.approx(reference.compare_titles(a, b))
    assert shares == pytest.approx(reference.compare_titles(b, a))


@law
@given(pairs_of_texts(), st.sampled_from([-1.0, 0.0, 1.0, 1.5, 3.0, 30.0]), st.booleans())
def test_verify(texts: tuple[reference.Text, reference.Text], gap: float, same_outlet: bool) -> None:
    assume(is_within_budget(*texts))
    features, results = verified(*texts, gap, same_outlet)
    twin_features, twin_results = reference.verify(*texts, gap, same_outlet)
    assert features == pytest.approx(twin_features, rel=1e-4, abs=1e-5)
    for name, value in twin_results.items():
        assert results[getattr(kernels, name.upper())] == pytest.approx(value, rel=1e-4, abs=1e-5), name


@law
@given(pairs_of_texts(), st.integers(1, 12))
def test_verify_says_the_same_when_the_texts_change_places(
    texts: tuple[reference.Text, reference.Text], times: int
) -> None:
    a, b = (reference.Text(list(of.trace) * times, list(of.weights) * times, of.title_words) for of in texts)
    assume(is_within_budget(a, b) and is_within_budget(b, a))
    (there, results), (back, returned) = verified(a, b, 1.5), verified(b, a, 1.5)
    if there["ratio"] < -1e-6:  # of two texts of the same weight either may be the shorter one
        assert back == there
    swapped = [returned[k] for k in (kernels.OTHER_IN_THIS, kernels.THIS_IN_OTHER, kernels.CONTAINS)]
    assert swapped == [results[k] for k in (kernels.THIS_IN_OTHER, kernels.OTHER_IN_THIS, kernels.CONTAINS)]


@pytest.mark.parametrize("words", [1500, 1700, 4000])
def test_verify_of_long_texts(words: int) -> None:
    one = [word_of(k * k % 5003) for k in range(words)]
    other = [*one[: words // 3], *[word_of(k + 9000) for k in range(words // 2)], *one[words // 2 :: 2]]
    texts = [reference.Text(trace, [20 + word % 100 for word in trace], 5) for trace in (one, other)]
    features, _ = verified(texts[0], texts[1], 0.0)
    assert features == pytest.approx(reference.verify(texts[0], texts[1], 0.0)[0], rel=1e-4, abs=1e-5)


@law
@given(traces, traces)
def test_verify_gives_finite_answers_however_much_a_text_repeats_itself(a: list[int], b: list[int]) -> None:
    one, other = (reference.Text(trace * 5, [60] * len(trace) * 5, len(trace) // 4) for trace in (a, b))
    features, results = verified(one, other, 0.0)
    assert np.isfinite(list(features.values())).all()
    assert np.isfinite(results).all()


def model_of(data: Model) -> reference.Model:
    bias, weights, hinged, knots, slopes, asked, thresholds, leaves = data.arrays()
    hinges = zip(hinged.tolist(), knots.tolist(), slopes.tolist(), strict=True)
    rows = asked.reshape(-1, 7).tolist(), thresholds.reshape(-1, 7).tolist(), leaves.reshape(-1, 8).tolist()
    return reference.Model(bias, weights.tolist(), list(hinges), list(zip(*rows, strict=True)))


def is_clear_of_thresholds(pairs: Iterable[tuple[reference.Text, reference.Text]]) -> bool:
    """Whether no feature of the pairs is so near a threshold of a tree that rounding decides on which side it is."""
    _, _, _, _, _, asked, thresholds, _ = shipped_model().arrays()
    for a, b in pairs:
        features, _ = reference.verify(a, b, 2.0)
        values = np.array([features[name] for name in FEATURES])[asked]
        if (np.abs(values - thresholds) < 4e-6).any():
            return False
    return True


@law
@given(pairs_of_texts(), st.booleans(), st.integers(1, 30))
def test_judge(texts: tuple[reference.Text, reference.Text], is_same: bool, min_words: int) -> None:
    a, b = texts
    b = a if is_same else b
    assume(is_within_budget(a, b) and is_clear_of_thresholds([(a, b)]))
    features, results = np.zeros(kernels.FEATURES, np.float32), np.zeros(kernels.RESULTS, np.float32)
    odds = kernels.judge(
        u32(a.trace), u8(a.weights), a.title_words, *indexed(a), u32(b.trace), u8(b.weights), b.title_words, 2.0,
        True, min_words, shipped_model().arrays(), features, results
    )  # fmt: skip
    twin = reference.judge(a, b, 2.0, True, min_words, model_of(shipped_model()), FEATURES)
    assert odds == pytest.approx(twin, abs=1e-3)
    assert (results[kernels.CONTAINS] > 0) == (twin == reference.HELD)
    goes_on = reference.follow_up_odds(features.tolist(), affairs.FOLLOW_UP_BIAS, affairs.FOLLOW_UP_WEIGHTS)
    is_short = min(len(text.trace) - text.title_words for text in (a, b)) < min_words
    assume(abs(goes_on) > 1e-3)
    assert bool(results[kernels.FOLLOW_UP]) == (odds < -0.9 and goes_on > 0 and odds != reference.HELD and not is_short)


@law
@given(st.lists(st.floats(-9, 9, width=32), min_size=kernels.FEATURES, max_size=kernels.FEATURES))
def test_follow_up_odds(features: list[float]) -> None:
    twin = reference.follow_up_odds(features, affairs.FOLLOW_UP_BIAS, affairs.FOLLOW_UP_WEIGHTS)
    assert kernels.follow_up_odds(np.array(features, np.float32)) == pytest.approx(twin, abs=1e-3)


@law
@given(st.none() | st.integers(-(10**14), 10**14), st.none() | st.integers(-(10**14), 10**14))
def test_days_between(date: int | None, other: int | None) -> None:
    known = [kernels.UNKNOWN if day is None else day for day in (date, other)]
    assert kernels.days_between(*known) == reference.days_between(date, other)


def store_of(
    texts: Sequence[reference.Text], capacity: int
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The arrays of a trace store that holds the texts in its first slots."""
    starts, sizes = np.zeros(capacity, dtype=np.int64), np.zeros(capacity, dtype=np.int64)
    starts[: len(texts)] = bounds_of([text.trace for text in texts])[:-1]
    sizes[: len(texts)] = [text.title_words << 32 | len(text.trace) for text in texts]
    return joined([text.trace for text in texts]), u8([w for text in texts for w in text.weights]), starts, sizes


def scratch() -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    return np.zeros(4096, dtype=np.int32), np.zeros(1024, dtype=np.int32)


@law
@given(st.lists(weighed_texts(), min_size=1, max_size=4), st.data())
def test_judge_pairs(texts: list[reference.Text], data: st.DataObject) -> None:
    places = st.integers(0, len(texts) - 1)
    pairs = sorted(data.draw(st.lists(st.tuples(places, places), max_size=6)))
    days = data.draw(st.lists(dates, min_size=len(texts), max_size=len(texts)))
    assume(all(is_within_budget(texts[x], texts[y]) for x, y in pairs))
    assume(is_clear_of_thresholds((texts[x], texts[y]) for x, y in pairs))
    moments = [None if day is None else day * 86_400_000 for day in days]
    outlets = data.draw(st.lists(st.integers(0, 2), min_size=len(texts), max_size=len(texts)))
    odds, results = np.zeros(len(pairs)), np.zeros((len(pairs), kernels.RESULTS), np.float32)
    kernels.judge_pairs(
        i64([x for x, _ in pairs]), i64([y for _, y in pairs]),
        i64([kernels.UNKNOWN if moment is None else moment for moment in moments]), np.array(outlets, np.uint64),
        store_of(texts, len(texts)), 5, shipped_model().arrays(), scratch(), odds, results
    )  # fmt: skip
    twin = reference.judge_pairs(texts, moments, outlets, pairs, 5, model_of(shipped_model()), FEATURES)
    assert odds.tolist() == pytest.approx(twin, abs=1e-3)


@law
@given(pairs_of_texts(), st.sampled_from([[], [-10.0, *[1.0] * 20], shipped_model().screen_array(0.0).tolist()]))
def test_glance_openings_and_may_match(texts: tuple[reference.Text, reference.Text], screen: list[float]) -> None:
    a, b = texts
    stems = np.full(kernels.STEM_BITS >> 6, 2**64 - 1, dtype=np.uint64)
    own = kernels.glance(u32(a.trace), u8(a.weights), stems, True)
    marks = set(np.flatnonzero(np.unpackbits(stems.view(np.uint8), bitorder="little")).tolist())
    assert marks == reference.stems_of(a.trace, a.weights)
    seen = kernels.glance(u32(b.trace), u8(b.weights), stems, False)
    twins = [reference.glance(text.trace, text.weights, marks) for text in (a, b)]
    assert [tuple(map(int, found)) for found in (own, seen)] == [tuple(twin) for twin in twins]
    lead = opening_shared(a, b)
    assert lead == pytest.approx(reference.opening_in(a, reference.mark_opening(b)))
    assert bool(kernels.may_match(own, seen, lead, np.array(screen))) == reference.may_match(
        twins[0], twins[1], lead, screen
    )


def opening_shared(a: reference.Text, b: reference.Text) -> float:
    stems = np.full(kernels.OPENING_BITS >> 6, 2**64 - 1, dtype=np.uint64)
    kernels.mark_opening(u32(b.trace), u8(b.weights), b.title_words, stems)
    return float(kernels.opening_in(u32(a.trace), u8(a.weights), a.title_words, stems))


@st.composite
def arrivals(draw: st.DrawFn) -> reference.Arrival:
    text = draw(weighed_texts())
    return reference.Arrival(text, draw(dates), draw(st.sampled_from([1, 2**63 + 5])))


@law
@given(
    st.lists(arrivals(), min_size=1, max_size=7), st.sampled_from([0, 1, 2]), st.integers(1, 4), st.integers(1, 7),
    st.lists(st.integers(0, 3), min_size=8, max_size=8)
)  # fmt: skip
def test_find_articles_and_verify_articles(
    coming: list[reference.Arrival], boilerplate: int, most: int, batch: int, repeats: list[int]
) -> None:
    screen = shipped_model().screen_array(0.0)
    assume(all(is_within_budget(x.text, y.text) for k, x in enumerate(coming) for y in coming[:k]))
    limits = reference.Limits(10, 5, 3, 200, most, boilerplate)
    counters = u8(repeats)
    twin = reference.find_articles(coming, limits, repeats, list(importance()), model_of(shipped_model()), FEATURES)
    assume(is_clear_of_thresholds((x.text, y.text) for k, x in enumerate(twin) for y in twin[:k]))
    verified = reference.verify_articles(
        twin,
        [a.published for a in coming],
        [a.source for a in coming],
        5,
        model_of(shipped_model()),
        FEATURES,
        screen.tolist(),
    )
    index, store, least_odds = small_index(10), store_of([arrival.text for arrival in coming], 11), -1.5
    outlets = np.array([*(a.source for a in coming), *[0] * 11][:11], dtype=np.uint64)
    for first in range(0, len(coming), batch):
        part = coming[first : first + batch]
        days = i64([kernels.UNKNOWN if a.published is None else a.published for a in part])
        counts, qualified = np.zeros(len(part), dtype=np.int64), np.zeros(len(part), dtype=np.int64)
        counted, found = np.zeros(len(part), dtype=np.bool_), np.zeros(len(part) * most, dtype=np.int64)
        judged = (
            np.zeros(len(part), dtype=np.int64),
            np.zeros(len(found)),
            np.zeros((len(found), kernels.RESULTS), np.float32),
        )
        kernels.find_articles(
            first, len(part), days, np.array([a.source for a in part], dtype=np.uint64), outlets, index.arrays, store,
            counters, importance(), shipped_model().arrays(), i64(limits), seeking(50), scratch(), counts, qualified,
            counted, found, *judged
        )  # fmt: skip
        flags, others = np.zeros(len(part), dtype=np.int64), np.zeros(len(found), dtype=np.int64)
        odds, results = np.zeros(len(others)), np.zeros((len(others) + 1, kernels.RESULTS), np.float32)
        total = kernels.verify_articles(
            first, len(part), days, index.all_dates, outlets, store, shipped_model().arrays(), screen, i64(limits),
            least_odds, scratch(), counts, qualified, found, *judged, flags, others, odds, results
        )  # fmt: skip
        ends = np.cumsum(flags >> 32).tolist()
        assert total == ends[-1]
        for k, end in enumerate(ends):
            _, candidates, enough, is_counted, copies = twin[first + k]
            assert bool(counted[k]) == is_counted
            assert found[k * most : k * most + counts[k]].tolist() == candidates
            assert qualified[k] == enough
            assert judged[0][k] == len(copies)
            compared = verified[first + k]
            assume(all(abs(value - least_odds) > 1e-3 for _, value in compared))
            expected = [(n, value) for n, value in compared if value >= least_odds or value == reference.HELD]
            every = range(end - (int(flags[k]) >> 32), end)
            rows = [row for row in every if odds[row] >= least_odds or not results[row][kernels.FOLLOW_UP]]
            assert {int(others[row]) for row in every} <= {number for number, value in compared if value > -9}
            assert [int(others[row]) for row in rows] == [number for number, _ in expected]
            assert [float(odds[row]) for row in rows] == pytest.approx([value for _, value in expected], abs=1e-3)
            is_cut = enough > len(candidates)
            assert int(flags[k]) & 0xFFFFFFFF == len(compared) << 1 | is_cut
    assert store[1].tolist() == [weight for sought in twin for weight in sought.text.weights]
    assert counters.tolist() == repeats


@law
@given(st.lists(placed_keys, max_size=12), st.integers(0, 12), st.integers(2, 12))
def test_restore_articles_and_chain_articles(articles: list[dict[int, int]], known: int, capacity: int) -> None:
    keys = [sketch_of(placed) for placed in articles]
    live = small_index(capacity)
    for number, own in enumerate(keys):
        live.add(number, own, number * 7)
    restored = small_index(capacity)
    for part in (range(min(known, len(keys))), range(known, len(keys))):
        if part:
            kernels.restore_articles(
                i64(part), np.concatenate([keys[k] for k in part]), i64([k * 7 for k in part]), restored.arrays
            )
    kernels.chain_articles(restored.arrays)
    assert restored.state.tolist() == live.state.tolist()
    assert restored.dates.tolist() == live.dates.tolist()
    assert (restored.postings & 0xFFFFFFFF).tolist() == (live.postings & 0xFFFFFFFF).tolist()
    chains = chains_of(restored)
    stay = {number: keys[number].tolist() for number in range(len(keys)) if number >= restored.oldest}
    assert chains == reference.chain_articles(stay, len(chains))
    made = reference.restore_articles(range(len(keys)), [own.tolist() for own in keys], 2, capacity, len(live.heads))
    assert len(chains) == made


@law
@given(
    st.lists(st.tuples(traces, st.sampled_from([0, 1, 2**63 + 5])), max_size=4),
    st.lists(st.sampled_from([0, 1, 2, 254, 255]), min_size=8, max_size=8),
    st.sampled_from([1, -1]),
)
def test_recount_passages(articles: list[tuple[list[int], int]], before: list[int], step: int) -> None:
    repeats = u8(before)
    store = store_of([reference.Text(trace, [1] * len(trace), 0) for trace, _ in articles], len(articles))
    sources = np.array([source for _, source in articles], dtype=np.uint64)
    kernels.recount_passages(np.arange(len(articles)), sources, store, repeats, step)
    assert repeats.tolist() == reference.recount_passages(articles, before, step)


def live_chains_of(index: LshIndex) -> reference.Chains:
    """What one finds on going along each chain of a ring up to what has expired or was overwritten."""
    chains: reference.Chains = []
    heads = index.heads[: index.state[kernels.CHAINS]].tolist()
    for k, head in enumerate(heads):
        chain: list[reference.Posting] = []
        at = head - 1
        while at >= 0:
            number = reference.number_at(at // kernels.KEYS, int(index.state[kernels.NEWEST]), index.capacity)
            found = reference.Posting(number, at % kernels.KEYS, int(index.postings[at] & 0xFFFFFFFF))
            is_older = not chain or found[:2] < chain[-1][:2]
            own = reference.chain_of(found.key, len(heads), reference.split_from(len(heads)))
            if number < index.oldest or not is_older or own != k or not found.key:
                break
            chain.append(found)
            at = int(index.postings[at] >> 32) - 1
        chains.append(chain)
    return chains


@law
@given(st.lists(placed_keys, min_size=1, max_size=14), st.integers(2, 12), st.lists(st.integers(0, 13), max_size=6))
def test_erase_keys(articles: list[dict[int, int]], capacity: int, erased: list[int]) -> None:
    index = small_index(capacity)
    for number, placed in enumerate(articles):
        index.add(number, sketch_of({position: key | 2 for position, key in placed.items()}), number)
        if number % 3 == 2:
            index.remove(number - 1)
    stay = {number: index.keys_of(number).tolist() for number in range(index.oldest, len(articles))}
    twin = reference.chain_articles(stay, int(index.state[kernels.CHAINS]))
    for number in erased:
        if number < len(articles):
            index.erase(number)
            twin = reference.erase_keys(number, twin)
            assert live_chains_of(index) == twin
            assert number < len(articles) - capacity or not index.keys_of(number).any()
    for _ in range(3):
        kernels.split_chain(index.postings, index.heads, index.state)
        twin = reference.split_chain(twin)
        assert live_chains_of(index) == twin


@law
@given(traces, st.sampled_from([1, 2**63 + 5]), st.lists(st.sampled_from([0, 254, 255]), min_size=8, max_size=8))
def test_full_passages(trace: list[int], source: int, repeats: list[int]) -> None:
    out = np.empty(len(trace), dtype=np.int64)
    count = kernels.full_passages(u32(trace), np.uint64(source), u8(repeats), out)
    assert out[:count].tolist() == reference.full_passages(trace, source, repeats)


# --- clusters, passages -----------------------------------------------------------------------------------------------


@law
@given(st.data(), st.integers(0, 9))
def test_cluster(data: st.DataObject, n: int) -> None:
    few = data.draw(st.booleans())  # of up to three articles every mean is exact, so that equal ones may be drawn
    n = min(n, 3) if few else n
    size = n * (n - 1) // 2
    values = st.integers(-3, 3).map(float) if few else st.floats(-4, 4, width=16)
    drawn = data.draw(st.lists(values, min_size=size, max_size=size, unique=not few))
    least = data.draw(st.sampled_from([-0.5, 0.0, 1.0]))
    odds = np.zeros((n, n))
    odds[np.tril_indices(n, -1)] = drawn
    odds += odds.T
    exact = [[Fraction(value) for value in row] for row in odds.tolist()]
    if not few:
        assume(no_near_ties(exact, Fraction(least)))
    assert kernels.cluster(odds, least).tolist() == reference.cluster(exact, Fraction(least))


def no_near_ties(odds: list[list[Fraction]], least: Fraction) -> bool:
    """Whether rounding cannot change what is joined: checked on the labels at thresholds a little beside `least`."""
    near = Fraction(1, 10**9)
    jittered = [
        [value + near * (i * len(odds) + j + j * len(odds) + i) for j, value in enumerate(row)]
        for i, row in enumerate(odds)
    ]
    plain = reference.cluster(odds, least)
    return plain == reference.cluster(odds, least - near) == reference.cluster(jittered, least)


@law
@given(traces, traces, st.integers(1, 6), st.integers(1, 30))
def test_shared_runs(a: list[int], b: list[int], least: int, most: int) -> None:
    starts_a, starts_b, lengths = (np.zeros(most, dtype=np.int64) for _ in range(3))
    count = kernels.shared_runs(u32(a), u32(b), least, starts_a, starts_b, lengths)
    found = list(zip(*(part[:count].tolist() for part in (starts_a, starts_b, lengths)), strict=True))
    assert found == reference.shared_runs(a, b, least, most)


def test_shared_runs_of_endless_repetition_are_found_in_part_and_in_bounded_time() -> None:
    a, b = u32([7] * 3000), u32([7] * 3000 + [8, 9] * 1000)
    starts_a, starts_b, lengths = (np.zeros(500, dtype=np.int64) for _ in range(3))
    count = kernels.shared_runs(a, b, 4, starts_a, starts_b, lengths)
    assert count > 0
    for i, j, length in zip(starts_a[:count], starts_b[:count], lengths[:count], strict=True):
        assert a[i : i + length].tolist() == b[j : j + length].tolist()
        assert length >= 4
