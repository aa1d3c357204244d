"""The directory finds what a dictionary finds, whatever the hashes are."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wirecopy.detector.memory import id_table
from wirecopy.detector.memory.id_table import IdTable

END = (1 << 28) - 1  # the hash with the last place

Step = tuple[str, bool]
steps = st.lists(st.tuples(st.sampled_from([f"a{k}" for k in range(30)]), st.booleans()), max_size=80)
hashes = st.sampled_from(
    [hash, lambda _: 0, lambda _: END, lambda name: int(name[1:]) % 3, lambda name: END - len(name)]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, hashes)
def test_it_is_a_dictionary(monkeypatch: pytest.MonkeyPatch, taken: list[Step], hashed: Callable[[str], int]) -> None:
    monkeypatch.setattr(id_table, "hash", hashed, raising=False)
    names: dict[int, str] = {}
    found, model = IdTable(names.__getitem__), dict[str, int]()
    for number, (name, stays) in enumerate(taken):
        assert found.number(name) == model.get(name, -1)
        assert (name in found) == (name in model)
        if stays:
            names[number] = name
            assert found.put(name, number) == model.get(name, -1)
            model[name] = number
        elif name in model:
            found.remove(name)
            del names[model.pop(name)]
    assert found == model
    assert list(found) == sorted(model, key=model.__getitem__)
    with pytest.raises(KeyError):
        found["a99"]


@pytest.mark.parametrize("hashed", [hash, lambda _: END, lambda name: END - int(name) % 7])
def test_it_grows(monkeypatch: pytest.MonkeyPatch, hashed: Callable[[str], int]) -> None:
    monkeypatch.setattr(id_table, "hash", hashed, raising=False)
    count = 20_000 if hashed is hash else 300
    names = [str(number) for number in range(count)]
    found = IdTable(names.__getitem__)
    for number, name in enumerate(names):
        assert found.put(name, number) == -1
    assert [found[name] for name in names] == list(range(count))
    for name in names[::2]:
        found.remove(name)
    assert list(found) == names[1::2]
    assert len(found) == count // 2
