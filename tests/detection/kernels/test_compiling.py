"""Compiled kernels are kept by what they were made of, wherever there is room, never older than their source."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests import compiled
from wirecopy.detection.kernels import cache, compiling
from wirecopy.detection.kernels.cache import Cache, CompilerTarget

ROOT = Path(__file__).parent.parent.parent.parent
OWN = CompilerTarget("x86_64-unknown-linux-gnu", "new", "+avx512f")
OLDER = CompilerTarget("x86_64-unknown-linux-gnu", "old", "")
SOURCES = b"\n@njit(a)\n@njit(b)\n"

needs_compiler = pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT", "0") != "0", reason="nothing is compiled")

# Two kernels in two files of a copy of the package; the second one's constant is the first one's.
FIRST = """
from numba import int64
from wirecopy.detection.kernels.compiling import njit
ADDED = 1
@njit(int64(int64))
def one(value):
    return value + ADDED
"""
SECOND = """
from numba import int64
from wirecopy.detection.kernels.compiling import njit
from wirecopy.detection.kernels.first import ADDED, one
@njit(int64(int64))
def two(value):
    return one(value) * 10 + ADDED
"""
RUN = """
from wirecopy.detection.kernels.second import two
from wirecopy.detection.kernels.compiling import kernels_of_this_process
kernels = kernels_of_this_process()
print(two(4), kernels.compiled, kernels.folder)
"""


@pytest.fixture(autouse=True)
def wishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> cache.Wishes:
    """What a program may ask for, and folders of the test's own in place of the user's."""
    monkeypatch.setattr(cache, "wishes", cache.Wishes())
    monkeypatch.setattr(cache, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(tempfile, "tempdir", str(make(tmp_path / "temporary")))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(make(tmp_path / "home")))
    return cache.wishes


def make(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package with two small kernels only."""
    copy = tmp_path / "copy" / "wirecopy"
    kernels = copy / "detection" / "kernels"
    make(kernels)
    for file in ("cache.py", "compiling.py", "__init__.py"):
        shutil.copy(cache.PACKAGE / file, kernels)
    shutil.copy(cache.PACKAGE.parent.parent / "errors.py", copy)
    for folder in (copy, copy / "detection"):
        (folder / "__init__.py").touch()
    (kernels / "first.py").write_text(FIRST, encoding="utf-8")
    (kernels / "second.py").write_text(SECOND, encoding="utf-8")
    return copy


def run(package: Path, code: str = RUN, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**kept, "PYTHONPATH": str(package.parent), "TMPDIR": tempfile.gettempdir(), **environment},
    )


def found(done: subprocess.CompletedProcess[str]) -> tuple[int, int, str]:
    """What RUN printed: the kernels' answer, how many were compiled, and where they are kept."""
    assert done.returncode == 0, done.stderr
    answer, count, folder = done.stdout.split()
    return int(answer), int(count), folder


@needs_compiler
def test_an_edit_in_one_file_compiles_the_kernels_of_the_others_anew(package: Path) -> None:
    assert found(run(package))[:2] == (51, 2)
    assert found(run(package))[:2] == (51, 0)
    first = package / "detection" / "kernels" / "first.py"
    first.write_text(FIRST.replace("ADDED = 1", "ADDED = 30"), encoding="utf-8")
    assert found(run(package))[:2] == (370, 2)


@needs_compiler
def test_a_damaged_file_of_the_cache_is_compiled_anew_and_a_changed_processor_too(package: Path) -> None:
    folder = Path(found(run(package))[2])
    for damage in (b"", b"\0" * 9, None):
        file = next(folder.glob("second.two-*"))
        file.write_bytes(file.read_bytes()[:100] if damage is None else damage)
        assert found(run(package))[:2] == (51, 1)
    generic = found(run(package, NUMBA_CPU_NAME="generic"))
    assert generic[:2] == (51, 2)
    assert generic[2] != str(folder)


@needs_compiler
def test_two_processes_that_compile_at_once_both_answer_and_leave_whole_files(package: Path) -> None:
    command = [sys.executable, "-c", RUN]
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
    printed = [process.communicate(timeout=120)[0].split() for process in both]
    assert [words[0] for words in printed] == ["51", "51"]
    folder = Path(printed[0][2])
    assert sorted(re.sub(r"-\d+", "", file.name) for file in folder.iterdir()) == [
        "first.one.kernel",
        "second.two.kernel",
    ]
    assert found(run(package))[:2] == (51, 0)


@needs_compiler
def test_a_full_disk_leaves_the_kernels_in_memory_without_a_traceback(package: Path) -> None:
    full = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
    done = run(package, full + RUN + "print(kernels.trouble)")
    answer, count, folder, *trouble = done.stdout.split()
    assert (answer, count, folder) == ("51", "2", "None")
    assert " ".join(trouble).endswith(": file too large")
    assert "Traceback" not in done.stderr
    assert not list(Path(os.environ["HOME"]).rglob("*.kernel*"))


@needs_compiler
def test_the_library_says_once_that_it_compiles_and_only_when_it_does(package: Path) -> None:
    told = run(package).stderr
    assert re.fullmatch(r"wirecopy is compiling kernels for this processor \(.+\), 2 of 2: .+ kept in .+\n", told), told
    assert run(package).stderr == ""


@needs_compiler
def test_nobody_at_home_and_no_known_user_means_the_temporary_folder(package: Path) -> None:
    for home in ("", "/nonexistent"):
        _, _, folder = found(run(package, HOME=home))
        assert Path(folder).parent == Path(tempfile.gettempdir()) / f"wirecopy-{os.getuid()}"


def test_the_places_are_tried_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert next(cache.candidates(None)) == tmp_path / "home" / ".cache" / "wirecopy"
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setenv("NUMBA_CACHE_DIR", "/n")
    places = list(cache.candidates(make(tmp_path / "data")))
    assert places == [
        Path("/n/wirecopy"),
        Path("/x/wirecopy"),
        tmp_path / "home" / ".cache" / "wirecopy",
        tmp_path / "data" / "wirecopy.kernels",
        tmp_path / "temporary" / f"wirecopy-{os.getuid()}",
    ]


def unusable(place: Path) -> None:
    """A file where a folder should be: nobody, not even root, can make files there."""
    make(place.parent)
    place.touch()


def test_what_cannot_be_written_falls_back_to_the_data_folder_the_temporary_one_and_memory(
    tmp_path: Path, wishes: cache.Wishes
) -> None:
    wishes.data = make(tmp_path / "data")
    unusable(tmp_path / "home" / ".cache")
    assert folder_of(Cache(SOURCES, OWN, None)) == tmp_path / "data" / "wirecopy.kernels"
    (tmp_path / "data" / "wirecopy.kernels").rmdir()
    unusable(tmp_path / "data" / "wirecopy.kernels")
    assert folder_of(Cache(SOURCES, OWN, None)) == tmp_path / "temporary" / f"wirecopy-{os.getuid()}"
    (tmp_path / "temporary" / f"wirecopy-{os.getuid()}").rmdir()
    unusable(tmp_path / "temporary" / f"wirecopy-{os.getuid()}")
    kernels = Cache(SOURCES, OWN, None)
    kernels.keep("a", b"code")
    assert kernels.folder is None
    assert kernels.trouble is None


def folder_of(kernels: Cache) -> Path:
    assert kernels.folder is not None
    return kernels.folder.parent


def test_a_temporary_folder_that_others_can_write_to_is_never_used(tmp_path: Path) -> None:
    place = make(tmp_path / "temporary" / f"wirecopy-{os.getuid()}")
    unusable(tmp_path / "home" / ".cache")
    place.chmod(0o777)
    assert Cache(SOURCES, OWN, None).folder is None
    place.rmdir()
    place.symlink_to(make(tmp_path / "of somebody else"))
    assert Cache(SOURCES, OWN, None).folder is None


def test_what_is_kept_is_readable_by_its_owner_only_through_its_folder(tmp_path: Path) -> None:
    kernels = Cache(SOURCES, OWN, None)
    kernels.keep("a", b"code")
    assert stat.S_IMODE(folder_of(kernels).stat().st_mode) == 0o700


def test_shipped_kernels_serve_until_there_are_some_for_this_very_processor(tmp_path: Path) -> None:
    cache.wishes.into = tmp_path / "shipped"
    Cache(SOURCES, OLDER, None).keep("a", b"older")
    cache.wishes.into = None
    kernels = Cache(SOURCES, OWN, OLDER)
    assert (kernels.load("a"), kernels.from_baseline) == (b"older", 1)
    cache.wishes.is_native_only = True
    native = Cache(SOURCES, OWN, OLDER)
    assert native.load("a") is None
    native.keep("a", b"own")
    cache.wishes.is_native_only = False
    kernels = Cache(SOURCES, OWN, OLDER)
    assert (kernels.load("a"), kernels.from_baseline) == (b"own", 0)
    assert Cache(SOURCES, OWN, None).load("b") is None
    assert Cache(SOURCES + b"#", OWN, OLDER).load("a") is None


def test_only_the_folders_that_were_used_last_are_kept(tmp_path: Path) -> None:
    place = tmp_path / "home" / ".cache" / "wirecopy"
    for number in range(20):
        kernels = Cache(SOURCES + b"%d" % number, OWN, None)
        kernels.keep("a", b"code")
        assert kernels.folder is not None
        os.utime(kernels.folder, (number, number))
    (place / "not ours").mkdir()
    Cache(SOURCES + b"19", OWN, None)
    assert len([folder for folder in place.iterdir() if folder.name != "not ours"]) == 16
    assert cache.stamp_of(SOURCES + b"19", OWN) in {folder.name for folder in place.iterdir()}
    assert (place / "not ours").is_dir()


@needs_compiler
def test_every_kernel_is_kept_under_a_name_of_its_own_and_counted() -> None:
    names = [kernel._cache._name for kernel in all_kernels()]
    assert len(set(names)) == len(names) == cache.read_sources().count(b"\n@njit(")


def all_kernels() -> list[Any]:
    from wirecopy.detection.kernels import minhash

    modules = [*compiled.FILES.values(), minhash]
    found = {id(value): value for module in modules for value in vars(module).values() if hasattr(value, "py_func")}
    return list(found.values())


def test_kernels_are_compiled_by_our_border_only() -> None:
    for file in cache.PACKAGE.glob("*.py"):
        source = file.read_text(encoding="utf-8")
        assert file.name == "compiling.py" or not re.search(r"from numba import.*\bn?jit\b|numba\.n?jit", source), file
        assert "cache=True" not in source, f"{file}: numba's own cache looks at one file only"
        assert "fastmath" not in source, f"{file}: results would depend on the processor"


@needs_compiler
def test_a_kernel_that_counts_no_references_makes_and_returns_no_array() -> None:
    """`_nrt=False` drops reference counts: an array that such a kernel made would never be freed."""
    borrowing = [kernel for kernel in all_kernels() if kernel.targetoptions.get("_nrt") is False]
    assert len(borrowing) > 30
    for kernel in borrowing:
        (overload,) = kernel.overloads.values()
        assert "array(" not in str(overload.signature.return_type), f"{kernel} returns an array"
        code = str(overload.library._get_module_for_linking())
        assert "NRT_" not in code, f"{kernel} makes an array, or calls a kernel that does"


@needs_compiler
def test_the_check_for_arrays_sees_one() -> None:
    made = compiled.draft_for  # a kernel that makes arrays
    (overload,) = made.overloads.values()
    assert "NRT_" in str(overload.library._get_module_for_linking())


def test_the_names_that_numba_does_not_offer_to_others_are_there() -> None:
    from numba import njit
    from numba.core.caching import _Cache
    from numba.core.compiler import CompileResult

    assert hasattr(njit(lambda: 1), "_cache") or os.environ.get("NUMBA_DISABLE_JIT", "0") != "0"
    assert {"load_overload", "save_overload", "enable", "disable", "flush", "cache_path"} >= _Cache.__abstractmethods__
    assert callable(CompileResult._reduce)
    assert callable(CompileResult._rebuild)
    assert len(compiling.own_target()) == 3


def test_kernels_that_lie_in_a_later_place_are_read_from_there(wishes: cache.Wishes, tmp_path: Path) -> None:
    """As of a command that ran without a data folder, before a service that has one and no home."""
    shutil.rmtree(tmp_path / "home")
    temporary = Cache(SOURCES, OWN, None)
    temporary.keep("a", b"code of a")
    wishes.data = make(tmp_path / "data")
    kernels = Cache(SOURCES, OWN, None)
    assert kernels.load("a") == b"code of a"
    assert kernels.folder is not None
    assert kernels.folder.is_relative_to(wishes.data)
    assert kernels.load("b") is None
