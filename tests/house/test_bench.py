"""What measures the package uses it as anybody may: by names that are not private."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "service" / "wirecopy"
PROGRAMS = sorted((ROOT / "bench").glob("*.py"))
OF_NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}  # public, whatever they look like


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in OF_NAMED_TUPLES


def private_names_made_in(module: ast.Module) -> Iterator[str]:
    """Yield the private names that a module makes: definitions, variables, attributes, fields."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            name = node.attr
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        else:
            continue
        if _is_private(name):
            yield name


def private_names_used_in(module: ast.Module) -> Iterator[str]:
    """Yield the private names by which a module reaches into something else: attributes, imports, `getattr`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            yield node.attr
        elif isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from filter(_is_private, names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_private(node.value):
            yield node.value


OF_THE_PACKAGE = {
    name for file in PACKAGE.rglob("*.py") for name in private_names_made_in(ast.parse(file.read_bytes()))
}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_program_of_bench_uses_no_private_name_of_the_package(program: Path) -> None:
    tree = ast.parse(program.read_bytes())
    its_own = set(private_names_made_in(tree))
    assert sorted({name for name in private_names_used_in(tree) if name in OF_THE_PACKAGE - its_own}) == []


def test_reaching_into_an_object_of_the_package_is_seen() -> None:
    tree = ast.parse("from wirecopy.detector.state import _x\ndetector._state.stories\ngetattr(detector, '_archive')")
    assert set(private_names_used_in(tree)) == {"_x", "_state", "_archive"}
    assert {"_state", "_archive"} <= OF_THE_PACKAGE
