"""Who may import whom, which library lives where, and what no file may be called: the diagram cannot drift."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "service" / "wirecopy"

# Layer -> layers it may import. A layer is a module of the package or, for a folder, all of its modules.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"article", "client", "comparison", "detector", "errors", "keying", "minhashing", "verdict", "version"},
    "__main__": {"cli"},
    "cli": {
        *("article", "batch", "client", "comparison", "config", "errors", "garbage", "journal", "labels", "reading"),
        *("storage", "terminal", "tuning", "serving", "upkeep", "version", "web", "writing"),
    },
    "rebuilding": {
        *("archive", "arrivals", "article", "canonical", "config", "decision", "detection", "editing", "errors"),
        *("events", "models", "sketching", "state", "storage", "survey", "witness"),
    },
    "survey": {"archive", "decision", "detection", "events", "redirects", "storage"},
    "serving": {"config", "detector", "pushing", "reading", "storage", "terminal", "web"},
    "pushing": {"calls", "client", "config", "errors", "reading", "wire"},
    "upkeep": {"boilerplate", "config", "detector", "rebuilding", "storage", "terminal"},
    "terminal": {"article", "batch", "verdict"},
    "batch": {
        *("ahead", "archive", "article", "canonical", "config", "detection", "errors", "intake", "journal"),
        *("reading", "sketching", "spool", "state"),
    },
    "intake": {"article", "decision", "errors", "journal", "reading", "sketching"},
    "journal": {
        *("answers", "archive", "article", "canonical", "config", "decision", "errors", "feed", "models", "records"),
        *("replay", "detection", "state", "storage"),
    },
    "ahead": set(),
    "garbage": set(),
    "spool": {"errors"},
    "tuning": {"detection", "errors", "labels"},
    "labels": {"config", "detection", "errors", "lines", "reading", "sketching"},
    "web": {"article", "comparison", "config", "detector", "errors", "events", "ninjs", "verdict", "version", "wire"},
    "client": {"calls", "config", "errors", "verdict", "version", "wire"},
    "calls": {"article", "config", "errors", "verdict", "wire"},
    "wire": {"article", "events", "verdict"},
    "verdict": {"article"},
    "revisions": {"verdict"},
    "detector": {
        *("answers", "archive", "arrivals", "article", "boilerplate", "canonical", "comparison", "config"),
        *("decision", "detection", "editing", "errors", "events", "feed", "models", "records"),
        *("replay", "sketching", "state", "storage", "tally", "verdict", "witness"),
    },
    "arrivals": {
        *("answers", "archive", "article", "canonical", "decision", "detection", "events", "records", "sketching"),
        *("state", "storage", "verdict", "witness"),
    },
    "witness": {"archive", "canonical", "detection", "events"},
    "editing": {"decision", "detection", "state"},
    "feed": {"decision", "errors", "events", "redirects", "storage"},
    "redirects": set(),
    "events": {"detection"},
    "boilerplate": {"archive", "detection", "errors", "verdict"},
    "comparison": {"article", "config", "detection", "errors", "models", "sketching", "verdict"},
    "records": {"answers", "archive", "article", "decision", "detection", "state"},
    "replay": {"archive", "decision", "detection", "editing", "events", "feed", "garbage", "state", "storage"},
    "state": {"archive", "article", "config", "decision", "detection", "models", "sketching"},
    "answers": {"archive", "canonical", "decision", "detection", "revisions", "tally", "verdict"},
    "tally": {"archive", "article", "detection", "verdict"},
    "canonical": {"archive", "config", "decision"},
    "archive": {"article", "decision", "detection", "directory", "errors", "storage"},
    "directory": set(),
    "decision": {"article", "config", "detection", "errors", "verdict"},
    "sketching": {"article", "detection"},
    "keying": {"config", "detection"},
    "minhashing": {"detection"},
    "models": {"detection", "errors"},
    "detection": set(),
    "storage": {"errors"},
    "reading": {"article", "config", "errors", "lines", "ninjs", "tables"},
    "ninjs": {"article", "config", "errors", "markup"},
    "markup": {"errors"},
    "tables": {"errors", "lines"},
    "lines": {"errors"},
    "writing": {"errors"},
    "article": {"config", "errors"},
    "config": {"errors"},
    "errors": set(),
    "version": set(),
    "data": {"detection"},
}

# Library -> the only places that may import it, as path prefixes within the package.
LIVES_IN: dict[str, tuple[str, ...]] = {
    "aiohttp": ("web/",),
    "click": ("cli.py", "serving.py", "upkeep.py"),
    "httpx": ("client.py",),
    "isal": ("lines.py",),
    "datasketch": ("minhashing.py",),
    "llvmlite": ("detection/lanes.py",),
    "numba": ("detection/kernels.py", "detection/lanes.py", "detection/signing.py"),
    "pyarrow": ("tables.py",),
    "selectolax": ("markup.py",),
    "rich": ("terminal.py",),
    "sqlite3": ("storage/",),
    "wordfreq": ("data/",),
    "yaml": ("config.py",),
}

# Detection decides from its arguments alone: no clock, no chance, no loop of events, no network.
NOT_IN_DETECTION = {"asyncio", "random", "secrets", "socket", "sqlite3", "threading", "time"}

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "factory"}


def modules_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports_of(module: Path) -> Iterator[str]:
    """Dotted names of everything that a module imports, wherever in the file."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: line {node.lineno}: imports name their package in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_of(module: Path) -> str:
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(module: Path) -> set[str]:
    ours = (name.split(".") for name in imports_of(module) if name.split(".")[0] == "wirecopy")
    return {parts[1] if len(parts) > 1 else "__init__" for parts in ours}


@pytest.mark.parametrize("module", modules_of(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_layer_imports_only_what_the_diagram_allows(module: Path) -> None:
    layer = layer_of(module)
    assert layer in MAY_IMPORT, f"{layer} is missing from the table"
    surplus = imported_layers(module) - MAY_IMPORT[layer] - {layer}
    assert not surplus, f"{layer} may not import {', '.join(sorted(surplus))}"


@pytest.mark.parametrize("module", modules_of(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_imported_only_where_it_lives(module: Path) -> None:
    path = module.relative_to(PACKAGE).as_posix()
    for name in imports_of(module):
        homes = LIVES_IN.get(name.split(".")[0])
        assert homes is None or path.startswith(homes), f"{path} may not import {name}"


@pytest.mark.parametrize("module", modules_of(PACKAGE / "detection"), ids=lambda path: path.name)
def test_detection_knows_neither_clock_nor_chance_nor_network(module: Path) -> None:
    assert not {name.split(".")[0] for name in imports_of(module)} & NOT_IN_DETECTION


def test_the_table_has_no_cycle() -> None:
    finished: set[str] = set()
    while len(finished) < len(MAY_IMPORT):
        ready = {layer for layer, allowed in MAY_IMPORT.items() if allowed <= finished} - finished
        assert ready, f"a cycle among {sorted(set(MAY_IMPORT) - finished)}"
        finished |= ready


def test_compiled_loops_live_where_the_compiler_may_be_imported() -> None:
    for module in modules_of(PACKAGE):
        if module.relative_to(PACKAGE).as_posix() not in LIVES_IN["numba"]:
            assert b"njit" not in module.read_bytes(), f"{module} compiles something"


@pytest.mark.parametrize("folder", ["service", "tests", "bench"])
def test_no_file_has_a_name_that_says_nothing(folder: str) -> None:
    for module in modules_of(ROOT / folder):
        assert not set(module.stem.lower().split("_")) & FORBIDDEN_NAMES, f"{module} needs a better name"


def test_no_test_sleeps() -> None:
    for module in modules_of(ROOT / "tests"):
        for node in ast.walk(ast.parse(module.read_bytes())):
            called = node.func if isinstance(node, ast.Call) else None
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            assert name != "sleep", f"{module}: line {getattr(node, 'lineno', 0)} sleeps; wait for a condition"
