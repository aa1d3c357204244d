"""What the package says that it needs is what it imports: a plain install can run everything that it offers."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "service" / "wirecopy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FOR_DEVELOPERS = {"dev", "bench", "browser", "docs"}


def name_of(requirement: str) -> str:
    """The name of a distribution as the index writes it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\s<>=!~;\[]", requirement, maxsplit=1)[0]).lower()


REQUIRED = {name_of(requirement) for requirement in PROJECT["dependencies"]}
EXTRA = {
    name_of(requirement)
    for group, requirements in PROJECT["optional-dependencies"].items()
    if group not in FOR_DEVELOPERS
    for requirement in requirements
}


def imports() -> dict[str, set[tuple[Path, bool]]]:
    """Library -> the files that import it, and whether they do when they are loaded. Not those for the type checker."""
    found: dict[str, set[tuple[Path, bool]]] = defaultdict(set)
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_bytes())
        at_once = {id(node) for node in tree.body}
        skipped: set[int] = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                skipped |= {id(inner) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            if id(node) in skipped:
                continue
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for name in names:
                library = name.partition(".")[0]
                if library not in sys.stdlib_module_names and library != "wirecopy":
                    found[library].add((file.relative_to(PACKAGE), id(node) in at_once))
    return found


IMPORTS = imports()


@pytest.fixture(scope="module")
def distributions() -> dict[str, set[str]]:
    """Library -> the installed distributions that bring it."""
    return {library: {name_of(one) for one in names} for library, names in packages_distributions().items()}


@pytest.mark.parametrize("library", sorted(IMPORTS))
def test_every_library_that_is_imported_is_declared(library: str, distributions: dict[str, set[str]]) -> None:
    names = distributions.get(library, {name_of(library)})
    for file, at_once in IMPORTS[library]:
        if names & REQUIRED:
            continue
        assert names & EXTRA, f"{file} imports {library}, which pyproject.toml does not declare"
        owner = file.stem if file.parent == Path() else f"{file.parent}/{file.stem}"
        assert not at_once or owner in OF_AN_EXTRA, f"{file} imports {library} of an extra at once, which not all have"


# Files that nobody loads who has not the extra.
OF_AN_EXTRA: set[str] = {
    *(f"client/connectors/{name}" for name in ("kafka", "nats", "rabbitmq", "redis_streams")),
    *(f"spark/{file.stem}" for file in (PACKAGE / "spark").glob("*.py") if file.stem != "__init__"),
}


def test_every_declared_library_is_imported(distributions: dict[str, set[str]]) -> None:
    used = set[str]().union(*(distributions.get(library, {name_of(library)}) for library in IMPORTS))
    assert REQUIRED - used == set()


def test_the_compiler_whose_private_names_are_used_has_an_upper_bound() -> None:
    (numba,) = (one for one in PROJECT["dependencies"] if name_of(one) == "numba")
    assert re.search(r",<0\.\d+$", numba)
