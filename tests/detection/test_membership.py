"""Who is in which story, and what is known between articles: as dictionaries would tell it, in less memory."""

from hypothesis import given
from hypothesis import strategies as st

from wirecopy.detection.evidence.model import Link, Relation
from wirecopy.detection.grouping.links import Links
from wirecopy.detection.grouping.membership import Membership, story_age

names = st.sampled_from(["s0", "s1", "s2", "s3", "s1-1", "s2-7", "s1030"])
numbers = st.sampled_from([0, 1, 2, 3, 4, 1030])


@given(st.lists(st.tuples(numbers, st.one_of(st.none(), names)), max_size=60))
def test_members_and_stories_agree(moves: list[tuple[int, str | None]]) -> None:
    held, model = Membership(), dict[int, str]()
    for number, story in moves:
        assert held.take(number) == model.pop(number, None)
        if story is not None:
            model[number] = story
            assert held.put(number, story) == list(model.values()).count(story)
        stories = sorted(set(model.values()), key=story_age)
        assert dict(held) == model
        assert list(held.members) == stories == [*held.newest()][::-1]
        assert len(held.members) == held.stories == len(stories)
        for name in stories:
            members = sorted(m for m in model if model[m] == name)
            assert held.members[name] == held.of(name) == members
            assert all(held.beside(m) == members for m in members)
            assert list(held.newest(name)) == stories[: stories.index(name)][::-1]
    assert [held.age(number) for number in sorted(model)] == [story_age(model[m]) for m in sorted(model)]


def test_only_the_very_id_of_a_story_leads_to_it() -> None:
    held = Membership()
    held.put(12, "s12")
    held.put(3, "s12-1")
    strangers = ["", "s", "12", "x12", "s012", "s12-0", "s12-01", " s12", "s12 ", "s+12", "s1_2", "s\u0661\u0662"]
    assert not [name for name in [*strangers, "s" + "9" * 5000, "s12-" + "1" * 30] if name in held.members]
    assert "s12" in held.members
    assert "s12-1" in held.members


pairs = st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda pair: pair[0] != pair[1])
relations = st.sampled_from(["identical", "copy", "rewrite", "contains", "follow_up"])
steps = st.one_of(
    st.tuples(st.just("add"), pairs, st.floats(allow_nan=False), relations),
    st.tuples(st.sampled_from(["read", "remove", "retire"]), pairs, st.just(0.0), st.just("copy")),
)


@given(st.lists(steps, max_size=60), st.integers(1, 8))
def test_links_are_the_same_at_hand_and_packed(
    taken: list[tuple[str, tuple[int, int], float, Relation]], at_hand: int
) -> None:
    held, model = Links(at_hand), dict[int, dict[int, Link]]()
    for what, (number, other), odds, relation in taken:
        match what:
            case "add":
                held.add(number, other, Link(odds, relation))
                model.setdefault(number, {})[other] = model.setdefault(other, {})[number] = Link(odds, relation)
            case "read":
                assert held.row(number) == model.get(number)
            case "remove":
                held.remove(number)
                for m in model.pop(number, {}):
                    model.get(m, {}).pop(number, None)
            case "retire":
                held.retire(number)
                model.pop(number, None)
        assert len(held._open) <= at_hand
        assert {m: list(row.items()) for m, row in held.items()} == {m: list(row.items()) for m, row in model.items()}
        assert (number in held) == (number in model)
