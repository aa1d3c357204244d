"""`wirecopy.sketch`: texts of any kind and size, whatever they are given together with."""

import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.writings import any_texts
from wirecopy import sketch
from wirecopy.detection.kernels import keys as compiled_keys
from wirecopy.detection.kernels.keys import draft_for
from wirecopy.detection.words import rarity, text
from wirecopy.detection.words import sketch as keying

AGENCY = (
    "The harbour bridge in Port Ellery was closed to all traffic on Monday after inspectors found cracks in two of its "
    "steel girders, the transport ministry said, and ferries will carry commuters across the estuary until June."
)


def are_equal(one: keying.TextSketches, other: keying.TextSketches) -> bool:
    pairs = ((one.words, other.words), (one.weights, other.weights), (one.bounds, other.bounds), (one.keys, other.keys))
    return all(np.array_equal(a, b) for a, b in pairs)


@settings(max_examples=100, deadline=None)
@given(st.lists(any_texts | st.text(max_size=30), max_size=6))
def test_each_text_has_what_the_parts_of_the_flow_make_of_it_alone(several: list[str]) -> None:
    found = sketch(several)
    assert (str(found.words.dtype), str(found.weights.dtype)) == ("uint32", "uint8")
    assert found.keys.shape == (len(several), 64)
    weights_of = rarity.TermWeights()
    for k, one in enumerate(several):
        traces = text.trace([one])
        own = slice(found.bounds[k], found.bounds[k + 1])
        assert found.words[own].tolist() == traces.words.tolist()
        weights = np.empty(len(traces.words), np.uint8)
        weights_of.weigh(traces, weights)
        assert found.weights[own].tolist() == weights.tolist()
        keys, rarities = np.zeros(64, np.uint32), np.zeros(64, np.uint8)
        draft = draft_for(len(weights))
        compiled_keys.sketch(traces.words, weights, 0, 8, rarity.importance(), draft, keys, rarities)
        assert found.keys[k].tolist() == keys.tolist()


def test_empty_one_word_and_huge_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = " ".join(f"word{k * 7919 % 100_003}" for k in range(1_200_000))
    assert len(huge) > 10_000_000
    texts = ["", "word", huge, "\ud800 \U0001f600", AGENCY, "中" * 3_500_000, "&amp;" * 100, AGENCY]
    found = sketch(texts)
    sizes = np.diff(found.bounds).tolist()
    assert sizes == [0, 1, 4096, 0, sizes[4], 4096, 0, sizes[4]]
    assert [int(np.count_nonzero(row)) for row in found.keys[:2]] == [0, 1]
    assert found.keys[4].tolist() == found.keys[7].tolist()
    assert (found.keys[2] != 0).all()
    monkeypatch.setattr(keying, "_CHUNK_CHARACTERS", 1)  # cut otherwise, nothing changes
    assert are_equal(found, sketch(texts))


def test_no_texts() -> None:
    found = sketch([])
    assert [array.shape for array in found] == [(0,), (0,), (1,), (0, 64)]


def test_several_threads_get_what_one_gets() -> None:
    texts = [f"{AGENCY} Report number {k} of the {k % 5} series." for k in range(300)]
    expected = sketch(texts)
    found: list[keying.TextSketches] = []
    threads = [threading.Thread(target=lambda: found.append(sketch(texts))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(are_equal(expected, other) for other in found)
