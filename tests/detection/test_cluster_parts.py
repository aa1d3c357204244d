"""What a cluster computes key by key and slice by slice is what a window finds article by article."""

import numpy as np
import pytest

from tests.streams import stream
from wirecopy import config
from wirecopy.config import Config
from wirecopy.detection.evidence.model import Link
from wirecopy.detection.grouping.stories import Grouping
from wirecopy.detection.index.bench import Bench
from wirecopy.detection.index.contents import ALWAYS, dates
from wirecopy.detection.kernels.index import MINUTE
from wirecopy.detection.kernels.layout import KEYS
from wirecopy.detection.kernels.postings import join_ends, keys_of, minutes_of
from wirecopy.detection.words.rarity import importance
from wirecopy.detector.memory import model_file
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.state import State
from wirecopy.detector.tracing import trace

pa = pytest.importorskip("pyarrow")
candidates = pytest.importorskip(
    "wirecopy.spark.candidates", reason="Spark is not installed: pip install 'wirecopy[spark]'"
)


@pytest.mark.parametrize("window_days", [14.0, None])
def test_candidates_and_matches_of_a_cluster_are_those_of_a_window(window_days: float | None) -> None:
    settings = config.override(Config(), "detection", boilerplate_stories=0, window_days=window_days)
    detection, articles = settings.detection, stream(400)
    state = State(settings, Archive(None), looks_ahead=True, forgets=False)
    state.stories = Grouping()  # which refutes no match: a cluster does so when it groups
    traces = trace(articles, detection.max_words)
    state.load(articles, traces)
    state.window.terms.begin_epoch()
    terms = state.window.terms
    expected = {decided.number: decided.found.matches for decided in state.decide(len(articles))}

    count, texts = len(articles), traces.texts
    weights = np.empty(len(texts.words), dtype=np.uint8)
    terms.weigh(texts, weights)
    keys, key_weights = np.zeros((count, KEYS), np.uint32), np.zeros((count, KEYS), np.uint8)
    titles = np.ascontiguousarray(traces.title_words)
    keys_of(texts.words, weights, texts.bounds, titles, detection.min_words, importance(), keys, key_weights)
    published = dates([article.published for article in articles])
    minutes = np.empty(count, dtype=np.int64)
    minutes_of(published, minutes)
    used = keys.ravel() != 0
    posted = pa.table(
        {
            "key": keys.ravel()[used].astype(np.int64),
            "number": np.repeat(np.arange(count), KEYS)[used],
            "minute": np.repeat(minutes, KEYS)[used],
            "rarity": key_weights.ravel()[used].astype(np.int32),
            "range": np.zeros(int(used.sum()), dtype=np.int64),
            "context": np.zeros(int(used.sum()), dtype=np.bool_),
        }
    ).sort_by([("key", "ascending"), ("number", "ascending")])
    reach = (ALWAYS if window_days is None else int(window_days * 86_400_000)) // MINUTE
    found = pa.Table.from_batches(list(candidates._look(posted, reach, detection.max_key_articles)))
    chosen = candidates._choose(found, round(detection.min_shared_rarity * 16), detection.max_candidates)
    wanted = dict(zip(chosen["number"].to_pylist(), chosen["candidates"].to_pylist(), strict=True))

    sources = [article.source for article in articles]
    bench = Bench(
        texts, titles, published, sources, terms, model_file.load(None), min_words=detection.min_words,
        min_odds=detection.min_odds,
    )  # fmt: skip
    own = [np.frombuffer(wanted.get(number, b""), dtype=np.int64) for number in range(count)]
    matched = bench.verify(count, own, detection.max_candidates)
    links: dict[int, list[tuple[int, Link]]] = {number: [] for number in range(count)}
    for later, earlier, odds, relation in zip(*matched[:3], matched.relations, strict=True):
        links[int(later)].append((int(earlier), Link(float(odds), relation)))
    for each in links.values():
        each.sort(key=lambda match: (-match[1].odds, match[0]))
    assert sum(map(len, links.values())) > 100
    assert links == expected
    pairs = [(number, other) for number in range(300, 400) for other in range(250, 300)]
    assert list(bench.judge(pairs)) == list(state.window.judge(pairs))


def test_joined_ends_are_connected_components() -> None:
    chance = np.random.default_rng(1)
    left, right = (chance.integers(0, 3000, 2000) for _ in range(2))
    root = np.empty(3000, dtype=np.int64)
    join_ends(left, right, root)
    expected = np.arange(3000)
    for _ in range(3000):  # the smallest number spreads along every pair until nothing changes
        before = expected.copy()
        least = np.minimum(expected[left], expected[right])
        np.minimum.at(expected, left, least)
        np.minimum.at(expected, right, least)
        if (before == expected).all():
            break
    assert root.tolist() == expected.tolist()
