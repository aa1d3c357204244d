"""The map of the house leads a reader to the file that answers a question, and names nothing that is gone."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "service" / "wirecopy"
MAP = ROOT / "docs" / "architecture.md"
TEXT = MAP.read_text(encoding="utf-8")

# What a reader asks who has never seen the code -> the file that decides it, and the name to look for there.
QUESTIONS = {
    "How long does the residue of an erased article stay?": ("detector/history/replay.py", "useless"),
    "Which file refuses a body that is too slow?": ("web/http/body.py", "TooSlow"),
    "Why do two texts match?": ("detector/answers/explain.py", "explain"),
    "When is an article too old, or one too many, to be compared with?": (
        "detection/index/contents.py",
        "overfull",
    ),
    "Which words count as rare?": ("detection/words/rarity.py", "importance"),
    "From which score on do two articles match?": ("config.py", "min_odds"),
    "When do two stories become one?": ("detection/grouping/stories.py", "LEAST"),
    "Which article stands for its story?": ("detector/memory/canonical.py", "Policy"),
    "What is on disk when a request is answered?": ("storage/store.py", "append"),
    "Which address may a webhook not reach?": ("web/feed/targets.py", "read_hosts"),
}
_ROW = re.compile(r"^\| (?P<question>[^|]+\?) \| \[(?P<path>[^\]]+)\]\((?P<link>[^)]+)\), `(?P<name>\w+)` \|$", re.M)
_LINK = re.compile(r"\]\((?P<target>[^)#:]+)(?:#[\w-]+)?\)")
_QUOTED = re.compile(r"`([^`\n]+)`")
_OF_OTHERS = {"aiohttp", "httpx", "numba", "llvmlite", "sqlite3", "try", "wirecopy compact", "--state"}


def names_in(module: Path) -> set[str]:
    """What a module defines, at any depth, and what it uses by name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name):
            found.add(node.id)
    return found


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question[:40])
def test_the_map_alone_leads_to_the_file_that_answers(question: str) -> None:
    path, name = QUESTIONS[question]
    rows = {row["question"]: row for row in _ROW.finditer(TEXT)}
    assert (rows[question]["path"], rows[question]["name"]) == (path, name)
    assert (MAP.parent / rows[question]["link"]).resolve() == PACKAGE / path
    assert name in names_in(PACKAGE / path)


def test_every_room_has_its_line_and_its_door() -> None:
    for door in PACKAGE.rglob("__init__.py"):
        room = door.parent.relative_to(PACKAGE).as_posix()
        if room not in (".", "detection"):
            assert f"| [{room}/](../service/wirecopy/{room}/__init__.py) |" in TEXT, f"{room} has no line on the map"
        assert ast.get_docstring(ast.parse(door.read_bytes())), f"{room} is not opened by its __init__"


def test_every_link_of_the_map_leads_somewhere() -> None:
    targets = [match["target"] for match in _LINK.finditer(TEXT)]
    assert targets
    assert [target for target in targets if not (MAP.parent / target).exists()] == []


def test_every_path_and_name_that_the_map_mentions_is_there() -> None:
    known = set().union(*(names_in(module) for module in PACKAGE.rglob("*.py")))
    strings = "\n".join(module.read_text(encoding="utf-8") for module in PACKAGE.rglob("*.py"))
    for quoted in _QUOTED.findall(TEXT):
        if quoted in _OF_OTHERS or quoted.startswith(
            ("PUT ", "DELETE ", "GET ", "POST ", "/", "wirecopy ", "pip ", "--")
        ):
            continue
        if "/" in quoted or quoted.endswith(".py"):
            places = [PACKAGE / quoted, PACKAGE / f"{quoted}.py", ROOT / quoted]
            assert any(place.exists() for place in places) or quoted == "__init__.py", quoted
        else:
            for part in re.findall(r"[\w-]+", quoted):
                assert part in known or re.search(rf"[\"'.]{re.escape(part)}\b", strings), quoted
