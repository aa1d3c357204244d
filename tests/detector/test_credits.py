"""Credits: what a verdict, an article, a story, the feed and a policy say of whom a text names as its source."""

from typing import Any

from tests.detection.test_comparison import AGENCY
from tests.streams import MemoryStore
from wirecopy import Article, Detector
from wirecopy.config import Config, Stories
from wirecopy.schema.answers import Credit

WIRE = (Credit("AP", "wire"),)
DISPATCH = "LEER (AP) - " + AGENCY


def opened(store: MemoryStore, **stories: Any) -> Detector:
    return Detector(Config(stories=Stories(**stories)), store)  # type: ignore[arg-type]


def test_whom_a_text_credits_is_told_of_it_wherever_it_is_told_of() -> None:
    store = MemoryStore()
    live = opened(store)
    first, second = live.ingest([Article("a", AGENCY, source="Ledger"), Article("b", DISPATCH, source="daily")])
    assert (first.credits, second.credits) == ((), WIRE)
    for detector in (live, opened(store)):
        assert detector.article("b").credits == WIRE
        assert [member.credits for member in detector.story("s0").members] == [(), WIRE]
        assert [(event.type, event.credits) for event in detector.events(0)][:2] == [
            ("created", ()), ("joined", ("AP",)),
        ]  # fmt: skip
        told = detector.check(Article("c", AGENCY + " She told the Ledger so.", source="daily"))
        assert told.credits == (Credit("Ledger", "reported"),)
        assert detector.ingest([Article("b", DISPATCH, source="daily")])[0].credits == WIRE


def test_a_revision_has_its_own_credits_and_a_cancellation_those_of_what_it_cancels() -> None:
    detector = opened(MemoryStore())
    detector.ingest([Article("b", AGENCY, source="daily")])
    detector.ingest([Article("b", DISPATCH, source="daily")])
    assert (detector.article("b", revision=1).credits, detector.article("b").credits) == ((), WIRE)
    told = detector.ingest([Article("b", "Kill: told Reuters.", source="daily", status="canceled")])[0]
    assert told.credits == detector.article("b").credits == WIRE


def test_an_outlet_whose_articles_were_erased_is_credited_no_more_also_after_a_restart() -> None:
    store = MemoryStore()
    live, asked = opened(store), Article("c", AGENCY + " She told the Ledger so.")
    live.ingest([Article("a", "A bakery on Market Street won the prize for its rye bread.", source="Ledger")])
    assert live.check(asked).credits == (Credit("Ledger", "reported"),)
    live.erase("a")
    assert live.check(asked).credits == opened(store).check(asked).credits == ()


def test_agency_first_goes_by_what_texts_credit_where_that_is_set() -> None:
    articles = [
        Article("early", AGENCY, source="daily", published=0),
        Article("credits", DISPATCH, source="evening", published=1000),
        Article("told", AGENCY + " She told AP so.", source="morning", published=500),
    ]
    for by_credit, stands in ((False, "early"), (True, "credits")):
        store = MemoryStore()
        live = opened(store, keep="agency_first", agencies_by_credit=by_credit)
        live.ingest(articles)
        again = opened(store, keep="agency_first", agencies_by_credit=by_credit)
        assert live.story("s0").canonical == again.story("s0").canonical == stands
    live.ingest([Article("agency", AGENCY, source="apnews.com", published=2000)])
    assert live.story("s0").canonical == "agency"  # its own article stands before all that credit it
