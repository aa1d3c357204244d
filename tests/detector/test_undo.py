"""What was done by hand is told of, and taken back for real; the state is the same after a restart and a rebuild."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.streams import written
from wirecopy import Article, errors
from wirecopy.config import Config
from wirecopy.detector.detector import SCHEME, Detector
from wirecopy.detector.history.rebuild import open_rebuild
from wirecopy.schema.actions import Said
from wirecopy.storage import Store

ANNA = Said("Anna", "both are the dispatch of noon")


@contextmanager
def opened(folder: Path) -> Iterator[Detector]:
    detector = Detector(Config(), Store.open(folder, scheme=SCHEME))
    yield detector
    detector.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with opened(tmp_path / "data") as detector:
        for moment, (name, wire) in enumerate((("a", 1), ("b", 1), ("c", 3), ("d", 3), ("e", 4)), 1):
            detector.ingest([Article(name, written(wire, 0), title=name, source=f"{name}.example")], moment)
    return tmp_path / "data"


def members(detector: Detector, story: str) -> list[str]:
    return [member.id for member in detector.story(story).members]


def test_undoing_a_merge_gives_the_parted_story_its_old_id_back(folder: Path) -> None:
    with opened(folder) as detector:
        detector.merge("s0", "s2", 10, ANNA)
        assert detector.story("s2").id == "s0"
        detector.undo("e1", 11, Said("Bert", "no, they are not"))
        assert members(detector, "s0") == ["a", "b"]
        assert members(detector, "s2") == ["c", "d"]
        assert detector.story("s2").id == "s2"
        assert detector.pins() == []
    with opened(folder) as detector:  # and so it is after a restart
        assert detector.story("s2").id == "s2"
        assert members(detector, "s2") == ["c", "d"]
        told, cursor = detector.actions()
        assert [(one.id, one.kind, one.by, one.reason, one.at) for one in told] == [
            ("e2", "undone", "Bert", "no, they are not", 11),
            ("e1", "merged", "Anna", "both are the dispatch of noon", 10),
        ]
        assert (told[1].undone_by, told[0].undoes, cursor) == ("e2", "e1", None)


def test_who_follows_the_feed_sees_the_story_come_back(folder: Path) -> None:
    with opened(folder) as detector:
        detector.merge("s0", "s2", 10)
        last = detector.last_event
        detector.undo("e1", 11)
        [split, *_] = detector.events(last)
        assert (split.type, split.story, split.other, split.articles) == ("split", "s0", "s2", ("c", "d"))


def test_what_came_after_a_merge_goes_where_it_belongs(folder: Path) -> None:
    with opened(folder) as detector:
        detector.merge("s0", "s2", 10)
        detector.ingest([Article("f", written(3, 0)), Article("g", written(1, 0))], 11)
        assert len(members(detector, "s0")) == 6
        detector.undo("e1", 12)
        assert members(detector, "s0") == ["a", "b", "g"]
        assert members(detector, "s2") == ["c", "d", "f"]


def test_a_revision_that_came_after_a_merge_goes_back_too(folder: Path) -> None:
    with opened(folder) as detector:
        detector.merge("s0", "s2", 10)
        detector.ingest([Article("d", written(3, 0) + " Corrected.")], 11)
        detector.undo("e1", 12)
        assert members(detector, "s2") == ["c", "d"]


def test_a_merge_on_which_another_was_built_is_undone_after_that(folder: Path) -> None:
    with opened(folder) as detector:
        detector.merge("s2", "s4", 10)
        detector.merge("s0", "s2", 11)
        assert detector.story("s4").id == "s0"
        with pytest.raises(errors.Pinned, match="to undo e1"):  # the second says that e and a are one story
            detector.undo("e1", 12)
        assert members(detector, "s0") == ["a", "b", "c", "d", "e"]
        detector.undo("e2", 13)
        assert (members(detector, "s0"), members(detector, "s2")) == (["a", "b"], ["c", "d", "e"])
        assert detector.story("s4").id == "s2"
        detector.undo("e1", 14)
        assert (members(detector, "s2"), members(detector, "s4")) == (["c", "d"], ["e"])


def test_a_split_is_undone_and_the_part_leads_back(folder: Path) -> None:
    with opened(folder) as detector:
        _, new = detector.split("s0", ["b"], 10, ANNA)
        assert new.id != "s0"
        detector.undo("e1", 11)
        assert members(detector, "s0") == ["a", "b"]
        assert detector.story(new.id).id == "s0"


def test_pins_are_undone_and_so_are_cancelled_pins(folder: Path) -> None:
    with opened(folder) as detector:
        pin = detector.pin(["a", "b"], together=False, now=10)
        apart = detector.article("b").story
        assert apart != "s0"
        detector.unpin(pin.id, 11)
        assert detector.article("b").story == "s0"
        detector.undo("e2", 12)  # the pin is there again, and b is where it was
        assert [p.together for p in detector.pins()] == [False]
        assert detector.article("b").story == apart


def test_an_undo_can_be_undone(folder: Path) -> None:
    with opened(folder) as detector:
        detector.merge("s0", "s2", 10)
        detector.undo("e1", 11)
        detector.undo("e2", 12)
        assert members(detector, "s0") == ["a", "b", "c", "d"]
        assert detector.story("s2").id == "s0"
        assert len(detector.pins()) == 1


def test_nothing_is_undone_twice_or_where_nothing_is_left(folder: Path) -> None:
    with opened(folder) as detector:
        detector.merge("s0", "s2", 10)
        detector.undo("e1", 11)
        with pytest.raises(errors.UsageError, match="e1 was undone by e2"):
            detector.undo("e1", 12)
        with pytest.raises(errors.UnknownAction):
            detector.undo("e99", 12)
        with pytest.raises(errors.UnknownAction):
            detector.undo("nonsense", 12)
        detector.merge("s0", "s4", 13)
        detector.erase("e", 14)
        detector.undo("e3", 15)  # the pin went; nobody is left who could go back
        assert members(detector, "s0") == ["a", "b"]


def test_a_pin_that_was_made_since_is_not_broken(folder: Path) -> None:
    with opened(folder) as detector:
        detector.split("s0", ["b"], 10)
        detector.pin(["a", "b"], together=False, now=11)
        with pytest.raises(errors.Pinned):
            detector.undo("e1", 12)
        assert detector.article("b").story != "s0"


def test_the_canonical_is_corrected_for_good_and_taken_back(folder: Path) -> None:
    with opened(folder) as detector:
        assert detector.story("s0").canonical == "a"
        assert detector.correct("s0", "b", 10, ANNA).canonical == "b"
        [event] = detector.events(detector.last_event - 1)
        assert (event.type, event.article, event.previous) == ("canonical_changed", "b", "a")
        detector.ingest([Article("b", written(1, 0) + " Corrected.")], 11)
        assert detector.story("s0").canonical == "b"
        with pytest.raises(errors.UsageError):
            detector.correct("s0", "c", 11)
    with opened(folder) as detector:
        assert detector.story("s0").canonical == "b"
        detector.undo("e1", 12)
        assert detector.story("s0").canonical == "a"
    with opened(folder) as detector:
        assert detector.story("s0").canonical == "a"


def test_a_status_is_set_with_a_reason_and_taken_back(folder: Path) -> None:
    with opened(folder) as detector:
        assert detector.set_status("a", "canceled", 10, ANNA).status == "canceled"
        assert detector.story("s0").recall == ("b",)
        detector.undo("e1", 11)
        assert detector.article("a").status == "usable"
        assert detector.story("s0").recall == ()
        detector.set_status("b", "withheld", 12, ANNA)
        assert members(detector, "s0") == ["a"]
    with opened(folder) as detector:
        assert [one.after for one in detector.actions()[0]] == ["withheld", "usable", "canceled"]
        detector.set_status("b", "usable", 13, ANNA)
        assert members(detector, "s0") == ["a", "b"]


def test_an_erasure_is_told_of_and_stays(folder: Path) -> None:
    with opened(folder) as detector:
        detector.erase("b", 10, ANNA)
        [told] = detector.actions()[0]
        assert (told.kind, told.articles, told.can_be_undone) == ("erased", ("b",), False)
        with pytest.raises(errors.UsageError, match="cannot be undone"):
            detector.undo("e1", 11)


def test_a_rebuild_keeps_what_was_done_and_undone(folder: Path) -> None:
    with opened(folder) as detector:
        detector.merge("s0", "s2", 10, ANNA)
        detector.undo("e1", 11)
        detector.merge("s0", "s4", 12)
        detector.correct("s0", "b", 13)
        told = detector.actions()
    with open_rebuild(folder, Config()) as rebuild:
        rebuild.run(20, lambda done: None)
    with opened(folder) as detector:
        assert detector.actions() == told
        assert (members(detector, "s0"), members(detector, "s2")) == (["a", "b", "e"], ["c", "d"])
        assert detector.story("s2").id == "s2"
        assert detector.story("s0").canonical == "b"
        detector.undo("e3", 21)
        assert members(detector, "s4") == ["e"]


def test_old_actions_go_with_what_is_pruned(folder: Path) -> None:
    day = 86_400_000
    with opened(folder) as detector:
        detector.merge("s0", "s2", 10, ANNA)
        detector.correct("s0", "b", 11)
        detector.ingest([Article("z", written(9, 0))], 400 * day)
        detector.prune(400 * day)
        assert detector.actions()[0] == []
    with opened(folder) as detector:
        assert detector.actions()[0] == []
