"""Figures in words: how much was taken over, how sure that is, what an event was, how old something is."""

from wirecopy.web.page.strings import say

_SURE = ((0.97, "certain"), (0.85, "very_likely"), (0.6, "likely"), (0.35, "possible"), (0.0, "unlikely"))


def share(part: float) -> str:
    """Return how many words a part is: nine of ten words."""
    tenths = round(part * 10)
    if part >= 0.995:
        return say("shares.all")
    if part < 0.02:
        return say("shares.none")
    if tenths == 0:
        return say("shares.few")
    return say("shares.tenths", number=say(f"shares.n{min(tenths, 9)}"))


def sureness(score: float | None) -> str:
    """Return how sure a score is."""
    if score is None:
        return ""
    return say("sureness." + next(name for least, name in _SURE if score >= least))


def relation(name: str | None) -> str:
    """Return what a relation is called."""
    return say(f"relations.{name}") if name else say("relations.none")


def took(name: str | None) -> str:
    """Return what the later of two articles did with the earlier one."""
    return say(f"took.{name}") if name else say("took.none")


def event(kind: str) -> str:
    """Return what kind of event something was."""
    return say(f"events.{kind}")


def percent(part: float) -> str:
    """Return a part of one in hundredths."""
    return f"{part * 100:.0f}\u202f%"
