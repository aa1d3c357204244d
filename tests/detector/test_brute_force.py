"""One law over all operations: in any order, with restarts anywhere, they leave what brute force makes of them."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.brute_force import SETTINGS, BruteForce, Refused, Told, ToldPin, ToldStory, age
from tests.feed_reader import FeedReader
from tests.streams import MemoryStore, image, written
from wirecopy import errors
from wirecopy.config import Config, Service
from wirecopy.detection.index import contents
from wirecopy.detection.words import rarity
from wirecopy.detector import ingestion, state
from wirecopy.detector.detector import Detector
from wirecopy.detector.history import replay
from wirecopy.schema.answers import Verdict
from wirecopy.schema.article import Article

law: Callable[[Any], Any] = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
DAY = 86_400_000
BEGIN = 20_000 * DAY
BLOCK = 4
IDS = [f"a{k}" for k in range(10)]

one_article = st.builds(
    lambda name, wire, how, title, published, status, until: Article(
        name, written(wire, how), title, published=published, status=status, embargoed=until
    ),
    st.sampled_from(IDS),
    st.integers(0, 2),
    st.integers(0, 5),
    st.sampled_from([None, "Bridge closed"]),
    st.sampled_from([None, 0, 5 * DAY]),
    st.sampled_from(["usable", "usable", "usable", "withheld", "canceled"]),
    st.sampled_from([None, None, None, BEGIN + DAY, BEGIN + 6 * DAY]),
)
two = st.tuples(st.sampled_from(IDS), st.sampled_from(IDS))
some = st.lists(st.sampled_from(IDS), min_size=1, max_size=3)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.lists(one_article, min_size=1, max_size=6)),
        st.tuples(st.just("ingest"), st.lists(one_article, min_size=1, max_size=6)),
        st.tuples(st.just("check"), one_article),
        st.tuples(st.just("wait"), st.sampled_from([1, 3_600_000, DAY, 3 * DAY, 9 * DAY])),
        st.tuples(st.sampled_from(["expire", "prune", "reach", "restart"]), st.none()),
        st.tuples(st.just("erase"), st.sampled_from(IDS)),
        st.tuples(st.sampled_from(["merge", "apart", "unpin"]), two),
        st.tuples(st.sampled_from(["split", "together"]), some),
    ),
    min_size=1,
    max_size=16,
)


class Both:
    """A Detector and brute force, which are asked for the same."""

    def __init__(self, cap: int, index_days: float | None) -> None:
        service = Service(max_indexed_articles=cap, index_days=index_days, retention_days=5.0)
        self.config = Config(detection=SETTINGS, service=service)
        self.store, self.now = MemoryStore(), BEGIN
        self.live = self.opened()
        self.model = BruteForce(self.config, BLOCK)
        self.reader = FeedReader()

    def opened(self) -> Detector:
        return Detector(self.config, self.store)  # type: ignore[arg-type]

    def take(self, what: str, given_: Any) -> None:
        getattr(self, what)(given_)
        self.reader.apply(self.live.events(self.reader.seen))
        for name in self.reader.story_of.keys() - self.model.current.keys():
            assert what == "prune"  # those leave without an event
            del self.reader.story_of[name]
        self.compare()

    def ingest(self, articles: list[Article]) -> None:
        told = self.model.ingest(articles, self.now)
        verdicts = self.live.ingest(articles, self.now)
        assert [None if verdict.replayed else told_by(verdict) for verdict in verdicts] == told

    def check(self, article: Article) -> None:
        self.reach(None)
        verdict, before = self.live.check(article), image(self.live)
        assert (None if verdict.replayed else told_by(verdict)) == self.model.check(article)
        assert image(self.live) == before

    def wait(self, milliseconds: int) -> None:
        self.now += milliseconds

    def expire(self, _: None) -> None:
        self.model.expire(self.now)
        self.live.expire(self.now)

    def prune(self, _: None) -> None:
        before = len(self.model.kept)
        self.model.prune(self.now)
        assert self.live.prune(self.now) == before - len(self.model.kept)

    def reach(self, _: None) -> None:
        before = len(self.model.hidden())
        self.model.reach(self.now)
        assert self.live.reach(self.now) == before - len(self.model.hidden())

    def restart(self, _: None) -> None:
        self.live = self.opened()
        self.live.expire(self.now)
        self.model.expire(self.now)

    def erase(self, name: str) -> None:
        if name in self.model.current:
            self.model.erase(name, self.now)
            self.live.erase(name, self.now)
        else:
            with pytest.raises(errors.UnknownArticle):
                self.live.erase(name, self.now)

    def merge(self, names: tuple[str, str]) -> None:
        if set(names) <= self.model.current.keys():
            one, other = (self.model.article(name).story for name in names)
            self.both(lambda: self.model.merge(one, other, self.now), lambda: self.live.merge(one, other, self.now).id)

    def split(self, names: list[str]) -> None:
        if set(names) <= self.model.current.keys():
            story = self.model.article(names[0]).story
            self.both(
                lambda: self.model.split(story, names, self.now),
                lambda: self.live.split(story, names, self.now)[1].id,
            )

    def together(self, names: list[str]) -> None:
        self.pin(names, True)

    def apart(self, names: tuple[str, str]) -> None:
        self.pin(list(names), False)

    def pin(self, names: list[str], together: bool) -> None:
        if set(names) <= self.model.current.keys():
            self.both(
                lambda: self.model.pin(names, together, self.now),
                lambda: self.live.pin(names, together=together, now=self.now).id,
            )

    def unpin(self, choice: tuple[str, str]) -> None:
        pins = self.model.pins()
        if pins:
            pin_id = pins[IDS.index(choice[0]) % len(pins)].id
            self.both(lambda: self.model.unpin(pin_id, self.now), lambda: self.live.unpin(pin_id, self.now))

    def both(self, modelled: Callable[[], Any], done: Callable[[], Any]) -> None:
        """Both answer the same, or refuse for the same reason."""
        try:
            answer = modelled()
        except Refused as refused:
            with pytest.raises(getattr(errors, str(refused))):
                done()
        else:
            assert done() == answer

    def compare(self) -> None:
        live, model = self.live, self.model
        assert live._archive.number_of == model.current
        for name in model.current:
            assert told_of(live, name) == model.article(name), name
        listed, _ = live.stories(limit=500)
        stories = model.stories()
        assert [story.id for story in listed] == sorted(stories, key=age, reverse=True)
        for story in listed:
            assert story.recall == stories[story.id].recall
            members = tuple(member.id for member in story.members)
            assert ToldStory(story.canonical, members, story.recall) == stories[story.id]
        shown = {name: (story.canonical, frozenset(story.members)) for name, story in stories.items()}
        assert self.reader.stories() == shown
        pins = [ToldPin(p.id, p.together, frozenset(p.articles), frozenset(p.others)) for p in live.pins()]
        assert [normal(pin) for pin in pins] == [normal(pin) for pin in model.pins()]
        redirects = live._feed.redirects
        assert {gone: redirects.follow(gone) for gone in redirects._heirs} == {
            gone: model.follow(gone) for gone in model.redirects
        }
        again = self.opened()
        again.expire(self.now)
        live.expire(self.now)
        model.expire(self.now)
        restarted = image(again)
        assert {key: (value, restarted[key]) for key, value in image(live).items() if value != restarted[key]} == {}


def normal(pin: ToldPin) -> ToldPin:
    """Of what is together it does not matter on which side."""
    return pin._replace(left=pin.left | pin.right, right=frozenset()) if pin.together else pin


def told_by(verdict: Verdict) -> Told:
    matches = frozenset((match.id, match.relation) for match in verdict.matches)
    return Told(verdict.story, verdict.canonical, verdict.match, verdict.relation, verdict.revision, matches)


def told_of(live: Detector, name: str) -> Told:
    one = live.article(name)
    matches = frozenset((match.id, match.relation) for match in live.matches(name))
    return Told(one.story, one.canonical, one.match, one.relation, one.revision, matches)


@pytest.fixture(autouse=True)
def small_blocks_and_one_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ingestion, replay, state, contents):
        monkeypatch.setattr(module, "BLOCK", BLOCK)
    monkeypatch.setattr(contents, "REPEATS", 1 << 12)
    monkeypatch.setattr(rarity, "next_epoch_start", lambda counted: 1 << 40)


@law
@given(steps, st.sampled_from([12, 1000]), st.sampled_from([2.0, None]))
def test_any_operations_leave_what_brute_force_leaves(
    taken: list[tuple[str, Any]], cap: int, index_days: float | None
) -> None:
    both = Both(cap, index_days)
    for what, given_ in taken:
        both.take(what, given_)
