"""The benchmark's figures, on cases small enough to work out by hand."""

import pytest

from bench.scoring import (
    Event,
    KindCount,
    Pair,
    Template,
    is_exactly_one_story,
    largest_story,
    score_events,
    score_pairs,
    score_templates,
    wrong_pairs,
)

STORY = {"a": "1", "b": "1", "c": "1", "d": "2", "e": "2", "f": "3"}
PAIRS = [
    Pair("a", "b", 3, "plain", 4),
    Pair("d", "e", 2, "plain", 2),
    Pair("a", "f", 2, "brief", 4),
    Pair("a", "c", 0, "update", 2),
    Pair("b", "f", 0, "plain", 9),
    Pair("b", "c", 1, "plain", 8),
]


def test_precision_and_recall_are_weighted_and_leave_label_1_out() -> None:
    scores = score_pairs(PAIRS, STORY)
    assert scores.recall == pytest.approx(6 / 10)
    assert scores.precision == pytest.approx(6 / 8)
    assert scores.f1 == pytest.approx(2 * 0.75 * 0.6 / 1.35)


def test_strict_figures_count_label_1_as_wrong() -> None:
    scores = score_pairs(PAIRS, STORY)
    assert scores.strict_precision == pytest.approx(6 / 16)
    assert scores.strict_f1 == pytest.approx(2 * 0.375 * 0.6 / 0.975)


def test_shares_by_label_are_weighted_and_counts_by_kind_are_not() -> None:
    scores = score_pairs(PAIRS, STORY)
    assert scores.by_label == pytest.approx({"0": 2 / 11, "1": 1.0, "2": 2 / 6, "3": 1.0})
    assert scores.by_kind == (
        KindCount("brief", "together", 0, 1),
        KindCount("plain", "together", 2, 2),
        KindCount("plain", "either", 1, 1),
        KindCount("plain", "apart", 0, 1),
        KindCount("update", "apart", 1, 1),
    )


def test_an_article_without_a_story_is_grouped_with_nothing_and_counted() -> None:
    scores = score_pairs([Pair("x", "y", 3), Pair("a", "x", 0)], STORY)
    assert (scores.recall, scores.precision, scores.f1, scores.missing) == (0.0, 0.0, 0.0, 2)


def test_no_pairs_give_zeros_rather_than_an_error() -> None:
    assert score_pairs([], STORY).f1 == 0.0


def test_b_cubed_averages_the_overlap_of_story_and_event_over_articles() -> None:
    events = [Event("a", "x"), Event("b", "x"), Event("c", "y"), Event("d", "y"), Event("f", "y")]
    scores = score_events(events, STORY)
    # Stories among them: {a, b, c}, {d}, {f}; events: {a, b}, {c, d, f}.
    assert scores.precision == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert scores.recall == pytest.approx((1 + 1 + 1 / 3 + 1 / 3 + 1 / 3) / 5)
    assert scores.f1 == pytest.approx(2 * scores.precision * scores.recall / (scores.precision + scores.recall))


def test_an_article_that_the_assignment_leaves_out_stands_alone_in_b_cubed() -> None:
    scores = score_events([Event("x", "e"), Event("y", "e")], {})
    assert (scores.precision, scores.recall) == (1.0, 0.5)


def test_a_template_is_a_false_merge_for_each_further_company_of_its_story() -> None:
    notes = [
        Template("a", "ACME"),
        Template("b", "ACME"),
        Template("c", "BETA"),
        Template("d", "C"),
        Template("e", "D"),
    ]
    scores = score_templates(notes, STORY)
    assert (scores.false_merges, scores.rate) == (2, 0.4)


def test_exactly_one_story_refuses_missing_split_and_foreign_members() -> None:
    assert is_exactly_one_story(["a", "b", "c"], STORY)
    assert not is_exactly_one_story(["a", "b"], STORY)
    assert not is_exactly_one_story(["a", "b", "c", "d"], STORY)
    assert not is_exactly_one_story(["x", "y"], STORY)


def test_the_largest_story_is_counted_in_articles() -> None:
    assert (largest_story(STORY), largest_story({})) == (3, 0)


def test_wrong_pairs_come_heaviest_first_and_never_from_label_1() -> None:
    assert wrong_pairs(PAIRS, STORY) == [PAIRS[2], PAIRS[3]]
