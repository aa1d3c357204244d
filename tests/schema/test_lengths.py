"""No input costs more than its length: a byte of a long text is no dearer than one of a short text that repeats."""

from contextlib import suppress

import pytest

from tests.lengths import CLASSES, SLACK, STAGES, Cost, costs, units
from wirecopy.errors import ArticleError, InvalidArticle

SMALL, LARGE = 3_000, 48_000  # a quadratic stage costs 16 times as much for each byte
RUNAWAY = ("\u3099\u0301", "Ð°", "<!--", "'\\", ",234", "T+12", "<td>", "ᄒ\u1161")
DEAR = frozenset(("decisions", "explanations", "places of rewritten words", "repeated text"))


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_costs_more_than_the_length_of_what_is_repeated(stage: str) -> None:
    with suppress(ArticleError, InvalidArticle):
        STAGES[stage]("once, so that nothing is loaded while it is measured ")
    tried = [*RUNAWAY, *CLASSES[::6]] if stage in DEAR else units(20)
    wrong = [cost for cost in costs([stage], list(dict.fromkeys(tried)), SMALL, LARGE) if not cost.is_linear]
    assert not wrong


def test_a_cost_that_grows_with_the_square_is_told() -> None:
    squared = Cost("a stage", "a", SMALL, LARGE, 0.002, 0.002 * (LARGE / SMALL) ** 2)
    assert squared.growth > SLACK
    assert not squared.is_linear
    assert Cost("a stage", "a", SMALL, LARGE, 0.02, 0.02 * LARGE / SMALL).is_linear
