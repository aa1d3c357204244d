"""Result files: what was measured, on which machine, with which versions and configuration, as JSON.

A result says nothing about the machine beyond what changes the figures: no names, no paths.
"""

import os
import platform
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click
import msgspec

RESULTS = Path(__file__).parent / "results"
SIGNIFICANT_DECIMALS = 4


def describe_run(packages: Sequence[str], configuration: dict[str, Any], seed: int | None) -> dict[str, Any]:
    """Return what a reader needs to repeat a measurement: date, commit, machine, versions, configuration, seed."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "versions": {"python": platform.python_version(), **versions(packages)},
        "configuration": configuration,
        "seed": seed,
    }


def commit() -> str:
    """Return the checked-out commit, with "+changes" behind it when tracked files differ; "unknown" without git."""
    folder = Path(__file__).parent
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--untracked-files=no", "--", "../service", ".")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{head}+changes" if changed else head


def machine() -> dict[str, Any]:
    """Return the processor, the cores this process may use, the memory in GB and the operating system."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory_bytes / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Return the installed version of each package; those that are not installed are left out."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def write_result(path: Path, result: dict[str, Any]) -> None:
    """Write a result so that two runs differ only in the lines that changed: rounded, list entries on lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = [f"{_json(key)}: {_lines(value)}" for key, value in rounded(result).items()]
    path.write_text("{\n" + ",\n".join(fields) + "\n}\n", encoding="utf-8")


def report(result: dict[str, Any], table: Callable[[dict[str, Any]], str], output: Path | None) -> None:
    """Print the table of a result, and write the result where it is wanted."""
    result = rounded(result)
    click.echo(table(result))
    if output:
        write_result(output, result)


def read_result(path: Path) -> dict[str, Any]:
    """Return a result file's content."""
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])


def rounded(value: Any) -> Any:
    """Return the value as plain JSON types with every float rounded to four decimals."""
    return _round(msgspec.to_builtins(value))


def _round(value: Any) -> Any:
    match value:
        case float():
            return round(value, SIGNIFICANT_DECIMALS)
        case dict():
            return {key: _round(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_round(entry) for entry in value]
        case _:
            return value


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _lines(value: Any) -> str:
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(map(_json, value)) + "\n]"
    return _json(value)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
