"""Who stands for a story, by each policy: held to a definition by brute force, through the feed and restarts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Stored
from tests.detector.test_events import read_all, stories_of
from tests.edits import edit, edits
from tests.exact_detector import Service
from tests.feed_reader import FeedReader
from tests.streams import MemoryStore, articles, written
from wirecopy import Article, AsyncClient, Client, Detector
from wirecopy.cli import commands
from wirecopy.cli.commands import main
from wirecopy.config import Config, Keep, Stories
from wirecopy.detection.index import contents
from wirecopy.detector import ingestion, recording, state
from wirecopy.detector.detector import SCHEME
from wirecopy.detector.history import replay
from wirecopy.detector.memory.archive import Kept
from wirecopy.detector.memory.canonical import Policy, rule_of
from wirecopy.detector.memory.records import RecordKind
from wirecopy.schema.answers import Member, Milliseconds
from wirecopy.storage import Store

law: Callable[[Any], Any] = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
POLICIES: tuple[Keep, ...] = get_args(Keep)
PREFERRED, AGENCIES = ["south", "east"], ["North", "EAST"]
DAY = 86_400_000
NOW = 20_000 * DAY


def having(keep: Any) -> Config:
    return Config(stories=Stories(keep=keep, preferred_sources=PREFERRED, agencies=AGENCIES))


def opened(store: MemoryStore, keep: Keep = "first_published") -> Detector:
    return Detector(having(keep), store)  # type: ignore[arg-type]


def expected(live: Detector, keep: Keep, members: tuple[Member[Milliseconds], ...]) -> str:
    """The definition: of the members that were not canceled, if there are any, the first by the policy's own order."""
    left = [m for m in members if m.status != "canceled"] or list(members)
    came = {m.id: live._archive.kept[live._archive.number_of[m.id]].came for m in members}
    words = {m.id: live._archive.kept[live._archive.number_of[m.id]].words for m in members}
    preferred = {"preferred_sources": [[name] for name in PREFERRED], "agency_first": [["north", "east"]]}.get(keep, [])
    for names in preferred:
        if of_them := [m for m in left if m.source in names]:
            left = of_them
            break
    if keep == "first_seen":
        return min(left, key=lambda m: came[m.id]).id
    if keep == "longest":
        most = max(words[m.id] for m in left)
        left = [m for m in left if words[m.id] == most]
    dated = [m for m in left if m.published is not None]
    if dated:
        earliest = min(m.published for m in dated if m.published is not None)
        left = [m for m in dated if m.published == earliest]
    return min(left, key=lambda m: came[m.id]).id


steps = st.lists(
    st.one_of(
        st.lists(articles(wires=3, statuses=True), min_size=1, max_size=6),
        edits(),
        st.sampled_from([f"a{k}" for k in range(12)]),
        st.sampled_from([3_600_000, DAY, 4 * DAY]),
    ),
    min_size=1,
    max_size=12,
)


def take(live: Detector, step: Any, now: int) -> int:
    """One step of a law; -> the moment after it."""
    if isinstance(step, int):
        live.reach(now + step)
        return now + step
    if isinstance(step, list):
        live.ingest(step, now)
    elif isinstance(step, tuple):
        edit(live, step, now)
    elif step in live._archive.number_of:
        live.erase(step, now)
    return now


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (ingestion, replay, state, contents):
        monkeypatch.setattr(module, "BLOCK", 4)
    monkeypatch.setattr(recording, "_MAX_TOLD", 3)


@law
@given(steps)
def test_who_stands_is_who_the_definition_says_for_every_policy(taken: list[Any]) -> None:
    store, now = MemoryStore(), NOW
    live = opened(store)
    for step in taken:
        now = take(live, step, now)
        for keep in POLICIES:
            for story in live.stories(limit=500, keep=keep)[0]:
                assert story.canonical == expected(live, keep, story.members)
                assert [m.id for m in story.members if m.canonical] == [story.canonical]
                assert live.story(story.id, keep=keep) == story
                assert [tie.id for tie in live.why(story.id, keep=keep).members if tie.canonical] == [story.canonical]
                for member in story.members:
                    assert live.article(member.id, keep=keep).canonical == member.canonical


@law
@given(st.lists(st.tuples(st.sampled_from([None, None, *POLICIES]), steps), min_size=1, max_size=4))
def test_the_feed_follows_the_policy_that_is_set_through_restarts_with_others(parts: list[Any]) -> None:
    store, reader, now, keep = MemoryStore(), FeedReader(), NOW, POLICIES[0]
    for chosen, taken in parts:
        keep = chosen or keep
        live = opened(store, keep)
        for step in taken:
            now = take(live, step, now)
            live.reach(now)
            reader.apply(live.events(reader.seen))
            assert reader.stories() == stories_of(live)
            for story in live.stories(limit=500)[0]:
                assert story.canonical == expected(live, keep, story.members)
    afresh = FeedReader()
    afresh.apply(read_all(opened(store, keep), 2))
    assert afresh.stories() == reader.stories()


@law
@given(steps, st.sampled_from(POLICIES))
def test_the_policy_decides_nothing_but_who_stands(taken: list[Any], keep: Keep) -> None:
    ones = opened(MemoryStore()), opened(MemoryStore(), keep)
    now = NOW
    for step in taken:
        for live in ones:
            after = take(live, step, now)
        now = after
        plain, other = ({name: ids for name, (_, ids) in stories_of(live).items()} for live in ones)
        assert plain == other


LATE: dict[Keep, tuple[Article, Article]] = {
    "first_published": (Article("copy", written(1, 0), published=5), Article("late", written(1, 0), published=2)),
    "longest": (Article("copy", written(1, 1), published=1), Article("late", written(1, 0), published=2)),
    "preferred_sources": (
        Article("copy", written(1, 0), source="east", published=1),
        Article("late", written(1, 0), source="south", published=2),
    ),
    "agency_first": (
        Article("copy", written(1, 0), source="south", published=1),
        Article("late", written(1, 0), source="north", published=2),
    ),
}


@pytest.mark.parametrize("keep", LATE)
def test_a_late_original_takes_over_and_the_feed_says_so(keep: Keep) -> None:
    store = MemoryStore()
    live = opened(store, keep)
    copy, late = LATE[keep]
    assert [live.ingest([one], k)[0].canonical for k, one in enumerate((copy, late))] == [True, True]
    told = [(e.type, e.article, e.previous) for e in live.events()]
    assert told == [("created", "copy", None), ("joined", "late", None), ("canonical_changed", "late", "copy")]
    assert live.story("s0").canonical == "late"
    live.ingest([Article("late", late.text, source=late.source, published=late.published, status="canceled")], 3)
    changed = [(e.article, e.previous) for e in opened(store, keep).events(3) if e.type == "canonical_changed"]
    assert changed == [(copy.id, late.id)]
    assert opened(store, keep).story("s0").canonical == copy.id


def test_what_came_first_stays_by_the_first_seen_whatever_is_claimed() -> None:
    live = opened(MemoryStore(), "first_seen")
    live.ingest([Article("came first", written(1, 0), published=9 * DAY)], NOW)
    live.ingest([Article("claims more", written(1, 0), published=0)], NOW + 1)
    live.ingest([Article("came first", written(1, 0), title="Corrected", published=10 * DAY)], NOW + 2)
    story = live.story("s0")
    assert story.canonical == "came first"
    assert {m.id: (m.published, m.first_seen) for m in story.members} == {
        "came first": (10 * DAY, NOW),
        "claims more": (0, NOW + 1),
    }, "what is claimed and our clock stay apart"
    assert live.story("s0", keep="first_published").canonical == "claims more"


def test_a_restart_with_another_policy_tells_for_which_stories_it_matters() -> None:
    store = MemoryStore()
    live = opened(store)
    for k in (1, 2, 3, 4):
        agency = Article(f"agency-{k}", written(k, 0), source="north", published=0 if k == 3 else 5)
        live.ingest([agency, Article(f"daily-{k}", written(k, 0), published=1)])
    told = live.events()
    assert opened(store).events() == told
    assert not any(record is not None and record.kind == RecordKind.RULE for record in store.records)
    live = opened(store, "agency_first")
    assert live.events() == told, "nothing is told without a moment"
    assert live.reach(NOW) == 0
    assert [(e.type, e.at, e.story, e.article, e.previous) for e in live.events(len(told))] == [
        ("canonical_changed", NOW, f"s{2 * k - 2}", f"agency-{k}", f"daily-{k}") for k in (1, 2, 4)
    ]
    again = opened(store, "agency_first")
    again.reach(NOW + 1)
    assert len(again.events()) == len(told) + 3, "once"
    back = opened(store)
    back.ingest([Article("new", written(9, 0))], NOW + 2)
    assert [(e.type, e.article) for e in back.events(len(told) + 3)] == [
        *(("canonical_changed", f"daily-{k}") for k in (1, 2, 4)), ("created", "new")
    ]  # fmt: skip


def test_a_policy_that_could_not_be_stored_is_told_after_the_next_start() -> None:
    store = MemoryStore()
    opened(store).ingest(list(LATE["agency_first"]))
    before = opened(store).events()
    store.broken = OSError("full")
    with pytest.raises(OSError, match="full"):
        opened(store, "agency_first").reach(NOW)
    store.broken = None
    assert opened(store).events() == before
    live = opened(store, "agency_first")
    live.reach(NOW)
    assert [event.article for event in live.events(len(before))] == ["late"]


def test_another_list_is_another_policy() -> None:
    store = MemoryStore()
    opened(store, "preferred_sources").ingest(list(LATE["preferred_sources"]))
    lists = Stories(keep="preferred_sources", preferred_sources=["East", "south"])
    live = Detector(Config(stories=lists), store)  # type: ignore[arg-type]
    live.reach(NOW)
    assert [(event.article, event.previous) for event in live.events(3)] == [("copy", "late")]


def test_commands_that_look_after_articles_tell_the_feed_nothing(tmp_path: Path) -> None:
    with Store.open(tmp_path, scheme=SCHEME) as store:
        live = Detector(having("longest"), store)
        live.ingest(list(LATE["longest"]), 1)
        told = live.events()
    assert main(["boilerplate", "--data", str(tmp_path)]) == 0
    with Store.open(tmp_path, scheme=SCHEME) as store:
        assert Detector(having("longest"), store).events() == told


def test_the_older_name_of_the_first_policy_is_the_same() -> None:
    assert rule_of(Stories(keep="first")) == rule_of(Stories(keep="first_published")) == rule_of(Stories())
    assert commands._POLICIES == POLICIES


# --- sources ----------------------------------------------------------------------------------------------------------


def stands_among(listed: list[str], source: str | None) -> bool:
    """Whether an article of the source goes before an earlier one of nobody."""
    policy = Policy(rule_of(Stories(preferred_sources=listed), "preferred_sources"))
    return policy.rank(Kept("a", 9, source, 1, 1)) < policy.rank(Kept("b", 1, None, 1, 0))


@pytest.mark.parametrize(
    ("listed", "source"),
    [
        ("Reuters", "REUTERS"),
        ("reuters", " Reuters\u200b "),
        ("Agence  France-Presse", "agence france-presse"),
        ("reuters.com", "www.reuters.com"),
        ("www.reuters.com", "reuters.com"),
        ("reuters.com", "uk.reuters.com"),
        ("ČTK", "C\u030ctk"),
        ("AFP", "ＡＦＰ"),
        ("Anadolu Ajansı", "ANADOLU AJANSI"),
        ("İHA", "iha"),
        ("新华社", "新华社"),
        ("ΑΠΕ-ΜΠΕ", "απε-μπε"),
        ("пример.рф", "Новости.ПРИМЕР.РФ"),
        ("Presseagentur Weiß", "PRESSEAGENTUR WEISS"),
        ("ایرنا", "\u200fایرنا"),
    ],
)
def test_a_source_is_known_however_it_is_written(listed: str, source: str) -> None:
    assert stands_among(["somebody", listed], source)


@pytest.mark.parametrize(
    ("listed", "source"),
    [
        ("Reuters", "Reuters fans"),
        ("reuters.com", "notreuters.com"),
        ("reuters.com", "reuters.com.example"),
        ("uk.reuters.com", "reuters.com"),
        ("com", "reuters.com"),
        ("dpa", "news.dpa"),
        ("AFP", ""),
        ("AFP", None),
        ("AFP", "x" * 70_000),
        ("a.b", ".".join("x" * 60_000)),
    ],
)
def test_another_source_is_another(listed: str, source: str | None) -> None:
    assert not stands_among([listed], source)


@pytest.mark.parametrize("source", ["AFP", "dpa-AFX.dpa.com", "Associated Press", "xinhuanet.com", "ТАСС", "연합뉴스"])
def test_agencies_are_known_without_a_list_of_ones_own(source: str) -> None:
    detector = Detector()
    detector.ingest([Article("daily", written(1, 0), source="daily", published=1)])
    detector.ingest([Article("agency", written(1, 0), source=source, published=2)])
    assert detector.story("s0").canonical == "daily"
    assert detector.story("s0", keep="agency_first").canonical == "agency"


def test_a_text_that_credits_an_agency_is_no_agencys() -> None:
    live = opened(MemoryStore(), "agency_first")
    live.ingest([Article("early", written(1, 0), source="west", published=1)])
    live.ingest([Article("credits", "PARIS (North) - " + written(1, 0), source="west", published=2)])
    assert live.story("s0").canonical == "early"


# --- over HTTP --------------------------------------------------------------------------------------------------------


@pytest.fixture
def service(stored: Stored) -> Service:
    service = stored(having("first_published"))
    with Client(service.url) as client:
        client.put_article(Article("daily", written(1, 0), source="west", published=1_000))
        client.put_article(Article("agency", written(1, 1), source="North", published=2_000))
        client.put_article(Article("other", written(13, 0)))
    return service


@pytest.fixture
def url(service: Service) -> str:
    return service.url


WHO: dict[Keep, str] = {
    "first_published": "daily", "first_seen": "daily", "longest": "daily", "preferred_sources": "daily",
    "agency_first": "agency",
}  # fmt: skip


def test_a_request_may_ask_for_another_policy(url: str) -> None:
    with Client(url) as client:
        told = client.events()
        for keep, who in WHO.items():
            assert client.story("s0", keep=keep).canonical == who
            assert [s.canonical for s in client.stories(min_size=2, keep=keep, page_size=1)] == [who]
            assert [tie.id for tie in client.why("s0", keep=keep).members if tie.canonical] == [who]
            for by_query in (False, True):
                assert client.article(who, keep=keep, by_query=by_query).canonical
        assert not client.article("agency").canonical
        assert client.story("s0").canonical == "daily"
        assert client.events() == told


async def test_the_client_for_asyncio_asks_for_another_policy_too(url: str) -> None:
    async with AsyncClient(url) as client:
        assert (await client.story("s0", keep="agency_first")).canonical == "agency"
        assert (await client.article("agency", keep="agency_first")).canonical
        assert [tie.canonical for tie in (await client.why("s0", keep="agency_first")).members] == [False, True]
        assert [s.canonical async for s in client.stories(min_size=2, keep="agency_first")] == ["agency"]


def test_a_merged_story_leads_on_with_the_policy_that_was_asked_for(url: str) -> None:
    with Client(url) as client:
        client.merge_stories("s0", "s2")
        assert client.story("s2", keep="agency_first").canonical == "agency"
    with httpx.Client(base_url=url) as plain:
        answer = plain.get("/v1/stories/s2?keep=agency_first")
        assert (answer.status_code, answer.headers["Location"]) == (308, "/v1/stories/s0?keep=agency_first")


@pytest.mark.parametrize("path", ["/v1/stories/s0", "/v1/stories/s0/why", "/v1/stories", "/v1/articles/daily"])
def test_a_policy_that_there_is_not_is_refused(url: str, path: str) -> None:
    with httpx.Client(base_url=url) as plain:
        for keep in ("best", "first", "", "Longest"):
            answer = plain.get(path, params={"keep": keep})
            assert answer.status_code == 422
            assert "keep must be one of first_published, first_seen" in answer.json()["detail"]


def test_a_verdict_is_what_was_decided_and_takes_no_policy(url: str) -> None:
    body = {"id": "new", "text": written(4, 0)}
    with httpx.Client(base_url=url) as plain:
        for method, path in (("PUT", "/v1/articles/new"), ("POST", "/v1/articles"), ("POST", "/v1/check")):
            answer = plain.request(method, f"{path}?keep=longest", json=body)
            assert (answer.status_code, answer.json()["type"]) == (422, "/docs#invalid-parameter")
        lines = {"content": json.dumps(body), "headers": {"Content-Type": "application/x-ndjson"}}
        assert plain.post("/v1/bulk?keep=longest", **lines).status_code == 422  # type: ignore[arg-type]
        assert plain.get("/v1/articles/new").status_code == 404


def test_a_service_that_starts_with_another_policy_tells_so_at_once(service: Service, stored: Stored) -> None:
    with Client(service.url) as client:
        told = client.events().next
    service.stop()
    service.wait_stopped()
    again = stored(having("agency_first"))
    with Client(again.url) as client:
        [event] = client.events(told).events
        assert (event.type, event.article, event.previous) == ("canonical_changed", "agency", "daily")
        assert client.story("s0").canonical == "agency"
        assert client.story("s0", keep="first_published").canonical == "daily"


# --- dedupe -----------------------------------------------------------------------------------------------------------


def dedupe(folder: Path, *options: str, output: str = "out.jsonl") -> list[dict[str, Any]]:
    assert main(["dedupe", str(folder / "in.jsonl"), "--output", str(folder / output), *options]) == 0
    return [json.loads(line) for line in (folder / output).read_bytes().splitlines()]


@pytest.mark.parametrize(
    ("keep", "who"),
    [
        *(("first", "early"), ("first_published", "early"), ("first_seen", "came"), ("longest", "long")),
        *(("preferred_sources", "mine"), ("agency_first", "agency")),
    ],
)
def test_dedupe_keeps_who_the_policy_says(tmp_path: Path, keep: str, who: str) -> None:
    text = written(1, 0)
    rows = [
        {"id": "came", "text": text, "published": "2026-03-02"},
        {"id": "early", "text": text, "published": "2026-03-01", "source": "west"},
        {"id": "long", "text": text + " tail of some more words", "published": "2026-03-03"},
        {"id": "agency", "text": text, "published": "2026-03-04", "source": "uk.Reuters.com"},
        {"id": "mine", "text": text, "published": "2026-03-05", "source": "Süddeutsche Zeitung"},
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "set.yaml").write_text('stories: {preferred_sources: ["SU\u0308DDEUTSCHE ZEITUNG"]}', encoding="utf-8")
    options = ["--config", str(tmp_path / "set.yaml"), "--keep", keep, "--unique", str(tmp_path / "unique.jsonl")]
    found = dedupe(tmp_path, *options)
    assert len({row["story"] for row in found}) == 1
    assert [row["id"] for row in found if row["canonical"]] == [who]
    assert [json.loads(line)["id"] for line in (tmp_path / "unique.jsonl").read_bytes().splitlines()] == [who]
