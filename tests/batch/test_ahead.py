"""What is made in a thread before it is asked for: order, failures, bounds, leaving early."""

import threading
from collections.abc import Iterator

import pytest

from wirecopy.batch.prefetch import made_ahead

DEADLINE_SECONDS = 20.0


def test_items_come_in_order_through_a_chain_of_steps() -> None:
    with made_ahead(range(1000)) as numbers, made_ahead(n * n for n in numbers) as squares:
        assert list(squares) == [n * n for n in range(1000)]


def test_nothing_is_an_item_too() -> None:
    with made_ahead([None, 0, None]) as items:
        assert list(items) == [None, 0, None]


def test_a_failure_comes_after_the_items_before_it_through_every_step() -> None:
    def failing() -> Iterator[int]:
        yield from range(3)
        raise OSError("the disk is gone")

    taken: list[int] = []
    with (
        made_ahead(failing()) as numbers,
        made_ahead(n + 1 for n in numbers) as later,
        pytest.raises(OSError, match="the disk is gone"),
    ):
        taken.extend(later)
    assert taken == [1, 2, 3]


def test_items_are_made_while_the_one_before_is_in_use() -> None:
    made = threading.Event()

    def source() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    with made_ahead(source()) as items:
        assert next(items) == 1
        assert made.wait(DEADLINE_SECONDS)


def test_who_leaves_early_ends_an_endless_source_and_few_items_were_made() -> None:
    made = 0

    def endless() -> Iterator[int]:
        nonlocal made
        while True:
            made += 1
            yield made

    def leave() -> None:
        with made_ahead(endless()) as numbers, made_ahead(n for n in numbers) as later:
            assert next(later) == 1
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        leave()
    assert threading.active_count() == before
    assert made < 50
