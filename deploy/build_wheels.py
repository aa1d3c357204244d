"""Build the wheels: one for every machine, and one with compiled kernels for this kind of machine and this Python.

    python deploy/build_wheels.py [FOLDER]     default: dist

The second is the first with the kernels in it. They are bound to the versions of numba and Python that compiled them;
with others they are not used, and wirecopy compiles its own, as it does from the first wheel. pip takes the second
where it fits. Run with the interpreter of an environment that has wirecopy's dependencies, and `wheel`.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
# No file of the wheel is linked to a C library: the kernels are loaded by numba, whose own wheel has this tag.
PLATFORMS = {
    "x86_64": ("manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "aarch64": ("manylinux_2_17_aarch64", "manylinux2014_aarch64"),
}


def run(*command: str, **environment: str) -> None:
    """Run a Python module; what it prints is shown only when it fails."""
    done = subprocess.run(
        [sys.executable, "-m", *command], env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")


def build(folder: Path) -> None:
    """Put both wheels into `folder`, in the place of older ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("wirecopy-*.whl"):
        old.unlink()
    run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (plain,) = folder.glob("wirecopy-*.whl")
    if platform.system() == "Linux" and platform.machine() in PLATFORMS:
        with tempfile.TemporaryDirectory() as work:
            run("wheel", "unpack", "--dest", work, str(plain))
            (unpacked,) = Path(work).iterdir()
            run("wirecopy", "warm-up", "--baseline", PYTHONPATH=str(unpacked), PYTHONDONTWRITEBYTECODE="1")
            tag(next(unpacked.glob("*.dist-info")) / "WHEEL")
            run("wheel", "pack", "--dest-dir", str(folder), str(unpacked))


def tag(file: Path) -> None:
    """Say in a wheel's WHEEL that it is for this Python on this kind of machine."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    tags = "".join(f"Tag: {python}-none-{name}\n" for name in PLATFORMS[platform.machine()])
    text = re.sub(r"^Tag: .*\n", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = text.replace("Root-Is-Purelib: true", "Root-Is-Purelib: false").rstrip("\n")
    file.write_text(f"{text}\n{tags}", encoding="utf-8")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "dist")
    build(target)
    for wheel in sorted(target.glob("wirecopy-*.whl")):
        print(f"{wheel}  {wheel.stat().st_size:,} bytes")
