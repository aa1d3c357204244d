"""Evidence does not fade: what names and numbers say stays, however many articles of one topic an archive holds."""

import random
from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest

from wirecopy import Article, Detector
from wirecopy.detection.words.rarity import FADES, UNSEEN, UNSEEN_FADES, TermWeights, prior_rarity
from wirecopy.detection.words.text import trace

NAMES = [
    "Marrowdale",
    "Kestrelford",
    "Ostwick",
    "Tavernier",
    "Brunhild",
    "Quillon",
    "Hadley",
    "Serrano",
    "Petrakis",
    "Wolvercote",
    "Ashdown",
    "Grauheim",
    "Montalar",
    "Zephyrine",
    "Cantrell",
    "Delphine",
]
THINGS = [
    "reservoir",
    "spillway",
    "evacuation",
    "sandbags",
    "helicopters",
    "embankment",
    "engineers",
    "cracks",
    "downstream",
    "villages",
    "rainfall",
    "turbine",
    "generators",
    "shelter",
    "governor",
    "army",
]
COMMON = [
    "the",
    "said",
    "that",
    "on",
    "after",
    "in",
    "of",
    "a",
    "for",
    "was",
    "were",
    "it",
    "with",
    "by",
    "from",
    "at",
    "about",
    "people",
    "water",
    "local",
    "new",
    "day",
    "night",
]
NUMBERS = ["4,200", "17", "38", "1,150", "62"]
ORIGINAL = """\
Engineers at the Marrowdale reservoir opened both spillway gates on Tuesday night after cracks 38 metres long \
appeared in the embankment, and 4,200 people were told to leave the villages of Ostwick and Kestrelford \
downstream. Governor Delphine Serrano said army helicopters had carried 1,150 residents to a shelter in the \
sports hall of Wolvercote. "The wall is holding, but nobody should sleep below it tonight," she told reporters. \
Rainfall since Friday has raised the lake by 17 feet, according to the water board, and two turbine generators \
at Tavernier were shut down. Volunteers filled sandbags along the Brunhild canal, where a bridge was washed away \
on Monday. Professor Ioannis Petrakis, who inspected the wall last spring, said he had warned of seepage near \
the old outlet tunnel. Insurers put the damage at 62 million."""
PARTIAL = """\
Engineers found cracks 38 metres long in the embankment of the Marrowdale reservoir and opened the spillway \
gates on Tuesday night. Some 4,200 people were told to leave Ostwick and Kestrelford, two villages downstream, \
and army helicopters carried 1,150 residents to a shelter in the sports hall of Wolvercote, governor Delphine \
Serrano said. "Nobody should sleep below it tonight," she told reporters. Maud Fenwick, 71, left with two cats \
and a radio. "I have lived here since my wedding and never heard the sirens before," she said over a cup of tea. \
Her neighbours played cards by lamplight. Rainfall since Friday has raised the lake by 17 feet, the water board \
says. Ioannis Petrakis, a professor who inspected the wall last spring, said he had warned of seepage near the \
outlet tunnel. Volunteers filled sandbags along the Brunhild canal. A baker handed out rolls for nothing, and a \
choir sang."""


def of_the_topic(count: int) -> Iterator[Article]:
    """Articles that name the same places, people and things, each with words of its own."""
    draw = random.Random(1)
    for number in range(count):
        names, things, sentences = draw.sample(NAMES, 9), draw.sample(THINGS, 9), []
        for _ in range(12):
            own = ["".join(draw.choices("bcdfghklmnprstaeiou", k=7)) for _ in range(3)]
            told = [draw.choice(names), draw.choice(things), draw.choice([*names, *NUMBERS, str(draw.randrange(900))])]
            words = [*told, *own, *draw.choices(COMMON, k=11)]
            draw.shuffle(words)
            sentences.append(" ".join(words) + ".")
        yield Article(id=f"t{number}", text=" ".join(sentences))


@cache
def score_among(count: int) -> tuple[float, bool]:
    """The score of a partial rewrite and its original behind `count` articles of their topic; whether they are one."""
    detector = Detector()
    detector.ingest([*list(of_the_topic(count)), Article(id="original", text=ORIGINAL)])
    detector.ingest([Article(id="partial", text=PARTIAL)])
    original, partial = detector.article("original"), detector.article("partial")
    scores = {match.id: match.score for match in detector.matches("partial")}
    return scores.get("original", 0.0), original.story == partial.story


@pytest.mark.parametrize("count", [50, 200, 1000])
def test_a_partial_rewrite_is_found_among_any_number_of_articles_of_its_topic(count: int) -> None:
    alone, _ = score_among(0)
    score, is_one_story = score_among(count)
    assert is_one_story
    assert score > 0.9 * alone


def weighed(texts: list[str]) -> TermWeights:
    weights = TermWeights()
    weights.count(trace(texts))
    weights.begin_epoch()
    return weights


def rarity_in(weights: TermWeights, word: str) -> float:
    stem = int(trace([word]).words[0]) & (len(weights.rarity) - 1)
    return float(weights.rarity[stem]) / 16


@pytest.mark.parametrize("word", ["Zzqkvardy", "4827163"])
def test_a_name_or_number_that_all_articles_hold_is_still_rare(word: str) -> None:
    assert rarity_in(weighed([f"the water of {word}"] * 3000), word) == pytest.approx(UNSEEN - UNSEEN_FADES, abs=0.1)


def test_a_word_that_the_prior_knows_fades_by_so_many_nats_at_most() -> None:
    weights = weighed(["the reservoir of the people"] * 3000)
    before = float(prior_rarity()[int(trace(["reservoir"]).words[0]) & (len(weights.rarity) - 1)]) / 16
    assert rarity_in(weights, "reservoir") == pytest.approx(before - FADES, abs=0.2)


def test_a_language_that_the_prior_has_never_seen_is_learnt_with_its_function_words() -> None:
    draw = random.Random(2)
    own = ["".join(draw.choices("bdgklmnrtvz", k=8)) for _ in range(4000)]
    texts = [" ".join(["zzdq", "kkrv", *draw.choices(own, k=6)]) for _ in range(3000)]
    weights = weighed(texts)
    assert rarity_in(weights, "zzdq") < 2.0
    assert np.median([rarity_in(weights, word) for word in own[:100]]) > 5.0
