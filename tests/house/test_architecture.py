"""Who may import whom, which library lives where, and what no file may be called: the house cannot drift."""

import ast
import os
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "service" / "wirecopy"

# Room -> the rooms whose contents it may import. `errors` is open to all.
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": {"client", "detection", "detector", "schema"},
    "__main__": {"cli"},
    "cli": {"batch", "client", "config", "detector", "files", "schema", "spark", "storage", "web"},
    "web": {"config", "detector", "schema"},
    "batch": {"config", "detection", "detector", "files", "schema", "storage"},
    "spark": {"batch", "config", "detection", "detector", "files", "schema"},
    "client": {"config", "files", "schema"},
    "detector": {"config", "detection", "schema", "storage"},
    "files": {"config", "schema"},
    "schema": {"config"},
    "detection": set(),
    "storage": set(),
    "config": set(),
    "errors": set(),
}

# Library -> the only places that may import it, as path prefixes within the package.
LIVES_IN: dict[str, tuple[str, ...]] = {
    "aiohttp": ("web/",),
    "click": ("cli/",),
    "httpx": ("client/",),
    "aiokafka": ("client/connectors/kafka.py",),
    "redis": ("client/connectors/redis_streams.py",),
    "nats": ("client/connectors/nats.py",),
    "aio_pika": ("client/connectors/rabbitmq.py",),
    "charset_normalizer": ("files/tables.py",),
    "feedparser": ("files/feeds.py",),
    "fsspec": ("files/remote.py",),
    "lxml": ("schema/formats/xml.py",),
    "trafilatura": ("files/archives.py",),
    "warcio": ("files/archives.py",),
    "isal": ("files/lines.py",),
    "datasketch": ("detection/words/minhash.py",),
    "llvmlite": ("detection/kernels/",),
    "numba": ("detection/kernels/",),
    "pyarrow": ("files/tables.py", "files/answers.py", "spark/"),
    "pyspark": ("spark/",),
    "selectolax": ("schema/markup.py",),
    "psycopg": ("storage/postgres/",),
    "rich": ("cli/terminal.py",),
    "jinja2": ("web/page/",),
    "sqlite3": ("storage/", "web/search/"),
    "yaml": ("config.py",),
}

# Detection decides from its arguments alone: no clock, no chance, no loop of events, no network.
NOT_IN_DETECTION = {"asyncio", "random", "secrets", "socket", "sqlite3", "threading", "time"}

# First words of a docstring that is not in the imperative.
NOT_IMPERATIVE = {
    "->", "Adds", "Counts", "Decides", "Finds", "Forgets", "Gives", "Keeps", "Leaves", "Makes", "Puts", "Removes",
    "Returns", "Says", "Stores", "Takes", "Tells", "Writes", "Yields",
}  # fmt: skip

FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "factory"}

MOST_ENTRIES = 14  # of the package's own folder
MOST_LINES = 600  # of a file
MOST_LINES_OF_KERNELS = 500
MOST_METHODS = 25  # of a class
MOST_LINES_OF_A_FUNCTION = 60  # but kernels, which say one loop in one piece
MOST_ARROWS = 60  # between rooms: a room that imports another, whatever the number of files


def modules_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imports_of(module: Path) -> Iterator[str]:
    """Dotted names of everything that a module imports, wherever in the file, for the type checker too."""
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: line {node.lineno}: imports name their package in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(name: str) -> Path:
    """The file behind a dotted name of ours; of a name within a module, that module's."""
    parts = name.split(".")[1:]
    while parts:
        path = PACKAGE.joinpath(*parts)
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
        if (path / "__init__.py").is_file():
            return path / "__init__.py"
        parts.pop()
    return PACKAGE / "__init__.py"


def our_imports(module: Path) -> set[Path]:
    return {file_of(name) for name in imports_of(module) if name.split(".")[0] == "wirecopy"}


def entry_of(file: Path, folder: Path) -> str:
    """The entry of `folder`, a file or a room, to which a file below it belongs."""
    return file.relative_to(folder).parts[0].removesuffix(".py")


@pytest.mark.parametrize("module", modules_of(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_from_the_rooms_below_it(module: Path) -> None:
    room = entry_of(module, PACKAGE)
    assert room in MAY_IMPORT, f"{room} is missing from the table"
    surplus = {entry_of(file, PACKAGE) for file in our_imports(module)} - MAY_IMPORT[room] - {room, "errors"}
    assert not surplus, f"{room} may not import {', '.join(sorted(surplus))}"


def test_no_row_of_the_table_is_there_for_nothing() -> None:
    used: dict[str, set[str]] = {room: set() for room in MAY_IMPORT}
    for module in modules_of(PACKAGE):
        used[entry_of(module, PACKAGE)] |= {entry_of(file, PACKAGE) for file in our_imports(module)}
    assert {room: allowed - used[room] for room, allowed in MAY_IMPORT.items() if allowed - used[room]} == {}


@pytest.mark.parametrize(
    "folder",
    sorted({module.parent for module in modules_of(PACKAGE)}),
    ids=lambda path: str(path.relative_to(PACKAGE.parent)),
)
def test_no_room_has_a_circle_or_an_arrow_back_up(folder: Path) -> None:
    arrows: dict[str, set[str]] = {}
    for module in modules_of(folder):
        own = entry_of(module, folder)
        if own == "__init__":  # it opens the room and may name all of it
            continue
        others = {entry_of(file, folder) for file in our_imports(module) if file.is_relative_to(folder)}
        arrows.setdefault(own, set()).update(others - {own})
    try:
        list(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        pytest.fail(f"{folder.name}: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", modules_of(PACKAGE), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_library_is_imported_only_where_it_lives(module: Path) -> None:
    path = module.relative_to(PACKAGE).as_posix()
    for name in imports_of(module):
        places = LIVES_IN.get(name.split(".")[0])
        assert places is None or path.startswith(places), f"{path} imports {name}"


@pytest.mark.parametrize("module", modules_of(PACKAGE / "detection"), ids=lambda path: path.stem)
def test_detection_knows_no_clock_and_no_chance(module: Path) -> None:
    assert {name.split(".")[0] for name in imports_of(module)} & NOT_IN_DETECTION == set()


def test_the_house_stays_small_enough_to_find_the_way() -> None:
    entries = {path.name for path in PACKAGE.iterdir()} - {"__pycache__", "__init__.py", "__main__.py"}
    assert len(entries) <= MOST_ENTRIES
    kernels = PACKAGE / "detection" / "kernels"
    too_long = {
        str(module.relative_to(PACKAGE)): lines
        for module in modules_of(PACKAGE)
        if (lines := len(module.read_text(encoding="utf-8").splitlines()))
        > (MOST_LINES_OF_KERNELS if module.parent == kernels else MOST_LINES)
    }
    assert too_long == {}


def classes_of_the_package() -> Iterator[tuple[Path, ast.ClassDef]]:
    for module in modules_of(PACKAGE):
        for node in ast.walk(ast.parse(module.read_bytes())):
            if isinstance(node, ast.ClassDef):
                yield module.relative_to(PACKAGE), node


def test_no_name_is_borne_by_two_classes() -> None:
    homes: dict[str, list[str]] = {}
    for module, node in classes_of_the_package():
        homes.setdefault(node.name, []).append(f"{module}:{node.lineno}")
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def test_no_class_has_more_methods_than_one_can_keep_in_mind() -> None:
    counts = {
        f"{module}: {node.name}": sum(isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) for part in node.body)
        for module, node in classes_of_the_package()
    }
    assert {name: count for name, count in counts.items() if count > MOST_METHODS} == {}


def test_functions_are_short_outside_the_kernels() -> None:
    too_long = {}
    for module in modules_of(PACKAGE):
        if module.parent.name == "kernels":
            continue
        for node in ast.walk(ast.parse(module.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                lines -= len((ast.get_docstring(node) or "").splitlines())  # of a command it is the help
                if lines > MOST_LINES_OF_A_FUNCTION:
                    too_long[f"{module.relative_to(PACKAGE)}: {node.name}"] = lines
    assert too_long == {}


def test_docstrings_open_in_one_form() -> None:
    """Functions say what they do in the imperative: "Return the traces", neither "-> the traces" nor "Returns"."""
    others = []
    for module in modules_of(PACKAGE):
        for node in ast.walk(ast.parse(module.read_bytes())):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            text = ast.get_docstring(node)
            if text and text.split()[0] in NOT_IMPERATIVE:
                others.append(f"{module.relative_to(PACKAGE)}:{node.lineno}: {text.splitlines()[0]}")
    assert others == []


def test_few_arrows_lead_from_room_to_room() -> None:
    """Count each pair of neighbouring rooms once, in the house and in each of its floors; `errors` is open to all."""
    arrows: set[tuple[Path, str, str]] = set()
    for module in modules_of(PACKAGE):
        for file in our_imports(module) if module.name != "__init__.py" else ():
            floor = Path(os.path.commonpath([module.parent, file.parent]))
            one, other = entry_of(module, floor), entry_of(file, floor)
            if (
                one != other
                and other != "errors"
                and (floor == PACKAGE or ((floor / one).is_dir() and (floor / other).is_dir()))
            ):
                arrows.add((floor.relative_to(PACKAGE), one, other))
    assert len(arrows) <= MOST_ARROWS, sorted(arrows)


def test_compiled_loops_live_where_the_compiler_may_be_imported() -> None:
    for module in modules_of(PACKAGE):
        if not module.relative_to(PACKAGE).as_posix().startswith(LIVES_IN["numba"]):
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
