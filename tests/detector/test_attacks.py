"""Stories cannot be glued together by texts made of both, and an original cannot be pushed out by excerpts of it."""

import random
from collections.abc import Callable, Sequence

import pytest

from tests.streams import MemoryStore, image, word
from wirecopy.config import Config
from wirecopy.detector.detector import Detector
from wirecopy.detector.memory.archive import Archive
from wirecopy.detector.state import Decided, State
from wirecopy.detector.tracing import trace
from wirecopy.schema.article import Article

PAIRS = 16
GENERAL = [word(random.Random(-1 - k)) for k in range(6000)]
COMMON = ["the", "of", "a", "in", "and", "to", "said", "on", "for", "that", "was", "with", "by", "at", "from", "it"]
Sentences = list[str]


def report(k: int) -> Sentences:
    """The sentences of the k-th report: names of its own, words that others use too, and common ones."""
    chance = random.Random(k)
    names = [word(chance) for _ in range(40)]

    def one() -> str:
        kinds = chance.choices([COMMON, GENERAL, names], [9, 6, 4], k=chance.randint(10, 20))
        return " ".join(chance.choice(kind) for kind in kinds).capitalize() + "."

    return [one() for _ in range(chance.randint(18, 30))]


def mixed(k: int, parts: Sequence[Sentences], share: float) -> str:
    """A share of the sentences of each report, shuffled."""
    chance = random.Random(k)
    chosen = [sentence for part in parts for sentence in chance.sample(part, max(1, round(len(part) * share)))]
    chance.shuffle(chosen)
    return " ".join(chosen)


ORDERS: dict[str, Callable[[Article, Article, list[Article]], list[Article]]] = {
    "the stories before the bridges": lambda a, b, bridges: [a, b, *bridges],
    "the bridges before the stories": lambda a, b, bridges: [*bridges, a, b],
    "the bridges between the stories": lambda a, b, bridges: [a, *bridges, b],
}


@pytest.mark.parametrize("share", [0.5, 0.7])
@pytest.mark.parametrize("bridges", [3, 20])
@pytest.mark.parametrize("order", ORDERS)
def test_no_two_stories_are_glued_by_texts_made_of_sentences_of_both(order: str, bridges: int, share: float) -> None:
    glued = []
    for pair in range(PAIRS if share < 1 and order.startswith("the stories") else 4):
        one, other = report(2 * pair), report(2 * pair + 1)
        between = [
            Article(f"bridge {k}", mixed(100 * pair + k, [one, other], share), source=f"s{k}") for k in range(bridges)
        ]
        live = Detector()
        first, last = Article("one", " ".join(one), source="x"), Article("other", " ".join(other), source="y")
        live.ingest(ORDERS[order](first, last, between))
        if live.article("one").story == live.article("other").story:
            glued.append(pair)
    assert not glued


def test_a_text_made_of_two_stories_contains_both_and_founds_a_story_of_its_own() -> None:
    one, other = report(0), report(1)
    live = Detector()
    live.ingest([Article("one", " ".join(one)), Article("other", " ".join(other))])
    made = live.ingest([Article("made", mixed(5, [one, other], 0.6))])[0]
    assert {match.id: match.relation for match in made.matches} == {"one": "contains", "other": "contains"}
    assert (made.story, made.relation, made.match) == ("s2", None, None)


def test_rewrites_of_two_stories_stay_with_them_whatever_was_made_of_both() -> None:
    one, other = report(0), report(1)
    live = Detector()
    live.ingest([Article("one", " ".join(one)), Article("other", " ".join(other))])
    live.ingest([Article(f"made {k}", mixed(k, [one, other], 0.5)) for k in range(8)])
    rewritten = live.ingest([Article("one again", " ".join(one[:-4])), Article("other again", " ".join(other[3:]))])
    assert [verdict.story for verdict in rewritten] == ["s0", "s1"]


def test_what_was_refuted_stays_so_after_a_restart() -> None:
    store = MemoryStore()
    live = Detector(store=store)  # type: ignore[arg-type]
    one, other = report(0), report(1)
    live.ingest([Article(f"made {k}", mixed(k, [one, other], 0.5)) for k in range(4)])
    live.ingest([Article("one", " ".join(one)), Article("other", " ".join(other))])
    assert image(Detector(store=store)) == image(live)  # type: ignore[arg-type]


@pytest.mark.parametrize(("excerpts", "originals"), [(150, 4), (1000, 2)])
def test_a_verbatim_copy_finds_its_original_behind_excerpts_of_it(excerpts: int, originals: int) -> None:
    for number in range(originals):
        sentences, chance = report(number), random.Random(number)
        state = State(Config(), Archive(None), epochs=False)  # words stay as rare as in a stream of any length
        decide(state, [Article("original", " ".join(sentences), source="wire")])
        junk = []
        for k in range(excerpts):
            first = chance.randrange(len(sentences))
            eighth = (sentences * 2)[first : first + len(sentences) // 8]
            junk.append(Article(f"junk {k}", " ".join([*eighth, *report(1000 + k % 200)[:12]]), source=f"s{k}"))
        decide(state, junk)
        [copy] = decide(state, [Article("copy", " ".join(sentences), source="y")])
        assert 0 in [other for other, _ in copy.found.matches], number
        assert state.stories.story_of[copy.number] == state.stories.story_of[0]


def decide(state: State, given: list[Article]) -> list[Decided]:
    state.load(given, trace(given, 3000))
    return list(state.decide(len(given)))
