"""What editors may do to the stories of a Detector, drawn at random."""

import contextlib
from typing import Any

from hypothesis import strategies as st

from wirecopy import errors
from wirecopy.detector.detector import Detector

Edit = tuple[str, int, int]


def edits() -> Any:
    """A kind of edit, and two numbers that choose what it concerns."""
    return st.tuples(
        st.sampled_from(["merge", "merge", "split", "pin together", "pin apart", "unpin"]),
        st.integers(0, 11),
        st.integers(0, 11),
    )


def edit(live: Detector, what: Edit, now: int) -> None:
    """Does it, where there is something to do it to; what pins forbid is refused, and all pins hold afterwards."""
    kind, one, other = what
    ids = sorted(live._archive.number_of)
    if len(ids) < 2:
        return
    a, b = ids[one % len(ids)], ids[other % len(ids)]
    story = live.article(a).story
    with contextlib.suppress(errors.Pinned, errors.UsageError, errors.UnknownStory):  # of hidden articles alone
        match kind:
            case "merge":
                target = live.article(b).story
                merged = live.merge(story, target, now)
                hidden = {live._archive.kept[number].id for number in live._archive.hidden}
                assert {member.id for member in merged.members} >= {a, b} - hidden
                assert live.story(story).id == live.story(target).id == merged.id
            case "split":
                members = [member.id for member in live.story(story).members]
                kept, new = live.split(story, members[: 1 + other % 3], now)
                assert kept.id == story != new.id
                assert len(kept.members) >= len(new.members)
            case "unpin":
                for pin in live.pins()[one % 3 : 1 + one % 3]:
                    live.unpin(pin.id, now)
            case _:
                live.pin([a, b], together=kind == "pin together", now=now)
    check_pins(live)


def take_step(live: Detector, what: str, given: Any, now: int) -> None:
    """Does one of the steps that need nothing but a Detector and the moment."""
    match what:
        case "ingest":
            live.ingest(given, now)
        case "expire":
            live.expire(now)
        case "prune":
            live.prune(now)
        case "reach":
            live.reach(now)
        case "clear":
            live.clear_boilerplate(given, now)
        case "erase":
            if given in live._archive.number_of:
                live.erase(given, now)
        case "edit":
            edit(live, given, now)
        case _:
            raise AssertionError(f"no step is called {what}")


def check_pins(live: Detector) -> None:
    """All that is pinned together is in one story, nothing that is pinned apart is."""
    for pin in live.pins():
        left, right = ({live.article(name).story for name in side} for side in (pin.articles, pin.others))
        if pin.together:
            assert len(left | right) == 1, pin
        else:
            assert not left & right, pin
