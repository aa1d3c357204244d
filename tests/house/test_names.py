"""What comments and docstrings name is there: a name that is gone leads a reader astray."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "service" / "wirecopy"
MODULES = [module for folder in (PACKAGE, ROOT / "bench", ROOT / "tests") for module in sorted(folder.rglob("*.py"))]
OTHERS = [ROOT / "config.yaml", ROOT / "pyproject.toml", *PACKAGE.rglob("*.html"), *PACKAGE.rglob("*.js")]
OF_OTHERS = {"whsec_"}  # how secrets of Standard Webhooks begin
_QUOTED = re.compile(r"`([A-Za-z_][\w./]*)(?:\(\))?`")  # a name, or names behind each other: `module.name`
_DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def docstrings_of(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the docstrings of a module and of all that it defines."""
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node) is not None:
            opening = node.body[0]
            assert isinstance(opening, ast.Expr)
            assert isinstance(opening.value, ast.Constant)
            yield opening.value


def told_in(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each docstring and comment."""
    for docstring in docstrings_of(ast.parse(source)):
        yield docstring.lineno, str(docstring.value)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def names_in(source: str) -> set[str]:
    """Return every name that a module uses or makes, and every word of its strings that are no docstrings."""
    tree, found = ast.parse(source), set[str]()
    docstrings = {id(docstring) for docstring in docstrings_of(tree)}
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.keyword(arg=str(name)):
                found.add(name)
            case ast.alias(name=name):
                found.update(name.split("."))
            case ast.Constant(value=str(text)) if id(node) not in docstrings:
                found.update(re.findall(r"\w+", text))
    return found


SOURCES = {module: module.read_text(encoding="utf-8") for module in MODULES}
NAMES = {module: names_in(source) for module, source in SOURCES.items()}
KNOWN = set().union(
    *NAMES.values(),
    *(module.relative_to(ROOT).with_suffix("").parts for module in MODULES),
    *(re.findall(r"\w+", file.read_text(encoding="utf-8")) for file in OTHERS),
)
# A room, a file or a folder, by its name -> what may stand behind it and a dot or a stroke.
INSIDE: dict[str, set[str]] = {}
for _module in MODULES:
    _way = _module.relative_to(ROOT).with_suffix("").parts
    for _room, _inside in pairwise(_way[:-1] if _module.stem == "__init__" else _way):
        INSIDE.setdefault(_room, set()).add(_inside)
    if _module.is_relative_to(PACKAGE):
        INSIDE.setdefault(_module.parent.name if _module.stem == "__init__" else _module.stem, set()).update(
            NAMES[_module]
        )
SETTINGS = NAMES[PACKAGE / "config.py"]  # whose sections bear the names of rooms


def lost_in(quoted: str) -> bool:
    """Return whether a name, or one behind that of a room or a file, is nowhere."""
    if quoted in OF_OTHERS or (ROOT / quoted).exists():
        return False
    parts = [part for part in re.split(r"[./]", quoted) if part and part != "py"]
    if any(part not in KNOWN for part in parts):
        return True
    behind = [(room, name) for room, name in pairwise(parts) if room in INSIDE and room != "wirecopy"]
    return any(name not in INSIDE[room] | SETTINGS for room, name in behind)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(ROOT)))
def test_what_a_comment_or_a_docstring_names_is_there(module: Path) -> None:
    told = told_in(SOURCES[module])
    assert [(line, quoted) for line, text in told for quoted in _QUOTED.findall(text) if lost_in(quoted)] == []


@pytest.mark.parametrize("gone", ["kernels.sketch", "storage.Shelf", "detection/lsh.py"])
def test_a_name_that_is_gone_is_seen(gone: str) -> None:
    assert lost_in(gone)


@pytest.mark.parametrize("there", ["Store.append", "storage.Store", "kernels/postings.py", "keys.sketch", "min_odds"])
def test_a_name_that_is_there_is_no_mistake(there: str) -> None:
    assert not lost_in(there)
