"""The ring of traces holds what was put there, however often it went round, and nothing that was forgotten."""

from itertools import chain

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wirecopy.detection.index.traces import TraceStore
from wirecopy.detection.words.text import Traces

CAPACITY, RING = 8, 96

lengths = st.lists(st.integers(0, 12), min_size=1, max_size=3)


@given(st.lists(st.tuples(lengths, st.integers(0, 6)), max_size=60))
def test_the_newest_are_there_and_nothing_else(steps: list[tuple[list[int], int]]) -> None:
    store, held, number = TraceStore(CAPACITY, RING), dict[int, list[int]](), 0
    for together, gone in steps:
        leaving = min(len(held), max(gone, len(held) + len(together) - CAPACITY))
        while sum(map(len, list(held.values())[leaving:])) + sum(together) > RING // 2:
            leaving += 1
        leaving = min(leaving, len(held))
        store.forget(number - len(held), number - len(held) + leaving)
        held = dict(list(held.items())[leaving:])
        words = [[1 + (number + k) * 100 + w for w in range(size)] for k, size in enumerate(together)]
        bounds = np.cumsum([0, *together])
        traces = Traces(np.array(list(chain(*words)), dtype=np.uint32), bounds)
        store.append(number, traces, np.zeros(len(together), dtype=np.int64))
        store.part(number, len(together))[1][:] = 7
        held |= {number + k: trace for k, trace in enumerate(words)}
        number += len(together)
        assert store.live_words == sum(map(len, held.values()))
        for m, trace in held.items():
            found, weights = store.at(np.array([m % CAPACITY]))
            assert found.words.tolist() == trace
            assert weights.tolist() == [7] * len(trace)
        assert sorted(store.arrays[0][store.arrays[0] > 0].tolist()) == sorted(chain(*held.values()))
