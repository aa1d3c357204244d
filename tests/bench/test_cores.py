"""What cores bring is told with what others did meanwhile; what a machine must have, from lines through lengths."""

import pytest

from bench.capacity import line_of
from bench.cores import TimedRun, describe, serial_share


def test_the_serial_share_is_amdahls() -> None:
    assert serial_share(2, 2.0) == 0
    assert serial_share(2, 1.0) == 1
    assert serial_share(16, 8.0) == pytest.approx(1 / 15)


def test_pairs_in_which_others_used_the_machine_do_not_count() -> None:
    quiet, loud = (TimedRun(6.0, 0.01), TimedRun(3.0, 0.0)), (TimedRun(9.0, 0.4), TimedRun(9.0, 0.5))
    assert describe(2, [loud, quiet, loud]) == (
        "2 cores: 6.00 s -> 3.00 s, 2.00 times, serial 0% (1 of 3 pairs with the machine to themselves)"
    )
    assert "1.00 times" in describe(2, [loud])
    assert "no figure to go by" in describe(2, [loud])


def test_what_an_article_and_a_word_take_is_the_line_through_the_lengths() -> None:
    assert line_of((100, 200, 400), [600.0, 1100.0, 2100.0]) == pytest.approx((100.0, 5.0))
