"""What is remembered is the same as objects at hand and as rows."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from wirecopy.detector.memory.archive import Kept, Remembered

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
moments = st.integers(-(2**60), 2**60)
articles = st.builds(
    Kept, texts, st.none() | moments, st.none() | texts, st.integers(0, 5000), st.integers(0, 2**36), moments, moments,
    st.integers(1, 300), st.binary(max_size=16), st.integers(0, 2**40),
    st.sampled_from(["usable", "withheld", "canceled"]), st.none() | moments,
)  # fmt: skip
numbers = st.integers(0, 12) | st.sampled_from([1023, 1024, 9999])


@given(st.lists(st.tuples(numbers, articles, st.sampled_from(["put", "read", "note", "pop"])), max_size=40), numbers)
def test_what_is_remembered_is_a_dictionary_in_order(steps: list[tuple[int, Kept, str]], at_hand: int) -> None:
    held, model = Remembered(at_hand), dict[int, Kept]()
    for number, kept, what in steps:
        assert (number in held) == (number in model)
        if number not in model:
            held.put(number, structs.replace(kept))
            model[number] = kept
        elif what == "note":
            held.note_record(number, kept.record)
            model[number] = structs.replace(model[number], record=kept.record)
        elif what == "pop":
            held.pop(number)
            del model[number]
        else:
            assert held[number] == held.get(number) == model[number]
            head = held.head(number)
            assert (head.id, head.published, head.source) == structs.astuple(model[number])[:3]
        assert len(held) == len(model)
    assert list(held.items()) == sorted(model.items(), key=lambda item: item[0])
    assert list(held) == sorted(model)
