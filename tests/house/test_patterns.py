"""Patterns that cannot run away: no repetition inside a repetition, none beside another that takes the same letters."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants as code  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import wirecopy

MANY = 64  # a repetition that may go on longer than this counts as endless
ALPHABET = [chr(point) for point in range(0x250)] + list("ЖуקاकँカんҚ中한ᄒ\u1161\u11a8\u2003\u2028\u3099\ufffd")
OPEN_REPEATS = (code.MAX_REPEAT, code.MIN_REPEAT)


def patterns() -> Iterator[tuple[str, "re.Pattern[Any]"]]:
    """Every compiled pattern that a module of the package holds by a name, in a dictionary or by one of its methods."""
    for module in pkgutil.walk_packages(wirecopy.__path__, "wirecopy."):
        if module.name.endswith("__main__") or ".kernels" in module.name:
            continue
        try:
            loaded = importlib.import_module(module.name)
        except ImportError:  # of an extra that is not installed
            continue
        for name, value in vars(loaded).items():
            held = value.values() if isinstance(value, dict) else [getattr(value, "__self__", value)]
            for one in held:
                if isinstance(one, re.Pattern):
                    yield f"{module.name}.{name}", one


def faults(pattern: str | bytes, flags: int = 0) -> list[str]:
    """Why a pattern may take more than its input's length; nothing when it does not."""
    written = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    flags &= ~re.UNICODE if isinstance(pattern, bytes) else ~0
    return sorted(set(_faults(list(parser.parse(pattern, flags)), flags & (re.DOTALL | re.IGNORECASE), written)))


def _faults(items: list[Any], flags: int, written: str) -> Iterator[str]:
    open_before: frozenset[str] = frozenset()
    for op, value in items:
        for inner in _inside(op, value):
            yield from _faults(inner, flags, written)
        if _is_endless(op, value):
            body = list(value[2])
            if _repeats_at_its_edges(body, flags):
                yield f"a repetition within a repetition: {written}"
            letters = _letters(body, flags)
            if open_before & letters:
                yield f"two repetitions side by side that take the same letters: {written}"
            open_before = open_before | letters if value[0] == 0 else letters
        elif not _may_be_nothing(op, value):
            open_before = frozenset()


def _inside(op: Any, value: Any) -> list[list[Any]]:
    if op in (*OPEN_REPEATS, code.POSSESSIVE_REPEAT):
        return [list(value[2])]
    if op is code.SUBPATTERN:
        return [list(value[3])]
    if op is code.ATOMIC_GROUP:
        return [list(value)]
    if op is code.BRANCH:
        return [list(branch) for branch in value[1]]
    return []


def _is_endless(op: Any, value: Any) -> bool:
    return op in OPEN_REPEATS and value[1] > MANY and value[0] != value[1]


def _repeats_at_its_edges(body: list[Any], flags: int) -> bool:
    """Whether one round can end where the next could as well begin: an open repetition whose letters may follow it."""
    first = _first_letters(body, flags)
    for k, (op, value) in enumerate(body):
        if _is_endless(op, value):
            behind = _first_letters(body[k + 1 :], flags) or frozenset()
            ends_here = all(_may_be_nothing(*each) for each in body[k + 1 :])
            if _letters(list(value[2]), flags) & (first if ends_here else behind):
                return True
        for inner in _inside(op, value) if op in (code.SUBPATTERN, code.BRANCH) else []:
            if _repeats_at_its_edges(inner, flags):
                return True
    return False


def _may_be_nothing(op: Any, value: Any) -> bool:
    if op in (*OPEN_REPEATS, code.POSSESSIVE_REPEAT):
        return value[0] == 0 or all(_may_be_nothing(*each) for each in value[2])
    if op in (code.AT, code.ASSERT, code.ASSERT_NOT):
        return True
    inner = _inside(op, value)
    return bool(inner) and any(all(_may_be_nothing(*each) for each in items) for items in inner)


def _first_letters(items: list[Any], flags: int) -> frozenset[str]:
    """What a match of these may begin with."""
    found: frozenset[str] = frozenset()
    for op, value in items:
        inner = _inside(op, value)
        found |= frozenset().union(*(_first_letters(one, flags) for one in inner)) if inner else _own(op, value, flags)
        if not _may_be_nothing(op, value):
            break
    return found


def _letters(items: list[Any], flags: int) -> frozenset[str]:
    """All that a match of these may hold."""
    found: frozenset[str] = frozenset()
    for op, value in items:
        inner = _inside(op, value)
        found |= frozenset().union(*(_letters(one, flags) for one in inner)) if inner else _own(op, value, flags)
    return found


def _own(op: Any, value: Any, flags: int) -> frozenset[str]:
    """The letters of one item that holds no others, tried one by one."""
    if op in (code.AT, code.ASSERT, code.ASSERT_NOT, code.GROUPREF):
        return frozenset()
    if op is code.LITERAL:
        return frozenset((chr(value),))
    if op is code.NOT_LITERAL:
        return frozenset(ALPHABET) - {chr(value)}
    if op is code.ANY:
        return frozenset(ALPHABET) if flags & re.DOTALL else frozenset(ALPHABET) - {"\n"}
    assert op is code.IN, op
    negated = value[0][0] is code.NEGATE
    held = frozenset(letter for letter in ALPHABET if any(_holds(each, letter) for each in value[negated:]))
    return frozenset(ALPHABET) - held if negated else held


def _holds(item: Any, letter: str) -> bool:
    op, value = item
    if op is code.LITERAL:
        return bool(ord(letter) == value)
    if op is code.RANGE:
        return bool(value[0] <= ord(letter) <= value[1])
    return re.match(CATEGORIES[value], letter) is not None


CATEGORIES = {
    code.CATEGORY_DIGIT: r"\d", code.CATEGORY_NOT_DIGIT: r"\D", code.CATEGORY_SPACE: r"\s",
    code.CATEGORY_NOT_SPACE: r"\S", code.CATEGORY_WORD: r"\w", code.CATEGORY_NOT_WORD: r"\W",
}  # fmt: skip


def test_no_pattern_of_the_package_can_run_away() -> None:
    found = list(patterns())
    assert len(found) > 30
    wrong = [f"{name}: {fault}" for name, pattern in found for fault in faults(pattern.pattern, pattern.flags)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+",
        r"(a*)*b",
        r"(?:a|b+)*",
        r"\s*\s+x",
        r"[ \t]*\s*$",
        r"\d+\w*",
        r"(?:,?\d+)*,",
        r"a*b?a*",
        r".*-->.*x+y*[x-z]*",
    ],
)
def test_patterns_that_could_are_told(pattern: str) -> None:
    assert faults(pattern)


@pytest.mark.parametrize(
    "pattern",
    [r"(?:,\d{3})*", r"(?:,\d+)+", r"a+b+", r"(?:a++)*+", r"\s*x\s*", r"(?:[^'\\]|\\.)*'", r"a{1,20}a{1,20}"],
)
def test_patterns_that_cannot_are_let_be(pattern: str) -> None:
    assert not faults(pattern)
