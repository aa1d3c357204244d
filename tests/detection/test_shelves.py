"""Shelves hold what a dictionary would, and nothing of what was taken away."""

from hypothesis import given
from hypothesis import strategies as st

from wirecopy.detection.grouping.packed_rows import Numbers, PackedRows

# Numbers of a few shelves, of one number and next to the bounds.
numbers = st.one_of(st.integers(0, 5), st.sampled_from([1023, 1024, 1025, 2047, 5000, 1 << 33]))


@given(st.lists(st.tuples(numbers, st.one_of(st.none(), st.integers(0, 2**63 - 1)))))
def test_numbers_are_a_dictionary_in_order(steps: list[tuple[int, int | None]]) -> None:
    held, model = Numbers(), dict[int, int]()
    for number, value in steps:
        assert held.get(number) == model.get(number, -1)
        if value is None:
            assert held.pop(number) == model.pop(number, -1)
        else:
            held.put(number, value)
            model[number] = value
        assert (list(held), len(held)) == (sorted(model), len(model))
    assert {number: held.get(number) for number in held} == model
    assert len(held._shelves) == len({number >> 10 for number in model})


@given(st.lists(st.tuples(numbers, st.one_of(st.none(), st.binary(max_size=40)))))
def test_rows_are_a_dictionary_in_order(steps: list[tuple[int, bytes | None]]) -> None:
    held, model = PackedRows(), dict[int, bytes]()
    for number, row in steps:
        assert held.get(number) == model.get(number)
        if row is None:
            assert held.pop(number) == model.pop(number, None)
        else:
            held.put(number, row)
            model[number] = row
        assert (list(held), len(held)) == (sorted(model), len(model))
        assert (number in held) == (number in model)
    assert {number: bytes(held.get(number) or b"") for number in held} == model
    assert len(held._shelves) == len({number >> 10 for number in model})


def test_what_is_written_anew_and_again_takes_the_room_of_what_is_there() -> None:
    held = PackedRows()
    for turn in range(1000):
        for number in range(10):
            if turn % 2:
                held.pop(number)
            held.put(number, bytes([turn % 251]) * 100)
    [shelf] = held._shelves.values()
    assert len(shelf.rows) < 10_000
    held.put(1024, b"next")  # nothing is left to be put on the shelf before
    assert len(shelf.rows) == 1 + 10 * 100
    assert {bytes(held.get(number) or b"") for number in range(10)} == {bytes([999 % 251]) * 100}


def test_nothing_is_left_of_what_was_taken_away() -> None:
    held = PackedRows()
    held.put(1, b"somebody's name")
    held.put(2, b"other")
    held.pop(1)
    held.put(2, b"another")
    [shelf] = held._shelves.values()
    assert shelf.rows.strip(b"\0") == b"another"


def test_a_row_is_a_copy() -> None:
    held = PackedRows()
    held.put(1, b"row")
    row = held.get(1)
    assert row is not None
    row[0] = 0
    assert bytes(held.get(1) or b"") == b"row"
