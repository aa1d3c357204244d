"""Why two articles match: passages, marked paragraphs, changed numbers and quotations, with texts and without."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.writings import any_texts
from wirecopy import Article, Detector, compare, errors
from wirecopy.config import Config, Detection, Service
from wirecopy.detection.evidence.contributions import contributions
from wirecopy.detection.evidence.fitting import log_odds
from wirecopy.detection.evidence.model import FEATURES, Hinge, Model, shipped_model
from wirecopy.detector.answers.explain import Pair, Side, explain, side
from wirecopy.detector.detector import SCHEME
from wirecopy.schema.answers import Change, Comparison, Fragment, Paragraph
from wirecopy.storage import Store

AGENCY = """\
The harbour bridge in Port Ellery was closed to all traffic on Monday after inspectors found cracks in two of its \
steel girders, the transport ministry said.

Engineers expect repairs to take six weeks and cost 4.2 million euros. “We will not gamble with the lives of \
commuters,” minister Ana Ruiz said.

Ferries will carry commuters across the estuary every 20 minutes until the bridge is opened again, the ministry said. \
On a working day 22,000 cars cross it.

The ministry was founded in 1931."""
OUTLET = """\
The harbour bridge in Port Ellery was closed to all traffic on Monday after inspectors found cracks in two of its \
steel girders, the transport ministry said.

It may take engineers six weeks to repair at a cost of 4.5 million euros. "We will never gamble with the lives of \
commuters", the minister, Ana Ruiz, told reporters.

Shopkeepers on the waterfront fear for the summer season and 300 jobs.

Until it opens again, ferries run across the estuary every 20 minutes, carrying commuters. On a working day 25,000 \
cars cross it."""


ITEM = AGENCY.split("\n\n")[0]
STORY = f"""{AGENCY}

Inspectors had come upon the cracks on Friday while they replaced rivets on the northern pylon, according to the
engineers' chamber. The girders were forged in 1934 and were last painted nine years ago.

Hauliers who used to cross the estuary now drive 48 kilometres by way of Marrow Lock. Their association asked for
the toll there to be waived until the repairs are done."""
OTHER_ITEMS = """\
A court in Tolmark sentenced the former head of the lottery, Ivo Brandt, to four years in prison for bribery. His \
lawyer announced an appeal.
Scientists at the university of Wehrstadt have found a moss that swallows methane in the peat bogs of Grauheim. They \
want to plant it on drained fields from next spring.
The chocolate maker Almirez shuts its plant in Montalar at the end of June; 480 workers lose their jobs. Its shares \
rose by a tenth.
Rain will move in from the west this afternoon, with gusts in the mountains and at most nine degrees.""".splitlines()


def both(a: str, b: str) -> Comparison:
    return compare(Article("a", a), Article("b", b))


def marks(paragraphs: tuple[Paragraph, ...]) -> list[str]:
    return [paragraph.mark for paragraph in paragraphs]


def shown(changes: tuple[Change, ...]) -> list[tuple[str | None, str | None]]:
    return [(written(change.a), written(change.b)) for change in changes]


def written(part: Fragment | None) -> str | None:
    return None if part is None else part.text


@pytest.mark.parametrize("place", range(len(OTHER_ITEMS) + 1))
def test_a_short_briefing_contains_the_story_of_one_of_its_items_wherever_that_stands(place: int) -> None:
    item = f"{ITEM} Repairs take six weeks and cost 4.2 million euros, engineers say."
    briefing = "\n\n".join([*OTHER_ITEMS[:place], item, *OTHER_ITEMS[place:]])
    assert both(briefing, STORY).relation == both(STORY, briefing).relation == "contains"
    assert both(briefing, STORY).score < 0.1
    assert both(item, STORY).relation == "copy"


def test_contributions_add_up_to_the_log_odds_and_stand_largest_first() -> None:
    compared = compare(Article(id="a", text=AGENCY), Article(id="b", text=OUTLET))
    row = np.array([[compared.features[name] for name in FEATURES]])
    base, shares = contributions(shipped_model(), compared.features)
    assert base + sum(share.log_odds for share in shares) == pytest.approx(log_odds(shipped_model(), row)[0], abs=1e-6)
    sizes = [abs(told.log_odds) for told in compared.contributions]
    assert sizes == sorted(sizes, reverse=True)
    assert {told.feature for told in compared.contributions} == set(FEATURES)
    assert all(told.words for told in compared.contributions)


def test_a_feature_with_its_typical_value_says_nothing_in_the_formula() -> None:
    model = Model(-1.0, {"runs": 2.0}, (Hinge("runs", 0.5, 4.0),), typical={"runs": 0.6})
    base, shares = contributions(model, dict.fromkeys(FEATURES, 0.0) | {"runs": 0.6})
    assert base == pytest.approx(-1.0 + 1.2 + 0.4)
    assert [share.log_odds for share in shares] == [0.0] * len(FEATURES)


def test_a_trimmed_copy_and_a_brief_are_no_part_of_a_round_up() -> None:
    assert both(ITEM, AGENCY).relation == "copy"
    assert both(OUTLET, ITEM).relation == "copy"


def test_two_texts_that_would_be_two_stories_have_no_relation() -> None:
    briefing, other = "\n\n".join(OTHER_ITEMS[:2]), "\n\n".join(OTHER_ITEMS[2:])
    assert both(briefing, other).relation is None
    assert both(ITEM, OTHER_ITEMS[0]).relation is None


def test_every_paragraph_is_shared_reworded_or_only_here() -> None:
    paragraphs = both(AGENCY, OUTLET).paragraphs
    assert paragraphs is not None
    assert marks(paragraphs.a) == ["shared", "reworded", "reworded", "only here"]
    assert marks(paragraphs.b) == ["shared", "reworded", "only here", "reworded"]
    assert [paragraph.match for paragraph in paragraphs.a] == [0, 1, 3, None]
    assert [paragraph.match for paragraph in paragraphs.b] == [0, 1, None, 2]
    assert [paragraph.text for paragraph in paragraphs.a] == AGENCY.split("\n\n")
    assert (paragraphs.a[0].in_passages, paragraphs.a[3].in_passages) == (1.0, 0.0)


def test_numbers_that_changed_stand_side_by_side_and_others_alone() -> None:
    assert shown(both(AGENCY, OUTLET).numbers) == [
        ("4.2 million", "4.5 million"),
        ("22,000", "25,000"),
        ("1931", None),
        (None, "300"),
    ]


def test_a_number_is_the_same_however_it_is_written() -> None:
    assert both("It cost 1.376 euros and 1.2 mln more.", "It cost 1,376 euros and 1.2 million more.").numbers == ()
    assert shown(both("It cost 1.2 billion euros in all.", "It cost 1.2 million euros in all.").numbers) == [
        ("1.2 billion", "1.2 million")
    ]


def test_a_number_that_stands_in_many_places_is_told_once_where_it_changed() -> None:
    a = "At least 22 miners died. Rescuers said that 22 miners are dead. 22 families mourn."
    b = "Rescuers said that 25 miners are dead. At first 23 were feared lost in the pit."
    assert shown(both(a, b).numbers) == [("22", "25"), (None, "23")]


def test_quotations_that_changed_stand_side_by_side() -> None:
    assert shown(both(AGENCY, OUTLET).quotes) == [
        ("We will not gamble with the lives of commuters", "We will never gamble with the lives of commuters")
    ]


@pytest.mark.parametrize("quoted", ["„{}“", "«{}»", "‘{}’", '"{}"', "「{}」", "“{}”"])
def test_a_quotation_is_the_same_in_every_style(quoted: str) -> None:
    said = "the pylon will not hold another winter"
    other = f"She said that {said}, and left."  # told without marks
    assert both(f"She said: {quoted.format(said)}.", f"She said: “{said}”.").quotes == ()
    assert both(f"She said: {quoted.format(said)}.", other).quotes == ()
    assert shown(both(f"She said: {quoted.format(said)}.", "She said nothing.").quotes) == [(said, None)]


def test_entities_and_scripts_without_spaces_keep_their_offsets() -> None:
    a = "Before.\nOur Caf&eacute; &ldquo;Z&uuml;rich&rdquo; has closed its doors.\n水曜日の朝、港の橋が閉鎖された。"
    b = "水曜日の朝、港の橋が閉鎖されたと発表。\nNow the Café “Zürich” has closed its doors."
    compared = both(a, b)
    assert [passage.text for passage in compared.passages] == [
        "水曜日の朝、港の橋が閉鎖された",
        "Caf&eacute; &ldquo;Z&uuml;rich&rdquo; has closed its doors",
    ]
    for passage in compared.passages:
        assert passage.text == a[passage.a_start : passage.a_end]
    assert [b[p.b_start : p.b_end] for p in compared.passages] == [
        "水曜日の朝、港の橋が閉鎖された",
        "Café “Zürich” has closed its doors",
    ]


def test_lines_are_paragraphs_where_no_blank_line_parts_them() -> None:
    paragraphs = both(
        "One line here.\r\nAnother\u2028and a third \n\t\n", "Wrapped at\nsome width.\n \nSecond."
    ).paragraphs
    assert paragraphs is not None
    assert [paragraph.text for paragraph in paragraphs.a] == ["One line here.", "Another", "and a third"]
    assert [paragraph.text for paragraph in paragraphs.b] == ["Wrapped at\nsome width.", "Second."]


def test_texts_without_words_have_nothing_to_compare() -> None:
    compared = both("…", "!!! ???")
    assert (compared.passages, compared.numbers, compared.quotes, compared.truncated) == ((), (), (), False)
    assert compared.paragraphs is not None
    assert compared.paragraphs.a == ()


def test_words_beyond_the_limit_are_left_out_and_told() -> None:
    config = Config(detection=Detection(max_words=64))
    long = "\n".join(f"Paragraph number {k} speaks of harbour {k * 7} and of nothing else." for k in range(400))
    compared = compare(Article("a", long, title="Long"), Article("b", "Short. " + long), config)
    assert compared.truncated
    assert sum(passage.words for passage in compared.passages) <= 64
    assert compared.paragraphs is not None
    assert all(paragraph.end < 600 for paragraph in (*compared.paragraphs.a, *compared.paragraphs.b))
    assert compared.paragraphs.a[-1].text == long[: compared.paragraphs.a[-1].end].rpartition("\n")[2]


def without_text(of: Side) -> Side:
    return of._replace(text=None)


@settings(max_examples=100, deadline=None)
@given(any_texts, any_texts, st.none() | any_texts, st.integers(64, 80))
def test_without_texts_the_same_is_said_in_words(a: str, b: str, title: str | None, max_words: int) -> None:
    limits = Detection(max_words=max_words)
    pair = Pair(side(Article("a", a, title=title), limits), side(Article("b", b + a), limits), limits)
    with_texts = explain(pair)
    bare = explain(Pair(without_text(pair.a), without_text(pair.b), limits))
    assert bare.paragraphs is None
    for one, other in zip(with_texts.passages, bare.passages, strict=True):
        assert (one.a_word, one.b_word, one.words) == (other.a_word, other.b_word, other.words)
        assert one.text == a[one.a_start : one.a_end]
        assert one.text
        assert (other.text, other.a_start, other.b_end) == (None, None, None)
    for changes, bare_changes in ((with_texts.numbers, bare.numbers), (with_texts.quotes, bare.quotes)):
        assert [places(change) for change in changes] == [places(change) for change in bare_changes]
    assert (bare.score, bare.relation, bare.features) == (with_texts.score, with_texts.relation, with_texts.features)


def places(change: Change) -> list[tuple[int, int] | None]:
    return [fragment(change.a), fragment(change.b)]


@settings(max_examples=100, deadline=None)
@given(any_texts, any_texts)
def test_marks_cover_all_words_and_changes_are_never_in_both(a: str, b: str) -> None:
    compared = both(a, b)
    assert compared.paragraphs is not None
    for text, paragraphs in ((a, compared.paragraphs.a), (b, compared.paragraphs.b)):
        ends = [0]
        for paragraph in paragraphs:
            assert paragraph.text == text[paragraph.start : paragraph.end] == paragraph.text.strip()
            assert ends[-1] <= paragraph.start
            ends.append(paragraph.end)
    told = [change for change in (*compared.numbers, *compared.quotes) if change.a is None and change.b is None]
    assert not told
    swapped = both(b, a)
    assert {fragment(c.a) for c in compared.numbers} == {fragment(c.b) for c in swapped.numbers}


def fragment(part: Fragment | None) -> tuple[int, int] | None:
    return None if part is None else (part.word, part.words)


@pytest.mark.parametrize("unit", ["word ", "\n", "1 ", "“a b c” ", "1 2\n\n", "天"])
def test_long_texts_are_explained_in_bounded_time(unit: str) -> None:
    huge = "Start of it all, at last. " + unit * (4 * 2**20 // len(unit))
    started = time.process_time()
    both(huge, "Other words here. " + huge)
    assert time.process_time() - started < 5


# --- what the Detector keeps ------------------------------------------------------------------------------------------


def detector_with(folder: Path, *, keep_text: bool) -> Detector:
    config = Config(service=Service(keep_text=keep_text))
    detector = Detector(config, Store.open(folder, scheme=SCHEME))
    detector.ingest(
        [
            Article("wire", AGENCY, title="Harbour bridge closed", published=1_000_000),
            Article("bakery", "A bakery on Market Street won the regional prize for its rye bread, the jury said."),
            Article("daily", OUTLET, title="Bridge shut", published=90_000_000),
            Article("copy", AGENCY + " Follow us.", source="copycat"),
        ]
    )
    return detector


def test_a_kept_pair_is_explained_with_the_score_it_had(tmp_path: Path) -> None:
    detector = detector_with(tmp_path, keep_text=True)
    compared = 0
    for article in ("wire", "daily", "copy"):
        for match in detector.matches(article):
            explained = detector.explain(article, match.id)
            assert (explained.a, explained.b) == (article, match.id)
            assert (explained.score, explained.relation) == (match.score, match.relation)
            compared += 1
    assert compared >= 2
    explained = detector.explain("wire", "copy")
    assert explained.passages[0].text == AGENCY[: explained.passages[0].a_end]
    assert detector.explain("wire", "bakery").relation is None
    reverse = detector.explain("copy", "wire")
    assert (reverse.score, reverse.features) == (explained.score, explained.features)
    detector.close()


def test_without_kept_texts_words_are_given_and_a_callers_texts_aligned(tmp_path: Path) -> None:
    detector = detector_with(tmp_path, keep_text=False)
    bare = detector.explain("wire", "copy")
    assert (bare.paragraphs, bare.passages[0].text) == (None, None)
    assert bare.passages[0].words > 50
    given = detector.explain("wire", "copy", (AGENCY, AGENCY + " Follow us."))
    assert given.passages[0].text == AGENCY[: given.passages[0].a_end]
    assert given.paragraphs is not None
    assert given.score == bare.score
    with pytest.raises(errors.InvalidArticle, match="'copy'"):
        detector.explain("wire", "copy", (AGENCY, OUTLET))
    with pytest.raises(errors.InvalidArticle, match="'wire'"):
        detector.explain("wire", "copy", (AGENCY + " And more.", AGENCY + " Follow us."))
    detector.close()


def test_unknown_articles_and_an_article_with_itself_are_refused(tmp_path: Path) -> None:
    detector = detector_with(tmp_path, keep_text=True)
    with pytest.raises(errors.UnknownArticle, match="'nobody'"):
        detector.explain("wire", "nobody")
    with pytest.raises(errors.UnknownArticle, match="'nobody'"):
        detector.explain("nobody", "wire")
    with pytest.raises(errors.UsageError, match="'wire' is not compared with itself"):
        detector.explain("wire", "wire")
    detector.close()


def test_without_a_store_traces_of_the_window_are_explained() -> None:
    detector = Detector(Config(service=Service(index_days=1.0)))
    detector.ingest([Article("wire", AGENCY), Article("copy", AGENCY)], first_seen=0)
    assert detector.explain("wire", "copy").relation == "identical"
    detector.expire(3 * 86_400_000)
    with pytest.raises(errors.UsageError, match="'wire'"):
        detector.explain("wire", "copy")


def test_why_names_the_link_that_holds_each_member(tmp_path: Path) -> None:
    detector = detector_with(tmp_path, keep_text=True)
    story = detector.article("wire").story
    reasons = detector.why(story)
    members = {member.id: member for member in detector.story(story).members}
    assert [tie.id for tie in reasons.members] == list(members)
    links = detector._state.stories.links
    for tie in reasons.members:
        member = members[tie.id]
        assert (tie.match, tie.relation, tie.score, tie.canonical) == (
            member.match, member.relation, member.score, member.canonical
        )  # fmt: skip
        number = detector._archive.number(tie.id)
        others = [
            links[number][other].odds for other in detector._state.stories.members[story] if other in links[number]
        ]
        assert tie.compared == len(others)
        assert tie.average_odds == pytest.approx(np.clip(others, -4, 4).mean(), abs=1e-4)
        assert tie.odds == pytest.approx(max(others), abs=1e-4)
        assert (tie.average_odds or -9) > reasons.least_odds
    alone = detector.why(detector.article("bakery").story).members[0]
    assert (alone.match, alone.odds, alone.average_odds, alone.compared) == (None, None, None, 0)
    with pytest.raises(errors.UnknownStory):
        detector.why("s99")
    detector.close()


def test_what_is_withheld_is_not_explained(tmp_path: Path) -> None:
    detector = detector_with(tmp_path, keep_text=True)
    detector.ingest([Article("copy", AGENCY + " Follow us.", source="copycat", status="withheld")])
    for pair in (("wire", "copy"), ("copy", "wire")):
        with pytest.raises(errors.UnknownArticle, match="'copy'"):
            detector.explain(*pair)
    assert "copy" not in {tie.id for tie in detector.why(detector.article("wire").story).members}
    detector.close()
