"""The methods that wirecopy is measured against: set up well, and scored like it."""

from pathlib import Path

import numpy as np
import pytest

from bench.articles import Article
from bench.peers import DATASKETCH, TFIDF, Links, find_links, group, shingles
from bench.words import words

UNKNOWN = float("nan")
COPY = "The harbour of Port Selwyn was closed on Tuesday after a crane fell into the water, the port authority said."
OTHER = "Voters in the canton rejected the plan for a second tunnel by a narrow margin, final results showed on Sunday."


def test_words_are_lower_case_runs_of_letters_marks_and_digits() -> None:
    assert words("Don't PANIC: 1,376 राजनीति") == ["don", "t", "panic", "1", "376", "राजनीति"]


def test_scripts_without_spaces_give_overlapping_pairs_of_characters() -> None:
    assert words("报道称abc ภาษา 港") == ["报道", "道称", "abc", "ภา", "าษ", "ษา", "港"]


def test_shingles_are_three_words_wide_and_a_shorter_text_is_one_shingle() -> None:
    assert shingles("a b c d") == {b"a b c", b"b c d"}
    assert shingles("a b") == {b"a b"}


def links(*pairs: tuple[int, int, float, int]) -> Links:
    left, right, similarity, proposed = zip(*pairs, strict=True)
    return Links(
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array(similarity, np.float32),
        np.array(proposed, np.uint32),
    )


def test_components_join_pairs_that_reach_the_threshold() -> None:
    found = links((1, 0, 0.5, 63), (2, 1, 0.3, 63), (3, 2, 0.1, 63))
    days = np.full(4, UNKNOWN)
    assert len(set(group(DATASKETCH, found, days, 0.5))) == 3
    assert len(set(group(DATASKETCH, found, days, 0.3))) == 2
    assert len(set(group(DATASKETCH, found, days, 0.1))) == 1


def test_a_pair_that_the_peer_does_not_propose_at_a_threshold_is_not_joined_there() -> None:
    at_half = 1 << DATASKETCH.thresholds.index(0.5)
    found = links((1, 0, 0.9, at_half))
    assert len(set(group(DATASKETCH, found, np.zeros(2), 0.5))) == 1
    assert len(set(group(DATASKETCH, found, np.zeros(2), 0.3))) == 2


def test_dates_further_apart_than_the_window_keep_a_pair_apart_and_unknown_dates_do_not() -> None:
    found = links((1, 0, 0.9, 63), (2, 0, 0.9, 63))
    components = group(DATASKETCH, found, np.array([0.0, 14.5, UNKNOWN]), 0.5)
    assert components[0] == components[2] != components[1]


@pytest.mark.parametrize("peer", [DATASKETCH, TFIDF], ids=lambda peer: peer.name)
def test_a_peer_finds_a_copy_and_leaves_another_story_alone_and_its_links_are_kept(
    tmp_path: Path, peer: object
) -> None:
    if peer is TFIDF:
        pytest.importorskip("sklearn", reason="the peer's library is in the bench group")
    chosen = TFIDF if peer is TFIDF else DATASKETCH
    articles = [Article("a", COPY), Article("b", OTHER), Article("c", COPY + " No one was hurt.")]
    for _ in range(2):
        found = find_links(chosen, articles, tmp_path)
        assert {(2, 0)} == set(zip(found.left.tolist(), found.right.tolist(), strict=True))
        assert found.similarity[0] > 0.6
    assert len(list(tmp_path.glob("*.npz"))) == 1
